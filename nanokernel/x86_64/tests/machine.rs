//! The kernel on the machine: raw components that do what no compiled one can, each with the fault it must die
//! of while everyone else goes on, and components that call, wait, are preempted and serve interrupts.
//!
//! Code is assembled into this test's constants; `gate n` calls gate function *n*. Every component gets the
//! start page's address in `rdi`, and root keeps it in `r12`.

mod support;

use std::arch::global_asm;

use support::raw::{Raw, Wanted};
use support::{boot, boot_on, image};

macro_rules! programs {
    ($($name:ident: $($line:literal)+;)+) => {
        global_asm!(
            ".pushsection .rodata.programs,\"a\"",
            ".macro gate n\n mov rax, 0x13fffd000 + \\n * 128\n call rax\n.endm",
            ".macro entry slot, field, into\n mov \\into, [r12 + 64 + 32 * \\slot + \\field]\n.endm",
            ".macro control child, operation, a, b, c\n mov rdi, \\child\n mov esi, \\operation\n mov rdx, \\a\n \
             mov rcx, \\b\n mov r8, \\c\n gate 16\n test eax, eax\n jne 99f\n.endm",
            ".macro stop code\n mov rdx, \\code\n entry 1, 0, rdi\n mov esi, 4\n gate 18\n99: ud2\n.endm",
            ".macro finish code\n xor edi, edi\n xor esi, esi\n mov rdx, \\code\n gate 18\n99: ud2\n.endm",
            ".macro make index, tag, priority\n entry 2, 0, rdi\n mov rsi, \\index\n xor edx, edx\n gate 14\n \
             test eax, eax\n jne 99f\n mov rsi, rdx\n entry 3, 0, rdi\n mov rdx, \\tag\n mov ecx, \\priority\n \
             gate 15\n test eax, eax\n jne 99f\n.endm",
            $(concat!(".global program_", stringify!($name), "\nprogram_", stringify!($name), ":"), $($line,)+ "ud2",)+
            ".global programs_end\nprograms_end:",
            ".popsection",
        );
        /// A program's bytes: they end where the next one's begin.
        fn program(name: &str) -> Vec<u8> {
            unsafe extern "C" {
                $(#[link_name = concat!("program_", stringify!($name))] static $name: u8;)+
                static programs_end: u8;
            }
            let starts = [$((stringify!($name), &raw const $name),)+ ("", &raw const programs_end)];
            let at = starts.iter().position(|(one, _)| *one == name).expect("a program of this file");
            let (start, end) = (starts[at].1, starts[at + 1].1);
            // SAFETY: the assembler laid the programs out in this order, without gaps.
            unsafe { std::slice::from_raw_parts(start, end.offset_from_unsigned(start)).to_vec() }
        }
    };
}

programs! {
    // Root: runs the bundle's images one after the other, each until its report came, then kills it.
    each: "mov r12, rdi" "sub rsp, 136" "entry 4, 8, rax" "mov r13d, [rax + 16]" "mov r14d, 1"
        "1: cmp r14d, r13d" "jae 2f"
        "make r14, r14, 50" "mov rbx, rdx"
        "entry 0, 0, rcx" "mov rdi, rbx" "mov esi, 0" "xor edx, edx" "mov r8d, 7" "gate 16"
        "control rbx, 5, 0, 0, 0"
        "mov rdi, rsp" "gate 1"
        "control rbx, 6, 0, 0, 0"
        "mov rdi, rbx" "gate 8"
        "inc r14d" "jmp 1b"
        "2: stop 0";
    // Offenders.
    read_kernel: "mov rax, 0xffffffff80100000" "mov rax, [rax]";
    read_null: "mov rax, [0]";
    write_text: "lea rax, [rip]" "mov byte ptr [rax], 0x90";
    write_start_page: "mov byte ptr [rdi], 0x90";
    write_gate: "mov rax, 0x13fffd000" "mov byte ptr [rax], 0x90";
    execute_stack: "push 0xc3" "mov rax, rsp" "call rax";
    execute_kernel: "mov rax, 0xffffffff80101000" "jmp rax";
    overflow_stack: "1: push rax" "jmp 1b";
    cli: "cli";
    hlt: "hlt";
    port: "mov dx, 0x3f8" "out dx, al";
    cr3: "mov cr3, rax";
    sgdt: "sub rsp, 16" "sgdt [rsp]";
    lgdt: "lgdt [rsp]";
    rdmsr: "rdmsr";
    wrmsr: "wrmsr";
    rdtsc: "rdtsc";
    swapgs: "swapgs";
    sysret: "sysretq";
    xsetbv: "xor ecx, ecx" "mov eax, 7" "xor edx, edx" "xsetbv";
    wrfsbase: "wrfsbase rax";
    sysenter: "sysenter";
    undefined: "ud2";
    divide: "xor ecx, ecx" "mov eax, 1" "xor edx, edx" "div ecx";
    float: "sub rsp, 16" "mov word ptr [rsp], 0x300" "fldcw [rsp]" "fld1" "fldz" "fdivp" "fwait";
    single_step: "pushfq" "or qword ptr [rsp], 0x100" "popfq" "nop";
    far_address: "mov rax, 0x8000000000000000" "mov rax, [rax]";
    read_gs: "mov rax, gs:[0]";
    iret: "iretq";
    outside_gate: "mov eax, 9" "syscall";
    unknown_call: "mov eax, 99" "mov r10, 0x13fffd000 + 7 * 128 + 8" "jmp r10";
    large_call: "mov rax, 0x100000009" "mov r10, 0x13fffd000 + 7 * 128 + 8" "jmp r10";
    forged: "mov rdi, 0x100000005" "gate 9";
    out_of_range: "mov rdi, 0x1ffffffff" "gate 9";
    zero_handle: "xor edi, edi" "gate 9";
    stale: "mov rbx, [rdi + 64]" "mov rdi, rbx" "gate 8" "mov rdi, rbx" "gate 9" "cmp eax, 1" "jne 99f" "finish 77";
    wrong_object: "mov rdi, [rdi + 64]" "mov esi, 1" "gate 21";
    method_mask: "sub rsp, 136" "mov qword ptr [rsp + 48], 2" "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0";
    method_large: "sub rsp, 136" "mov qword ptr [rsp + 48], 200" "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0";
    frame_in_kernel: "mov rdi, [rdi + 64]" "mov rsi, 0xffffffff80100000" "gate 0";
    reply_in_kernel: "xor edi, edi" "mov rsi, 0xffffffff80100000" "gate 3";
    reply_wraps: "xor edi, edi" "mov rsi, 0xfffffffffffffff8" "gate 3";
    reply_unmapped: "xor edi, edi" "mov rsi, 0x1000" "gate 3";
    reply_in_guard: "xor edi, edi" "lea rsi, [rsp - 5 * 4096]" "gate 3";
    text_beyond_window: "sub rsp, 136" "mov rax, 0x100001000" "mov [rsp], rax" "mov qword ptr [rsp + 48], 0"
        "mov rsi, rsp" "mov rdi, [rdi + 64]" "gate 0";
    no_reply: "sub rsp, 136" "mov rdi, rsp" "gate 2";
    kernel_stack_pointer: "mov rsp, 0xffffffff80180000" "mov eax, 8" "mov r10, 0x13fffd000 + 8 * 128 + 8" "jmp r10";
    own_fault: "xor edi, edi" "mov esi, 3" "mov edx, 7" "gate 18";
    leave: "xor edi, edi" "xor esi, esi" "mov edx, 5" "gate 18";
    // A server that adds one to the first word, and a client that calls it 1000 times.
    server: "sub rsp, 136" "mov rdi, rsp" "gate 1"
        "1: add qword ptr [rsp], 1" "mov qword ptr [rsp + 56], 0" "mov rdi, rsp" "gate 2" "jmp 1b";
    client: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp], 0" "mov qword ptr [rsp + 48], 0" "mov ebx, 1000"
        "entry 1, 0, rdi" "mov esi, 2" "xor edx, edx" "gate 18" "mov r14, rdx"
        "1: entry 0, 0, rdi" "mov rsi, rsp" "gate 0" "test eax, eax" "jne 99f" "dec ebx" "jnz 1b"
        "entry 1, 0, rdi" "mov esi, 2" "xor edx, edx" "gate 18" "sub rdx, r14" "mov r15, rdx"
        "cmp qword ptr [rsp], 1000" "jne 99f"
        "mov ebx, 1000" "entry 1, 0, rdi" "mov esi, 2" "xor edx, edx" "gate 18" "mov r14, rdx"
        "2: gate 7" "dec ebx" "jnz 2b"
        "entry 1, 0, rdi" "mov esi, 2" "xor edx, edx" "gate 18" "sub rdx, r14"
        "shl rdx, 32" "or r15, rdx"
        "finish r15";
    pair: "mov r12, rdi" "sub rsp, 136"
        "make 1, 101, 50" "mov r13, rdx"
        "make 2, 102, 40" "mov r14, rdx"
        "control r14, 1, 0, r13, 0"
        "entry 5, 0, rbx" "control r14, 0, 1, rbx, 1"
        "control r13, 5, 0, 0, 0" "control r14, 5, 0, 0, 0"
        "mov rdi, rsp" "gate 1"
        "cmp qword ptr [rsp], 102" "jne 99f" "cmp qword ptr [rsp + 8], 0" "jne 99f"
        "control r14, 6, 0, 0, 0" "control r13, 6, 0, 0, 0"
        "stop 0";
    // A server that faults in its first call; its caller must learn which generation died.
    dying_server: "sub rsp, 136" "mov rdi, rsp" "gate 1" "ud2";
    left_client: "mov r12, rdi" "sub rsp, 136" "mov qword ptr [rsp + 48], 0"
        "entry 0, 0, rdi" "mov rsi, rsp" "gate 0" "cmp eax, 6" "jne 99f" "mov rdx, [rsp + 72]" "finish rdx";
    survivors: "mov r12, rdi" "sub rsp, 136"
        "make 1, 101, 50" "mov r13, rdx" "make 2, 102, 40" "mov r14, rdx"
        "control r14, 1, 0, r13, 0" "control r13, 5, 0, 0, 0" "control r14, 5, 0, 0, 0"
        "mov rdi, rsp" "gate 1" "cmp qword ptr [rsp], 101" "jne 99f" "cmp qword ptr [rsp + 8], 21" "jne 99f"
        "control r13, 7, 0, 0, 0" "control r13, 5, 0, 0, 0"
        "mov rdi, rsp" "gate 1" "cmp qword ptr [rsp], 102" "jne 99f" "cmp qword ptr [rsp + 32], 1" "jne 99f"
        "stop 0";
    // Two endless loops and a component that sleeps five times, all of one priority.
    endless: "1: inc rax" "jmp 1b";
    sleeper: "mov r12, rdi" "mov ebx, 5"
        "1: entry 1, 0, rdi" "mov esi, 2" "xor edx, edx" "gate 18"
        "add rdx, 3000000" "entry 0, 0, rdi" "xor esi, esi" "gate 5" "test eax, eax" "jne 99f"
        "dec ebx" "jnz 1b" "finish 0";
    crowd: "mov r12, rdi" "sub rsp, 136" "mov r14d, 1"
        "1: cmp r14d, 4" "jae 2f" "make r14, r14, 50" "mov rbx, rdx"
        "entry 4, 0, rcx" "mov rdi, rbx" "mov esi, 0" "xor edx, edx" "mov r8d, 3" "gate 16"
        "entry 5, 0, rcx" "mov rdi, rbx" "mov esi, 0" "mov edx, 1" "mov r8d, 1" "gate 16"
        "control rbx, 5, 0, 0, 0" "inc r14d" "jmp 1b"
        "2: mov rdi, rsp" "gate 1" "cmp qword ptr [rsp], 3" "jne 99f"
        "stop 0";
    // Two components that hold different vector and x87 registers over preemption, and lose them over a call.
    keeps: "mov rbx, [rdi - 4096]" "imul rbx, rbx, 0x11111111"
        "movq xmm0, rbx" "movq xmm15, rbx" "push rbx" "fild qword ptr [rsp]" "mov r8, rbx" "mov ecx, 3000000"
        "1: movq rdx, xmm0" "cmp rdx, rbx" "jne 99f" "movq rdx, xmm15" "cmp rdx, rbx" "jne 99f"
        "cmp r8, rbx" "jne 99f" "dec ecx" "jnz 1b"
        "fistp qword ptr [rsp]" "cmp [rsp], rbx" "jne 99f" "fild qword ptr [rsp]" "fstp st(0)"
        "xor edi, edi" "mov esi, 1" "gate 18"
        "movq rdx, xmm15" "test rdx, rdx" "jne 99f"
        "sub rsp, 520" "and rsp, -16" "fxsave64 [rsp]" "cmp qword ptr [rsp + 32], 0" "jne 99f"
        "cmp word ptr [rsp], 0x37f" "jne 99f"
        "finish 0";
    both: "mov r12, rdi" "sub rsp, 136"
        "make 1, 1, 50" "control rdx, 5, 0, 0, 0" "make 2, 2, 50" "control rdx, 5, 0, 0, 0"
        "mov rdi, rsp" "gate 1" "mov rbx, [rsp + 8]" "mov rdi, rsp" "gate 1" "or rbx, [rsp + 8]"
        "stop rbx";
    // A driver: writes the alphabet, a letter for each interrupt of the serial port.
    driver: "mov r12, rdi" "sub rsp, 136"
        "entry 1, 0, rdi" "xor esi, esi" "mov edx, 8" "gate 20" "test eax, eax" "jne 99f"
        ".macro to register, value\n entry 0, 0, rdi\n mov esi, 17\n mov edx, \\register\n mov ecx, \\value\n \
         gate 21\n test eax, eax\n jne 99f\n.endm"
        "to 2, 7" "to 4, 11" "mov ebx, 65" "to 1, 2"
        "1: mov rdi, rsp" "gate 1" "cmp qword ptr [rsp], 8" "jne 99f"
        "entry 0, 0, rdi" "mov esi, 1" "mov edx, 2" "gate 21" "test eax, eax" "jne 99f"
        "to 0, ebx" "inc ebx" "cmp ebx, 91" "je 2f"
        "entry 1, 0, rdi" "mov esi, 1" "xor edx, edx" "gate 20" "jmp 1b"
        "2: to 1, 0" "to 0, 10" "finish 0";
    devices: "mov r12, rdi" "sub rsp, 136" "make 1, 7, 50" "mov r13, rdx"
        "entry 4, 0, rdi" "mov rsi, -1" "mov edx, 0x803f8" "gate 6" "test eax, eax" "jne 99f"
        "mov r14, rdx" "control r13, 0, 0, r14, -1"
        "entry 5, 0, rdi" "mov rsi, -1" "mov edx, 4" "gate 6" "test eax, eax" "jne 99f"
        "mov r14, rdx" "control r13, 0, 1, r14, -1"
        "control r13, 5, 0, 0, 0" "mov rdi, rsp" "gate 1" "mov rdx, [rsp + 8]" "mov rbx, rdx"
        "stop rbx";
}

