//! A realm's process: traced, so that no system call of its own is ever carried out.
//!
//! Linux's `PTRACE_SYSEMU` stops the process where it would enter the host's kernel, as User-mode Linux and gVisor use it
//! (`ptrace(2)`). The few calls that map memory are made on its behalf: the registers are set to a `syscall` instruction
//! of the page that its program is, and one step is taken.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc::{self, siginfo_t, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use sci::layout::PAGE;

use crate::program::{self, FILTER_HEAD, SYSCALL};

/// The memory file's descriptor in every process.
const MEMORY: u64 = 0;
/// The flags that every processor has set, and interrupts.
pub const FLAGS: u64 = 0x202;
/// The request to run up to the next system call: see `ptrace(2)`.
const PTRACE_SYSEMU: u8 = 31;
/// Largest number that stands for an error of a system call.
const ERRORS: u64 = 4095;

/// Why a process stopped.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// At a system call, which was not carried out.
    Call,
    /// On a signal of the machine's clock, or of someone else who has no business here.
    Signal,
    /// On an exception.
    Exception(Signal, siginfo_t),
    /// It is gone.
    Gone,
}

/// One process. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// What its registers were at first: segments are right in there.
    fresh: user_regs_struct,
    /// Whether it was seen to have ended: its number may be another's.
    is_gone: Cell<bool>,
}

impl Process {
    /// Starts one that has `memory` open and nothing mapped but its program's page.
    pub fn start(memory: &File) -> io::Result<Self> {
        let program = program::file()?;
        let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
        command.arg0("realm").env_clear().current_dir("/").process_group(0);
        command.stdin(memory.try_clone()?).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let mut process = Self { child, fresh: EMPTY, is_gone: Cell::new(false) };
        let pid = process.pid();
        ptrace::seize(pid, Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD)?;
        ptrace::interrupt(pid)?;
        waitpid(pid, None)?;
        process.fresh = ptrace::getregs(pid)?;
        process.fresh.fs_base = 0;
        process.fresh.gs_base = 0;
        process.call(libc::SYS_prctl, [libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0, 0])?;
        // Time is a capability.
        process.call(libc::SYS_prctl, [libc::PR_SET_TSC as u64, libc::PR_TSC_SIGSEGV as u64, 0, 0, 0, 0])?;
        process.forget()?;
        let filter = [libc::SECCOMP_SET_MODE_FILTER.into(), 0, FILTER_HEAD, 0, 0, 0];
        process.call(libc::SYS_seccomp, filter)?;
        Ok(process)
    }

    /// Unmaps what Linux gave it: stack and clock pages.
    fn forget(&self) -> io::Result<()> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.child.id()))?;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let Some((start, end)) = range else { continue };
            let parse = |text| u64::from_str_radix(text, 16).map_err(io::Error::other);
            let (start, end) = (parse(start)?, parse(end)?);
            // The page of old calls above the lower half cannot be unmapped; the filter answers them.
            if start != program::BASE && end <= 1 << 47 {
                self.unmap(start, end - start)?;
            }
        }
        Ok(())
    }

    /// Maps a part of the memory file, in whole pages.
    pub fn map(&self, address: u64, bytes: u64, rights: i32, offset: u64) -> io::Result<()> {
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        self.call(libc::SYS_mmap, [address, bytes, rights as u64, flags as u64, MEMORY, offset])
    }

    /// Unmaps whole pages.
    pub fn unmap(&self, address: u64, bytes: u64) -> io::Result<()> {
        self.call(libc::SYS_munmap, [address, bytes.next_multiple_of(PAGE), 0, 0, 0, 0])
    }

    /// Has it make a system call.
    fn call(&self, number: i64, arguments: [u64; 6]) -> io::Result<()> {
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        let registers = user_regs_struct {
            rip: SYSCALL,
            rax: number as u64,
            rdi,
            rsi,
            rdx,
            r10,
            r8,
            r9,
            eflags: FLAGS,
            orig_rax: u64::MAX,
            ..self.fresh
        };
        let pid = self.pid();
        ptrace::setregs(pid, registers)?;
        loop {
            ptrace::step(pid, None)?;
            match waitpid(pid, None)? {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => break,
                // The clock's signal may be pending; the call is still to come.
                WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..) => {}
                _ => {
                    self.is_gone.set(true);
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        let result = ptrace::getregs(pid)?.rax;
        if result >= ERRORS.wrapping_neg() {
            return Err(io::Error::from_raw_os_error(result.wrapping_neg() as i32));
        }
        Ok(())
    }

    /// Registers of one that was never run, to fill in.
    pub fn fresh(&self) -> user_regs_struct {
        user_regs_struct { eflags: FLAGS, orig_rax: u64::MAX, ..self.fresh }
    }

    /// Runs it with these registers until it stops; answers why, and its registers then.
    pub fn run(&self, registers: user_regs_struct) -> nix::Result<(Stop, user_regs_struct)> {
        let pid = self.pid();
        let gone = |error| if error == Errno::ESRCH { Ok((Stop::Gone, EMPTY)) } else { Err(error) };
        if let Err(error) = ptrace::setregs(pid, registers).and_then(|()| go_on(pid)) {
            return gone(error);
        }
        let stop = match waitpid(pid, None)? {
            WaitStatus::PtraceSyscall(_) => Stop::Call,
            WaitStatus::Stopped(_, signal) => match ptrace::getsiginfo(pid) {
                Ok(information) if is_exception(signal, &information) => Stop::Exception(signal, information),
                Ok(_) => Stop::Signal,
                Err(error) => return gone(error),
            },
            WaitStatus::PtraceEvent(..) => Stop::Signal,
            _ => {
                self.is_gone.set(true);
                return Ok((Stop::Gone, EMPTY));
            }
        };
        match ptrace::getregs(pid) {
            Ok(registers) => Ok((stop, registers)),
            Err(error) => gone(error),
        }
    }

    /// The kernel's number of the process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

/// Lets it run up to the next system call, which is not carried out.
fn go_on(pid: Pid) -> nix::Result<()> {
    // glibc and musl have different types for the request, and nix knows it for glibc only.
    // SAFETY: the request reads and writes no memory of this process.
    let result = unsafe { libc::ptrace(PTRACE_SYSEMU.into(), pid.as_raw(), 0, 0) };
    Errno::result(result).map(drop)
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_gone.get() {
            // One that has ended meanwhile is only waited for.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Whether the kernel sent a signal because of what the process did.
fn is_exception(signal: Signal, information: &siginfo_t) -> bool {
    let is_one = matches!(
        signal,
        Signal::SIGSEGV | Signal::SIGBUS | Signal::SIGILL | Signal::SIGFPE | Signal::SIGTRAP | Signal::SIGSYS
    );
    is_one && information.si_code > 0
}

/// No registers.
pub const EMPTY: user_regs_struct = user_regs_struct {
    r15: 0,
    r14: 0,
    r13: 0,
    r12: 0,
    rbp: 0,
    rbx: 0,
    r11: 0,
    r10: 0,
    r9: 0,
    r8: 0,
    rax: 0,
    rcx: 0,
    rdx: 0,
    rsi: 0,
    rdi: 0,
    orig_rax: 0,
    rip: 0,
    cs: 0,
    eflags: 0,
    rsp: 0,
    ss: 0,
    fs_base: 0,
    gs_base: 0,
    ds: 0,
    es: 0,
    fs: 0,
    gs: 0,
};
