//! The compile child: a stranger's module becomes an image in a process that has no authority.
//!
//! The child gets a module and gives back an image or a refusal. It has no file, no network, no other process, and so much
//! time and memory. The parent checks the image as any other before it signs it.

use super::{Guest, GuestOptions, MODULE_BYTES_MAX, Module};
use crate::error::Error;
use runtime_sandbox::{Child, Ended, Inside, Limits, Policy, Role, restrict};
use sci::error::{Error as Refusal, ErrorKind};
use sci::header::Kind;
use sci::image::Image;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The role, for [`runtime_sandbox::start`]: a program that uses [`super::Cache::image`] lists it.
pub const ROLE: Role = ("compile", serve);

/// What a compilation may use.
pub const LIMITS: Limits =
    Limits { cpu_seconds: Some(300), memory_bytes: 4 << 30, file_bytes: 0, descriptors: 64 };

/// Time for a compilation, on one processor.
const TIME: Duration = Duration::from_mins(10);

/// A compilation; the modules' bytes go with it.
#[derive(Serialize, Deserialize)]
struct Job {
    /// Name, file and bytes of each module.
    modules: Vec<(String, String, usize)>,
    options: GuestOptions,
}

/// What came of it; an image goes with it if nothing was refused.
type Answer = Result<(), Refused>;

/// Why a guest was refused.
#[derive(Serialize, Deserialize)]
enum Refused {
    /// A module: file, and why.
    Module(String, String),
    /// How modules fit together: file, why, and what to do.
    Link(String, String, Option<String>),
}

impl Refused {
    fn new(error: Error, file: String) -> Self {
        match error {
            Error::Module { file, why } => Self::Module(file, why),
            Error::Link { file, why, help } => Self::Link(file, why, help),
            other => Self::Module(file, other.to_string()),
        }
    }

    fn error(self) -> Error {
        match self {
            Self::Module(file, why) => Error::Module { file, why },
            Self::Link(file, why, help) => Error::Link { file, why, help },
        }
    }
}

/// Compiles a guest to an image, unsigned, in a child.
pub fn compile(guest: &Guest, options: GuestOptions, limits: Limits) -> Result<Vec<u8>, Error> {
    let name = guest.name();
    let ended = |ended: Ended| Error::Compiler { file: name.clone(), ended };
    let bytes: Vec<u8> = guest.modules.iter().flat_map(|module| module.bytes.iter().copied()).collect();
    if bytes.len() as u64 > MODULE_BYTES_MAX {
        let what = format!("{name} with what is linked to it");
        return Err(Error::TooLarge { what, limit: MODULE_BYTES_MAX, unit: "bytes" });
    }
    let part = |module: &Module| (module.name.clone(), module.file.clone(), module.bytes.len());
    let job = Job { modules: guest.modules.iter().map(part).collect(), options };
    let mut child = Child::spawn(ROLE.0, limits, Some(TIME))?;
    let asked = child
        .send(&threads(), &[])
        .and_then(|()| child.send(&job, &bytes))
        .and_then(|()| child.receive::<Answer>(sci::limits::IMAGE_BYTES_MAX as u32));
    let (answer, image) = asked.map_err(ended)?;
    answer.map_err(Refused::error)?;
    check(&image).map_err(|refusal| Error::Image { name: name.clone(), refusal })?;
    Ok(image)
}

/// Whether what the child gave is a guest's image that every contract rule holds for.
fn check(image: &[u8]) -> Result<(), Refusal> {
    let kind = Image::verify(image)?.header().kind;
    if kind == Kind::Guest { Ok(()) } else { Err(Refusal::new(ErrorKind::Value, 0)) }
}

/// How many threads the user wants compilations to have; 0 for as many as there are processors.
fn threads() -> usize {
    std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The child's side.
fn serve(mut inside: Inside) -> Result<(), Box<dyn std::error::Error>> {
    let (threads, _) = inside.receive::<usize>(0)?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    restrict(Policy::Compute)?;
    let (Job { modules, options }, bytes) = inside.receive(MODULE_BYTES_MAX as u32)?;
    let mut rest = bytes.as_slice();
    let mut guest = Guest { modules: Vec::new() };
    for (name, file, length) in modules {
        let (bytes, others) = rest.split_at_checked(length).ok_or("the job does not fit its bytes")?;
        rest = others;
        guest.modules.push(Module { name, file, bytes: bytes.to_vec() });
    }
    let (answer, image): (Answer, _) = match super::compile(&guest, options) {
        Ok(image) => (Ok(()), image),
        Err(error) => (Err(Refused::new(error, guest.name())), Vec::new()),
    };
    inside.send(&answer, &image)?;
    Ok(())
}
