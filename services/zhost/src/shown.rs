//! What is shown, wherever it runs: the words of topologies and of the mesh as the desk's.

use sci::guest::SpaceType;
use services_zdesk::view::{Bucket, DeadLetter, Kind, Location, Path, World};
use services_zmesh::{FlowStats, LATENCY_NANOSECONDS, PathStats, Reason};

/// Seconds over which a rate is taken.
const RATE_SECONDS: u32 = services_zmesh::limits::RATE_SECONDS as u32;

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
