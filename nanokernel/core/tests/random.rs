//! Random calls by random components: after each, every thread is in one place, every frame has one owner, and
//! nobody holds more than whoever made it held.

#[allow(dead_code, reason = "each test file has its own copy of this module")]
mod model;

use model::{System, root};
use nanokernel_core::capability::{Capability, kind};
use nanokernel_core::interrupt::Line;
use nanokernel_core::thread::{NONE, ThreadState};
use nanokernel_core::{Area, Hal};
use sci::syscall::{memory_kind, number as call, realm_operation as realm, thread_operation as thread};

/// A small deterministic generator (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { from.get(self.below(from.len() as u64) as usize).copied() }
    }
}

/// Images that realms are made of.
const CHILD: u64 = 1;
const GUEST: u64 = 3;
/// Line by which the test wakes root.
const ALARM: u16 = 9;

/// What a realm holds, with handles.
fn holdings(system: &System, realm: u16) -> Vec<(u64, Capability)> {
    let area = Area::of(u32::from(realm));
    (0..area.count)
        .filter_map(|slot| {
            let handle = system.handle_of(realm, slot);
            let index = system.kernel.capabilities.find(area, handle).ok()?;
            Some((handle, *system.kernel.capabilities.0.at(index)))
        })
        .collect()
}

fn of_kind(system: &System, realm: u16, wanted: u32) -> Vec<u64> {
    let mut found = holdings(system, realm);
    found.retain(|(_, held)| held.kind == wanted && (wanted != kind::MEMORY || held.object != 0));
    found.into_iter().map(|(handle, _)| handle).collect()
}

/// Handles that make Memory.
fn makers_of_memory(system: &System, realm: u16) -> Vec<u64> {
    holdings(system, realm)
        .into_iter()
        .filter(|(_, held)| held.kind == kind::MEMORY)
        .map(|(handle, _)| handle)
        .collect()
}

fn root_acts(system: &mut System, random: &mut Random) {
    let children = of_kind(system, 1, kind::CHILD);
    let memories = of_kind(system, 1, kind::MEMORY);
    let child = random.pick(&children);
    let memory = random.pick(&memories);
    match (random.below(20), child, memory) {
        (0..=2, _, _) if children.len() < 12 => {
            let (image, realms) = (system.handle(root::IMAGE), system.handle(root::REALM));
            let index = if random.below(3) == 0 { GUEST } else { CHILD };
            let (status, program) = system.call(call::image_admit, [image, index, 0, 0, 0]);
            if status == 0 {
                system.call(call::realm_create, [realms, program, random.below(99), random.below(8) * 30, 0]);
                system.call(call::cap_drop, [program, 0, 0, 0, 0]);
            }
        }
        (3, _, _) => {
            let maker = system.handle(root::MEMORY);
            system.call(call::mem_create, [maker, random.below(200_000), 0, 0, 0]);
        }
        (4, _, Some(memory)) => {
            system.call(call::cap_drop, [memory, 0, 0, 0, 0]);
        }
        (5..=7, Some(child), _) => {
            let server = random.pick(&children).unwrap_or(child);
            let index = random.below(2);
            system.call(call::realm_control, [child, realm::CONNECT, index, server, random.below(3)]);
        }
        (8, Some(child), Some(memory)) => {
            let operation = random.pick(&[realm::WINDOW, realm::CLIENT_WINDOW]).unwrap_or(0);
            system
                .call(call::realm_control, [child, operation, random.below(5), memory, random.below(70_000)]);
        }
        (9, Some(child), Some(memory)) => {
            let place = (6 << 30) + random.below(64) * 4096;
            system
                .call(call::mem_map, [child, memory, random.below(4) * 4096, 4096 | random.below(2), place]);
        }
        (10, Some(child), _) => {
            let (slot, from) = random
                .pick(&[(0, root::MEMORY), (2, root::NOTIFICATION), (3, root::CONSOLE), (4, root::MEMORY)])
                .unwrap_or((3, root::CONSOLE));
            let handle = system.handle(from);
            system.call(call::realm_control, [child, realm::GRANT, slot, handle, random.next()]);
        }
        (11, Some(child), _) => {
            system.call(call::realm_control, [child, realm::NOTIFICATION, 2, random.below(64), 0]);
        }
        (12..=14, Some(child), _) => {
            system.call(call::realm_control, [child, realm::START, 0, 0, 0]);
        }
        (15, Some(child), _) => {
            let operation = random.pick(&[realm::KILL, realm::RESET, realm::RESET]).unwrap_or(0);
            system.call(call::realm_control, [child, operation, 0, 0, 0]);
        }
        (16, Some(child), _) => {
            if system.call(call::realm_control, [child, realm::STATE, 0, 0, 0]).1 == 4 {
                system.call(call::cap_drop, [child, 0, 0, 0, 0]);
            }
        }
        _ if system.kernel.thread(1).caller != NONE => {
            system.call(call::ipc_reply_recv, [0, random.below(3), 0, 0, 0]);
        }
        _ => {
            system.call(call::ipc_recv, [0; 5]);
        }
    }
}

