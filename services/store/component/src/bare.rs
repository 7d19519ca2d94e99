//! The component: channels of hosts, over a disk.

use crate::device::Device;
use crate::office::Office;
use crate::space::{Authority, Component, Parameters, client, export};
use alloc::format;
use services_zrun::remote::TooLarge;
use space_guest::Status;

/// The store.
pub struct Zstore {
    console: client::DebugConsole,
    office: Office<Device>,
}

impl Component for Zstore {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let Authority { console, clock, launcher, registers, pages, pause } = authority;
        let Parameters { configuration, configuration_bytes } = parameters;
        let bytes = space_guest::bytes_in_words(configuration_bytes, |at| launcher.data(configuration + at));
        let office = Office::new(&bytes, Device::start(&registers, &pages, clock, pause));
        let mut store = Self { console, office };
        store.speak();
        store
    }
}

impl Zstore {
    fn speak(&mut self) {
        for line in self.office.lines() {
            self.console.write(&format!("zstore: {line}\n"));
        }
    }
}

/// Whose channel the message came over: hosts are the only clients, connected in the order of the configuration.
fn space() -> usize {
    space_guest::client() as usize
}

fn status<T>(done: Option<Result<T, TooLarge>>) -> Result<T, Status> {
    done.ok_or(Status::Authority)?.map_err(|_| Status::Quota)
}

impl export::Values for Zstore {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        status(self.office.put(space(), bytes))
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let answer = self.office.call(space(), bytes, first);
        self.speak();
        status(answer)
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        self.office.take(space(), offset, bytes).ok_or(Status::Authority)
    }

    fn next(&mut self) -> Result<bool, Status> {
        // Nothing arrives at a store.
        Err(Status::Argument)
    }
}
