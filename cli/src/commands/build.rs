//! `space build`

use std::path::Path;

use crate::commands::guest;
use crate::print;
use crate::report::{Exit, Failure};
use crate::session;

/// Builds; prints one line for each file written.
pub fn run(folder: &Path, output: Option<&Path>, fuel: bool) -> Result<(), Failure> {
    if guest::is_module(folder) {
        return guest::build(folder, output, fuel);
    }
    if output.is_some() || fuel {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "`--output` and `--fuel` are for WebAssembly modules",
        )
        .help("a project's images are in its folder `build`"));
    }
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
