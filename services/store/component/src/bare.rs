//! The component: channels of hosts, and of the mesh, over a disk.

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
    first_client: u64,
}

impl Component for Zstore {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let Authority { console, clock, launcher, registers, pages, pause } = authority;
        let Parameters { configuration, configuration_bytes, first_client } = parameters;
        let bytes = space_guest::bytes_in_words(configuration_bytes, |at| launcher.data(configuration + at));
        let office = Office::new(&bytes, Device::start(&registers, &pages, clock, pause));
        let mut store = Self { console, office, first_client };
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

fn status<T>(done: Option<Result<T, TooLarge>>) -> Result<T, Status> {
    done.ok_or(Status::Authority)?.map_err(|_| Status::Quota)
}

impl Zstore {
    /// Whose channel the message came over: hosts are connected in the order of the configuration.
    fn space(&self) -> Result<usize, Status> {
        let order = space_guest::client().checked_sub(self.first_client).ok_or(Status::Authority)?;
        Ok(order as usize)
    }

    fn add(&mut self, who: usize, bytes: &[u8]) -> Result<(), Status> {
        status(self.office.put(who, bytes))
    }

    fn carry_out(&mut self, who: usize, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let answer = self.office.call(who, bytes, first);
        self.speak();
        status(answer)
    }

    fn give(&mut self, who: usize, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        self.office.take(who, offset, bytes).ok_or(Status::Authority)
    }
}

impl export::Values for Zstore {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let who = self.space()?;
        self.add(who, bytes)
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let who = self.space()?;
        self.carry_out(who, bytes, first)
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        let who = self.space()?;
        self.give(who, offset, bytes)
    }

    fn next(&mut self) -> Result<bool, Status> {
        // Nothing arrives at a store.
        Err(Status::Argument)
    }
}

impl export::Book for Zstore {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let who = self.office.book();
        self.add(who, bytes)
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let who = self.office.book();
        self.carry_out(who, bytes, first)
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        let who = self.office.book();
        self.give(who, offset, bytes)
    }

    fn next(&mut self) -> Result<bool, Status> {
        Err(Status::Argument)
    }
}
