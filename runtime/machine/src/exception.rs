//! What an exception of a realm's process means.
//!
//! Linux tells the signal and the address, not whether a fault was a read, a write or a fetch: the instruction and the
//! page table tell that. Details are what the processor's error code would be.

use iced_x86::{
    CpuidFeature, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, InstructionInfoOptions,
    OpAccess, Register, UsedMemory,
};
use nanokernel_core::{Page, Rights};
use nix::libc::{siginfo_t, user_regs_struct};
use nix::sys::signal::Signal;
use sci::layout::PAGE;
use sci::status::Fault;

/// Bytes of the longest instruction.
pub const INSTRUCTION_BYTES_MAX: usize = 15;
/// The kernel's own `si_code`: no address is known.
const SI_KERNEL: i32 = 0x80;
/// The `si_code` of a division.
const FPE_INTDIV: i32 = 1;
/// In a page fault's error code: the page is there; it was a write; by ring 3; a fetch.
const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const FETCH: u64 = 1 << 4;
/// Whose exceptions have a number of their own.
const X87: [CpuidFeature; 4] =
    [CpuidFeature::FPU, CpuidFeature::FPU287, CpuidFeature::FPU387, CpuidFeature::FPU387SL_ONLY];
/// Opcode bytes of `int3`, `int n`.
const INT3: u8 = 0xcc;
const INT: u8 = 0xcd;

/// A fault for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What it is. Reads and writes of the stack's guard are not told apart from others here.
    pub fault: Fault,
    /// The address touched, where there is one.
    pub address: u64,
    /// What the machine adds: exception number, error code, number of the interrupt.
    pub detail: u64,
    /// Where the instruction begins that did it.
    pub instruction: u64,
}

/// Reads the code of the process: what can be executed from an address on.
pub type Code<'c> = &'c dyn Fn(u64, &mut [u8; INSTRUCTION_BYTES_MAX]) -> usize;

/// What a `syscall` stop outside the gate is: another instruction may have led there, too.
pub fn of_call(registers: &user_regs_struct, code: Code<'_>) -> Meaning {
    let (instruction, detail) = (registers.rip, 0);
    let mut bytes = [0; INSTRUCTION_BYTES_MAX];
    let before = registers.rip.wrapping_sub(2);
    if code(before, &mut bytes) >= 2 && bytes[0] == INT {
        let detail = u64::from(bytes[1]);
        return Meaning { fault: Fault::SoftwareInterrupt, address: 0, detail, instruction: before };
    }
    Meaning { fault: Fault::OutsideGate, address: instruction, detail, instruction }
}

/// What a signal means. `page` is what is mapped at the address of a page fault.
pub fn of_signal(
    signal: Signal,
    information: &siginfo_t,
    registers: &user_regs_struct,
    page: &dyn Fn(u64) -> Option<Page>,
    code: Code<'_>,
) -> Meaning {
    let here = registers.rip;
    let plain = |fault, detail| Meaning { fault, address: 0, detail, instruction: here };
    let mut bytes = [0; INSTRUCTION_BYTES_MAX];
    let count = code(here, &mut bytes);
    let decoded = decode(here, bytes.get(..count).unwrap_or_default());
    match signal {
        Signal::SIGSEGV if information.si_code == SI_KERNEL => match bytes {
            [INT, number, ..] if count >= 2 => plain(Fault::SoftwareInterrupt, u64::from(number)),
            // `int 4` is let through, and traps behind itself.
            _ => match of_call(registers, code) {
                trapped @ Meaning { fault: Fault::SoftwareInterrupt, .. } => trapped,
                _ => plain(Fault::Privileged, 0),
            },
        },
        Signal::SIGSEGV => {
            // SAFETY: the kernel fills the address in for every fault of memory.
            let address = unsafe { information.si_addr() }.addr() as u64;
            page_fault(address, page(address), registers, decoded.as_ref())
        }
        Signal::SIGILL => plain(Fault::Undefined, 6),
        Signal::SIGFPE if information.si_code == FPE_INTDIV => plain(Fault::Division, 0),
        Signal::SIGFPE => {
            let is_x87 = |it: Instruction| it.cpuid_features().iter().any(|feature| X87.contains(feature));
            plain(Fault::Float, if decoded.is_some_and(is_x87) { 16 } else { 19 })
        }
        // An address that is none, by way of the stack.
        Signal::SIGBUS if information.si_code == SI_KERNEL => plain(Fault::Privileged, 0),
        Signal::SIGBUS => plain(Fault::Exception, 17),
        Signal::SIGTRAP if information.si_code == SI_KERNEL => {
            let before = here.wrapping_sub(1);
            if code(before, &mut bytes) >= 1 && bytes[0] == INT3 {
                Meaning { instruction: before, ..plain(Fault::SoftwareInterrupt, 3) }
            } else {
                of_call(registers, code)
            }
        }
        Signal::SIGTRAP => plain(Fault::Exception, 1),
        // The page of old calls: on the machine nothing is there.
        Signal::SIGSYS => Meaning { address: here, ..plain(Fault::ExecuteFault, FETCH | USER) },
        _ => plain(Fault::Exception, signal as u64),
    }
}

fn page_fault(
    address: u64,
    page: Option<Page>,
    registers: &user_regs_struct,
    instruction: Option<&Instruction>,
) -> Meaning {
    let here = registers.rip;
    let present = page.map_or(0, |_| PRESENT);
    // A fetch fails at the instruction, or where it goes on in the next page.
    let goes_on = instruction.is_none() && address.is_multiple_of(PAGE);
    let is_there = address == here || goes_on && address.wrapping_sub(here) < INSTRUCTION_BYTES_MAX as u64;
    let is_fetch = is_there && page.is_none_or(|page| page.rights != Rights::Execute);
    let is_write = match page {
        // Every page can be read.
        Some(page) => page.rights != Rights::Write,
        None => instruction.is_some_and(|it| writes(it, address, registers)),
    };
    let (fault, access) = match (is_fetch, is_write) {
        (true, _) => (Fault::ExecuteFault, FETCH),
        (false, true) => (Fault::WriteFault, WRITE),
        (false, false) => (Fault::ReadFault, 0),
    };
    Meaning { fault, address, detail: present | access | USER, instruction: here }
}

