//! A guest's image as a program: what vouches for its code is its signature.

use std::collections::BTreeSet;
use std::sync::Arc;

use sci::header::Kind;
use sci::image::Image;
use sci::linkage::{Linkage, PAGE_BYTES};
use sci::section::SectionKind;
use sci::sign::{self, PublicKey};

use super::activation::{Activation, Outcome};
use super::import::Arguments;
use super::program::{MemoryPart, Parts, Placed, Program, ProgramError};

/// Why an image is not run.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// It is not a sound image.
    #[error("the image is refused: {0}")]
    Image(#[from] sci::error::Error),
    /// It is no guest.
    #[error("the image is not a guest's: it has no linkage table")]
    NoGuest,
    /// Nobody trusted has signed it.
    #[error("the image is signed by a key that is not trusted here")]
    Untrusted,
    /// It is not run here.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// Where a guest is entered from outside.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    offset: u64,
    /// Address of the program: which one.
    program: usize,
}

/// A guest's image, ready for instances.
#[derive(Debug)]
pub struct Guest {
    program: Arc<Program>,
    text: u64,
    entries: BTreeSet<u32>,
}

impl Guest {
    /// Takes an image that one of the keys has signed; `slots` are the words that lead out, by import number.
    ///
    /// The signature is what the compiler's user vouches with: whoever signs says that the text is the compiler's.
    pub fn new(
        image: &Image<'_>,
        linkage: &Linkage<'_>,
        slots: Vec<u64>,
        keys: &[PublicKey],
    ) -> Result<Self, GuestError> {
        if image.header().kind != Kind::Guest {
            return Err(GuestError::NoGuest);
        }
        let envelope = sign::check_image(image)?;
        if !keys.contains(&envelope.key) {
            return Err(GuestError::Untrusted);
        }
        let placed = |kind| {
            image
                .section(kind)
                .map(|section| Placed { offset: section.memory_offset, bytes: image.section_bytes(&section) })
        };
        let text = placed(SectionKind::Text).ok_or(GuestError::NoGuest)?;
        let memory = image.manifest().memory;
        let parts = Parts {
            text,
            rodata: placed(SectionKind::Rodata),
            relro: placed(SectionKind::Relro),
            data: placed(SectionKind::Data),
            bss: image.section(SectionKind::Bss).map(|bss| (bss.memory_offset, bss.memory_bytes)),
            stack_bytes: memory.stack_bytes,
            stack_reserve: linkage.stack_reserve,
            slots,
            memory: memory.linear.map(|linear| MemoryPart {
                content: image.bytes_of(SectionKind::Content),
                initial: u64::from(linear.minimum_pages) * PAGE_BYTES,
                maximum: u64::from(linear.maximum_pages) * PAGE_BYTES,
            }),
        };
        // SAFETY: a trusted key vouches that the text is the compiler's.
        let program = Arc::new(unsafe { Program::new(&parts) }?);
        let entries =
            linkage.callables.iter().map(|callable| callable.entry).chain(linkage.instantiate).collect();
        Ok(Self { program, text: text.offset, entries })
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Where text begins, from the slab's base.
    pub fn text(&self) -> u64 {
        self.text
    }

    /// The entry at an offset in text, if there is one.
    pub fn entry(&self, offset: u32) -> Option<Entry> {
        let program = Arc::as_ptr(&self.program).addr();
        self.entries.contains(&offset).then_some(Entry { offset: self.text + u64::from(offset), program })
    }
}

impl Activation {
    /// Calls a function of the activation's program; `floats` tells whether its signature has any.
    ///
    /// # Panics
    /// If the entry is another program's.
    pub fn enter_guest(&self, entry: Entry, arguments: &Arguments, floats: bool) -> Outcome {
        self.check(entry);
        // SAFETY: a `Guest` makes entries of its program's functions only.
        unsafe {
            if floats {
                self.call_floats(entry.offset, arguments)
            } else {
                self.call(entry.offset, &arguments.ints)
            }
        }
    }

    /// Calls a function of the activation's program whose signature has no floats.
    ///
    /// # Panics
    /// If the entry is another program's.
    #[inline]
    pub fn enter_integers(&self, entry: Entry, arguments: &[u64; 6]) -> Outcome {
        self.check(entry);
        // SAFETY: a `Guest` makes entries of its program's functions only.
        unsafe { self.call(entry.offset, arguments) }
    }

    #[inline]
    fn check(&self, entry: Entry) {
        assert_eq!(entry.program, Arc::as_ptr(self.slab().program()).addr(), "an entry of another program");
    }
}
