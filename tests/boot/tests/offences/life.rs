//! Time, restarts, and what the dead leave behind: nothing.

use nanokernel_core::exit::Exit;
use sci::status::Fault;
use tests_boot::raw::Raw;
use tests_boot::run::boot;
use tests_boot::system::{OFFENDER, PEER, System, compile, memory};

tests_boot::programs! { in life:
    die: "ud2";
    leave: "finish 0";
    endless: "1: inc rax" "jmp 1b";
    yielding: "1: xor edi, edi" "mov esi, 1" "xor edx, edx" "gate 18" "jmp 1b";
    // Makes Memory until the kernel says no, then dies.
    hoard: "mov r12, rdi" "1: handle 1, rdi" "mov esi, 0x20000" "xor edx, edx" "gate 10" "test eax, eax" "je 1b" "ud2";
    // Asks for more than a Memory may have: the status is its exit code.
    greedy: "mov r12, rdi" "handle 1, rdi" "mov rsi, -1" "xor edx, edx" "gate 10" "finish rax";
    // Drops and mints until its slots are gone: the status is its exit code.
    mint: "mov r12, rdi" "1: handle 0, rdi" "mov esi, 1" "xor edx, edx" "gate 6" "test eax, eax" "je 1b" "finish rax";
}

/// An offender that has nothing, so that nothing of it can be anywhere else.
fn bare(name: &str) -> Raw {
    Raw { required: Vec::new(), ..Raw::new(name, &program(name)) }
}

/// A component of the offender's priority that computes for several of the kernel's time slices.
const WORKER: &str = "component Peer {\n  capability console: DebugConsole(write)\n}\n\n\
                      fn start() {\n  for i in 0..5 {\n    console.write(\"peer {i}\\n\")\n    work()\n  }\n  \
                      console.write(\"peer done\\n\")\n}\n\nfn work() {\n  var sum: u64 = 0\n  \
                      for i in 0..2000000 {\n    sum = sum +% u64(i)\n  }\n  assert sum > 0\n}\n";

