//! The cases of each function, by module.

mod agent;
mod data;
mod devices;
mod events;
mod ic;
mod messages;
mod small;

pub use agent::{RECORDS, SERVICES, alone, together};
pub use devices::{DEVICES, TAPE};
pub use messages::LINE;

use crate::Script;
use crate::common;
use crate::setting::Setting;
use sci::guest::{FUNCTIONS, MODULES, SpaceType};

/// What a guest of a type does that runs in a setting. Where it is alone it has no type, and calls everything.
pub fn cases(setting: Setting, kind: Option<SpaceType>) -> Script<'static> {
    let mut script = Script::default();
    // The first message is taken first: until then there is none that anything could be said of.
    for module in
        ["net", "mem", "sys", "z", "node", "events", "sensors", "actuators", "audio", "ic", "agent", "data"]
    {
        let of_type =
            |kind: &SpaceType| MODULES.iter().any(|one| one.name == module && one.types.contains(kind));
        if kind.as_ref().is_none_or(of_type) {
            of_module(&mut script, module, setting, kind);
        }
    }
    script
}

fn of_module(script: &mut Script<'static>, module: &str, setting: Setting, kind: Option<SpaceType>) {
    // What several types may use is shown in full by one of them, which is IO where it may; the others show that they may.
    let of_io = MODULES.iter().any(|one| one.name == module && one.types.contains(&SpaceType::Io));
    let is_brief = of_io && kind.is_some_and(|kind| kind != SpaceType::Io);
    if is_brief {
        return small::brief(script, module);
    }
    match module {
        "sys" => messages::sys(script),
        "net" => messages::net(script, setting),
        "data" => data::data(script, setting),
        "agent" => agent::agent(script, setting, kind),
        "events" => events::events(script, setting),
        "ic" => ic::ic(script, setting),
        "sensors" => devices::sensors(script, setting),
        "actuators" => devices::actuators(script, setting),
        "audio" => devices::audio(script),
        "node" => small::node(script),
        "mem" => small::mem(script),
        "z" => small::z(script),
        _ => panic!("the module `{module}` has no cases"),
    }
    for function in FUNCTIONS.iter().filter(|function| function.module == module) {
        common::served(script, function);
    }
}
