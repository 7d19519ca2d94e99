//! Lines, events and messages as they come.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use services_zdesk::view::State;
use services_zhost::book::{self, Entry, Kind};
use services_zhost::client;
use services_zhost::host::not_up;
use services_zhost::question::{Answer, Question};

use super::{failure, is_unknown, name, nothing_runs, parent, show, snapshot, unknown, up};
use crate::arguments::{LogsArguments, ShownArguments, TapArguments};
use crate::commands::system;
use crate::print;
use crate::report::{Failure, visible};

/// How long nothing may pass on a path before that is said.
const SILENCE: Duration = Duration::from_secs(3);

/// How entries are written: for people, in a column as wide as the names of spaces so far, or a JSON object each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Columns(usize),
    Json,
}

impl Form {
    fn new(as_json: bool) -> Self {
        if as_json { Self::Json } else { Self::Columns(0) }
    }

    /// The same with room for the spaces of these.
    fn with(self, entries: &[Entry]) -> Self {
        match self {
            Self::Columns(width) => {
                Self::Columns(entries.iter().map(|entry| entry.space.len()).max().unwrap_or(0).max(width))
            }
            Self::Json => Self::Json,
        }
    }

    fn lines(self, entries: &[Entry]) -> String {
        let one = |entry: &Entry| match self {
            Self::Columns(width) => line(entry, width),
            Self::Json => {
                let Entry { time, space, kind, text, .. } = entry;
                let kind = if *kind == Kind::Event { "event" } else { "line" };
                format!("{}\n", json!({ "time": time, "space": space, "kind": kind, "text": text }))
            }
        };
        entries.iter().map(one).collect()
    }
}

fn line(entry: &Entry, width: usize) -> String {
    let text = visible(&entry.text).into_owned();
    let mark = if entry.kind == Kind::Event { '*' } else { '|' };
    let space = if entry.space.is_empty() { "zrms" } else { &entry.space };
    text.split('\n').map(|part| format!("{space:width$} {mark} {part}\n")).collect()
}

/// The number of the last thing that was said in an application; 0 of one of which nothing runs.
pub fn last(name: &str) -> Result<u64, Failure> {
    let question = Question::Book { application: name.to_owned(), space: None, after: 0, follow: false };
    match parent::ask(&question) {
        Ok(Some(Answer::Entries(entries))) => Ok(entries.last().map_or(0, |entry| entry.number)),
        Err(failure) if !is_unknown(&failure) => Err(failure),
        _ => Ok(0),
    }
}

/// Prints what an application says from a number on, until it is down or `is_over`.
pub fn follow(name: &str, after: u64, is_over: &dyn Fn() -> bool) -> Result<(), Failure> {
    follow_as(Form::new(false), name, None, after, is_over)
}

