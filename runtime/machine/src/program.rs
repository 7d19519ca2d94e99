//! What a realm's process begins as: one page, written here byte by byte.
//!
//! The page holds a `syscall` instruction, by which the machine maps the realm's memory, and the filter that lets
//! through no other calls than those that map. Its own code only asks to end with the machine, and waits to be traced.

use std::fs::File;
use std::io::{self, Write as _};

use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use sci::layout::PAGE;

/// Where the page is: above whatever the kernel maps for a realm.
pub const BASE: u64 = 0x7f00_0000_0000;
/// The `syscall` instruction.
pub const SYSCALL: u64 = BASE + CODE + PREPARE.len() as u64;
/// What `seccomp` takes: the filter's length and place.
pub const FILTER_HEAD: u64 = BASE + HEAD;

/// Offset of the code: behind the ELF header and one program header.
const CODE: u64 = 64 + 56;
/// `prctl(PR_SET_PDEATHSIG, SIGKILL)`, then a loop.
const PREPARE: [u8; 19] = [
    0xb8, 157, 0, 0, 0, // mov eax, 157
    0xbf, 1, 0, 0, 0, // mov edi, 1
    0xbe, 9, 0, 0, 0, // mov esi, 9
    0x0f, 0x05, // syscall
    0xeb, 0xfe, // jmp .
];
/// `syscall; int3`.
const CALL: [u8; 3] = [0x0f, 0x05, 0xcc];
/// Offset of the filter's head, and of the filter behind it.
const HEAD: u64 = 160;
const FILTER_AT: u64 = HEAD + 16;

/// One instruction of the filter: code, jumps if true and false, operand. See `seccomp(2)`.
type Instruction = (u16, u8, u8, u32);

/// Load a word of the call's data; jump if equal; answer.
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const ANSWER: u16 = 0x06;
const ARCHITECTURE_X86_64: u32 = 0xc000_003e;

/// `mmap` and `munmap` go through; whatever else reaches the filter is a fault. That is the calls that no tracer sees:
/// the page of old calls at the top of the address space.
const FILTER: [Instruction; 7] = [
    (LOAD, 0, 0, 4),
    (JUMP_EQUAL, 0, 3, ARCHITECTURE_X86_64),
    (LOAD, 0, 0, 0),
    (JUMP_EQUAL, 2, 0, libc::SYS_mmap as u32),
    (JUMP_EQUAL, 1, 0, libc::SYS_munmap as u32),
    (ANSWER, 0, 0, libc::SECCOMP_RET_TRAP),
    (ANSWER, 0, 0, libc::SECCOMP_RET_ALLOW),
];

/// The program's file, ready to execute.
pub fn file() -> io::Result<File> {
    let mut file = File::from(memfd_create(c"realm", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(&bytes())?;
    Ok(file)
}

fn bytes() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    // An executable for x86-64, version 1.
    half(&mut bytes, &[2, 62]);
    word(&mut bytes, &[1]);
    // Entry, program headers, section headers.
    long(&mut bytes, &[BASE + CODE, 64, 0]);
    word(&mut bytes, &[0]);
    half(&mut bytes, &[64, 56, 1, 0, 0, 0]);
    // Load the file, readable and executable.
    word(&mut bytes, &[1, 5]);
    long(&mut bytes, &[0, BASE, BASE, PAGE, PAGE, PAGE]);
    bytes.extend(PREPARE);
    bytes.extend(CALL);
    bytes.resize(HEAD as usize, 0);
    half(&mut bytes, &[FILTER.len() as u16, 0, 0, 0]);
    long(&mut bytes, &[BASE + FILTER_AT]);
    for (code, is_true, is_false, operand) in FILTER {
        half(&mut bytes, &[code]);
        bytes.extend([is_true, is_false]);
        word(&mut bytes, &[operand]);
    }
    bytes.resize(PAGE as usize, 0);
    bytes
}

fn half(bytes: &mut Vec<u8>, values: &[u16]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn word(bytes: &mut Vec<u8>, values: &[u32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn long(bytes: &mut Vec<u8>, values: &[u64]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_lie_where_they_are_looked_for() {
        let bytes = bytes();
        assert_eq!(bytes.len() as u64, PAGE);
        let at = |address: u64| (address - BASE) as usize;
        assert_eq!(bytes[at(SYSCALL)..][..2], [0x0f, 0x05]);
        assert_eq!(bytes[at(FILTER_HEAD)..][..2], (FILTER.len() as u16).to_le_bytes());
        assert_eq!(bytes[at(FILTER_HEAD) + 8..][..8], (BASE + FILTER_AT).to_le_bytes());
    }

    #[test]
    fn the_filter_names_two_calls() {
        let answer = |call: u32, architecture: u32| {
            let (mut at, mut loaded) = (0, 0);
            loop {
                let (code, is_true, is_false, operand) = FILTER[at];
                at += 1;
                match code {
                    LOAD => loaded = if operand == 4 { architecture } else { call },
                    JUMP_EQUAL => at += usize::from(if loaded == operand { is_true } else { is_false }),
                    _ => return operand,
                }
            }
        };
        let passing: Vec<u32> =
            (0..1000).filter(|call| answer(*call, ARCHITECTURE_X86_64) == libc::SECCOMP_RET_ALLOW).collect();
        assert_eq!(passing, [libc::SYS_mmap as u32, libc::SYS_munmap as u32]);
        assert!((0..1000).all(|call| answer(call, 0x4000_0003) == libc::SECCOMP_RET_TRAP), "32-bit calls");
    }
}
