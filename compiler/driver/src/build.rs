//! A build: read, compile, sign, write; or find that nothing changed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files;
use crate::images;
use crate::keys::Key;
use crate::project::Project;
use crate::rust::Cargo;
use crate::stamp::{self, Stamp};
use crate::{Compilation, Options, PackageSource, pipeline};

/// Ending of an image's file name.
pub const IMAGE_ENDING: &str = ".sci";
/// Ending of a bundle's file name.
pub const BUNDLE_ENDING: &str = ".bundle";

/// Bytes of an output that is read back: a bundle holds several images.
pub const OUTPUT_BYTES_MAX: u64 = 4 * sci::limits::IMAGE_BYTES_MAX;

/// What a build is made with.
pub struct Settings<'a> {
    /// What the compiler is to do.
    pub options: &'a Options,
    /// Who signs.
    pub key: &'a Key,
    /// Identity of the compiler: another one builds anew.
    pub compiler: &'a str,
}

/// A build that succeeded.
#[derive(Debug)]
pub struct Built {
    /// Files in `build/`, images first.
    pub outputs: Vec<Output>,
    /// The bundle to boot.
    pub bundle: PathBuf,
    /// What the compiler said, rendered without colour.
    pub warnings: String,
    /// Whether nothing had changed since the last build.
    pub fresh: bool,
}

/// A file that a build left.
#[derive(Debug)]
pub struct Output {
    /// Where.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// What a build came to.
pub enum Outcome {
    /// Everything is in `build/`.
    Built(Built),
    /// The sources are refused: see the diagnostics.
    Refused(Compilation),
}

/// Compiles a project; says so if it declares no component.
pub fn compile(project: &Project, options: &Options) -> Result<Compilation, Error> {
    let cargo = Cargo::new(&project.root);
    let compilation = pipeline::compile_with(&project.source, options, &cargo);
    if compilation.components.is_empty() && !compilation.refused() {
        let place = project.source.files().next().map(|file| file.name.clone()).unwrap_or_default();
        return Err(Error::NoComponent { place });
    }
    Ok(compilation)
}

/// Builds a project into its `build` folder.
pub fn build(project: &Project, settings: &Settings<'_>) -> Result<Outcome, Error> {
    let folder = project.build_folder();
    let input = stamp::input(&project.source, settings.compiler, &settings.key.public().bytes);
    let last = Stamp::read(&folder);
    // What a crate is made of, cargo alone knows.
    let has_crates = project.source.packages.iter().any(PackageSource::is_crate);
    if let Some(stamp) = &last
        && !has_crates
        && stamp.input == input
        && stamp.outputs_stand(&folder)
    {
        return built(&folder, stamp, true).map(Outcome::Built);
    }

    let compilation = compile(project, settings.options)?;
    if compilation.refused() {
        return Ok(Outcome::Refused(compilation));
    }
    let files = sign(&compilation, settings.key)?;
    fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
    let mut stamp = Stamp {
        input,
        outputs: Vec::new(),
        warnings: compiler_syntax::render(&compilation.diagnostics, &compilation.sources, false),
    };
    for (name, bytes) in &files {
        stamp.outputs.push((name.clone(), files::digest(bytes)));
    }
    if last.as_ref() == Some(&stamp) && stamp.outputs_stand(&folder) {
        return built(&folder, &stamp, true).map(Outcome::Built);
    }
    files::sweep(&folder);
    let mut staged = Vec::new();
    for (name, bytes) in files {
        staged.push(files::stage(&folder.join(name), &bytes)?);
    }
    // All of them are on the disk before the first is seen.
    for file in staged {
        file.commit()?;
    }
    for (name, _) in last.into_iter().flat_map(|last| last.outputs) {
        if stamp.outputs.iter().all(|(output, _)| *output != name) {
            // Already gone is as good.
            fs::remove_file(folder.join(name)).ok();
        }
    }
    stamp.write(&folder)?;
    built(&folder, &stamp, false).map(Outcome::Built)
}

/// File names and contents: each component's image, then the bundle.
fn sign(compilation: &Compilation, key: &Key) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = Vec::new();
    let mut add = |name: String, made: Result<Vec<u8>, sci::error::Error>| match made {
        Ok(bytes) => {
            files.push((name, bytes));
            Ok(())
        }
        Err(refusal) => Err(Error::Image { name, refusal }),
    };
    for component in &compilation.components {
        add(format!("{}{IMAGE_ENDING}", component.name), images::sign(&component.image, key))?;
    }
    if let Some(system) = &compilation.system {
        add(format!("{}{BUNDLE_ENDING}", system.name), images::bundle(system, key))?;
    }
    Ok(files)
}

fn built(folder: &Path, stamp: &Stamp, fresh: bool) -> Result<Built, Error> {
    let mut outputs = Vec::new();
    let mut bundle = PathBuf::new();
    for (name, _) in &stamp.outputs {
        let path = folder.join(name);
        let bytes = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
        if name.ends_with(BUNDLE_ENDING) {
            bundle.clone_from(&path);
        }
        outputs.push(Output { path, bytes });
    }
    Ok(Built { outputs, bundle, warnings: stamp.warnings.clone(), fresh })
}
