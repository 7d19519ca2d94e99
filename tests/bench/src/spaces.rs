//! Figures of applications: messages, starts, checks, sizes. Times depend on what else runs: gates are said, and fail
//! nothing.

mod application;
mod figures;
mod greedy;
mod live;
mod trip;

use application::Place;
use xtask::Failure;
use xtask::demo::Space;

/// Prints them all.
pub fn run(space: &Space) -> Result<(), Failure> {
    for part in [
        trip::run,
        greedy::run,
        figures::cold,
        figures::many,
        figures::validation,
        figures::verification,
        figures::lines,
        live::run,
    ] {
        part(&Place::new(&space.0)?)?;
    }
    Ok(())
}
