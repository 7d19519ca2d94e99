//! Agents: how far each space's invocation is, and what is asked of whoever booted the machine.
//!
//! Budgets, limits, tries and times are judged here. A request leaves with references where secrets belong: these are
//! not on this machine.

use crate::ledger::{Entry, Ledger};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use serde::{Deserialize, Serialize};
use services_zrun::agents::{
    AgentBody, Book, Event, Invocation, Name, Outcome, Own, Request, Spent, Step, Trouble, reference,
};
use services_zrun::remote::{later, reply_of};
use services_zrun::{Kind, Store};

/// Milliseconds that a space may take for a function.
pub const FUNCTION_MILLISECONDS: u64 = 60_000;
/// Bytes of an answer: a model's is read as JSON, which takes many times its bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// Bytes of what is asked and answered at a time, as far as it is counted: the component's heap has to bear it.
const HELD_BYTES_MAX: usize = 4 << 20;
/// How often an input lies there while a model is asked.
const COPIES: usize = 3;

/// Agents, as the bundle describes them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Agents {
    /// Those of the topology, by name.
    pub agents: Vec<(String, AgentBody<Name>)>,
    /// Names of the secrets that whoever booted the machine has.
    pub secrets: Vec<String>,
    /// What spaces have of their own, by their numbers.
    pub own: Vec<(u32, Own)>,
}

/// A request for whoever booted the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its number, by which it is answered.
    pub number: u64,
    /// The number of the space that it is for.
    pub space: u32,
    /// What to ask.
    pub request: Request,
}

/// What sends a function's input to the space that carries it out; answers the message's number.
pub type Send<'s> = dyn FnMut(&str, &[u8]) -> Result<u64, ErrorCode> + 's;

/// What an invocation waits for.
enum State {
    /// An answer, of so many bytes at most. The request is there until it is handed out.
    Asked { number: u64, request: Option<Request>, most: u64, until: u64 },
    /// The answer to the message of that number.
    Called { message: u64, until: u64 },
    /// A time.
    Waits { until: u64 },
    /// Its space, which is to fetch this.
    Done(Result<Vec<u8>, ErrorCode>),
}

struct Task {
    invocation: Invocation,
    /// Bytes of what was asked.
    input: usize,
    state: State,
}

impl Task {
    fn held(&self) -> usize {
        let result = match &self.state {
            State::Done(Ok(result)) => result.len(),
            _ => 0,
        };
        COPIES * self.input + result
    }
}

/// The agents of a topology, and what its spaces invoke: each at most one at a time.
pub struct Agency {
    book: Book,
    /// Names of spaces, by number.
    names: Vec<String>,
    tasks: BTreeMap<usize, Task>,
    last: u64,
    /// Where what is spent is kept before it is.
    ledger: Option<Ledger>,
    /// What is to be said.
    lines: Vec<String>,
}

impl Agency {
    /// For the spaces of these names.
    pub fn new(agents: Agents, names: Vec<String>) -> Self {
        let Agents { agents, secrets, own } = agents;
        let keys = secrets.into_iter().map(|secret| {
            let reference = reference(&secret);
            (secret, reference)
        });
        let mut book = Book::new(agents, keys);
        let mut own: BTreeMap<u32, Own> = own.into_iter().collect();
        for space in 0..names.len() as u32 {
            book.join(space, own.remove(&space).unwrap_or_default());
        }
        Self { book, names, tasks: BTreeMap::new(), last: 0, ledger: None, lines: Vec::new() }
    }

    /// Goes on with what was spent before, and keeps what is from now on.
    pub fn keep_in(&mut self, store: Box<dyn Store>) {
        let (ledger, before) = Ledger::read(store);
        for Entry { space, model, spent } in before.as_deref().unwrap_or_default() {
            let number = |space: &String| self.names.iter().position(|name| name == space);
            match space.as_ref().map(number) {
                // It is no space of the application any more.
                Some(None) => {}
                space => self.book.go_on_with(space.flatten().map(|at| at as u32), model, *spent),
            }
        }
        if before.is_err() {
            self.lines.push("what models cost today cannot be read, so none is asked".into());
        }
        self.ledger = Some(ledger);
    }

    /// Keeps what was spent, before what is next; where that cannot be, the invocation has failed.
    fn keep(&mut self, step: Step) -> Step {
        let Some(ledger) = &mut self.ledger else { return step };
        let names = &self.names;
        let entry = |(space, model, spent): (Option<u32>, &str, Spent)| Entry {
            space: space.and_then(|number| names.get(number as usize).cloned()),
            model: model.into(),
            spent,
        };
        let entries: Vec<Entry> = self.book.all_spent().map(entry).collect();
        if ledger.keep(&entries).is_ok() {
            return step;
        }
        self.lines.push("what models cost cannot be kept, so none is asked".into());
        Step::Done(Err(ErrorCode::Io))
    }

