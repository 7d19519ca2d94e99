//! What survives a crash of the host, on one host.

use super::disk::{Disk, kept};
use super::random::Random;
use super::{a, at, declaration, outputs, running, taken};
use crate::journal::{Frames, HEADER, seal};
use crate::*;
use sci::guest::ErrorCode;
use std::vec::Vec;

fn recovery<'r>(running: &'r [Instance<'r>]) -> Recovery<'r> {
    Recovery { topology: "app", host: "here", tail: Tail::Short, running, time: at(0) }
}

fn second(space: &str) -> Instance<'_> {
    Instance { space, number: 2 }
}

/// A mesh of a path `p` from `a` to `b`, on a disk.
fn on_disk() -> (Mesh, Disk) {
    let mut mesh = running(&declaration(&[("a", "p", "b")]));
    let disk = Disk::new(1, 0, 0);
    mesh.keep_in(disk.boxed()).unwrap();
    (mesh, disk)
}

fn send(mesh: &mut Mesh, body: &[u8]) -> Result<Emitted, EmitError> {
    mesh.emit(a("a"), "p", body, at(0))
}

#[test]
fn what_was_accepted_is_there_after_a_crash() {
    let (mut mesh, disk) = on_disk();
    for body in [b"1", b"2", b"3"] {
        send(&mut mesh, body).unwrap();
    }
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"1");
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"2");
    drop(mesh);
    let mut mesh = disk.recover(recovery(&[]));
    super::audit::audit(&mesh);
    assert_eq!((mesh.next_instance("b"), mesh.next_instance("nobody")), (Some(2), None));
    assert_eq!(taken(&mut mesh, a("b")), None, "it ended with the host");
    mesh.start(second("b"), at(0)).unwrap();
    let again = mesh.take(second("b"), 10, at(0)).unwrap();
    assert_eq!((&*again.body, again.redelivered), (b"2".as_slice(), 1), "the first was done");
    assert_eq!(again.id, MessageId { space: "a".into(), instance: 1, number: 2 });
    assert_eq!(taken(&mut mesh, second("b")).unwrap(), b"3");
    assert_eq!(taken(&mut mesh, second("b")), None);
    drop(mesh);
    let mut mesh = disk.recover(recovery(&[]));
    mesh.start(Instance { space: "b", number: 3 }, at(0)).unwrap();
    assert_eq!(mesh.waiting("b"), 0);
}

#[test]
fn who_did_not_end_goes_on() {
    let (mut mesh, disk) = on_disk();
    let Ok(Emitted::Accepted(question)) = send(&mut mesh, b"?") else { panic!() };
    taken(&mut mesh, a("b"));
    send(&mut mesh, b"next").unwrap();
    drop(mesh);
    let mut mesh = disk.recover(recovery(&[a("a"), a("b")]));
    assert!(outputs(&mut mesh).contains(&Output::Ready { space: "b".into(), instance: 1 }));
    mesh.emit(a("b"), "@sender", b"!", at(0)).unwrap();
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"next", "what it has in process is not given again");
    mesh.answer(a("b"), &question, b"!!", at(0)).unwrap();
    drop(mesh);
    let mut mesh = disk.recover(recovery(&[a("a")]));
    for body in [b"!".as_slice(), b"!!"] {
        let answer = mesh.take(a("a"), 10, at(0)).unwrap();
        assert_eq!((&*answer.body, answer.answers), (body, Some(question.clone())));
    }
    let Ok(Emitted::Accepted(id)) = send(&mut mesh, b"more") else { panic!() };
    assert_eq!(id.number, 3, "an instance's messages have one number each");
}

