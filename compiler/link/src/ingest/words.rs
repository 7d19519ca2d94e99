//! The words that are written when an object is loaded: slots for the kernel's functions, and addresses.

use super::parts::Loaded;
use super::{Elf, Error};
use object::elf::{
    R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_IRELATIVE, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE, RelocationType,
};
use object::{Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget};
use sci::syscall::{self, Call};
use std::collections::{BTreeMap, BTreeSet};

/// A word that the loader binds.
pub(super) struct Slot {
    pub call: &'static Call,
    pub signature: String,
    /// Slab offset.
    pub offset: u64,
}

/// The words of an object.
pub(super) struct Words {
    /// By offset.
    pub slots: Vec<Slot>,
    /// The section of relocations.
    pub relocations: Vec<u8>,
}

/// Symbols that are not defined, by what a refusal says of them.
fn undefined(elf: &Elf<'_>) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    for symbol in elf.dynamic_symbols().filter(ObjectSymbol::is_undefined) {
        let name = symbol.name()?;
        if !name.is_empty() && kernel(name).is_none() {
            names.insert(format!("`{:#}`", rustc_demangle::demangle(name)));
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::Undefined { names: names.into_iter().collect::<Vec<_>>().join(", ") })
}

/// The kernel's call of a name.
fn kernel(name: &str) -> Option<&'static Call> {
    syscall::by_name(name)
}

/// Reads the relocations; addresses are put into the loaded parts as slab offsets.
pub(super) fn read(elf: &Elf<'_>, loaded: &mut Loaded, base: u64) -> Result<Words, Error> {
    undefined(elf)?;
    let mut slots = BTreeMap::new();
    let mut relocated = BTreeSet::new();
    for (address, relocation) in elf.dynamic_relocations().into_iter().flatten() {
        let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
        let refused = |kind: RelocationType| Error::Relocation {
            address,
            section: section_at(elf, address),
            kind: kind.0,
        };
        let target = match (r_type, relocation.target()) {
            (R_X86_64_IRELATIVE, _) => return Err(Error::Indirect),
            (R_X86_64_RELATIVE, _) => relocation.addend() as u64,
            (R_X86_64_GLOB_DAT | R_X86_64_JUMP_SLOT | R_X86_64_64, RelocationTarget::Symbol(index)) => {
                let table = elf.dynamic_symbol_table().ok_or(Error::NotShared)?;
                let symbol = table.symbol_by_index(index)?;
                match kernel(symbol.name()?).filter(|_| symbol.is_undefined()) {
                    Some(call) if relocation.addend() == 0 && loaded.relro.at(address, 8).is_some() => {
                        slots.insert(address, call);
                        continue;
                    }
                    Some(_) => return Err(refused(r_type)),
                    None => symbol.address().wrapping_add(relocation.addend() as u64),
                }
            }
            _ => return Err(refused(r_type)),
        };
        let inside = loaded.relro.at(address, 8).is_some() || loaded.data.at(address, 8).is_some();
        let is_constant = loaded.text.at(address, 8).is_some() || loaded.rodata.at(address, 8).is_some();
        let word = match loaded.relro.at(address, 8) {
            Some(word) => Some(word),
            None => loaded.data.at(address, 8),
        };
        match word {
            Some(word) if address.is_multiple_of(8) => {
                word.copy_from_slice(&base.wrapping_add(target).to_le_bytes());
                relocated.insert(base.wrapping_add(address) as u32);
            }
            _ if is_constant => return Err(Error::ReadOnly { section: section_at(elf, address) }),
            // What is not loaded needs no address.
            None if !inside && !is_loaded(elf, address) => {}
            _ => return Err(refused(r_type)),
        }
    }
    let slots = slots
        .into_iter()
        .map(|(address, call)| Slot {
            call,
            signature: format!("({}) -> (status, value)", call.arguments.join(", ")),
            offset: base.wrapping_add(address),
        })
        .collect();
    Ok(Words { slots, relocations: relocated.into_iter().flat_map(u32::to_le_bytes).collect() })
}

/// Whether some section claims memory at an address.
fn is_loaded(elf: &Elf<'_>, address: u64) -> bool {
    section_at(elf, address) != NOWHERE
}

const NOWHERE: &str = "no section";

/// The name of the section at an address.
fn section_at(elf: &Elf<'_>, address: u64) -> String {
    let mut sections = elf.sections();
    let found = sections.find(|section| {
        section.address() != 0 && address.checked_sub(section.address()).is_some_and(|at| at < section.size())
    });
    found.and_then(|section| section.name().ok().map(str::to_owned)).unwrap_or_else(|| NOWHERE.to_owned())
}
