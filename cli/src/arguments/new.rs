//! The arguments of `space new`.

use clap::{Args, Subcommand, ValueEnum};

/// What to make.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
#[command(after_help = "A project that is itself named `space`: space new --template app space")]
pub struct NewArguments {
    /// Another kind than a project
    #[command(subcommand)]
    pub kind: Option<NewKind>,
    /// The project's name: lower-case letters, digits and `-`
    #[arg(required = true)]
    pub name: Option<String>,
    /// What to begin with
    #[arg(long, value_enum, default_value_t = Template::App)]
    pub template: Template,
}

/// What `space new` makes besides projects.
#[derive(Subcommand)]
pub enum NewKind {
    /// Make a space: a WebAssembly guest, with the Guest ABI and a library in its language; or a page
    Space {
        /// Its name: lower-case letters, digits and `-`
        name: String,
        /// Its type in an application: then it gets a `space.yaml`, too
        #[arg(long = "type", value_enum, ignore_case = true)]
        kind: Option<Kind>,
        /// The language; a page has none
        #[arg(long, value_enum)]
        lang: Option<Language>,
    },
}

/// A type of spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A page in the desk
    #[value(name = "UI")]
    Ui,
    /// Devices and events
    #[value(name = "IO")]
    Io,
    /// Values and blobs
    #[value(name = "DATA")]
    Data,
    /// A language model and its cache
    #[value(name = "CHAT")]
    Chat,
    /// Functions and services
    #[value(name = "CALL")]
    Call,
}

/// A language for spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// C, with clang
    C,
    /// Rust
    Rust,
    /// Zig
    Zig,
    /// Go
    Go,
    /// Go, with TinyGo
    #[value(name = "tinygo")]
    TinyGo,
    /// AssemblyScript
    #[value(name = "as")]
    AssemblyScript,
}

/// What a project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// One component that prints and ends
    App,
    /// A service with a typed interface, and a client
    Service,
    /// A component that owns a device's ports
    Driver,
    /// A component written in Rust
    ComponentRust,
}
