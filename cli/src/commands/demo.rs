//! `space demo attacks`: spaces that try what they may not, each beside one that works, and what stopped them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sci::digest::sha256;
use services_mex::write_package;
use services_zdesk::Source as _;
use services_zdesk::view::{Application, Space, State};
use services_zhost::{Home, Host};

use crate::commands::apps;
use crate::commands::mex::{self, judge};
use crate::print;
use crate::report::{Exit, Failure};

/// How long the offenders may take.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Who works beside them, and what it says each time.
const WITNESS: (&str, &str) = ("witness", include_str!("demo/witness.wat"));
const STILL_HERE: &str = "still here";
/// How often it has to say so after all offenders were stopped.
const TIMES: usize = 5;

/// An attack that is stopped before anything runs.
struct Refused {
    name: &'static str,
    tries: &'static str,
    module: &'static str,
    /// The rule, or the error's id.
    by: &'static str,
}

const REFUSED: [Refused; 2] = [
    Refused {
        name: "thief",
        tries: "reads values without the capability",
        module: include_str!("demo/thief.wat"),
        by: "need-not-granted",
    },
    Refused {
        name: "smuggler",
        tries: "imports a function of the machine",
        module: include_str!("demo/smuggler.wat"),
        by: "import-refused",
    },
];

/// How an attack ends that runs.
enum End {
    /// The space ends, for this reason among others.
    Dies(&'static str),
    /// It is told no, and says this.
    Says(&'static str),
}

struct Attack {
    name: &'static str,
    tries: &'static str,
    module: &'static str,
    end: End,
}

const ATTACKS: [Attack; 8] = [
    Attack {
        name: "outside",
        tries: "reads beyond its memory",
        module: include_str!("demo/outside.wat"),
        end: End::Dies("out of bounds memory access"),
    },
    Attack {
        name: "pretender",
        tries: "calls a function as another type",
        module: include_str!("demo/pretender.wat"),
        end: End::Dies("indirect call type mismatch"),
    },
    Attack {
        name: "abyss",
        tries: "calls itself without end",
        module: include_str!("demo/abyss.wat"),
        end: End::Dies("call stack exhausted"),
    },
    Attack {
        name: "glutton",
        tries: "takes all memory",
        module: include_str!("demo/glutton.wat"),
        end: End::Dies("[quota-memory]"),
    },
    Attack {
        name: "hoarder",
        tries: "fills the disk",
        module: include_str!("demo/hoarder.wat"),
        end: End::Dies("[quota-storage]"),
    },
    Attack {
        name: "stranger",
        tries: "sends where no path leads",
        module: include_str!("demo/stranger.wat"),
        end: End::Says("nobody took it"),
    },
    Attack {
        name: "flooder",
        tries: "sends more than anyone takes",
        module: include_str!("demo/flooder.wat"),
        end: End::Says("no more messages"),
    },
    Attack {
        name: "forger",
        tries: "hands the host an address outside its memory",
        module: include_str!("demo/forger.wat"),
        end: End::Says("address refused"),
    },
];

/// What the topology grants each of them: nothing that an attack of another one needs.
fn grants(name: &str) -> &'static str {
    match name {
        "witness" => "sys.log, sys.sleep, net.emit_to, net.recv_next",
        "hoarder" => "sys.log, data.write",
        "stranger" | "flooder" => "sys.log, net.emit_to",
        _ => "sys.log",
    }
}

/// A package with these spaces; what is wrong with it is found by whoever judges it.
fn package(spaces: &[(&str, &str)]) -> Result<Vec<u8>, Failure> {
    let mut spaces = spaces.to_vec();
    spaces.sort_unstable();
    let mut topology =
        "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: attacks\nspaces:\n".to_owned();
    let mut manifest = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: attacks\n  version: 1.0.0\n  \
                        publisher: space\n  created: 2026-01-01T00:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n"
        .to_owned();
    let mut files = Vec::new();
    for (name, text) in spaces {
        topology += &format!(
            "  - name: {name}\n    type: DATA\n    capabilities: [{}]\n    placement:\n      resources:\n        \
             memory: 16MiB\n        storage: 1MiB\n    restart:\n      policy: never\n",
            grants(name)
        );
        manifest += &format!("    - {name}\n");
        let module = wat::parse_str(text)
            .map_err(|error| Failure::new(Exit::System, "bad-module", error.to_string()))?;
        files.push((format!("spaces/{name}/core.wasm"), module));
        let own = format!(
            "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: {name}\ntype: DATA\npersistence: {{}}\n"
        );
        files.push((format!("spaces/{name}/space.yaml"), own.into_bytes()));
    }
    files.push(("topology.yaml".to_owned(), topology.into_bytes()));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    write_package(&manifest, &files, None).map_err(|refusals| mex::refused(Path::new("attacks"), refusals))
}

/// Judges what must be refused.
fn refused(attack: &Refused) -> Result<(), Failure> {
    let bytes = package(&[WITNESS, (attack.name, attack.module)])?;
    match judge::judge(Path::new("attacks"), &bytes, false) {
        Err(failure) if failure.id() == attack.by => row(attack.name, attack.tries, &failure.message()),
        Err(failure) => Err(failure),
        Ok(_) => Err(unstopped(attack.name, "it was not refused")),
    }
}

fn row(name: &str, tries: &str, stopped: &str) -> Result<(), Failure> {
    print::text(&format!("{name:9}  {tries:45}  {stopped}\n"))
}

fn unstopped(name: &str, how: &str) -> Failure {
    Failure::new(Exit::Fault, "attack-not-stopped", format!("`{name}`: {how}"))
}

/// What stopped an attack, once it is.
fn stopped(attack: &Attack, space: &Space, said: &[String]) -> Result<Option<String>, Failure> {
    match attack.end {
        End::Dies(reason) if space.state == State::Failed && space.reason.contains(reason) => {
            Ok(Some(space.reason.clone()))
        }
        End::Says(line) if said.iter().any(|one| one == line) => Ok(Some(format!("it was told no: {line}"))),
        End::Dies(_) if space.state == State::Running => Err(unstopped(attack.name, "it runs on")),
        _ if space.state == State::Failed => {
            Err(unstopped(attack.name, &format!("it ended otherwise: {}", space.reason)))
        }
        End::Says(_) if space.state == State::Running && !said.is_empty() => {
            Err(unstopped(attack.name, &format!("it says `{}`", said.join("`, `"))))
        }
        _ => Ok(None),
    }
}

fn said(host: &Host, space: &str) -> Vec<String> {
    host.logs("attacks", space, 0).into_iter().map(|line| line.text).collect()
}

/// Waits for each attack to be stopped, and for the witness to go on after all of them.
fn watch(host: &Host, bytes: &[u8]) -> Result<(), Failure> {
    host.submit(&sha256(bytes)).map_err(|problem| apps::failure(&problem))?;
    let until = Instant::now() + PATIENCE;
    let look = || -> Option<Application> { host.snapshot().applications.into_iter().next() };
    for attack in &ATTACKS {
        loop {
            let application = look().ok_or_else(|| unstopped(attack.name, "it did not run"))?;
            let space = application.spaces.iter().find(|space| space.name == attack.name);
            let lines: Vec<String> =
                said(host, attack.name).into_iter().filter(|line| !line.starts_with("start ")).collect();
            match space.map(|space| stopped(attack, space, &lines)).transpose()?.flatten() {
                Some(how) => break row(attack.name, attack.tries, &how)?,
                None if Instant::now() > until => return Err(unstopped(attack.name, "not in time")),
                None => thread::sleep(PAUSE),
            }
        }
    }
    let times = || said(host, WITNESS.0).iter().filter(|line| *line == STILL_HERE).count();
    let before = times();
    while times() < before + TIMES {
        if Instant::now() > until {
            return Err(unstopped(WITNESS.0, "it does not go on"));
        }
        thread::sleep(PAUSE);
    }
    print::text("the witness beside them works as before\n")
}

/// Runs the attacks in a place of their own, of which nothing is left.
pub fn attacks() -> Result<(), Failure> {
    REFUSED.iter().try_for_each(refused)?;
    let folder = apps::parent::home()?.folder().join(format!("demo-{}", std::process::id()));
    let home = Home::new(&folder);
    let spaces: Vec<_> = ATTACKS.iter().map(|attack| (attack.name, attack.module)).chain([WITNESS]).collect();
    let bytes = package(&spaces)?;
    let prepared =
        home.make(&home.packages()).map_err(|error| Failure::new(Exit::Io, "io", error.to_string()));
    let ran = prepared.and_then(|()| {
        compiler_driver::files::replace(&home.package(&sha256(&bytes)), &bytes)?;
        let host = apps::parent::open(home)?;
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| host.live(|| over.load(Ordering::Relaxed)));
            let watched = watch(&host, &bytes);
            over.store(true, Ordering::Relaxed);
            watched
        })
    });
    // It may be there in part only.
    let _ = std::fs::remove_dir_all(folder);
    ran
}
