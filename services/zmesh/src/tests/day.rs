//! A long life of a mesh: hour after hour of messages, answers, events, spaces that start again and hosts that crash.
//! What it keeps once everything was taken does not grow. `SPACE_MESH_HOURS` is how long it lives.

use super::disk::Disk;
use super::random::Random;
use super::{SECOND, declaration};
use crate::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const HOURS: u64 = 1;
/// A step is a tenth of a second.
const STEPS: u64 = 36_000;
const SPACES: [&str; 3] = ["asker", "keeper", "worker"];
/// Bytes that what is kept may grow by, by chance.
const CHANCE: u64 = 64 * 1024;

struct Life {
    random: Random,
    mesh: Option<Mesh>,
    disk: Disk,
    clock: u64,
    /// The latest start of each space.
    starts: [u64; SPACES.len()],
    /// Until when a space takes nothing.
    busy: [u64; SPACES.len()],
    accepted: u64,
    given: u64,
    crashes: u64,
}

impl Life {
    fn new() -> Self {
        let mut mesh = Mesh::new("app", "here", 1).unwrap();
        let mut declared =
            declaration(&[("asker", "p", "worker"), ("worker", "q", "keeper"), ("asker", "r", "keeper")]);
        declared.events = [EventDeclaration { from: "worker".into(), name: "done".into() }].into();
        mesh.declare(&declared, Time::default()).unwrap();
        let disk = Disk::new(1, 0, 0);
        mesh.keep_in(disk.boxed()).unwrap();
        mesh.write_takes_later();
        let mut life = Self {
            random: Random::new(7),
            mesh: Some(mesh),
            disk,
            clock: 0,
            starts: [0; SPACES.len()],
            busy: [0; SPACES.len()],
            accepted: 0,
            given: 0,
            crashes: 0,
        };
        (0..SPACES.len()).for_each(|space| life.start(space));
        life
    }

    fn time(&self) -> Time {
        Time { monotonic: self.clock, realtime: self.clock + 1_000 * SECOND }
    }

    fn mesh(&mut self) -> &mut Mesh {
        self.mesh.as_mut().expect("it is back when its host is")
    }

    fn by(&self, space: usize) -> Instance<'static> {
        Instance { space: SPACES[space], number: self.starts[space] }
    }

    fn start(&mut self, space: usize) {
        self.starts[space] += 1;
        let (by, time) = (self.by(space), self.time());
        self.mesh().start(by, time).unwrap();
        // It may ask before the event's emitter is there.
        self.mesh().subscribe(by, "done", time).unwrap();
    }

    fn send(&mut self, space: usize, to: &str) {
        let (by, time) = (self.by(space), self.time());
        let body = std::vec![7; 1 + self.random.below(300) as usize];
        // There may be no credit, or nobody to answer.
        let sent = self.mesh().emit(by, to, &body, time);
        self.accepted += u64::from(matches!(sent, Ok(Emitted::Accepted(_))));
    }

    /// Takes what is next, and sends for it what a space would, or nothing more.
    fn take(&mut self, space: usize, sends: bool) -> bool {
        let (by, time) = (self.by(space), self.time());
        let Ok(message) = self.mesh().take(by, usize::MAX, time) else { return false };
        let is_message = message.event.is_none();
        self.given += u64::from(is_message && message.redelivered == 0);
        if !sends {
            return true;
        }
        if is_message && message.answers.is_none() && self.random.one_in(2) {
            self.send(space, "@sender");
        }
        if SPACES[space] == "worker" && is_message {
            self.mesh().publish(by, "done", b"it is", time).unwrap();
            self.send(space, "q");
        }
        true
    }

    /// The host dies and comes back with what it wrote.
    fn crash(&mut self) {
        drop(self.mesh.take());
        let time = self.time();
        let recovery = Recovery { topology: "app", host: "here", tail: Tail::Short, running: &[], time };
        let mut mesh = self.disk.recover(recovery);
        mesh.write_takes_later();
        self.mesh = Some(mesh);
        self.crashes += 1;
        (0..SPACES.len()).for_each(|space| self.start(space));
    }

    fn step(&mut self) {
        self.clock += SECOND / 10;
        let time = self.time();
        self.mesh().tick(time);
        for to in ["p", "r"] {
            if self.random.one_in(2) {
                self.send(0, to);
            }
        }
        for space in 0..SPACES.len() {
            while self.busy[space] < self.clock && self.random.below(4) > 0 && self.take(space, true) {}
        }
        let space = self.random.below(SPACES.len() as u64) as usize;
        if self.random.one_in(300) {
            let (by, time) = (self.by(space), self.time());
            self.mesh().stop(by, After::Restart, time).unwrap();
            self.start(space);
        }
        if self.random.one_in(3_000) {
            self.busy[space] = self.clock + self.random.below(300 * SECOND);
        }
        if self.random.one_in(9_000) {
            self.crash();
        }
        while self.mesh().next_output().is_some() {}
    }

    /// Everything is taken, and the journal begun anew: its bytes.
    fn settle(&mut self) -> u64 {
        while (0..SPACES.len()).any(|space| self.take(space, false)) {}
        for space in 0..SPACES.len() {
            let (by, time) = (self.by(space), self.time());
            self.mesh().finish(by, time).unwrap();
        }
        super::audit::audit(self.mesh());
        self.mesh().compact().unwrap();
        self.disk.with(|state| state.bytes.len() as u64)
    }
}

#[test]
fn what_is_kept_does_not_grow_with_the_hours() {
    let hours = std::env::var("SPACE_MESH_HOURS").ok().and_then(|text| text.parse().ok()).unwrap_or(HOURS);
    let mut life = Life::new();
    let mut kept = Vec::new();
    // The first hour is told from the others by its half.
    for _ in 0..2 * hours {
        (0..STEPS / 2).for_each(|_| life.step());
        kept.push(life.settle());
    }
    let (first, most) = (kept[0], kept.iter().copied().max().unwrap_or(0));
    let dead: u64 = life.mesh().dead_letters().iter().map(|letter| letter.times).sum();
    std::println!(
        "{hours} hours: {} accepted, {} given, {dead} dead, {} crashes, {most} bytes at most",
        life.accepted,
        life.given,
        life.crashes
    );
    assert!(life.given > STEPS / 4, "it did nothing");
    assert!(most <= first + first / 2 + CHANCE, "what is kept grows: {kept:?}");
    let waits: Vec<String> = SPACES
        .iter()
        .map(|space| format!("{space} {}", life.mesh.as_ref().map_or(0, |mesh| mesh.waiting(space))))
        .collect();
    assert_eq!(waits, ["asker 0", "keeper 0", "worker 0"]);
}
