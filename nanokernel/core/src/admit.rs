//! Admission: what ring 3 may execute.
//!
//! The bundle's tables are signed and hold each image's digest. An image is admitted when its head has that
//! digest, every contract rule holds, and each section has the hash that the head states; the answer is
//! kept. Sections are hashed in bounded steps.

use crate::console::print_line;
use crate::exit::Exit;
use crate::hal::Hal;
use crate::kernel::Kernel;
use crate::program::{Program, ProgramSlot, bound};
use sci::bundle::{Bundle, BundleImage, Policy};
use sci::digest::{Hasher, image_parts, stated_hash};
use sci::error::{Brief, Error, ErrorKind};
use sci::header::Kind;
use sci::image::Image;
use sci::layout::PAGE;
use sci::manifest::Import;
use sci::section::{Section, SectionKind};
use sci::status::Status;

/// Bytes that one step hashes.
const BYTES_A_STEP: usize = 1024;
/// Imports that one step looks up.
const IMPORTS_A_STEP: usize = 4;
/// What `refused` answers where it was not a contract rule.
pub const NO_RULE: u64 = 256;

/// The image whose sections are being hashed. Its representation is fixed so that none is all zeros.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, and no heap")]
#[repr(u8)]
pub enum Admission {
    /// None.
    None = 0,
    /// One; its structure is right.
    Hashing(Hashing) = 1,
}

/// How far the hashing of an image's sections came.
#[derive(Clone, Debug)]
pub struct Hashing {
    index: u32,
    image: Image<'static>,
    /// Contract rules that were checked.
    rules: usize,
    /// Parts of the next rule that were.
    rule_part: u64,
    /// The digest that the bundle states.
    digest: [u8; 32],
    /// Parts of the head, then sections, that were hashed; and bytes of the present one.
    part: usize,
    bytes: usize,
    hasher: Hasher,
    /// Imports that are known to have a provider.
    imports: usize,
}

/// Why an image is not admitted.
enum Refusal {
    /// It is not what the bundle states, or breaks a rule.
    Image(Error),
    /// Nothing provides what it imports.
    Import(Import<'static>),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Image(error)
    }
}

/// The end of one step of an admission.
pub(crate) enum Admitted {
    /// The image's program.
    Program(u16),
    /// There is more to hash.
    More,
    /// The status and value of a refusal.
    Not(Status, u64),
}

impl Kernel {
    /// Checks the boot module's tables, their signature and the policy; answers where the tables are.
    pub(crate) fn verify_bundle(
        &mut self,
        hal: &mut impl Hal,
        module: &'static [u8],
    ) -> Result<(u64, u64), Exit> {
        let checked = Policy::read(module).and_then(|policy| {
            let bundle = Bundle::read(module)?;
            bundle.check_signature(&policy)?;
            Ok(bundle)
        });
        match checked {
            Ok(bundle) => {
                self.bundle = Some(bundle);
                Ok((PAGE, bundle.tables().len() as u64))
            }
            Err(error) => {
                print_line(hal, format_args!("refused bundle: {}", Brief(error)));
                Err(Exit::BundleRefused)
            }
        }
    }

    /// One step of admitting the bundle's image of an index; the library that serves a guest comes first.
    pub(crate) fn admit_step(&mut self, hal: &mut impl Hal, index: u64) -> Admitted {
        let image = |index: u32| self.bundle.and_then(|bundle| bundle.image(index));
        let Some(mut found) = u32::try_from(index).ok().and_then(image) else {
            return Admitted::Not(Status::Absent, 0);
        };
        let mut next = index as u32;
        while let Some(library) = found.library {
            match (self.programs.at(library as usize).get(), image(library)) {
                (None, Some(needed)) => (next, found) = (library, needed),
                _ => break,
            }
        }
        match self.admit_one(hal, next, &found) {
            Admitted::Program(_) if u64::from(next) != index => Admitted::More,
            step => step,
        }
    }

