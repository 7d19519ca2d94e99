//! A machine for a guest that uses everything: replayed devices, recorded agents, and a clock that runs by its calls, so
//! that nothing depends on time.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sci::digest::sha256;
use sci::guest::{ErrorCode, GuestCapability};
use sci::sign::public_key;
use services_zrun::linux::{
    BackEnds, Description, Exchange, Inbox, Limits, RunError, Settings, run_with_back_ends,
};
use services_zrun::{Agents, Audio, InMemory, Kind};
use space_host::Module;
use tests_conformance::host::grants;
use tests_conformance::image::{SEED, compile};

/// The guest's number and name among the spaces of its machine.
const ALONE: u32 = 0;
const NAME: &str = "guest";
/// Bytes of keys and values.
const VALUES_BYTES: u64 = 16 << 20;
/// Bytes that a guest's memories may grow to.
const MEMORY_BYTES: u64 = 512 << 20;
/// How long a guest may take before it is taken for lost.
const OVERDUE: Duration = Duration::from_mins(5);
/// The line after which the oven measures, and when it does: `library/devices/oven.jsonl`.
const MARK: &str = "event: done brings well";
const OVEN: u64 = 1_000_000;

/// What a module names that reads sensors.
const SENSORS: &[u8] = b"sensors";

/// A function, a selector, and a model that counts.
#[derive(Default)]
struct Recorded(u32);

impl Agents for Recorded {
    fn invoke(&mut self, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        match (kind, name) {
            (Kind::Function, "large") => {
                let bytes = str::from_utf8(input).ok().and_then(|bytes| bytes.parse::<usize>().ok());
                let bytes = bytes.ok_or(ErrorCode::Malformed)?;
                Ok((0..bytes).map(|at| (at * 7 + 3) as u8).collect())
            }
            (Kind::Selector, "triage") => Ok(b"20".to_vec()),
            (Kind::Model, "small") => {
                self.0 += 1;
                Ok(format!("Good day {}.", self.0).into_bytes())
            }
            _ => Err(ErrorCode::NotFound),
        }
    }
}

fn back_ends(clock: &Arc<AtomicU64>) -> BackEnds {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("library/devices");
    let text = std::fs::read_to_string(folder.join("devices.json")).expect("it is there");
    let time = || {
        let clock = Arc::clone(clock);
        Box::new(move || clock.fetch_add(1, Ordering::Relaxed))
    };
    let description = Description::read(&text).expect("the devices are described");
    let (rack, _) = description.start(&folder, time()).expect("the devices are there");
    let sounds = description.sounds(&folder).expect("there is silence").expect("it is described");
    let inbox = Inbox::new(Some(rack.clone()));
    let events = Exchange::new(Some(rack.clone()), inbox.post()).for_space(ALONE, NAME, None, None);
    let sound = sounds.for_space(time(), NAME).expect("nothing is opened");
    BackEnds {
        devices: Some(Box::new(rack.for_space(ALONE, None))),
        audio: Some(Box::new(sound) as Box<dyn Audio>),
        events: Some(Box::new(events)),
        inbox: Some(inbox),
        agents: Some(Box::new(Recorded::default())),
        ..BackEnds::default()
    }
}

/// How a guest ends on this machine that may do everything, and the lines of its log.
pub fn run(module: &[u8]) -> (Result<(), RunError>, Vec<String>) {
    // A guest without devices would wait for what they measure.
    let has_devices = module.windows(SENSORS.len()).any(|part| part == SENSORS);
    let image = compile(module).expect("the module is one");
    let module = Module::load(&image, &[public_key(&SEED)]).expect("the image is signed");
    let clock = Arc::new(AtomicU64::new(0));
    let lines = Rc::new(RefCell::new(Vec::new()));
    let (log, time) = (Rc::clone(&lines), Arc::clone(&clock));
    let settings = Settings {
        name: NAME.to_owned(),
        grants: grants(GuestCapability::ALL),
        arguments: Vec::new(),
        environment: Vec::new(),
        seed: 0,
        log: Box::new(move |line| {
            if line == MARK {
                time.fetch_max(OVEN, Ordering::Relaxed);
            }
            log.borrow_mut().push(line.to_owned());
        }),
        values: Box::new(InMemory::new(VALUES_BYTES)),
        limits: Limits { memory_bytes: Some(MEMORY_BYTES), time: Some(OVERDUE), ..Limits::default() },
        profile: None,
    };
    let back_ends = if has_devices { back_ends(&clock) } else { BackEnds::default() };
    let result = run_with_back_ends(&module, settings, back_ends);
    let said = lines.take();
    (result, said)
}

/// Holds what a guest prints against what it is to print.
#[track_caller]
pub fn prints(who: &str, module: &[u8], expected: &str) {
    let (result, said) = run(module);
    assert!(result.is_ok(), "{who}: {result:?}: {said:#?}");
    let first = said.iter().map(String::as_str).zip(expected.lines()).find(|(said, line)| said != line);
    assert!(first.is_none(), "{who}: {first:?}");
    assert_eq!(said.len(), expected.lines().count(), "{who}: {said:#?}");
}

/// A file's sum, as `sha256sum` writes it.
pub fn sum(bytes: &[u8]) -> String {
    sha256(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
