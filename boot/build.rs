//! Builds what every boot needs and embeds it: the kernel, and the OS components that a system is linked with.
//!
//! The kernel has a profile and target folder of its own, so that the host's flags never reach it. Packagers
//! may hand in a finished one: `SPACE_KERNEL=<path>`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use compiler_driver::{Options, PackageSource, ProjectSource, SourceFile, pipeline};

/// What an outer cargo or clippy sets that the kernel's build must not inherit.
const NOT_INHERITED: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "CLIPPY_ARGS",
];

/// The kernel has no vector state of its own beyond SSE, so the code that would use it stays out.
const KERNEL_FLAGS: &str = "--cfg curve25519_dalek_backend=\"serial\"";

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let boot = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = boot.parent().ok_or("boot lies in the workspace")?;
    let kernel = kernel(root, &out)?;
    println!("cargo:rustc-env=SPACE_KERNEL_FILE={}", kernel.display());
    fs::write(out.join("os.rs"), os_components(root, &out)?)?;
    Ok(())
}

/// Builds the kernel; answers its path.
fn kernel(root: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=SPACE_KERNEL");
    if let Some(given) = env::var_os("SPACE_KERNEL") {
        let given = fs::canonicalize(given)?;
        println!("cargo:rerun-if-changed={}", given.display());
        return Ok(given);
    }
    for source in ["nanokernel", "sci/src", "sci/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={}", root.join(source).display());
    }
    let target = out.join("kernel");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).arg("build").args(["--package", "nanokernel-x86_64", "--bin", "nanokernel"]);
    cargo.args(["--features", "bare", "--profile", "kernel", "--target-dir"]).arg(&target);
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    cargo.env("RUSTFLAGS", KERNEL_FLAGS);
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("the kernel does not build: {status}").into());
    }
    Ok(target.join("kernel/nanokernel"))
}

/// Compiles `services/os/*.in`; answers the Rust table of the images.
fn os_components(root: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let folder = root.join("services/os");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut sources: Vec<PathBuf> = match fs::read_dir(&folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    sources.retain(|path| path.extension().is_some_and(|ending| ending == "in"));
    sources.sort();
    let mut table = String::from("&[\n");
    for path in sources {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = SourceFile { name: format!("services/os/{name}"), bytes: fs::read(&path)? };
        let project = ProjectSource { packages: vec![PackageSource { path: Vec::new(), files: vec![file] }] };
        let compilation = pipeline::compile(&project, &Options::default());
        let text = compiler_syntax::render(&compilation.diagnostics, &compilation.sources, false);
        if compilation.refused() {
            return Err(format!("{name} does not compile:\n{text}").into());
        }
        for line in text.lines() {
            println!("cargo:warning={line}");
        }
        for component in compilation.components {
            let image = out.join(format!("{}.sci", component.name));
            fs::write(&image, &component.image)?;
            writeln!(table, "    ({:?}, include_bytes!({:?})),", component.name, image.to_string_lossy())?;
        }
    }
    table.push(']');
    Ok(table)
}
