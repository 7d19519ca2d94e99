//! From a folder of sources to signed images and a bootable bundle: the only I/O below the command line.
//!
//! | module | does |
//! |---|---|
//! | [`project`] | finds and reads the sources, within bounds |
//! | [`pipeline`] | runs the compiler over them, without I/O |
//! | [`rust`] | has the crates of a project built, and makes images of what comes out |
//! | [`keys`] | keeps the user's signing keys |
//! | [`stamp`] | knows whether anything changed |
//! | [`images`] | signs, bundles and verifies |
//! | [`guest`] | compiles WebAssembly modules, and keeps what it compiled |
//! | [`catalog`] | explains diagnostics |
//! | [`build`] | puts it together: read, compile, sign, write |
//!
//! Nothing here prints: a refused program comes back as diagnostics, everything else as [`Error`].
#![forbid(unsafe_code)]

pub mod build;
pub mod catalog;
mod error;
pub mod files;
pub mod guest;
pub mod images;
pub mod keys;
pub mod pipeline;
pub mod project;
pub mod rust;
pub mod stamp;

use compiler_syntax::diagnostic::{Diagnostic, Severity};
use compiler_syntax::span::Sources;
use sci::write::{ImageData, InstanceData};

pub use compiler_link::system::file_stem;
pub use error::{Class, Error, plain};
pub use project::{PackageSource, Project, ProjectSource, SourceFile};

/// What a compilation is to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Run `test` blocks.
    pub tests: bool,
    /// Images of the OS components that a system is linked with: `root` first, then those that the
    /// default system wires to.
    pub os: Vec<OsImage>,
}

/// A component of the operating system, compiled when `space` was.
#[derive(Clone, Copy, Debug)]
pub struct OsImage {
    /// Its file stem: `root`, `console`.
    pub name: &'static str,
    /// The image, unsigned.
    pub bytes: &'static [u8],
}

/// What a compilation gave.
#[derive(Debug, Default)]
pub struct Compilation {
    /// The sources, for rendering.
    pub sources: Sources,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Components, ordered by name; empty where there are errors.
    pub components: Vec<CompiledComponent>,
    /// The system to boot, if there are components.
    pub system: Option<LinkedSystem>,
    /// Results of the `test` blocks, if they were asked for.
    pub tests: Vec<TestResult>,
}

impl Compilation {
    /// Whether the program is refused.
    pub fn refused(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// A compiled component.
#[derive(Clone, Debug)]
pub struct CompiledComponent {
    /// File stem, kebab-case.
    pub name: String,
    /// Its package, dotted; empty for the root package.
    pub package: String,
    /// The image, unsigned.
    pub image: Vec<u8>,
    /// What the compiler derived, for people: name and value, in a fixed order.
    pub facts: Vec<Fact>,
    /// Who uses which right, and by which calls.
    pub uses: Vec<Use>,
}

/// Something that the compiler derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What: `stack`, `state`, `call graph`.
    pub name: String,
    /// The value; may have several lines.
    pub value: String,
}

/// One reachable use of a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The capability's name in the component.
    pub capability: String,
    /// Its interface.
    pub interface: String,
    /// The method.
    pub method: String,
    /// Where the capability is declared: `demo.in:2`.
    pub declared: String,
    /// Functions from the entry to the use, each with its place: `start (demo.in:5)`.
    pub path: Vec<String>,
}

/// A system, linked and proven.
#[derive(Clone, Debug)]
pub struct LinkedSystem {
    /// File stem: the `system` block's name, or `system` for the default one.
    pub name: String,
    /// The bundle's images, unsigned; `root` is the first.
    pub images: Vec<ImageData>,
    /// Its instances, providers first.
    pub instances: Vec<InstanceData>,
    /// What root gives to whoever is connected to it.
    pub data: Vec<u8>,
    /// Every authority in the system.
    pub authorities: Vec<compiler_link::system::Granted>,
}

impl From<compiler_link::system::Linked> for LinkedSystem {
    fn from(system: compiler_link::system::Linked) -> Self {
        Self {
            name: system.name,
            images: system.images,
            instances: system.instances,
            data: system.data,
            authorities: system.authorities,
        }
    }
}

/// The result of one `test` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// File and line.
    pub place: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}
