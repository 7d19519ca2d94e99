//! Spaces of a topology on the nanokernel: placed by one component, connected by another, and neither can be done without.

use boot::{Machine, OS};
use compiler_driver::guest::{self, Application, GuestOptions, GuestSystem, Input};
use compiler_driver::images;
use compiler_driver::keys::{Key, Store};
use nanokernel_core::exit::Exit;
use sci::guest::GuestCapability as Capability;
use sci::status::Fault;
use services_zmesh::{Declaration, PathDeclaration, PathRules};
use services_zmesh_component as mesh;
use services_zrms::control::SpaceSpec;
use services_zrms::place::{Demand, Host, Resources};
use services_zrms::restart::{RestartPolicy, When};
use services_zrms::verdict::{Level, Verdict};
use services_zrms_component as control;
use services_zrun::Grants;
use services_zrun::launch::{self, Launch, Texts};
use tests_boot::run::{Outcome, boot_on};

const PACKAGE: [u8; 32] = [3; 32];
/// Spaces by name: what they are.
const SPACES: [(&str, &str); 3] = [
    ("listener", include_str!("application/listener.wat")),
    ("sender", include_str!("application/sender.wat")),
    ("spy", include_str!("application/spy.wat")),
];

fn grants() -> u64 {
    [Capability::SysLog, Capability::NetEmitTo, Capability::NetRecvNext]
        .iter()
        .fold(0, |mask, one| mask | one.bit())
}

fn control(key: &Key) -> control::Configuration {
    let verdict = Verdict {
        package: PACKAGE,
        level: Level::Semantic,
        policy: [0; 32],
        verifier: "test".into(),
        time: 0,
    };
    let spec = |(name, _): &(&str, &str)| SpaceSpec {
        name: (*name).to_owned(),
        hash: [0; 32],
        demand: Demand { resources: Resources { memory: 100, cpu: 0, messages: 0 }, ..Demand::default() },
        restart: RestartPolicy {
            when: When::Never,
            attempts: None,
            first_wait: 1,
            longest_wait: 1,
            stable: 1,
        },
        stop_deadline: 100,
    };
    let seats = (0..).zip(SPACES);
    control::Configuration {
        topology: "test".into(),
        package: PACKAGE,
        verdict: verdict.sign(key.seed(), true).expect("it signs").to_bytes().expect("it has bytes"),
        keys: vec![key.public().bytes],
        spaces: SPACES.iter().map(spec).collect(),
        seats: seats.map(|(at, (name, _))| control::Seat { name: name.into(), guest: Some(at) }).collect(),
        host: Host {
            name: "here".into(),
            region: "here".into(),
            capacity: Resources { memory: 10_000, cpu: 1000, messages: 1000 },
            ..Host::default()
        },
    }
}

fn mesh() -> mesh::Configuration {
    let path = PathDeclaration {
        from: "sender".into(),
        to: "listener".into(),
        name: "words".into(),
        rules: PathRules::default(),
    };
    let seat = |(name, _): (&str, &str)| mesh::Seat {
        name: name.into(),
        grants: grants(),
        is_interface: false,
        devices: Vec::new(),
    };
    mesh::Configuration {
        topology: "test".into(),
        declaration: Declaration {
            revision: 1,
            spaces: SPACES.iter().map(|(name, _)| (*name).to_owned()).collect(),
            paths: vec![path],
            events: Vec::new(),
        },
        seats: SPACES.map(seat).into(),
        devices: mesh::Devices::default(),
        agents: mesh::Agents::default(),
        runs: false,
    }
}

/// Boots the spaces with what control is told.
fn boot(told: impl FnOnce(&Key) -> Vec<u8>) -> Outcome {
    let home = tempfile::tempdir().expect("a folder");
    let (key, _) = Store::at(home.path()).development().expect("a key");
    let image = |(name, text): (&str, &str)| {
        let module = wat::parse_str(text).expect("the module is text");
        let input = Input { name, file: &format!("{name}.wasm"), bytes: &module };
        let image = guest::compile(&guest::Guest::new(input, &[]), GuestOptions::default());
        images::sign_image(&image.expect("it compiles"), &key).expect("it is signed")
    };
    let compiled = SPACES.map(image);
    let words = SPACES.map(|(name, _)| {
        let texts = Texts { name: name.into(), arguments: Vec::new(), environment: Vec::new() };
        launch::words(&Launch { grants: Grants::of(grants()), fuel: None, texts }).expect("it is short")
    });
    let hosts = SPACES.map(|(name, _)| {
        let mut first = [0; 8];
        first[..name.len()].copy_from_slice(name.as_bytes());
        [("grants", grants()), ("together", 1), ("name0", u64::from_le_bytes(first))]
    });
    let guest = |at: usize| GuestSystem {
        name: SPACES[at].0,
        image: &compiled[at],
        host: &hosts[at],
        words: &words[at],
        memory_pages: 16,
        devices: None,
        agents: None,
    };
    let guests: Vec<GuestSystem<'_>> = (0..SPACES.len()).map(guest).collect();
    let application = Application {
        name: "test",
        guests: &guests,
        control: &told(&key),
        mesh: &mesh().to_bytes(),
        store: None,
        epoch: 0,
    };
    let bundle = guest::application(&application, OS, &key).expect("it is linked");
    boot_on(Machine::Microvm, &images::boot_module(&bundle, &[key.public()]))
}

#[track_caller]
fn line(outcome: &Outcome, beginning: &str) -> usize {
    let found = outcome.console.lines().position(|line| line.starts_with(beginning));
    found.unwrap_or_else(|| panic!("`{beginning}`:\n{}", outcome.console))
}

#[test]
fn spaces_are_placed_connected_and_stopped_from_ring_3() {
    let outcome = boot(|key| control(key).to_bytes());
    // Each ends as a failure: one that only waits would keep the run from ending.
    outcome.exits(Exit::Root(1));
    for (name, _) in SPACES {
        let placed = line(&outcome, &format!("zrms: placed {name} on `here`"));
        let first = line(&outcome, &format!("{name} | "));
        assert!(placed < first, "{}", outcome.console);
    }
    line(&outcome, "zmesh: routed sender -> listener along `words`, the first of 5 bytes");
    line(&outcome, "listener | heard: words");
    line(&outcome, "zmesh: refused spy: a message to `listener`");
    line(&outcome, "spy | refused");
    line(&outcome, "zrms: spy failed: it trapped");
    line(&outcome, "zrms: sender failed: it ended with status 1");
    line(&outcome, "zrms: listener failed: it ended with status 2");
    // It tried to pass for someone else.
    assert!(!outcome.console.lines().any(|line| line.starts_with("zrms: forged")), "{}", outcome.console);
}

#[test]
fn without_control_no_space_starts() {
    let outcome = boot(|_| b"\xff\xff".to_vec());
    outcome.exits(Exit::Root(1));
    line(&outcome, "zmesh: path sender -> listener along `words`");
    let died = outcome.faults.iter().any(|line| line.realm == "Zrms" && line.fault == Fault::Panic);
    assert!(died, "{}", outcome.console);
    for (name, _) in SPACES {
        assert!(!outcome.console.contains(&format!("{name} | ")), "{}", outcome.console);
    }
}
