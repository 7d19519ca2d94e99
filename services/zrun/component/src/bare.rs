//! The component: what the desk receives, carried out on this machine.

use crate::desk::{Desk, TooLarge};
use crate::random::Random;
use crate::space::{Authority, Component, Parameters, client, export};
use alloc::string::String;
use services_zrun::remote::Server;
use services_zrun::{Alone, Cache, Exact, Grants, InMemory, Mail, Store, World};
use space_guest::Status;

/// Bytes of keys and values.
const QUOTA: u64 = 4 << 20;
/// Keys, so that what each takes besides stays far below the heap's size.
const KEYS_MAX: usize = 16 * 1024;
/// Bytes of keys and values of the intelligence cache, and how many there may be.
const CACHE_BYTES: u64 = 1 << 20;
const CACHE_ENTRIES: usize = 1024;
/// Bytes that one call gives to the console: its window.
const CONSOLE_BYTES: usize = 4096;
/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// The host of one guest. It has one client; messages do not say which client they come from.
pub struct Zrun {
    server: Server,
    machine: Machine,
    desk: Desk,
}

/// This machine, as far as the host may use it.
struct Machine {
    console: client::DebugConsole,
    clock: client::Clock,
    epoch: u64,
    random: Random,
    values: InMemory,
    mail: Alone,
    cache: Exact,
}

impl Component for Zrun {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let seed = [parameters.seed0, parameters.seed1, parameters.seed2, parameters.seed3];
        let mut machine = Machine {
            console: authority.console,
            clock: authority.clock,
            epoch: parameters.epoch,
            random: Random::new(seed),
            values: InMemory::new(QUOTA).with_keys(KEYS_MAX),
            mail: Alone::default(),
            cache: Exact::new(CACHE_BYTES, CACHE_ENTRIES),
        };
        let server = Server::new(Grants::of(parameters.grants), &mut machine);
        Self { server, machine, desk: Desk::default() }
    }
}

impl From<TooLarge> for Status {
    fn from(_: TooLarge) -> Self {
        Self::Quota
    }
}

impl export::Host for Zrun {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        Ok(self.desk.put(bytes)?)
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let Self { server, machine, desk } = self;
        Ok(desk.call(bytes, first, |request| server.serve(request, machine))?)
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        Ok(self.desk.take(offset, bytes))
    }
}

impl Machine {
    /// Nanoseconds of the machine's time.
    fn nanoseconds(&self, since: u64) -> u64 {
        let ticks = self.clock.now().wrapping_sub(since);
        (u128::from(ticks) * SECOND).checked_div(space_guest::ticks_a_second().into()).unwrap_or_default()
            as u64
    }
}

impl World for Machine {
    fn log(&mut self, line: &str) {
        let mut rest: &str = &(String::from(line) + "\n");
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(CONSOLE_BYTES));
            self.console.write(piece);
            rest = after;
        }
    }

    fn realtime(&mut self) -> u64 {
        self.epoch.saturating_add(self.nanoseconds(space_guest::ticks_at_boot()))
    }

    fn monotonic(&mut self) -> u64 {
        self.nanoseconds(0)
    }

    /// Nobody waits here: a space's own realm does.
    fn sleep(&mut self, _: u64) -> bool {
        false
    }

    fn pause(&mut self) {}

    fn random(&mut self, bytes: &mut [u8]) -> bool {
        self.random.fill(bytes)
    }

    fn node_info(&mut self) -> String {
        "{\"arch\":\"x86_64\",\"cores\":1,\"host\":\"nanokernel\"}".into()
    }

    fn store(&mut self) -> &mut dyn Store {
        &mut self.values
    }

    fn mail(&mut self) -> &mut dyn Mail {
        &mut self.mail
    }

    fn cache(&mut self) -> Option<&mut dyn Cache> {
        Some(&mut self.cache)
    }
}
