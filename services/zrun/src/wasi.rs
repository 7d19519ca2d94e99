//! The calls of WASI preview 1 that always bind, bounded by the space's capabilities.
//!
//! Source: the WASI snapshot preview 1 witx files; layouts are theirs.

use crate::memory::{GuestMemory, by_index, bytes, check, unsigned};
use crate::seed;
use crate::space::Space;
use crate::world::World;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::{Access, Errno, GuestCapability, WasiFunction};
use sci::limits::guest as limits;

/// The guest asked to end, with this status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(pub i32);

/// Descriptors of the log.
const OUTPUT: i64 = 1;
const ERRORS: i64 = 2;
/// Clocks.
const REALTIME: i64 = 0;
const MONOTONIC: i64 = 1;
/// Bytes of a subscription and of an event, and their parts.
const SUBSCRIPTION_BYTES: u64 = 48;
const EVENT_BYTES: usize = 32;
const EVENT_ERROR: usize = 8;
const EVENT_KIND: usize = 10;
/// A subscription to a clock; the clock counts to a point in time if the flag is set.
const KIND_CLOCK: u8 = 0;
const ABSOLUTE: u16 = 1;
/// Bytes of a description of a descriptor; a character device; the right to write.
const STAT_BYTES: usize = 24;
const CHARACTER_DEVICE: u8 = 2;
const RIGHT_WRITE: u64 = 1 << 6;

/// A part of a record at a fixed place.
fn part<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn put(memory: &mut dyn GuestMemory, at: i64, value: &[u8]) -> Result<(), Errno> {
    let at = check(memory, at as i32, value.len() as u64).map_err(|_| Errno::Fault)?;
    memory.write(at, value).ok_or(Errno::Fault)
}

