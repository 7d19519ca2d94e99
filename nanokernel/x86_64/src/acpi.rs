//! ACPI's MADT: where the I/O interrupt controllers are, and which ISA lines they take elsewhere.
//!
//! Without tables there is one controller at its usual address, and line *n* is its pin *n*.

use crate::boot_information::PHYSICAL_END;
use crate::paging::read_physical;

/// I/O interrupt controllers that are used.
const CONTROLLERS_MAX: usize = 4;
/// ISA lines.
const ISA_LINES: usize = 16;
/// Where a controller is without tables.
const USUAL_ADDRESS: u64 = 0xfec0_0000;

const ROOT_SIGNATURE: u64 = u64::from_le_bytes(*b"RSD PTR ");
const MADT_SIGNATURE: u32 = u32::from_le_bytes(*b"APIC");

/// An I/O interrupt controller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Controller {
    /// Address of its registers, 0 for none.
    pub address: u64,
    /// Number of its first pin.
    pub first: u32,
}

/// Where an ISA line arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Route {
    /// Pin, counted over all controllers.
    pub pin: u32,
    /// Whether it is active low.
    pub low: bool,
    /// Whether it is level-triggered.
    pub level: bool,
}

/// What the machine has.
#[derive(Clone, Copy, Debug)]
pub struct Controllers {
    /// The controllers.
    pub io: [Controller; CONTROLLERS_MAX],
    /// Where the ISA lines arrive.
    pub isa: [Route; ISA_LINES],
}

impl Controllers {
    /// Without controllers.
    pub const fn none() -> Self {
        let mut isa = [Route { pin: 0, low: false, level: false }; ISA_LINES];
        let mut line = 0;
        while line < ISA_LINES {
            isa[line].pin = line as u32;
            line += 1;
        }
        Self { io: [Controller { address: 0, first: 0 }; CONTROLLERS_MAX], isa }
    }

    /// Addresses of the controllers' registers.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        self.io.iter().map(|controller| controller.address).filter(|address| *address != 0)
    }

    fn add(&mut self, controller: Controller) {
        if let Some(place) = self.io.iter_mut().find(|place| place.address == 0) {
            *place = controller;
        }
    }
}

/// Reads the MADT; `root` 0 means the loader did not tell where ACPI's tables are.
pub fn find_interrupt_controllers(root: u64) -> Controllers {
    let mut found = Controllers::none();
    if let Some(madt) = find_madt(root) {
        read_madt(&mut found, madt);
    }
    if found.addresses().next().is_none() {
        found.add(Controller { address: USUAL_ADDRESS, first: 0 });
    }
    found
}

fn find_madt(root: u64) -> Option<u64> {
    let is_root = |at: &u64| *at != 0 && read_physical::<u64>(*at) == ROOT_SIGNATURE;
    let root = Some(root).filter(is_root).or_else(|| (0xe_0000..0x10_0000).step_by(16).find(is_root))?;
    let (revision, extended): (u8, u64) = (read_physical(root + 15), read_physical(root + 24));
    let (table, width) = if revision >= 2 && extended != 0 {
        (extended, 8)
    } else {
        (u64::from(read_physical::<u32>(root + 16)), 4)
    };
    let in_reach = |at: u64| at < PHYSICAL_END - 0x1000;
    if !in_reach(table) {
        return None;
    }
    let bytes = u64::from(read_physical::<u32>(table + 4));
    (table + 36..table + bytes)
        .step_by(width)
        .map(|at| if width == 8 { read_physical(at) } else { u64::from(read_physical::<u32>(at)) })
        .find(|at| in_reach(*at) && read_physical::<u32>(*at) == MADT_SIGNATURE)
}

fn read_madt(found: &mut Controllers, madt: u64) {
    const CONTROLLER: u8 = 1;
    const OVERRIDE: u8 = 2;
    let end = madt + u64::from(read_physical::<u32>(madt + 4));
    let mut entry = madt + 44;
    while entry + 2 <= end {
        let (kind, bytes): (u8, u8) = (read_physical(entry), read_physical(entry + 1));
        match kind {
            CONTROLLER => found.add(Controller {
                address: u64::from(read_physical::<u32>(entry + 4)),
                first: read_physical(entry + 8),
            }),
            OVERRIDE => {
                let (line, flags): (u8, u16) = (read_physical(entry + 3), read_physical(entry + 8));
                if let Some(route) = found.isa.get_mut(usize::from(line)) {
                    *route = Route {
                        pin: read_physical(entry + 4),
                        low: flags & 3 == 3,
                        level: flags >> 2 & 3 == 3,
                    };
                }
            }
            _ => {}
        }
        if bytes == 0 {
            return;
        }
        entry += u64::from(bytes);
    }
}
