//! The component: root starts, the mesh learns of it, the console tells.

use crate::ending::Ending;
use crate::keeper::{Hands, Keeper, Left};
use crate::space::{Authority, Component, Parameters, client};
use alloc::format;

/// Milliseconds from one look to the next.
const STEP: u64 = 50;
const SECOND: u64 = 1000;

/// Runs until nothing is left to run.
pub struct Zrms;

/// What it decides with.
struct Machine {
    console: client::DebugConsole,
    launcher: client::Launcher,
    directory: client::Directory,
    first_host: u32,
    first_guest: u32,
}

impl Hands for Machine {
    fn start(&mut self, guest: u32) -> bool {
        // The host first: the guest asks it at once.
        self.launcher.start(self.first_host + guest).is_ok()
            && self.launcher.start(self.first_guest + guest).is_ok()
    }

    fn stop(&mut self, guest: u32) {
        for tag in [self.first_guest + guest, self.first_host + guest] {
            // What cannot be put back now stays as it is, and is put back before its next start.
            let _ = self.launcher.stop(tag);
        }
    }

    fn ended(&mut self, guest: u32) -> Option<Ending> {
        [self.first_guest + guest, self.first_host + guest].into_iter().find_map(|tag| {
            let word = self.launcher.ended(tag);
            (word != 0).then(|| Ending {
                fault: word >> 8 & 0xff,
                detail: (word >> 16) as u32,
                place: self.launcher.place(tag),
            })
        })
    }

    fn join(&mut self, space: u32, instance: u64) -> bool {
        self.directory.start(space, instance).is_ok()
    }

    fn finish(&mut self, space: u32) {
        self.directory.finish(space);
    }

    fn leave(&mut self, space: u32) {
        self.directory.stop(space);
    }

    fn say(&mut self, line: &str) {
        self.console.write(&format!("zrms: {line}\n"));
    }
}

impl Component for Zrms {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let Authority { console, clock, timer, launcher, directory } = authority;
        let Parameters { configuration, configuration_bytes, first_host, first_guest } = parameters;
        let bytes = space_guest::bytes_in_words(configuration_bytes, |at| launcher.data(configuration + at));
        let hertz = space_guest::ticks_a_second().max(SECOND);
        let now = || clock.now() / (hertz / SECOND);
        let (first_host, first_guest) = (first_host as u32, first_guest as u32);
        let mut machine = Machine { console, launcher, directory, first_host, first_guest };
        let mut keeper = match Keeper::read(&bytes, now()) {
            Ok(keeper) => keeper,
            Err(error) => panic!("{error}"),
        };
        loop {
            while let Some((space, kills)) = order(machine.directory.order()) {
                keeper.order(space, kills, &mut machine);
            }
            while let Some(space) = machine.directory.begun().checked_sub(1) {
                keeper.begun(space as usize);
            }
            match keeper.step(now(), &mut machine) {
                Ok(Left::Work) => {}
                Ok(Left::Nothing { failed }) => space_guest::exit(failed.into()),
                Err(error) => panic!("{error}"),
            }
            machine.directory.pass();
            timer.wait(0, clock.now() + hertz / SECOND * STEP);
        }
    }
}

/// A space's number, and whether it is to end at once rather than to start anew.
fn order(word: u64) -> Option<(usize, bool)> {
    let space = (word as u32).checked_sub(1)?;
    Some((space as usize, word >> u32::BITS != 0))
}
