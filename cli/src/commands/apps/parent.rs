//! The parent: a process of its own that outlives the command that started it.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use compiler_driver::keys::Store;
use services_zdesk::{Desk, ServeError, Source};
use services_zhost::host::{self, Kept};
use services_zhost::question::{Answer, Question};
use services_zhost::{Home, Host, Problem, client, server};

use super::{failure, loader::Packages, state};
use crate::commands::system;
use crate::explanations;
use crate::report::{Exit, Failure};

/// The error of a parent that finds another one.
const TAKEN: &str = "already-running";
/// How long a parent may take until it answers: it recovers what ran before.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
/// Where the desk listens, if nobody else does.
pub const PORT: u16 = 7733;
/// How long a parent may take to answer what it knows, and what it has to verify, start or end first.
const ANSWER: Duration = Duration::from_secs(5);
const WORK: Duration = Duration::from_mins(10);
/// How long a process may have the folder that does not answer: it begins, or ends.
const CHANGE: Duration = Duration::from_secs(5);
/// How long a parent that has nothing to run waits for something.
const IDLE: Duration = Duration::from_secs(2);

/// The folder of the state.
pub fn home() -> Result<Home, Failure> {
    Ok(Home::new(Store::open()?.home()))
}

/// Asks the parent; `None` where there is none.
pub fn ask(question: &Question) -> Result<Option<Answer>, Failure> {
    first(answers(question)?, question)
}

/// The first answer to a question, if anybody was there to take it.
fn first(answers: Option<client::Answers>, question: &Question) -> Result<Option<Answer>, Failure> {
    let Some(answers) = answers else { return Ok(None) };
    let time = match question {
        Question::Submit { .. } | Question::Stop { .. } | Question::Rollback { .. } => WORK,
        _ => ANSWER,
    };
    match answers.within(time) {
        Ok(Some(answer)) => Ok(Some(answer)),
        Ok(None) => Err(silent(&home()?)),
        Err(problem) if problem.id == client::ENDING => Ok(None),
        Err(problem) if problem.id == client::GONE && question.may_be_asked_again() => Ok(None),
        Err(problem) => Err(failure(&problem)),
    }
}

/// A process has the folder, and does not answer.
fn silent(home: &Home) -> Failure {
    let process = home.process().filter(|process| !process.is_empty());
    let file = home.process_file().display().to_string();
    let failure = Failure::new(
        Exit::Environment,
        "no-parent",
        match &process {
            Some(process) => format!("process {process} is the parent, and does not answer"),
            None => "a process has the folder locked, and does not answer".to_owned(),
        },
    );
    failure.at(file).help(match process {
        Some(process) => format!(
            "look at it with `ps {process}`; `kill -KILL {process}` ends it, what is stored stays, and `space up` goes on"
        ),
        None => "end the process that has the file open".to_owned(),
    })
}

/// Asks the parent for what comes one after the other. One that begins or ends is waited for.
pub fn answers(question: &Question) -> Result<Option<client::Answers>, Failure> {
    let home = home()?;
    let until = Instant::now() + CHANGE;
    loop {
        match answers_now(&home, question)? {
            None if home.process().is_none() => return Ok(None),
            None if Instant::now() > until => return Err(silent(&home)),
            None => thread::sleep(PAUSE),
            answers => return Ok(answers),
        }
    }
}

fn answers_now(home: &Home, question: &Question) -> Result<Option<client::Answers>, Failure> {
    let wrong = |error: std::io::Error| {
        Failure::new(Exit::Io, "io", format!("the parent cannot be asked: {error}"))
            .help("`space doctor` says where its socket is")
    };
    client::ask(home, question).map_err(wrong)
}

/// Starts a parent if none runs, whose desk is at a port; whether one was started.
pub fn start(port: Option<u16>) -> Result<bool, Failure> {
    if ask(&Question::Snapshot)?.is_some() {
        return Ok(false);
    }
    let home = home()?;
    home.make(home.folder()).map_err(|error| Failure::new(Exit::Io, "io", error.to_string()))?;
    let mut parent = spawn(&home, port)?;
    let until = Instant::now() + PATIENCE;
    let mut ended = None;
    let question = Question::Snapshot;
    while first(answers_now(&home, &question)?, &question)?.is_none() {
        let wrong = |error: std::io::Error| Failure::new(Exit::Io, "io", error.to_string());
        if ended.is_none() && parent.try_wait().map_err(wrong)?.is_some() {
            ended = Some(Instant::now());
        }
        if let Some(since) = ended {
            match (home.process(), said(&home)) {
                // Another one took its place, or has not left it yet.
                (Some(_), _) if since.elapsed() < CHANGE => {}
                (Some(_), _) => return Err(silent(&home)),
                (None, failure) if failure.id() == TAKEN && Instant::now() < until => {
                    parent = spawn(&home, port)?;
                    ended = None;
                }
                (None, failure) => return Err(failure),
            }
        }
        if Instant::now() > until {
            return Err(Failure::new(Exit::Environment, "no-parent", "the parent does not answer")
                .at(home.output().display().to_string())
                .help("the file says what it does"));
        }
        thread::sleep(PAUSE);
    }
    Ok(true)
}

