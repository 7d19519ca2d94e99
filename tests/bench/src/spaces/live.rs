//! From a source that is saved to the first line of what it became, under `space dev`.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use super::application::{Member, Place};
use super::trip::median;
use xtask::Failure;
use xtask::shell::has;

/// How often each is saved.
const SAVES: u32 = 5;
/// Goal: milliseconds.
const MILLISECONDS: f64 = 300.0;
/// What the template's sensor says first, in its source.
const LINE: &str = "guest_log(\"ten readings a second\")";

/// Prints how long a module takes, and a source in C where there is a compiler.
pub fn run(place: &Place<'_>) -> Result<(), Failure> {
    let first = saying(0);
    place.make("saved", &[Member { name: "speaker".to_owned(), module: &first, rest: "" }], &[])?;
    let save = |number: u32| {
        let module = wat::parse_str(saying(number)).map_err(|error| format!("the module: {error}"))?;
        place.write("saved/spaces/speaker/core.wasm", module)
    };
    tell("a module", follow(place, "saved", "speaker", save)?);
    if !has("clang") || !has("wasm-ld") {
        println!("a source in C that is saved: left out, there is no clang or no lld");
        return Ok(());
    }
    crate::quiet(place.command(&["mex", "new", "app"]).current_dir(place.path(".")))?;
    let path = place.path("app/sensor/main.c");
    let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if !source.contains(LINE) {
        return Err(format!("{} does not say `{LINE}`", path.display()));
    }
    let save = |number: u32| {
        let line = said(number);
        let line = format!("guest_log(\"{line}\")");
        place.write("app/sensor/main.c", source.replace(LINE, &line))
    };
    save(0)?;
    tell("a source in C", follow(place, "app", "sensor", save)?);
    Ok(())
}

fn tell(what: &str, milliseconds: f64) {
    let word = if milliseconds <= MILLISECONDS { "holds" } else { "does not hold" };
    println!(
        "{what} that is saved, to the first line of what it became: {milliseconds} ms (goal {MILLISECONDS}: {word})"
    );
}

fn said(number: u32) -> String {
    format!("said {number}")
}

fn saying(number: u32) -> String {
    let line = said(number);
    format!(
        r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{line}")
  (func (export "on_init") (drop (call $log (i32.const 0) (i32.const {}))))
  (func (export "on_process")) (func (export "on_close")))"#,
        line.len()
    )
}

/// Ended with the figure.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        // As by Ctrl-C: it stops the application.
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// Milliseconds from a save to the line that it makes a space say: the one in the middle of several.
fn follow(
    place: &Place<'_>,
    application: &str,
    space: &str,
    save: impl Fn(u32) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let folder = place.path(application).to_string_lossy().into_owned();
    let mut command = place.command(&["dev", &folder]);
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let _following = Following(started.map_err(|error| format!("`space dev`: {error}"))?);
    place.said(application, space, &said(0))?;
    let mut times = Vec::new();
    for number in 1..=SAVES {
        save(number)?;
        let saved = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
        let time = place.said(application, space, &said(number))?.saturating_sub(saved);
        times.push(f64::from(u32::try_from(time).unwrap_or(u32::MAX)));
    }
    Ok(median(times))
}
