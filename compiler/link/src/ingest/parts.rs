//! Which parts of an object are loaded, by what may be done with them.

use super::{Elf, Error};
use crate::image;
use object::elf::{
    SHF_ALLOC, SHF_EXECINSTR, SHF_TLS, SHF_WRITE, SHT_DYNAMIC, SHT_DYNSYM, SHT_FINI_ARRAY, SHT_GNU_HASH,
    SHT_HASH, SHT_INIT_ARRAY, SHT_NOBITS, SHT_NOTE, SHT_PREINIT_ARRAY, SHT_REL, SHT_RELA, SHT_RELR,
    SHT_STRTAB, SectionType,
};
use object::{Object, ObjectSection, SectionFlags};
use sci::layout::PAGE;
use sci::limits::SLAB_IMAGE_BYTES_MAX;
use sci::section::SectionKind;
use sci::write::SectionData;

/// Tables for a loader and an unwinder that images do not have.
const DROPPED: [SectionType; 8] =
    [SHT_DYNAMIC, SHT_DYNSYM, SHT_STRTAB, SHT_HASH, SHT_GNU_HASH, SHT_NOTE, SHT_RELA, SHT_REL];
/// The same by name: unwinding tables are of no type of their own.
const DROPPED_NAMES: [&str; 4] = [".eh_frame", ".eh_frame_hdr", ".gcc_except_table", ".interp"];
/// Written once, when the object is loaded.
const ONCE: [&str; 3] = [".data.rel.ro", ".got", ".got.plt"];
/// Functions that someone would have to call.
const LISTS: [SectionType; 3] = [SHT_INIT_ARRAY, SHT_FINI_ARRAY, SHT_PREINIT_ARRAY];
/// The same as code, in older objects.
const LIST_NAMES: [&str; 4] = [".init", ".fini", ".ctors", ".dtors"];

/// Bytes from a page's beginning on.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The object's address of the first byte: a page.
    pub address: u64,
    pub bytes: Vec<u8>,
}

impl Part {
    pub fn end(&self) -> u64 {
        self.address + self.bytes.len() as u64
    }

    /// The bytes at an address that lies in the part.
    pub fn at(&mut self, address: u64, bytes: u64) -> Option<&mut [u8]> {
        let from = usize::try_from(address.checked_sub(self.address)?).ok()?;
        self.bytes.get_mut(from..from.checked_add(bytes as usize)?)
    }

    /// Puts bytes in; the part grows around them.
    fn put(&mut self, address: u64, bytes: &[u8]) {
        if self.bytes.is_empty() {
            self.address = address / PAGE * PAGE;
        }
        // Sections come by address, so that a part only grows at its end.
        let from = (address - self.address) as usize;
        if self.bytes.len() < from + bytes.len() {
            self.bytes.resize(from + bytes.len(), 0);
        }
        self.bytes[from..from + bytes.len()].copy_from_slice(bytes);
    }
}

/// What is loaded.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub text: Part,
    pub rodata: Part,
    pub relro: Part,
    pub data: Part,
    /// The object's address of the zeroed pages.
    pub bss: u64,
    pub bss_bytes: u64,
}

