//! An application on a machine of its own, as the desk sees it: what its console says, and what its mesh answers over a
//! line to it.
//!
//! Control's words are those of the console: its lines begin with its name, and no space can write such a line.

mod line;
mod requests;

use crate::application::Application;
use crate::shown::{Watch, dead_letter, delivery, kind, mime, model, path, state_named, world};
use line::{LATER, Looker, SOON};
pub use requests::{Answering, Requests, Tell};
use services_topology::agent::AgentBody;
use services_topology::graph::Node;
use services_zdesk::view::{
    Action, Application as Shown, Capability, Delivery, Failure, LogLine, Refusal, Snapshot, Source, Space,
    State, Tapped, UiFile,
};
use services_zmesh_component::window::{Answer, Counts, Order, Question, Seen};
use services_zrun::agents::Own;
use std::collections::{BTreeMap, VecDeque};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What control's lines begin with, and what divides a space's name from what it says.
const CONTROL: &str = "zrms: ";
const PLACED: &str = "placed ";
const ENDED: [&str; 2] = ["ended `", "`: "];
const FAILED: &str = "it failed: ";
const SAYS: &str = " | ";
/// Lines of spaces that are kept, and bytes of one.
const LINES_MAX: usize = 4096;
const LINE_BYTES_MAX: usize = 4096;
/// A page that has asked for nothing for so long is closed.
const OPEN: Duration = Duration::from_secs(2);
/// Messages that wait for a page here: the mesh keeps the others.
const INBOX_MAX: usize = 256;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// An application on a machine of its own.
pub struct Machine {
    application: Application,
    known: Mutex<Known>,
    jobs: Sender<Job>,
    requests: Arc<Requests>,
    /// Whether its spaces ask models and services: nothing tells that a request waits but a look.
    asks: bool,
}

/// What the line is to do.
enum Job {
    /// Ask a question; and where its answer goes.
    Ask { question: Question, answer: Sender<Answer> },
    /// Look now, not when it is time again.
    Look,
}

#[derive(Default)]
struct Known {
    told: BTreeMap<String, Told>,
    counts: Counts,
    pages: BTreeMap<String, Page>,
    watches: BTreeMap<u64, Watch>,
    lines: VecDeque<(String, LogLine)>,
    last_line: u64,
    /// When someone asked how all is.
    asked: Option<Instant>,
    /// The line that the console is at.
    rest: Vec<u8>,
    /// Why nothing is known any more.
    over: Option<String>,
}

/// What control said of a space.
#[derive(Clone, Default)]
struct Told {
    state: State,
    reason: String,
    placement: String,
    /// How often it was started.
    starts: u64,
    /// How it failed last.
    failure: Option<Failure>,
}

/// A page of a user interface.
#[derive(Default)]
struct Page {
    asked: Option<Instant>,
    inbox: VecDeque<Delivery>,
    /// What it did that it may not.
    closed: Option<String>,
}

