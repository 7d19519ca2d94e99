//! `space build`

use std::path::Path;

use crate::print;
use crate::report::Failure;
use crate::session;

/// Builds; prints one line for each file written.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let built = session::build(folder)?;
    if built.fresh {
        return print::text(&format!("{} is up to date\n", session::name(folder)));
    }
    let lines: String = built
        .outputs
        .iter()
        .map(|output| format!("{}  {} bytes\n", output.path.display(), output.bytes))
        .collect();
    print::text(&lines)
}
