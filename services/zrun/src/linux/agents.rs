//! Agents on Linux: requests by HTTP, and a thread for each invocation that nobody waits for.

use super::devices::Time;
use super::recorded::{Records, request_hash};
use super::workers::{Done, Workers};
use crate::agents::{Agents, Answer, Book, Event, Kind, Outcome, Own, Request, Spent, Step, Trouble};
use sci::guest::ErrorCode;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use ureq::http;

/// What has a space carry a function out.
pub trait Callee: Send + Sync {
    /// Sends a space the input for a function of its own, and waits for its answer. `from` is the space that invokes it.
    fn call(&self, from: u32, space: &str, function: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode>;
}

/// What a host does beside the invocations of its spaces.
pub trait Ledger: Send + Sync {
    /// Keeps what was spent, before the request that it may be spent on is made.
    fn keep(&self, book: &Book) -> Result<(), ErrorCode>;
    /// Hears what only an operator can mend, of a space's request: no secret is in it.
    fn trouble(&self, space: u32, says: &str);
}

/// The host whose answers are recorded: no machine can have the name.
const RECORDED: &str = "http://recorded.invalid";

struct Inner {
    book: Mutex<Book>,
    time: Time,
    client: Client,
    callee: Option<Box<dyn Callee>>,
    ledger: Option<Box<dyn Ledger>>,
    workers: Workers,
}

/// The agents of a topology.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

impl Runner {
    /// Of a book; without a callee, no space carries functions out.
    pub fn new(book: Book, time: Time, callee: Option<Box<dyn Callee>>) -> Self {
        Self::with_ledger(book, time, callee, None)
    }

    /// The same, with what the host does beside.
    pub fn with_ledger(
        book: Book,
        time: Time,
        callee: Option<Box<dyn Callee>>,
        ledger: Option<Box<dyn Ledger>>,
    ) -> Self {
        let (book, client, workers) = (Mutex::new(book), Client::default(), Workers::default());
        Self(Arc::new(Inner { book, time, client, callee, ledger, workers }))
    }

    /// Changes the book, between two steps of whatever is on its way.
    pub fn change(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.book());
    }

    /// Answers what is asked of `http://recorded.invalid` from these from now on.
    pub fn record(&self, records: Records) {
        self.0.client.record(records);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        (self.0.time)()
    }

    /// What was spent on a model of the topology today.
    pub fn spent(&self, model: &str) -> Spent {
        self.book().spent(model).at(self.now())
    }

    /// The agents for a space, by a number that is its own, which has this of its own.
    pub fn for_space(&self, space: u32, own: Own) -> Invoker {
        self.book().join(space, own);
        Invoker { runner: self.clone(), space }
    }

    /// Carries an invocation out in a thread of its own. Too many at a time are refused with `would-block`.
    pub fn start(&self, space: u32, kind: Kind, name: &str, input: &[u8], done: Done) {
        let (runner, name, input) = (self.clone(), name.to_owned(), input.to_vec());
        self.0.workers.start(move || runner.run(space, kind, &name, &input), done);
    }

    /// Carries an invocation out and waits for its result.
    fn run(&self, space: u32, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        let now = self.now();
        let (mut invocation, mut step) = {
            let mut book = self.book();
            let begun = book.begin(space, kind, name, input, now);
            self.keep(&book)?;
            begun
        };
        loop {
            let event = match step {
                Step::Done(result) => return result,
                Step::Ask(request) => Event::Answered(self.ask(space, &request)),
                Step::Wait(milliseconds) => {
                    thread::sleep(Duration::from_millis(milliseconds));
                    Event::Waited
                }
                Step::Call { space: callee, function, input } => {
                    let call = |one: &dyn Callee| one.call(space, &callee, &function, &input);
                    Event::Called(self.0.callee.as_deref().map_or(Err(ErrorCode::Closed), call))
                }
            };
            let now = self.now();
            let mut book = self.book();
            step = book.go_on(&mut invocation, event, now);
            self.keep(&book)?;
        }
    }

