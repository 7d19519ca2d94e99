//! What no component may execute or touch.

use nanokernel_core::exit::Exit;
use sci::layout::KERNEL_SLAB_BASE;
use sci::status::Fault;
use tests_boot::raw::{DATA, Raw, TEXT};
use tests_boot::run::{boot, boot_each};
use tests_boot::system::System;

tests_boot::programs! { in instruction:
    read_kernel: "mov rax, 0xffffffff80100000" "mov rax, [rax]";
    read_null: "mov rax, [0]";
    read_physical: "mov rax, 0x100000" "mov rax, [rax]";
    read_beyond_slab: "mov rax, 0x140000000" "mov rax, [rax]";
    write_kernel: "mov rax, 0xffffffff80100000" "mov [rax], rax";
    write_text: "lea rax, [rip]" "mov byte ptr [rax], 0x90";
    write_relro: "mov rax, 0x13fff4000" "mov byte ptr [rax], 1";
    write_start_page: "mov byte ptr [rdi], 1";
    write_instance_page: "mov byte ptr [rdi - 4096], 1";
    write_gate: "mov byte ptr [rdi - 8192], 0x90";
    write_info_page: "mov byte ptr [rdi - 12288], 1";
    execute_data: "mov rax, 0x13fff5000" "call rax";
    execute_bss: "mov rax, 0x13fff6000" "mov byte ptr [rax], 0xc3" "call rax";
    execute_stack: "push 0xc3" "mov rax, rsp" "call rax";
    execute_kernel: "mov rax, 0xffffffff80101000" "jmp rax";
    overflow_stack: "1: push rax" "jmp 1b";
    cli: "cli";
    sti: "sti";
    hlt: "hlt";
    out_port: "mov dx, 0x3f8" "mov al, 0x41" "out dx, al";
    in_port: "mov dx, 0x3fd" "in al, dx";
    exit_device: "mov dx, 0xf4" "mov al, 0x11" "out dx, al";
    mov_from_cr0: "mov rax, cr0";
    mov_to_cr3: "xor eax, eax" "mov cr3, rax";
    mov_to_cr4: "xor eax, eax" "mov cr4, rax";
    mov_to_dr7: "xor eax, eax" "mov dr7, rax";
    sgdt: "sub rsp, 16" "sgdt [rsp]";
    sidt: "sub rsp, 16" "sidt [rsp]";
    sldt: "sldt ax";
    store_task: "str ax";
    smsw: "smsw ax";
    lgdt: "lgdt [rsp]";
    lidt: "lidt [rsp]";
    ltr: "mov ax, 0x28" "ltr ax";
    invlpg: "invlpg [rsp]";
    wbinvd: "wbinvd";
    clts: "clts";
    rdmsr: "mov ecx, 0xc0000082" "rdmsr";
    wrmsr: "mov ecx, 0xc0000082" "wrmsr";
    rdtsc: "rdtsc";
    rdtscp: "rdtscp";
    rdpmc: "xor ecx, ecx" "rdpmc";
    swapgs: "swapgs";
    sysret: "sysretq";
    xsetbv: "xor ecx, ecx" "mov eax, 7" "xor edx, edx" "xsetbv";
    wrfsbase: "wrfsbase rax";
    sysenter: "sysenter";
    undefined: "ud2";
    divide: "xor ecx, ecx" "mov eax, 1" "xor edx, edx" "div ecx";
    single_step: "pushfq" "or qword ptr [rsp], 0x100" "popfq" "nop";
    io_privilege: "pushfq" "or qword ptr [rsp], 0x3000" "popfq" "cli";
    far_address: "mov rax, 0x8000000000000000" "mov rax, [rax]";
    far_stack: "mov rsp, 0x8000000000000000" "push rax";
    kernel_selector: "push 8" "lea rax, [rip]" "push rax" "retfq";
    iret_to_kernel: "mov rax, rsp" "push 0x10" "push rax" "push 2" "push 8" "lea rax, [rip]" "push rax" "iretq";
}

