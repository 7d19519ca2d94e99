//! What is seen of applications: for people as tables, for programs as JSON.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use services_zdesk::view::{Application, Path, Space, State};
use services_zhost::question::{Answer, Question};

use super::{application, name, nothing_runs, parent, snapshot};
use crate::arguments::{ApplicationArgument, SpaceArgument};
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

/// `space ps`
pub fn ps(as_json: bool) -> Result<(), Failure> {
    let snapshot = snapshot()?.unwrap_or_default();
    if as_json {
        return json(&snapshot);
    }
    let row = |application: &Application| {
        let running = application.spaces.iter().filter(|space| space.state == State::Running).count();
        vec![
            application.name.clone(),
            word(application.state).to_owned(),
            format!("{running}/{}", application.spaces.len()),
            application.reason.clone(),
            application.remarks.join("; "),
        ]
    };
    let rows: Vec<_> = snapshot.applications.iter().map(row).collect();
    print::text(&columns(&["NAME", "STATE", "SPACES", "REASON", "TRUST"], &rows))
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
            "  {:width$}  {}  {}  {}{retry}\n",
            space.name,
            kind(space),
            word(space.state),
            space.reason
        );
    }
    text
}

fn kind(space: &Space) -> String {
    serde_json::to_value(space.kind)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// `space status`
pub fn status(argument: &ApplicationArgument, as_json: bool) -> Result<(), Failure> {
    let application = application(argument)?;
    if as_json { json(&application) } else { print::text(&tree(&application)) }
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
pub fn graph(argument: &ApplicationArgument, as_json: bool) -> Result<(), Failure> {
    let application = application(argument)?;
    if as_json { json(&application.paths) } else { print::text(&paths(&application)) }
}

/// `space top`
pub fn top(argument: &ApplicationArgument, once: bool) -> Result<(), Failure> {
    let shown = |application: &Application| {
        let row = |space: &Space| {
            vec![
                space.name.clone(),
                kind(space),
                word(space.state).to_owned(),
                space.waiting.to_string(),
                space.restarts.to_string(),
                space.capabilities.iter().map(|capability| capability.used).sum::<u64>().to_string(),
            ]
        };
        let rows: Vec<_> = application.spaces.iter().map(row).collect();
        let spaces = columns(&["SPACE", "TYPE", "STATE", "WAITING", "RESTARTS", "CALLS"], &rows);
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
        print::raw(&format!("\x1b[H{lines}\x1b[J"))?;
        let until = Instant::now() + LOOK;
        while Instant::now() < until && !interrupted.load(Ordering::Relaxed) {
            thread::sleep(LOOK / 20);
        }
    }
    Ok(())
}

/// `space cap ls`
pub fn capabilities(argument: &ApplicationArgument, as_json: bool) -> Result<(), Failure> {
    let application = application(argument)?;
    if as_json {
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
            space.capabilities.iter().map(|one| {
                let used = if one.used == 0 { "never".to_owned() } else { one.used.to_string() };
                vec![space.name.clone(), one.name.clone(), used]
            })
        })
        .collect();
    print::text(&columns(&["SPACE", "CAPABILITY", "USED"], &rows))
}

/// Why a space is as it is.
pub fn why(argument: &SpaceArgument) -> Result<(), Failure> {
    let application = application(&argument.application)?;
    let space = application.spaces.iter().find(|space| space.name == argument.space).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "no-such-thing",
            format!("`{}` has no space `{}`", application.name, argument.space),
        )
        .help("`space status` lists its spaces")
    })?;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let rows = [
        row("state", word(space.state).to_owned()),
        row("reason", space.reason.clone()),
        row("next try", space.next_retry.map(|time| format!("in {time} ms")).unwrap_or_default()),
        row("host", space.host.clone().unwrap_or_default()),
        row("placement", space.placement.clone()),
    ];
    let rows: Vec<_> = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    print::text(&print::table(&rows))
}

/// `space topo history`
pub fn history(argument: &ApplicationArgument, as_json: bool) -> Result<(), Failure> {
    let application = name(argument)?;
    let Some(Answer::History(revisions)) = parent::ask(&Question::History { application })? else {
        return Err(nothing_runs());
    };
    if as_json {
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
