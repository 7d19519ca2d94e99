//! Starting programs, and saying so.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Failure;

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap_or_else(|_| PathBuf::from("."))
}

/// Cargo, called from the root.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    // What the outer cargo tells this program is not meant for the inner one.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command
}

/// Whether a program can be started.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Runs a command under a heading; fails unless it succeeds.
pub fn step(heading: &str, command: &mut Command) -> Result<(), Failure> {
    println!("== {heading}");
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{heading}: {error}"))?;
    if !status.success() {
        return Err(format!("{heading}: {}", line(command)));
    }
    println!("   {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// What a command printed, both streams in one, and its exit code.
pub struct Said {
    /// Standard output and standard error, line by line as they came.
    pub text: String,
    /// The exit code, if it ended by itself.
    pub code: Option<i32>,
}

/// Runs a command; prints what it says with an indentation, and keeps it.
pub fn watch(command: &mut Command) -> Result<Said, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", line(command));
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let errors = writer.try_clone().map_err(failed)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .spawn()
        .map_err(|error| error.to_string())?;
    // The command holds the pipe's other end; as long as it lives here, the pipe has no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = String::new();
    for read in BufReader::new(reader).split(b'\n') {
        let read = read.map_err(|error| error.to_string())?;
        let one = String::from_utf8_lossy(&read).trim_end().to_owned();
        println!("   | {one}");
        text += &one;
        text.push('\n');
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(Said { text, code: status.code() })
}

/// A command as it could be typed.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