/// The offsets in the programs above are those of the layout.
#[test]
fn programs_know_where_they_lie() {
    assert_eq!(KERNEL_SLAB_BASE + DATA, 0x1_3fff_5000);
    assert_eq!(KERNEL_SLAB_BASE + TEXT, 0x1_3fff_3000);
}

/// A far return names a ring 0 selector. Hardware refuses the selector; QEMU's emulation reads the frame on the stack as
/// the supervisor does, which SMAP refuses first. Either way the component dies.
fn far_return(name: &str) {
    for outcome in boot_each(&offending(name)) {
        let fault = outcome.only(name).fault;
        assert!([Fault::Privileged, Fault::ReadFault].contains(&fault), "{}", outcome.console);
        outcome.peer_finished().exits(Exit::Root(1));
    }
}

#[test]
fn kernel_selector() {
    far_return("kernel_selector");
}

#[test]
fn iret_to_kernel() {
    far_return("iret_to_kernel");
}

fn offending(name: &str) -> Vec<u8> {
    System::with_peer().offender(&Raw::new(name, &program(name))).module()
}

fn dies_of(name: &str, fault: Fault) {
    boot(&offending(name)).stopped(name, fault);
}

/// The kernel's half is not where QEMU's kernel has it, which the error code tells.
fn dies_elsewhere_of(name: &str, fault: Fault) {
    for outcome in boot_each(&offending(name)) {
        outcome.stopped(name, fault);
    }
}

/// On Linux it depends on processor and kernel whether these fault; where they do not, they change and tell nothing of
/// another component, and the undefined instruction behind them is reached; where an old way into Linux is taken, it comes
/// back to where nothing is mapped.
fn may_pass_on_linux(name: &str, fault: Fault) {
    let [bare, hosted] = boot_each(&offending(name));
    bare.stopped(name, fault);
    let ended = hosted.only(name).fault;
    let others = [Fault::Undefined, Fault::OutsideGate, Fault::ExecuteFault];
    assert!(ended == fault || others.contains(&ended), "{}", hosted.console);
    hosted.peer_finished().exits(Exit::Root(1));
}

macro_rules! offences {
    ($how:ident: $($name:ident $fault:ident;)+) => {$(
        #[test]
        fn $name() {
            $how(stringify!($name), Fault::$fault);
        }
    )+};
}

offences! { dies_elsewhere_of:
    execute_kernel ExecuteFault;
}

offences! { may_pass_on_linux:
    sgdt Privileged;
    sidt Privileged;
    sldt Privileged;
    store_task Privileged;
    smsw Privileged;
    wrfsbase Undefined;
    sysenter Undefined;
}

offences! { dies_of:
    read_kernel ReadFault;
    read_null ReadFault;
    read_physical ReadFault;
    read_beyond_slab ReadFault;
    write_kernel WriteFault;
    write_text WriteFault;
    write_relro WriteFault;
    write_start_page WriteFault;
    write_instance_page WriteFault;
    write_gate WriteFault;
    write_info_page WriteFault;
    execute_data ExecuteFault;
    execute_bss ExecuteFault;
    execute_stack ExecuteFault;
    overflow_stack StackOverflow;
    cli Privileged;
    sti Privileged;
    hlt Privileged;
    out_port Privileged;
    in_port Privileged;
    exit_device Privileged;
    mov_from_cr0 Privileged;
    mov_to_cr3 Privileged;
    mov_to_cr4 Privileged;
    mov_to_dr7 Privileged;
    lgdt Privileged;
    lidt Privileged;
    ltr Privileged;
    invlpg Privileged;
    wbinvd Privileged;
    clts Privileged;
    rdmsr Privileged;
    wrmsr Privileged;
    rdtsc Privileged;
    rdtscp Privileged;
    rdpmc Privileged;
    swapgs Privileged;
    sysret Privileged;
    xsetbv Privileged;
    undefined Undefined;
    divide Division;
    single_step Exception;
    io_privilege Privileged;
    far_address Privileged;
    far_stack Privileged;
}
