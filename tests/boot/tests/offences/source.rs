//! Offenders written in `.in`: what the language itself stops, with the line that did it.

use nanokernel_core::exit::Exit;
use sci::image::Image;
use sci::section::SectionKind;
use sci::status::Fault;
use sci::tables::{function_at, locate, trap_at};
use tests_boot::run::{Outcome, boot};
use tests_boot::system::{PEER, System, compile};

const SYSTEM: &str = "import bad\nimport peer\n\nsystem offence {\n  instance bad: bad.Bad { priority 30 }\n  \
                      instance peer: peer.Peer { priority 20 }\n}\n";
const HEAD: &str = "component Bad {\n  capability console: DebugConsole(write)\n}\n\n";

fn system(bad: &str) -> System {
    compile(&[("system", SYSTEM), ("bad", &format!("{HEAD}{bad}")), ("peer", PEER)])
}

/// The place of a fault in its source, and the function: from the tables of the image that ran.
fn place(system: &System, outcome: &Outcome) -> (Fault, String, u32, String) {
    let line = outcome.only("Bad");
    let image =
        system.images.iter().find(|image| image.name == "bad").expect("the offender is in the bundle");
    let image = Image::verify(&image.bytes).expect("its image verifies");
    let text = image.section(SectionKind::Text).expect("it has text");
    let offset = u32::try_from(line.offset - text.memory_offset).expect("the fault lies in text");
    let trap = trap_at(image.bytes_of(SectionKind::Traps), offset).expect("the instruction is a known trap");
    let found =
        locate(image.bytes_of(SectionKind::SourceMap), offset).expect("the source map knows the place");
    let function = function_at(image.bytes_of(SectionKind::Symbols), offset).expect("it lies in a function");
    (trap, found.file.to_owned(), found.line, function.name.to_owned())
}

/// Code that checks says why in the traps table; the kernel reports the instruction.
#[track_caller]
fn trapped(outcome: &Outcome, realm: &str) {
    assert_eq!(outcome.only(realm).fault, Fault::Undefined, "{}", outcome.console);
}

/// The offender stops by `fault` at the line that holds `here`; nothing behind it is carried out.
#[track_caller]
fn traps(bad: &str, fault: Fault) {
    let system = system(bad);
    let outcome = boot(&system.module());
    trapped(&outcome, "Bad");
    outcome.peer_finished().exits(Exit::Root(1));
    let text = format!("{HEAD}{bad}");
    let wanted = text.lines().position(|line| line.contains("// here")).expect("a line is marked") as u32 + 1;
    let (trap, file, line, function) = place(&system, &outcome);
    assert_eq!((trap, file.as_str(), line), (fault, "bad.in", wanted), "{}", outcome.console);
    assert!(function.contains("fail"), "the symbols name the function: {function}");
    assert!(!outcome.console.contains("never"), "{}", outcome.console);
}

#[test]
fn addition_overflows() {
    traps(
        "fn fail(a: u8) -> u8 {\n  return a + 6 // here\n}\n\nfn start() {\n  console.write(\"never {fail(250)}\\n\")\n}\n",
        Fault::Overflow,
    );
}

#[test]
fn subtraction_overflows() {
    traps(
        "fn fail(a: u32) -> u32 {\n  return a - 6 // here\n}\n\nfn start() {\n  console.write(\"never {fail(5)}\\n\")\n}\n",
        Fault::Overflow,
    );
}

#[test]
fn multiplication_overflows() {
    traps(
        "fn fail(a: u64) -> u64 {\n  return a * a // here\n}\n\nfn start() {\n  \
         console.write(\"never {fail(0x100000000)}\\n\")\n}\n",
        Fault::Overflow,
    );
}

#[test]
fn an_index_is_out_of_bounds() {
    traps(
        "var numbers: [u32; 4] = [0; 4]\n\nfn fail(at: u64) -> u32 {\n  return numbers[at] // here\n}\n\n\
         fn start() {\n  console.write(\"never {fail(4)}\\n\")\n}\n",
        Fault::Bounds,
    );
}

#[test]
fn a_text_is_longer_than_its_window() {
    traps(
        "var bytes: [u8; 5000] = ['x'; 5000]\n\nfn fail(end: u64) {\n  \
         console.write(\"never {str(bytes[0..end])}\") // here\n}\n\nfn start() {\n  fail(5000)\n}\n",
        Fault::Capacity,
    );
}

#[test]
fn a_slice_is_out_of_bounds() {
    traps(
        "fn fail(text: str, end: u64) -> u64 {\n  return text.bytes[1..end].len // here\n}\n\n\
         fn start() {\n  let end = fail(\"abc\", 9)\n  console.write(\"never {end}\\n\")\n}\n",
        Fault::Bounds,
    );
}

#[test]
fn a_division_by_zero() {
    traps(
        "fn fail(a: u32, b: u32) -> u32 {\n  return a / b // here\n}\n\nfn start() {\n  \
         console.write(\"never {fail(7, 0)}\\n\")\n}\n",
        Fault::Division,
    );
}

#[test]
fn a_remainder_by_zero() {
    traps(
        "fn fail(a: i64, b: i64) -> i64 {\n  return a % b // here\n}\n\nfn start() {\n  \
         console.write(\"never {fail(7, 0)}\\n\")\n}\n",
        Fault::Division,
    );
}

