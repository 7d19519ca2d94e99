//! Applications made for measuring, and a place of their own to run them in.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use xtask::Failure;
use xtask::scratch::Scratch;

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// One space of an application: a module for the machine.
pub struct Member<'m> {
    /// Its name.
    pub name: String,
    /// Its module as text.
    pub module: &'m str,
    /// What its topology says beside its name, type and capabilities, indented by four.
    pub rest: &'m str,
}

/// A `$SPACE_HOME` of its own, gone when dropped, with whatever runs in it.
pub struct Place<'p> {
    space: &'p Path,
    scratch: Scratch,
}

impl<'p> Place<'p> {
    /// An empty place.
    pub fn new(space: &'p Path) -> Result<Self, Failure> {
        Ok(Self { space, scratch: Scratch::new("bench-spaces")? })
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        let path = self.path(name);
        let written =
            fs::create_dir_all(path.parent().unwrap_or(&path)).and_then(|()| fs::write(&path, bytes));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A call of `space`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.space);
        command.args(arguments).env("SPACE_HOME", self.path("home")).stdin(Stdio::null());
        command
    }

    /// Calls `space`, which has to succeed.
    pub fn call(&self, arguments: &[&str]) -> Result<String, Failure> {
        crate::quiet(&mut self.command(arguments))
    }

    /// Writes an application and brings it up. A path is who sends, its name, who receives.
    pub fn up(&self, name: &str, members: &[Member<'_>], paths: &[[&str; 3]]) -> Result<(), Failure> {
        self.make(name, members, paths)?;
        self.call(&["up", "--detach", &self.path(name).to_string_lossy()]).map(drop)
    }

    /// Writes an application's folder.
    pub fn make(&self, name: &str, members: &[Member<'_>], paths: &[[&str; 3]]) -> Result<(), Failure> {
        let (mut manifest, mut topology) = (
            format!(
                "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: {name}\n  version: 1.0.0\n  publisher: bench\n  \
                 created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n"
            ),
            format!("apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: {name}\nspaces:\n"),
        );
        for Member { name: space, module, rest } in members {
            let bytes =
                wat::parse_str(module).map_err(|error| format!("the module of `{space}`: {error}"))?;
            self.write(&format!("{name}/spaces/{space}/core.wasm"), bytes)?;
            self.write(
                &format!("{name}/spaces/{space}/space.yaml"),
                format!("apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: {space}\ntype: DATA\npersistence: {{}}\n"),
            )?;
            // Writing to a string cannot fail.
            let _ = writeln!(manifest, "    - {space}");
            let _ = write!(
                topology,
                "  - name: {space}\n    type: DATA\n    capabilities: [sys.log, sys.yield, net.emit_to, net.recv_next, \
                 data.read, data.write]\n{rest}"
            );
        }
        if !paths.is_empty() {
            topology += "paths:\n";
        }
        for [from, path, to] in paths {
            let _ = writeln!(topology, "  - from: {from}\n    to: {to}\n    name: {path}");
        }
        self.write(&format!("{name}/manifest.yaml"), manifest)?;
        self.write(&format!("{name}/topology.yaml"), topology)
    }

    /// When a space said a line, in milliseconds since 1970; waits until it does.
    pub fn said(&self, application: &str, space: &str, text: &str) -> Result<u64, Failure> {
        let path = self.path(&format!("home/applications/{application}/log"));
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let log = fs::read_to_string(&path).unwrap_or_default();
            let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut said = entries.filter(|entry| entry["space"] == space && entry["text"] == text);
            if let Some(time) = said.next().and_then(|entry| entry["time"].as_u64()) {
                return Ok(time);
            }
            thread::sleep(LOOK);
        }
        Err(format!("`{space}` of `{application}` did not say `{text}` in time"))
    }

    /// The number of the process that is the parent of its spaces, if there is one.
    pub fn parent(&self) -> Option<u32> {
        fs::read_to_string(self.path("home/zhost.pid")).ok()?.trim().parse().ok()
    }

    /// Takes an application down, and what it stored with it.
    pub fn down(&self, name: &str) -> Result<(), Failure> {
        self.call(&["down", "--purge", "--app", name]).map(drop)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(parent) = self.parent() {
            // It may have ended by itself meanwhile.
            let _ = Command::new("kill").args(["-KILL", &parent.to_string()]).stderr(Stdio::null()).status();
        }
    }
}
