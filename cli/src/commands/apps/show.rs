//! What is seen of applications: for people as tables, for programs as JSON.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};
use services_zdesk::view::{Application, Cache, Capability, DeadLetter, Model, Path, Snapshot, Space, State};
use services_zhost::host::Kept;
use services_zhost::question::{Answer, Question};

use super::{application, name, parent, snapshot, unknown};
use crate::arguments::{ApplicationArgument, ShownArguments, SpaceArgument};
use crate::commands::system;
use crate::print;
use crate::report::{Exit, Failure};

/// How often `space top` looks.
const LOOK: Duration = Duration::from_secs(1);

/// A state's word.
fn word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Running => "running",
        State::Degraded => "degraded",
        State::Stopped => "stopped",
        State::Failed => "failed",
    }
}

fn json(value: &impl Serialize) -> Result<(), Failure> {
    let value =
        serde_json::to_value(value).map_err(|error| Failure::new(Exit::Io, "output", error.to_string()))?;
    print::json(&value)
}

/// Rows under their heads, aligned.
fn columns(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        let cells = widths.iter().zip(row);
        let line: String = cells
            .map(|(width, cell)| format!("{cell}{:pad$}", "", pad = 2 + width - cell.chars().count()))
            .collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Bytes of memory, for people.
fn memory(bytes: u64) -> String {
    format!("{} KiB", bytes >> 10)
}

/// An application while no parent runs.
fn at_rest(kept: &Kept) -> Application {
    let reason = if kept.is_stopped {
        "it was stopped"
    } else {
        "its parent is gone; the next one, such as that of `space up`, goes on with it"
    };
    Application {
        name: kept.name.clone(),
        state: State::Stopped,
        reason: reason.to_owned(),
        ..Application::default()
    }
}

/// `space ps`
pub fn ps(as_json: bool) -> Result<(), Failure> {
    let snapshot = match snapshot()? {
        Some(snapshot) => snapshot,
        None => Snapshot { applications: parent::kept()?.iter().map(at_rest).collect() },
    };
    if as_json {
        return json(&snapshot);
    }
    let row = |application: &Application| {
        let running = application.spaces.iter().filter(|space| space.state == State::Running).count();
        vec![
            application.name.clone(),
            word(application.state).to_owned(),
            format!("{running}/{}", application.spaces.len()),
            memory(application.spaces.iter().filter_map(|space| space.memory).sum()),
            application.reason.clone(),
            application.remarks.join("; "),
        ]
    };
    let rows: Vec<_> = snapshot.applications.iter().map(row).collect();
    print::text(&columns(&["NAME", "STATE", "SPACES", "MEMORY", "REASON", "TRUST"], &rows))
}

/// An application with its spaces below it.
pub fn tree(application: &Application) -> String {
    let mut text = format!("{}: {}: {}\n", application.name, word(application.state), application.reason);
    let width = application.spaces.iter().map(|space| space.name.len()).max().unwrap_or(0);
    for space in &application.spaces {
        let retry = space
            .next_retry
            .map(|milliseconds| format!("; tried again in {milliseconds} ms"))
            .unwrap_or_default();
        text += &format!(
            "  {:width$}  {}  {}  {}{retry}{}\n",
            space.name,
            kind(space),
            word(space.state),
            space.reason,
            past(space)
        );
    }
    for model in &application.models {
        text += &format!("  model {}: {}\n", model.name, spent(model));
    }
    text
}

/// How often a space was started again, and why it failed last: of one that runs, too.
fn past(space: &Space) -> String {
    let again = match space.restarts {
        0 => String::new(),
        1 => "; started again once".to_owned(),
        times => format!("; started again {times} times"),
    };
    let failure = space.failure.as_ref().map(|failure| {
        let since = ago(failure.time);
        // Of one that does not run the reason is told already.
        if space.reason.contains(&failure.reason) {
            format!("; failed last {since}")
        } else {
            format!("; failed last {since}: {}", failure.reason)
        }
    });
    again + &failure.unwrap_or_default()
}

/// How long ago a time is, in milliseconds since 1970.
fn ago(time: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
    match now.saturating_sub(time) / 1000 {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

/// What was spent on a model today, of what may be.
fn spent(model: &Model) -> String {
    let part = |used: u64, most: Option<u64>, what: &str, shown: fn(u64) -> String| match most {
        Some(most) => Some(format!("{} of {} {what}", shown(used), shown(most))),
        None if used == 0 => None,
        None => Some(format!("{} {what}", shown(used))),
    };
    let number = |number: u64| number.to_string();
    let cost = |millionths: u64| format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let parts = [
        part(model.requests, model.requests_max, "requests", number),
        part(model.tokens, model.tokens_max, "tokens", number),
        part(model.cost, model.cost_max, "spent", cost),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "not asked today".to_owned() } else { format!("{} today", parts.join(", ")) }
}

fn kind(space: &Space) -> String {
    serde_json::to_value(space.kind)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// `space status`
pub fn status(shown: &ShownArguments) -> Result<(), Failure> {
    let application = application(&shown.application)?;
    if shown.output.json { json(&application) } else { print::text(&tree(&application)) }
}

fn paths(application: &Application) -> String {
    let row = |path: &Path| {
        vec![
            path.from.clone(),
            path.name.clone(),
            path.to.clone(),
            path.sent.to_string(),
            path.queued.to_string(),
            path.dropped.to_string(),
            path.blocked.to_string(),
            format!("{:.1}", path.rate),
        ]
    };
    let rows: Vec<_> = application.paths.iter().map(row).collect();
    columns(&["FROM", "PATH", "TO", "SENT", "WAITING", "DEAD", "BLOCKED", "PER SECOND"], &rows)
}

/// `space graph`
pub fn graph(shown: &ShownArguments) -> Result<(), Failure> {
    let application = application(&shown.application)?;
    if shown.output.json { json(&application.paths) } else { print::text(&paths(&application)) }
}

/// `space top`
pub fn top(argument: &ApplicationArgument, once: bool) -> Result<(), Failure> {
    let shown = |application: &Application| {
        let row = |space: &Space| {
            vec![
                space.name.clone(),
                kind(space),
                word(space.state).to_owned(),
                space.memory.map_or_else(String::new, memory),
                space.waiting.to_string(),
                space.restarts.to_string(),
                space.capabilities.iter().filter_map(|capability| capability.used).sum::<u64>().to_string(),
            ]
        };
        let rows: Vec<_> = application.spaces.iter().map(row).collect();
        let spaces = columns(&["SPACE", "TYPE", "STATE", "MEMORY", "WAITING", "RESTARTS", "CALLS"], &rows);
        format!("{}: {}\n\n{spaces}\n{}", application.name, word(application.state), paths(application))
    };
    if once {
        return print::text(&shown(&application(argument)?));
    }
    let interrupted = system::interruption()?;
    while !interrupted.load(Ordering::Relaxed) {
        let text = shown(&application(argument)?);
        // Home, then each line with what is right of it cleared, then what is below.
        let lines: String =
            text.lines().map(|line| format!("{}\x1b[K\n", crate::report::visible(line))).collect();
        if !print::raw(&format!("\x1b[H{lines}\x1b[J"))? {
            break;
        }
        let until = Instant::now() + LOOK;
        while Instant::now() < until && !interrupted.load(Ordering::Relaxed) {
            thread::sleep(LOOK / 20);
        }
    }
    Ok(())
}

/// `space cap ls`
pub fn capabilities(shown: &ShownArguments) -> Result<(), Failure> {
    let application = application(&shown.application)?;
    if shown.output.json {
        let spaces: Vec<Value> = application
            .spaces
            .iter()
            .map(|space| json!({"space": space.name, "capabilities": space.capabilities}))
            .collect();
        return json(&spaces);
    }
    let rows: Vec<Vec<String>> = application
        .spaces
        .iter()
        .flat_map(|space| {
            space.capabilities.iter().map(|one| vec![space.name.clone(), one.name.clone(), uses(one)])
        })
        .collect();
    print::text(&columns(&["SPACE", "CAPABILITY", "USED"], &rows))
}

/// Why a space is as it is.
pub fn why(argument: &SpaceArgument) -> Result<(), Failure> {
    let application = application(&argument.application)?;
    let space = space(&application, &argument.space)?;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let rows = [
        row("state", word(space.state).to_owned()),
        row("reason", space.reason.clone()),
        row("next try", space.next_retry.map(|time| format!("in {time} ms")).unwrap_or_default()),
        row("waiting", if space.waiting > 0 { format!("{} messages", space.waiting) } else { String::new() }),
        row("before", past(space).trim_start_matches("; ").to_owned()),
        row("host", space.host.clone().unwrap_or_default()),
        row("placement", space.placement.clone()),
        row("cache", space.cache.map(cached).unwrap_or_default()),
        row("dead letters", dead(&application, &space.name)),
    ];
    let rows: Vec<_> = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    print::text(&print::table(&rows))
}

/// Messages that a space sent, or that were for it along a path, and that reached nobody.
fn dead(application: &Application, space: &str) -> String {
    let sender = |letter: &DeadLetter| letter.from.split('#').next().unwrap_or_default().to_owned();
    let is_for_it = |letter: &DeadLetter| {
        let mut paths = application.paths.iter().filter(|path| path.to == space && path.name == letter.to);
        paths.any(|path| path.from == sender(letter))
    };
    let of_it = application.dead.iter().filter(|letter| sender(letter) == space || is_for_it(letter));
    let shown = of_it.map(|letter| {
        let DeadLetter { from, to, times, reason, .. } = letter;
        format!("{times} of `{from}` to `{to}`: {reason}")
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Prints how often a space used a capability that it holds.
pub fn why_capability(argument: &SpaceArgument, capability: &str, as_json: bool) -> Result<(), Failure> {
    let application = application(&argument.application)?;
    let space = space(&application, &argument.space)?;
    let Some(held) = space.capabilities.iter().find(|held| held.name == capability) else {
        let names: Vec<&str> = space.capabilities.iter().map(|held| held.name.as_str()).collect();
        let message = format!("`{}` holds no capability `{capability}`", space.name);
        return Err(Failure::new(Exit::Usage, "unknown-capability", message)
            .help(format!("it holds {}", names.join(", "))));
    };
    if as_json {
        return json(held);
    }
    let name = &space.name;
    print::text(&format!("{name} holds {capability}: the topology grants it; used: {}\n", uses(held)))
}

/// A space of an application.
pub fn space<'a>(application: &'a Application, name: &str) -> Result<&'a Space, Failure> {
    application.spaces.iter().find(|space| space.name == name).ok_or_else(|| {
        let message = format!("`{}` has no space `{name}`", application.name);
        Failure::new(Exit::Usage, "no-such-thing", message).help("`space status` lists its spaces")
    })
}

/// How often a capability was used.
fn uses(capability: &Capability) -> String {
    match capability.used {
        None => "not counted".to_owned(),
        Some(0) => "never".to_owned(),
        Some(times) => times.to_string(),
    }
}

fn cached(Cache { hits, near, misses, .. }: Cache) -> String {
    format!("{hits} found, {near} alike, {misses} not found")
}

/// `space topo history`
pub fn history(shown: &ShownArguments) -> Result<(), Failure> {
    let application = name(&shown.application)?;
    let revisions = match parent::ask(&Question::History { application: application.clone() })? {
        Some(Answer::History(revisions)) => revisions,
        _ => {
            let kept = parent::kept()?.into_iter().find(|kept| kept.name == application);
            kept.ok_or_else(|| unknown(&application))?.revisions
        }
    };
    if shown.output.json {
        return json(&revisions);
    }
    let rows: Vec<Vec<String>> = revisions
        .iter()
        .map(|one| {
            let of = one.of.map(|of| format!("brought back {of}")).unwrap_or_default();
            vec![one.number.to_string(), one.package[..16].to_owned(), one.spaces.len().to_string(), of]
        })
        .collect();
    print::text(&columns(&["REVISION", "PACKAGE", "SPACES", ""], &rows))
}
