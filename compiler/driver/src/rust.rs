//! Components in Rust: bindings from their blocks, cargo to build their crates, images of what comes out.

mod bindings;
mod cargo;
mod guest;

use crate::pipeline::place;
use crate::{CompiledComponent, Fact, PackageSource, ProjectSource, Use};
use compiler_check::Native;
use compiler_link::{ingest, system};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Sources;
use sci::image::Image;
use sci::section::SectionKind;
use sci::tables;

pub use cargo::{Cargo, NOT_INHERITED};

/// Who builds crates.
pub trait Crates {
    /// Builds the crate of a package whose bindings are these; `name` is its component's file stem.
    fn build(&self, package: &PackageSource, name: &str, bindings: &str) -> Result<Built, CrateError>;
}

/// A crate that was built.
#[derive(Debug)]
pub struct Built {
    /// The shared object.
    pub elf: Vec<u8>,
    /// The files of the crate: name and SHA-256, by name.
    pub files: Vec<(String, [u8; 32])>,
}

/// Why a crate was not built.
#[derive(Debug, thiserror::Error)]
pub enum CrateError {
    /// Nobody here builds crates.
    #[error("crates are not built here")]
    NoBuilder,
    /// Cargo could not be started.
    #[error("cargo cannot be started: {0}")]
    NoCargo(std::io::Error),
    /// Cargo refused the crate, and has said why.
    #[error("cargo did not build the crate; what it said stands above")]
    Refused,
    /// The crate has no library.
    #[error("cargo built no shared object of the crate")]
    NoLibrary,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] Box<crate::Error>),
}

impl CrateError {
    fn diagnostic(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoBuilder | Self::NoCargo(_) => ("cargo-missing", "install Rust: https://rustup.rs"),
            Self::Refused => ("crate-refused", "mend the errors that cargo shows"),
            Self::NoLibrary => ("crate-refused", "the component is the crate's library: `src/lib.rs`"),
            Self::File(_) => ("crate-refused", "check who owns the project's folder `build`"),
        }
    }
}

/// Builds nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoCrates;

impl Crates for NoCrates {
    fn build(&self, _: &PackageSource, _: &str, _: &str) -> Result<Built, CrateError> {
        Err(CrateError::NoBuilder)
    }
}

/// Builds the crate of a component, and makes its image.
#[expect(clippy::result_large_err, reason = "made once per component")]
pub(crate) fn component(
    native: &Native,
    project: &ProjectSource,
    crates: &dyn Crates,
    sources: &Sources,
) -> Result<(CompiledComponent, Vec<u8>), Diagnostic> {
    let component = &native.component;
    let refused = |id, message: String, help| Diagnostic::error(id, component.span, message).help(help);
    let name = system::file_stem(&component.name);
    let package = project.packages.iter().find(|package| package.path.join(".") == native.package);
    let built = package
        .map_or(Err(CrateError::NoBuilder), |package| crates.build(package, &name, &bindings::text(native)));
    let built = built.map_err(|error| {
        let (id, help) = error.diagnostic();
        refused(id, error.to_string(), help)
    })?;
    let input = ingest::Input {
        component,
        elf: &built.elf,
        stack_bytes: native.stack_bytes,
        sources,
        files: &built.files,
        flags: "",
    };
    let image = ingest::link(&input).map_err(|error| refused(error.id(), error.to_string(), error.help()))?;
    let compiled = CompiledComponent {
        name,
        package: native.package.clone(),
        image: image.clone(),
        facts: facts(native, &image),
        uses: uses(native, sources),
    };
    Ok((compiled, image))
}

/// What is known without seeing the code.
fn facts(native: &Native, image: &[u8]) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = vec![
        fact("stack", format!("{} bytes, declared", native.stack_bytes)),
        fact("heap", format!("{} bytes, declared", native.heap_bytes)),
        fact("arena", format!("{} bytes, declared", native.component.facts.arena_bytes)),
    ];
    if let Ok(image) = Image::verify(image) {
        let mut calls: Vec<&str> = image.manifest().imports.iter().map(|import| import.item).collect();
        calls.dedup();
        facts.push(fact("system calls", calls.join(", ")));
        let functions = tables::functions(image.bytes_of(SectionKind::Symbols));
        let lines: Vec<String> =
            functions.map(|function| format!("{}: {} bytes of code", function.name, function.size)).collect();
        facts.push(fact("functions", lines.join("\n")));
    }
    facts
}

/// Every right that is declared: the compiler does not see which of them the crate uses.
fn uses(native: &Native, sources: &Sources) -> Vec<Use> {
    let mut uses = Vec::new();
    for (capability, face) in native.component.capabilities.iter().zip(&native.required) {
        let declared = place(sources, capability.span);
        let methods = native.faces[*face].methods.iter().enumerate();
        for (_, method) in methods.filter(|(at, _)| capability.declared >> at & 1 == 1) {
            uses.push(Use {
                capability: capability.name.clone(),
                interface: capability.interface.clone(),
                method: method.name.clone(),
                declared: declared.clone(),
                path: vec!["the crate, as declared".to_owned()],
            });
        }
    }
    uses
}
