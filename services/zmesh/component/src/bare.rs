//! The component: channels of hosts, and of whoever decides what runs.

use crate::office::Office;
use crate::space::{Authority, Component, Parameters, client, export};
use crate::window::Order;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use services_zmesh::Time;
use services_zrun::remote::{Desk, Kept, Remote, TooLarge};
use space_guest::{Owed, Status};

services_zrun::parts!(client::Host; Status);

/// The mesh, and the hosts that wait for a message.
pub struct Zmesh {
    console: client::DebugConsole,
    clock: client::Clock,
    epoch: u64,
    first_client: u64,
    office: Office,
    window: Desk,
    waiting: BTreeMap<usize, Owed>,
}

impl Component for Zmesh {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let Authority { console, clock, launcher, disk } = authority;
        let Parameters { configuration, configuration_bytes, epoch, first_client, kept } = parameters;
        let bytes = space_guest::bytes_in_words(configuration_bytes, |at| launcher.data(configuration + at));
        let now = time(&clock, epoch);
        let mut office = match Office::read(&bytes, now) {
            Ok(office) => office,
            Err(error) => panic!("{error}"),
        };
        if kept != 0 {
            office.keep_in(Box::new(Remote::new(Kept(disk))));
        }
        let mut mesh = Self {
            console,
            clock,
            epoch,
            first_client,
            office,
            window: Desk::default(),
            waiting: BTreeMap::new(),
        };
        mesh.speak();
        mesh
    }
}

/// What the clock says.
fn time(clock: &client::Clock, epoch: u64) -> Time {
    let now = clock.now();
    let since = now.wrapping_sub(space_guest::ticks_at_boot());
    Time {
        monotonic: space_guest::nanoseconds(now),
        realtime: epoch.saturating_add(space_guest::nanoseconds(since)),
    }
}

impl Zmesh {
    fn now(&self) -> Time {
        time(&self.clock, self.epoch)
    }

    /// Whose channel the message came over.
    fn space(&self) -> Result<usize, Status> {
        let order = space_guest::client().checked_sub(self.first_client).ok_or(Status::Authority)?;
        self.office.space_of_host(order as usize).ok_or(Status::Authority)
    }

    fn speak(&mut self) {
        while let Some(line) = self.office.line() {
            self.console.write(&format!("zmesh: {line}\n"));
        }
    }

    /// Calls whoever has something to process.
    fn go_on(&mut self) {
        for called in self.office.go_on(self.now()) {
            if let Some(owed) = self.waiting.remove(&called.space) {
                owed.answer(called.has_work);
            }
        }
        self.speak();
    }
}

fn too_large(_: TooLarge) -> Status {
    Status::Quota
}

impl export::Mail for Zmesh {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let space = self.space()?;
        self.office.put(space, bytes).map_err(too_large)
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let (space, now) = (self.space()?, self.now());
        let answer = self.office.call(space, bytes, first, now).map_err(too_large);
        self.go_on();
        answer
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        Ok(self.office.take(self.space()?, offset, bytes))
    }

    fn next(&mut self) -> Result<bool, Status> {
        let (space, now) = (self.space()?, self.now());
        self.office.wait(space, now);
        self.waiting.insert(space, space_guest::keep());
        self.go_on();
        // The reply is kept, or was sent.
        Ok(false)
    }
}

impl export::Directory for Zmesh {
    fn start(&mut self, space: u32, instance: u64) -> Result<(), Status> {
        let now = self.now();
        let started = self.office.start(space as usize, instance, now).ok_or(Status::Argument)?;
        self.waiting.remove(&(space as usize));
        self.go_on();
        started.map_err(|_| Status::Busy)
    }

    fn finish(&mut self, space: u32) {
        self.office.finish(space as usize);
        self.go_on();
    }

    fn stop(&mut self, space: u32) {
        let now = self.now();
        self.office.stop(space as usize, now);
        self.waiting.remove(&(space as usize));
        self.go_on();
    }

    fn pass(&mut self) {
        let now = self.now();
        self.office.pass(now);
        let after = self.now();
        self.office.rest(now, after);
        self.go_on();
    }

    fn order(&mut self) -> u64 {
        let word = |(space, order)| (u64::from(space) + 1) | u64::from(order == Order::Kill) << u32::BITS;
        self.office.next_order().map_or(0, word)
    }

    fn begun(&mut self) -> u32 {
        self.office.next_begun().map_or(0, |space| space as u32 + 1)
    }
}

impl export::Window for Zmesh {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        self.window.put(bytes).map_err(too_large)
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let now = self.now();
        let Self { window, office, .. } = self;
        let answer = window.call(bytes, first, |question| office.answer(question, now)).map_err(too_large);
        self.go_on();
        answer
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        Ok(self.window.take(offset, bytes))
    }
}
