//! The run child: a guest, and what the runtime does for it, in a process that has no authority.
//!
//! The child has the guest's memory and code, and no file, network or other process. What its space does outside it, the
//! parent does: it holds log, clock and values, and checks each request against the grants and the limits. It never
//! sees the guest's memory.

use super::machine::{Clock, Machine};
use super::run::{Limits, RunError, Settings, Start, run_in};
use crate::data::StoreError;
use crate::imports::ImportError;
use crate::launch::Texts;
use crate::remote::{Channel, Remote, Server};
use crate::space::Grants;
use runtime_sandbox::{Child, Ended, Inside, Policy, Role, SpawnError};
use sci::sign::PublicKey;
use serde::{Deserialize, Serialize};
use space_host::{Error, Module, Trap};
use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

/// The role, for [`runtime_sandbox::start`]: a program that uses [`run_apart`] lists it.
pub const ROLE: Role = ("run", serve);

/// Time that a child may take beyond the guest's: to begin, and to be noticed.
const GRACE: Duration = Duration::from_secs(10);
/// Memory beside that which the guest may have: tables, blobs, the image.
const MEMORY_BESIDE: u64 = 1 << 30;
/// A slab's image and the beginning of a guest's memory are one file, most of it empty.
const FILE_BYTES: u64 = 2 << 30;
/// Bytes of a request or a reply beside its head: the largest value, and its key.
const MESSAGE_BYTES_MAX: u32 = 32 << 20;

/// What a child is to run; the image goes with it.
#[derive(Serialize, Deserialize)]
struct Job {
    texts: Texts,
    grants: u64,
    seed: u64,
    limits: Limits,
    is_sampled: bool,
    keys: Vec<PublicKey>,
}

/// What a child says.
#[derive(Serialize, Deserialize)]
enum Said {
    /// It asks for an effect; the request goes with it.
    Request,
    /// The space has ended; its samples go with it.
    Ended(Result<(), Report>),
}

/// Why a space did not run to its end, as its process tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Report {
    /// What kind of reason it is.
    pub kind: ReportKind,
    /// The reason.
    pub message: String,
}

/// Kinds of reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportKind {
    /// An import is refused.
    Import,
    /// An import needs this capability, which is not granted.
    NotGranted(String),
    /// The image is refused.
    Image,
    /// Fuel is given to an image that does not count it.
    NoFuel,
    /// A memory begins with more than is allowed.
    Memory,
    /// The module has no way in, or one of another type.
    NoWayIn,
    /// The guest ended with a status.
    Status,
    /// It trapped.
    Trap,
    /// This machine cannot run it.
    Host,
}

impl From<&RunError> for Report {
    fn from(error: &RunError) -> Self {
        let kind = match error {
            RunError::Import(ImportError::NotGranted { capability, .. }) => {
                ReportKind::NotGranted((*capability).to_owned())
            }
            RunError::Import(_) | RunError::Host(Error::Missing { .. } | Error::Mismatch { .. }) => {
                ReportKind::Import
            }
            RunError::Lifecycle(_) => ReportKind::NoWayIn,
            RunError::Status(_) | RunError::Host(Error::Trap(Trap::Exit(_))) => ReportKind::Status,
            RunError::Host(Error::Trap(_)) => ReportKind::Trap,
            RunError::Host(Error::Guest(_)) => ReportKind::Image,
            RunError::Host(Error::NoFuel) => ReportKind::NoFuel,
            RunError::Host(Error::Quota { .. }) => ReportKind::Memory,
            RunError::Host(_) | RunError::Enter(_) => ReportKind::Host,
        };
        Self { kind, message: error.to_string() }
    }
}

/// Why a space did not run to its end in its own process.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// There is no process for it.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The process ended before the space.
    #[error("the guest's process {0}")]
    Ended(Ended),
    /// The space ended so.
    #[error(transparent)]
    Space(#[from] Report),
}

impl From<Ended> for ApartError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// Runs a space of an image that one of the keys has signed, in a child process.
pub fn run_apart(image: &[u8], keys: &[PublicKey], settings: Settings) -> Result<(), ApartError> {
    let Settings { name, grants, arguments, environment, seed, log, values, limits, profile } = settings;
    let time = limits.time.map(|time| time.saturating_add(GRACE));
    let allowed = runtime_sandbox::Limits {
        cpu_seconds: time.map(|time| time.as_secs().saturating_add(1)),
        memory_bytes: limits.memory_bytes.unwrap_or(1 << 40).saturating_add(MEMORY_BESIDE),
        file_bytes: FILE_BYTES,
    };
    let mut child = Child::spawn(ROLE.0, allowed, time)?;
    let mut world = Machine::new(log, values, limits.time);
    let server = Server::new(grants, &mut world);
    let texts = Texts { name, arguments, environment };
    let (grants, is_sampled) = (grants.mask(), profile.is_some());
    child.send(&Job { texts, grants, seed, limits, is_sampled, keys: keys.to_vec() }, image)?;
    loop {
        let (said, beside) = child.receive(MESSAGE_BYTES_MAX)?;
        match said {
            Said::Request => child.send(&(), &server.serve(&beside, &mut world))?,
            Said::Ended(result) => {
                if let Some(profile) = profile {
                    let words = beside.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
                    profile(&words.collect::<Vec<u32>>());
                }
                return Ok(result?);
            }
        }
    }
}

/// The child's side.
fn serve(mut inside: Inside) -> Result<(), Box<dyn std::error::Error>> {
    inside.restrict(Policy::LoadGuest)?;
    let (job, image) = inside.receive(sci::limits::IMAGE_BYTES_MAX as u32)?;
    let inside = Rc::new(RefCell::new(inside));
    let (result, samples) = live(job, &image, &inside);
    let result = result.map_err(|error| Report::from(&error));
    let samples: Vec<u8> = samples.into_iter().flat_map(u32::to_le_bytes).collect();
    inside.borrow_mut().send(&Said::Ended(result), &samples)?;
    Ok(())
}

fn live(job: Job, image: &[u8], inside: &Rc<RefCell<Inside>>) -> (Result<(), RunError>, Vec<u32>) {
    let Job { texts, grants, seed, limits, is_sampled, keys } = job;
    // Its file cannot be closed any more when the guest has run: it lasts as long as the process.
    let module = match Module::load(image, &keys) {
        Ok(module) => Box::leak(Box::new(module)),
        Err(error) => return (Err(error.into()), Vec::new()),
    };
    let world = Remote::new(ToParent { inside: Rc::clone(inside), clock: Clock::new(limits.time) });
    let start = Start { texts, grants: Grants::of(grants), seed, limits, is_sampled };
    run_in(module, start, world, || Ok(inside.borrow_mut().restrict(Policy::RunGuest)?))
}

/// The way of a space's effects to the parent.
struct ToParent {
    inside: Rc<RefCell<Inside>>,
    clock: Clock,
}

impl Channel for ToParent {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        if request.len() as u64 > u64::from(MESSAGE_BYTES_MAX) {
            return Err(StoreError::Full);
        }
        let mut inside = self.inside.borrow_mut();
        let answer = inside.send(&Said::Request, request).and_then(|()| inside.receive(MESSAGE_BYTES_MAX));
        answer.map(|((), reply)| reply).map_err(|_| StoreError::Failed)
    }

    fn monotonic(&mut self) -> u64 {
        self.clock.monotonic()
    }

    fn sleep(&mut self, nanoseconds: u64) -> bool {
        self.clock.sleep(nanoseconds)
    }

    fn pause(&mut self) {
        thread::yield_now();
    }
}