/// QEMU's status of a run that ended as it should.
const SUCCESS: i32 = 0x11 << 1 | 1;

/// Offenders and the fault, with its detail where it matters, that each must die of.
const OFFENDERS: &[(&str, &str)] = &[
    ("read_kernel", "fault=read-fault offset=0x3fff5007 address=0xffffffff80100000"),
    ("read_null", "fault=read-fault"),
    ("write_text", "fault=write-fault"),
    ("write_start_page", "fault=write-fault"),
    ("write_gate", "fault=write-fault"),
    ("execute_stack", "fault=execute-fault"),
    ("execute_kernel", "fault=execute-fault"),
    ("overflow_stack", "fault=stack-overflow"),
    ("cli", "fault=privileged"),
    ("hlt", "fault=privileged"),
    ("port", "fault=privileged"),
    ("cr3", "fault=privileged"),
    ("sgdt", "fault=privileged"),
    ("lgdt", "fault=privileged"),
    ("rdmsr", "fault=privileged"),
    ("wrmsr", "fault=privileged"),
    ("rdtsc", "fault=privileged"),
    ("swapgs", "fault=privileged"),
    ("sysret", "fault=privileged"),
    ("xsetbv", "fault=privileged"),
    ("wrfsbase", "fault=undefined-instruction"),
    ("sysenter", "fault=undefined-instruction"),
    ("undefined", "fault=undefined-instruction"),
    ("divide", "fault=division"),
    ("float", "fault=float"),
    ("single_step", "fault=exception"),
    ("far_address", "fault=privileged"),
    ("read_gs", "fault=read-fault"),
    ("iret", "fault=read-fault"),
    ("outside_gate", "fault=outside-gate"),
    ("unknown_call", "fault=unknown-call"),
    ("large_call", "fault=unknown-call"),
    ("forged", "fault=forged-handle"),
    ("out_of_range", "fault=forged-handle"),
    ("zero_handle", "fault=forged-handle"),
    ("stale", "detail=0x4d"),
    ("wrong_object", "fault=wrong-object"),
    ("method_mask", "fault=method-mask"),
    ("method_large", "fault=method-mask"),
    ("frame_in_kernel", "fault=read-fault"),
    ("reply_in_kernel", "fault=bad-pointer"),
    ("reply_wraps", "fault=bad-pointer"),
    ("reply_unmapped", "fault=bad-pointer"),
    ("reply_in_guard", "fault=bad-pointer"),
    ("text_beyond_window", "fault=bad-pointer"),
    ("no_reply", "fault=no-reply"),
    ("kernel_stack_pointer", "fault=forged-handle"),
    ("own_fault", "fault=stale-id"),
    ("leave", "fault=exit"),
];