fn spawn(home: &Home, port: Option<u16>) -> Result<Child, Failure> {
    let wrong =
        |error: std::io::Error| Failure::new(Exit::Io, "io", format!("{}: {error}", home.output().display()));
    let mut options = OpenOptions::new();
    let output =
        options.create(true).write(true).truncate(true).mode(0o600).open(home.output()).map_err(wrong)?;
    Command::new("/proc/self/exe")
        .arg("zhost")
        .args(port.map(|port| format!("--port={port}")))
        // It has another working directory.
        .env("SPACE_HOME", home.folder())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .map_err(|error| {
            Failure::new(Exit::Environment, "no-parent", format!("a parent cannot be started: {error}"))
        })
}

/// Why a parent ended that should answer, in its own words.
fn said(home: &Home) -> Failure {
    let said = std::fs::read_to_string(home.output()).unwrap_or_default();
    let (id, message) = said
        .lines()
        .find_map(|line| line.strip_prefix("error[")?.split_once("]: "))
        .unwrap_or(("no-parent", said.lines().next().unwrap_or("it said nothing")));
    let id = explanations::all().iter().map(|(id, _)| *id).find(|known| *known == id).unwrap_or("no-parent");
    let failure = Failure::new(Exit::Environment, id, format!("the parent ended: {message}"))
        .at(home.output().display().to_string());
    let help = said.lines().find_map(|line| line.strip_prefix("help: ")).map(str::to_owned);
    // Then what it said may be missing, too.
    match state::full(home).or(help) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Takes a folder over.
pub fn open(home: Home) -> Result<Arc<Host>, Failure> {
    Host::open(home, Box::new(Packages::open()?)).map_err(|problem| failure(&problem))
}

/// Where the desk listens: at the port that is asked for, or the usual one, or any that is free.
fn listener(port: Option<u16>) -> Result<TcpListener, Failure> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let bound = match port {
        Some(port) => bind(port),
        None => bind(PORT).or_else(|_| bind(0)),
    };
    bound.map_err(|error| {
        let message = format!("port {} cannot be used: {error}", port.unwrap_or(0));
        Failure::new(Exit::Environment, "port-taken", message).help("name another with `--port`, or none")
    })
}

/// Serves a desk at a port.
pub fn serve_desk(port: Option<u16>, source: Arc<dyn Source>) -> Result<Desk, Failure> {
    services_zdesk::serve(listener(port)?, source).map_err(|error| no_desk(&error))
}

/// A desk that does not serve.
pub fn no_desk(error: &ServeError) -> Failure {
    Failure::new(Exit::Environment, "no-desk", error.to_string())
}

/// Is the parent, until it has nothing to run or is told to end.
pub fn run(port: Option<u16>) -> Result<(), Failure> {
    // It has no terminal whose Ctrl-C it would get. Who leads a session already has none either.
    let _ = rustix::process::setsid();
    // Before anything is open that takes more of them than most programs.
    services_zhost::descriptors::allow_all();
    let host = open(home()?)?;
    let interrupted = system::interruption()?;
    let source: Arc<dyn Source> = Arc::<Host>::clone(&host);
    let desk = serve_desk(port, source)?;
    server::listen(&host, desk)
        .map_err(|error| Failure::new(Exit::Io, "io", format!("the socket: {error}")))?;
    let mut idle_since = None;
    let idle = std::cell::RefCell::new(&mut idle_since);
    host.live(|| {
        let mut since = idle.borrow_mut();
        if host.is_idle() {
            interrupted.load(Ordering::Relaxed) || since.get_or_insert_with(Instant::now).elapsed() > IDLE
        } else {
            **since = None;
            interrupted.load(Ordering::Relaxed)
        }
    });
    Ok(())
}

/// The applications that are known where no parent runs.
pub fn kept() -> Result<Vec<Kept>, Failure> {
    host::kept(&home()?).map_err(|problem| failure(&problem))
}

/// Does something as the parent, where none runs.
pub fn offline<T>(act: impl FnOnce(&Host) -> Result<T, Problem>) -> Result<T, Failure> {
    let host = open(home()?)?;
    let over = AtomicBool::new(false);
    let done = thread::scope(|scope| {
        scope.spawn(|| host.live(|| over.load(Ordering::Relaxed)));
        let done = act(&host);
        over.store(true, Ordering::Relaxed);
        done
    });
    done.map_err(|problem| failure(&problem))
}
