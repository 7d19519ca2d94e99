//! QEMU: where it is, and how it is called.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Name of the program.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// Variable that names another one.
pub const VARIABLE: &str = "SPACE_QEMU";
/// The program of util-linux that sets what a process inherits.
const SETPRIV: &str = "setpriv";
/// How to get it.
pub const REMEDY: &str = "install it (Debian, Ubuntu: `apt-get install qemu-system-x86`; Fedora: `dnf install \
                          qemu-system-x86`; macOS: `brew install qemu`), or set SPACE_QEMU to its path";
/// Memory of a machine that runs components, in MiB.
pub const MEMORY_MIB: u32 = 256;
/// Memory of a machine that runs a guest, in MiB: all that the kernel reaches.
pub const GUEST_MEMORY_MIB: u32 = 1024;

/// A machine that the kernel boots on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// The smallest: virtio-mmio and a serial port.
    #[default]
    Microvm,
    /// PCI Express, Intel Q35.
    Q35,
    /// PCI, Intel 440FX.
    Pc,
}

impl Machine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Microvm, Self::Q35, Self::Pc];

    /// Whether components there can drive a disk.
    pub const fn has_disk(self) -> bool {
        matches!(self, Self::Microvm)
    }

    /// QEMU's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Microvm => "microvm",
            Self::Q35 => "q35",
            Self::Pc => "pc",
        }
    }
}

/// An installed QEMU.
#[derive(Clone, Debug)]
pub struct Qemu {
    path: PathBuf,
}

impl Qemu {
    /// Looks in `SPACE_QEMU`, then along `PATH`.
    pub fn find() -> Option<Self> {
        if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            return is_program(&path).then_some(Self { path });
        }
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .map(|folder| folder.join(PROGRAM))
            .find(|path| is_program(path))
            .map(|path| Self { path })
    }

    /// Why there is none.
    pub fn missing() -> String {
        match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => format!("{VARIABLE} is {}, which is no program", path.display()),
            None => format!("{PROGRAM} is not on the PATH"),
        }
    }

    /// The one at a path.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command that starts it. Where util-linux can arrange that, it ends with the process that started it, even
    /// if that is killed.
    pub fn command(&self) -> io::Result<Command> {
        let path = std::path::absolute(&self.path)?;
        let bound = |command: &mut Command| {
            command.args(["--pdeathsig", "KILL", "--"]);
        };
        let mut probe = Command::new(SETPRIV);
        bound(&mut probe);
        let probed = probe.arg("true").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if cfg!(target_os = "linux") && probed.is_ok_and(|status| status.success()) {
            let mut command = Command::new(SETPRIV);
            bound(&mut command);
            command.arg(path);
            Ok(command)
        } else {
            Ok(Command::new(path))
        }
    }

    /// The first line of its `--version`; another program is an error.
    pub fn version(&self) -> io::Result<String> {
        let output = Command::new(&self.path).arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next().unwrap_or_default();
        if line.starts_with("QEMU") { Ok(line.to_owned()) } else { Err(io::Error::other("this is not QEMU")) }
    }
}

/// The second serial port, where a machine looks for it.
const LINE: &str = "isa-serial,chardev=line,iobase=0x2f8,irq=3";

/// A line to a socket of this host, which someone listens at.
fn socket(path: &Path) -> OsString {
    let mut words = OsString::from("socket,id=line,path=");
    words.push(path);
    words
}

/// What the machine is started with.
#[derive(Clone, Debug, Default)]
pub struct Arguments<'a> {
    /// The machine.
    pub machine: Machine,
    /// Its memory, in MiB.
    pub memory_mib: u32,
    /// Kernel and boot module.
    pub files: Option<(&'a Path, &'a Path)>,
    /// The kernel's command line.
    pub words: &'a [String],
    /// Wait for a debugger on port 1234.
    pub gdb: bool,
    /// Its disk: a file whose path has no comma.
    pub disk: Option<&'a str>,
    /// Write interrupts and resets to this file.
    pub trace: Option<&'a Path>,
    /// Count instructions: the clock is exact and the run repeatable.
    pub count: bool,
    /// A socket of this host that a second serial port is connected to.
    pub line: Option<&'a Path>,
}

impl Arguments<'_> {
    /// QEMU's command line.
    pub fn list(&self) -> Vec<OsString> {
        let mut list: Vec<OsString> = Vec::new();
        let mut put = |words: &[&str]| list.extend(words.iter().map(OsString::from));
        put(&["-M", self.machine.name(), "-accel", "tcg", "-cpu", "max", "-m", &self.memory_mib.to_string()]);
        put(&["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"]);
        put(&["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        if let Some(line) = self.line {
            list.extend(["-chardev".into(), socket(line), "-device".into(), LINE.into()]);
        }
        let mut put = |words: &[&str]| list.extend(words.iter().map(OsString::from));
        if self.count {
            put(&["-icount", "shift=0,sleep=off"]);
        }
        if self.gdb {
            put(&["-s", "-S"]);
        }
        if let Some(disk) = self.disk {
            // The kernel's driver knows virtio from version 1 on.
            put(&["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-blk-device,drive=disk"]);
            put(&["-drive", &format!("if=none,id=disk,format=raw,file={disk}")]);
        }
        if !self.words.is_empty() {
            put(&["-append", &self.words.join(" ")]);
        }
        if let Some(trace) = self.trace {
            put(&["-d", "int,cpu_reset,guest_errors", "-D"]);
            list.push(trace.into());
        }
        if let Some((kernel, module)) = self.files {
            list.extend(["-kernel".into(), kernel.into(), "-initrd".into(), module.into()]);
        }
        list
    }
}

fn is_program(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    metadata.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_what_was_asked_for() {
        let words = ["a=1".to_owned(), "b".to_owned()];
        let arguments = Arguments {
            machine: Machine::Q35,
            memory_mib: MEMORY_MIB,
            files: Some((Path::new("/k"), Path::new("/b c"))),
            words: &words,
            gdb: true,
            disk: Some("d"),
            ..Arguments::default()
        };
        let line: Vec<String> =
            arguments.list().into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(
            line.join(" "),
            "-M q35 -accel tcg -cpu max -m 256 -nodefaults -no-user-config -display none -serial stdio \
             -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 -s -S -global virtio-mmio.force-legacy=false \
             -device virtio-blk-device,drive=disk -drive if=none,id=disk,format=raw,file=d -append a=1 b \
             -kernel /k -initrd /b c"
        );
    }
}
