//! Spaces in a Linux process: binding, lifecycle, the machine's effects.

mod bind;
mod disk;
mod machine;
mod run;

pub use disk::{Disk, DiskError};
pub use machine::{Line, Machine};
pub use run::{Limits, RunError, Settings, run};
