//! `cargo xtask demo`: from source to ring 3, in front of your eyes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scratch::Scratch;
use crate::shell::{Said, cargo, root, step, watch};
use crate::{Failure, apt};

/// Builds `space`, boots two systems, and shows what is refused.
pub fn run(_: &[String]) -> Result<(), Failure> {
    apt::qemu()?;
    let space = Space::build()?;
    let folder = "examples/multicomponent";
    heading("Two components, one typed channel between them: examples/multicomponent");
    space.expect(&["build", folder], 0, &[])?;
    space.expect(&["check", folder], 0, &["contract rules hold"])?;
    space.expect(&["boot", folder], 0, &["the sum is 4999950000"])?;

    heading("examples/hello, changed to use a method that it does not declare: refused before it exists");
    let hello =
        fs::read_to_string(root().join("examples/hello/hello.in")).map_err(|error| error.to_string())?;
    let declared = "console.write(\"hello from ring 3\\n\")";
    if !hello.contains(declared) {
        return Err(format!("examples/hello/hello.in does not contain `{declared}`"));
    }
    let scratch = Scratch::new("demo")?;
    scratch.write("hello.in", &hello.replace(declared, "console.flush()"))?;
    space.expect(&["build", &scratch.path().to_string_lossy()], 1, &["flush"])?;

    heading("A component that runs over, and its peer: examples/offender");
    let said = space.expect(&["boot", "examples/offender"], 3, &["peer: still here", "overflow.in:"])?;
    if said.text.contains("never printed") {
        return Err("the offender went on after its overflow".to_owned());
    }

    let path = space.0.parent().unwrap_or(Path::new(".")).display().to_string();
    println!(
        "\nNext, with `space` on the PATH (this shell: export PATH=\"{path}:$PATH\"; for good: cargo xtask install):\n\
         \n  space new my-first && cd my-first\n  space boot\n  space why my-first console\n"
    );
    Ok(())
}

fn heading(text: &str) {
    println!("\n== {text}");
}

/// The built command.
pub struct Space(pub PathBuf);

impl Space {
    /// Builds it.
    pub fn build() -> Result<Self, Failure> {
        step("cargo build --release", &mut cargo(&["build", "--release", "--package", "cli"]))?;
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let space = root().join(target).join("release/space");
        if space.is_file() { Ok(Self(space)) } else { Err(format!("there is no {}", space.display())) }
    }

    /// Runs it, shows what it says, and insists on an exit code and on words.
    pub fn expect(&self, arguments: &[&str], code: i32, words: &[&str]) -> Result<Said, Failure> {
        println!("   $ space {}", arguments.join(" "));
        let said = watch(Command::new(&self.0).args(arguments).current_dir(root()))?;
        if said.code != Some(code) {
            return Err(format!("space {} ended with {:?}, not {code}", arguments.join(" "), said.code));
        }
        match words.iter().find(|word| !said.text.contains(**word)) {
            Some(word) => Err(format!("space {} did not say `{word}`", arguments.join(" "))),
            None => Ok(said),
        }
    }
}