impl Space {
    /// Serves a call of WASI: its error number, or that the guest ends. Arguments are as many as the function has.
    pub fn call_wasi(
        &mut self,
        function: &WasiFunction,
        arguments: &[i64],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, Ended> {
        let refused = match function.access {
            Access::Refused(errno) => Some(errno),
            Access::RefusedWithout(capability, errno) if !self.grants.holds(capability) => Some(errno),
            _ => None,
        };
        if let Some(errno) = refused {
            return Ok(errno.number());
        }
        if function.item == "proc_exit" {
            return Err(Ended(arguments.first().copied().unwrap_or_default() as i32));
        }
        let answer = self.serve_wasi(function.item, arguments, memory, world);
        Ok(answer.map_or_else(Errno::number, |()| Errno::Success.number()))
    }

    fn serve_wasi(
        &mut self,
        item: &str,
        arguments: &[i64],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<(), Errno> {
        let argument = by_index(arguments);
        let descriptor = || {
            let is_log = matches!(argument(0), OUTPUT | ERRORS);
            if is_log { Ok(argument(0) as usize - OUTPUT as usize) } else { Err(Errno::Badf) }
        };
        match item {
            "args_get" => put_strings(&self.all_arguments(), memory, argument(0), argument(1)),
            "args_sizes_get" => put_sizes(&self.all_arguments(), memory, argument(0), argument(1)),
            "environ_get" => put_strings(&self.environment, memory, argument(0), argument(1)),
            "environ_sizes_get" => put_sizes(&self.environment, memory, argument(0), argument(1)),
            "clock_time_get" => {
                let time = self.time(argument(0), world)?;
                put(memory, argument(2), &time.to_le_bytes())
            }
            "fd_close" | "fd_fdstat_set_flags" => descriptor().map(|_| ()),
            "fd_seek" => descriptor().and(Err(Errno::Spipe)),
            "fd_fdstat_get" => {
                descriptor()?;
                let mut stat = [0; STAT_BYTES];
                stat[0] = CHARACTER_DEVICE;
                stat[8..16].copy_from_slice(&RIGHT_WRITE.to_le_bytes());
                put(memory, argument(1), &stat)
            }
            "fd_write" => {
                let line = descriptor()?;
                let written = self.write(line, argument(1), argument(2), memory, world)?;
                put(memory, argument(3), &written.to_le_bytes())
            }
            "random_get" => self.random(argument(0), argument(1), memory, world),
            "sched_yield" => {
                if self.grants.holds(GuestCapability::SysYield) {
                    world.pause();
                }
                Ok(())
            }
            "poll_oneoff" => self.poll(arguments, memory, world),
            _ => Err(Errno::Inval),
        }
    }

    fn all_arguments(&self) -> Vec<String> {
        let mut arguments = alloc::vec![self.name.clone()];
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }

    /// A clock's time; without the capability, that of the activation's start.
    fn time(&self, clock: i64, world: &mut dyn World) -> Result<u64, Errno> {
        let granted = self.grants.holds(GuestCapability::Clock);
        match clock {
            REALTIME => Ok(if granted { world.realtime() } else { self.began.0 }),
            MONOTONIC => Ok(if granted { world.monotonic() } else { self.began.1 }),
            _ => Err(Errno::Inval),
        }
    }

    /// Writes buffers to the log, line by line.
    fn write(
        &mut self,
        line: usize,
        vectors: i64,
        count: i64,
        memory: &dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<u32, Errno> {
        let count = unsigned(count as i32);
        if count > u64::from(limits::WASI_IOVECS_MAX) {
            return Err(Errno::Inval);
        }
        let table = bytes(memory, vectors as i32, (8 * count) as i32, u32::MAX).map_err(|_| Errno::Fault)?;
        let mut written: u32 = 0;
        for vector in table.chunks_exact(8) {
            let (at, length) = (u32::from_le_bytes(part(vector, 0)), u32::from_le_bytes(part(vector, 4)));
            let mut at = u64::from(at);
            check(memory, at as i32, u64::from(length)).map_err(|_| Errno::Fault)?;
            let end = at + u64::from(length);
            while at < end {
                let mut piece = [0; 512];
                let size = piece.len().min((end - at) as usize);
                memory.read(at, &mut piece[..size]).ok_or(Errno::Fault)?;
                self.write_piece(line, &piece[..size], world);
                at += size as u64;
            }
            written = written.saturating_add(length);
        }
        Ok(written)
    }

    fn write_piece(&mut self, line: usize, piece: &[u8], world: &mut dyn World) {
        for byte in piece {
            let full = self.lines[line].len() as u64 == u64::from(limits::LOG_LINE_BYTES_MAX);
            if *byte == b'\n' || full {
                world.log(&String::from_utf8_lossy(&self.lines[line]));
                self.lines[line].clear();
            }
            if *byte != b'\n' {
                self.lines[line].push(*byte);
            }
        }
    }

    fn random(
        &mut self,
        at: i64,
        length: i64,
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<(), Errno> {
        let length = unsigned(length as i32);
        let start = check(memory, at as i32, length).map_err(|_| Errno::Fault)?;
        let granted = self.grants.holds(GuestCapability::Random);
        let mut done = 0;
        while done < length {
            let mut piece = [0; 256];
            let size = piece.len().min((length - done) as usize);
            if !granted {
                piece
                    .chunks_exact_mut(8)
                    .for_each(|word| word.copy_from_slice(&seed::next(&mut self.seed).to_le_bytes()));
            } else if !world.random(&mut piece[..size]) {
                return Err(Errno::Notcapable);
            }
            memory.write(start + done, &piece[..size]).ok_or(Errno::Fault)?;
            done += size as u64;
        }
        Ok(())
    }

    /// Waits for the first of the clocks; other subscriptions are to what is not there.
    fn poll(
        &mut self,
        arguments: &[i64],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<(), Errno> {
        let argument = by_index(arguments);
        let count = unsigned(argument(2) as i32);
        if count == 0 || count > u64::from(limits::WASI_SUBSCRIPTIONS_MAX) {
            return Err(Errno::Inval);
        }
        let table = bytes(memory, argument(0) as i32, (SUBSCRIPTION_BYTES * count) as i32, u32::MAX);
        let table = table.map_err(|_| Errno::Fault)?;
        let mut events: Vec<[u8; EVENT_BYTES]> = Vec::new();
        let mut first: Option<(u64, [u8; EVENT_BYTES])> = None;
        for subscription in table.chunks_exact(SUBSCRIPTION_BYTES as usize) {
            let mut event = [0; EVENT_BYTES];
            event[..8].copy_from_slice(&subscription[..8]);
            let kind = subscription[8];
            event[EVENT_KIND] = kind;
            if kind != KIND_CLOCK {
                event[EVENT_ERROR..EVENT_ERROR + 2]
                    .copy_from_slice(&(Errno::Badf.number() as u16).to_le_bytes());
                events.push(event);
                continue;
            }
            let now = self.time(i64::from(u32::from_le_bytes(part(subscription, 16))), world)?;
            let time = u64::from_le_bytes(part(subscription, 24));
            let absolute = u16::from_le_bytes(part(subscription, 40)) & ABSOLUTE != 0;
            let wait = if absolute { time.saturating_sub(now) } else { time };
            if first.as_ref().is_none_or(|(least, _)| wait < *least) {
                first = Some((wait, event));
            }
        }
        if let (true, Some((wait, event))) = (events.is_empty(), first) {
            let most = u64::from(limits::SLEEP_MILLISECONDS_MAX) * 1_000_000;
            if !world.sleep(wait.min(most)) {
                return Err(Errno::Notcapable);
            }
            events.push(event);
        }
        put(memory, argument(1), events.as_flattened())?;
        put(memory, argument(3), &(events.len() as u32).to_le_bytes())
    }
}

fn put_sizes(strings: &[String], memory: &mut dyn GuestMemory, count: i64, size: i64) -> Result<(), Errno> {
    let total: usize = strings.iter().map(|string| string.len() + 1).sum();
    put(memory, count, &(strings.len() as u32).to_le_bytes())?;
    put(memory, size, &(total as u32).to_le_bytes())
}

/// Writes the strings, each ended by a zero byte, and the table of their addresses.
fn put_strings(
    strings: &[String],
    memory: &mut dyn GuestMemory,
    table: i64,
    texts: i64,
) -> Result<(), Errno> {
    let (mut table, mut text) = (unsigned(table as i32), unsigned(texts as i32));
    for string in strings {
        put(memory, table as i64, &(text as u32).to_le_bytes())?;
        put(memory, text as i64, string.as_bytes())?;
        put(memory, (text + string.len() as u64) as i64, &[0])?;
        table += 4;
        text += string.len() as u64 + 1;
    }
    Ok(())
}
