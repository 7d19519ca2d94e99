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
    first_client: u64,
    office: Office<Device>,
}

impl Component for Zstore {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let Authority { console, clock, launcher, registers, pages, pause } = authority;
        let Parameters { configuration, configuration_bytes, first_client } = parameters;
        let bytes = space_guest::bytes_in_words(configuration_bytes, |at| launcher.data(configuration + at));
        let office = Office::new(&bytes, Device::start(&registers, &pages, clock, pause));
        let mut store = Self { console, first_client, office };
        store.speak();
        store
    }
}

impl Zstore {
    /// Whose channel the message came over.
    fn space(&self) -> Result<usize, Status> {
        let order = space_guest::client().checked_sub(self.first_client);
        order.map(|order| order as usize).ok_or(Status::Authority)
    }

    fn speak(&mut self) {
        for line in self.office.lines() {
            self.console.write(&format!("zstore: {line}\n"));
        }
    }
}

fn status<T>(done: Option<Result<T, TooLarge>>) -> Result<T, Status> {
    done.ok_or(Status::Authority)?.map_err(|_| Status::Quota)
}

impl export::Values for Zstore {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        status(self.office.put(self.space()?, bytes))
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let answer = self.office.call(self.space()?, bytes, first);
        self.speak();
        status(answer)
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        self.office.take(self.space()?, offset, bytes).ok_or(Status::Authority)
    }

    fn next(&mut self) -> Result<bool, Status> {
        // Nothing arrives at a store.
        Err(Status::Argument)
    }
}
