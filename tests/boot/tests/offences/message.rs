//! Handles, the gate, and messages.

use nanokernel_core::exit::Exit;
use sci::status::{Fault, Status};
use tests_boot::raw::Raw;
use tests_boot::run::boot;
use tests_boot::system::{OFFENDER, System, channel};

// At `gate + 47` lies the `syscall` of the call stub, at `+ 49` what stores its answer.
tests_boot::programs! { in message:
    forged: "mov rdi, 0x100000005" "gate 9";
    out_of_range: "mov rdi, 0x1ffffffff" "gate 9";
    zero_handle: "xor edi, edi" "gate 9";
    all_ones: "mov rdi, -1" "gate 9";
    other_generation: "mov rdi, [rdi + 64]" "mov rax, 0x100000000" "add rdi, rax" "gate 9";
    stale: "mov rbx, [rdi + 64]" "mov rdi, rbx" "gate 8" "mov rdi, rbx" "gate 9" "finish rax";
    stale_call: "mov rbx, [rdi + 64]" "mov rdi, rbx" "gate 8" "sub rsp, 136" "mov qword ptr [rsp + 48], 0"
        "mov rsi, rsp" "mov rdi, rbx" "gate 0" "finish rax";
    wrong_object: "mov rdi, [rdi + 64]" "mov esi, 1" "xor edx, edx" "gate 21";
    stop_without_machine: "mov rdi, [rdi + 64]" "mov esi, 4" "xor edx, edx" "gate 18";
    admit_without_image: "mov rdi, [rdi + 64]" "xor esi, esi" "xor edx, edx" "gate 14";
    method_mask: "sub rsp, 136" "mov qword ptr [rsp + 48], 2" "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0";
    method_beyond: "sub rsp, 136" "mov qword ptr [rsp + 48], 64" "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0";
    method_large: "sub rsp, 136" "mov qword ptr [rsp + 48], 200" "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0";
    never_granted: "sub rsp, 136" "mov qword ptr [rsp + 48], 0" "mov rsi, rsp" "mov rdi, [rdi + 96]" "gate 0";
    call_second: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp + 48], 0" "mov rsi, rsp" "handle 1, rdi" "gate 0"
        "finish rax";
    serve: "sub rsp, 136" "mov rdi, rsp" "gate 1"
        "1: mov qword ptr [rsp + 56], 0" "mov rdi, rsp" "gate 2" "jmp 1b";
    serve_and_die: "sub rsp, 136" "mov rdi, rsp" "gate 1" "ud2";
    outside_gate: "mov eax, 9" "syscall";
    outside_gate_page_end: "mov eax, 9" "lea rcx, [rip]" "syscall";
    unknown_call: "mov eax, 99" "mov r10, 0x13fffd000 + 7 * 128 + 8" "jmp r10";
    large_call: "mov rax, 0x100000009" "mov r10, 0x13fffd000 + 7 * 128 + 8" "jmp r10";
    middle_of_call: "mov rdi, -2" "mov rsi, -3" "mov rdx, -4" "mov rbx, -5" "mov rbp, -6" "mov r8, -7" "mov r12, -8"
        "mov r13, -9" "mov r14, -10" "mov r15, -11" "xor eax, eax" "mov r10, 0x13fffd000 + 47" "jmp r10";
    middle_of_store: "mov rax, 0xffffffff80100000" "push rax" "mov r10, 0x13fffd000 + 49" "jmp r10";
    middle_without_stack: "mov rsp, 0xffffffff80180000" "mov rdi, -2" "mov eax, 8" "mov r10, 0x13fffd000 + 8 * 128 + 8"
        "jmp r10";
    padding_of_gate: "mov rax, 0x13fffd000 + 100" "jmp rax";
    frame_in_kernel: "mov rdi, [rdi + 64]" "mov rsi, 0xffffffff80100000" "gate 0";
    frame_wraps: "mov rdi, [rdi + 64]" "mov rsi, 0xffffffffffffffd0" "gate 0";
    frame_unmapped: "mov rdi, [rdi + 64]" "mov rsi, 0x1000" "gate 0";
    frame_read_only: "mov rsi, rdi" "mov rdi, [rdi + 64]" "gate 0";
    receive_in_kernel: "mov rdi, 0xffffffff80100000" "gate 2";
    reply_in_kernel: "xor edi, edi" "mov rsi, 0xffffffff80100000" "gate 3";
    reply_wraps: "xor edi, edi" "mov rsi, 0xfffffffffffffff8" "gate 3";
    reply_unmapped: "xor edi, edi" "mov rsi, 0x1000" "gate 3";
    reply_half_mapped: "xor edi, edi" "mov rsi, 0x13fff6ff8" "gate 3";
    reply_misaligned: "xor edi, edi" "lea rsi, [rsp - 255]" "gate 3";
    handles_in_kernel: "mov rdi, [rdi + 64]" "mov esi, 0x100" "mov rdx, 0xffffffff80100000" "xor eax, eax"
        "mov r10, 0x13fffd000 + 47" "jmp r10";
    handles_forged: "sub rsp, 136" "mov qword ptr [rsp + 48], 0x100" "mov qword ptr [rsp + 80], 0x77" "mov rsi, rsp"
        "mov rdi, [rdi + 64]" "gate 0";
    handles_many: "sub rsp, 136" "mov qword ptr [rsp + 48], 0xff00" "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0"
        "finish rax";
    frame_misaligned: "mov r12, rdi" "sub rsp, 136" "mov rbx, [r12 + 72]" "mov dword ptr [rbx], 0x0a646c6f"
        "mov rax, 0x400000000" "mov [rsp + 1], rax" "mov qword ptr [rsp + 49], 0" "lea rsi, [rsp + 1]"
        "handle 0, rdi" "gate 0" "finish rax";
    text_beyond_window: "sub rsp, 136" "mov rax, 0x100001000" "mov [rsp], rax" "mov qword ptr [rsp + 48], 0"
        "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0" "finish rax";
    text_longer_than_window: "sub rsp, 136" "mov rax, 0xffffffff00000000" "mov [rsp], rax" "mov qword ptr [rsp + 48], 0"
        "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0" "finish rax";
    text_wraps: "sub rsp, 136" "mov rax, 0xffffffffffffffff" "mov [rsp], rax" "mov qword ptr [rsp + 48], 0"
        "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0" "finish rax";
    no_reply: "sub rsp, 136" "mov rdi, rsp" "gate 2";
    reply_of_nobody: "mov edi, 3" "mov rsi, rsp" "gate 3";
}

