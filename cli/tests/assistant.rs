//! A user's first minute with `examples/assistant`: answers of a model, of functions, and of the cache, after a restart too.

#[path = "../../services/zdesk/tests/support/chromium.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod chromium;
mod common;

use chromium::{Chromium, Page, program};
use common::Place;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/assistant")
}

/// The example, and the parent that is gone with it.
struct Application(Place);

impl Drop for Application {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

impl Application {
    /// Brings it up, and opens the desk, and in it its panel.
    fn open(&self, browser: &mut Chromium) -> (Page, Page) {
        let folder = example().display().to_string();
        let said = self.0.call("", &["up", "--detach", &folder]).succeeds();
        assert!(said.contains("assistant: running: all of it runs"), "{said}");
        let url = said.lines().find_map(|line| line.strip_prefix("desk: ")).expect("it prints where it is");
        panel(browser, url)
    }
}

/// Opens the desk, and in it the panel.
fn panel(browser: &mut Chromium, url: &str) -> (Page, Page) {
    let page = browser.open(url);
    browser.until(&page, "document.querySelectorAll('#list li').length === 3");
    let panel = browser.frame_at(&page, "panel");
    browser.until(&panel, "document.querySelectorAll('#suggestions button').length === 4");
    (page, panel)
}

/// A command that runs, and ends with this.
struct Booted(Child);

impl Drop for Booted {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Presses a suggestion; the answer must be from someone, and say something.
fn press(browser: &mut Chromium, panel: &Page, number: usize, from: &str, words: &str) {
    let lines = "document.querySelectorAll('#talk li').length";
    let before = browser.value(panel, lines);
    browser.value(panel, &format!("document.querySelectorAll('#suggestions button')[{number}].click()"));
    browser.until(panel, &format!("{lines} === {before} + 2"));
    let last = "document.querySelector('#talk li:last-child')";
    let said = browser.value(panel, &format!("{last}.dataset.from + ': ' + {last}.textContent"));
    let said = said.as_str().unwrap_or_default();
    assert!(said.starts_with(&format!("{from}: ")) && said.contains(words), "{words} of {from} in {said}");
}

fn counted(browser: &mut Chromium, panel: &Page) -> (String, String) {
    let mut of = |id: &str| {
        let value = browser.value(panel, &format!("document.getElementById('{id}').value"));
        value.as_str().unwrap_or_default().to_owned()
    };
    (of("found"), of("missed"))
}

#[test]
fn a_users_first_minute() {
    let Some(program) = program() else { return };
    let application = Application(Place::new());
    let mut browser = Chromium::start(&program);
    let (page, panel) = application.open(&mut browser);
    press(&mut browser, &panel, 0, "model", "A component in a sandbox of its own.");
    press(&mut browser, &panel, 0, "cache", "A component in a sandbox of its own.");
    press(&mut browser, &panel, 1, "model", "and nobody else");
    press(&mut browser, &panel, 2, "function", "Rome: 21 °C, light rain.");
    press(&mut browser, &panel, 3, "function", "20 °C are 68.0 °F.");
    assert_eq!(counted(&mut browser, &panel), ("1".to_owned(), "2".to_owned()));
    browser.picture(&page, "assistant");
    let said = application.0.call("", &["status"]).succeeds();
    // A cost is counted in whole millionths, rounded down for questions and for answers.
    let spent = "model model: 4 of 50 requests, 295 tokens, 0.000082 of 0.050000 spent today";
    assert!(said.contains(spent), "{said}");
    browser.value(&page, "document.querySelector('#panel .card').click()");
    browser.until(&page, "document.getElementById('panel').innerText.includes('model: 4 of 50 requests')");
    let why = application.0.call("", &["why", "assistant"]).succeeds();
    assert!(why.contains("1 found, 0 alike, 2 not found"), "{why}");
    // What nobody recorded is told, and shown to whoever would record it.
    ask_what_nobody_recorded(&mut browser, &panel);
    let events = application.0.call("", &["events"]).succeeds();
    assert!(events.contains("no answer is recorded for POST") && events.contains("Who are you?"), "{events}");
    // What an operator asks is answered in the log, once.
    application.0.call("", &["send", "assistant", "What is a space?"]).succeeds();
    application.0.call("", &["send", "tools", "20"]).succeeds();
    application.0.call("", &["send", "assistant", "do How much is 20 °C in Fahrenheit?"]).succeeds();
    let logged = || application.0.call("", &["logs", "assistant"]).succeeds();
    let end = Instant::now() + Duration::from_mins(1);
    while !logged().contains("function: 20 °C are 68.0 °F.") {
        assert!(Instant::now() < end, "{}", logged());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(logged().matches("cache: A component in a sandbox of its own.").count(), 1, "{}", logged());
    application.0.call("", &["down"]).succeeds();
    let (_, panel) = application.open(&mut browser);
    press(&mut browser, &panel, 1, "cache", "and nobody else");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn ask_what_nobody_recorded(browser: &mut Chromium, panel: &Page) {
    browser.value(
        panel,
        "document.getElementById('question').value = 'Who are you?'; document.getElementById('ask').click()",
    );
    browser
        .until(panel, "document.querySelector('#talk li:last-child').textContent.includes('gave no answer')");
}

#[test]
fn a_users_first_minute_from_inside_qemu() {
    let Some(program) = program() else { return };
    let place = Place::new();
    let mut browser = Chromium::start(&program);
    let folder = example().display().to_string();
    let mut command = place.command("", &["boot", &folder, "--for", "5m"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut booted = Booted(command.spawn().expect("it starts"));
    let mut lines = BufReader::new(booted.0.stdout.take().expect("it prints")).lines();
    let mut errors = booted.0.stderr.take().expect("it prints");
    let url = lines.find_map(|line| line.ok()?.strip_prefix("desk: ").map(str::to_owned));
    // The console is read to its end, so that the machine does not wait for a reader.
    let reader = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
    let (page, panel) = panel(&mut browser, &url.expect("it prints where the desk is"));
    press(&mut browser, &panel, 0, "model", "A component in a sandbox of its own.");
    press(&mut browser, &panel, 0, "cache", "A component in a sandbox of its own.");
    press(&mut browser, &panel, 2, "function", "Rome: 21 °C, light rain.");
    press(&mut browser, &panel, 3, "function", "20 °C are 68.0 °F.");
    ask_what_nobody_recorded(&mut browser, &panel);
    browser.value(&page, "document.querySelector('#panel .card').click()");
    browser.until(&page, "document.getElementById('panel').innerText.includes('model: 4 of 50 requests')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(booted);
    let console = reader.join().expect("it is read");
    assert!(console.contains("zmesh: routed @nanokernel -> tools along `weather`"), "{console}");
    let mut said = String::new();
    errors.read_to_string(&mut said).expect("it is text");
    assert!(
        said.contains("assistant: no answer is recorded for POST") && said.contains("Who are you?"),
        "{said}"
    );
}

#[test]
fn the_modules_were_built_from_the_sources_beside_them() {
    let digest = |file: &Path| {
        let bytes = fs::read(file).expect("it is a file");
        sci::digest::sha256(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    for (space, files) in [
        (
            "assistant",
            ["assistant.wasm", "build.sh", "guest.ts", "main.ts", "package.json", "space.ts"].as_slice(),
        ),
        ("tools", &["build.sh", "guest.zig", "main.zig", "space.zig", "tools.wasm"]),
    ] {
        let folder = example().join(space);
        let sums = fs::read_to_string(folder.join("sums")).expect("rebuild wrote it");
        let expected = files.iter().map(|file| format!("{}  {file}", digest(&folder.join(file))));
        assert!(sums.lines().eq(expected), "{space}: run examples/assistant/rebuild");
    }
}
