//! A server in `.in` between a hostile client and a healthy one: nothing that one client sends may reach the other.

use nanokernel_core::exit::Exit;
use sci::status::{Fault, Status};
use tests_boot::raw::Raw;
use tests_boot::run::{Outcome, boot};
use tests_boot::system::{OFFENDER, System, channel, compile, memory};

tests_boot::programs! { in server:
    // Each ends with the status of its last call as its exit code. Method 0 is `choose`, 1 `count`, 2 `make`, 3
    // `small`, 4 `nothing`.
    enumeration: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp], 99" "mov qword ptr [rsp + 48], 0" "mov rsi, rsp"
        "handle 1, rdi" "gate 0" "finish rax";
    enumeration_high: "mov r12, rdi" "sub rsp, 136" "mov rax, 0x100000001" "mov [rsp], rax"
        "mov qword ptr [rsp + 48], 0" "mov rsi, rsp" "handle 1, rdi" "gate 0" "finish rax";
    range: "mov r12, rdi" "sub rsp, 136" "mov rax, 0x1000000000" "mov [rsp], rax" "mov qword ptr [rsp + 48], 1"
        "mov rsi, rsp" "handle 1, rdi" "gate 0" "finish rax";
    range_wraps: "mov r12, rdi" "sub rsp, 136" "mov rax, 0x00000010fffffff8" "mov [rsp], rax"
        "mov qword ptr [rsp + 48], 1" "mov rsi, rsp" "handle 1, rdi" "gate 0" "finish rax";
    not_text: "mov r12, rdi" "sub rsp, 136" "mov rbx, [r12 + 104]" "mov dword ptr [rbx], 0xfefffeff"
        "mov rax, 0x400000000" "mov [rsp], rax" "mov qword ptr [rsp + 48], 1" "mov rsi, rsp" "handle 1, rdi" "gate 0"
        "finish rax";
    number: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp], 256" "mov qword ptr [rsp + 8], 1"
        "mov qword ptr [rsp + 48], 3" "mov rsi, rsp" "handle 1, rdi" "gate 0" "finish rax";
    sign: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp], 255" "mov qword ptr [rsp + 8], 0xffff"
        "mov qword ptr [rsp + 48], 3" "mov rsi, rsp" "handle 1, rdi" "gate 0" "finish rax";
    truth: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp + 16], 2" "mov qword ptr [rsp + 48], 3" "mov rsi, rsp"
        "handle 1, rdi" "gate 0" "finish rax";
    remains: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp], 250" "mov qword ptr [rsp + 8], -2"
        "mov qword ptr [rsp + 16], 1" "mov qword ptr [rsp + 48], 3" "mov rsi, rsp" "handle 1, rdi" "gate 0"
        "cmp qword ptr [rsp], 250" "je 1f" "ud2" "1:" "mov qword ptr [rsp + 48], 4" "mov rsi, rsp" "handle 1, rdi" "gate 0"
        "mov rax, [rsp]" "finish rax";
    method: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp + 48], 40" "mov rsi, rsp" "handle 1, rdi" "gate 0"
        "finish rax";
    handles: "mov r12, rdi" "sub rsp, 136" "mov ebx, 400" "handle 0, r13"
        "1: mov [rsp + 80], r13" "mov [rsp + 88], r13" "mov qword ptr [rsp + 48], 0x202" "mov rsi, rsp"
        "handle 1, rdi" "gate 0" "dec ebx" "jnz 1b" "finish rax";
}

const SERVER: &str = "pub enum Choice { left, right }\n\npub interface Office {\n  version 1\n  \
                      fn choose(what: Choice) -> u32\n  fn count(text: str) -> u32\n  fn make() -> u32\n  \
                      fn small(a: u8, b: i16, c: bool) -> u32\n  fn nothing()\n}\n\n\
                      component Server {\n  capability memory: Memory(create)\n  export office: Office\n}\n\n\
                      impl office {\n  fn choose(what: Choice) -> u32 {\n    return match what {\n      \
                      Choice.left -> 1\n      Choice.right -> 2\n    }\n  }\n\n  fn count(text: str) -> u32 {\n    \
                      var sum: u32 = 0\n    for byte in text.bytes { sum = sum +% u32(byte) }\n    return sum\n  }\n\n  \
                      fn make() -> u32 {\n    let made = memory.create(4096) or return 0\n    close(made)\n    \
                      return 1\n  }\n\n  fn small(a: u8, b: i16, c: bool) -> u32 {\n    \
                      return if c && b == -2 { u32(a) } else { 0 }\n  }\n\n  fn nothing() { }\n}\n";

