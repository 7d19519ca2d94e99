//! The module of a folder with a space's source: built by the folder's script where it is missing or stale.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use compiler_driver::files::{self, digest};
use services_mex::layout::SPACE;
use services_mex::limits::FILE_BYTES_MAX;

use super::folder::Folder;
use crate::progress::Progress;
use crate::report::{Exit, Failure, say};

/// What `space new space` makes to build a space.
const SCRIPT: &str = "build.sh";
/// Which module came from which sources: SHA-256 and name, a line each. A module that is kept beside its sources has it,
/// since no copy of a folder keeps times.
const SUMS: &str = "sums";
/// What builds leave, and what they do not read.
const NO_SOURCES: [&str; 7] = ["assets", "node_modules", "target", "values", "README.md", SPACE, SUMS];

/// The module in a folder, which is that of the space of this name.
pub fn read(folder: &Folder, space: &str) -> Result<Vec<u8>, Failure> {
    let found = find(folder, space)?;
    let why = match &found {
        None => Some("has no module"),
        Some(module) if is_stale(folder, module)? => Some("has a module that is not that of its sources"),
        Some(_) => None,
    };
    let module = match why.filter(|_| folder.has_file(SCRIPT)) {
        None => found,
        Some(why) => {
            build(folder, space, why)?;
            let built = find(folder, space)?;
            if let (Some(module), true) = (&built, folder.has_file(SUMS)) {
                write_sums(folder, module)?;
            }
            built
        }
    };
    let Some(module) = module else {
        let message = format!("there is no module of the space `{space}`, and no `{SCRIPT}` to build one");
        return Err(Failure::new(Exit::Usage, "space-module", message)
            .at(folder.root().display().to_string())
            .help(
                "put a `.wasm` file there, or begin with `space new space <name> --lang c`, which writes both",
            ));
    };
    folder.read(&module, FILE_BYTES_MAX)
}

/// The one module that is there.
fn find(folder: &Folder, space: &str) -> Result<Option<String>, Failure> {
    let mut modules = folder.names(".")?;
    modules.retain(|name| is_module(name) && folder.has_file(name));
    if modules.len() > 1 {
        let message =
            format!("the space `{space}` has one module, and there are several: {}", modules.join(", "));
        return Err(Failure::new(Exit::Usage, "space-module", message)
            .at(folder.root().display().to_string())
            .help("leave the one that is the space's"));
    }
    Ok(modules.pop())
}

fn is_module(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "wasm")
}

/// Whether the sources changed after the module was built: by their sums where these are kept, else by time.
fn is_stale(folder: &Folder, module: &str) -> Result<bool, Failure> {
    if !folder.has_file(SUMS) {
        let built = modified(folder, module)?;
        return Ok(newest(folder, ".")?.is_some_and(|source| source > built));
    }
    let sums = sums(folder)?;
    for (sum, name) in &sums {
        if !folder.has_file(name) || digest(&folder.read(name, FILE_BYTES_MAX)?) != *sum {
            return Ok(true);
        }
    }
    Ok(!sums.iter().any(|(_, name)| name == module))
}

/// Sums and names, as far as the lines have both.
fn sums(folder: &Folder) -> Result<Vec<(String, String)>, Failure> {
    let text = String::from_utf8_lossy(&folder.read(SUMS, FILE_BYTES_MAX)?).into_owned();
    let both = |line: &str| line.split_once("  ").map(|(sum, name)| (sum.to_owned(), name.to_owned()));
    Ok(text.lines().filter_map(both).collect())
}

/// Writes the sums of the files that they were kept of, and of the module.
fn write_sums(folder: &Folder, module: &str) -> Result<(), Failure> {
    let mut names: Vec<String> = sums(folder)?.into_iter().map(|(_, name)| name).collect();
    names.retain(|name| !is_module(name) && folder.has_file(name));
    names.push(module.to_owned());
    names.sort();
    let mut text = String::new();
    for name in names {
        let _ = writeln!(text, "{}  {name}", digest(&folder.read(&name, FILE_BYTES_MAX)?));
    }
    Ok(files::replace(&folder.path(SUMS)?, text.as_bytes())?)
}

fn modified(folder: &Folder, name: &str) -> Result<SystemTime, Failure> {
    let path = folder.path(name)?;
    let time = path.symlink_metadata().and_then(|metadata| metadata.modified());
    Ok(time.map_err(compiler_driver::Error::io("read", &path))?)
}

/// When a source changed last. Links are none: nothing is taken through them.
fn newest(folder: &Folder, below: &str) -> Result<Option<SystemTime>, Failure> {
    let mut newest = None;
    for name in folder.names(below)? {
        let place = format!("{below}/{name}");
        if NO_SOURCES.contains(&name.as_str()) || is_module(&name) || folder.root().join(&place).is_symlink()
        {
            continue;
        }
        let time = if folder.has_folder(&place) {
            self::newest(folder, &place)?
        } else {
            Some(modified(folder, &place)?)
        };
        newest = newest.max(time);
    }
    Ok(newest)
}

/// Calls the folder's script.
fn build(folder: &Folder, space: &str, why: &str) -> Result<(), Failure> {
    let script = folder.path(SCRIPT)?;
    let progress = Progress::of(format!("building {space}"));
    let output =
        Command::new("sh").arg(SCRIPT).current_dir(folder.root()).stdin(Stdio::null()).output().map_err(
            |error| {
                Failure::new(Exit::Environment, "no-toolchain", format!("cannot call `sh`: {error}"))
                    .at(script.display().to_string())
                    .help("a shell builds spaces; take one that is built: put its `.wasm` there")
            },
        )?;
    drop(progress);
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // The scripts of `space new space` begin so where a tool is missing, and go on with what installs it.
    if let Some(missing) = said.strip_prefix("build.sh: ") {
        let (missing, install) = missing.split_once('\n').unwrap_or((missing, ""));
        let install: Vec<&str> = install.lines().map(str::trim).collect();
        let message = format!("the space `{space}` {why}, and {missing}");
        let is_npm = install.iter().any(|command| command.starts_with("npm"));
        return Err(Failure::new(Exit::Environment, "no-toolchain", message)
            .at(folder.root().display().to_string())
            .help(format!(
                "install it{}: `{}`",
                if is_npm { ", in this folder" } else { "" },
                install.join(" ")
            )));
    }
    say(&crate::report::visible(&said));
    let message = format!("the space `{space}` {why}, and its `{SCRIPT}` failed");
    Err(Failure::new(Exit::Refused, "space-build", message)
        .at(script.display().to_string())
        .help("what it said stands above; `sh build.sh` in the folder repeats it"))
}
