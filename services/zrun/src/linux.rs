//! Spaces on Linux, in this process or in one of their own: binding, lifecycle, the machine's effects.

mod agents;
mod apart;
mod audio;
mod bind;
mod cache;
mod client;
mod devices;
mod disk;
mod events;
mod machine;
mod recognize;
mod recorded;
mod report;
mod run;
mod workers;

pub use agents::{Callee, Embedder, Invoker, Ledger, Runner};
pub use apart::{ALONE, ApartError, Duty, Event, Job, Orders, ROLE, Spaces, run_apart, thread_name};
pub use audio::{AudioError, Format, Microphone, Sound, Sounds, Speaker};
pub use cache::Kept;
pub use client::{CertificateError, Certificates, Client};
pub use devices::{
    Bench, Description, DescriptionError, Rack, Replay, ReplayError, Shape, SimulatedActuator, Sink, Socket,
    Source, Time, Watcher, Wave, listen,
};
pub use disk::{Disk, DiskError};
pub use events::{Exchange, Inbox, Member, Post};
pub use machine::{BackEnds, Line, Machine};
pub use recognize::event_of;
pub use recorded::{RecordError, Records, Responder, request_hash};
pub use report::{Report, ReportKind};
pub use run::{Limits, Profile, RunError, Settings, run, run_with_back_ends};
pub use space_host::machine::trim_heap;
pub use space_host::{Sample, samples};
pub use workers::Done;