fn root(name: &str, wanted: &[&str]) -> Raw {
    image("root", &program(name), &[&["DebugConsole", "Machine", "Image", "Realm"], wanted].concat())
}

/// An offender may write to its console, and no more.
fn offender(name: &str, code: &[u8]) -> Raw {
    let mut made = image(name, code, &["DebugConsole"]);
    made.wanted = vec![Wanted { interface: "DebugConsole".to_owned(), mask: Some(1), window: 4096 }];
    made
}

/// The frames that the run's last line counts: all, and free.
fn frames(output: &str) -> (u64, u64) {
    let line = output.lines().find(|line| line.contains("space: frames ")).expect("the accounts are printed");
    let field = |name: &str| {
        let word = line.split(' ').find_map(|word| word.strip_prefix(name)).expect("the field is there");
        word.parse().expect("it is a number")
    };
    (field("total="), field("free="))
}

#[test]
fn each_offender_dies_of_its_fault_and_leaves_nothing() {
    let mut images = vec![root("each", &["Memory"])];
    images.extend(OFFENDERS.iter().map(|(name, _)| offender(name, &program(name))));
    let run = boot("microvm", "verbose", images);
    assert_eq!(run.status, SUCCESS, "{}", run.output);
    for (name, expected) in OFFENDERS {
        let lines: Vec<&str> =
            run.output.lines().filter(|line| line.contains(&format!("realm={name} "))).collect();
        assert!(matches!(lines[..], [line] if line.contains(expected)), "{name}: {lines:?}");
    }
    let alone = boot("microvm", "verbose", vec![root("each", &["Memory"])]);
    let ((total, free), (alone_total, alone_free)) = (frames(&run.output), frames(&alone.output));
    assert_eq!(total - free, alone_total - alone_free, "every frame of the dead came back");
}

