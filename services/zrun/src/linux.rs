//! Spaces on Linux, in this process or in one of their own: binding, lifecycle, the machine's effects.

mod apart;
mod bind;
mod disk;
mod machine;
mod report;
mod run;

pub use apart::{ALONE, ApartError, Event, Job, Orders, ROLE, Spaces, run_apart};
pub use disk::{Disk, DiskError};
pub use machine::{Line, Machine};
pub use report::{Report, ReportKind};
pub use run::{Limits, Profile, RunError, Settings, run};
pub use space_host::{Sample, samples};
