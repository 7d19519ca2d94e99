//! `space completions` and `space man`: from the command table.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use compiler_driver::{Error, files};

use crate::arguments::Arguments;
use crate::print;
use crate::report::Failure;

/// Prints a completion script.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "space", &mut script);
    print::text(&String::from_utf8_lossy(&script))
}

/// Writes a page for `space` and one for each command.
pub fn man(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    let mut command = Arguments::command();
    command.build();
    let mut names = Vec::new();
    page(&command, "space", folder, &mut names)?;
    print::text(&names.iter().map(|name| format!("{name}\n")).collect::<String>())
}

fn page(command: &Command, name: &str, folder: &Path, names: &mut Vec<String>) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut text)?;
    let path = folder.join(format!("{name}.1"));
    files::replace(&path, &text)?;
    names.push(path.display().to_string());
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        page(below, &format!("{name}-{}", below.get_name()), folder, names)?;
    }
    Ok(())
}