#[test]
fn every_software_interrupt_is_refused_by_its_number() {
    // A bundle holds 256 images at most.
    for first in [0, 128] {
        let numbers = first..=first + 127u8;
        let mut images = vec![root("each", &["Memory"])];
        images.extend(numbers.clone().map(|number| offender(&format!("int-{number}"), &[0xcd, number])));
        let run = boot("microvm", "", images);
        assert_eq!(run.status, SUCCESS, "{}", run.output);
        for number in numbers {
            let found = run.output.lines().any(|line| {
                line.contains(&format!("realm=int-{number} generation=1 fault=software-interrupt"))
                    && line.ends_with(&format!("detail={number:#x}"))
            });
            assert!(found, "int {number}: {}", run.output);
        }
    }
}

#[test]
fn calls_reach_the_server_within_the_promised_instructions() {
    let mut server = image("server", &program("server"), &[]);
    server.exported = vec![Wanted { interface: "Adder".to_owned(), mask: Some(1), window: 0 }];
    let client = image("client", &program("client"), &["Adder", "Clock"]);
    let run = boot("microvm", "verbose", vec![root("pair", &["Memory", "Clock"]), server, client]);
    assert_eq!(run.status, SUCCESS, "{}", run.output);
    let line = run.output.lines().find(|line| line.contains("realm=client")).expect("the client ended");
    let detail = line.split("detail=0x").nth(1).and_then(|detail| u64::from_str_radix(detail, 16).ok());
    let detail = detail.expect("its exit code is there");
    let (null, trip) = (detail >> 32, detail & 0xffff_ffff);
    println!("null call {null} / 1000, round trip {trip} / 1000");
    assert!(null <= 32_000, "a null call takes {null} instructions in a thousand");
    assert!(trip <= 320_000, "a round trip takes {trip} instructions in a thousand");
}

