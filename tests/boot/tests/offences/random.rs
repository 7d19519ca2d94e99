//! Components that call the kernel at random, with handles that are theirs: it answers or stops them, and never errs.

use boot::Ending;
use nanokernel_core::exit::Exit;
use sci::bundle::grant;
use tests_boot::raw::Raw;
use tests_boot::run::boot;
use tests_boot::system::{OFFENDER, System, memory, plain};

tests_boot::programs! { in random:
    // At `rsp` a table of 16 arguments, at `rsp + 512` a frame; `rbx` is the generator's state. At the end the calls to
    // choose from, and for each call the argument that is its handle; 16 is any of the four that were granted.
    calls: "mov r12, rdi" "sub rsp, 1032" "mov rax, [r12 + 8]" "mov rcx, 0x9e3779b97f4a7c15" "imul rax, rcx"
        "add rbx, rax" "mov r13d, 4000"
        "handle 0, rax" "mov [rsp], rax" "handle 1, rax" "mov [rsp + 8], rax"
        "handle 2, rax" "mov [rsp + 16], rax" "handle 3, rax" "mov [rsp + 24], rax"
        "mov qword ptr [rsp + 32], 0" "mov qword ptr [rsp + 40], 1" "mov qword ptr [rsp + 48], 2"
        "mov qword ptr [rsp + 56], 4096" "mov qword ptr [rsp + 64], 0x20001" "mov qword ptr [rsp + 72], -1"
        "lea rax, [rsp + 512]" "mov [rsp + 80], rax" "mov rax, 0xffffffff80100000" "mov [rsp + 88], rax"
        "mov rax, 0x13fff3000" "mov [rsp + 96], rax" "mov rax, 0x150000000" "mov [rsp + 104], rax"
        "handle 1, rdi" "mov esi, 0x2000" "xor edx, edx" "gate 10" "mov [rsp + 112], rdx"
        "1: mov rax, rbx" "shl rax, 13" "xor rbx, rax" "mov rax, rbx" "shr rax, 7" "xor rbx, rax"
        "mov rax, rbx" "shl rax, 17" "xor rbx, rax" "mov [rsp + 120], rbx"
        // The call, and the handle that it needs; now and then any other.
        "mov rax, rbx" "shr rax, 8" "and eax, 31" "lea r9, [rip + 6f]" "movzx r10d, byte ptr [r9 + rax]"
        "movzx eax, byte ptr [r9 + r10 + 32]" "cmp eax, 16" "jne 2f" "mov rax, rbx" "shr rax, 44" "and eax, 3"
        "2: mov r9, rbx" "shr r9, 54" "jnz 2f" "mov rax, rbx" "shr rax, 40" "and eax, 15"
        "2: mov rdi, [rsp + rax * 8]"
        "mov rax, rbx" "shr rax, 36" "and eax, 15" "mov rsi, [rsp + rax * 8]"
        "mov rax, rbx" "shr rax, 32" "and eax, 15" "mov rdx, [rsp + rax * 8]"
        "mov rax, rbx" "shr rax, 28" "and eax, 15" "mov rcx, [rsp + rax * 8]"
        "mov rax, rbx" "shr rax, 24" "and eax, 15" "mov r8, [rsp + rax * 8]"
        "cmp r10d, 5" "je 5f" "cmp r10d, 11" "je 7f" "cmp r10d, 18" "je 8f" "test r10d, r10d" "jne 4f"
        "mov r9, rbx" "shr r9, 20" "and r9d, 0x300" "mov [rsp + 560], r9" "mov qword ptr [rsp + 512], 0"
        "mov r9, [rsp]" "mov [rsp + 592], r9" "mov r9, [rsp + 8]" "mov [rsp + 600], r9" "lea rsi, [rsp + 512]" "jmp 4f"
        // Waiting: until a moment that has passed. Mapping: a Memory that was made. A Clock: its time.
        "5: mov edx, 1" "jmp 4f"
        "7: mov rsi, [rsp + 112]" "jmp 4f"
        "8: mov esi, 2"
        "4: mov eax, r10d" "shl eax, 7" "mov r9, 0x13fffd000" "add rax, r9" "mov [rsp + 520], r10" "call rax"
        "test eax, eax" "jne 10f" "mov r10, [rsp + 520]" "cmp r10d, 10" "jne 10f" "mov [rsp + 112], rdx" "10:"
        "dec r13d" "jnz 1b" "finish 0"
        "6: .byte 0,0,4,4,5,6,6,6,7,8,8,8,9,10,10,10,10,11,11,11,11,11,12,12,12,13,17,18,19,22,23,25"
        ".byte 0,0,0,4,3,3,16,16,14,16,1,4,4,16,16,16,16,4,2,4,16,16,4,4,4,4";
}

/// Boots components with the seeds that begin at `first`, each restarted until root gives it up.
fn seeds(first: u64) {
    let mut system = System::with_peer();
    for seed in first..first + 12 {
        // mov rbx, seed
        let mut code = vec![0x48, 0xbb];
        code.extend(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
        code.extend(program("calls"));
        let raw = Raw::new(&format!("random-{seed}"), &code);
        let raw = raw.requires("Memory", 2).requires("Clock", 1).requires("Notification", 3);
        let instance = system.add(&raw, OFFENDER);
        system.grant(instance, memory(1, 2));
        system.grant(instance, plain(2, grant::CLOCK, 1));
        system.grant(instance, plain(3, grant::NOTIFICATION, 3));
        system.instances[instance as usize].restart = 2;
    }
    let outcome = boot(&system.module());
    for seed in first..first + 12 {
        let ends = outcome.of(&format!("random-{seed}")).len();
        assert_eq!(ends, 6, "random-{seed} ends as often as it starts:\n{}", outcome.console);
    }
    outcome.peer_finished();
    assert!(matches!(outcome.ending, Ending::Exit(Exit::Root(0 | 1))), "{}", outcome.console);
}

#[test]
fn random_calls_1() {
    seeds(1);
}

#[test]
fn random_calls_2() {
    seeds(101);
}

#[test]
fn random_calls_3() {
    seeds(201);
}
