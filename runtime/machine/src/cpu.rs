//! What runs when: between the core and the processes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nanokernel_core::thread::{NONE, Registers, Resume, ThreadState};
use nanokernel_core::{Exit, Hal as _, Kernel, Options, Space as SpaceId};
use nix::libc::user_regs_struct;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;
use sci::layout::{GATE_PAGE, KERNEL_SLAB_BASE, PAGE};
use sci::status::Fault;
use sci::syscall::number;

use crate::clock::{self, Ticker};
use crate::exception::{self, Meaning};
use crate::machine::Machine;
use crate::process::{FLAGS, Stop};

/// Bytes of stack of the thread that holds the kernel's tables.
const STACK_BYTES: usize = 32 << 20;
/// How long nobody runs at most before the end of the run is looked at.
const PATIENCE: Duration = Duration::from_millis(10);

/// Why a machine did not come up, or came down.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host refused something.
    #[error("cannot {action}: {source}")]
    Host {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Its thread panicked.
    #[error("the machine's thread panicked")]
    Panicked,
}

impl Error {
    fn host(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Host { action, source }
    }
}

/// The machine to run on.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// What the command line would ask of the kernel.
    pub options: Options,
}

/// Boots a module, policy page and bundle, and runs until it ends: `None` where `ended` was set before.
///
/// `console` gets what is printed; [`sci::layout::KERNEL_LINE`] begins the kernel's own lines. The module's bytes stay in
/// memory until the process ends.
pub fn run(
    module: &[u8],
    settings: Settings,
    ended: &AtomicBool,
    console: impl FnMut(&[u8]) + Send,
) -> Result<Option<Exit>, Error> {
    thread::scope(|scope| {
        let machine = thread::Builder::new().name("machine".to_owned()).stack_size(STACK_BYTES);
        let run = move || Cpu::boot(module, settings, ended, console)?.run();
        let started = machine.spawn_scoped(scope, run).map_err(Error::host("start a thread"))?;
        started.join().map_err(|_| Error::Panicked)?
    })
}

struct Cpu<'e, C> {
    kernel: Box<Kernel>,
    machine: Machine,
    ticker: Ticker,
    ended: &'e AtomicBool,
    console: C,
}

impl<'e, C: FnMut(&[u8])> Cpu<'e, C> {
    fn boot(module: &[u8], settings: Settings, ended: &'e AtomicBool, console: C) -> Result<Self, Error> {
        stay_here();
        let mut machine =
            Machine::new(module, settings.memory_bytes).map_err(Error::host("make the machine's memory"))?;
        let mut kernel = Box::new(Kernel::new());
        let module: &'static [u8] = Box::leak(module.into());
        if let Err(exit) = kernel.boot(&mut machine, module, settings.options) {
            nanokernel_core::print_line(&mut machine, format_args!("boot failed: {}", exit.meaning()));
            machine.exit = Some(exit);
        }
        Ok(Self { kernel, machine, ticker: Ticker::start(), ended, console })
    }

    fn run(mut self) -> Result<Option<Exit>, Error> {
        while !self.ended.load(Ordering::Relaxed) && self.machine.exit.is_none() {
            if self.kernel.current == NONE {
                self.print();
                self.idle();
            } else {
                self.step()?;
            }
            if let Some(line) = self.machine.raised() {
                self.kernel.interrupt(line);
                self.kernel.reschedule();
            }
            if self.machine.printed.last() == Some(&b'\n') {
                self.print();
            }
        }
        self.print();
        Ok(self.machine.exit)
    }

    fn print(&mut self) {
        if !self.machine.printed.is_empty() {
            (self.console)(&self.machine.printed);
            self.machine.printed.clear();
        }
    }

    /// Waits until a sleeper's time has come; ends the run if none can ever wake anyone.
    fn idle(&mut self) {
        let sleeps = |state, wake| state == ThreadState::Waiting && wake != 0;
        let can_wake = self.kernel.threads.iter().any(|(_, thread)| sleeps(thread.state, thread.wake))
            || self.kernel.lines.iter().any(|(_, line)| line.realm != 0);
        if !can_wake {
            self.kernel.stop(&mut self.machine, Exit::Stuck);
            return;
        }
        thread::sleep(clock::until(self.kernel.wake_first).min(PATIENCE));
        self.kernel.tick(clock::now());
    }

