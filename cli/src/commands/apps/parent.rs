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
use services_zdesk::Source;
use services_zhost::question::{Answer, Question};
use services_zhost::{Home, Host, Problem, client, server};

use super::{failure, loader::Packages};
use crate::commands::system;
use crate::report::{Exit, Failure};

/// How long a parent may take until it answers: it recovers what ran before.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
/// Where the desk listens, if nobody else does.
const PORT: u16 = 7733;
/// How long a parent that has nothing to run waits for something.
const IDLE: Duration = Duration::from_secs(2);

/// The folder of the state.
pub fn home() -> Result<Home, Failure> {
    Ok(Home::new(Store::open()?.home()))
}

/// Asks the parent; `None` where there is none.
pub fn ask(question: &Question) -> Result<Option<Answer>, Failure> {
    let Some(answers) = answers(question)? else { return Ok(None) };
    answers.one().map(Some).map_err(|problem| failure(&problem))
}

/// Asks the parent for what comes one after the other.
pub fn answers(question: &Question) -> Result<Option<client::Answers>, Failure> {
    let wrong = |error: std::io::Error| {
        Failure::new(Exit::Io, "io", format!("the parent cannot be asked: {error}"))
            .help("`space doctor` says where its socket is")
    };
    client::ask(&home()?, question).map_err(wrong)
}

/// Starts a parent if none runs, whose desk is at a port; whether one was started.
pub fn start(port: Option<u16>) -> Result<bool, Failure> {
    if ask(&Question::Snapshot)?.is_some() {
        return Ok(false);
    }
    let home = home()?;
    home.make(home.folder()).map_err(|error| Failure::new(Exit::Io, "io", error.to_string()))?;
    let wrong =
        |error: std::io::Error| Failure::new(Exit::Io, "io", format!("{}: {error}", home.output().display()));
    let mut options = OpenOptions::new();
    let output =
        options.create(true).write(true).truncate(true).mode(0o600).open(home.output()).map_err(wrong)?;
    let mut parent = Command::new("/proc/self/exe")
        .arg("zhost")
        .args(port.map(|port| format!("--port={port}")))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .map_err(|error| {
            Failure::new(Exit::Environment, "no-parent", format!("a parent cannot be started: {error}"))
        })?;
    let until = Instant::now() + PATIENCE;
    while ask(&Question::Snapshot)?.is_none() {
        if let Some(failure) = ended(&mut parent, &home)? {
            return Err(failure);
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

/// Why a parent ended that should answer; none as long as it runs, or where another one took its place.
fn ended(parent: &mut Child, home: &Home) -> Result<Option<Failure>, Failure> {
    let wrong = |error: std::io::Error| Failure::new(Exit::Io, "io", error.to_string());
    if parent.try_wait().map_err(wrong)?.is_none() || home.process().is_some() {
        return Ok(None);
    }
    let said = std::fs::read_to_string(home.output()).unwrap_or_default();
    let said = said.lines().find(|line| !line.is_empty()).unwrap_or("it said nothing").to_owned();
    let failure = Failure::new(Exit::Environment, "no-parent", format!("the parent ended: {said}"));
    Ok(Some(failure.at(home.output().display().to_string())))
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

/// Is the parent, until it has nothing to run or is told to end.
pub fn run(port: Option<u16>) -> Result<(), Failure> {
    // It has no terminal whose Ctrl-C it would get. Who leads a session already has none either.
    let _ = rustix::process::setsid();
    let host = open(home()?)?;
    let interrupted = system::interruption()?;
    let source: Arc<dyn Source> = Arc::<Host>::clone(&host);
    let desk = services_zdesk::serve(listener(port)?, source)
        .map_err(|error| Failure::new(Exit::Environment, "no-desk", error.to_string()))?;
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
