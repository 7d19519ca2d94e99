//! `examples/factory-floor`: its modules, and a user's first minute with it in the browser.

#[path = "../../services/zdesk/tests/support/chromium.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod chromium;
mod common;

use chromium::{Chromium, Page, program};
use common::Place;
use std::fs;
use std::path::{Path, PathBuf};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/factory-floor")
}

#[test]
fn the_modules_were_built_from_the_sources_beside_them() {
    for (space, files) in [
        ("furnace", &["build.sh", "furnace.wasm", "guest.zig", "main.zig", "space.zig"][..]),
        ("gate", &["build.sh", "gate.wasm", "guest.c", "guest.h", "main.c", "space.h"]),
        ("guard", &["build.sh", "guard.wasm", "guest.ts", "main.ts", "package.json", "space.ts"]),
    ] {
        let folder = example().join(space);
        let sums = fs::read_to_string(folder.join("sums")).expect("rebuild wrote it");
        let digest = |file: &str| {
            let bytes = fs::read(folder.join(file)).expect("it is a file");
            sci::digest::sha256(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        let expected: Vec<String> = files.iter().map(|file| format!("{}  {file}", digest(file))).collect();
        assert!(sums.lines().eq(expected), "{space}: run examples/factory-floor/rebuild");
    }
}

/// The parent that is gone with the test.
struct Application(Place);

impl Drop for Application {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

/// Presses a button of the console until the answer has some words, and gives the answer.
fn order(browser: &mut Chromium, console: &Page, button: &str, words: &str) -> String {
    let answer = "document.getElementById('answer').value";
    // A button that was pressed waits for the answer.
    let again = format!(
        "(() => {{ const button = document.getElementById('{button}'); \
         if (!button.disabled && {answer}.includes('{words}')) return true; button.click(); return false; }})()"
    );
    browser.until(console, &again);
    browser.value(console, answer).as_str().expect("a text").to_owned()
}

#[test]
fn a_users_first_minute() {
    let Some(program) = program() else { return };
    let application = Application(Place::new());
    let call = |arguments: &[&str]| application.0.call("", arguments).succeeds();
    let said = call(&["up", "--detach", example().to_str().expect("a path")]);
    let url = said.lines().find_map(|line| line.strip_prefix("desk: ")).expect("it prints where the desk is");
    let mut browser = Chromium::start(&program);
    let page = browser.open(&format!("{url}&at=Hall&face=north"));
    browser.until(&page, "document.querySelector('#world iframe')");
    // Screens that nobody looks at are not what is meant here.
    browser.value(&page, "document.querySelectorAll('#screens iframe').forEach((frame) => frame.remove())");
    let overview = browser.frame_at(&page, "overview");
    browser.until(&overview, "document.getElementById('where').textContent === 'Hall, looking north'");
    let points = "document.getElementById('line').getAttribute('points').split(' ').length";
    browser.until(&overview, &format!("{points} > 3"));
    browser.until(&overview, "document.getElementById('heat').value === 'hot'");
    browser.picture(&page, "factory-hall");
    // To the gatehouse by keyboard, and looking where there is something to be seen; round once.
    browser.value(&page, "document.querySelector('.ways button').focus()");
    browser.key(&page, "Enter");
    browser.until(&page, "location.search.includes('at=Gatehouse&face=west')");
    browser.key(&page, "ArrowLeft");
    browser.until(
        &page,
        "document.getElementById('world').innerText.includes('Nothing is to be seen to the south')",
    );
    browser.key(&page, "ArrowRight");
    browser.until(&page, "location.search.includes('face=west')");
    let console = browser.frame_at(&page, "console");
    browser.until(&console, "document.getElementById('open')");
    // Whoever has the gate keeps it from others, until it is free.
    let refused = order(&mut browser, &console, "open", "refused");
    assert_eq!(refused, "open: refused, locked by another");
    browser.picture(&page, "factory-gatehouse");
    let opened = order(&mut browser, &console, "open", "fence");
    let fence = |answer: &str| {
        let number = answer.rsplit(' ').next().and_then(|number| number.parse::<u32>().ok());
        number.expect("it ends with the fence")
    };
    assert!(opened.starts_with("open, with fence "), "{opened}");
    assert!(fence(&opened) > 1, "the guard had an earlier one: {opened}");
    let said = call(&["logs", "guard"]);
    assert!(said.contains("guard | the gate is locked, with fence 1\n"), "{said}");
    let said = call(&["events"]);
    for (space, device) in [("furnace", "furnace-heat"), ("guard", "factory-gate")] {
        let line = format!("{space} * `{device}` is simulated: this machine has none\n");
        assert!(said.replace("  ", " ").replace("  ", " ").contains(&line), "{said}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