#[test]
fn without_room_nothing_is_taken_and_nothing_changes() {
    let (mut mesh, disk) = on_disk();
    send(&mut mesh, b"1").unwrap();
    taken(&mut mesh, a("b"));
    send(&mut mesh, b"2").unwrap();
    outputs(&mut mesh);
    let before = kept(&mesh);
    disk.with(|state| state.full = 1000);
    let refused = send(&mut mesh, b"3").unwrap_err();
    assert_eq!((refused.code(), refused), (ErrorCode::Quota, EmitError::Journal(JournalError::Full)));
    assert_eq!(mesh.emit(a("b"), "@sender", b"!", at(0)), Err(EmitError::Journal(JournalError::Full)));
    assert_eq!(mesh.take(a("b"), 10, at(0)), Err(TakeError::Journal(JournalError::Full)));
    assert_eq!(mesh.finish(a("b"), at(0)), Err(DirectoryError::Journal(JournalError::Full)));
    assert_eq!((kept(&mesh), outputs(&mut mesh)), (before, Vec::new()));
    assert_eq!(mesh.stats("a", "p").unwrap().messages.sent, 2);
    disk.with(|state| state.full = 0);
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"2");
}

#[test]
fn what_cannot_be_refused_is_written_later() {
    let (mut mesh, disk) = on_disk();
    send(&mut mesh, b"1").unwrap();
    disk.with(|state| state.full = 1000);
    mesh.start(second("a"), at(0)).unwrap();
    mesh.stop(a("b"), After::Restart, at(0)).unwrap();
    assert!(mesh.emit(second("a"), "p", b"2", at(0)).is_err());
    disk.with(|state| state.full = 0);
    mesh.emit(second("a"), "p", b"2", at(0)).unwrap();
    let before = kept(&mesh);
    drop(mesh);
    let bytes = disk.with(|state| state.bytes.clone());
    assert_eq!(kept(Mesh::recover(&bytes, recovery(&[])).unwrap().mesh()), before);
}

#[test]
fn more_than_may_be_owed_is_in_the_next_image() {
    let (mut mesh, disk) = on_disk();
    disk.with(|state| state.full = 1000);
    for number in 2..60_000 {
        mesh.start(Instance { space: "a", number }, at(0)).unwrap();
    }
    disk.with(|state| state.full = 0);
    let newest = Instance { space: "a", number: 59_999 };
    assert_eq!(mesh.emit(newest, "p", b"1", at(0)), Err(EmitError::Journal(JournalError::Full)));
    mesh.tick(at(0));
    mesh.emit(newest, "p", b"1", at(0)).unwrap();
    drop(mesh);
    assert_eq!(disk.recover(recovery(&[])).next_instance("a"), Some(60_000));
}

#[test]
fn a_journal_is_begun_anew_before_it_is_long() {
    let (mut mesh, disk) = on_disk();
    let body = std::vec![7; 60_000];
    let mut most = 0;
    for number in 0..2_000_u64 {
        send(&mut mesh, &body).unwrap();
        taken(&mut mesh, a("b")).unwrap();
        most = most.max(disk.with(|state| state.bytes.len()));
        mesh.tick(at(number));
    }
    assert!(most >= limits::JOURNAL_BYTES as usize, "it was never long");
    assert!(most < limits::JOURNAL_BYTES as usize + 200_000, "{most} bytes");
    let before = kept(&mesh);
    let bytes = disk.with(|state| state.bytes.clone());
    assert_eq!(kept(Mesh::recover(&bytes, recovery(&[])).unwrap().mesh()), before);
}

#[test]
fn a_message_gets_older_while_its_host_is_away() {
    let rules = PathRules { expires_after: Some(100), ..PathRules::default() };
    let mut declared = declaration(&[("a", "p", "b")]);
    declared.paths[0].rules = rules;
    let mut mesh = running(&declared);
    let disk = Disk::new(1, 0, 0);
    mesh.keep_in(disk.boxed()).unwrap();
    mesh.emit(a("a"), "p", b"old", Time { monotonic: 900, realtime: 5_000 }).unwrap();
    mesh.emit(a("a"), "p", b"new", Time { monotonic: 950, realtime: 5_050 }).unwrap();
    drop(mesh);
    // The machine has started anew, and with it its monotonic clock.
    let time = Time { monotonic: 3, realtime: 5_101 };
    let mut mesh = disk.recover(Recovery { time, ..recovery(&[]) });
    mesh.tick(time);
    mesh.start(second("b"), time).unwrap();
    assert_eq!(&*mesh.take(second("b"), 10, time).unwrap().body, b"new");
    assert_eq!(mesh.dead_letters().count(Reason::Expired), 1);
    assert_eq!(mesh.take(second("b"), 10, time), Err(TakeError::Empty));
}

