//! Cargo, the installed one: which flags it gets, and what it leaves.

use super::{Built, CrateError, Crates, guest};
use crate::error::Error;
use crate::project::{DEPTH_MAX, PROJECT_BYTES_MAX, PackageSource, SOURCE_BYTES_MAX, SOURCES_MAX};
use crate::{build, files};
use sci::digest::sha256;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The machine that components run on, which is also the one that crates of a host on Linux are built for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What the linker makes of a crate: one shared object that needs nothing but the kernel's functions, in which rights
/// do not share pages.
const LINKER: [&str; 4] = [
    "linker-features=-lld",
    "link-arg=-nostdlib",
    "link-arg=-nostartfiles",
    "link-arg=-Wl,-Bsymbolic,-z,separate-code,-z,max-page-size=4096,-z,now,-z,noexecstack,--build-id=none",
];

/// How every crate is built, whatever its manifest says: no unwinding, lines for reports of faults.
const PROFILE: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
    ("CARGO_PROFILE_RELEASE_STRIP", "none"),
    ("CARGO_PROFILE_RELEASE_SPLIT_DEBUGINFO", "off"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
];

/// What an outer cargo or clippy sets that a build of ours for another machine must not inherit.
pub const NOT_INHERITED: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "CLIPPY_ARGS",
];

/// The feature by which our own crates become components: without it they are built and tested for the host.
const BARE: &str = "bare";

/// Builds the crates of a project in its folder `build`, or those of a workspace.
#[derive(Clone, Debug)]
pub struct Cargo {
    root: PathBuf,
    build: PathBuf,
    /// Where it is a workspace, its crates: dotted package, and folder.
    crates: Option<Vec<(String, PathBuf)>>,
}

impl Cargo {
    /// For the project in a folder.
    pub fn new(root: &Path) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        Self { build: root.join("build"), root, crates: None }
    }

    /// For crates of our workspace, which has `space-guest` and a lock file: each a dotted package, and its folder in
    /// the workspace. Everything goes into `build`; nothing that an outer build sets goes in.
    pub fn within(workspace: &Path, build: &Path, crates: &[(&str, &str)]) -> Self {
        let folder = |(package, folder): &(&str, &str)| ((*package).to_owned(), workspace.join(folder));
        let (root, build) = (workspace.to_path_buf(), build.to_path_buf());
        Self { root, build, crates: Some(crates.iter().map(folder).collect()) }
    }

    /// The folder of a package's crate.
    fn folder(&self, package: &PackageSource) -> PathBuf {
        let name = package.path.join(".");
        let known = self.crates.iter().flatten().find(|(package, _)| *package == name);
        known.map_or_else(
            || package.path.iter().fold(self.root.clone(), |folder, name| folder.join(name)),
            |(_, folder)| folder.clone(),
        )
    }

    /// Writes `space-guest` to where the crates' manifests name it.
    fn provide(&self) -> Result<(), Error> {
        if self.crates.is_some() {
            return Ok(());
        }
        let folder = self.build.join("space-guest");
        write(&folder.join("Cargo.toml"), guest::MANIFEST)?;
        for (name, text) in guest::SOURCES {
            write(&folder.join(name), text)?;
        }
        Ok(())
    }

    /// Paths in the output are relative to the project, to what is built, to cargo's own folder and to the toolchain.
    fn remapped(&self) -> String {
        let mut flags = Vec::new();
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
        if let Some(home) = home {
            flags.push(format!("--remap-path-prefix={}=crates", home.join("registry/src").display()));
        }
        flags.push(format!("--remap-path-prefix={}=.", self.root.display()));
        if self.crates.is_some() {
            // The bindings lie there, wherever that is; of several prefixes the last one counts.
            flags.push(format!("--remap-path-prefix={}=build", self.build.display()));
        }
        flags.join("\u{1f}")
    }

    fn command(&self, folder: &Path, bindings: &Path) -> Command {
        let outer = std::env::var_os("CARGO").filter(|_| self.crates.is_some());
        let mut command = Command::new(outer.unwrap_or_else(|| "cargo".into()));
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
        command.args(["rustc", "--quiet", "--release", "--lib", "--crate-type", "cdylib"]);
        command.args(["--target", TARGET, "--message-format", "json-render-diagnostics"]);
        command.arg("--target-dir").arg(self.build.join("cargo"));
        if self.crates.is_some() {
            command.args(["--features", BARE]);
            for name in NOT_INHERITED {
                command.env_remove(name);
            }
        }
        command.arg("--").args(LINKER.iter().flat_map(|flag| ["-C", flag]));
        command.envs(PROFILE).env("CARGO_ENCODED_RUSTFLAGS", self.remapped());
        command.env("SPACE_BINDINGS", bindings);
        command
    }
}

