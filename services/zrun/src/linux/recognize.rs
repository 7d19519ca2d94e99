//! A module that recognizes: it looks at one reading after another, and has no imports.

use super::bind::shape;
use super::run::RunError;
use crate::lifecycle::{LOOK, ROOM, judge_recognizer};
use crate::remote::Channel;
use sci::guest::MEMORY_EXPORT;
use sci::limits::guest::MESSAGE_BYTES_MAX;
use space_host::machine::Interrupter;
use space_host::{Error, Function, Instance, Memory, Module, Store, Trap, Value};

/// Units of fuel for a reading, and for what comes before the first one.
const FUEL: u64 = 1_000_000;
/// Bytes that its memory may have.
const MEMORY_BYTES: u64 = 4 << 20;
/// The first byte of what is said of a reading that is an event; its payload follows. Of another one, nothing is said.
const IS_EVENT: u8 = 1;

/// The payload of the event that a reading is, by what its recognizer says.
pub fn event_of(said: &[u8]) -> Option<&[u8]> {
    said.split_first().filter(|(first, _)| **first == IS_EVENT).map(|(_, payload)| payload)
}

/// What a reading is told with, and looked at.
struct Program {
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
    let program = Program::of(&instance).ok_or_else(|| trap("the exports are not those of a recognizer"))?;
    let mut said = Vec::new();
    while let Ok(reading) = way.call(&said) {
        instance.set_fuel(FUEL);
        said = program.look(&reading)?;
    }
    Ok(())
}

impl Program {
    fn of(instance: &Instance) -> Option<Self> {
        let (room, look) = (instance.function(ROOM)?, instance.function(LOOK)?);
        Some(Self { memory: instance.memory(MEMORY_EXPORT)?, room, look })
    }

    fn look(&self, reading: &[u8]) -> Result<Vec<u8>, RunError> {
        let bytes = reading.len() as i32;
        let [Value::I32(at)] = self.room.call(&[Value::I32(bytes)]).map_err(Error::from)?[..] else {
            return Err(trap("`room` answers no address"));
        };
        let is_there = self.memory.write(u64::from(at as u32), reading);
        is_there.ok_or_else(|| trap("`room` answers an address beyond the memory"))?;
        let event = match self.look.call(&[Value::I32(at), Value::I32(bytes)]).map_err(Error::from)?[..] {
            [Value::I64(0)] => return Ok(Vec::new()),
            [Value::I64(event)] => event as u64,
            _ => return Err(trap("`on_reading` answers no event")),
        };
        let (at, bytes) = (event >> 32, event as u32);
        if bytes > MESSAGE_BYTES_MAX {
            return Err(trap("`on_reading` answers more than an event may have"));
        }
        let mut said = vec![IS_EVENT; 1 + bytes as usize];
        let is_there = self.memory.read(at, &mut said[1..]);
        is_there.ok_or_else(|| trap("`on_reading` answers an event beyond the memory"))?;
        Ok(said)
    }
}

fn trap(says: &str) -> RunError {
    RunError::Host(Trap::Host(says.to_owned()).into())
}
