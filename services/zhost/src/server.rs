//! The socket's end where the parent is.

use crate::host::Host;
use crate::question::{Answer, Problem, Question, TappedMessage};
use crate::run::Run;
use services_zdesk::Desk;
use services_zdesk::view::Source as _;
use services_zmesh::TapError;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of a question: a message, as numbers in JSON.
const QUESTION_BYTES_MAX: u64 = 8 << 20;
/// How long a follower waits for something before it looks whether whoever asked is there still.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often someone who looks at a path is told of its dead letters.
const DEAD_PERIOD: Duration = Duration::from_millis(500);

/// Takes questions from now on, and says where the desk is.
pub fn listen(host: &Arc<Host>, desk: Desk) -> io::Result<()> {
    let (folder, path) = host.home().socket()?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    drop(folder);
    let (host, desk) = (Arc::clone(host), Arc::new(desk));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // There are no descriptors left: whoever asks waits until there are.
                thread::sleep(PATIENCE);
                continue;
            };
            let (host, desk) = (Arc::clone(&host), Arc::clone(&desk));
            thread::spawn(move || {
                // Whoever asked and went away needs no answer.
                let _ = serve(&host, &desk, &stream);
            });
        }
    });
    Ok(())
}

fn serve(host: &Host, desk: &Desk, stream: &UnixStream) -> io::Result<()> {
    let mut line = Vec::new();
    BufReader::new(stream.take(QUESTION_BYTES_MAX)).read_until(b'\n', &mut line)?;
    match serde_json::from_slice::<Question>(&line) {
        Ok(question) => answer(host, desk, question, stream),
        Err(error) => {
            let problem =
                Problem::new("other-version", format!("the parent does not know this question: {error}"));
            say(
                stream,
                &Answer::Problem(
                    problem.help("it is of another version of `space`: stop it, start it again"),
                ),
            )
        }
    }
}

fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

fn answer(host: &Host, desk: &Desk, question: Question, stream: &UnixStream) -> io::Result<()> {
    let done = |result: Result<(), Problem>| result.map(|()| Answer::Done);
    if question.is_of_what_runs() {
        host.wait_until_resumed();
    }
    let answer = match question {
        Question::Submit { package } => {
            host.submit(&package).map(|(application, revision)| Answer::Revision { application, revision })
        }
        Question::Snapshot => Ok(Answer::Snapshot(host.snapshot())),
        Question::Desk => desk.url().map(Answer::Desk).map_err(|error| Problem::new("io", error.to_string())),
        Question::Stop { application, purge } => done(host.stop(&application, purge)),
        Question::History { application } => host.history(&application).map(Answer::History),
        Question::Rollback { application, revision } => {
            host.rollback(&application, revision).map(|revision| Answer::Revision { application, revision })
        }
        Question::Book { application, space, after, follow } => {
            return book(host, &application, space.as_deref(), after, follow, stream);
        }
        Question::Tap { application, from, path } => return tap(host, &application, &from, &path, stream),
        Question::Send { application, space, path, message } => {
            done(host.run_that_is_up(&application).and_then(|run| {
                let sent = run.send(&space, path.as_deref(), &message);
                sent.map(drop)
                    .map_err(|(code, why)| Problem::new("not-sent", format!("{}: {why}", code.name())))
            }))
        }
        Question::Act { application, space, action } => done(host.act(&application, &space, action)),
    };
    say(stream, &answer.unwrap_or_else(Answer::Problem))
}

fn book(
    host: &Host,
    name: &str,
    space: Option<&str>,
    mut after: u64,
    follow: bool,
    stream: &UnixStream,
) -> io::Result<()> {
    let run = match host.run(name) {
        Ok(run) => run,
        Err(problem) => return say(stream, &Answer::Problem(problem)),
    };
    if let Some(space) = space
        && run.application().node(space).is_none()
    {
        let problem = Problem::new("no-such-thing", format!("`{name}` has no space `{space}`"));
        return say(stream, &Answer::Problem(problem.help("`space status` lists its spaces")));
    }
    let mut entries = run.book().after(after, space, Duration::ZERO);
    loop {
        if !entries.is_empty() || !follow {
            after = entries.last().map_or(after, |entry| entry.number);
            say(stream, &Answer::Entries(entries))?;
        }
        if !follow || is_gone(stream) {
            return Ok(());
        }
        entries = run.book().after(after, space, PATIENCE);
        if entries.is_empty() && host.run(name).is_err() {
            return say(stream, &Answer::Done);
        }
    }
}

fn tap(host: &Host, name: &str, from: &str, path: &str, stream: &UnixStream) -> io::Result<()> {
    let tapped = host.run_that_is_up(name).and_then(|run| match run.tap(from, path) {
        Ok(tap) => Ok((run, tap)),
        Err(error) => Err(untapped(&run, (name, from, path), error)),
    });
    let (run, tap) = match tapped {
        Ok(tapped) => tapped,
        Err(problem) => return say(stream, &Answer::Problem(problem)),
    };
    let mut result = Ok(());
    let mut dead = run.look(|look| look.dead_on(from, path).0);
    let mut looked = Instant::now();
    while result.is_ok() && !is_gone(stream) && host.run(name).is_ok() {
        if looked.elapsed() > DEAD_PERIOD {
            looked = Instant::now();
            let (now, reason) = run.look(|look| look.dead_on(from, path));
            if now > dead {
                let news = Answer::Dead { times: now - dead, reason: reason.unwrap_or_default().to_owned() };
                result = say(stream, &news);
            }
            // The oldest are forgotten.
            dead = now;
        }
        let copies = run.observe(tap).into_iter().map(|seen| TappedMessage {
            missed: seen.missed,
            is_answer: seen.is_answer,
            id: seen.message.id.to_string(),
            time: seen.message.time / 1_000_000,
            body: seen.message.body.to_vec(),
        });
        let copies: Vec<_> = copies.collect();
        if copies.is_empty() {
            thread::sleep(PATIENCE / 10);
        } else {
            result = result.and_then(|()| say(stream, &Answer::Tapped(copies)));
        }
    }
    run.untap(tap);
    result
}

/// Why a path of an application that is up cannot be looked at.
fn untapped(run: &Run, (name, from, path): (&str, &str, &str), error: TapError) -> Problem {
    match error {
        TapError::NoPath if run.application().node(from).is_none() => {
            Problem::new("no-such-thing", format!("`{name}` has no space `{from}`"))
                .help("`space status` lists its spaces")
        }
        TapError::NoPath => Problem::new(
            "no-such-path",
            format!("`{from}` has no path `{path}` in `{name}`"),
        )
        .help(
            "`space graph` lists the paths: `space tap` wants the space that sends, and the path's own name",
        ),
        TapError::TooMany => Problem::new("too-many-taps", error.to_string())
            .help("end another `space tap`, or close a path that the desk shows"),
    }
}

/// Whether whoever asked has closed the socket.
fn is_gone(stream: &UnixStream) -> bool {
    let look = || {
        stream.set_nonblocking(true)?;
        let read = (&*stream).read(&mut [0]);
        stream.set_nonblocking(false)?;
        read
    };
    match look() {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
