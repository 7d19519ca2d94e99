//! The arguments of the commands about applications that run.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::JsonArgument;

/// `space up`
#[derive(Args)]
pub struct UpArguments {
    /// A folder with a topology, a topology, or a package
    #[arg(default_value = ".")]
    pub what: PathBuf,
    /// Return when it runs, and let it run
    #[arg(long)]
    pub detach: bool,
    /// Where the desk listens on this machine, if no parent runs yet
    #[arg(long)]
    pub port: Option<u16>,
}

/// `space dev`
#[derive(Args)]
pub struct DevArguments {
    /// A folder with a topology, or a topology
    #[arg(default_value = ".")]
    pub what: PathBuf,
    /// Where the desk listens on this machine, if no parent runs yet
    #[arg(long)]
    pub port: Option<u16>,
}

/// `space plan`
#[derive(Args)]
pub struct PlanArguments {
    /// A folder with a topology, a topology, or a package
    #[arg(default_value = ".")]
    pub what: PathBuf,
    #[command(flatten)]
    pub output: JsonArgument,
}

/// `space down`
#[derive(Args)]
pub struct DownArguments {
    #[command(flatten)]
    pub application: ApplicationArgument,
    /// Remove what it stored, and its history
    #[arg(long)]
    pub purge: bool,
}

/// An application.
#[derive(Args)]
pub struct ApplicationArgument {
    /// The application's name; otherwise that of the folder's topology, or the only one that there is
    #[arg(long, short, value_name = "NAME")]
    pub app: Option<String>,
}

/// An application that is shown, for people or for programs.
#[derive(Args)]
pub struct ShownArguments {
    #[command(flatten)]
    pub application: ApplicationArgument,
    #[command(flatten)]
    pub output: JsonArgument,
}

/// A space of an application.
#[derive(Args)]
pub struct SpaceArgument {
    /// The space
    pub space: String,
    #[command(flatten)]
    pub application: ApplicationArgument,
}

/// `space logs`
#[derive(Args)]
pub struct LogsArguments {
    /// Of this space only
    pub space: Option<String>,
    #[command(flatten)]
    pub application: ApplicationArgument,
    /// Go on with what comes
    #[arg(long, short)]
    pub follow: bool,
    /// The last so many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 1000)]
    pub lines: usize,
    #[command(flatten)]
    pub output: JsonArgument,
}

/// `space tap`
#[derive(Args)]
pub struct TapArguments {
    /// The space that sends
    pub from: String,
    /// The path
    pub path: String,
    #[command(flatten)]
    pub application: ApplicationArgument,
    /// End after so many messages
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub count: Option<u64>,
    #[command(flatten)]
    pub output: JsonArgument,
}

/// `space topo`
#[derive(Subcommand)]
pub enum TopoCommand {
    /// Verify a topology or package and run it, or change what runs to it
    Submit {
        /// A folder with a topology, a topology, or a package
        #[arg(default_value = ".")]
        what: PathBuf,
    },
    /// List applications
    Ls {
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Print the state of an application and its spaces, with reasons
    Status(ShownArguments),
    /// Stop an application
    Stop {
        #[command(flatten)]
        application: ApplicationArgument,
    },
    /// List an application's revisions
    History(ShownArguments),
    /// Bring an earlier revision back
    Rollback {
        /// Its number
        revision: u64,
        #[command(flatten)]
        application: ApplicationArgument,
    },
}