impl Machine {
    /// An application whose machine's line comes over a channel, once there is one; and who makes its requests.
    pub fn new(application: Application, requests: Requests, line: Receiver<UnixStream>) -> Arc<Self> {
        let (jobs, asked) = mpsc::channel();
        let requests = Arc::new(requests);
        let asks = asks(&application);
        let machine = Arc::new(Self { application, known: Mutex::default(), jobs, requests, asks });
        let seen_by = Arc::downgrade(&machine);
        thread::spawn(move || {
            if let Ok(stream) = line.recv() {
                let ended = line::live(&seen_by, stream, &asked);
                if let (Some(machine), Err(error)) = (seen_by.upgrade(), ended) {
                    machine.known().over = Some(error.to_string());
                }
            }
        });
        machine
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the console prints.
    pub fn said(&self, bytes: &[u8]) {
        let mut known = self.known();
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut known.rest);
                self.take_line(&mut known, &String::from_utf8_lossy(&line));
            } else if known.rest.len() < LINE_BYTES_MAX {
                known.rest.push(*byte);
            }
        }
    }

    fn take_line(&self, known: &mut Known, line: &str) {
        if let Some(said) = line.strip_prefix(CONTROL) {
            known.take_control(said);
        } else if let Some((space, text)) = line.split_once(SAYS)
            && self.application.node(space).is_some()
        {
            known.add_line(space, text);
        }
    }

    /// Has the line look now, if nobody has asked for long: what it saw then is old.
    fn wake(&self, last: Option<Instant>) {
        if !is_recent(last) {
            // A line that has ended sees nothing any more.
            let _ = self.jobs.send(Job::Look);
        }
    }

    fn number(&self, space: &str) -> Option<u32> {
        self.application.graph.spaces.iter().position(|node| node.name.as_str() == space).map(|at| at as u32)
    }

    fn name(&self, space: u32) -> Option<&str> {
        self.application.graph.spaces.get(space as usize).map(|node| node.name.as_str())
    }

    /// Asks the mesh; the desk waits for it, so the answer has its time.
    fn ask(&self, question: Question) -> Result<Answer, Refusal> {
        let closed = || Refusal::new("closed", "the machine does not answer: it has ended, or has not begun");
        let (answer, answered) = mpsc::channel();
        self.jobs.send(Job::Ask { question, answer }).map_err(|_| closed())?;
        match answered.recv_timeout(PATIENCE) {
            Ok(Answer::Refused { code, why }) => Err(Refusal::new(&code, why)),
            Ok(answer) => Ok(answer),
            Err(_) => Err(closed()),
        }
    }

    fn space(known: &Known, at: usize, node: &Node) -> Space {
        let name = node.name.as_str();
        let told = known.told.get(name).cloned().unwrap_or_default();
        let standing = known.counts.spaces.get(at).copied().unwrap_or_default();
        let closed = known.pages.get(name).and_then(|page| page.closed.clone());
        let capability = |capability: sci::guest::GuestCapability| Capability {
            name: capability.name().to_owned(),
            granted: true,
            used: None,
            refused: 0,
        };
        Space {
            name: name.to_owned(),
            kind: kind(node.kind),
            state: if closed.is_some() { State::Failed } else { told.state },
            reason: closed.unwrap_or(told.reason),
            next_retry: None,
            instance: standing.instance,
            restarts: told.starts.saturating_sub(1),
            attempts: 0,
            failure: told.failure,
            host: (!told.placement.is_empty()).then(|| "nanokernel".to_owned()),
            placement: told.placement,
            memory: None,
            memory_max: node.placement.resources.memory_bytes.unwrap_or(crate::application::MEMORY_BYTES),
            waiting: standing.waiting,
            capabilities: node.grant.iter().map(capability).collect(),
            cache: None,
        }
    }
}

impl Looker for Machine {
    fn look(&self, counts: bool) -> Question {
        let known = self.known();
        let is_open = |page: &Page| page.inbox.len() < INBOX_MAX && is_recent(page.asked);
        let open = known.pages.iter().filter(|(_, page)| is_open(page));
        let shown = open.filter_map(|(space, _)| self.number(space)).collect();
        Question::Look { counts, shown }
    }

    fn pause(&self) -> Duration {
        if self.asks || self.known().is_watched() { SOON } else { LATER }
    }

    fn saw(&self, seen: Seen) -> Vec<u64> {
        self.requests.make(seen.asked, &self.jobs, |space| self.name(space).unwrap_or_default().to_owned());
        let mut known = self.known();
        if let Some(counts) = seen.counts {
            known.counts = counts;
        }
        for (space, letter) in seen.messages {
            if let Some(page) = self.name(space).and_then(|space| known.pages.get_mut(space)) {
                page.inbox.push_back(delivery(letter));
            }
        }
        let mut left = Vec::new();
        for (number, passed) in seen.watched {
            if let Some(watch) = known.watches.get_mut(&number)
                && !watch.pass(passed)
            {
                known.watches.remove(&number);
                left.push(number);
            }
        }
        left
    }
}

/// Whether someone asked a short time ago.
fn is_recent(asked: Option<Instant>) -> bool {
    asked.is_some_and(|asked| asked.elapsed() < OPEN)
}

/// Whether spaces of an application ask what is outside the machine.
fn asks(application: &Application) -> bool {
    let is_model = |body: &AgentBody<_>| matches!(body, AgentBody::Model(_));
    let has_own = |own: &Own| !own.services.is_empty() || own.model.is_some() || own.embedding.is_some();
    application.graph.agents.values().any(is_model)
        || application.contents.values().any(|content| has_own(&content.own))
}

