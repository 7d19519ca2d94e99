//! A run, and what it left.

use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use boot::qemu::{MEMORY_MIB, REMEDY};
use boot::{Ending, FaultLine, LinuxRun, Machine, Qemu, Run, Stop};
use nanokernel_core::exit::Exit;
use sci::status::Fault;

/// A run that takes longer hangs.
const OVERDUE: Duration = Duration::from_mins(1);

/// Instructions from an entry of the kernel to its exit, without the signature check: the gate of
/// `docs/promises.md`.
const STAY_MAX: u64 = 100_000;

/// Beginnings of lines that are a machine's own.
const FIGURES: [&str; 2] = ["space: frames ", "space: bench "];

/// What a run left.
#[derive(Debug)]
pub struct Outcome {
    /// What the serial port said.
    pub console: String,
    /// The kernel's fault lines; with the flag `verbose` those of clean ends, too.
    pub faults: Vec<FaultLine>,
    /// How it ended.
    pub ending: Ending,
}

/// Boots a module with the flags `verbose` and `bench`, under `-icount`; asserts that it does the same on this host.
///
/// # Panics
/// As [`boot_on`].
pub fn boot(module: &[u8]) -> Outcome {
    let outcome = boot_on(Machine::Microvm, module);
    outcome.same_as(&run_here(module));
    outcome
}

/// Boots a module in QEMU, then runs it on this host: for what the two machines need not do in the same way.
///
/// # Panics
/// As [`boot_on`].
pub fn boot_each(module: &[u8]) -> [Outcome; 2] {
    [boot_on(Machine::Microvm, module), run_here(module)]
}

/// Runs a module on this host, with the flag `verbose`.
fn run_here(module: &[u8]) -> Outcome {
    let interrupted = AtomicBool::new(false);
    let run = LinuxRun { module, verbose: true, stop: Stop::Overdue(OVERDUE), interrupted: &interrupted };
    Outcome::collected(|console| run.run(console))
}

/// Boots a module on a machine.
///
/// # Panics
/// If QEMU is missing: a boot test never passes without a boot.
pub fn boot_on(machine: Machine, module: &[u8]) -> Outcome {
    let qemu = Qemu::find().unwrap_or_else(|| panic!("QEMU is missing, and boot tests need it: {REMEDY}"));
    let interrupted = AtomicBool::new(false);
    let run = Run {
        qemu: &qemu,
        kernel: boot::KERNEL,
        module,
        machine,
        memory_mib: MEMORY_MIB,
        words: &["verbose".to_owned(), "bench".to_owned()],
        gdb: false,
        disk: None,
        trace: None,
        count: true,
        is_quiet: false,
        line: None,
        stop: Stop::Overdue(OVERDUE),
        interrupted: &interrupted,
    };
    let outcome = Outcome::collected(|console| run.run(console));
    outcome.stays_are_short();
    outcome
}

/// Where a run's console goes.
type Console<'c> = &'c mut dyn FnMut(&[u8]) -> io::Result<()>;

impl Outcome {
    /// What a run leaves.
    fn collected(
        run: impl FnOnce(Console<'_>) -> Result<(Ending, Vec<FaultLine>), boot::run::Error>,
    ) -> Self {
        let mut console = Vec::new();
        let ran = run(&mut |chunk| {
            console.extend_from_slice(chunk);
            Ok(())
        });
        let (ending, faults) = ran.expect("the machine runs");
        Self { console: String::from_utf8_lossy(&console).into_owned(), faults, ending }
    }

    /// Asserts that nothing that ran kept the kernel busy for long; a run that was refused has no figures.
    #[track_caller]
    fn stays_are_short(&self) {
        let stays = self.console.split_whitespace().filter_map(|word| word.strip_prefix("longest="));
        for stay in stays {
            let stay: u64 = stay.parse().expect("the kernel prints a number");
            println!("longest stay in the kernel: {stay} instructions");
            assert!(stay <= STAY_MAX, "{stay} instructions in the kernel at a time:\n{}", self.console);
        }
    }

    /// Asserts that components and kernel said the same in another run, and that it ended alike.
    ///
    /// Who says something before whom depends on time where components are independent of each other. Figures and the
    /// number of frames are a machine's own.
    #[track_caller]
    fn same_as(&self, other: &Self) {
        let lines = |outcome: &Self| {
            let is_figure = |line: &&str| FIGURES.iter().any(|figure| line.starts_with(figure));
            let lines = outcome.console.lines().map(str::trim_end).filter(|line| !is_figure(line));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(self), lines(other), "QEMU:\n{}\nthis host:\n{}", self.console, other.console);
        assert_eq!(self.ending, other.ending);
    }

    /// Asserts the exit.
    #[track_caller]
    pub fn exits(&self, exit: Exit) -> &Self {
        assert_eq!(self.ending, Ending::Exit(exit), "{}", self.console);
        self
    }

    /// Asserts that the peer printed all its lines and ended well.
    #[track_caller]
    pub fn peer_finished(&self) -> &Self {
        for line in ["peer 0", "peer 1", "peer 2", "peer 3", "peer 4", "peer done"] {
            let count = self.console.lines().filter(|found| found.trim_end() == line).count();
            assert_eq!(count, 1, "`{line}` is printed once:\n{}", self.console);
        }
        let ends: Vec<&FaultLine> = self.of("Peer");
        assert!(
            matches!(ends[..], [end] if end.fault == Fault::Exit && end.detail == 0),
            "the peer ends well: {ends:?}\n{}",
            self.console
        );
        self
    }

    /// The fault lines of a component.
    pub fn of(&self, realm: &str) -> Vec<&FaultLine> {
        self.faults.iter().filter(|line| line.realm == realm).collect()
    }

    /// The only fault line of a component.
    #[track_caller]
    pub fn only(&self, realm: &str) -> &FaultLine {
        let lines = self.of(realm);
        assert_eq!(lines.len(), 1, "{realm} stops once: {lines:?}\n{}", self.console);
        lines[0]
    }

    /// Asserts that the offender stopped once, by this fault, while the peer went on.
    #[track_caller]
    pub fn stopped(&self, realm: &str, fault: Fault) -> &FaultLine {
        let line = self.only(realm);
        assert_eq!(line.fault, fault, "{realm}: {line:?}\n{}", self.console);
        self.peer_finished().exits(Exit::Root(1));
        line
    }

    /// Whether a line of the console contains the text.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.console.contains(text), "`{text}` is printed:\n{}", self.console);
        self
    }

    /// The frames in use when the machine stopped.
    #[track_caller]
    pub fn frames_in_use(&self) -> u64 {
        let line = self.console.lines().find(|line| line.starts_with("space: frames "));
        let line = line.unwrap_or_else(|| panic!("the frames are counted:\n{}", self.console));
        let field = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            word.and_then(|word| word.parse::<u64>().ok()).unwrap_or_else(|| panic!("`{name}`: {line}"))
        };
        field("total=") - field("free=")
    }
}