#[test]
fn a_caller_learns_that_its_server_died() {
    let mut server = image("server", &program("dying_server"), &[]);
    server.exported = vec![Wanted { interface: "Adder".to_owned(), mask: Some(1), window: 0 }];
    let client = image("client", &program("left_client"), &["Adder"]);
    let run = boot("microvm", "", vec![root("survivors", &[]), server, client]);
    assert_eq!(run.status, SUCCESS, "{}", run.output);
}

/// Two endless loops and one that sleeps, all of one priority.
#[track_caller]
fn crowd(machine: &str, cpu: &str) {
    let sleeper = image("sleeper", &program("sleeper"), &["Notification", "Clock"]);
    let endless = || image("endless", &program("endless"), &["Notification", "Clock"]);
    let images = vec![root("crowd", &["Notification", "Clock"]), endless(), endless(), sleeper];
    let run = boot_on(machine, cpu, "", images);
    assert_eq!(run.status, SUCCESS, "{}", run.output);
}

#[test]
fn endless_loops_do_not_keep_others_of_their_priority_from_running() {
    crowd("microvm", "max");
}

#[test]
fn the_pit_preempts_where_there_is_no_local_timer() {
    crowd("pc", "max,-apic");
}

#[test]
fn preemption_keeps_vector_registers_and_calls_clear_them() {
    let images =
        vec![root("both", &[]), image("one", &program("keeps"), &[]), image("two", &program("keeps"), &[])];
    let run = boot("microvm", "", images);
    assert_eq!(run.status, SUCCESS, "{}", run.output);
}

#[test]
fn a_driver_serves_its_interrupt_on_every_machine() {
    // Without a local controller the old pair and the PIT do its work.
    for (machine, cpu) in [("microvm", "max"), ("q35", "max"), ("pc", "max"), ("pc", "max,-apic")] {
        let driver = image("driver", &program("driver"), &["PortRange", "Interrupt"]);
        let run = boot_on(machine, cpu, "check", vec![root("devices", &["PortRange", "Interrupt"]), driver]);
        assert_eq!(run.status, SUCCESS, "{machine}: {}", run.output);
        assert!(run.output.contains("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "{machine}: {}", run.output);
        for line in ["kernel root entered", "interrupts enabled", "timer ticks (5 samples)", "object arena"] {
            assert!(run.output.contains(line), "{machine}: {line}: {}", run.output);
        }
    }
}
