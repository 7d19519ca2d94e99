//! What is shown, in words of its own: the desk knows nothing of what runs behind it.
//!
//! Whoever runs spaces fills these and implements [`Source`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;

/// Everything, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The applications on this host.
    pub applications: Vec<Application>,
}

/// One application: a topology.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Why.
    pub reason: String,
    /// The number of the revision whose paths and pages it has; 0 before the first.
    pub revision: u64,
    /// What else one should know: that its package is unsigned, for example.
    pub remarks: Vec<String>,
    /// Its models.
    pub models: Vec<Model>,
    /// Its spaces.
    pub spaces: Vec<Space>,
    /// Its paths.
    pub paths: Vec<Path>,
    /// The latest messages that reached nobody, oldest first.
    pub dead: Vec<DeadLetter>,
    /// The world that it is for.
    pub world: Option<World>,
}

/// What was spent on a model today, and what may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// How many there may be.
    pub requests_max: Option<u64>,
    /// Tokens of questions and answers.
    pub tokens: u64,
    /// How many there may be.
    pub tokens_max: Option<u64>,
    /// Cost, in millionths of the price's unit.
    pub cost: u64,
    /// How much it may be.
    pub cost_max: Option<u64>,
}

/// States of applications and spaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is to run, and does not yet.
    #[default]
    Pending,
    /// It runs.
    Running,
    /// It runs, but not as it should.
    Degraded,
    /// It does not run, and is not to.
    Stopped,
    /// It does not run, and will not by itself.
    Failed,
}

/// Types of spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A user interface in the browser.
    Ui,
    /// Sensors and actuators.
    Io,
    /// Data.
    Data,
    /// Conversation.
    Chat,
    /// Functions and services.
    Call,
}

/// One space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its state.
    pub state: State,
    /// Why.
    pub reason: String,
    /// Milliseconds until it is tried again, where it is.
    pub next_retry: Option<u64>,
    /// Which instance runs.
    pub instance: Option<u64>,
    /// How often it was started again since its host began.
    pub restarts: u64,
    /// How often in a row it was, after it failed.
    #[serde(default)]
    pub attempts: u64,
    /// How it failed last, if it did since its host began.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Where it runs.
    pub host: Option<String>,
    /// Why there, or why nowhere.
    pub placement: String,
    /// Bytes of memory that it has, where that is known.
    pub memory: Option<u64>,
    /// Bytes of memory that it may have; 0: not known.
    pub memory_max: u64,
    /// Messages that wait for it.
    pub waiting: u64,
    /// Its capabilities: those granted, and how often each was used. A use that was not granted is here, too.
    pub capabilities: Vec<Capability>,
    /// What its intelligence cache did, if it has used it.
    pub cache: Option<Cache>,
}

/// A failure of a space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Milliseconds since 1970.
    pub time: u64,
    /// Why it failed.
    pub reason: String,
}

/// What an intelligence cache did since its host began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// Values found by their keys.
    pub hits: u64,
    /// Values found by keys that are alike.
    pub near: u64,
    /// Values not found.
    pub misses: u64,
    /// Values dropped, before their time, for others.
    pub dropped: u64,
}

/// A capability of a space. Where its host counts no uses, there is no number of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Its name in the Guest ABI.
    pub name: String,
    /// Whether the topology grants it.
    pub granted: bool,
    /// How often it was used.
    pub used: Option<u64>,
    /// How often it was refused.
    pub refused: u64,
}

/// One path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// The space that sends.
    pub from: String,
    /// Its name, unique for its sender.
    pub name: String,
    /// The space that receives.
    pub to: String,
    /// Messages that were sent.
    pub sent: u64,
    /// Messages that were taken.
    pub taken: u64,
    /// Messages that became dead letters.
    pub dropped: u64,
    /// How often the sender had no credit.
    pub blocked: u64,
    /// Messages that wait.
    pub queued: u64,
    /// Messages in a second, lately.
    pub rate: f64,
    /// Times from sending to taking.
    pub latency: Vec<Bucket>,
}