#[test]
fn the_one_quotient_that_does_not_fit() {
    let system = system(
        "fn fail(a: i32, b: i32) -> i32 {\n  return a / b\n}\n\nfn start() {\n  let low: i32 = -2147483647\n  \
         console.write(\"never {fail(low - 1, -1)}\\n\")\n}\n",
    );
    let outcome = boot(&system.module());
    trapped(&outcome, "Bad");
    assert!([Fault::Division, Fault::Overflow].contains(&place(&system, &outcome).0), "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(1));
}

#[test]
fn a_conversion_does_not_fit() {
    traps(
        "fn fail(a: u32) -> u8 {\n  return u8(a) // here\n}\n\nfn start() {\n  \
         console.write(\"never {fail(256)}\\n\")\n}\n",
        Fault::Conversion,
    );
}

#[test]
fn an_assertion_does_not_hold() {
    traps(
        "fn fail(a: u32) {\n  assert a == 1 // here\n}\n\nfn start() {\n  fail(2)\n  \
         console.write(\"never\\n\")\n}\n",
        Fault::Assertion,
    );
}

#[test]
fn an_id_is_stale() {
    traps(
        "struct Job { size: u32 }\n\nvar jobs: Table[Job, 4] = Table.empty()\n\nfn fail() -> u32 {\n  \
         let id = jobs.insert(Job { size: 3 }) or return 0\n  jobs.remove(id)\n  return jobs[id].size // here\n}\n\n\
         fn start() {\n  console.write(\"never {fail()}\\n\")\n}\n",
        Fault::StaleId,
    );
}

#[test]
fn an_id_goes_stale_before_the_assignment() {
    traps(
        "struct Job { size: u32 }\n\nvar jobs: Table[Job, 1] = Table.empty()\n\n\
         fn replaced(id: Id[Job]) -> u32 {\n  jobs.remove(id) or return 1\n  \
         jobs.insert(Job { size: 1 }) or return 2\n  return 50\n}\n\n\
         fn fail() -> u32 {\n  let id = jobs.insert(Job { size: 7 }) or return 0\n  \
         jobs[id].size = replaced(id) // here\n  return 1\n}\n\n\
         fn start() {\n  console.write(\"never {fail()}\\n\")\n}\n",
        Fault::StaleId,
    );
}

/// A healthy system beside which every offence above is measured.
#[test]
fn without_an_offence_everything_ends_well() {
    let system = system("fn start() {\n  console.write(\"nothing bad\\n\")\n}\n");
    let outcome = boot(&system.module());
    outcome.says("nothing bad").peer_finished().exits(Exit::Root(0));
}

const CALLS: &str = "import bad\nimport server\nimport peer\n\nsystem calls {\n  \
                     instance server: server.Server { priority 40 }\n  instance bad: bad.Bad { priority 30 }\n  \
                     instance peer: peer.Peer { priority 20 }\n  connect bad.divider -> server.divider\n}\n";

fn calls(bad: &str) -> (System, Outcome) {
    let server = "pub interface Divider {\n  version 1\n  fn divide(a: u32, b: u32) -> u32\n  \
                  fn attempt(a: u32, b: u32) -> u32 ! Status\n}\n\ncomponent Server {\n  export divider: Divider\n}\n\n\
                  impl divider {\n  fn divide(a: u32, b: u32) -> u32 { return a / b }\n\n  \
                  fn attempt(a: u32, b: u32) -> u32 ! Status { return a / b }\n}\n";
    let head = "import server\n\ncomponent Bad {\n  capability console: DebugConsole(write)\n  \
                capability divider: server.Divider(divide, attempt)\n}\n\n";
    let bad = format!("{head}{bad}");
    let system = compile(&[("system", CALLS), ("server", server), ("bad", &bad), ("peer", PEER)]);
    let outcome = boot(&system.module());
    (system, outcome)
}

#[test]
fn a_server_that_dies_in_a_call_gives_its_client_peer_gone() {
    let (_, outcome) = calls(
        "fn start() {\n  let first = divider.divide(8, 2)\n  console.write(\"first {first}\\n\")\n  \
         match divider.attempt(8, 0) {\n    ok(value) -> console.write(\"never {value}\\n\")\n    \
         err(Status.peer-gone) -> console.write(\"peer gone\\n\")\n    \
         err(other) -> console.write(\"other\\n\")\n  }\n}\n",
    );
    trapped(&outcome, "Server");
    assert_eq!(outcome.only("Bad").detail, 0, "{}", outcome.console);
    outcome.says("first 4").says("peer gone").peer_finished().exits(Exit::Root(1));
}

#[test]
fn a_client_that_cannot_be_told_stops_with_the_call() {
    let (system, outcome) = calls(
        "fn start() {\n  let last = divider.divide(8, 0)\n  console.write(\"never {last}\\n\")\n  \
         divider.attempt(1, 1) or return\n}\n",
    );
    trapped(&outcome, "Server");
    trapped(&outcome, "Bad");
    assert_eq!(place(&system, &outcome).0, Fault::CallFailed);
    outcome.peer_finished().exits(Exit::Root(1));
}
