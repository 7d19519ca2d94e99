//! A process that sends and takes over a journal in a file is killed at random points, again and again over the same
//! journal. What it was told to be so is so when it starts anew. `SPACE_MESH_KILLS` is how often.

use services_zmesh::file::{Fsync, Opening, open};
use services_zmesh::{
    Declaration, Emitted, Instance, Mesh, Output, PathDeclaration, PathRules, TakeError, Time, limits,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KILLS: u64 = 100;
const FOLDER: &str = "SPACE_MESH_KILL_FOLDER";
const SEED: &str = "SPACE_MESH_KILL_SEED";
const SPACES: [&str; 3] = ["a", "b", "c"];
const PATHS: [(&str, &str, &str); 4] = [("a", "p", "b"), ("a", "q", "c"), ("b", "r", "c"), ("c", "s", "a")];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % below
    }
}

fn now() -> Time {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    Time { monotonic: realtime, realtime }
}

fn declaration() -> Declaration {
    let rules = PathRules { redeliveries: limits::REDELIVERIES_MAX, ..PathRules::default() };
    let path = |(from, name, to): (&str, &str, &str)| PathDeclaration {
        from: from.into(),
        name: name.into(),
        to: to.into(),
        rules,
    };
    Declaration {
        revision: 0,
        spaces: SPACES.map(String::from).into(),
        paths: PATHS.map(path).into(),
        events: Vec::new(),
    }
}

/// Says a line to who watches: all of it, or nothing.
fn say(line: &str) {
    let line = format!("@{line}\n");
    std::io::stdout().write_all(line.as_bytes()).expect("somebody watches");
}

/// The process that is killed. It says what it is about to do, then what it was told.
#[test]
fn child() {
    let (Ok(folder), Ok(seed)) = (env::var(FOLDER), env::var(SEED)) else { return };
    let mut random = Random(seed.parse().unwrap());
    let opening = Opening {
        topology: "app",
        host: "here",
        incarnation: 1,
        fsync: Fsync::Never,
        running: &[],
        time: now(),
    };
    let mut mesh = open(&Path::new(&folder).join("mesh"), &opening).unwrap().mesh;
    mesh.declare(&declaration(), now()).unwrap();
    let numbers = SPACES.map(|space| {
        let number = mesh.next_instance(space).unwrap();
        mesh.start(Instance { space, number }, now()).unwrap();
        number
    });
    say("up");
    for serial in 1.. {
        while let Some(output) = mesh.next_output() {
            assert!(!matches!(output, Output::Dead(_)), "{output:?}");
        }
        let at = random.below(3) as usize;
        let by = Instance { space: SPACES[at], number: numbers[at] };
        match random.below(100) {
            0 => mesh.compact().unwrap(),
            1 => mesh.tick(now()),
            2..50 => emit(&mut mesh, &mut random, &numbers, serial),
            50..95 => take(&mut mesh, by),
            _ => {
                say(&format!("finish {}", by.space));
                mesh.finish(by, now()).unwrap();
                say("done");
            }
        }
    }
}

fn emit(mesh: &mut Mesh, random: &mut Random, numbers: &[u64], serial: u64) {
    let (from, path, _) = PATHS[random.below(4) as usize];
    let number = numbers[SPACES.iter().position(|space| *space == from).expect("a space")];
    let mut body = format!("{number}.{serial} ").into_bytes();
    body.resize(body.len() + random.below(2_000) as usize, 0);
    say(&format!("emit {path} {number}.{serial}"));
    match mesh.emit(Instance { space: from, number }, path, &body, now()) {
        Ok(Emitted::Accepted(id)) => say(&format!("accepted {id}")),
        _ => say("refused"),
    }
}

fn take(mesh: &mut Mesh, by: Instance<'_>) {
    say(&format!("take {}", by.space));
    match mesh.take(by, usize::MAX, now()) {
        Ok(message) => {
            let text = message.body.split(|byte| *byte == b' ').next();
            let serial = text.and_then(|text| std::str::from_utf8(text).ok()).expect("what was sent");
            say(&format!("taken {} {serial} {} {}", message.path, message.id, message.redelivered));
        }
        Err(TakeError::Empty) => say("empty"),
        Err(error) => panic!("{error}"),
    }
}

/// A message as who watches knows it.
#[derive(Debug)]
struct Sent {
    serial: String,
    /// Of what was accepted, and nobody was told to be done.
    is_there: bool,
    /// How often it was given, at least and at most.
    given: (u32, u32),
}

#[derive(Default)]
struct Watcher {
    paths: BTreeMap<String, VecDeque<Sent>>,
    /// The path whose first message a space has in process.
    current: BTreeMap<String, String>,
    intent: Vec<String>,
    ids: BTreeSet<String>,
    accepted: u64,
    taken: u64,
    again: u64,
}