fn dies_of(name: &str, fault: Fault) {
    let raw = Raw::new(name, &program(name)).requires("Adder", 1);
    boot(&System::with_peer().offender(&raw).module()).stopped(name, fault);
}

/// The offender ends with the status as its exit code.
fn gets(name: &str, status: Status) {
    let system = System::with_peer().offender(&Raw::new(name, &program(name)));
    let outcome = boot(&system.module());
    assert_eq!(outcome.stopped(name, Fault::Exit).detail, status.number(), "{}", outcome.console);
}

macro_rules! faults {
    ($($name:ident $fault:ident;)+) => {$(
        #[test]
        fn $name() {
            dies_of(stringify!($name), Fault::$fault);
        }
    )+};
}

macro_rules! statuses {
    ($($name:ident $status:ident;)+) => {$(
        #[test]
        fn $name() {
            gets(stringify!($name), Status::$status);
        }
    )+};
}

faults! {
    forged ForgedHandle;
    out_of_range ForgedHandle;
    zero_handle ForgedHandle;
    all_ones ForgedHandle;
    other_generation ForgedHandle;
    wrong_object WrongObject;
    stop_without_machine WrongObject;
    admit_without_image WrongObject;
    method_mask MethodMask;
    method_beyond MethodMask;
    method_large MethodMask;
    never_granted ForgedHandle;
    outside_gate OutsideGate;
    outside_gate_page_end OutsideGate;
    unknown_call UnknownCall;
    large_call UnknownCall;
    middle_of_call ForgedHandle;
    middle_of_store WriteFault;
    middle_without_stack ForgedHandle;
    padding_of_gate SoftwareInterrupt;
    frame_in_kernel ReadFault;
    frame_wraps ReadFault;
    frame_unmapped ReadFault;
    receive_in_kernel ReadFault;
    reply_in_kernel BadPointer;
    reply_wraps BadPointer;
    reply_unmapped BadPointer;
    reply_half_mapped BadPointer;
    reply_misaligned NoReply;
    handles_in_kernel BadPointer;
    handles_forged ForgedHandle;
    no_reply NoReply;
    reply_of_nobody NoReply;
}

statuses! {
    stale Revoked;
    stale_call Revoked;
    handles_many Argument;
    text_beyond_window Malformed;
    text_longer_than_window Malformed;
    text_wraps Malformed;
}

/// A frame whose answer cannot be stored: the gate's own store faults, in the offender.
#[test]
fn frame_read_only() {
    let raw = Raw::new("frame_read_only", &program("frame_read_only"));
    let outcome = boot(&System::with_peer().offender(&raw).module());
    let fault = outcome.only("frame_read_only").fault;
    assert!([Fault::WriteFault, Fault::MethodMask].contains(&fault), "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(1));
}

/// Alignment is asked of compilers, not needed by the kernel: an odd frame is served.
#[test]
fn frame_misaligned() {
    let raw = Raw::new("frame_misaligned", &program("frame_misaligned"));
    let outcome = boot(&System::with_peer().offender(&raw).module());
    assert_eq!(outcome.only("frame_misaligned").detail, 0, "{}", outcome.console);
    outcome.says("old").peer_finished().exits(Exit::Root(0));
}

/// A client of a server at a priority: what does its call answer?
fn call(server: &str, server_priority: u8) -> u64 {
    let mut system = System::with_peer();
    let server = system.add(&Raw::new("server", &program(server)).exports("Adder"), server_priority);
    let client = system.add(&Raw::new("client", &program("call_second")).requires("Adder", 1), OFFENDER);
    system.grant(client, channel(1, server, 1, 0));
    let outcome = boot(&system.module());
    let line = outcome.only("client");
    assert_eq!(line.fault, Fault::Exit, "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(u32::from(line.detail != 0)));
    line.detail
}

#[test]
fn a_call_to_higher_priority_is_answered() {
    assert_eq!(call("serve", OFFENDER + 1), Status::Ok.number());
}

#[test]
fn a_call_to_equal_priority_is_refused() {
    assert_eq!(call("serve", OFFENDER), Status::Priority.number());
}

#[test]
fn a_call_to_lower_priority_is_refused() {
    assert_eq!(call("serve", OFFENDER - 1), Status::Priority.number());
}

#[test]
fn a_client_learns_that_its_server_died() {
    assert_eq!(call("serve_and_die", OFFENDER + 1), Status::PeerGone.number());
}
