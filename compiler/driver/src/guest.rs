//! WebAssembly modules to signed guest images, with a cache.
//!
//! The cache is addressed by content: modules, compiler and flags. A damaged entry is one that does not verify; it is
//! ignored and written anew. What the cache compiles, a child process without authority compiles: see [`child`].

pub mod child;

use crate::error::Error;
use crate::files::{self, digest};
use crate::images;
use crate::keys::{Key, Store};
use compiler_link::system;
use compiler_syntax::span::FileId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

pub use compiler_link::system::application::Application;
pub use compiler_link::system::guest::Guest as GuestSystem;
pub use compiler_merge::Input;

/// Bytes of a module at most.
pub const MODULE_BYTES_MAX: u64 = sci::limits::wasm::MODULE_BYTES_MAX;

/// How to compile a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestOptions {
    /// Bytes of an instance's stack.
    pub stack_bytes: u64,
    /// Whether the code counts fuel.
    pub fuel: bool,
}

impl Default for GuestOptions {
    fn default() -> Self {
        Self { stack_bytes: sci::limits::wasm::STACK_BYTES, fuel: false }
    }
}

impl GuestOptions {
    /// As provenance states them.
    fn flags(self) -> String {
        let fuel = if self.fuel { " fuel" } else { "" };
        format!("stack={}{fuel}", self.stack_bytes)
    }
}

/// Modules to compile into one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// What is linked, in order; the main module is the last.
    modules: Vec<Module>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Module {
    /// The module name by which others import from it.
    name: String,
    /// Its file, for people.
    file: String,
    bytes: Vec<u8>,
}

impl Module {
    fn input(&self) -> Input<'_> {
        Input { name: &self.name, file: &self.file, bytes: &self.bytes }
    }
}

impl Guest {
    /// A main module, and what is linked to it.
    pub fn new(main: Input<'_>, linked: &[Input<'_>]) -> Self {
        let owned = |input: &Input<'_>| Module {
            name: input.name.to_owned(),
            file: input.file.to_owned(),
            bytes: input.bytes.to_vec(),
        };
        Self { modules: linked.iter().chain([&main]).map(owned).collect() }
    }

    /// The file name of its main module.
    pub fn name(&self) -> String {
        file_name(self.file())
    }

    /// The file of its main module, for people.
    fn file(&self) -> &str {
        self.modules.last().map_or("", |main| &main.file)
    }

    /// The one module that they make.
    pub fn merged(&self) -> Result<Cow<'_, [u8]>, Error> {
        match self.modules.split_last() {
            None => Ok(Cow::default()),
            Some((main, [])) => Ok(Cow::Borrowed(&main.bytes)),
            Some((main, linked)) => {
                let linked: Vec<Input<'_>> = linked.iter().map(Module::input).collect();
                merge(main.input(), &linked).map(Cow::Owned)
            }
        }
    }

    /// File name and SHA-256 of each, by name.
    fn sources(&self) -> Vec<(String, [u8; 32])> {
        let mut sources: Vec<_> = self
            .modules
            .iter()
            .map(|module| (file_name(&module.file), sci::digest::sha256(&module.bytes)))
            .collect();
        sources.sort();
        sources
    }

    /// What its image follows from, but for compiler and options.
    fn address(&self) -> String {
        let part = |module: &Module| {
            format!("{} {} {}", digest(&module.bytes), module.name, file_name(&module.file))
        };
        self.modules.iter().map(part).collect::<Vec<_>>().join(" ")
    }
}