    fn admit_one(&mut self, hal: &mut impl Hal, index: u32, found: &BundleImage<'static>) -> Admitted {
        if let ProgramSlot::Admitted(_) = self.programs.at(index as usize) {
            return Admitted::Program(index as u16);
        }
        let library = found.library.and_then(|library| {
            let program = self.programs.at(library as usize).get()?;
            (program.image.header().kind == Kind::Library).then_some(library as u16)
        });
        let hashed = match &self.admission {
            Admission::Hashing(hashing) if hashing.index == index => self.hash_step(library),
            Admission::Hashing(_) => return Admitted::Not(Status::Busy, 0),
            Admission::None => Image::read(found.bytes).map_err(Refusal::Image).map(|image| {
                self.admission = Admission::Hashing(Hashing {
                    index,
                    image,
                    rules: 0,
                    rule_part: 0,
                    digest: found.digest,
                    part: 0,
                    bytes: 0,
                    hasher: Hasher::new(),
                    imports: 0,
                });
                None
            }),
        };
        let refusal = match hashed {
            Ok(None) => return Admitted::More,
            Ok(Some(image)) => {
                self.admission = Admission::None;
                let guests = library.filter(|_| image.header().kind == Kind::Guest);
                let library = guests.and_then(|at| Some((at, self.programs.at(at as usize).get()?)));
                if let Some(program) = Program::prepare(image, PAGE + u64::from(found.offset), library) {
                    *self.programs.at_mut(index as usize) = ProgramSlot::Admitted(program);
                    return Admitted::Program(index as u16);
                }
                None
            }
            Err(error) => {
                self.admission = Admission::None;
                Some(error)
            }
        };
        let name = found.name;
        match &refusal {
            Some(Refusal::Image(error)) => {
                print_line(hal, format_args!("refused image={name} reason={}", Brief(*error)));
            }
            Some(Refusal::Import(import)) => {
                let Import { module, item, .. } = import;
                print_line(hal, format_args!("refused image={name} reason=nothing provides {module}.{item}"));
            }
            None => print_line(hal, format_args!("refused image={name} reason=it cannot be started")),
        }
        let rule = match refusal {
            Some(Refusal::Image(Error { kind: ErrorKind::Contract(rule), .. })) => u64::from(rule),
            _ => NO_RULE,
        };
        Admitted::Not(Status::Refused, rule)
    }

    /// Checks a rule, hashes some bytes or looks some imports up; answers the image when every rule holds, the head
    /// has the digest, every section its hash, and every import a provider.
    fn hash_step(&mut self, library: Option<u16>) -> Result<Option<Image<'static>>, Refusal> {
        let Admission::Hashing(hashing) = &mut self.admission else {
            return Ok(None);
        };
        let image = hashing.image;
        if hashing.rules < sci::contract::RULES.len() {
            if image.check_rule_part(hashing.rules, hashing.rule_part)? {
                hashing.rules += 1;
                hashing.rule_part = 0;
            } else {
                hashing.rule_part += 1;
            }
            return Ok(None);
        }
        let parts = image_parts(&image);
        // What is not loaded counts, too: relocations are carried out, and reports are read by the other tables.
        let hashed = |section: &Section| section.kind != SectionKind::Bss;
        let section = || image.sections().filter(hashed).nth(hashing.part - parts.len());
        let (bytes, expected, offset) = if let Some(part) = parts.get(hashing.part) {
            let is_last = hashing.part + 1 == parts.len();
            (*part, is_last.then_some(Some(hashing.digest)), None)
        } else if let Some(section) = section() {
            let offset = Some(u64::from(section.file_offset));
            (image.section_bytes(&section), Some(stated_hash(&image, &section)), offset)
        } else {
            let library = library.and_then(|library| self.programs.at(library as usize).get());
            let imports = image.manifest().imports;
            for import in imports.iter().skip(hashing.imports).take(IMPORTS_A_STEP) {
                bound(image.header().kind, &import, library).ok_or(Refusal::Import(import))?;
            }
            hashing.imports += IMPORTS_A_STEP;
            return Ok((hashing.imports >= imports.len()).then_some(image));
        };
        let rest = bytes.get(hashing.bytes..).unwrap_or_default();
        let step = rest.get(..BYTES_A_STEP.min(rest.len())).unwrap_or_default();
        hashing.hasher.update(step);
        hashing.bytes += step.len();
        if step.len() < rest.len() {
            return Ok(None);
        }
        if let Some(expected) = expected
            && expected != Some(core::mem::take(&mut hashing.hasher).finish())
        {
            return Err(Refusal::Image(match offset {
                Some(offset) => Error::new(ErrorKind::Hash, offset),
                None => Error::new(ErrorKind::Digest, 0),
            }));
        }
        hashing.part += 1;
        hashing.bytes = 0;
        Ok(None)
    }
}
