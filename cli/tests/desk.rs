//! A user's first minute with the example: it is up, the browser shows it, a value outlives a restart.

#[path = "../../services/zdesk/tests/support/chromium.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod chromium;
mod common;

use chromium::{Chromium, Page, program};
use common::Place;

/// The example's folder, and the parent that is gone with it.
struct Application(Place);

impl Drop for Application {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

impl Application {
    /// Brings it up, and opens its panel.
    fn open(&self, browser: &mut Chromium) -> Page {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello-samoza");
        let said = self.0.call("", &["up", "--detach", example]).succeeds();
        let url =
            said.lines().find_map(|line| line.strip_prefix("desk: ")).expect("it prints where the desk is");
        let page = browser.open(url);
        browser.until(&page, "document.querySelectorAll('#list li').length === 3");
        browser.picture(&page, "example");
        let panel = browser.frame_at(&page, "panel");
        browser.until(&panel, "document.getElementById('presses').value !== '–'");
        panel
    }
}

#[test]
fn a_users_first_minute() {
    let Some(program) = program() else { return };
    let application = Application(Place::new());
    let mut browser = Chromium::start(&program);
    let panel = application.open(&mut browser);
    // The chart moves.
    let points = "document.getElementById('line').getAttribute('points').split(' ').length";
    browser.until(&panel, &format!("{points} > 3"));
    let before = browser.value(&panel, points);
    browser.until(&panel, &format!("{points} > {before}"));
    // A press is counted, and said in the log.
    for count in 1..=3 {
        browser.value(&panel, "document.getElementById('press').click()");
        browser.until(&panel, &format!("document.getElementById('presses').value === '{count}'"));
    }
    let said = application.0.call("", &["logs", "panel"]).succeeds();
    assert_eq!(said.matches("pressed").count(), 3, "{said}");
    application.0.call("", &["down"]).succeeds();
    let panel = application.open(&mut browser);
    browser.until(&panel, "document.getElementById('presses').value === '3'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
