//! A realm's address space: its page table, and the process that has it mapped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;

use nanokernel_core::{Frame, MapError, Page, Rights};
use nix::libc::{self, user_regs_struct};
use sci::layout::PAGE;

use crate::process::{Process, Stop};

/// Page table and process.
#[derive(Debug)]
pub struct Space {
    pages: BTreeMap<u64, Page>,
    /// Pages whose mapping the process does not have yet, or has still.
    changed: Vec<u64>,
    process: Process,
    /// Registers at the last interruption.
    pub interrupted: user_regs_struct,
}

impl Space {
    /// An empty one. The process has the memory file open.
    pub fn new(memory: &File) -> io::Result<Self> {
        let process = Process::start(memory)?;
        let interrupted = process.fresh();
        Ok(Self { pages: BTreeMap::new(), changed: Vec::new(), process, interrupted })
    }

    /// Maps a page.
    pub fn map(&mut self, address: u64, page: Page) -> Result<(), MapError> {
        if self.pages.contains_key(&address) {
            return Err(MapError::Occupied);
        }
        self.pages.insert(address, page);
        self.changed.push(address);
        Ok(())
    }

    /// Takes a mapping out.
    pub fn unmap(&mut self, address: u64) -> Option<Page> {
        let page = self.pages.remove(&address);
        self.changed.extend(page.map(|_| address));
        page
    }

    /// Takes any mapping out, of a space that runs no more.
    pub fn take(&mut self) -> Option<Page> {
        self.pages.pop_first().map(|(_, page)| page)
    }

    /// What is mapped at an address.
    pub fn page(&self, address: u64) -> Option<Page> {
        self.pages.get(&(address & !(PAGE - 1))).copied()
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Lets the process have what was mapped and unmapped, and runs it.
    pub fn run(&mut self, registers: user_regs_struct) -> io::Result<(Stop, user_regs_struct)> {
        self.settle()?;
        Ok(self.process.run(registers)?)
    }

    fn settle(&mut self) -> io::Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        self.changed.sort_unstable();
        self.changed.dedup();
        for run in runs(&self.changed, &self.pages) {
            let bytes = run.addresses.end - run.addresses.start;
            match run.page {
                Some((frame, rights)) => {
                    self.process.map(run.addresses.start, bytes, protection(rights), frame.0)?;
                }
                None => self.process.unmap(run.addresses.start, bytes)?,
            }
        }
        self.changed.clear();
        Ok(())
    }
}

/// Pages that one call maps or unmaps.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    addresses: Range<u64>,
    /// The first frame, and what may be done with all; none where they are unmapped.
    page: Option<(Frame, Rights)>,
}

impl Run {
    /// Whether a page continues it.
    fn goes_on(&self, address: u64, page: Option<(Frame, Rights)>) -> bool {
        let bytes = self.addresses.end - self.addresses.start;
        let follows = match (self.page, page) {
            (Some((first, rights)), Some((frame, same))) => frame.0 == first.0 + bytes && rights == same,
            (None, None) => true,
            _ => false,
        };
        self.addresses.end == address && follows
    }
}

/// What the calls are that bring the changed pages up to date. `changed` is sorted.
fn runs(changed: &[u64], pages: &BTreeMap<u64, Page>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for address in changed {
        let page = pages.get(address).map(|page| (page.frame, page.rights));
        match runs.last_mut() {
            Some(run) if run.goes_on(*address, page) => run.addresses.end += PAGE,
            _ => runs.push(Run { addresses: *address..*address + PAGE, page }),
        }
    }
    runs
}

fn protection(rights: Rights) -> i32 {
    match rights {
        Rights::Read => libc::PROT_READ,
        Rights::Write | Rights::Registers => libc::PROT_READ | libc::PROT_WRITE,
        Rights::Execute => libc::PROT_READ | libc::PROT_EXEC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanokernel_core::Owner;

    #[test]
    fn neighbours_are_mapped_together() {
        let page = |frame, rights| Page { frame: Frame(frame), rights, owner: Owner::Space };
        let pages = BTreeMap::from([
            (0x1000, page(0x8000, Rights::Read)),
            (0x2000, page(0x9000, Rights::Read)),
            (0x3000, page(0xa000, Rights::Write)),
            (0x4000, page(0xc000, Rights::Write)),
        ]);
        let found = runs(&[0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x8000], &pages);
        let run = |addresses, page: Option<(u64, Rights)>| Run {
            addresses,
            page: page.map(|(frame, rights)| (Frame(frame), rights)),
        };
        assert_eq!(
            found,
            [
                run(0x1000..0x3000, Some((0x8000, Rights::Read))),
                run(0x3000..0x4000, Some((0xa000, Rights::Write))),
                run(0x4000..0x5000, Some((0xc000, Rights::Write))),
                run(0x5000..0x7000, None),
                run(0x8000..0x9000, None),
            ]
        );
    }
}
