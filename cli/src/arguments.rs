//! The command table: parsing, help, completions and man pages all come from here.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use sci::guest::GuestCapability;

use crate::report::EXIT_CODES;

mod apps;
mod boot;
mod mex;
mod new;
pub use apps::{
    ApplicationArgument, DevArguments, DownArguments, LogsArguments, PlanArguments, ShownArguments,
    SpaceArgument, TapArguments, TopoCommand, UpArguments,
};
pub use boot::BootArguments;
pub use mex::{MexBuildArguments, MexCommand, MexVerifyArguments};
pub use new::{Kind, Language, NewArguments, NewKind, Template};

/// What `-V` prints after the name.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("SPACE_COMMIT"), ")");

/// What `--version` prints: everything that two machines may differ in.
pub static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let (format, abi) = (sci::header::FORMAT_VERSION, sci::layout::KERNEL_ABI_VERSION);
    format!("{VERSION}\nimage format {format}\nkernel ABI {abi}")
});

/// Builds, checks, signs and boots components.
#[derive(Parser)]
#[command(name = "space", version = VERSION, long_version = LONG_VERSION.as_str(), after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true, infer_subcommands = false)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A project's folder.
#[derive(Args)]
pub struct ProjectArgument {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}

/// Modules that are linked into another one.
#[derive(Args)]
pub struct LinkArguments {
    /// Link a module: what the others import from NAME is what FILE exports; several times for several
    #[arg(long = "link", value_name = "NAME=FILE", value_parser = link)]
    pub links: Vec<Link>,
}

/// A module, and the name by which others import from it.
#[derive(Clone, Debug)]
pub struct Link {
    /// The name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
}