fn child_acts(system: &mut System, random: &mut Random) {
    let me = system.kernel.current;
    let held = holdings(system, me);
    let handle = |random: &mut Random| match random.below(60) {
        0 => random.next(),
        1 => random.below(100) | 1 << 32,
        _ => random.pick(&held).map_or(0, |(handle, _)| handle),
    };
    let endpoints = of_kind(system, me, kind::ENDPOINT);
    let owes = system.kernel.thread(me).caller != NONE;
    let (number, arguments) = match random.below(24) {
        0..=7 => match random.pick(&endpoints) {
            Some(endpoint) => (call::ipc_call, [endpoint, random.below(40) / 39, model::DATA, 0, 0]),
            None => (call::ipc_recv, [model::DATA, 0, 0, 0, 0]),
        },
        8..=13 if owes => (call::ipc_reply_recv, [model::DATA, random.below(4), 0, 0, 0]),
        8..=14 => (call::ipc_recv, [model::DATA, 0, 0, 0, 0]),
        15 => (call::ipc_reply, [random.below(5), model::DATA, 0, 0, 0]),
        16 => (call::cap_mint, [handle(random), random.next(), random.below(2) * random.next(), 0, 0]),
        17 => (call::cap_drop, [handle(random), 0, 0, 0, 0]),
        18 => (
            call::notify_wait,
            [handle(random), random.next(), random.below(2) * (system.hal.now + 50), 0, 0],
        ),
        19 => (call::notify_signal, [handle(random), random.next(), 0, 0, 0]),
        20 if random.below(2) == 0 => {
            let makers = makers_of_memory(system, me);
            let maker = random.pick(&makers).unwrap_or(0);
            (call::mem_create, [maker, random.below(6) << 16, memory_kind::LINEAR + random.below(3), 0, 0])
        }
        20 => (call::mem_create, [handle(random), random.below(600_000), 0, 0, 0]),
        21 => (call::thread_control, [0, random.below(4) / 3 * thread::EXIT + 1, 0, 0, 0]),
        22 => (call::ipc_call, [handle(random), random.below(3) | random.below(2) << 8, model::DATA, 0, 0]),
        _ => (random.below(30) as u32, [handle(random), random.below(9), random.next(), handle(random), 0]),
    };
    system.call(number, arguments);
}

/// Whatever is held now by someone was held before, or is a new object, or is covered by what someone held.
fn check_authority(before: &[Capability], system: &System) {
    let now = system.kernel.capabilities.0.iter().take(model::SLOTS_USED).map(|(_, held)| held);
    for held in now.zip(before).filter(|(now, before)| now != before).map(|(now, _)| now) {
        let is_new = matches!(held.kind & !kind::DROPPED, kind::EMPTY | kind::CHILD | kind::PROGRAM)
            || matches!(held.kind & !kind::DROPPED, kind::MEMORY | kind::NOTIFICATION | kind::ENDPOINT)
                && !before.iter().any(|other| {
                    (other.kind, other.object, other.stamp) == (held.kind, held.object, held.stamp)
                });
        let held = Capability { kind: held.kind & !kind::DROPPED, ..*held };
        let connected = held.kind == kind::ENDPOINT && held.badge & 0xffff_ffff < 64;
        assert!(is_new || connected || before.iter().any(|other| other.covers(&held)), "{held:?}");
    }
}

fn run(seed: u64, steps: u32) {
    let mut random = Random(seed);
    let mut system = System::boot(400);
    *system.kernel.lines.at_mut(usize::from(ALARM)) = Line { realm: 1, bits: 1 };
    for step in 0..steps {
        let held = system.kernel.capabilities.0.iter().take(model::SLOTS_USED);
        let before: Vec<Capability> = held.map(|(_, held)| *held).collect();
        match system.kernel.current {
            NONE => {
                system.hal.now += 20;
                let now = system.hal.now;
                system.kernel.tick(now);
                if system.kernel.current == NONE {
                    system.kernel.interrupt(ALARM);
                    system.kernel.reschedule();
                }
            }
            1 => root_acts(&mut system, &mut random),
            _ => child_acts(&mut system, &mut random),
        }
        if random.below(10) == 0 {
            system.hal.now += 1;
            let now = system.hal.now;
            system.kernel.tick(now);
        }
        if random.below(15) == 0 {
            system.kernel.interrupt(ALARM);
            system.kernel.reschedule();
        }
        assert_eq!(system.hal.exit, None, "seed {seed} step {step}: {}", system.hal.printed);
        system.check();
        check_authority(&before, &system);
    }
    // In the end root takes everything back.
    while system.kernel.current != 1 {
        if system.kernel.thread(1).state == ThreadState::Receiving {
            system.kernel.interrupt(ALARM);
        }
        system.kernel.reschedule();
    }
    for wanted in [kind::CHILD, kind::MEMORY] {
        for handle in of_kind(&system, 1, wanted) {
            if wanted == kind::CHILD {
                system.control(handle, realm::KILL, [0; 3]);
            }
            system.must(call::cap_drop, [handle, 0, 0, 0, 0]);
        }
    }
    system.check();
    let fresh = System::boot(400);
    assert_eq!(system.hal.frames_free(), fresh.hal.frames_free(), "seed {seed}: every frame came back");
}

#[test]
fn random_calls_keep_the_invariants() {
    for seed in 1..=16 {
        run(seed * 0x9e37_79b9, 1000);
    }
}
