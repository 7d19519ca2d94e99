//! One module for each command; each has a `run` that prints its result or answers why not. `guest`, `profile` and `system`
//! hold what several commands share.

pub mod agents;
pub mod apps;
pub mod boot;
pub mod build;
pub mod check;
pub mod demo;
pub mod devices;
pub mod doctor;
pub mod explain;
pub mod facts;
pub mod fmt;
pub mod generate;
pub mod guest;
pub mod inspect;
pub mod key;
pub mod mex;
pub mod new;
pub mod profile;
pub mod run;
pub mod sign;
pub mod system;
pub mod test;
pub mod to_elf;
pub mod verify;
pub mod why;
