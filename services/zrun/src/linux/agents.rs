//! Agents on Linux: requests by HTTP, and a thread for each invocation that nobody waits for.

use super::devices::Time;
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

struct Inner {
    book: Mutex<Book>,
    time: Time,
    client: ureq::Agent,
    callee: Option<Box<dyn Callee>>,
    workers: Workers,
}

/// The agents of a topology.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

impl Runner {
    /// Of a book; without a callee, no space carries functions out.
    pub fn new(book: Book, time: Time, callee: Option<Box<dyn Callee>>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("space")
            .build();
        let (book, client) = (Mutex::new(book), config.new_agent());
        Self(Arc::new(Inner { book, time, client, callee, workers: Workers::default() }))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        (self.0.time)()
    }

    /// What was spent on a model of the topology today.
    pub fn spent(&self, model: &str) -> Spent {
        self.book().spent(model)
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
        let (mut invocation, mut step) = self.book().begin(space, kind, name, input, self.now());
        loop {
            let event = match step {
                Step::Done(result) => return result,
                Step::Ask(request) => Event::Answered(self.ask(&request)),
                Step::Wait(milliseconds) => {
                    thread::sleep(Duration::from_millis(milliseconds));
                    Event::Waited
                }
                Step::Call { space: callee, function, input } => {
                    let call = |one: &dyn Callee| one.call(space, &callee, &function, &input);
                    Event::Called(self.0.callee.as_deref().map_or(Err(ErrorCode::Closed), call))
                }
            };
            step = self.book().go_on(&mut invocation, event, self.now());
        }
    }

    fn ask(&self, request: &Request) -> Outcome {
        let timeout = Duration::from_millis(request.timeout_milliseconds);
        let end = Instant::now() + timeout;
        let outcome = self.exchange(request, timeout);
        // Whatever a request is told that came to nothing: past its time, it took too long.
        outcome.map_err(|trouble| if Instant::now() >= end { Trouble::TimedOut } else { trouble })
    }

    fn exchange(&self, request: &Request, timeout: Duration) -> Outcome {
        let mut made = http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            made = made.header(name, value);
        }
        let client = &self.0.client;
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