/// How many messages took how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// At most so many nanoseconds; none: longer than all others.
    pub up_to: Option<u64>,
    /// So many messages.
    pub count: u64,
}

/// A message that reached nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Who sent it.
    pub from: String,
    /// The address, or the path.
    pub to: String,
    /// Why it reached nobody.
    pub reason: String,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Its bytes.
    pub bytes: u64,
    /// How many like it followed each other.
    pub times: u64,
}

/// The world that an application is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Its name.
    pub name: String,
    /// Its locations.
    pub locations: Vec<Location>,
    /// Ways between locations, to be gone both ways.
    pub routes: Vec<[String; 2]>,
}

/// A location.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Its id.
    pub id: String,
    /// The UI space that one sees there, by direction: `north`, `east`, `south`, `west`.
    pub faces: BTreeMap<String, String>,
}

/// A line of a space's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number: a later line has a higher one.
    pub number: u64,
    /// Milliseconds since 1970.
    pub time: u64,
    /// What the space said, or what was said of it.
    pub text: String,
}

/// A copy of a message on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tapped {
    /// How many passed unseen before this one, since the observer was too slow.
    pub missed: u64,
    /// Whether it went back along the path.
    pub is_answer: bool,
    /// Its id.
    pub id: u64,
    /// Who sent it: `name#instance`.
    pub from: String,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A message for a UI space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it came.
    pub way: Way,
    /// Who sent it: `name#instance`.
    pub from: String,
    /// Its id.
    pub id: u64,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// How a message comes to a UI space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Along the path of this name.
    Path(String),
    /// As the event of this name.
    Event(String),
    /// As an answer to the message with this id, which the space sent.
    Answer(u64),
}

/// What one may do to a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// End it and start it anew.
    Restart,
    /// End it at once; its restart policy decides what follows.
    Kill,
}

/// A file of a UI space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiFile {
    /// Its media type.
    pub mime: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {says}")]
pub struct Refusal {
    /// A code of the Guest ABI: `denied`, `not-found`, `would-block`, `invalid`, `too-large`, `quota`, `closed`.
    pub code: String,
    /// A sentence with the remedy.
    pub says: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &str, says: impl Into<String>) -> Self {
        Self { code: code.into(), says: says.into() }
    }
}

/// What the desk shows and moves. It is called on the desk's only thread, so no call may wait.
///
/// The desk checks a UI space's grants before it calls; an implementation checks paths and policy again.
pub trait Source: Send + Sync {
    /// Everything, now.
    fn snapshot(&self) -> Snapshot;
    /// Lines of a space's log with a number above `after`, oldest first; of more than 1,000 the latest.
    fn logs(&self, app: &str, space: &str, after: u64) -> Vec<LogLine>;
    /// Copies of a path's messages from now on, until the receiver is dropped; none where there is no such path.
    fn tap(&self, app: &str, from: &str, path: &str) -> Option<Receiver<Tapped>>;
    /// Does something to a space.
    fn act(&self, app: &str, space: &str, action: Action) -> Result<(), Refusal>;
    /// The capabilities that a UI space holds; none where there is no such UI space, or it is stopped.
    fn grants(&self, app: &str, space: &str) -> Option<Vec<String>>;
    /// A file of a UI space; `path` is relative, with no empty segment, `.` or `..`.
    fn file(&self, app: &str, space: &str, path: &str) -> Option<UiFile>;
    /// Sends a UI space's message along one of its paths and gives the message's id.
    fn emit(&self, app: &str, space: &str, to: &str, body: Vec<u8>) -> Result<u64, Refusal>;
    /// Takes the oldest message that waits for a UI space. It is called only while a page shows the space.
    fn next(&self, app: &str, space: &str) -> Option<Delivery>;
    /// Adds a line to a UI space's log.
    fn log(&self, app: &str, space: &str, line: &str);
    /// From now on `next` gives this event to the UI space, too.
    fn subscribe(&self, app: &str, space: &str, event: &str) -> Result<(), Refusal>;
    /// A UI space used a capability that it does not hold. The desk has closed its frame.
    fn violated(&self, app: &str, space: &str, capability: &str);
}
