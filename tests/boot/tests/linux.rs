//! What only the machine on this host can meet.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use boot::{Ending, FaultLine, LinuxRun, Stop};
use nanokernel_core::exit::Exit;
use sci::status::Fault;
use tests_boot::system::{PEER, compile};

const OVERDUE: Duration = Duration::from_mins(1);
/// Ends by no way of its own, but lets the others run.
const SPINNER: &str = "component Spinner {\n  capability console: DebugConsole(write)\n}\n\n\
                       fn start() {\n  console.write(\"spinning\\n\")\n  var turns: u64 = 0\n  \
                       while true {\n    turns = (turns + 1) % 1000\n  }\n}\n";
const SYSTEM: &str = "import peer\nimport spinner\n\nsystem killing {\n  instance peer: peer.Peer { priority 20 }\n  \
                      instance spinner: spinner.Spinner { priority 10 }\n}\n";

/// Realms' processes of this test: number, and whether the process runs now.
fn processes() -> Vec<(u32, bool)> {
    let ours = std::process::id();
    let numbers = fs::read_dir("/proc")
        .expect("processes are listed")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let stat = |number: u32| {
        let text = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let (state, parent) = (fields.next()?.to_owned(), fields.next()?.parse::<u32>().ok()?);
        (parent == ours).then_some((number, state == "R"))
    };
    numbers.filter_map(stat).collect()
}

fn module() -> Vec<u8> {
    compile(&[("system", SYSTEM), ("peer", PEER), ("spinner", SPINNER)]).module()
}

fn run(stop: Stop, mut console: impl FnMut(&str)) -> (Ending, Vec<FaultLine>, String) {
    let (module, interrupted) = (module(), AtomicBool::new(false));
    let run = LinuxRun { module: &module, verbose: true, stop, interrupted: &interrupted };
    let mut printed = String::new();
    let ran = run.run(&mut |chunk| {
        printed += &String::from_utf8_lossy(chunk);
        console(&printed);
        Ok(())
    });
    let (ending, faults) = ran.expect("the host serves");
    (ending, faults, printed)
}

/// One test for all: each looks at the processes of the whole test program.
#[test]
fn processes_come_and_go_with_their_realms() {
    // Whoever kills a realm's process stops that realm, and nothing else.
    let killed = AtomicBool::new(false);
    let (ending, faults, console) = thread::scope(|scope| {
        run(Stop::Overdue(OVERDUE), |printed| {
            let is_time = printed.contains("spinning") && printed.contains("peer done");
            if is_time && !killed.swap(true, Ordering::Relaxed) {
                scope.spawn(|| {
                    let victim = loop {
                        if let Some((victim, _)) = processes().into_iter().find(|(_, runs)| *runs) {
                            break victim;
                        }
                    };
                    let status = Command::new("kill")
                        .args(["-KILL", &victim.to_string()])
                        .status()
                        .expect("it is called");
                    assert!(status.success());
                });
            }
        })
    });
    let line = faults.iter().find(|line| line.realm == "Spinner").expect("it is reported");
    assert_eq!(line.fault, Fault::Killed, "{console}");
    assert_eq!(ending, Ending::Exit(Exit::Root(1)), "{console}");
    let peer = faults.iter().find(|line| line.realm == "Peer").expect("it ends");
    assert_eq!((peer.fault, peer.detail), (Fault::Exit, 0), "{console}");
    assert!(processes().is_empty(), "no process is left");

    // A run that is ended ends its processes.
    let (ending, _, console) = run(Stop::After(Duration::from_millis(300)), |_| ());
    assert_eq!(ending, Ending::Stopped);
    assert!(console.contains("spinning"), "{console}");
    assert!(processes().is_empty(), "no process is left");
}

/// Interrupts that stop a process anywhere lose nothing: registers of all kinds go on as they were.
#[test]
fn components_that_take_turns_keep_their_registers() {
    let sum = "component Sum {\n  capability console: DebugConsole(write)\n  param seed = 0\n}\n\n\
               fn start() {\n  var turn: u64 = 0\n  var whole: u64 = u64(seed)\n  var part: f64 = 0.0\n  \
               while turn < 5_000_000 {\n    whole = (whole *% 6364136223846793005) +% turn\n    \
               part = part * 0.5 + f64(turn % 1000)\n    turn += 1\n  }\n  \
               console.write(\"sum {seed} {whole} {u64(part)}\\n\")\n}\n";
    let system = "import sum\n\nsystem sums {\n  instance one: sum.Sum {\n    priority 10\n    param seed = 1\n  }\n  \
                  instance two: sum.Sum {\n    priority 10\n    param seed = 2\n  }\n}\n";
    let module = compile(&[("system", system), ("sum", sum)]).module();
    let outcome = tests_boot::run::boot(&module);
    outcome.exits(Exit::Root(0));
    assert_eq!(
        outcome.console.lines().filter(|line| line.starts_with("sum ")).count(),
        2,
        "{}",
        outcome.console
    );
}
