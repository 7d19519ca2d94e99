//! What the machine tests share: the kernel, QEMU, raw images.

pub mod raw;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use raw::{Raw, Wanted};

/// The kernel, built once for all tests; `SPACE_KERNEL` may hand in a finished one.
pub fn kernel() -> &'static PathBuf {
    static KERNEL: OnceLock<PathBuf> = OnceLock::new();
    KERNEL.get_or_init(|| {
        if let Some(given) = std::env::var_os("SPACE_KERNEL") {
            return given.into();
        }
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kernel");
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--package", "nanokernel-x86_64", "--features", "bare", "--profile", "kernel"])
            .arg("--target-dir")
            .arg(&target)
            .env("RUSTFLAGS", "--cfg curve25519_dalek_backend=\"serial\"")
            .env_remove("CARGO_TARGET_DIR")
            .status();
        assert!(built.expect("cargo runs").success(), "the kernel builds");
        target.join("kernel/nanokernel")
    })
}

/// What a run left.
pub struct Run {
    /// What the serial port said.
    pub output: String,
    /// QEMU's exit status.
    pub status: i32,
}

/// Boots images on a machine.
pub fn boot(machine: &str, arguments: &str, images: Vec<Raw>) -> Run {
    boot_on(machine, "max", arguments, images)
}

/// Boots images on a machine with a CPU of QEMU's.
pub fn boot_on(machine: &str, cpu: &str, arguments: &str, images: Vec<Raw>) -> Run {
    let module = raw::module(images);
    let place =
        std::env::temp_dir().join(format!("space-{}-{machine}-{:p}", std::process::id(), &raw const module));
    std::fs::write(&place, module).expect("the module can be written");
    let run = Command::new("timeout")
        .args(["60", "qemu-system-x86_64", "-M", machine, "-accel", "tcg", "-cpu", cpu, "-m", "128"])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        .args(["-icount", "shift=0,sleep=off", "-append", arguments, "-kernel"])
        .arg(kernel())
        .arg("-initrd")
        .arg(&place)
        .output()
        .expect("qemu-system-x86_64 is installed");
    std::fs::remove_file(&place).expect("the module can be removed");
    let output = String::from_utf8_lossy(&run.stdout).into_owned();
    Run { output, status: run.status.code().unwrap_or(-1) }
}

/// An image that requires interfaces with all their methods.
pub fn image(name: &str, code: &[u8], wanted: &[&str]) -> Raw {
    let wanted = wanted
        .iter()
        .map(|interface| Wanted {
            interface: (*interface).to_owned(),
            mask: if *interface == "Adder" { Some(1) } else { None },
            window: if *interface == "DebugConsole" { 4096 } else { 0 },
        })
        .collect();
    Raw { name: name.to_owned(), code: code.to_vec(), wanted, exported: Vec::new() }
}
