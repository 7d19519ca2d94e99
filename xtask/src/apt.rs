//! Programs that tests need: installed where that is possible, asked for where it is not.

use std::process::Command;

use crate::Failure;
use crate::shell::{has, step};

/// A program, and where it comes from.
struct Needed {
    program: &'static str,
    /// The package of Debian and Ubuntu.
    package: &'static str,
    /// What else installs it, for people.
    elsewhere: &'static str,
    /// Set to another path of it.
    variable: &'static str,
}

const QEMU: Needed = Needed {
    program: "qemu-system-x86_64",
    package: "qemu-system-x86",
    elsewhere: "Fedora: `sudo dnf install qemu-system-x86`; macOS: `brew install qemu`",
    variable: "SPACE_QEMU",
};
const CHROMIUM: Needed = Needed {
    program: "chromium",
    package: "chromium",
    elsewhere: "Fedora: `sudo dnf install chromium`",
    variable: "SPACE_CHROMIUM",
};

/// Sees to it that QEMU is there.
pub fn qemu() -> Result<(), Failure> {
    ensure(&QEMU)
}

/// Sees to it that Chromium is there.
pub fn chromium() -> Result<(), Failure> {
    ensure(&CHROMIUM)
}

fn ensure(needed: &Needed) -> Result<(), Failure> {
    let Needed { program, package, elsewhere, variable } = needed;
    if std::env::var_os(variable).is_some() || has(program) {
        return Ok(());
    }
    let by_hand = format!(
        "{program} is missing; install it (Debian, Ubuntu: `sudo apt-get install {package}`; {elsewhere}), or set \
         {variable} to its path"
    );
    if !has("apt-get") || !is_root() {
        return Err(by_hand);
    }
    println!("{program} is missing; installing it through apt");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command
    };
    step("apt-get update", &mut apt(&["update", "-qq"]))?;
    step("apt-get install", &mut apt(&["install", "-y", "-qq", "--no-install-recommends", package]))?;
    if has(program) { Ok(()) } else { Err(by_hand) }
}

/// Whether apt would let us.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