/// No path enters an image.
fn file_name(file: &str) -> String {
    Path::new(file).file_name().map_or_else(|| file.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn merge(main: Input<'_>, linked: &[Input<'_>]) -> Result<Vec<u8>, Error> {
    compiler_merge::merge(main, linked).map_err(|error| {
        let (file, why, help) = (error.file.clone(), error.to_string(), error.help());
        match *error.reason {
            compiler_merge::Reason::Module(_) => Error::Module { file, why },
            _ => Error::Link { file, why, help },
        }
    })
}

/// Compiles a guest to an image, unsigned, in this process.
pub fn compile(guest: &Guest, options: GuestOptions) -> Result<Vec<u8>, Error> {
    let name = guest.name();
    let refused = |why: String| Error::Module { file: guest.file().to_owned(), why };
    let module = guest.merged()?;
    let wasm = compiler_wasm::Options { stack_bytes: options.stack_bytes, fuel: options.fuel };
    let unit = compiler_wasm::read(&module, FileId(0), wasm).map_err(|error| refused(error.to_string()))?;
    let code_options = compiler_codegen::Options { optimize: true, one_nan: false };
    let code = compiler_codegen::compile(&unit, code_options).map_err(|error| refused(error.to_string()))?;
    let wiring = unit.wiring();
    let flags = options.flags();
    let stem = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy();
    let sources = guest.sources();
    let sources: Vec<_> = sources.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
    compiler_link::guest::link(&compiler_link::guest::Input {
        name: &stem,
        wiring: &wiring,
        code: &code,
        stack_bytes: options.stack_bytes,
        file: &name,
        sources: &sources,
        flags: &flags,
    })
    .map_err(|error| refused(error.to_string()))
}

/// The signed bundle of a guest and of the OS components that serve it.
pub fn bundle(guest: &GuestSystem<'_>, os: &[(&str, &[u8])], key: &Key) -> Result<Vec<u8>, Error> {
    let linked = system::guest::link(os, guest)
        .map_err(|error| Error::Module { file: guest.name.to_owned(), why: error.to_string() })?;
    images::bundle(&linked.into(), key).map_err(|refusal| Error::Image { name: "the bundle".into(), refusal })
}

/// The signed bundle of a topology's guests and of the OS components that place them and carry their messages.
pub fn application(application: &Application<'_>, os: &[(&str, &[u8])], key: &Key) -> Result<Vec<u8>, Error> {
    let linked = system::application::link(os, application)
        .map_err(|error| Error::Module { file: application.name.to_owned(), why: error.to_string() })?;
    images::bundle(&linked.into(), key).map_err(|refusal| Error::Image { name: "the bundle".into(), refusal })
}

/// Where compiled guests are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// An entry of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its file.
    pub path: PathBuf,
    /// Bytes.
    pub bytes: u64,
}

impl Cache {
    /// The user's cache, beside the keys.
    pub fn open() -> Result<Self, Error> {
        Ok(Self::at(Store::open()?.home()))
    }

    /// The cache below a folder.
    pub fn at(home: &Path) -> Self {
        Self { folder: home.join("cache").join("guests") }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The signed image of a module: from the cache, or compiled and kept there.
    pub fn image(
        &self,
        guest: &Guest,
        options: GuestOptions,
        compiler: &str,
        key: &Key,
    ) -> Result<Vec<u8>, Error> {
        let address = format!("{} {compiler} {}", guest.address(), options.flags());
        let path = self.folder.join(format!("{}.sci", digest(address.as_bytes())));
        if let Ok(image) = files::read(&path, sci::limits::IMAGE_BYTES_MAX)
            && images::verify_image(&image, &[key.public()]).is_ok()
        {
            return Ok(image);
        }
        let image = child::compile(guest, options, child::LIMITS)?;
        let image = images::sign_image(&image, key)?;
        // A cache that cannot be written is no reason not to run.
        if files::create_private_folder(&self.folder).is_ok() {
            let _ = files::replace(&path, &image);
        }
        Ok(image)
    }

    /// Its entries, by name.
    pub fn entries(&self) -> Vec<Entry> {
        let Ok(folder) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut entries: Vec<Entry> = folder
            .flatten()
            .filter_map(|entry| Some(Entry { path: entry.path(), bytes: entry.metadata().ok()?.len() }))
            .filter(|entry| entry.path.extension().is_some_and(|extension| extension == "sci"))
            .collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        entries
    }

    /// Removes every entry; gives how many there were.
    pub fn clear(&self) -> Result<usize, Error> {
        let entries = self.entries();
        for entry in &entries {
            fs::remove_file(&entry.path).map_err(Error::io("remove", &entry.path))?;
        }
        Ok(entries.len())
    }
}