    /// Begins an invocation for a space; the reply to it.
    pub fn begin(
        &mut self,
        space: usize,
        (kind, name, input): (Kind, &str, &[u8]),
        send: &mut Send<'_>,
        now: u64,
    ) -> Vec<u8> {
        self.leave(space);
        let held: usize = self.tasks.values().map(Task::held).sum();
        if held + COPIES * input.len() > HELD_BYTES_MAX {
            return reply_of(Err(ErrorCode::WouldBlock));
        }
        let (invocation, step) = self.book.begin(space as u32, kind, name, input, now);
        let step = self.keep(step);
        self.go(space, invocation, input.len(), step, send, now);
        self.reply(space)
    }

    /// What a space is answered that asks for its result.
    pub fn reply(&mut self, space: usize) -> Vec<u8> {
        match self.tasks.remove(&space) {
            Some(Task { state: State::Done(result), .. }) => reply_of(result),
            Some(task) => {
                self.tasks.insert(space, task);
                later()
            }
            None => reply_of(Err(ErrorCode::Io)),
        }
    }

    /// Forgets what a space has begun.
    pub fn leave(&mut self, space: usize) {
        self.tasks.remove(&space);
    }

    /// Requests that are to be made: some, where all of them would be more than so many bytes.
    pub fn hand_out(&mut self, room: usize) -> Vec<Asked> {
        let (mut asked, mut bytes) = (Vec::new(), 0);
        for (space, task) in &mut self.tasks {
            let State::Asked { number, request, .. } = &mut task.state else { continue };
            if bytes < room
                && let Some(request) = request.take()
            {
                bytes += request.body.as_ref().map_or(0, Vec::len);
                asked.push(Asked { number: *number, space: *space as u32, request });
            }
        }
        asked
    }

    /// A request was made. One that nobody waits for any more has no effect.
    pub fn answered(&mut self, asked: u64, outcome: Outcome, send: &mut Send<'_>, now: u64) {
        let found = self.tasks.iter().find_map(|(space, task)| match &task.state {
            State::Asked { number, most, .. } if *number == asked => Some((*space, *most)),
            _ => None,
        });
        let Some((space, most)) = found else { return };
        let held: usize = self.tasks.values().map(Task::held).sum();
        let outcome = outcome.and_then(|answer| {
            let fits = answer.body.len() as u64 <= most && held + answer.body.len() <= HELD_BYTES_MAX;
            if fits { Ok(answer) } else { Err(Trouble::TooLarge) }
        });
        self.happened(space, Event::Answered(outcome), send, now);
    }

