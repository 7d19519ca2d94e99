//! A folder, a key store, and the built `space` to call in them.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

pub mod crowd;
pub mod house;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A place of its own for one test.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What a call said.
pub struct Said {
    /// The exit code; a crash has none.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Place {
    /// An empty place.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A place with a project made by `space new demo`, to be called in.
    pub fn with_project(template: &str) -> Self {
        let place = Self::new();
        place.call("", &["new", "demo", "--template", template]).succeeds();
        place
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Calls `space` in one of its folders.
    pub fn call(&self, folder: &str, arguments: &[&str]) -> Said {
        self.call_with(&self.path(folder), arguments, &[])
    }

    /// The number of the process that is the parent of its spaces; empty where there is none.
    pub fn parent(&self) -> String {
        let text = fs::read_to_string(self.path("home/zhost.pid")).unwrap_or_default();
        text.trim().to_owned()
    }

    /// Kills that process, which may end by itself meanwhile, and waits until it is gone.
    pub fn kill_parent(&self) {
        let process = self.parent();
        if !process.is_empty() {
            let _ = Command::new("kill").args(["-KILL", &process]).stderr(Stdio::null()).status();
            // One that nobody has waited for has no words left.
            let words = || fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            while !words().is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// The one application as `space ps` tells it in a folder; nothing where there is none yet.
    pub fn application(&self, folder: &str) -> Value {
        let said = self.call(folder, &["ps", "--json"]).succeeds();
        let mut all: Value = serde_json::from_str(&said).unwrap();
        all["applications"].get_mut(0).map(Value::take).unwrap_or_default()
    }

    /// A call of `space` in one of its folders.
    pub fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        self.at(&self.path(folder), arguments)
    }

    fn at(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_space"));
        command.args(arguments).current_dir(folder).env("SPACE_HOME", self.path("home"));
        command
    }

    /// Calls `space` in a folder with further variables.
    pub fn call_with(&self, folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let output = self.at(folder, arguments).envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// Insists on success; gives what it printed.
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// Insists on an exit code and on the whole of standard error.
    #[track_caller]
    pub fn fails(self, code: i32, err: &str) {
        assert_eq!((self.code, self.err.as_str()), (Some(code), err));
    }

    /// Insists on an exit code and on a part of what it said.
    #[track_caller]
    pub fn refuses(self, code: i32, part: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(
            self.err.contains(part) || self.out.contains(part),
            "no `{part}` in\n{}{}",
            self.out,
            self.err
        );
    }
}
