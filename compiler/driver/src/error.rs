//! What can go wrong between a folder of sources and the images it makes, outside the sources themselves.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the driver. The sources' own mistakes are diagnostics, not errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project's folder is missing or no folder.
    #[error("there is no folder {}", path.display())]
    NoProject {
        /// What was named.
        path: PathBuf,
    },
    /// The project has no source.
    #[error("{} holds no `.in` file", path.display())]
    NoSources {
        /// The project's root.
        path: PathBuf,
    },
    /// The sources declare nothing that could run.
    #[error("no component is declared in {place}")]
    NoComponent {
        /// The first source file, relative to the root.
        place: String,
    },
    /// A bound of the project's size is exceeded.
    #[error("{what} has more than {limit} {unit}")]
    TooLarge {
        /// The file or folder, relative to the root.
        what: String,
        /// The bound.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// A source is not text.
    #[error("{place} is not UTF-8 text")]
    NotText {
        /// File and line, relative to the root.
        place: String,
    },
    /// A name cannot be written in a message or an image.
    #[error("the name of {} is not plain text", path.display())]
    NotUtf8Name {
        /// The entry.
        path: PathBuf,
    },
    /// A folder's name is no package name.
    #[error("`{name}` cannot be a package's name")]
    PackageName {
        /// The folder, relative to the root.
        name: String,
    },
    /// A package stands where the runtime's library does.
    #[error("the package `{name}` belongs to the runtime")]
    ReservedPackage {
        /// The folder, relative to the root.
        name: String,
    },
    /// What should be a file is a folder, a pipe, a device or a socket.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The entry.
        path: PathBuf,
    },
    /// A link leads back to a folder that contains it.
    #[error("{} leads back to a folder above it", path.display())]
    LinkLoop {
        /// The link.
        path: PathBuf,
    },
    /// A WebAssembly module is refused.
    #[error("{why}")]
    Module {
        /// Its file's name.
        file: String,
        /// Why.
        why: String,
    },
    /// The compiler did not come to an end with a module.
    #[error("the compiler {ended}")]
    Compiler {
        /// The module's file name.
        file: String,
        /// How it ended.
        ended: runtime_sandbox::Ended,
    },
    /// No process could be started for it.
    #[error("the compiler cannot be started: {0}")]
    Child(#[from] runtime_sandbox::SpawnError),
    /// WebAssembly modules do not fit together.
    #[error("{why}")]
    Link {
        /// The file that does not fit.
        file: String,
        /// Why.
        why: String,
        /// What to do, where there is one thing.
        help: Option<String>,
    },
    /// Neither `SPACE_HOME`, `XDG_DATA_HOME` nor `HOME` says where keys live.
    #[error("there is no folder for keys: `SPACE_HOME` and `HOME` are both unset")]
    NoKeyHome,
    /// A key file that others could have read.
    #[error("{} can be read by other users", path.display())]
    KeyExposed {
        /// The key file.
        path: PathBuf,
    },
    /// A key file that is not in the documented format.
    #[error("{} is not a key file: {why}", path.display())]
    KeyFormat {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key of that name exists already.
    #[error("a key named `{name}` exists already")]
    KeyExists {
        /// Its name.
        name: String,
    },
    /// No key of that name.
    #[error("there is no key named `{name}`")]
    KeyMissing {
        /// The name.
        name: String,
    },
    /// A name that cannot be a key's.
    #[error("`{name}` cannot be a key's name")]
    KeyName {
        /// The name.
        name: String,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// The compiler made an image that the format refuses.
    #[error("the compiler made an image that is refused: {refusal}")]
    Image {
        /// The output's name.
        name: String,
        /// Why.
        refusal: sci::error::Error,
    },
    /// Reading or writing failed.
    #[error("cannot {action} {}: {}", path.display(), plain(source))]
    Io {
        /// The verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// What kind of failure it is: a command line maps each to an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The project's sources are refused.
    Source,
    /// The call names something that does not exist, or exists already.
    Usage,
    /// An image or bundle is not what it claims to be.
    Image,
    /// The surroundings lack something.
    Environment,
    /// Reading or writing failed.
    Io,
}

impl Error {
    /// Wraps a failed operation on a path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// Stable kebab-case id.
    pub fn id(&self) -> &'static str {
        match self {
            Self::NoProject { .. } => "no-project",
            Self::NoSources { .. } => "no-sources",
            Self::NoComponent { .. } => "no-component",
            Self::TooLarge { .. } => "project-too-large",
            Self::NotText { .. } => "not-utf8",
            Self::NotUtf8Name { .. } => "name-not-utf8",
            Self::PackageName { .. } => "package-name",
            Self::ReservedPackage { .. } => "reserved-package",
            Self::NotAFile { .. } => "not-a-file",
            Self::LinkLoop { .. } => "link-loop",
            Self::Module { .. } => "bad-module",
            Self::Compiler { .. } => "compiler-ended",
            Self::Child(_) => "no-child",
            Self::Link { .. } => "bad-link",
            Self::NoKeyHome => "no-key-home",
            Self::KeyExposed { .. } => "key-exposed",
            Self::KeyFormat { .. } => "key-format",
            Self::KeyExists { .. } => "key-exists",
            Self::KeyMissing { .. } => "key-missing",
            Self::KeyName { .. } => "key-name",
            Self::Random(_) => "no-randomness",
            Self::Image { .. } => "bad-image",
            Self::Io { .. } => "io",
        }
    }

    /// What kind it is.
    pub fn class(&self) -> Class {
        match self {
            Self::NoComponent { .. }
            | Self::Module { .. }
            | Self::Compiler { .. }
            | Self::Link { .. }
            | Self::TooLarge { .. }
            | Self::NotText { .. }
            | Self::NotUtf8Name { .. }
            | Self::PackageName { .. }
            | Self::ReservedPackage { .. }
            | Self::LinkLoop { .. } => Class::Source,
            Self::NotAFile { .. }
            | Self::NoProject { .. }
            | Self::NoSources { .. }
            | Self::KeyExists { .. }
            | Self::KeyMissing { .. }
            | Self::KeyName { .. } => Class::Usage,
            Self::NoKeyHome
            | Self::KeyExposed { .. }
            | Self::KeyFormat { .. }
            | Self::Random(_)
            | Self::Child(_) => Class::Environment,
            Self::Image { .. } => Class::Image,
            Self::Io { .. } => Class::Io,
        }
    }

    /// Where it is, if that is a place in the project.
    pub fn place(&self) -> Option<String> {
        match self {
            Self::NoComponent { place } | Self::NotText { place } => Some(place.clone()),
            Self::TooLarge { what, .. }
            | Self::Module { file: what, .. }
            | Self::Compiler { file: what, .. }
            | Self::Link { file: what, .. } => Some(what.clone()),
            Self::PackageName { name } | Self::ReservedPackage { name } | Self::Image { name, .. } => {
                Some(name.clone())
            }
            _ => None,
        }
    }

    /// The next step.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NoProject { path } if path.is_file() => {
                "it is a file; name the folder that it lies in".to_owned()
            }
            Self::NoProject { .. } => "`space new <name>` makes a project".to_owned(),
            Self::NoSources { .. } => {
                "go to the project's folder, or name it; `space new <name>` makes one".to_owned()
            }
            Self::NoComponent { .. } => {
                "declare one: `component Hello {` … `}` with a function `start`".to_owned()
            }
            Self::TooLarge { .. } => "split it, or keep what is no source outside the project".to_owned(),
            Self::NotText { .. } => {
                "sources are UTF-8; is this a binary file with the ending `.in`?".to_owned()
            }
            Self::NotUtf8Name { .. } => "rename it".to_owned(),
            Self::PackageName { .. } => {
                "a folder with `.in` files is a package: lower-case letters, digits and `-`, first a letter"
                    .to_owned()
            }
            Self::ReservedPackage { .. } => "give the folder another name than `space`".to_owned(),
            Self::NotAFile { .. } => "name a regular file or a link to one".to_owned(),
            Self::LinkLoop { .. } => "remove the link".to_owned(),
            Self::NoKeyHome => "set `SPACE_HOME` to a folder of your own".to_owned(),
            Self::KeyExposed { path } => {
                format!("if nobody copied it: chmod 600 {}; otherwise make a new key", path.display())
            }
            Self::KeyFormat { path, .. } => {
                format!("restore it from a copy, or move {} away and make a new key", path.display())
            }
            Self::KeyExists { .. } => "choose another name; `space key list` shows those in use".to_owned(),
            Self::KeyMissing { .. } => "`space key list` shows what there is".to_owned(),
            Self::KeyName { .. } => {
                "lower-case letters, digits and `-`, first a letter, at most 64".to_owned()
            }
            Self::Image { .. } => {
                "this is a mistake of the compiler: keep the sources that cause it, and report it".to_owned()
            }
            Self::Compiler { ended, .. } => match ended {
                runtime_sandbox::Ended::ProcessorTime { .. }
                | runtime_sandbox::Ended::Memory { .. }
                | runtime_sandbox::Ended::Late => {
                    "nothing was kept; a module in smaller parts takes less".to_owned()
                }
                _ => {
                    "nothing was kept; the compiler is wrong here: keep the module, and report it".to_owned()
                }
            },
            Self::Link { help, .. } => return help.clone(),
            Self::Module { .. } => {
                "build it again; `docs/webassembly.md` says what is taken, and how much of it".to_owned()
            }
            Self::Random(_) | Self::Child(_) => return None,
            Self::Io { source, path, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    format!("check who owns {} and its mode", path.display())
                }
                io::ErrorKind::StorageFull => "free some space on this disk".to_owned(),
                _ => return None,
            },
        };
        Some(text)
    }
}

/// The cause without the operating system's number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}
