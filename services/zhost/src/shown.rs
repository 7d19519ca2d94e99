//! What is shown, wherever it runs: the words of topologies and of the mesh as the desk's.

use sci::guest::SpaceType;
use services_topology::agent;
use services_zdesk::view::{
    Bucket, DeadLetter, Delivery, Kind, Location, Model, Path, State, Tapped, Way, World,
};
use services_zmesh::{FlowStats, LATENCY_NANOSECONDS, PathStats, Reason};
use services_zmesh_component::window::{self, Letter, Passed};
use services_zrms::control;
use services_zrun::agents::Spent;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

/// Seconds over which a rate is taken.
const RATE_SECONDS: u32 = services_zmesh::limits::RATE_SECONDS as u32;

/// Copies that wait for whoever looks at a path.
const COPIES: usize = 256;
/// The states that control tells.
const STATES: [control::State; 5] = [
    control::State::Pending,
    control::State::Running,
    control::State::Degraded,
    control::State::Stopped,
    control::State::Failed,
];

/// How something is.
pub fn state(state: control::State) -> State {
    match state {
        control::State::Pending => State::Pending,
        control::State::Running => State::Running,
        control::State::Degraded => State::Degraded,
        control::State::Stopped => State::Stopped,
        control::State::Failed => State::Failed,
    }
}

/// The same, by the name that control gives it.
pub fn state_named(name: &str) -> Option<State> {
    STATES.into_iter().find(|known| known.name() == name).map(state)
}

/// What was spent on a model, and may be.
pub fn model(name: &str, model: &agent::Model, spent: Spent) -> Model {
    let budget = model.budget;
    Model {
        name: name.to_owned(),
        requests: spent.requests,
        requests_max: budget.requests,
        tokens: spent.tokens,
        tokens_max: budget.tokens,
        cost: spent.cost_millionths,
        cost_max: budget.cost_millionths,
    }
}

/// What a space is.
pub fn kind(kind: SpaceType) -> Kind {
    match kind {
        SpaceType::Ui => Kind::Ui,
        SpaceType::Io => Kind::Io,
        SpaceType::Data => Kind::Data,
        SpaceType::Chat => Kind::Chat,
        SpaceType::Call => Kind::Call,
    }
}

/// Both ways of a path as one.
pub fn path(stats: &PathStats, from: &str, name: &str, to: &str) -> Path {
    let sum = |of: fn(&FlowStats) -> u64| of(&stats.messages) + of(&stats.answers);
    let ends = LATENCY_NANOSECONDS.iter().copied().map(Some).chain([None]);
    let counts = stats.messages.latency.iter().zip(stats.answers.latency);
    Path {
        from: from.to_owned(),
        name: name.to_owned(),
        to: to.to_owned(),
        sent: sum(|flow| flow.sent),
        taken: sum(|flow| flow.taken),
        dropped: sum(|flow| flow.dropped),
        blocked: sum(|flow| flow.blocked),
        queued: sum(|flow| flow.queued),
        rate: f64::from(u32::try_from(sum(|flow| flow.recent)).unwrap_or(u32::MAX)) / f64::from(RATE_SECONDS),
        latency: ends
            .zip(counts)
            .map(|(up_to, (messages, answers))| Bucket { up_to, count: messages + answers })
            .collect(),
    }
}

/// A message that reached nobody.
pub fn dead_letter(letter: &services_zmesh::DeadLetter) -> DeadLetter {
    DeadLetter {
        from: letter.from.clone(),
        to: letter.to.clone(),
        reason: Reason::meaning(letter.reason).to_owned(),
        time: letter.time / 1_000_000,
        bytes: letter.bytes,
        times: letter.times,
    }
}

/// A message for a page.
pub fn delivery(letter: Letter) -> Delivery {
    let way = match letter.way {
        window::Way::Path(path) => Way::Path(path),
        window::Way::Event(event) => Way::Event(event),
        window::Way::Answer(id) => Way::Answer(id),
    };
    Delivery { way, from: letter.from, id: letter.id, time: letter.time / 1_000_000, body: letter.body }
}

/// Someone who watches a path.
pub struct Watch {
    copies: SyncSender<Tapped>,
    missed: u64,
}

impl Watch {
    /// One, and where its copies come.
    pub fn new() -> (Self, Receiver<Tapped>) {
        let (copies, receiver) = mpsc::sync_channel(COPIES);
        (Self { copies, missed: 0 }, receiver)
    }

    /// Gives a copy, or counts it as missed; whether whoever watches is still there.
    pub fn pass(&mut self, passed: Passed) -> bool {
        let Passed { missed, is_answer, letter } = passed;
        let copy = Tapped {
            missed: missed + self.missed,
            is_answer,
            id: letter.id,
            from: letter.from,
            time: letter.time / 1_000_000,
            body: letter.body,
        };
        match self.copies.try_send(copy) {
            Ok(()) => self.missed = 0,
            Err(TrySendError::Full(copy)) => self.missed = copy.missed + 1,
            Err(TrySendError::Disconnected(_)) => return false,
        }
        true
    }
}

/// The world that an application is for.
pub fn world(world: &services_topology::world::World) -> World {
    let location = |location: &services_topology::world::Location| Location {
        id: location.id.value.to_string(),
        faces: location
            .faces
            .iter()
            .map(|face| (face.direction.value.word().to_owned(), face.ui.value.to_string()))
            .collect(),
    };
    World {
        name: world.name.value.to_string(),
        locations: world.locations.iter().map(location).collect(),
        routes: world
            .routes
            .iter()
            .map(|route| [route.from.value.to_string(), route.to.value.to_string()])
            .collect(),
    }
}

/// The media type of a file by its ending; what is not known is bytes.
pub fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" | "md" => "text/plain; charset=utf-8",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}