impl Loaded {
    fn parts(&self) -> [(&'static str, SectionKind, &Part); 4] {
        [
            ("text", SectionKind::Text, &self.text),
            ("rodata", SectionKind::Rodata, &self.rodata),
            ("relro", SectionKind::Relro, &self.relro),
            ("data", SectionKind::Data, &self.data),
        ]
    }

    /// The first page and the end of the last.
    pub fn span(&self) -> (u64, u64) {
        let parts = self.parts().into_iter().filter(|(_, _, part)| !part.bytes.is_empty());
        let ranges = parts.map(|(_, _, part)| (part.address, part.end()));
        let bss = (self.bss_bytes > 0).then_some((self.bss, self.bss + self.bss_bytes));
        let (first, end) =
            ranges.chain(bss).fold((u64::MAX, 0), |(first, end), (a, b)| (first.min(a), end.max(b)));
        (first.min(end), end.next_multiple_of(PAGE))
    }

    /// The image's sections, in the order of their kinds.
    pub fn sections(&self, base: u64) -> Vec<SectionData> {
        let parts = self.parts().into_iter().filter(|(_, _, part)| !part.bytes.is_empty());
        let mut sections: Vec<SectionData> = parts
            .map(|(_, kind, part)| SectionData {
                kind,
                memory_offset: base.wrapping_add(part.address),
                bss_bytes: 0,
                bytes: part.bytes.clone(),
            })
            .collect();
        if self.bss_bytes > 0 {
            sections.push(SectionData {
                kind: SectionKind::Bss,
                memory_offset: base.wrapping_add(self.bss),
                bss_bytes: self.bss_bytes,
                bytes: Vec::new(),
            });
        }
        sections
    }

    /// Parts have rights of their own, and rights belong to pages.
    fn check_pages(&self) -> Result<(), Error> {
        let parts = self.parts();
        for (at, (one, _, a)) in parts.iter().enumerate() {
            for (other, _, b) in &parts[at + 1..] {
                let apart = a.end().next_multiple_of(PAGE) <= b.address
                    || b.end().next_multiple_of(PAGE) <= a.address;
                if !a.bytes.is_empty() && !b.bytes.is_empty() && !apart {
                    return Err(Error::SharedPage { one, other });
                }
            }
        }
        Ok(())
    }
}

/// Reads the loaded parts, and refuses what an image has no part for.
pub(super) fn read(elf: &Elf<'_>) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    let mut sections: Vec<_> = elf.sections().collect();
    sections.sort_by_key(ObjectSection::address);
    let mut zeroed: Option<(u64, u64)> = None;
    for section in sections {
        let SectionFlags::Elf { sh_type, sh_flags } = section.flags() else { continue };
        let has = |flag: object::elf::SectionFlags| sh_flags.0 & flag.0 != 0;
        let name = section.name()?;
        if !has(SHF_ALLOC) || section.size() == 0 {
            continue;
        }
        if has(SHF_TLS) {
            return Err(Error::ThreadLocal { section: name.to_owned() });
        }
        if LISTS.contains(&sh_type) || LIST_NAMES.contains(&name) {
            return Err(Error::Initialiser { section: name.to_owned() });
        }
        if sh_type == SHT_RELR {
            let (address, section) = (section.address(), name.to_owned());
            return Err(Error::Relocation { address, section, kind: 0 });
        }
        if DROPPED.contains(&sh_type) || DROPPED_NAMES.contains(&name) || name.starts_with(".gnu.version") {
            continue;
        }
        let bytes = section.address().saturating_add(section.size());
        if bytes > SLAB_IMAGE_BYTES_MAX {
            return Err(image::Error::TooLarge { bytes }.into());
        }
        if sh_type == SHT_NOBITS {
            zeroed = Some(zeroed.map_or((section.address(), bytes), |(first, end)| (first, end.max(bytes))));
            continue;
        }
        let part = if has(SHF_EXECINSTR) {
            &mut loaded.text
        } else if !has(SHF_WRITE) {
            &mut loaded.rodata
        } else if ONCE.iter().any(|once| name == *once || name.starts_with(".data.rel.ro.")) {
            &mut loaded.relro
        } else {
            &mut loaded.data
        };
        part.put(section.address(), section.data()?);
    }
    if let Some((first, end)) = zeroed {
        zero(&mut loaded, first, end)?;
    }
    loaded.check_pages()?;
    Ok(loaded)
}

/// Zeroed state follows data, and may begin in its last page: that much of it is data.
fn zero(loaded: &mut Loaded, first: u64, end: u64) -> Result<(), Error> {
    let mut from = first / PAGE * PAGE;
    let data_end = loaded.data.end().next_multiple_of(PAGE);
    if !loaded.data.bytes.is_empty() && first < loaded.data.end() {
        return Err(Error::SharedPage { one: "data", other: "bss" });
    }
    if !loaded.data.bytes.is_empty() && from < data_end {
        let until = end.min(data_end);
        loaded.data.bytes.resize((until - loaded.data.address) as usize, 0);
        from = data_end;
    }
    loaded.bss = from;
    loaded.bss_bytes = end.saturating_sub(from);
    Ok(())
}
