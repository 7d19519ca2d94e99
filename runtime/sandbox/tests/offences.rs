//! What a child cannot do, tried by children of this test's own program.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use runtime_sandbox::{Child, Ended, Inside, Limits, Policy, SpawnError, restrict, start};
use std::error::Error;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

const LIMITS: Limits =
    Limits { cpu_seconds: Some(20), memory_bytes: 256 << 20, file_bytes: 0, descriptors: 64 };

fn spawn(limits: Limits, time: Option<Duration>, offence: &str) -> Child {
    let mut child = Child::spawn("offender", limits, time).unwrap();
    child.send(&offence, &[]).unwrap();
    child
}

fn tried(limits: Limits, time: Option<Duration>, offence: &str) -> Ended {
    spawn(limits, time, offence).receive::<String>(0).unwrap_err()
}

/// The child's side: an offence for each name.
fn offend(mut inside: Inside) -> Result<(), Box<dyn Error>> {
    let (offence, _): (String, _) = inside.receive(0).unwrap();
    if offence == "idle" {
        std::thread::sleep(Duration::from_mins(10));
    }
    let parent = rustix::process::getppid().unwrap();
    // Closing it would be an offence too.
    let file = rustix::fs::memfd_create("space", rustix::fs::MemfdFlags::empty()).unwrap();
    let file = &*Box::leak(Box::new(file));
    restrict(Policy::Compute).unwrap();
    match offence.as_str() {
        "nothing" => {
            let words: Vec<u64> = (0..1_000_000).collect();
            inside.send(&"done", &words.iter().sum::<u64>().to_le_bytes()).unwrap();
        }
        "open" => {
            let denied = std::fs::File::open("/dev/null").unwrap_err();
            inside.send(&denied.kind().to_string(), &[])?;
        }
        "socket" => drop(std::net::UdpSocket::bind("127.0.0.1:0")),
        "exec" => drop(Command::new("/bin/true").exec()),
        "fork" => drop(Command::new("/bin/true").spawn()),
        "thread" => drop(std::thread::spawn(|| ()).join()),
        "kill" => rustix::process::kill_process(parent, rustix::process::Signal::TERM).unwrap(),
        "another descriptor" => drop(rustix::io::write(file, b"x")),
        "limits" => {
            let none = rustix::process::Rlimit { current: None, maximum: None };
            let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
        }
        "time" => loop {
            std::hint::spin_loop();
        },
        "memory" => {
            let mut all = Vec::new();
            loop {
                all.push(vec![1u8; 1 << 20]);
            }
        }
        "panic" => panic!("the offender's own reason"),
        "nonsense" => inside.send(&7u8, &[]).unwrap(),
        "too much" => inside.send(&"done", &[0; 100]).unwrap(),
        "error" => return Err("an error".into()),
        _ => {}
    }
    Ok(())
}

fn main() {
    assert!(matches!(Child::spawn("offender", LIMITS, None), Err(SpawnError::NotServed)));
    start(&[("offender", offend)]);
    // Whoever runs tests asks first what there is.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("offences: test");
        }
        return;
    }

    let (said, sum) = spawn(LIMITS, None, "nothing").receive::<String>(8).unwrap();
    assert_eq!((said.as_str(), sum), ("done", 499_999_500_000u64.to_le_bytes().to_vec()));

    let (said, _) = spawn(LIMITS, None, "open").receive::<String>(0).unwrap();
    assert_eq!(said, std::io::ErrorKind::PermissionDenied.to_string());
    let forbidden = ["socket", "exec", "fork", "thread", "kill", "another descriptor", "limits"];
    for offence in forbidden {
        assert_eq!(tried(LIMITS, None, offence), Ended::Forbidden, "{offence}");
    }

    let second = Limits { cpu_seconds: Some(1), ..LIMITS };
    assert_eq!(tried(second, None, "time"), Ended::ProcessorTime { seconds: 1 });
    assert_eq!(tried(LIMITS, None, "memory"), Ended::Memory { bytes: LIMITS.memory_bytes });
    assert_eq!(tried(LIMITS, Some(Duration::from_millis(300)), "idle"), Ended::Late);
    let panicked = Ended::Exited { code: 101, said: "the offender's own reason".into() };
    assert_eq!(tried(LIMITS, None, "panic"), panicked);
    assert_eq!(tried(LIMITS, None, "leaving"), Ended::Exited { code: 0, said: String::new() });
    let failed = Ended::Exited { code: 1, said: "an error".into() };
    assert_eq!(tried(LIMITS, None, "error"), failed);
    assert_eq!(tried(LIMITS, None, "nonsense"), Ended::Nonsense);
    assert_eq!(tried(LIMITS, None, "too much"), Ended::Nonsense);

    let mut killed = spawn(LIMITS, None, "idle");
    let id = rustix::process::Pid::from_raw(killed.id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    let ended = killed.receive::<String>(0).unwrap_err();
    assert_eq!(ended, Ended::Signal(9));
    assert_eq!(ended.to_string(), "was killed by signal 9 (SIGKILL)");

    let mut unknown = Child::spawn("another", LIMITS, None).unwrap();
    assert_eq!(unknown.receive::<String>(0).unwrap_err(), Ended::Exited { code: 2, said: String::new() });
    println!("{} offences ended their child", forbidden.len());
}