    fn keep(&self, book: &Book) -> Result<(), ErrorCode> {
        self.0.ledger.as_ref().map_or(Ok(()), |ledger| ledger.keep(book))
    }

    fn ask(&self, space: u32, request: &Request) -> Outcome {
        self.0.client.ask(request, &|says| {
            if let Some(ledger) = &self.0.ledger {
                ledger.trouble(space, says);
            }
        })
    }
}

/// What makes requests.
pub struct Client {
    agent: ureq::Agent,
    records: Mutex<Records>,
}

impl Default for Client {
    fn default() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("space")
            .build();
        Self { agent: config.new_agent(), records: Mutex::default() }
    }
}

impl Client {
    /// Answers what is asked of `http://recorded.invalid` from these from now on.
    pub fn record(&self, records: Records) {
        *self.records.lock().unwrap_or_else(PoisonError::into_inner) = records;
    }

    /// Makes a request, and tells what only an operator can mend.
    pub fn ask(&self, request: &Request, trouble: &dyn Fn(&str)) -> Outcome {
        if let Some(path) = request.url.strip_prefix(RECORDED).filter(|path| path.starts_with('/')) {
            return self.recorded(request, path, trouble);
        }
        let timeout = Duration::from_millis(request.timeout_milliseconds);
        let end = Instant::now() + timeout;
        let outcome = self.exchange(request, timeout);
        // Whatever a request is told that came to nothing: past its time, it took too long.
        let outcome =
            outcome.map_err(|broken| if Instant::now() >= end { Trouble::TimedOut } else { broken });
        if let Err(broken) = outcome {
            trouble(&format!("{} {}: {broken}", request.method, request.url));
        }
        outcome
    }

    /// As the recorded responder answers, without a way through the network.
    fn recorded(&self, request: &Request, path: &str, trouble: &dyn Fn(&str)) -> Outcome {
        let body = request.body.as_deref().unwrap_or_default();
        let hash = request_hash(request.method, path, body);
        let answer = self.records.lock().unwrap_or_else(PoisonError::into_inner).answer(&hash);
        let Some((status, body)) = answer else {
            let asked = String::from_utf8_lossy(body);
            trouble(&format!("no answer is recorded for {} {path} {asked}", request.method));
            return Ok(Answer { status: 404, retry_after: None, body: Vec::new() });
        };
        match status {
            200..=299 if body.len() as u64 > request.answer_bytes => Err(Trouble::TooLarge),
            200..=299 => Ok(Answer { status, retry_after: None, body }),
            _ => Ok(Answer { status, retry_after: None, body: Vec::new() }),
        }
    }

    fn exchange(&self, request: &Request, timeout: Duration) -> Outcome {
        let mut made = http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            made = made.header(name, value);
        }
        let client = &self.agent;
        let response = match &request.body {
            Some(body) => {
                let made = made.body(body.as_slice()).map_err(|_| Trouble::Broken)?;
                client.run(client.configure_request(made).timeout_global(Some(timeout)).build())
            }
            None => {
                let made = made.body(()).map_err(|_| Trouble::Broken)?;
                client.run(client.configure_request(made).timeout_global(Some(timeout)).build())
            }
        };
        let mut response = response.map_err(|_| Trouble::Broken)?;
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let (status, most) = (response.status(), request.answer_bytes);
        let mut body = Vec::new();
        if !status.is_success() {
            // Its body says nothing that anyone acts on, and may be of any size.
            return Ok(Answer { status: status.as_u16(), retry_after, body });
        }
        response.body_mut().as_reader().take(most + 1).read_to_end(&mut body).map_err(|_| Trouble::Broken)?;
        if body.len() as u64 > most {
            return Err(Trouble::TooLarge);
        }
        Ok(Answer { status: status.as_u16(), retry_after, body })
    }
}

/// The agents that one space may invoke.
pub struct Invoker {
    runner: Runner,
    space: u32,
}

impl Agents for Invoker {
    fn invoke(&mut self, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        self.runner.run(self.space, kind, name, input)
    }
}
