//! `cargo xtask install` and `uninstall`.

use crate::Failure;
use crate::shell::{cargo, step};

/// Installs `space` where cargo installs programs.
pub fn install(_: &[String]) -> Result<(), Failure> {
    step("cargo install", &mut cargo(&["install", "--path", "cli", "--locked", "--force"]))?;
    println!("`space doctor` checks the rest; `space completions bash|zsh|fish` prints completions");
    Ok(())
}

/// Removes it.
pub fn uninstall(_: &[String]) -> Result<(), Failure> {
    step("cargo uninstall", &mut cargo(&["uninstall", "cli"]))
}