fn follow_as(
    mut form: Form,
    name: &str,
    space: Option<&str>,
    after: u64,
    is_over: &dyn Fn() -> bool,
) -> Result<(), Failure> {
    let question =
        Question::Book { application: name.to_owned(), space: space.map(str::to_owned), after, follow: true };
    // There was a parent just now.
    let Some(answers) = parent::answers(&question)? else { return Err(failure(&client::gone())) };
    for answer in answers.until(is_over) {
        match answer.map_err(|problem| failure(&problem))? {
            Answer::Entries(entries) => {
                form = form.with(&entries);
                if !print::raw(&form.lines(&entries))? {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
    }
    if is_over() { Ok(()) } else { ended() }
}

/// No more answers come: there is no more to tell, or the parent was killed.
fn ended() -> Result<(), Failure> {
    // One that ends by itself has nothing left that is up, and goes on for some seconds.
    snapshot()?.map(drop).ok_or_else(|| failure(&client::gone()))
}

/// `space logs`
pub fn logs(arguments: &LogsArguments) -> Result<(), Failure> {
    of_kind(arguments, |entry| entry.kind == Kind::Line || arguments.follow)
}

/// `space events`
pub fn events(ShownArguments { application, output }: ShownArguments) -> Result<(), Failure> {
    let arguments = LogsArguments { space: None, application, follow: false, lines: usize::MAX, output };
    of_kind(&arguments, |entry| entry.kind == Kind::Event)
}

fn of_kind(arguments: &LogsArguments, is_wanted: impl Fn(&Entry) -> bool) -> Result<(), Failure> {
    let name = name(&arguments.application)?;
    let space = arguments.space.as_deref();
    let home = parent::home()?;
    let question =
        Question::Book { application: name.clone(), space: arguments.space.clone(), after: 0, follow: false };
    // What a parent knows is there at least; files have what came before.
    let live = match parent::ask(&question) {
        Err(failure) if is_unknown(&failure) => None,
        live => live?,
    };
    let folder = home.application(&name);
    if live.is_none() && !folder.is_dir() {
        return Err(unknown(&name));
    }
    let mut entries = book::read(&folder)?;
    entries.retain(|entry| is_wanted(entry) && space.is_none_or(|space| entry.space == space));
    if let Some(space) = space
        && entries.is_empty()
        && let Some(application) = up::current(&name)?
    {
        show::space(&application, space)?;
    }
    let read = entries.last().map_or(0, |entry| entry.number);
    let skipped = entries.len().saturating_sub(arguments.lines);
    let form = Form::new(arguments.output.json).with(&entries);
    if !print::raw(&form.lines(&entries[skipped..]))? {
        return Ok(());
    }
    match (live, arguments.follow) {
        (Some(Answer::Entries(known)), true) => {
            let interrupted = system::interruption()?;
            // More may have come until the files were read, which a parent that has said something wrote last.
            let last = known.last().map_or(0, |entry| entry.number.max(read));
            follow_as(form, &name, space, last, &|| interrupted.load(Ordering::Relaxed))
        }
        _ => Ok(()),
    }
}

/// Says why nothing passes on a path, as far as that is known.
fn say_silence(application: &str, TapArguments { from, path, .. }: &TapArguments) {
    let Ok(Some(shown)) = up::current(application) else { return };
    let why = match shown.spaces.iter().find(|space| space.name == *from) {
        Some(space) if space.state == State::Running => format!("`{from}` runs, and sends nothing along it"),
        Some(space) => format!("`{from}` does not run: {}", space.reason),
        None => return,
    };
    eprintln!("note: nothing passed on `{path}` so far: {why}");
}

/// What is said of messages that reached nobody.
fn dead(times: u64, reason: &str, as_json: bool) -> String {
    if as_json {
        return format!("{}\n", json!({ "dead": times, "reason": reason }));
    }
    format!("x {times} reached nobody: {reason}\n")
}

/// No parent runs, or it has just ended: whether the application is known.
fn nothing_of(application: &str) -> Result<Failure, Failure> {
    let is_known = parent::kept()?.iter().any(|kept| kept.name == application);
    Ok(if is_known { failure(&not_up(application)) } else { nothing_runs() })
}

/// `space tap`
pub fn tap(arguments: &TapArguments) -> Result<(), Failure> {
    let application = name(&arguments.application)?;
    let (from, path) = (arguments.from.clone(), arguments.path.clone());
    let question = Question::Tap { application: application.clone(), from, path };
    let Some(answers) = parent::answers(&question)? else { return Err(nothing_of(&application)?) };
    let interrupted = system::interruption()?;
    let mut left = arguments.count;
    // Whether nothing came, and nothing was said of that.
    let (is_silent, began) = (Cell::new(true), Instant::now());
    let is_over = || {
        if began.elapsed() > SILENCE && is_silent.replace(false) {
            say_silence(&application, arguments);
        }
        interrupted.load(Ordering::Relaxed)
    };
    let mut was_answered = false;
    for answer in answers.until(&is_over) {
        is_silent.set(false);
        was_answered = true;
        let messages = match answer.map_err(|problem| failure(&problem))? {
            Answer::Tapped(messages) => messages,
            Answer::Dead { times, reason } if print::raw(&dead(times, &reason, arguments.output.json))? => {
                continue;
            }
            _ => break,
        };
        for message in messages {
            if left == Some(0) {
                return Ok(());
            }
            left = left.map(|left| left - 1);
            let body = String::from_utf8_lossy(&message.body);
            let text = if arguments.output.json {
                let value = json!({
                    "id": message.id, "answer": message.is_answer, "time": message.time, "missed": message.missed,
                    "body": body,
                });
                format!("{value}\n")
            } else {
                let way = if message.is_answer { "<-" } else { "->" };
                format!("{} {way} {}\n", message.id, visible(&body))
            };
            if !print::raw(&text)? {
                return Ok(());
            }
        }
        if left == Some(0) {
            return Ok(());
        }
    }
    if interrupted.load(Ordering::Relaxed) {
        return Ok(());
    }
    // Whoever ended meanwhile said nothing.
    if was_answered { ended() } else { Err(nothing_of(&application)?) }
}
