//! The `space` command: reads the command line, calls the library crates, prints. Thin on purpose.
#![forbid(unsafe_code)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "what a command prints is short, and text is plainest as a sum of lines"
)]

mod arguments;
mod bindings;
mod commands;
mod explanations;
mod print;
mod progress;
mod report;
mod session;
mod toolchain;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use arguments::{
    Arguments, CacheCommand, CapCommand, Command, DemoCommand, KeyCommand, MexCommand, SciCommand,
    TopoCommand,
};
use commands::apps;
use report::{Exit, Failure};
use services_zdesk::view::Action;

fn main() -> ExitCode {
    runtime_sandbox::start(&[compiler_driver::guest::child::ROLE, services_zrun::linux::ROLE]);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return match error.print() {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => fail(&error.into()),
                _ => ExitCode::SUCCESS,
            };
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report::say(&error.render().to_string());
            return ExitCode::from(Exit::Usage as u8);
        }
        Err(error) => return fail(&usage(&error)),
    };
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    failure.print();
    ExitCode::from(failure.exit() as u8)
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::New(arguments) => commands::new::run(&arguments),
        Command::Build { project, output, fuel, links } => {
            commands::build::run(&project.folder, output.as_deref(), fuel, &links.links)
        }
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Cache { command: CacheCommand::List } => commands::guest::list(),
        Command::Cache { command: CacheCommand::Clear } => commands::guest::clear(),
        Command::Mex { command: MexCommand::New { name, lang } } => commands::mex::new::run(&name, lang),
        Command::Mex { command: MexCommand::Build(arguments) } => commands::mex::build(&arguments),
        Command::Mex { command: MexCommand::Verify(arguments) } => commands::mex::verify(&arguments),
        Command::Mex { command: MexCommand::Inspect { file, output } } => {
            commands::mex::inspect(&file, output.json)
        }
        Command::Mex { command: MexCommand::Sign { file, key, output } } => {
            commands::mex::sign(&file, &key, output.as_deref())
        }
        Command::Up(arguments) => apps::up::run(&arguments),
        Command::Dev(arguments) => apps::dev::run(&arguments),
        Command::Plan(arguments) => apps::plan::run(&arguments),
        Command::Down(arguments) => apps::down(&arguments.application, arguments.purge),
        Command::Ps { output } => apps::ps(output.json),
        Command::Status(shown) => apps::status(&shown),
        Command::Logs(arguments) => apps::logs(&arguments),
        Command::Events(shown) => apps::events(shown),
        Command::Graph(shown) => apps::graph(&shown),
        Command::Top { application, once } => apps::top(&application, once),
        Command::Tap(arguments) => apps::tap(&arguments),
        Command::Send { space, message, path } => apps::send(&space, &message, path),
        Command::Kill { space } => apps::act(&space, Action::Kill),
        Command::Restart { space } => apps::act(&space, Action::Restart),
        Command::Cap { command: CapCommand::Ls(shown) } => apps::capabilities(&shown),
        Command::Topo { command } => topo(command),
        Command::Demo { command: DemoCommand::Attacks } => commands::demo::attacks(),
        Command::Desk => apps::desk(),
        Command::Zhost { port } => apps::parent::run(port),
        Command::Check { project, output } => commands::check::run(&project.folder, output.json),
        Command::Boot(arguments) => commands::boot::run(&arguments),
        Command::Test { project, output } => commands::test::run(&project.folder, output.json),
        Command::Fmt { paths, check } => commands::fmt::run(&paths, check),
        Command::Facts { project, output } => commands::facts::run(&project.folder, output.json),
        Command::Why { component: space, capability: Some(capability), project, application, output }
            if apps::is_folder(&project.folder) || application.app.is_some() =>
        {
            let space = arguments::SpaceArgument { space, application };
            apps::why_capability(&space, &capability, output.json)
        }
        Command::Why { component, capability: Some(capability), project, output, .. } => {
            commands::why::run(&component, &capability, &project.folder, output.json)
        }
        Command::Why { component: space, capability: None, application, .. } => {
            apps::why(&arguments::SpaceArgument { space, application })
        }
        Command::Inspect { file, output } => commands::inspect::run(&file, output.json),
        Command::Verify { file, key } => commands::verify::run(&file, key.as_deref()),
        Command::Sign { file, key, output } => commands::sign::run(&file, &key, output.as_deref()),
        Command::Key { command: KeyCommand::New { name } } => commands::key::new(&name),
        Command::Key { command: KeyCommand::List { output } } => commands::key::list(output.json),
        Command::Key { command: KeyCommand::Export { name, base64 } } => commands::key::export(&name, base64),
        Command::Sci { command: SciCommand::ToElf { file, output } } => {
            commands::to_elf::run(&file, output.as_deref())
        }
        Command::Explain { id, output } => commands::explain::run(id.as_deref(), output.json),
        Command::Doctor { output } => commands::doctor::run(output.json),
        Command::Completions { shell } => commands::generate::completions(shell),
        Command::Man { folder } => commands::generate::man(&folder),
    }
}

fn topo(command: TopoCommand) -> Result<(), Failure> {
    match command {
        TopoCommand::Submit { what } => apps::up::topo_submit(&what),
        TopoCommand::Ls { output } => apps::ps(output.json),
        TopoCommand::Status(shown) => apps::status(&shown),
        TopoCommand::Stop { application } => apps::down(&application, false),
        TopoCommand::History(shown) => apps::history(&shown),
        TopoCommand::Rollback { revision, application } => apps::rollback(&application, revision),
    }
}

/// The parser's complaint in the form of every other error.
fn usage(error: &clap::Error) -> Failure {
    // Only `space new` takes a name or a command.
    if error.kind() == ErrorKind::ArgumentConflict
        && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
    {
        return Failure::new(Exit::Usage, "usage", format!("`{word}` is one word too many"))
            .help("`space new <name>` makes a project, `space new space <name> --lang c` a guest");
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    // What follows the sentence up to the next part belongs to it: names of missing arguments.
    let more: Vec<&str> = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("  ") && !line.contains("tip:"))
        .map(str::trim)
        .collect();
    let message = if more.is_empty() { message } else { format!("{message} {}", more.join(" ")) };
    let tip = lines.find_map(|line| line.strip_prefix("tip: ")).map(str::to_owned);
    let help = tip.unwrap_or_else(|| {
        "`space --help` lists the commands, `space <command> --help` what each takes".to_owned()
    });
    Failure::new(Exit::Usage, "usage", message).help(help)
}