    /// A space has answered a message.
    pub fn called(&mut self, number: u64, body: &[u8], send: &mut Send<'_>, now: u64) {
        let found = self.tasks.iter().find_map(|(space, task)| match task.state {
            State::Called { message, .. } if message == number => Some(*space),
            _ => None,
        });
        if let Some(space) = found {
            self.happened(space, Event::Called(Ok(body.into())), send, now);
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, send: &mut Send<'_>, now: u64) {
        let over = |(space, task): (&usize, &Task)| {
            let (until, event) = match task.state {
                State::Asked { until, .. } => (until, Event::Answered(Err(Trouble::TimedOut))),
                State::Called { until, .. } => (until, Event::Called(Err(ErrorCode::Io))),
                State::Waits { until } => (until, Event::Waited),
                State::Done(_) => return None,
            };
            (until <= now).then_some((*space, event))
        };
        let over: Vec<(usize, Event)> = self.tasks.iter().filter_map(over).collect();
        for (space, event) in over {
            if matches!(event, Event::Called(_)) {
                self.lines.push(format!(
                    "{}: a function that it invokes did not answer in time",
                    self.names[space]
                ));
            }
            self.happened(space, event, send, now);
        }
    }

    /// What was spent on a model of the topology today.
    pub fn spent(&self, model: &str, now: u64) -> Spent {
        self.book.spent(model).at(now)
    }

    /// What is to be said.
    pub fn lines(&mut self) -> Vec<String> {
        core::mem::take(&mut self.lines)
    }

    fn happened(&mut self, space: usize, event: Event, send: &mut Send<'_>, now: u64) {
        let Some(Task { mut invocation, input, .. }) = self.tasks.remove(&space) else { return };
        let step = self.book.go_on(&mut invocation, event, now);
        let step = self.keep(step);
        self.go(space, invocation, input, step, send, now);
    }

    /// Does what is next, until there is something to wait for.
    fn go(
        &mut self,
        space: usize,
        mut invocation: Invocation,
        input: usize,
        mut step: Step,
        send: &mut Send<'_>,
        now: u64,
    ) {
        let state = loop {
            match step {
                Step::Done(result) => break State::Done(result),
                Step::Wait(milliseconds) => break State::Waits { until: now + milliseconds },
                Step::Ask(mut request) => {
                    self.last += 1;
                    request.answer_bytes = request.answer_bytes.min(ANSWER_BYTES_MAX);
                    let (most, until) = (request.answer_bytes, now + request.timeout_milliseconds);
                    break State::Asked { number: self.last, request: Some(request), most, until };
                }
                Step::Call { space: callee, function, input } => {
                    let sent = if self.names.get(space).is_some_and(|name| *name == callee) {
                        let text = format!(
                            "{callee}: it invokes `{function}`, which it would have to carry out itself"
                        );
                        self.lines.push(text);
                        Err(ErrorCode::Invalid)
                    } else {
                        send(&function, &input)
                    };
                    match sent {
                        Ok(message) => {
                            break State::Called { message, until: now + FUNCTION_MILLISECONDS };
                        }
                        Err(code) => step = self.book.go_on(&mut invocation, Event::Called(Err(code)), now),
                    }
                }
            }
        };
        self.tasks.insert(space, Task { invocation, input, state });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Rc;
    use alloc::vec;
    use core::cell::RefCell;
    use services_zrun::agents::{Answer, Budget, Model, Secret, Url};
    use services_zrun::{InMemory, StoreError};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn model(key: Option<&str>) -> AgentBody<Name> {
        AgentBody::Model(Model {
            endpoint: Url::new("http://models.example/v1").unwrap(),
            model: "small-1".into(),
            key: key.map(|key| Secret::new(key).unwrap()),
            timeout_milliseconds: 1000,
            retries: 1,
            budget: Budget { requests: Some(3), ..Budget::default() },
            price: None,
        })
    }

    fn agency() -> Agency {
        let agents = [
            ("small", model(None)),
            ("keyed", model(Some("models"))),
            ("locked", model(Some("none"))),
            ("same", AgentBody::Function { space: name("echo") }),
        ];
        let agents = Agents {
            agents: agents.map(|(name, body)| (String::from(name), body)).into(),
            secrets: vec!["models".into()],
            own: Vec::new(),
        };
        let bytes = postcard::to_allocvec(&agents).unwrap();
        Agency::new(postcard::from_bytes(&bytes).unwrap(), ["chat", "echo"].map(String::from).into())
    }

    const CHAT: usize = 0;

    fn nobody(_: &str, _: &[u8]) -> Result<u64, ErrorCode> {
        Err(ErrorCode::NotFound)
    }

    fn ask(agency: &mut Agency, name: &str) -> Vec<u8> {
        agency.begin(CHAT, (Kind::Model, name, b"Hello?"), &mut nobody, 0)
    }

    fn said(text: &str) -> Answer {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"{text}"}}}}]}}"#).into_bytes();
        Answer { status: 200, retry_after: None, body }
    }

    fn asked(agency: &mut Agency) -> Asked {
        let mut asked = agency.hand_out(1);
        assert_eq!(asked.len(), 1);
        asked.remove(0)
    }

    #[test]
    fn a_model_is_asked_through_whoever_booted_the_machine() {
        let mut agency = agency();
        assert_eq!(ask(&mut agency, "small"), later());
        let Asked { number, space, request } = asked(&mut agency);
        assert_eq!((space, request.url.as_str()), (0, "http://models.example/v1/chat/completions"));
        assert_eq!((agency.hand_out(1), agency.reply(CHAT)), (vec![], later()), "it is handed out once");
        agency.answered(number + 1, Ok(said("Not this.")), &mut nobody, 1);
        assert_eq!(agency.reply(CHAT), later());
        agency.answered(number, Ok(said("Good day.")), &mut nobody, 1);
        assert_eq!(agency.reply(CHAT), reply_of(Ok(b"Good day.".to_vec())));
        assert_eq!(agency.reply(CHAT), reply_of(Err(ErrorCode::Io)), "it was fetched");
        assert_eq!(agency.spent("small", 1).requests, 1);
    }

    #[test]
    fn secrets_are_named_and_not_known() {
        let mut agency = agency();
        assert_eq!(ask(&mut agency, "locked"), reply_of(Err(ErrorCode::Denied)));
        ask(&mut agency, "keyed");
        let request = asked(&mut agency).request;
        let secrets = BTreeMap::from([("models".into(), "open sesame".into())]);
        assert_eq!(request.clone().with_secrets(&BTreeMap::new()), None);
        let made = request.with_secrets(&secrets).unwrap();
        assert!(made.headers.contains(&("authorization".into(), "Bearer open sesame".into())));
    }

    #[test]
    fn who_is_not_answered_tries_again_and_then_fails() {
        let mut agency = agency();
        ask(&mut agency, "small");
        let late = asked(&mut agency).number;
        agency.tick(&mut nobody, 999);
        assert!(agency.hand_out(1).is_empty());
        agency.tick(&mut nobody, 1000);
        assert!(agency.hand_out(1).is_empty(), "it waits before it tries again");
        agency.tick(&mut nobody, 1250);
        assert!(asked(&mut agency).number != late);
        agency.answered(late, Ok(said("Too late.")), &mut nobody, 1300);
        assert_eq!(agency.reply(CHAT), later());
        agency.tick(&mut nobody, 2250);
        assert_eq!(agency.reply(CHAT), reply_of(Err(ErrorCode::Io)));
    }

    #[test]
    fn a_budget_is_kept_and_a_large_answer_refused() {
        let mut agency = agency();
        for at in 0..3 {
            ask(&mut agency, "small");
            let number = asked(&mut agency).number;
            let body = vec![b' '; ANSWER_BYTES_MAX as usize + 1];
            agency.answered(number, Ok(Answer { status: 200, retry_after: None, body }), &mut nobody, at);
            assert_eq!(agency.reply(CHAT), reply_of(Err(ErrorCode::TooLarge)));
        }
        assert_eq!(ask(&mut agency, "small"), reply_of(Err(ErrorCode::Quota)));
        let large = vec![b'x'; HELD_BYTES_MAX / COPIES + 1];
        let refused = agency.begin(CHAT, (Kind::Model, "small", &large), &mut nobody, 0);
        assert_eq!(refused, reply_of(Err(ErrorCode::WouldBlock)));
    }

    #[test]
    fn a_space_carries_a_function_out_and_none_its_own() {
        let mut agency = agency();
        let invoke = |agency: &mut Agency, space| {
            let mut send = |function: &str, input: &[u8]| {
                assert_eq!((function, input), ("same", &b"20"[..]));
                Ok(7)
            };
            agency.begin(space, (Kind::Function, "same", b"20"), &mut send, 0)
        };
        assert_eq!(invoke(&mut agency, CHAT), later());
        agency.called(8, b"x", &mut nobody, 1);
        assert_eq!(agency.reply(CHAT), later());
        agency.called(7, b"20", &mut nobody, 1);
        assert_eq!(agency.reply(CHAT), reply_of(Ok(b"20".to_vec())));
        assert_eq!(invoke(&mut agency, 1), reply_of(Err(ErrorCode::Invalid)));
        assert!(agency.lines()[0].starts_with("echo: it invokes `same`"));
        invoke(&mut agency, CHAT);
        agency.tick(&mut nobody, FUNCTION_MILLISECONDS);
        assert_eq!(agency.reply(CHAT), reply_of(Err(ErrorCode::Io)));
        invoke(&mut agency, CHAT);
        agency.leave(CHAT);
        agency.called(7, b"20", &mut nobody, 1);
        assert_eq!(agency.reply(CHAT), reply_of(Err(ErrorCode::Io)), "its space has ended");
    }

    #[test]
    fn what_is_spent_is_kept_before_the_request_is_made() {
        let store = Shared::default();
        let asks = |agency: &mut Agency| ask(agency, "small");
        let mut first = agency();
        first.keep_in(Box::new(store.clone()));
        assert_eq!(asks(&mut first), later());
        // The machine ends here: the request may have been made.
        for left in [2, 1] {
            let mut next = agency();
            next.keep_in(Box::new(store.clone()));
            assert_eq!(next.spent("small", 0).requests, 3 - left);
            assert_eq!(asks(&mut next), later());
        }
        let mut last = agency();
        last.keep_in(Box::new(store.clone()));
        assert_eq!(asks(&mut last), reply_of(Err(ErrorCode::Quota)));
        assert_eq!(last.lines(), [""; 0]);
        // Another day begins anew.
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(last.begin(CHAT, (Kind::Model, "small", b"Hello?"), &mut nobody, day), later());
    }

    #[test]
    fn where_nothing_can_be_kept_no_model_is_asked() {
        let mut agency = agency();
        agency.keep_in(Box::new(InMemory::new(1)));
        assert_eq!(ask(&mut agency, "small"), reply_of(Err(ErrorCode::Io)));
        assert!(agency.hand_out(1).is_empty());
        assert_eq!(agency.lines(), ["what models cost cannot be kept, so none is asked"]);
    }

    /// A store that outlives who uses it.
    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<BTreeMap<String, Vec<u8>>>>);

    impl Store for Shared {
        fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(self.0.borrow().get(key).cloned())
        }
        fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
            self.0.borrow_mut().insert(key.into(), value.into());
            Ok(())
        }
        fn delete(&mut self, _: &str) -> Result<bool, StoreError> {
            Err(StoreError::Failed)
        }
        fn next(&mut self, _: &str, _: &str) -> Result<Option<String>, StoreError> {
            Err(StoreError::Failed)
        }
    }
}
