//! `cargo xtask demo`: from source to ring 3, in front of your eyes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Said, cargo, root, step, watch};
use crate::{Failure, qemu};

/// Builds `space`, boots two systems, and shows what is refused.
pub fn run(_: &[String]) -> Result<(), Failure> {
    qemu::ensure()?;
    let space = Space::build()?;
    let examples = root().join("examples");

    let multicomponent = examples.join("multicomponent");
    let folder = multicomponent.to_string_lossy();
    heading("Two components, one typed channel between them: examples/multicomponent");
    space.expect(&["build", &folder], 0, &[])?;
    space.expect(&["check", &folder], 0, &["contract rules hold"])?;
    space.expect(&["boot", &folder], 0, &["the sum is 4999950000"])?;

    heading("The same folder, a method used that is not declared: refused before it exists");
    let scratch = Scratch::of(&examples.join("hello"))?;
    scratch.edit("hello.in", "console.write(\"hello from ring 3\\n\")", "console.flush()")?;
    space.expect(&["build", &scratch.0.to_string_lossy()], 1, &["flush"])?;

    heading("A component that runs over, and its peer: examples/offender");
    let offender = examples.join("offender");
    let said =
        space.expect(&["boot", &offender.to_string_lossy()], 3, &["peer: still here", "overflow.in:"])?;
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

/// A copy of a folder that may be edited; removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn of(folder: &Path) -> Result<Self, Failure> {
        let copy = std::env::temp_dir().join(format!("space-demo-{}", std::process::id()));
        fs::create_dir_all(&copy).map_err(|error| error.to_string())?;
        let scratch = Self(copy);
        for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                fs::copy(&path, scratch.0.join(name)).map_err(|error| error.to_string())?;
            }
        }
        Ok(scratch)
    }

    fn edit(&self, file: &str, from: &str, to: &str) -> Result<(), Failure> {
        let path = self.0.join(file);
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        if !text.contains(from) {
            return Err(format!("{file} does not contain `{from}`"));
        }
        fs::write(&path, text.replace(from, to)).map_err(|error| error.to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder in the system's own temporary place; what stays there is removed by the system.
        fs::remove_dir_all(&self.0).ok();
    }
}
