//! The compiler as a function from sources to images.

use crate::{Compilation, Options, ProjectSource};

/// Compiles every component of a project and links its system.
pub fn compile(project: &ProjectSource, options: &Options) -> Compilation {
    let _ = (project, options);
    Compilation::default()
}