const PEER: &str = "import server\n\ncomponent Peer {\n  capability console: DebugConsole(write)\n  \
                    capability office: server.Office(choose, count, make, small)\n}\n\nfn start() {\n  \
                    let chosen = office.choose(server.Choice.right)\n  let counted = office.count(\"ab\")\n  \
                    let made = office.make()\n  let small = office.small(250, -2, true)\n  \
                    console.write(\"office {chosen} {counted} {small} {made}\\n\")\n  \
                    for i in 0..5 {\n    console.write(\"peer {i}\\n\")\n  }\n  console.write(\"peer done\\n\")\n}\n";

const BLOCK: &str = "import server\nimport peer\n\nsystem offices {\n  \
                     instance server: server.Server { priority 40; grant memory = memory() }\n  \
                     instance peer: peer.Peer { priority 20 }\n  connect peer.office -> server.office\n}\n";

fn system() -> System {
    compile(&[("system", BLOCK), ("server", SERVER), ("peer", PEER)])
}

/// A system whose server has a hostile client, which runs before the healthy one.
fn run(name: &str) -> Outcome {
    let mut system = system();
    let server = system.number_of("server");
    let window = if name == "not_text" { 4096 } else { 0 };
    let client = system.add(&Raw::new(name, &program(name)).requires("Office", u64::MAX), OFFENDER);
    system.grant(client, channel(1, server, u64::MAX, window));
    let outcome = boot(&system.module());
    outcome.says("office 2 195 250 ").peer_finished();
    assert!(outcome.of("Server").is_empty(), "the server lives: {}", outcome.console);
    outcome
}

#[track_caller]
fn refused(name: &str) {
    let outcome = run(name);
    outcome.says("office 2 195 250 1");
    let line = outcome.only(name);
    assert_eq!((line.fault, line.detail), (Fault::Exit, Status::Malformed.number()), "{}", outcome.console);
    outcome.exits(Exit::Root(1));
}

#[test]
fn a_variant_that_does_not_exist() {
    refused("enumeration");
}

#[test]
fn a_variant_behind_the_low_half() {
    refused("enumeration_high");
}

#[test]
fn a_range_without_a_window() {
    refused("range");
}

#[test]
fn a_range_that_wraps() {
    refused("range_wraps");
}

#[test]
fn a_number_that_its_type_cannot_hold() {
    refused("number");
}

#[test]
fn a_negative_number_without_its_sign() {
    refused("sign");
}

#[test]
fn a_bool_that_is_neither() {
    refused("truth");
}

/// What a server answered before is in no later answer: the method that gives nothing gives nothing.
#[test]
fn what_an_earlier_answer_held() {
    let outcome = run("remains");
    let line = outcome.only("remains");
    assert_eq!((line.fault, line.detail), (Fault::Exit, 0), "{}", outcome.console);
}

#[test]
fn a_method_that_is_not_served() {
    refused("method");
}

/// Bytes that are no text reach the server as bytes, and do no harm there.
#[test]
fn bytes_that_are_no_text() {
    let outcome = run("not_text");
    outcome.says("office 2 195 250 1");
    assert_eq!(outcome.only("not_text").fault, Fault::Exit, "{}", outcome.console);
}

/// Handles that nobody asked for stay with who sends them.
#[test]
fn handles_that_the_interface_does_not_have() {
    let outcome = run("handles");
    outcome.says("office 2 195 250 1");
    assert_eq!(outcome.only("handles").fault, Fault::Exit, "{}", outcome.console);
}

/// The hostile client holds the right to make Memory, and takes all of it.
#[test]
fn memory_that_a_neighbour_took() {
    let mut system = system();
    let hoard: &[u8] = &[
        0x49, 0x89, 0xfc, // mov r12, rdi
        0x49, 0x8b, 0x7c, 0x24, 0x60, // 1: mov rdi, [r12 + 96]
        0xbe, 0x00, 0x00, 0x08, 0x00, // mov esi, 512 KiB
        0x31, 0xd2, // xor edx, edx
        0x48, 0xb8, 0x00, 0xd5, 0xff, 0x3f, 0x01, 0, 0, 0, // mov rax, gate + 10 * 128
        0xff, 0xd0, // call rax
        0x85, 0xc0, // test eax, eax
        0x74, 0xe4, // je 1b
        0x0f, 0x0b, // ud2
    ];
    let client = system.add(&Raw::new("hoard", hoard).requires("Memory", 2), OFFENDER);
    system.grant(client, memory(1, 2));
    let outcome = boot(&system.module());
    // It is dead before the peer runs, and all that it took is back.
    outcome.says("office 2 195 250 1").stopped("hoard", Fault::Undefined);
}