    /// Runs the current thread until it enters the kernel.
    fn step(&mut self) -> Result<(), Error> {
        let current = self.kernel.current;
        let thread = self.kernel.threads.at_mut(usize::from(current));
        let (id, resume) = (thread.space, std::mem::replace(&mut thread.resume, Resume::Call));
        let given = thread.registers;
        let Some(space) = self.machine.space(id) else {
            return Err(Error::host("find a realm's process")(io::ErrorKind::NotFound.into()));
        };
        let registers = match resume {
            Resume::Call => given_to(space.process().fresh(), &given),
            Resume::Interrupt => space.interrupted,
        };
        let pid = space.process().pid();
        let ran = during(&self.ticker, pid, || space.run(registers));
        let (stop, registers) = ran.unwrap_or((Stop::Gone, registers));
        match stop {
            Stop::Call if is_gate(registers.rip) => self.call(&registers),
            Stop::Call => {
                let meaning = exception::of_call(&registers, &|at, into| self.code(id, at, into));
                self.trap(id, registers, meaning);
            }
            Stop::Exception(signal, information) => {
                let code = |at, into: &mut _| self.code(id, at, into);
                let page = |at| self.machine.page(id, at);
                let meaning = exception::of_signal(signal, &information, &registers, &page, &code);
                self.trap(id, registers, meaning);
            }
            Stop::Signal => {
                self.interrupted(id, registers, registers.rip);
                self.kernel.tick(clock::now());
            }
            Stop::Gone => self.kernel.trap(&mut self.machine, Fault::Killed, 0, 0),
        }
        Ok(())
    }

    /// A call through the gate.
    fn call(&mut self, from: &user_regs_struct) {
        let fast = [number::ipc_call, number::ipc_reply_recv].map(u64::from).contains(&from.orig_rax);
        let thread = self.kernel.threads.at_mut(usize::from(self.kernel.current));
        thread.registers = Registers {
            stack: from.rsp,
            instruction: from.rip,
            words: [from.rbx, from.rbp, from.r12, from.r13, from.r14, from.r15],
            status: from.orig_rax,
            value: from.rdx,
            method: from.rsi,
            badge: from.rdi,
            // These calls have three arguments.
            generation: if fast { 0 } else { from.r8 },
            fourth: if fast { 0 } else { from.r10 },
        };
        self.kernel.system_call(&mut self.machine);
    }

    fn trap(&mut self, space: SpaceId, registers: user_regs_struct, meaning: Meaning) {
        let Meaning { fault, address, detail, instruction } = meaning;
        self.interrupted(space, registers, instruction);
        let touched = matches!(fault, Fault::ReadFault | Fault::WriteFault);
        let fault = if touched && self.kernel.is_stack_guard(address) { Fault::StackOverflow } else { fault };
        self.kernel.trap(&mut self.machine, fault, address, detail);
    }

    /// Keeps the registers of a thread that did not enter by a call.
    fn interrupted(&mut self, space: SpaceId, registers: user_regs_struct, instruction: u64) {
        if let Some(space) = self.machine.space(space) {
            // What was interrupted is no system call that Linux would restart.
            space.interrupted = user_regs_struct { orig_rax: u64::MAX, ..registers };
        }
        let thread = self.kernel.threads.at_mut(usize::from(self.kernel.current));
        thread.resume = Resume::Interrupt;
        thread.registers.instruction = instruction;
        thread.registers.stack = registers.rsp;
    }

    /// Reads the code at an address as far as it goes.
    fn code(&self, space: SpaceId, address: u64, into: &mut [u8; exception::INSTRUCTION_BYTES_MAX]) -> usize {
        let left = (PAGE - address % PAGE).min(into.len() as u64) as usize;
        let (first, rest) = into.split_at_mut(left);
        if !self.machine.user_read(space, address, first) {
            return 0;
        }
        let goes_on = !rest.is_empty() && self.machine.user_read(space, address + left as u64, rest);
        left + if goes_on { rest.len() } else { 0 }
    }
}

/// Ticks meanwhile.
fn during<T>(ticker: &Ticker, process: Pid, run: impl FnOnce() -> T) -> T {
    ticker.set(Some(process));
    let result = run();
    ticker.set(None);
    result
}

fn is_gate(instruction: u64) -> bool {
    instruction / PAGE == (KERNEL_SLAB_BASE + GATE_PAGE) / PAGE
}

/// The registers of a thread that goes on behind a call, as the bare machine sets them.
fn given_to(fresh: user_regs_struct, given: &Registers) -> user_regs_struct {
    let [rbx, rbp, r12, r13, r14, r15] = given.words;
    user_regs_struct {
        rsp: given.stack,
        rip: given.instruction,
        rbx,
        rbp,
        r12,
        r13,
        r14,
        r15,
        rax: given.status,
        rdx: given.value,
        rsi: given.method,
        rdi: given.badge,
        r8: given.generation,
        r10: given.fourth,
        r9: 0,
        rcx: given.instruction,
        r11: FLAGS,
        ..fresh
    }
}

/// Keeps this thread and the processes that it starts on one processor: they take turns, and a switch between two
/// processors takes five times as long.
fn stay_here() {
    let mut here = CpuSet::new();
    // Where the host does not allow it, all is slower and nothing else.
    let _ = sched_getcpu()
        .and_then(|cpu| here.set(cpu))
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &here));
}
