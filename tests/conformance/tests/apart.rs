//! Many spaces in one process of theirs: none sees another's, and each ends for itself.

use runtime_sandbox::Ended;
use sci::guest::GuestCapability;
use sci::sign::public_key;
use services_zrun::launch::Texts;
use services_zrun::linux::{Duty, Event, Job, Limits, Machine, Orders, ROLE, ReportKind, Spaces};
use services_zrun::remote::Server;
use services_zrun::{Grants, InMemory};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tests_conformance::image::{SEED, compile};

const SPACES: u32 = 100;
const QUOTA: u64 = 1 << 20;

/// Says its argument, keeps it as a value, sends it to itself, and says what is kept and what arrived.
const WELL: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "self_emit" (func $emit (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "key")
  (func (export "on_init")
    (drop (call $args (i32.const 8) (i32.const 32)))
    (drop (call $log (i32.const 37) (i32.const 3)))
    (drop (call $put (i32.const 0) (i32.const 3) (i32.const 37) (i32.const 3)))
    (drop (call $emit (i32.const 37) (i32.const 3)))
    (drop (call $get (i32.const 0) (i32.const 3) (i32.const 64) (i32.const 3)))
    (drop (call $log (i32.const 64) (i32.const 3))))
  (func (export "on_process")
    (drop (call $log (i32.const 96) (call $next (i32.const 96) (i32.const 3))))))"#;
const TRAPS: &str = r#"(module (memory (export "memory") 1) (func (export "on_init") (unreachable)))"#;
const ENDLESS: &str = r#"(module (memory (export "memory") 1) (func (export "on_init") (loop (br 0))))"#;

fn image(text: &str) -> Vec<u8> {
    compile(&wat::parse_str(text).expect("the module is text")).expect("it is compiled")
}

fn job(name: &str, argument: &str, time: Option<Duration>) -> Job {
    let grants = Grants::of(u64::MAX).mask();
    let texts =
        Texts { name: name.to_owned(), arguments: vec![argument.to_owned()], environment: Vec::new() };
    let limits = Limits { time, ..Limits::default() };
    let keys = vec![public_key(&SEED)];
    Job { texts, grants, seed: 0, limits, is_strict: false, is_sampled: false, keys, duty: Duty::Space }
}

/// What the parent has of a space.
struct Served {
    server: Server,
    machine: Machine,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Served {
    fn new() -> Self {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&lines);
        let log = Box::new(move |line: &str| log.borrow_mut().push(line.to_owned()));
        let mut machine = Machine::new(log, Box::new(InMemory::new(QUOTA)), None);
        Self { server: Server::new(Grants::of(u64::MAX), &mut machine), machine, lines }
    }
}

/// Starts spaces of three kinds, lets one wait for its first reply until all others have ended, and judges each.
fn many(spaces: &mut Spaces, orders: &Orders) {
    let (well, traps, endless) = (image(WELL), image(TRAPS), image(ENDLESS));
    let mut served: BTreeMap<u32, Served> = (0..SPACES).map(|number| (number, Served::new())).collect();
    for number in 0..SPACES {
        let argument = format!("{:03}", number + 100);
        match number % 10 {
            1 => orders.start(number, job("traps", &argument, None), &traps),
            2 => orders.start(number, job("endless", &argument, Some(Duration::from_millis(50))), &endless),
            _ => orders.start(number, job("well", &argument, None), &well),
        }
    }
    let (mut held, mut left) = (None, SPACES);
    while left > 0 {
        match spaces.wait().expect("the process lives") {
            Event::Request { space: 0, request } if held.is_none() && left > 1 => held = Some(request),
            Event::Request { space, request } => {
                let one = served.get_mut(&space).expect("it was started");
                orders.reply(space, &one.server.serve(&request, &mut one.machine));
            }
            Event::Memory { .. } => {}
            Event::Ended { space, result, .. } => {
                left -= 1;
                let argument = format!("{:03}", space + 100);
                let kind = result.as_ref().err().map(|report| report.kind.clone());
                let lines = served[&space].lines.borrow().clone();
                match space % 10 {
                    1 | 2 => assert_eq!((kind, lines.len()), (Some(ReportKind::Trap), 0), "{result:?}"),
                    _ => assert_eq!((kind, lines), (None, vec![argument; 3]), "{space} {result:?}"),
                }
            }
        }
        if left == 1
            && let Some(request) = held.take()
        {
            let one = served.get_mut(&0).expect("it was started");
            orders.reply(0, &one.server.serve(&request, &mut one.machine));
        }
    }
}

fn main() {
    runtime_sandbox::start(&[ROLE]);
    // Whoever runs tests asks first what there is.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("apart: test");
        }
        return;
    }
    assert!(Grants::of(u64::MAX).holds(GuestCapability::SysLog));
    let mut spaces = Spaces::new(None, None).expect("it starts");
    let orders = spaces.orders();
    // Numbers and memory are used again.
    for _ in 0..3 {
        many(&mut spaces, &orders);
    }
    // What is no image of ours ends that space; a reply that nobody waits for is nobody's.
    orders.reply(7, b"");
    let mut damaged = image(WELL);
    damaged[100] ^= 1;
    orders.start(7, job("damaged", "", None), &damaged);
    let event = spaces.wait().expect("the process lives");
    let Event::Ended { space: 7, result: Err(report), .. } = event else { panic!("{event:?}") };
    assert_eq!(report.kind, ReportKind::Image, "{report}");
    // A process that is ended takes its spaces along, and says so once for all.
    orders.start(1, job("endless", "", None), &image(ENDLESS));
    let killed = std::process::Command::new("kill").args(["-KILL", &spaces.id().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    let ended = loop {
        match spaces.wait() {
            // It may have come so far.
            Ok(Event::Request { space: 1, .. }) => {}
            Ok(event) => panic!("{event:?}"),
            Err(ended) => break ended,
        }
    };
    assert_eq!(ended, Ended::Signal(9));
    println!("{SPACES} spaces at a time, three times");
}
