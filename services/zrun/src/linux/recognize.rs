//! A module that recognizes: it looks at one reading after another, and has no imports.

use super::bind::shape;
use super::run::RunError;
use crate::events::{FUEL, Looks, MEMORY_BYTES, Misanswer, look};
use crate::lifecycle::{LOOK, ROOM, judge_recognizer};
use crate::remote::Channel;
use sci::guest::MEMORY_EXPORT;
use space_host::machine::Interrupter;
use space_host::{Error, Function, Instance, Memory, Module, Store, Trap, Value};

/// The first byte of what is said of a reading that is an event; its payload follows. Of another one, nothing is said.
const IS_EVENT: u8 = 1;

/// How long it rests after a reading, in times of what that took: sixteen of a space have one processor together.
const REST: u64 = 15;

/// The payload of the event that a reading is, by what its recognizer says.
pub fn event_of(said: &[u8]) -> Option<&[u8]> {
    said.split_first().filter(|(first, _)| **first == IS_EVENT).map(|(_, payload)| payload)
}

/// What a reading is told with, and looked at.
struct Native {
    memory: Memory,
    room: Function,
    look: Function,
}

/// Says of each reading what the module makes of it, and gets the next one for that, until there are no more.
pub(super) fn recognize(
    module: &Module,
    way: &mut impl Channel,
    made: impl FnOnce(Interrupter),
) -> Result<(), RunError> {
    judge_recognizer(module.exports().map(|(name, ty)| (name, shape(&ty))))?;
    let store = Store::new()?;
    store.set_limits(None, Some(MEMORY_BYTES), Some(FUEL));
    let instance = Instance::new(&store, module, &[])?;
    made(instance.interrupter());
    let mut native =
        Native::of(&instance).ok_or_else(|| trap("the exports are not those of a recognizer".to_owned()))?;
    let mut said = Vec::new();
    while let Ok(reading) = way.call(&said) {
        let began = way.monotonic();
        instance.set_fuel(FUEL);
        let event = look(&mut native, &reading)?;
        let took = way.monotonic().saturating_sub(began);
        if !way.sleep(took.saturating_mul(REST)) {
            break;
        }
        said = event.map_or_else(Vec::new, |payload| [&[IS_EVENT], payload.as_slice()].concat());
    }
    Ok(())
}

impl Native {
    fn of(instance: &Instance) -> Option<Self> {
        let (room, look) = (instance.function(ROOM)?, instance.function(LOOK)?);
        Some(Self { memory: instance.memory(MEMORY_EXPORT)?, room, look })
    }
}

impl Looks for Native {
    type Error = RunError;

    fn room(&mut self, bytes: u32) -> Result<u32, RunError> {
        match self.room.call(&[Value::I32(bytes as i32)]).map_err(Error::from)?[..] {
            [Value::I32(at)] => Ok(at as u32),
            _ => Err(trap("`room` answers no address".to_owned())),
        }
    }

    fn look(&mut self, at: u32, bytes: u32) -> Result<u64, RunError> {
        match self.look.call(&[Value::I32(at as i32), Value::I32(bytes as i32)]).map_err(Error::from)?[..] {
            [Value::I64(event)] => Ok(event as u64),
            _ => Err(trap("`on_reading` answers no event".to_owned())),
        }
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> bool {
        self.memory.write(at, bytes).is_some()
    }

    fn read(&mut self, at: u64, bytes: &mut [u8]) -> bool {
        self.memory.read(at, bytes).is_some()
    }
}

impl From<Misanswer> for RunError {
    fn from(answer: Misanswer) -> Self {
        trap(answer.to_string())
    }
}

fn trap(says: String) -> RunError {
    RunError::Host(Trap::Host(says).into())
}
