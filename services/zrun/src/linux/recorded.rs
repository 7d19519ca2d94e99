//! A small server that answers from a file, so that what asks models and services runs offline and gives the same
//! results: `docs/agents.md` describes the file.

use sci::digest::Hasher;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes of a request's head and of its body.
const HEAD_BYTES_MAX: u64 = 16 << 10;
const BODY_BYTES_MAX: u64 = 1 << 20;
/// How long a request may take to arrive.
const READ_TIME: Duration = Duration::from_secs(10);

/// Why a file has no answers.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A line is no answer.
    #[error("line {0} is no answer as docs/agents.md describes it: {1}")]
    Line(usize, serde_json::Error),
    /// A line does not say what it answers.
    #[error("line {0} needs one of `request` and `hash`")]
    NoRequest(usize),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    request: Option<Asked>,
    hash: Option<String>,
    #[serde(default = "ok")]
    status: u16,
    answer: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default = "post")]
    method: String,
    path: String,
    body: Option<Value>,
}

fn ok() -> u16 {
    200
}

fn post() -> String {
    "POST".into()
}

/// What a request is found by: its method, its path with the query, and its body, in which order and spaces of JSON do
/// not count.
pub fn request_hash(method: &str, path: &str, body: &[u8]) -> String {
    let mut hasher = Hasher::new();
    hasher.update(format!("{method} {path}\n").as_bytes());
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            value.sort_all_objects();
            hasher.update(value.to_string().as_bytes());
        }
        Err(_) => hasher.update(body),
    }
    hasher.finish().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Answers by the hashes of their requests. Several answers to one request come in their order, the last one again and
/// again.
#[derive(Debug, Default)]
pub struct Records(BTreeMap<String, VecDeque<(u16, Vec<u8>)>>);

impl Records {
    /// Of a text: a line of JSON for each answer.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let mut records = Self::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line =
                serde_json::from_str(line).map_err(|error| RecordError::Line(number + 1, error))?;
            let hash = match (line.request, line.hash) {
                (Some(Asked { method, path, body }), None) => {
                    let body = match body {
                        None => Vec::new(),
                        Some(Value::String(text)) => text.into_bytes(),
                        Some(value) => value.to_string().into_bytes(),
                    };
                    request_hash(&method, &path, &body)
                }
                (None, Some(hash)) => hash,
                _ => return Err(RecordError::NoRequest(number + 1)),
            };
            let answer = match line.answer {
                Value::String(text) => text.into_bytes(),
                value => value.to_string().into_bytes(),
            };
            records.0.entry(hash).or_default().push_back((line.status, answer));
        }
        Ok(records)
    }

    /// The answer to a request of this hash.
    pub(super) fn answer(&mut self, hash: &str) -> Option<(u16, Vec<u8>)> {
        match self.0.get_mut(hash) {
            Some(answers) if answers.len() > 1 => answers.pop_front(),
            answers => answers.and_then(|answers| answers.front().cloned()),
        }
    }
}

/// The server, on a port of this machine. When it is dropped, it answers no more.
#[derive(Debug)]
pub struct Responder {
    address: SocketAddr,
    is_closed: Arc<AtomicBool>,
}

impl Responder {
    /// Answers from these records, on a port that is free.
    pub fn start(records: Records) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let (records, closed) = (Arc::new(Mutex::new(records)), Arc::clone(&is_closed));
        thread::Builder::new().name("responder".into()).spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::Acquire) {
                    break;
                }
                let records = Arc::clone(&records);
                // Whoever cannot be served sees the connection end.
                let _ = thread::Builder::new().spawn(move || respond(stream, &records));
            }
        })?;
        Ok(Self { address, is_closed })
    }

    /// Where it answers: `http://` and this.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Release);
        // The thread that listens wakes and sees it.
        let _ = TcpStream::connect(self.address);
    }
}

fn respond(mut stream: TcpStream, records: &Mutex<Records>) -> io::Result<()> {
    stream.set_read_timeout(Some(READ_TIME))?;
    let mut lines = BufReader::new(stream.try_clone()?).take(HEAD_BYTES_MAX);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut length: u64 = 0;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        let header = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if let Some((_, value)) = header {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    if length > BODY_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length as usize];
    let mut rest = lines.into_inner();
    rest.read_exact(&mut body)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let hash = request_hash(method, path, &body);
    let answer = records.lock().unwrap_or_else(PoisonError::into_inner).answer(&hash);
    let missing =
        || format!("{{\"error\":{{\"message\":\"no answer is recorded for the request {hash}\"}}}}");
    let (status, answer) = answer.unwrap_or_else(|| (404, missing().into_bytes()));
    write!(
        stream,
        "HTTP/1.1 {status} Recorded\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        answer.len()
    )?;
    stream.write_all(&answer)
}
