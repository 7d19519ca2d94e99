//! QEMU: installed where that is possible, asked for where it is not.

use std::process::Command;

use crate::Failure;
use crate::shell::{has, step};

const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";

/// Sees to it that QEMU is there.
pub fn ensure() -> Result<(), Failure> {
    if std::env::var_os("SPACE_QEMU").is_some() || has(PROGRAM) {
        return Ok(());
    }
    let by_hand = format!(
        "{PROGRAM} is missing; install it (Debian, Ubuntu: `sudo apt-get install {PACKAGE}`; Fedora: \
         `sudo dnf install {PACKAGE}`; macOS: `brew install qemu`), or set SPACE_QEMU to its path"
    );
    if !has("apt-get") || !is_root() {
        return Err(by_hand);
    }
    println!("{PROGRAM} is missing; installing it through apt");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command
    };
    step("apt-get update", &mut apt(&["update", "-qq"]))?;
    step("apt-get install", &mut apt(&["install", "-y", "-qq", "--no-install-recommends", PACKAGE]))?;
    if has(PROGRAM) { Ok(()) } else { Err(by_hand) }
}

/// Whether apt would let us.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
