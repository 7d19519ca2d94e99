//! The arguments of `space mex`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{JsonArgument, Language};

/// `space mex`
#[derive(Subcommand)]
pub enum MexCommand {
    /// Make an application that is packed as it is: a sensor, a store, a panel; or one of a space in a language
    New {
        /// Its name: lower-case letters, digits and `-`
        name: String,
        /// With one space alone, in this language
        #[arg(long, value_enum)]
        lang: Option<Language>,
    },
    /// Pack an application: its topology, and the files of its spaces
    Build(MexBuildArguments),
    /// Check a package by every rule, and whether it is trusted
    Verify(MexVerifyArguments),
    /// Print everything that a package says of itself
    Inspect {
        /// The package
        file: PathBuf,
        #[command(flatten)]
        output: JsonArgument,
    },
    /// Sign a package anew
    Sign {
        /// The package
        file: PathBuf,
        /// Name of the key
        #[arg(long, default_value = "development")]
        key: String,
        /// Where to write; otherwise the package itself is replaced
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `space mex build`
#[derive(Args)]
pub struct MexBuildArguments {
    /// The application's folder, or its topology
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Where to write; otherwise a file named after the package, with the ending `.mex`
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Name of the key that signs; otherwise it is the development key
    #[arg(long)]
    pub key: Option<String>,
    /// Leave the package unsigned
    #[arg(long, conflicts_with = "key")]
    pub unsigned: bool,
}

/// `space mex verify`
#[derive(Args)]
pub struct MexVerifyArguments {
    /// The package
    pub file: PathBuf,
    /// Judge by this trust policy instead of your own
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Refuse what goes beyond `samoza/v1`
    #[arg(long)]
    pub strict: bool,
}
