//! The arguments of `space boot`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{GuestArguments, duration};

/// How to boot.
#[derive(Args)]
pub struct BootArguments {
    /// The project's folder; a guest: a module (`.wasm`) or an image of one (`.sci`); or an application: a package
    /// (`.mex`), a topology or its folder
    #[arg(default_value = ".")]
    pub what: PathBuf,
    /// Arguments for the guest, behind `--`
    #[arg(last = true)]
    pub arguments: Vec<String>,
    #[command(flatten)]
    pub guest: GuestArguments,
    /// The machine
    #[arg(long, value_enum, default_value_t = MachineArgument::Microvm)]
    pub machine: MachineArgument,
    /// Stop after this time, with success: `10s`, `500ms`, `2m`
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub time: Option<Duration>,
    /// Fail if the system has not ended after this time: 60s, with gdb never
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true,
          conflicts_with = "time")]
    pub timeout: Option<Duration>,
    /// Wait for gdb on port 1234
    #[arg(long)]
    pub gdb: bool,
    /// The port of the desk, which shows an application; the usual one, or any that is free
    #[arg(long)]
    pub port: Option<u16>,
    /// Reserved: stay interactive until standard input ends
    #[arg(long)]
    pub shell: bool,
    /// The file in which an application's spaces store what outlives the machine, made if there is none; `none` for none.
    /// Without it `machines/NAME.disk` below `$SPACE_HOME`
    #[arg(long, value_name = "FILE")]
    pub disk: Option<PathBuf>,
    /// Give a guest the simulated devices that this file describes, silent sound, and events
    #[arg(long, value_name = "FILE")]
    pub devices: Option<PathBuf>,
    /// Give a guest the models and services that this file describes
    #[arg(long, value_name = "FILE")]
    pub agents: Option<PathBuf>,
    /// Write interrupts and resets to a file
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Count instructions instead of time: slower, and the same in every run
    #[arg(long)]
    pub icount: bool,
    /// Words for the kernel's command line
    #[arg(long = "kernel-argument", value_name = "WORD")]
    pub words: Vec<String>,
}

/// The machine's name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MachineArgument {
    /// The smallest: a serial port and virtio
    Microvm,
    /// PCI Express
    Q35,
    /// PCI
    Pc,
}

impl From<MachineArgument> for ::boot::Machine {
    fn from(machine: MachineArgument) -> Self {
        match machine {
            MachineArgument::Microvm => Self::Microvm,
            MachineArgument::Q35 => Self::Q35,
            MachineArgument::Pc => Self::Pc,
        }
    }
}