impl Crates for Cargo {
    fn build(&self, package: &PackageSource, name: &str, bindings: &str) -> Result<Built, CrateError> {
        self.provide().map_err(Box::new)?;
        let place = self.build.join("bindings").join(format!("{name}.rs"));
        write(&place, bindings).map_err(Box::new)?;
        let folder = self.folder(package);
        let output = self.command(&folder, &place).stderr(Stdio::inherit()).output();
        let output = output.map_err(CrateError::NoCargo)?;
        if !output.status.success() {
            return Err(CrateError::Refused);
        }
        let manifest = folder.join("Cargo.toml");
        let object = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| shared_object(line, &manifest))
            .next_back()
            .ok_or(CrateError::NoLibrary)?;
        let elf = files::read(&object, build::OUTPUT_BYTES_MAX).map_err(Box::new)?;
        let files = self.sources(&folder).map_err(Box::new)?;
        Ok(Built { elf, files })
    }
}

/// The shared object that a message of cargo's names, if it is about the crate of this manifest.
fn shared_object(message: &str, manifest: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || Path::new(message["manifest_path"].as_str()?) != manifest {
        return None;
    }
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str).map(PathBuf::from);
    files.into_iter().find(|file| file.extension().is_some_and(|ending| ending == "so"))
}

impl Cargo {
    /// Names and hashes of the crate's own files.
    fn sources(&self, folder: &Path) -> Result<Vec<(String, [u8; 32])>, Error> {
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut folders = vec![(folder.join("src"), 0)];
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in list(folder)? {
            let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let is_in = entry.extension().is_some_and(|ending| ending == "in");
            if entry.is_file() && (is_in || matches!(name.as_str(), "Cargo.toml" | "Cargo.lock" | "build.rs"))
            {
                files.push(entry);
            }
        }
        while let Some((folder, depth)) = folders.pop() {
            let too_deep = depth > DEPTH_MAX || files.len() as u64 > SOURCES_MAX;
            if too_deep {
                return Err(self.too_large(&folder, SOURCES_MAX, "files of source"));
            }
            for entry in list(&folder)? {
                if entry.is_dir() {
                    folders.push((entry, depth + 1));
                } else if entry.is_file() {
                    files.push(entry);
                }
            }
        }
        for file in files {
            let content = files::read(&file, SOURCE_BYTES_MAX)?;
            bytes += content.len() as u64;
            if bytes > PROJECT_BYTES_MAX {
                return Err(self.too_large(folder, PROJECT_BYTES_MAX, "bytes of source"));
            }
            let name = file.strip_prefix(&self.root).unwrap_or(&file).to_string_lossy().into_owned();
            found.push((name, sha256(&content)));
        }
        found.sort();
        Ok(found)
    }

    fn too_large(&self, path: &Path, limit: u64, unit: &'static str) -> Error {
        let what = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
        Error::TooLarge { what, limit, unit }
    }
}

/// Entries of a folder; one that is not there has none.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(Error::io("read", folder))).collect()
}

/// Writes a file that cargo reads, unless it is there as it should be: cargo goes by the time of writing.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|known| known == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    files::replace(path, text.as_bytes())
}
