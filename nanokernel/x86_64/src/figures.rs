//! What the run cost: time stamps that the `bench` flag prints at the end. Under `-icount` they are instructions.

use crate::clock::now;
use crate::machine::{Machine, entered_at};
use crate::state::kernel;
use nanokernel_core::print_line;
use sci::syscall::NAMES;

/// Time stamps of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Whether they are taken and printed.
    pub enabled: bool,
    entered: u64,
    first_user: u64,
    root_ready: u64,
    /// Longest stay in the kernel by call number; the last is of interrupts and exceptions.
    longest: [u64; CAUSES],
}

/// Calls, and one for everything else.
const CAUSES: usize = NAMES.len() + 1;

impl Figures {
    /// None yet.
    pub const fn new() -> Self {
        Self { enabled: false, entered: 0, first_user: 0, root_ready: 0, longest: [0; CAUSES] }
    }

    /// Ring 3 is entered for the first time.
    pub fn first_user(&mut self) {
        self.first_user = now();
    }

    /// The kernel was entered.
    pub fn entered(&mut self) {
        if self.enabled {
            self.entered = now();
        }
    }

    /// The kernel is left; `cause` is the call's number, or any other.
    pub fn leaving(&mut self, cause: u64, is_root_ready: bool) {
        if !self.enabled {
            return;
        }
        let now = now();
        if is_root_ready && self.root_ready == 0 {
            self.root_ready = now;
        }
        let [calls @ .., other] = &mut self.longest;
        let longest = calls.get_mut(cause as usize).unwrap_or(other);
        *longest = now.wrapping_sub(self.entered).max(*longest);
    }

    /// Prints them.
    pub fn print(&self, machine: &mut Machine) {
        if !self.enabled {
            return;
        }
        let since_entry = |stamp: u64| stamp.saturating_sub(entered_at());
        let checks = kernel().checks_time;
        let (ring3, ready) = (since_entry(self.first_user), since_entry(self.root_ready));
        let total = since_entry(now());
        let longest = self.longest.iter().copied().max().unwrap_or(0);
        print_line(
            machine,
            format_args!(
                "bench checks={checks} ring3={ring3} root-ready={ready} longest={longest} \
                 total={total}"
            ),
        );
        for (number, longest) in self.longest.iter().enumerate().filter(|(_, longest)| **longest > 0) {
            let name = NAMES.get(number).copied().unwrap_or("trap");
            print_line(machine, format_args!("bench longest-{name}={longest}"));
        }
    }
}
