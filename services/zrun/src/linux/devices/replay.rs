//! Readings from a file.

use super::Source;
use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Bytes of a file of readings.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Why a file is not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the readings cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is too large.
    #[error("the readings have more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// A line is no reading.
    #[error("line {0} is no reading, such as {{\"at\": 1500, \"value\": 20.5}}: {1}")]
    Line(usize, serde_json::Error),
    /// A line is out of order.
    #[error("line {0} is earlier than the one before it: `at` may not decrease")]
    Order(usize),
    /// The repetition would begin before the last reading.
    #[error("the readings last {0} ms: `repeat` must be more")]
    Repeat(u64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Milliseconds from the beginning.
    at: u64,
    value: Value,
}

/// A sensor whose readings are in a file: a line for each, in JSON.
#[derive(Debug)]
pub struct Replay {
    lines: Vec<Line>,
    /// Milliseconds after which it begins anew, if it does.
    repeat: Option<u64>,
    next: usize,
    /// When this round began.
    start: u64,
}

impl Replay {
    /// Of a file; with `repeat`, it begins anew after so many milliseconds.
    pub fn open(path: &Path, repeat: Option<u64>) -> Result<Self, ReplayError> {
        let mut text = String::new();
        if !path.metadata()?.is_file() {
            return Err(io::Error::other("it is no file").into());
        }
        let read = File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if read as u64 > FILE_BYTES_MAX {
            return Err(ReplayError::TooLarge);
        }
        Self::read(&text, repeat)
    }

    /// Of a text.
    pub fn read(text: &str, repeat: Option<u64>) -> Result<Self, ReplayError> {
        let mut lines: Vec<Line> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line =
                serde_json::from_str(line).map_err(|error| ReplayError::Line(number + 1, error))?;
            if lines.last().is_some_and(|last| line.at < last.at) {
                return Err(ReplayError::Order(number + 1));
            }
            lines.push(line);
        }
        let last = lines.last().map_or(0, |last| last.at);
        if repeat.is_some_and(|repeat| repeat <= last) {
            return Err(ReplayError::Repeat(last));
        }
        Ok(Self { lines, repeat, next: 0, start: 0 })
    }
}

impl Source for Replay {
    fn due(&self) -> Option<u64> {
        self.lines.get(self.next).map(|line| self.start.saturating_add(line.at))
    }

    fn take(&mut self) -> Option<Value> {
        let value = self.lines.get(self.next)?.value.clone();
        self.next += 1;
        if let (true, Some(repeat)) = (self.next == self.lines.len(), self.repeat) {
            self.start = self.start.saturating_add(repeat);
            self.next = 0;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all(mut replay: Replay, count: usize) -> Vec<(u64, Value)> {
        (0..count).map_while(|_| Some((replay.due()?, replay.take()?))).collect()
    }

    #[test]
    fn lines_come_at_their_times() {
        let text = "{\"at\":0,\"value\":1}\n\n{\"at\":5,\"value\":{\"x\":2}}\n";
        let once = [(0, json!(1)), (5, json!({"x": 2}))];
        assert_eq!(all(Replay::read(text, None).unwrap(), 9), once);
        let again = all(Replay::read(text, Some(10)).unwrap(), 4);
        assert_eq!(again[2..], [(10, json!(1)), (15, json!({"x": 2}))]);
        assert_eq!(Replay::read("", Some(1)).unwrap().due(), None);
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        let error = |text, repeat| Replay::read(text, repeat).unwrap_err().to_string();
        assert!(error("{\"at\":1,\"value\":1}\n{\"at\":1}", None).starts_with("line 2 is no reading"));
        assert!(
            error("{\"at\":1,\"value\":1}\n{\"at\":0,\"value\":1}", None).starts_with("line 2 is earlier")
        );
        assert_eq!(error("{\"at\":7,\"value\":1}", Some(7)), "the readings last 7 ms: `repeat` must be more");
    }
}