fn decode(address: u64, bytes: &[u8]) -> Option<Instruction> {
    let mut decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
    let instruction = decoder.decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// Whether an instruction writes to an address that it cannot reach. One that touches several places is judged by the
/// one that holds the address; where none seems to, by all.
fn writes(instruction: &Instruction, address: u64, registers: &user_regs_struct) -> bool {
    let mut factory = InstructionInfoFactory::new();
    let information = factory.info_options(instruction, InstructionInfoOptions::NO_REGISTER_USAGE);
    let writes = |memory: &UsedMemory| {
        matches!(
            memory.access(),
            OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
        )
    };
    let touched = information.used_memory();
    let holds = |memory: &&UsedMemory| {
        let start = memory.virtual_address(0, |register, _, _| value(register, registers));
        let bytes = memory.memory_size().size().max(1) as u64;
        start.is_some_and(|start| address.wrapping_sub(start) < bytes)
    };
    match touched.iter().find(holds) {
        Some(memory) => writes(memory),
        None => touched.iter().any(writes),
    }
}

fn value(register: Register, registers: &user_regs_struct) -> Option<u64> {
    let whole = match register.full_register() {
        Register::RAX => registers.rax,
        Register::RBX => registers.rbx,
        Register::RCX => registers.rcx,
        Register::RDX => registers.rdx,
        Register::RSI => registers.rsi,
        Register::RDI => registers.rdi,
        Register::RBP => registers.rbp,
        Register::RSP => registers.rsp,
        Register::R8 => registers.r8,
        Register::R9 => registers.r9,
        Register::R10 => registers.r10,
        Register::R11 => registers.r11,
        Register::R12 => registers.r12,
        Register::R13 => registers.r13,
        Register::R14 => registers.r14,
        Register::R15 => registers.r15,
        // Segments have no base here.
        Register::ES | Register::CS | Register::SS | Register::DS | Register::FS | Register::GS => 0,
        _ => return None,
    };
    let bits = 8 * register.size() as u32;
    Some(if bits < 64 { whole & ((1 << bits) - 1) } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::EMPTY;
    use nanokernel_core::{Frame, Owner};

    const HERE: u64 = 0x1_3fff_3ffe;

    fn page(rights: Rights) -> Page {
        Page { frame: Frame(0), rights, owner: Owner::Space }
    }

    /// Fault and error code of an instruction whose access to an address failed.
    fn meaning(code: &[u8], address: u64, page: Option<Page>) -> (Fault, u64) {
        let registers = user_regs_struct { rip: HERE, rsi: 0x1000, rdi: 0x2000, rsp: 0x3008, ..EMPTY };
        let meaning = page_fault(address, page, &registers, decode(HERE, code).as_ref());
        assert_eq!((meaning.address, meaning.instruction), (address, HERE));
        (meaning.fault, meaning.detail)
    }

    #[test]
    fn an_instruction_tells_reads_from_writes_where_nothing_is_mapped() {
        let (load, store, add) = (&[0x48, 0x8b, 0x06], &[0x48, 0x89, 0x07], &[0x48, 0x01, 0x07]);
        assert_eq!(meaning(load, 0x1000, None), (Fault::ReadFault, USER));
        assert_eq!(meaning(store, 0x2000, None), (Fault::WriteFault, USER | WRITE));
        assert_eq!(meaning(add, 0x2004, None), (Fault::WriteFault, USER | WRITE));
        // push, call, movsb: one place of several.
        assert_eq!(meaning(&[0x50], 0x3000, None), (Fault::WriteFault, USER | WRITE));
        assert_eq!(meaning(&[0xe8, 0, 0, 0, 0], 0x3000, None), (Fault::WriteFault, USER | WRITE));
        assert_eq!(meaning(&[0xa4], 0x1000, None), (Fault::ReadFault, USER));
        assert_eq!(meaning(&[0xa4], 0x2000, None), (Fault::WriteFault, USER | WRITE));
    }

    #[test]
    fn rights_tell_writes_where_something_is_mapped() {
        let store = &[0x48, 0x89, 0x07];
        let expected = (Fault::WriteFault, USER | WRITE | PRESENT);
        assert_eq!(meaning(store, 0x2000, Some(page(Rights::Read))), expected);
        assert_eq!(meaning(store, 0x2000, Some(page(Rights::Execute))), expected);
    }

    #[test]
    fn a_fetch_fails_where_the_instruction_lies() {
        assert_eq!(meaning(&[], HERE, None), (Fault::ExecuteFault, USER | FETCH));
        assert_eq!(
            meaning(&[], HERE, Some(page(Rights::Write))),
            (Fault::ExecuteFault, USER | FETCH | PRESENT)
        );
        // The rest of it lies in the next page.
        assert_eq!(meaning(&[0x48, 0x8b], HERE + 2, None), (Fault::ExecuteFault, USER | FETCH));
        // It writes to itself.
        let store = [0xc6, 0x05, 0xf9, 0xff, 0xff, 0xff, 0x90];
        assert_eq!(
            meaning(&store, HERE, Some(page(Rights::Execute))),
            (Fault::WriteFault, USER | WRITE | PRESENT)
        );
    }
}
