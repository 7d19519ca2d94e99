//! How the first realm comes up: image 0 of the bundle, with the machine's authority in its hands.

use crate::admit::Admitted;
use crate::build::{Step, entry_of};
use crate::capability::{Capability, kind};
use crate::exit::Exit;
use crate::hal::{Hal, Owner, Page, Rights};
use crate::kernel::{Kernel, Options};
use crate::program::Requirement;
use sci::layout::{PAGE, start};
use sci::limits::{CAPABILITIES_MAX, PRIORITY_MAX};
use sci::syscall::realm_operation as operation;
use sci::vocabulary;

/// Method `view` of a Memory: the bundle's tables as a window.
const VIEW: u64 = 1;
/// Method `connect` of a Child: all that root may do with itself.
const CONNECT: u64 = 1 << operation::CONNECT;

impl Kernel {
    /// Verifies the bundle in the boot module and makes root ready to run.
    pub fn boot(&mut self, hal: &mut impl Hal, module: &'static [u8], options: Options) -> Result<(), Exit> {
        self.options = options;
        let started = hal.now();
        let tables = self.verify_bundle(hal, module)?;
        let program = loop {
            match self.admit_step(hal, 0) {
                Admitted::Program(program) => break program,
                Admitted::More => {}
                Admitted::Not(..) => return Err(Exit::RootRefused),
            }
        };
        self.checks_time = hal.now().wrapping_sub(started);
        let root = self.realm_new(program, 0, 0, PRIORITY_MAX).ok_or(Exit::Exhausted)?;
        loop {
            match self.build_step(hal, root) {
                Step::Done => break,
                Step::More => {}
                Step::Exhausted => return Err(Exit::Exhausted),
            }
        }
        for slot in 0..CAPABILITIES_MAX {
            let program = self.programs.at(program as usize).get();
            if let Some(required) = program.and_then(|program| program.required(u64::from(slot))) {
                self.endow(hal, root, (slot, required), tables)?;
            }
        }
        if options.check && self.parameter(hal, root, 0, 1).is_err() {
            return Err(Exit::CheckFailed);
        }
        self.start(root);
        self.reschedule();
        Ok(())
    }

    /// Gives root one capability that its manifest requires.
    fn endow(
        &mut self,
        hal: &mut impl Hal,
        root: u16,
        wanted: (u32, Requirement),
        tables: (u64, u64),
    ) -> Result<(), Exit> {
        let (slot, required) = wanted;
        let interface = vocabulary::by_number(required.interface).ok_or(Exit::RootRequires)?;
        let mask = required.mask & interface.full_mask();
        let number = u32::from(required.interface);
        let capability = match number {
            kind::CONSOLE
            | kind::IMAGE
            | kind::REALM
            | kind::MEMORY
            | kind::PORTS
            | kind::INTERRUPT
            | kind::CLOCK
            | kind::MACHINE => Capability::new(number, 0, 0, mask),
            // Itself, so that what it makes can be connected to it.
            kind::CHILD => {
                let stamp = self.realms.at(root as usize).stamp;
                Capability::new(number, u32::from(root), stamp, mask & CONNECT)
            }
            kind::NOTIFICATION => {
                let (object, stamp) = self.notification_new(0, 0).ok_or(Exit::Exhausted)?;
                Capability::new(number, object, stamp, mask)
            }
            _ => return Err(Exit::RootRequires),
        };
        self.install(hal, root, slot, capability);
        if number == kind::MEMORY {
            self.realms.at_mut(root as usize).memory_left = u32::MAX;
        }
        if number == kind::CONSOLE && required.window_bytes > 0 {
            let bytes = u64::from(required.window_bytes);
            let address = self.console_window(hal, root, bytes.div_ceil(PAGE))?;
            self.set_window(hal, root, slot, (address, bytes));
        }
        if number == kind::MEMORY && mask & VIEW != 0 {
            let (from, bytes) = tables;
            let pages = bytes.div_ceil(PAGE);
            let address = self.window_place(root, pages);
            let space = self.realms.at(root as usize).space;
            for page in 0..pages {
                let frame = hal.module_frame(from + page * PAGE);
                let page_at = address + page * PAGE;
                let mapped = Page { frame, rights: Rights::Read, owner: Owner::Other };
                hal.space_map(space, page_at, mapped).map_err(|_| Exit::Exhausted)?;
            }
            self.set_window(hal, root, slot, (address, bytes));
        }
        Ok(())
    }

    /// A window for root's calls to the kernel's console.
    fn console_window(&mut self, hal: &mut impl Hal, root: u16, pages: u64) -> Result<u64, Exit> {
        let address = self.window_place(root, pages);
        let space = self.realms.at(root as usize).space;
        for page in 0..pages {
            let frame = hal.frame_take().ok_or(Exit::Exhausted)?;
            let mapped = Page { frame, rights: Rights::Write, owner: Owner::Space };
            hal.space_map(space, address + page * PAGE, mapped).map_err(|_| Exit::Exhausted)?;
        }
        Ok(address)
    }

    fn set_window(&mut self, hal: &mut impl Hal, root: u16, slot: u32, window: (u64, u64)) {
        self.set_start(hal, root, entry_of(slot) + start::ENTRY_WINDOW, window.0);
        self.set_start(hal, root, entry_of(slot) + start::ENTRY_WINDOW_BYTES, window.1);
    }
}
