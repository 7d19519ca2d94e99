//! A user's first minute with the example, on this host and from inside QEMU: it is up, the browser shows it, a value
//! outlives a restart.

#[path = "../../services/zdesk/tests/support/chromium.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod chromium;
mod common;

use chromium::{Chromium, Page, program};
use common::Place;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello-samoza");
/// How many points the chart has.
const POINTS: &str = "document.getElementById('line').getAttribute('points').split(' ').length";

/// The example's folder, and the parent that is gone with it.
struct Application(Place);

impl Drop for Application {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

impl Application {
    /// Brings it up, and opens its panel.
    fn open(&self, browser: &mut Chromium) -> (Page, Page) {
        let said = self.0.call("", &["up", "--detach", EXAMPLE]).succeeds();
        let url =
            said.lines().find_map(|line| line.strip_prefix("desk: ")).expect("it prints where the desk is");
        panel(browser, url)
    }
}

/// Opens the desk, and the panel in it.
fn panel(browser: &mut Chromium, url: &str) -> (Page, Page) {
    let page = browser.open(url);
    browser.until(&page, "document.querySelectorAll('#list li').length === 3");
    browser.picture(&page, "example");
    let panel = browser.frame_at(&page, "panel");
    browser.until(&panel, "document.getElementById('presses').value !== '–'");
    (page, panel)
}

/// The chart moves.
fn moves(browser: &mut Chromium, panel: &Page) {
    browser.until(panel, &format!("{POINTS} > 3"));
    let before = browser.value(panel, POINTS);
    browser.until(panel, &format!("{POINTS} > {before}"));
}

/// Each press is counted.
fn press(browser: &mut Chromium, panel: &Page) {
    for count in 1..=3 {
        browser.value(panel, "document.getElementById('press').click()");
        browser.until(panel, &format!("document.getElementById('presses').value === '{count}'"));
    }
}

/// An operator ends a space, which comes again, and starts it anew.
fn orders(browser: &mut Chromium, page: &Page, space: &str) {
    let card =
        format!("[...document.querySelectorAll('#list li')].find(li => li.innerText.includes('{space}'))");
    browser.value(page, &format!("{card}.querySelector('button').click()"));
    let shown = |text: &str| format!("document.getElementById('panel').innerText.includes('{text}')");
    let runs = |restarts: &str| {
        let panel = "document.getElementById('panel')";
        let running = "document.querySelector('#panel h2').textContent.includes('running')";
        format!("{running} && /Restarts\\s+{restarts}\\s/.test({panel}.innerText)")
    };
    for (order, restarts, told) in [
        ("Kill", "0", "it failed: it was killed: an operator asked for it"),
        ("Restart", "1", "it was stopped"),
    ] {
        browser.until(page, &runs(restarts));
        // It asks whether one is sure.
        let button = format!(
            "[...document.querySelectorAll('#panel button')].find(one => one.innerText === '{order}')"
        );
        browser.value(page, &format!("(button => {{ button.click(); button.click() }})({button})"));
        browser.until(page, &shown(told));
    }
    browser.until(page, &runs("\\d+"));
}

#[test]
fn a_users_first_minute() {
    let Some(program) = program() else { return };
    let application = Application(Place::new());
    let mut browser = Chromium::start(&program);
    let (page, panel) = application.open(&mut browser);
    moves(&mut browser, &panel);
    press(&mut browser, &panel);
    let said = application.0.call("", &["logs", "panel"]).succeeds();
    assert_eq!(said.matches("pressed").count(), 3, "{said}");
    orders(&mut browser, &page, "sensor");
    moves(&mut browser, &panel);
    application.0.call("", &["down"]).succeeds();
    let (_, panel) = application.open(&mut browser);
    browser.until(&panel, "document.getElementById('presses').value === '3'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A machine that ends with the test.
struct Booted(Child);

impl Drop for Booted {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_users_first_minute_from_inside_qemu() {
    let Some(program) = program() else { return };
    let place = Place::new();
    let mut browser = Chromium::start(&program);
    let mut command = place.command("", &["boot", EXAMPLE, "--for", "5m"]);
    let mut booted = Booted(command.stdout(Stdio::piped()).spawn().expect("it starts"));
    let mut lines = BufReader::new(booted.0.stdout.take().expect("it prints")).lines();
    let url = lines.find_map(|line| line.ok()?.strip_prefix("desk: ").map(str::to_owned));
    // The console is read to its end, so that the machine does not wait for a reader.
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
    let (page, panel) = panel(&mut browser, &url.expect("it prints where the desk is"));
    moves(&mut browser, &panel);
    press(&mut browser, &panel);
    // What the guests write, where they run and why, and what passes on a path, are there as for an application that is up.
    let shown = |text: &str| format!("document.getElementById('panel').innerText.includes('{text}')");
    browser.value(
        &page,
        "[...document.querySelectorAll('#list li')].find(li => li.innerText.includes('sensor')).querySelector('button').click()",
    );
    browser.until(&page, &shown("on `nanokernel`"));
    browser.picture(&page, "booted");
    orders(&mut browser, &page, "sensor");
    moves(&mut browser, &panel);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(booted);
    let console = reader.join().expect("it is read");
    assert!(console.contains("zmesh: routed panel -> store along `presses`"), "{console}");
}