/// One output form for people, one for programs.
#[derive(Args)]
pub struct JsonArgument {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `space demo`
#[derive(Subcommand)]
pub enum DemoCommand {
    /// Run spaces that try what they may not, one after the other, and say what stopped each
    Attacks,
}

/// `space cap`
#[derive(Subcommand)]
pub enum CapCommand {
    /// List what each space may do, and how often it did
    Ls(ShownArguments),
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Make a project, or with `space` a WebAssembly guest
    New(NewArguments),
    /// Compile a project into signed images and a bundle, in its folder `build`; or a WebAssembly module into an image
    Build {
        #[command(flatten)]
        project: ProjectArgument,
        /// Where to write a module's image; otherwise beside it, with the ending `.sci`
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Count a module's work, so that a run can bound it
        #[arg(long)]
        fuel: bool,
        #[command(flatten)]
        links: LinkArguments,
    },
    /// Run a WebAssembly module, an image of one, or a project, as processes of this machine
    Run(RunArguments),
    /// List or remove the images of modules that were compiled before
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Pack, check and sign applications as packages
    Mex {
        #[command(subcommand)]
        command: MexCommand,
    },
    /// Bring an application up: verify it, run it, show what it says
    Up(UpArguments),
    /// Bring an application up, and have it follow its sources: what is saved runs
    Dev(DevArguments),
    /// Print what `space up` would start and change
    Plan(PlanArguments),
    /// Stop an application
    Down(DownArguments),
    /// List applications
    Ps {
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Print the state of an application and its spaces, with reasons
    Status(ShownArguments),
    /// Print what spaces said, and with `--follow` what happens to them
    Logs(LogsArguments),
    /// Print what happened to spaces
    Events(ShownArguments),
    /// Print an application's paths, and what they carried
    Graph(ShownArguments),
    /// Show spaces and paths as they are, again and again
    Top {
        #[command(flatten)]
        application: ApplicationArgument,
        /// Only once
        #[arg(long)]
        once: bool,
    },
    /// Print an address that opens the desk in a browser, once
    Desk,
    /// Print the messages of a path as they pass
    Tap(TapArguments),
    /// Put a message into a space's queue
    Send {
        #[command(flatten)]
        space: SpaceArgument,
        /// The message
        message: String,
        /// Send it in the name of the space, along this path of its own
        #[arg(long, value_name = "PATH")]
        path: Option<String>,
    },
    /// End a space at once, as a failure: its restart policy decides what follows
    Kill {
        #[command(flatten)]
        space: SpaceArgument,
    },
    /// Start a space anew
    Restart {
        #[command(flatten)]
        space: SpaceArgument,
    },
    /// Capabilities of an application's spaces
    Cap {
        #[command(subcommand)]
        command: CapCommand,
    },
    /// Verify, run and change applications
    Topo {
        #[command(subcommand)]
        command: TopoCommand,
    },
    /// Show what spaces cannot do
    Demo {
        #[command(subcommand)]
        command: DemoCommand,
    },
    /// Be the parent of this machine's spaces
    #[command(hide = true)]
    Zhost {
        /// Where the desk listens
        #[arg(long)]
        port: Option<u16>,
    },
    /// Compile a project without writing anything, and check each image against the contract
    Check {
        #[command(flatten)]
        project: ProjectArgument,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Build a project and boot it in QEMU
    Boot(BootArguments),
    /// Run a project's `test` blocks
    Test {
        #[command(flatten)]
        project: ProjectArgument,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Format sources
    Fmt {
        /// Files, or projects' folders
        #[arg(default_value = ".")]
        paths: Vec<PathBuf>,
        /// Change nothing; fail if something would change
        #[arg(long)]
        check: bool,
    },
    /// Print what the compiler derived of each component
    Facts {
        #[command(flatten)]
        project: ProjectArgument,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Print why a component holds a capability: its declaration, and the calls that use it; or why a space is as it is
    Why {
        /// The component, or a space of an application
        component: String,
        /// The component's capability
        capability: Option<String>,
        #[command(flatten)]
        project: ProjectArgument,
        #[command(flatten)]
        application: ApplicationArgument,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Print everything that an image or bundle says of itself
    Inspect {
        /// The image or bundle
        file: PathBuf,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Check structure, hashes, signature and trust of an image or bundle
    Verify {
        /// The image or bundle
        file: PathBuf,
        /// Trust this public key instead of your own keys
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Sign an image anew
    Sign {
        /// The image
        file: PathBuf,
        /// Name of the key
        #[arg(long, default_value = "development")]
        key: String,
        /// Where to write; otherwise the image itself is replaced
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make, list and export signing keys
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Turn images into other forms
    Sci {
        #[command(subcommand)]
        command: SciCommand,
    },
    /// Explain a diagnostic or an error by its id
    Explain {
        /// The id; without it, every id is listed
        id: Option<String>,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Check that everything is there that `space` needs
    Doctor {
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Print a completion script
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
}

/// What `space cache` does.
#[derive(Clone, Copy, Subcommand)]
pub enum CacheCommand {
    /// List the images
    List,
    /// Remove them all
    Clear,
}

/// How to run a guest.
#[derive(Args)]
pub struct RunArguments {
    /// The guest: a module (`.wasm`) or an image of one (`.sci`); or a project's folder
    pub file: PathBuf,
    /// Arguments for the guest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
    #[command(flatten)]
    pub guest: GuestArguments,
    /// Keep the guest's values in this file; otherwise they end with the run
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Give the guest the sensors, actuators and sound that this file describes
    #[arg(long, value_name = "FILE")]
    pub devices: Option<PathBuf>,
    /// Give the guest the models and services that this file describes
    #[arg(long, value_name = "FILE")]
    pub agents: Option<PathBuf>,
    /// Stop a project's components after this time, with success: `10s`, `500ms`, `2m`
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub time: Option<Duration>,
    /// Fail if the run has not ended after this time: `10s`, `500ms`, `2m`
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true,
          conflicts_with = "time")]
    pub timeout: Option<Duration>,
    /// Write where the guest spends its time to this file, for speedscope
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Write which function lies where in the guest's code to this file
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
}

/// What a guest is given.
#[derive(Args)]
pub struct GuestArguments {
    /// Grant a guest a capability besides `sys.log`: `data.read`; several with commas
    #[arg(long = "grant", value_name = "CAPABILITY", value_delimiter = ',', value_parser = capability)]
    pub grants: Vec<GuestCapability>,
    /// Give a guest a variable of the environment; it has none otherwise
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub environment: Vec<String>,
    /// End a guest when it has used so many units of fuel
    #[arg(long, value_name = "UNITS")]
    pub fuel: Option<u64>,
    /// Bytes that a guest's memory may grow to: `64MiB`
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1GiB")]
    pub memory: u64,
    #[command(flatten)]
    pub links: LinkArguments,
}

/// What `space key` does.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a release key; the name `development` makes the key that builds sign with
    New {
        /// Its name: lower-case letters, digits and `-`
        name: String,
    },
    /// List the keys
    List {
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Print the public half of a key, for others to trust
    Export {
        /// Its name
        #[arg(default_value = "development")]
        name: String,
        /// Print only the key, in Base64, as trust policies have it
        #[arg(long)]
        base64: bool,
    },
}

/// What `space sci` does.
#[derive(Subcommand)]
pub enum SciCommand {
    /// Write an image as an ELF file for gdb and objdump, with symbols and line numbers
    ToElf {
        /// The image
        file: PathBuf,
        /// Where to write; otherwise beside the image, with the ending `.elf`
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// A capability by its name.
fn capability(name: &str) -> Result<GuestCapability, String> {
    let names = || GuestCapability::ALL.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
    GuestCapability::by_name(name).ok_or_else(|| format!("the capabilities are {}", names()))
}

/// `NAME=VALUE`.
fn variable(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && !text.contains('\0') => Ok(text.to_owned()),
        _ => Err("a variable is a name, `=` and a value".to_owned()),
    }
}

/// `NAME=FILE`.
fn link(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok(Link { name: name.to_owned(), file: file.into() })
        }
        _ => Err("a link is the name of a module, `=` and its file: env=shim.wasm".to_owned()),
    }
}

/// A size such as `64MiB`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "a size is a number and a unit: 64MiB".to_owned())?;
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err("the units are B, KiB, MiB and GiB: 64MiB".to_owned()),
    };
    number.checked_mul(1 << shift).ok_or_else(|| "the size is too large".to_owned())
}

/// A time such as `10s`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "a time is a number and a unit: 10s".to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => return Err("the units are ms, s and m: 10s".to_owned()),
    };
    millis.map(Duration::from_millis).ok_or_else(|| "the time is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_table_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for bad in ["", "5", "s", "1h", "-1s", "99999999999999999999s", "18446744073709551615m"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