/// The offender never ends, so the system does not wait for it.
fn endless(name: &str, priority: u8) {
    let block = "import peer\n\nsystem both {\n  instance peer: peer.Peer { priority 30 }\n}\n";
    let mut system = compile(&[("system", block), ("peer", WORKER)]);
    for _ in 0..2 {
        let instance = system.add(&bare(name), priority);
        system.instances[instance as usize].serves = true;
        // It starts before the peer: without a time slice nobody else would ever run.
        system.instances[1..].rotate_right(1);
    }
    let outcome = boot(&system.module());
    assert!(outcome.of(name).is_empty(), "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(0));
}

#[test]
fn an_endless_loop_does_not_keep_its_equals_from_working() {
    endless("endless", OFFENDER);
}

#[test]
fn an_endless_loop_of_yields_does_not_either() {
    endless("yielding", OFFENDER);
}

#[test]
fn an_endless_loop_below_is_preempted() {
    endless("endless", OFFENDER - 1);
}

#[test]
fn a_component_that_faults_is_restarted_and_then_given_up() {
    let mut system = System::with_peer();
    let instance = system.add(&Raw::new("die", &program("die")), OFFENDER);
    system.instances[instance as usize].restart = 1;
    let outcome = boot(&system.module());
    let generations: Vec<u64> = outcome.of("die").iter().map(|line| line.generation).collect();
    assert_eq!(generations, [1, 2, 3, 4, 5, 6], "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(1));
}

#[test]
fn a_component_that_ends_well_is_not_restarted_on_fault() {
    let mut system = System::with_peer();
    let instance = system.add(&Raw::new("leave", &program("leave")), OFFENDER);
    system.instances[instance as usize].restart = 1;
    let outcome = boot(&system.module());
    assert_eq!(outcome.only("leave").generation, 1);
    outcome.peer_finished().exits(Exit::Root(0));
}

#[test]
fn a_component_that_is_always_restarted_is_given_up_in_the_end() {
    let mut system = System::with_peer();
    let instance = system.add(&Raw::new("leave", &program("leave")), OFFENDER);
    system.instances[instance as usize].restart = 2;
    let outcome = boot(&system.module());
    assert_eq!(outcome.of("leave").len(), 6, "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(0));
}

#[test]
fn a_restart_from_source_begins_with_fresh_state() {
    let bad = "component Bad {\n  capability console: DebugConsole(write)\n}\n\nvar count: u32 = 7\n\n\
               fn start() {\n  console.write(\"count {count}\\n\")\n  count += 1\n  assert count == 0\n}\n";
    let block = "import bad\nimport peer\n\nsystem again {\n  \
                 instance bad: bad.Bad { priority 30; restart on-fault }\n  \
                 instance peer: peer.Peer { priority 20 }\n}\n";
    let system = compile(&[("system", block), ("bad", bad), ("peer", PEER)]);
    let outcome = boot(&system.module());
    let counts = outcome.console.lines().filter(|line| line.trim_end() == "count 7").count();
    assert_eq!(counts, 6, "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(1));
}

/// While nothing can run, the timer and the serial port interrupt as they like, also both at once.
#[test]
fn an_idle_machine_takes_every_interrupt() {
    let sleeper = "component Sleeper {\n  capability console: DebugConsole(write)\n  capability clock: Clock(now)\n  \
                   capability bell: Notification(wait)\n}\n\nfn start() {\n  for i in 0..200 {\n    \
                   console.write(\"nap {i}\\n\")\n    bell.wait(0, clock.now() + 2000000 + u64(i) * 5000)\n  }\n}\n";
    let block = "import sleeper\nimport peer\n\nsystem naps {\n  instance sleeper: sleeper.Sleeper {\n    priority 30\n    \
                 grant clock = clock()\n    grant bell = notification()\n  }\n  \
                 instance peer: peer.Peer { priority 20 }\n}\n";
    let system = compile(&[("system", block), ("sleeper", sleeper), ("peer", PEER)]);
    boot(&system.module()).says("nap 199").peer_finished().exits(Exit::Root(0));
}

/// The frames in use at the end of a run with one more component, the times it stopped, and without it.
fn in_use(raw: &Raw, restart: u32, grant: bool) -> (u64, usize, u64) {
    let alone = boot(&System::with_peer().module());
    alone.peer_finished().exits(Exit::Root(0));
    let mut system = System::with_peer();
    let instance = system.add(raw, OFFENDER);
    system.instances[instance as usize].restart = restart;
    if grant {
        let slot = raw.required.len() as u32 - 1;
        system.grant(instance, memory(slot, 2));
    }
    let outcome = boot(&system.module());
    outcome.peer_finished();
    (outcome.frames_in_use(), outcome.of(&raw.name).len(), alone.frames_in_use())
}

#[test]
fn every_frame_of_the_dead_comes_back() {
    let (with, stops, without) = in_use(&bare("die"), 0, false);
    assert_eq!((with, stops), (without, 1));
}

#[test]
fn every_frame_of_the_restarted_comes_back() {
    let (with, stops, without) = in_use(&bare("die"), 1, false);
    assert_eq!((with, stops), (without, 6));
}

#[test]
fn every_frame_of_a_hoarder_comes_back() {
    let hoarder = bare("hoard").requires("Memory", 2);
    // Capability 0 stays without a grant; its Memory is capability 1.
    let hoarder = Raw { required: vec![hoarder.required[0]; 2], ..hoarder };
    let (with, stops, without) = in_use(&hoarder, 0, true);
    assert_eq!((with, stops), (without, 1));
}

/// A client's window is the server's, too, for as long as the server lives. How often the client ran does not matter.
#[test]
fn a_window_stays_with_the_server() {
    let raw = Raw::new("die", &program("die"));
    let ((once, _, without), (often, stops, _)) = (in_use(&raw, 0, false), in_use(&raw, 1, false));
    assert_eq!((once, stops), (often, 6));
    assert!(once - without <= 2, "a page and the table that names it: {once}, {without}");
}

#[test]
fn more_memory_than_one_may_have_is_a_status() {
    let mut system = System::with_peer();
    let instance = system.add(&Raw::new("greedy", &program("greedy")).requires("Memory", 2), OFFENDER);
    system.grant(instance, memory(1, 2));
    let outcome = boot(&system.module());
    let line = outcome.stopped("greedy", Fault::Exit);
    assert!([7, 9].contains(&line.detail), "quota or argument: {line:?}");
}

#[test]
fn more_capabilities_than_one_may_have_is_a_status() {
    let system = System::with_peer().offender(&Raw::new("mint", &program("mint")));
    let outcome = boot(&system.module());
    assert_eq!(outcome.stopped("mint", Fault::Exit).detail, 7, "quota: {}", outcome.console);
}