impl Known {
    /// Whether the desk is open somewhere, or the page of a user interface.
    fn is_watched(&self) -> bool {
        is_recent(self.asked) || self.pages.values().any(|page| is_recent(page.asked))
    }

    fn take_control(&mut self, said: &str) {
        if let Some(placed) = said.strip_prefix(PLACED)
            && let Some((space, why)) = placed.split_once(' ')
        {
            let told = self.told.entry(space.to_owned()).or_default();
            why.clone_into(&mut told.placement);
            told.starts += 1;
            return;
        }
        let [before, after] = ENDED;
        if let Some((space, how)) = said.strip_prefix(before).and_then(|ended| ended.split_once(after)) {
            if let Some(reason) = how.strip_prefix(FAILED) {
                let failure = Failure { time: milliseconds(), reason: reason.to_owned() };
                self.told.entry(space.to_owned()).or_default().failure = Some(failure);
            }
            return self.add_line(space, how);
        }
        let stated = said.split_once(' ').and_then(|(space, rest)| {
            let (state, reason) = rest.split_once(": ")?;
            Some((space, state_named(state)?, reason))
        });
        if let Some((space, state, reason)) = stated {
            let told = self.told.entry(space.to_owned()).or_default();
            // One that there was no room for has not ended: it never began.
            if state == State::Failed {
                told.failure = Some(Failure { time: milliseconds(), reason: reason.to_owned() });
            }
            told.state = state;
            reason.clone_into(&mut told.reason);
        }
    }

    fn add_line(&mut self, space: &str, text: &str) {
        self.last_line += 1;
        let line = LogLine { number: self.last_line, time: milliseconds(), text: text.to_owned() };
        self.lines.push_back((space.to_owned(), line));
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
    }

    /// The state of the whole: that of the space that is worst off.
    fn state(&self) -> (State, String) {
        if let Some(over) = &self.over {
            return (State::Stopped, over.clone());
        }
        let order = [State::Failed, State::Degraded, State::Pending, State::Stopped];
        let worst = |state: &State| self.told.iter().find(|(_, told)| told.state == *state);
        match order.iter().find_map(worst) {
            Some((space, told)) => (told.state, format!("{space}: {}", told.reason)),
            None if self.told.is_empty() => (State::Pending, "the machine begins".into()),
            None => (State::Running, "all spaces run".into()),
        }
    }
}

fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

impl Source for Machine {
    fn snapshot(&self) -> Snapshot {
        let mut known = self.known();
        self.wake(known.asked.replace(Instant::now()));
        let graph = &self.application.graph;
        let (state, reason) = known.state();
        let spaces = graph.spaces.iter().enumerate().map(|(at, node)| Self::space(&known, at, node));
        let paths = graph.paths.iter().enumerate().map(|(at, edge)| {
            let stats = known.counts.paths.get(at).copied().unwrap_or_default();
            path(&stats, edge.from.as_str(), edge.name.as_str(), edge.to.as_str())
        });
        let models = graph.agents.iter().filter_map(|(name, body)| {
            let AgentBody::Model(model_of) = body else { return None };
            let spent = known.counts.spent.iter().find(|(known, _)| known == name.as_str());
            Some(model(name.as_str(), model_of, spent.map(|(_, spent)| *spent).unwrap_or_default()))
        });
        let remarks = vec![
            self.application.trust.clone(),
            "it runs on the nanokernel in QEMU, which counts neither uses of capabilities nor memory".into(),
        ];
        let application = Shown {
            name: self.application.name().to_owned(),
            state,
            reason,
            revision: 1,
            remarks,
            models: models.collect(),
            spaces: spaces.collect(),
            paths: paths.collect(),
            dead: known.counts.dead.iter().map(dead_letter).collect(),
            world: self.application.world.as_ref().map(world),
        };
        Snapshot { applications: vec![application] }
    }

    fn logs(&self, _: &str, space: &str, after: u64) -> Vec<LogLine> {
        let known = self.known();
        let of_space = known.lines.iter().filter(|(of, line)| of == space && line.number > after);
        of_space.map(|(_, line)| line.clone()).collect()
    }

