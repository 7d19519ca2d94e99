//! The functions of the Guest ABI that a host may lack: each asks the world for the part that serves it.

use crate::agents::Kind;
use crate::memory::{GuestMemory, by_index, bytes, give, unsigned};
use crate::space::{Space, milliseconds, name, text};
use crate::world::World;
use alloc::vec::Vec;
use sci::guest::{ErrorCode, Function, number};
use sci::limits::guest as limits;

/// A part of the world that must be there.
pub(crate) fn there<T>(part: Option<T>) -> Result<T, ErrorCode> {
    part.ok_or(ErrorCode::Unsupported)
}

impl Space {
    /// Serves a function that a host may lack.
    pub(crate) fn serve_optional(
        &mut self,
        function: &Function,
        arguments: &[i32],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, ErrorCode> {
        let argument = by_index(arguments);
        let named = |memory: &dyn GuestMemory| name(memory, argument(0), argument(1), limits::NAME_BYTES_MAX);
        match function.number {
            number::AGENT_INVOKE_DF => self.invoke(Kind::Function, arguments, memory, world),
            number::AGENT_INVOKE_AF => self.invoke(Kind::Selector, arguments, memory, world),
            number::AGENT_INVOKE_LLM => self.invoke(Kind::Model, arguments, memory, world),
            number::EVENTS_REGISTER_RECOGNIZER => {
                let spec = text(memory, argument(2), argument(3), limits::JSON_BYTES_MAX)?;
                there(world.events())?.register(&named(memory)?, &spec)?;
                Ok(0)
            }
            number::EVENTS_SUBSCRIBE => {
                there(world.events())?.follow(&named(memory)?)?;
                Ok(0)
            }
            number::EVENTS_EMIT => {
                let event = named(memory)?;
                let payload = bytes(memory, argument(2), argument(3), limits::MESSAGE_BYTES_MAX)?;
                there(world.events())?.raise(&event, &payload)?;
                Ok(0)
            }
            number::IC_LOOKUP => {
                let key = name(memory, argument(0), argument(1), limits::INPUT_BYTES_MAX)?;
                let now = world.monotonic();
                let value = there(world.cache())?.lookup(&key, now)?;
                self.keep(value)
            }
            number::IC_STORE => {
                let key = name(memory, argument(0), argument(1), limits::INPUT_BYTES_MAX)?;
                let value = bytes(memory, argument(2), argument(3), limits::VALUE_BYTES_MAX)?;
                // Times are what an i32 holds: a negative one is none.
                let seconds = u32::try_from(argument(4)).map_err(|_| ErrorCode::Invalid)?;
                let now = world.monotonic();
                there(world.cache())?.keep(&key, &value, seconds, now)?;
                Ok(0)
            }
            _ => self.serve_device(function, arguments, memory, world),
        }
    }

    fn serve_device(
        &mut self,
        function: &Function,
        arguments: &[i32],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, ErrorCode> {
        let argument = by_index(arguments);
        let id = |memory: &dyn GuestMemory| name(memory, argument(0), argument(1), limits::NAME_BYTES_MAX);
        match function.number {
            number::SENSORS_SUBSCRIBE => {
                let options = text(memory, argument(2), argument(3), limits::JSON_BYTES_MAX)?;
                there(world.devices())?.subscribe(&id(memory)?, &options)?;
                Ok(0)
            }
            number::SENSORS_READ => {
                let reading = there(world.devices())?.read(&id(memory)?)?;
                self.keep(reading)
            }
            number::ACTUATORS_LOCK => {
                let id = id(memory)?;
                let milliseconds = milliseconds(argument(2), limits::LEASE_MILLISECONDS_MAX)?;
                if milliseconds == 0 {
                    return Err(ErrorCode::Invalid);
                }
                let lock = there(world.devices())?.lock(&id, milliseconds)?;
                i32::try_from(lock).map_err(|_| ErrorCode::Quota)
            }
            number::ACTUATORS_COMMAND => {
                let action = text(memory, argument(1), argument(2), limits::JSON_BYTES_MAX)?;
                let result = there(world.devices())?.command(argument(0).cast_unsigned(), &action)?;
                self.keep(result)
            }
            number::ACTUATORS_RELEASE => {
                there(world.devices())?.release(argument(0).cast_unsigned())?;
                Ok(0)
            }
            number::AUDIO_CAPTURE => {
                let capacity = unsigned(argument(1)).min(u64::from(limits::CHUNK_BYTES_MAX)) as u32;
                if capacity == 0 {
                    return Err(ErrorCode::Invalid);
                }
                let sound = there(world.audio())?.capture(capacity)?;
                give(memory, argument(0), argument(1), &sound)
            }
            number::AUDIO_PLAYBACK => {
                let sound = bytes(memory, argument(0), argument(1), limits::CHUNK_BYTES_MAX)?;
                let taken = there(world.audio())?.playback(&sound)?;
                i32::try_from(taken).map_err(|_| ErrorCode::Io)
            }
            _ => Err(ErrorCode::Unsupported),
        }
    }

    fn invoke(
        &mut self,
        kind: Kind,
        arguments: &[i32],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, ErrorCode> {
        let argument = by_index(arguments);
        let agent = name(memory, argument(0), argument(1), limits::NAME_BYTES_MAX)?;
        let input = bytes(memory, argument(2), argument(3), limits::INPUT_BYTES_MAX)?;
        let result = there(world.agents())?.invoke(kind, &agent, &input)?;
        self.keep(result)
    }

    /// Keeps a result for `mem.take`; answers its bytes.
    fn keep(&mut self, result: Vec<u8>) -> Result<i32, ErrorCode> {
        let bytes = u32::try_from(result.len()).ok().filter(|bytes| *bytes <= limits::RESULT_BYTES_MAX);
        let bytes = bytes.and_then(|bytes| i32::try_from(bytes).ok()).ok_or(ErrorCode::TooLarge)?;
        self.kept = Some(result);
        Ok(bytes)
    }
}
