//! Agents on Linux: requests by HTTP, and a thread for each invocation that nobody waits for.

use super::client::{Certificates, Client};
use super::devices::Time;
use super::recorded::Records;
use super::workers::{Done, Workers};
use crate::agents::{Agents, Book, Event, Invocation, Kind, Outcome, Own, Request, Spent, Step};
use crate::cache::Vector;
use sci::digest::Hasher;
use sci::guest::ErrorCode;
use services_topology::space::Embedding;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

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

    /// Trusts these issuers, beside the public ones, from now on.
    pub fn trust(&self, certificates: &Certificates) {
        self.0.client.trust(certificates);
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

    /// Asks what a text means for a space's cache, in a thread of its own, as [`Runner::start`] does.
    fn embed(&self, space: u32, text: &str, done: Done) {
        let (runner, text) = (self.clone(), text.to_owned());
        let work = move || runner.carry_out(space, |book, now| book.embed(space, &text, now));
        self.0.workers.start(work, done);
    }

    /// What tells a space's cache what texts mean, if it has such.
    pub fn embedder(&self, space: u32) -> Option<Embedder> {
        let book = self.book();
        let Embedding { model, similarity_thousandths } = book.embedding(space)?;
        let mut hasher = Hasher::new();
        hasher.update(format!("{}\n{}", model.endpoint.as_str(), model.model).as_bytes());
        let [a, b, c, d, ..] = hasher.finish();
        let model = u32::from_le_bytes([a, b, c, d]);
        let similarity_thousandths = *similarity_thousandths;
        Some(Embedder { runner: self.clone(), space, model, similarity_thousandths })
    }

    /// Carries an invocation out and waits for its result.
    fn run(&self, space: u32, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        self.carry_out(space, |book, now| book.begin(space, kind, name, input, now))
    }

    fn carry_out(
        &self,
        space: u32,
        begin: impl FnOnce(&mut Book, u64) -> (Invocation, Step),
    ) -> Result<Vec<u8>, ErrorCode> {
        let now = self.now();
        let (mut invocation, mut step) = {
            let mut book = self.book();
            let begun = begin(&mut book, now);
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

/// What tells a space's cache what texts mean.
pub struct Embedder {
    runner: Runner,
    space: u32,
    /// The model, as [`Vector`]s name it.
    pub model: u32,
    /// How alike questions must be.
    pub similarity_thousandths: u32,
}

impl Embedder {
    /// Asks what a text means, in a thread of its own.
    pub fn start(&self, text: &str, done: impl FnOnce(Result<Vector, ErrorCode>) + Send + 'static) {
        let model = self.model;
        let read = move |numbers: Vec<u8>| Vector::read(model, &numbers).ok_or(ErrorCode::Io);
        self.runner.embed(self.space, text, Box::new(move |result| done(result.and_then(read))));
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
