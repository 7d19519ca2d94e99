//! A child process that is asked by lines.

use crate::engine::Failure;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The child; it ends with its owner.
pub struct Peer {
    name: String,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it.
    pub fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        let failed = || format!("{name} does not start");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", failed()))?;
        let requests = child.stdin.take().ok_or_else(failed)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(failed)?);
        Ok(Self { name: name.to_owned(), child, requests, answers })
    }

    /// Asks, and waits for the two numbers.
    pub fn ask(&mut self, request: &str) -> Result<(u64, u64), Failure> {
        let mut line = String::new();
        let asked = self.requests.write_all(format!("{request}\n").as_bytes());
        asked.and_then(|()| self.requests.flush()).map_err(|error| format!("{}: {error}", self.name))?;
        self.answers.read_line(&mut line).map_err(|error| format!("{}: {error}", self.name))?;
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [one, other] => Ok((one, other)),
            _ => Err(format!("{}: `{request}`: {}", self.name, line.trim())),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