#[test]
fn a_journal_is_its_own_meshes() {
    let (mesh, disk) = on_disk();
    let bytes = disk.with(|state| state.bytes.clone());
    let error = |bytes: &[u8], recovery| Mesh::recover(bytes, recovery).err();
    assert!(matches!(
        error(&bytes, Recovery { host: "there", ..recovery(&[]) }),
        Some(RecoverError::Another { .. })
    ));
    let image: Vec<Vec<u8>> = mesh.image().collect();
    let early = image[..image.len() - 1].concat();
    let incomplete = Some(RecoverError::Incomplete { at: early.len() as u64 });
    assert_eq!(error(&early, recovery(&[])), incomplete);
    assert_eq!(error(&[], recovery(&[])), Some(RecoverError::Incomplete { at: 0 }));
    let twice = [bytes.clone(), image[0].clone()].concat();
    let senseless = Some(RecoverError::Senseless { at: bytes.len() as u64 });
    assert_eq!(error(&twice, recovery(&[])), senseless);
}

/// A journal of everything that is in one: of two hosts' messages, taken, answered, dead, moved.
fn eventful(random: &mut Random) -> Vec<u8> {
    let mut declared = declaration(&[("a", "p", "b"), ("b", "q", "c"), ("c", "r", "a")]);
    declared.paths[1].rules.expires_after = Some(50);
    let (mut mesh, disk) = (running(&declared), Disk::new(1, 0, 0));
    mesh.peer_up("there", 1, at(0)).unwrap();
    mesh.keep_in(disk.boxed()).unwrap();
    let elsewhere = Instance { space: "a", number: 500 };
    let mut other = Mesh::new("app", "there", 1).unwrap();
    other.declare(&declared, at(0)).unwrap();
    other.peer_up("here", 1, at(0)).unwrap();
    other.start(elsewhere, at(0)).unwrap();
    other.place(a("b"), "here", at(0)).unwrap();
    for step in 0..120 {
        let space = random.pick(&["a", "b", "c"]);
        let by = Instance { space, number: mesh.next_instance(space).unwrap() - 1 };
        let now = at(step * 3);
        match random.below(20) {
            0..8 => drop(mesh.emit(by, random.pick(&["p", "q", "r", "@sender"]), b"body", now)),
            8..14 => drop(mesh.take(by, 100, now)),
            14 => drop(mesh.finish(by, now)),
            15 => drop(mesh.start(Instance { number: by.number + 1, ..by }, now)),
            16 => drop(mesh.place(Instance { space: "a", number: by.number + 1 }, "there", now)),
            17 => mesh.tick(now),
            18 if random.below(4) == 0 => mesh.peer_down("there", now),
            _ => {
                other.emit(elsewhere, "p", b"from there", now).ok();
                for output in outputs(&mut other) {
                    if let Output::Publish { subject, frame } = output {
                        mesh.deliver(&subject, &frame, now).ok();
                    }
                }
            }
        }
        for output in outputs(&mut mesh) {
            if let Output::Publish { subject, frame } = output {
                other.deliver(&subject, &frame, now).ok();
            }
        }
        if random.below(60) == 0 {
            mesh.compact().unwrap();
        }
    }
    let bytes = disk.with(|state| state.bytes.clone());
    assert_eq!(kept(Mesh::recover(&bytes, recovery(&[])).unwrap().mesh()), kept(&mesh));
    bytes
}

