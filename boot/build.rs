//! Builds what every boot needs and embeds it: the kernel, the OS components that a system is linked with, and what
//! serves WebAssembly guests.
//!
//! The kernel has a profile and target folder of its own, so that the host's flags never reach it. Packagers
//! may hand in a finished one: `SPACE_KERNEL=<path>`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use compiler_driver::rust::{Cargo, NOT_INHERITED};
use compiler_driver::{Compilation, Options, PackageSource, ProjectSource, SourceFile, pipeline};

/// The crates that serve guests and topologies: package, and folder in the workspace.
const CRATES: [(&str, &str); 7] = [
    ("space.shim", "runtime/guest/shim"),
    ("space.zrun", "services/zrun/component"),
    ("space.zalone", "services/zrun/alone"),
    ("space.zmesh", "services/zmesh/component"),
    ("space.zrms", "services/zrms/component"),
    ("space.zdesk", "services/zdesk/component"),
    ("space.zstore", "services/store/component"),
];
/// What they call beside each other.
const CALLED: (&str, &str) = ("space.root", "services/os/root.in");

/// The kernel has no vector state of its own beyond SSE, so the code that would use it stays out.
const KERNEL_FLAGS: &str = "--cfg curve25519_dalek_backend=\"serial\"";

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let boot = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = boot.parent().ok_or("boot lies in the workspace")?;
    let shared = shared(&out);
    let kernel = kernel(root, &shared, &out)?;
    println!("cargo:rustc-env=SPACE_KERNEL_FILE={}", kernel.display());
    let mut images = os_components(root)?;
    images.extend(crates(root, &shared)?);
    let mut table = String::from("&[\n");
    for (name, bytes) in images {
        let image = out.join(format!("{name}.sci"));
        fs::write(&image, bytes)?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", image.to_string_lossy())?;
    }
    table.push(']');
    fs::write(out.join("os.rs"), table)?;
    Ok(())
}

/// Where cargo builds what does not depend on the host's profile or target, so that it is built once for all of them: in
/// the target folder around `out`, which cargo marks.
fn shared(out: &Path) -> PathBuf {
    let target = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.unwrap_or(out).join("bare")
}

/// Builds the kernel; answers its path.
fn kernel(root: &Path, shared: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=SPACE_KERNEL");
    if let Some(given) = env::var_os("SPACE_KERNEL") {
        let given = fs::canonicalize(given)?;
        println!("cargo:rerun-if-changed={}", given.display());
        return Ok(given);
    }
    for source in ["nanokernel", "sci/src", "sci/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={}", root.join(source).display());
    }
    let target = shared.join("kernel");
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
    let kernel = out.join("nanokernel");
    fs::copy(target.join("kernel/nanokernel"), &kernel)?;
    Ok(kernel)
}

/// Images by name.
type Images = Vec<(String, Vec<u8>)>;

/// Compiles `services/os/*.in`.
fn os_components(root: &Path) -> Result<Images, Box<dyn Error>> {
    let folder = root.join("services/os");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut images = Vec::new();
    for path in declarations(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = SourceFile { name: format!("services/os/{name}"), bytes: fs::read(&path)? };
        let project = ProjectSource { packages: vec![PackageSource { path: Vec::new(), files: vec![file] }] };
        images.extend(compiled(&name, pipeline::compile(&project, &Options::default()))?);
    }
    Ok(images)
}

/// Builds the crates that serve guests, in one project: one of them calls the other.
fn crates(root: &Path, shared: &Path) -> Result<Images, Box<dyn Error>> {
    let services = [
        "services/zrun",
        "services/zmesh",
        "services/zrms",
        "services/zdesk/component",
        "services/store",
        CALLED.1,
    ];
    let below = ["runtime/guest", "sci/src", "sci/Cargo.toml", "Cargo.toml", "Cargo.lock"];
    for source in services.into_iter().chain(below) {
        println!("cargo:rerun-if-changed={}", root.join(source).display());
    }
    let mut packages = vec![package(root, CALLED.0, &[root.join(CALLED.1)])?];
    for (name, folder) in CRATES {
        let mut paths = declarations(&root.join(folder))?;
        paths.push(root.join(folder).join("Cargo.toml"));
        packages.push(package(root, name, &paths)?);
    }
    let cargo = Cargo::within(root, &shared.join("crates"), &CRATES);
    let compilation = pipeline::compile_with(&ProjectSource { packages }, &Options::default(), &cargo);
    let mut images = compiled("what serves guests", compilation)?;
    images.retain(|(name, _)| CRATES.iter().any(|(package, _)| package.ends_with(&format!(".{name}"))));
    Ok(images)
}

/// A package of the project.
fn package(root: &Path, name: &str, paths: &[PathBuf]) -> Result<PackageSource, Box<dyn Error>> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
        files.push(SourceFile { name, bytes: fs::read(path)? });
    }
    Ok(PackageSource { path: name.split('.').map(str::to_owned).collect(), files })
}

/// The `.in` files of a folder, by name.
fn declarations(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "in"));
    paths.sort();
    Ok(paths)
}

/// The images of a compilation; its warnings are shown.
fn compiled(what: &str, compilation: Compilation) -> Result<Images, Box<dyn Error>> {
    let text = compiler_syntax::render(&compilation.diagnostics, &compilation.sources, false);
    if compilation.refused() {
        return Err(format!("{what} does not compile:\n{text}").into());
    }
    for line in text.lines() {
        println!("cargo:warning={line}");
    }
    Ok(compilation.components.into_iter().map(|component| (component.name, component.image)).collect())
}