    fn tap(&self, _: &str, from: &str, path: &str) -> Option<Receiver<Tapped>> {
        let question = Question::Watch { from: from.to_owned(), path: path.to_owned() };
        let Ok(Answer::Watching(number)) = self.ask(question) else { return None };
        let (watch, receiver) = Watch::new();
        self.known().watches.insert(number, watch);
        Some(receiver)
    }

    fn act(&self, _: &str, space: &str, action: Action) -> Result<(), Refusal> {
        let space = self.number(space).ok_or_else(|| Refusal::new("invalid", "there is no such space"))?;
        let order = match action {
            Action::Restart => Order::Restart,
            Action::Kill => Order::Kill,
        };
        self.ask(Question::Order { space, order }).map(drop)
    }

    fn grants(&self, _: &str, space: &str) -> Option<Vec<String>> {
        let known = self.known();
        let node = self.application.node(space).filter(|_| self.application.is_interface(space))?;
        let runs = known.told.get(space).is_some_and(|told| told.state == State::Running);
        let is_closed = known.pages.get(space).is_some_and(|page| page.closed.is_some());
        (runs && !is_closed && known.over.is_none())
            .then(|| node.grant.iter().map(|capability| capability.name().to_owned()).collect())
    }

    fn file(&self, _: &str, space: &str, path: &str) -> Option<UiFile> {
        let bytes = self.application.contents.get(space)?.files.get(path)?.clone();
        Some(UiFile { mime: mime(path).to_owned(), bytes })
    }

    fn emit(&self, _: &str, space: &str, to: &str, body: Vec<u8>) -> Result<u64, Refusal> {
        let space = self.number(space).ok_or_else(|| Refusal::new("closed", "there is no such space"))?;
        match self.ask(Question::Send { space, to: to.to_owned(), body })? {
            Answer::Sent(number) => Ok(number),
            _ => Err(Refusal::new("io", "the machine answered something else")),
        }
    }

    fn next(&self, _: &str, space: &str) -> Option<Delivery> {
        if !self.application.is_interface(space) {
            return None;
        }
        let mut known = self.known();
        let page = known.pages.entry(space.to_owned()).or_default();
        self.wake(page.asked.replace(Instant::now()));
        page.inbox.pop_front()
    }

    fn log(&self, _: &str, space: &str, line: &str) {
        self.known().add_line(space, line);
    }

    fn subscribe(&self, _: &str, space: &str, event: &str) -> Result<(), Refusal> {
        let space = self.number(space).ok_or_else(|| Refusal::new("closed", "there is no such space"))?;
        self.ask(Question::Follow { space, event: event.to_owned() }).map(drop)
    }

    fn violated(&self, _: &str, space: &str, capability: &str) {
        let reason = format!("it used `{capability}`, which it does not hold: its page was closed");
        self.known().pages.entry(space.to_owned()).or_default().closed = Some(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_watched_while_someone_asks() {
        let mut known = Known::default();
        assert!(!known.is_watched());
        known.asked = Some(Instant::now());
        assert!(known.is_watched());
        known.asked = Instant::now().checked_sub(2 * OPEN);
        assert!(!known.is_watched());
        known.pages.entry("panel".into()).or_default().asked = Some(Instant::now());
        assert!(known.is_watched());
    }

    #[test]
    fn the_end_of_a_space_is_in_its_log() {
        let mut known = Known::default();
        known.take_control("ended `store`: it failed: it was killed: an operator asked for it");
        known.take_control("store pending: it was killed: an operator asked for it");
        // A space may have a name like that.
        known.take_control("ended running: it runs");
        let lines: Vec<_> =
            known.lines.iter().map(|(space, line)| (space.as_str(), line.text.as_str())).collect();
        assert_eq!(lines, [("store", "it failed: it was killed: an operator asked for it")]);
        assert_eq!((known.told["store"].state, known.told["ended"].state), (State::Pending, State::Running));
        known.take_control("panel failed: the machine has no room for it");
        let failure = |space: &str| known.told[space].failure.as_ref().map(|failure| &*failure.reason);
        assert_eq!(failure("store"), Some("it was killed: an operator asked for it"));
        assert_eq!(failure("panel"), Some("the machine has no room for it"));
    }
}
