//! What is told of what did not go well: messages that no page shows, starts that failed, paths that cannot be looked at.

mod common;

use common::crowd::Crowd;
use common::house::{House, TOPOLOGY};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

/// What is said of a message that no page shows.
const UNSHOWN: &str = "no page that shows it took the message in time";

#[test]
fn what_no_page_shows_is_a_dead_letter_wherever_one_looks() {
    let house = House::new();
    house.up();
    house.until("more came than is kept for a page", |house| {
        let application = house.application();
        let dead = application["dead"].as_array().cloned().unwrap_or_default();
        dead.iter().any(|letter| {
            letter["to"] == "readings"
                && letter["reason"].as_str().is_some_and(|reason| reason.contains(UNSHOWN))
        })
    });
    let application = house.application();
    let paths = application["paths"].as_array().expect("paths");
    let dropped = |name: &str| {
        let path = paths.iter().find(|path| path["name"] == name).expect("there is one");
        path["dropped"].as_u64().expect("a number")
    };
    assert!(dropped("readings") > 0);
    assert_eq!(dropped("values"), 0, "the store takes its own");
    let top = house.call(&["top", "--once"]).succeeds();
    let row = top.lines().find(|line| line.contains(" readings ")).expect("its path is shown");
    let cells: Vec<&str> = row.split_ascii_whitespace().collect();
    assert_ne!(cells[5], "0", "{top}");
    for space in ["page", "ticker"] {
        let why = house.call(&["why", space]).succeeds();
        assert!(why.contains("`readings`") && why.contains(UNSHOWN), "{why}");
    }
    let why = house.call(&["why", "store"]).succeeds();
    assert!(!why.contains("dead letters"), "{why}");
    // It is said once, whatever follows.
    let events = house.call(&["events"]).succeeds();
    assert_eq!(events.matches(UNSHOWN).count(), 1, "{events}");
    let mut tap = house.0.command("app", &["tap", "ticker", "readings"]);
    let mut tap = tap.stdout(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(tap.stdout.take().expect("it is piped")).lines();
    let told = lines.map_while(Result::ok).find(|line| line.starts_with("x "));
    assert!(told.is_some_and(|line| line.contains(" reached nobody: ") && line.contains(UNSHOWN)));
    tap.kill().expect("it runs");
    tap.wait().expect("it ends");
}

/// Sends itself messages as long as it may, and takes none.
const FULL: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $fill (loop $on (br_if $on (i32.ge_s (call $again (i32.const 0) (i32.const 1)) (i32.const 0)))))
  (func (export "on_init") (call $fill) (call $fill))
  (func (export "on_process")) (func (export "on_close")))"#;

#[test]
fn a_space_whose_own_queue_is_full_is_told_of() {
    let house = Crowd::new(&[("full".to_owned(), FULL, "")]);
    house.0.call("app", &["up", "--detach"]).succeeds();
    house.until("it waits", |house| house.space("full")["state"] == "running");
    let events = house.0.call("app", &["events"]).succeeds();
    assert_eq!(events.matches("its own queue is full").count(), 1, "{events}");
    let why = house.0.call("app", &["why", "full"]).succeeds();
    assert!(why.contains("waiting ") && why.contains(" messages\n"), "{why}");
}

#[test]
fn a_start_that_went_well_does_not_hide_what_came_before() {
    let house = House::new();
    house.up();
    let said = house.call(&["status"]).succeeds();
    assert!(!said.contains("started again") && !said.contains("failed last"), "{said}");
    for restarts in [1, 2] {
        house.call(&["kill", "ticker"]).succeeds();
        house.until("it runs again", |house| {
            let shown = house.space("ticker");
            shown["state"] == "running" && shown["restarts"] == restarts
        });
    }
    let said = house.call(&["status"]).succeeds();
    let line = said.lines().find(|line| line.trim_start().starts_with("ticker ")).expect("its line");
    assert!(line.contains("running") && line.contains("; started again 2 times; failed last "), "{line}");
    assert!(line.ends_with(" s ago: it was killed: an operator asked for it"), "{line}");
    assert!(!said.lines().any(|line| line.contains("store ") && line.contains("started again")), "{said}");
    let why = house.call(&["why", "ticker"]).succeeds();
    assert!(why.contains("started again 2 times; failed last "), "{why}");
    // What an operator starts anew has not failed.
    house.call(&["restart", "store"]).succeeds();
    house.until("it runs anew", |house| {
        let shown = house.space("store");
        shown["state"] == "running" && shown["restarts"] == 1
    });
    assert!(house.space("store")["failure"].is_null());
}

#[test]
fn each_cause_that_a_path_cannot_be_looked_at_is_told_apart() {
    let house = House::new();
    house
        .0
        .write("app/topology.yaml", format!("{TOPOLOGY}  - from: page\n    to: store\n    name: clicks\n"));
    house.up();
    let tap = |from: &str, path: &str| house.call(&["tap", from, path, "--count", "1"]);
    tap("ticker", "nowhere").refuses(2, "error[no-such-path]: `ticker` has no path `nowhere` in `clockwork`");
    tap("ticker", "nowhere").refuses(2, "`space graph` lists the paths");
    // That leads to it, and is another's.
    tap("store", "values").refuses(2, "error[no-such-path]");
    tap("nobody", "values").refuses(2, "error[no-such-thing]: `clockwork` has no space `nobody`");
    house.call(&["tap", "ticker", "values", "--app", "other"]).refuses(2, "error[no-application]");
    tap("ticker", "values").succeeds();

    let mut silent = house.0.command("app", &["tap", "page", "clicks"]);
    let mut silent = silent.stderr(Stdio::piped()).spawn().expect("it starts");
    let note =
        BufReader::new(silent.stderr.take().expect("it is piped")).lines().map_while(Result::ok).next();
    let said = "note: nothing passed on `clicks` so far: `page` runs, and sends nothing along it";
    assert_eq!(note.as_deref(), Some(said));
    assert!(silent.try_wait().expect("it is ours").is_none(), "it goes on");
    silent.kill().expect("it runs");
    silent.wait().expect("it ends");

    // Nothing passes there: whoever reads nothing for long is let go.
    let question = r#"{"ask":"tap","application":"clockwork","from":"page","path":"clicks"}"#;
    let watch = || {
        let mut stream = UnixStream::connect(house.0.path("home/zhost.sock")).expect("the parent listens");
        writeln!(stream, "{question}").expect("it is taken");
        stream
    };
    // One that looked before may still count when the last of these comes, which is refused then.
    let mut watches: Vec<UnixStream> = (0..64).map(|_| watch()).collect();
    house.until("no more may look", |house| {
        watches.push(watch());
        let said = house.call(&["tap", "ticker", "values", "--count", "1"]);
        said.err.contains("error[too-many-taps]") && said.err.contains("end another `space tap`")
    });
    drop(watches);
    house.until("they are gone", |_| tap("ticker", "values").code == Some(0));

    house.call(&["down"]).succeeds();
    tap("ticker", "values").refuses(2, "error[not-up]: `clockwork` is not up");
    house.until("its parent ends, too", |house| house.0.parent().is_empty());
    house.until("that is told without it, too", |_| {
        let said = tap("ticker", "values");
        said.code == Some(2)
            && said.err.contains("error[not-up]")
            && said.err.contains("`space up` brings it up")
    });
}