#[test]
fn a_forged_journal_is_refused_or_read() {
    let mut random = Random::new(5);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..40 {
        let bytes = eventful(&mut random);
        let mut frames: Vec<Vec<u8>> = Vec::new();
        let mut reader = Frames::new(&bytes, Tail::Short);
        while let Some(payload) = reader.next().unwrap() {
            frames.push([[0; HEADER].as_slice(), payload].concat());
        }
        for _ in 0..200 {
            let mut forged = frames.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(forged.len() as u64) as usize;
                match random.below(6) {
                    0 => drop(forged.remove(at)),
                    1 => forged.swap(at, random.below(frames.len() as u64 - 3) as usize),
                    2 => forged.insert(at, random.pick(&frames.iter().collect::<Vec<_>>()).clone()),
                    _ => {
                        let byte = HEADER + random.below((forged[at].len() - HEADER) as u64) as usize;
                        forged[at][byte] = random.pick(&[0, 1, 2, 3, 0x7f, 0x80, 0xff]);
                    }
                }
            }
            for frame in &mut forged {
                seal(frame);
            }
            let recovered = Mesh::recover(&forged.concat(), recovery(&[]));
            let disk = Disk::new(1, 0, 0);
            match recovered.map(|recovered| recovered.go_on_in(disk.boxed()).unwrap()) {
                Ok(mut mesh) => {
                    read += 1;
                    for space in ["a", "b", "c"] {
                        let Some(number) = mesh.next_instance(space) else { continue };
                        let by = Instance { space, number };
                        mesh.start(by, at(9)).unwrap();
                        while mesh.take(by, 100, at(9)).is_ok() {}
                    }
                }
                Err(RecoverError::Damaged { .. }) => panic!("its checksums are right"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}

/// Another host, in this run of it, sends `b` a message on `p`.
fn sent_from_there(mesh: &mut Mesh, declared: &Declaration, run: u64) {
    let mut other = Mesh::new("app", "there", run).unwrap();
    other.declare(declared, at(0)).unwrap();
    other.peer_up("here", 1, at(0)).unwrap();
    other.place(a("b"), "here", at(0)).unwrap();
    other.start(a("a"), at(0)).unwrap();
    mesh.peer_up("there", run, at(0)).unwrap();
    send(&mut other, b"1").unwrap();
    for output in outputs(&mut other) {
        if let Output::Publish { subject, frame } = output {
            mesh.deliver(&subject, &frame, at(0)).unwrap();
        }
    }
}

fn with_receiver(declared: &Declaration) -> Mesh {
    let mut mesh = Mesh::new("app", "here", 1).unwrap();
    mesh.declare(declared, at(0)).unwrap();
    mesh.start(a("b"), at(0)).unwrap();
    mesh
}

#[test]
fn another_host_may_give_two_messages_one_id() {
    let declared = declaration(&[("a", "p", "b")]);
    let mut mesh = with_receiver(&declared);
    for run in 1..3 {
        sent_from_there(&mut mesh, &declared, run);
        assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"1");
    }
    let image: Vec<Vec<u8>> = mesh.image().collect();
    let recovered = Mesh::recover(&image.concat(), recovery(&[])).unwrap();
    assert_eq!(kept(recovered.mesh()), kept(&mesh));
}

#[test]
fn no_other_host_hears_of_what_is_not_written() {
    let mut declared = declaration(&[("a", "p", "b")]);
    declared.paths[0].rules.expires_after = Some(10);
    let mut mesh = with_receiver(&declared);
    let disk = Disk::new(1, 0, 0);
    mesh.keep_in(disk.boxed()).unwrap();
    sent_from_there(&mut mesh, &declared, 1);
    let is_frame = |output: &Output| matches!(output, Output::Publish { .. });
    assert!(outputs(&mut mesh).iter().any(is_frame), "it is accepted");
    disk.with(|state| state.full = 1000);
    mesh.tick(at(20));
    assert_eq!(mesh.dead_letters().count(Reason::Expired), 1);
    assert!(!outputs(&mut mesh).iter().any(is_frame), "that it died could be forgotten");
    disk.with(|state| state.full = 0);
    mesh.tick(at(20));
    assert!(outputs(&mut mesh).iter().any(is_frame));
}