impl Watcher {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let intent = std::mem::take(&mut self.intent);
        match words.as_slice() {
            ["up" | "refused"] => {}
            ["emit" | "take" | "finish", ..] => self.intent = words.into_iter().map(String::from).collect(),
            ["accepted", id] => {
                self.accepted += 1;
                assert!(self.ids.insert((*id).into()), "{id} names two messages");
                self.send(&intent, true);
            }
            ["done"] => self.finish(&intent[1]),
            ["empty"] => {
                self.finish(&intent[1]);
                for (_, name, _) in PATHS.iter().filter(|(_, _, to)| *to == intent[1]) {
                    let queue = self.paths.remove(*name).unwrap_or_default();
                    let lost: Vec<&Sent> = queue.iter().filter(|sent| sent.is_there).collect();
                    assert!(lost.is_empty(), "lost on {name}: {lost:?}");
                }
            }
            ["taken", path, serial, id, redelivered] => {
                self.taken += 1;
                self.finish(&intent[1]);
                let queue = self.paths.get_mut(*path).expect("nothing comes that was not sent");
                while queue.front().is_some_and(|sent| sent.serial != *serial && !sent.is_there) {
                    queue.pop_front();
                }
                let first = queue.front_mut().expect("nothing comes that was not sent");
                assert_eq!(
                    first.serial, *serial,
                    "{id} is not the next on {path}: lost, done or out of order"
                );
                let redelivered: u32 = redelivered.parse().expect("a number");
                let (least, most) = first.given;
                assert!((least..=most).contains(&redelivered), "{id} was given {redelivered} times before");
                self.again += u64::from(redelivered > 0);
                first.given = (redelivered + 1, redelivered + 1);
                first.is_there = true;
                self.current.insert(intent[1].clone(), (*path).into());
            }
            _ => panic!("`{line}`"),
        }
    }

    fn send(&mut self, intent: &[String], is_there: bool) {
        let sent = Sent { serial: intent[2].clone(), is_there, given: (0, 0) };
        self.paths.entry(intent[1].clone()).or_default().push_back(sent);
    }

    fn finish(&mut self, space: &str) {
        if let Some(path) = self.current.remove(space) {
            self.paths.get_mut(&path).and_then(VecDeque::pop_front).expect("it was in process");
        }
    }

    /// The process is no more. What it was about to do may be done or not.
    fn killed(&mut self) {
        let intent = std::mem::take(&mut self.intent);
        match intent.first().map(String::as_str) {
            Some("emit") => self.send(&intent, false),
            Some(about) => {
                if let Some(path) = self.current.remove(&intent[1]) {
                    let first = self.paths.get_mut(&path).and_then(VecDeque::front_mut);
                    first.expect("it was in process").is_there = false;
                }
                let to = |path: &&(&str, &str, &str)| about == "take" && path.2 == intent[1];
                for (_, name, _) in PATHS.iter().filter(to) {
                    // The next may have been given: the first that is surely there, or one before it.
                    for sent in self.paths.get_mut(*name).into_iter().flatten() {
                        sent.given.1 += 1;
                        if sent.is_there {
                            break;
                        }
                    }
                }
            }
            None => {}
        }
        self.current.clear();
    }
}

#[test]
fn nothing_is_lost_when_the_process_is_killed() {
    let kills = env::var("SPACE_MESH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let folder = env::temp_dir().join(format!("zmesh-kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut watcher = Watcher::default();
    let mut random = Random(now().realtime);
    for _ in 0..kills {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &folder)
            .env(SEED, random.below(u64::MAX).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let (tell, told) = mpsc::channel();
        let wait = Duration::from_micros(random.below(3_000));
        let killer = thread::spawn(move || {
            told.recv().ok();
            thread::sleep(wait);
            child.kill().unwrap();
            child.wait().unwrap()
        });
        // Sometimes while it opens its journal; else after so many lines.
        let mut left = random.below(200);
        if random.below(4) == 0 {
            tell.send(()).unwrap();
        } else {
            let up = lines.by_ref().find(|line| line.contains('@'));
            assert!(up.is_some_and(|line| line.ends_with("@up")), "it does not start again");
        }
        let mut last = String::new();
        for line in lines {
            if let Some(line) = line.strip_prefix('@') {
                watcher.hear(line);
            }
            last = line;
            left = left.saturating_sub(1);
            if left == 0 {
                tell.send(()).ok();
            }
        }
        drop(tell);
        let status = killer.join().unwrap();
        assert!(status.code().is_none(), "it ended by itself after `{last}`: {status}");
        watcher.killed();
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let Watcher { accepted, taken, again, .. } = watcher;
    println!("{kills} kills: {accepted} messages accepted, {taken} taken, {again} of them again");
    assert!(accepted > kills && taken > kills && again > 0, "it was killed before it did anything");
}
