//! What a command says when it fails, and the exit code that goes with it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stderr};

use compiler_driver::{Class, plain};

/// Exit codes. They are stable; everything that a user can cause lies below 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The sources, their tests, a guest's imports, a placement or a message are refused.
    Refused = 1,
    /// The command line names something that does not exist.
    Usage = 2,
    /// A component faulted.
    Fault = 3,
    /// An image, a bundle, a package or a text of one is not what it is to be.
    Image = 4,
    /// A program, key or folder that `space` needs is missing.
    Environment = 5,
    /// Reading or writing failed.
    Io = 6,
    /// The booted system did not end, or ended with an error of its own.
    System = 7,
    /// A package is right, and its signer is not trusted.
    Trust = 8,
}

/// The codes for people: help, man pages and documentation print this table.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the sources, a guest or a message are refused, or a test failed
  2  the command line names something that does not exist, or exists already
  3  a component of the booted system faulted, or ended with an error, for good
  4  an image, bundle, package, topology or manifest breaks a rule
  5  a program, key or folder that space needs is missing
  6  reading or writing failed
  7  the booted system did not end, or ended with an error of its own
  8  a package is not trusted";

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    id: &'static str,
    message: String,
    place: Option<String>,
    help: Option<String>,
    exit: Exit,
}

impl Failure {
    /// A failure: its id and one sentence without a full stop.
    pub fn new(exit: Exit, id: &'static str, message: impl Into<String>) -> Self {
        Self { id, message: message.into(), place: None, help: None, exit }
    }

    /// Says where.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Its id.
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// What is wrong, and where.
    pub fn message(&self) -> String {
        match &self.place {
            Some(place) => format!("{} ({place})", self.message),
            None => self.message.clone(),
        }
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The exit code.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The text, in the one form that every error has.
    fn text(&self, color: bool) -> String {
        let (bold_red, bold, blue, end) =
            if color { ("\x1b[1;31m", "\x1b[1m", "\x1b[1;34m", "\x1b[0m") } else { ("", "", "", "") };
        let mut text = format!("{bold_red}error[{}]{end}{bold}: {}{end}\n", self.id, visible(&self.message));
        if let Some(place) = &self.place {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {blue}-->{end} {}", visible(place));
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "{bold}help{end}: {}", visible(help));
        }
        text
    }

    /// Prints it.
    pub fn print(&self) {
        say(&self.text(color()));
    }
}

impl From<compiler_driver::Error> for Failure {
    fn from(error: compiler_driver::Error) -> Self {
        let exit = match error.class() {
            Class::Source => Exit::Refused,
            Class::Usage => Exit::Usage,
            Class::Image => Exit::Image,
            Class::Environment => Exit::Environment,
            Class::Io => Exit::Io,
        };
        Self { id: error.id(), message: error.to_string(), place: error.place(), help: error.help(), exit }
    }
}

impl From<boot::Error> for Failure {
    fn from(error: boot::Error) -> Self {
        match error {
            boot::Error::Io { action, source } => {
                Self::new(Exit::Io, "boot-io", format!("cannot {action}: {}", plain(&source)))
            }
            boot::Error::Machine(error) => Self::new(Exit::Environment, "no-processes", error.to_string())
                .help("components run as processes that are traced: `ptrace(2)` must be allowed"),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Io, "output", format!("cannot print: {}", plain(&error)))
            .help("standard output is closed or its disk is full")
    }
}

/// Text whose control characters are written out, so that no name in a file commands the terminal.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Marks of direction have a terminal show what is not said.
    let marks = |character: char| matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let commands = |character: char| {
        character.is_control() && character != '\n' && character != '\t' || marks(character)
    };
    if !text.contains(commands) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for character in text.chars() {
        if commands(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether what goes to standard error is coloured.
pub fn color() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && stderr().is_terminal()
}

/// Prints to standard error. There is nobody to tell if that fails.
pub fn say(text: &str) {
    stderr().write_all(text.as_bytes()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_one_form() {
        let failure = Failure::new(Exit::Usage, "no-project", "there is no folder x").at("x").help("make it");
        assert_eq!(failure.text(false), "error[no-project]: there is no folder x\n  --> x\nhelp: make it\n");
        assert!(failure.text(true).starts_with("\x1b[1;31merror[no-project]\x1b[0m\x1b[1m: "));
    }

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(visible("a\tb\n"), "a\tb\n");
        assert_eq!(visible("a\x1b[31mb\r"), "a\\u{1b}[31mb\\u{d}");
        assert_eq!(visible("ab\u{202e}cd"), "ab\\u{202e}cd");
    }

    #[test]
    fn the_table_has_every_code() {
        let codes =
            [Exit::Refused, Exit::Usage, Exit::Fault, Exit::Image, Exit::Environment, Exit::Io, Exit::System];
        for exit in codes {
            assert!(EXIT_CODES.contains(&format!("\n  {}  ", exit as u8)));
            assert!((exit as u8) < 100);
        }
    }
}
