//! `space build`

use std::path::Path;

use crate::arguments::Link;
use crate::commands::guest;
use crate::print;
use crate::report::{Exit, Failure};
use crate::session;

/// Builds; prints one line for each file written.
pub fn run(folder: &Path, output: Option<&Path>, fuel: bool, links: &[Link]) -> Result<(), Failure> {
    if guest::is_module(folder) {
        return guest::build(folder, output, fuel, links);
    }
    if output.is_some() || fuel || !links.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "`--output`, `--fuel` and `--link` are for WebAssembly modules",
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
