//! `space dev` and `space plan`: what is saved runs, and what would.

mod common;

use common::house::{House, STORE, TICKER, TOPOLOGY};
use serde_json::Value;
use std::fs;
use std::process::{Child, Command};

/// A `space dev` that is at work.
struct Dev {
    child: Child,
}

impl Dev {
    fn start(house: &House) -> Self {
        let said = fs::File::create(house.0.path("said")).expect("the folder is ours");
        let mut command = house.0.command("app", &["dev"]);
        command.stderr(said.try_clone().expect("it is open")).stdout(said);
        Self { child: command.spawn().expect("it starts") }
    }

    /// Ctrl-C.
    fn end(mut self) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &process]).status().is_ok_and(|status| status.success()));
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// Waits until it has said something so often.
#[track_caller]
fn says(house: &House, what: &str, times: usize) {
    house.until(what, |house| said(house).matches(what).count() >= times);
}

fn said(house: &House) -> String {
    fs::read_to_string(house.0.path("said")).unwrap_or_default()
}

fn instances(house: &House) -> [Option<u64>; 3] {
    ["page", "store", "ticker"].map(|space| house.space(space)["instance"].as_u64())
}

#[test]
fn what_is_saved_runs_and_what_is_wrong_does_not() {
    let house = House::new();
    let dev = Dev::start(&house);
    says(&house, "desk: http://127.0.0.1:", 1);
    says(&house, "| tick", 1);
    let first = instances(&house);
    // A module.
    house.module("ticker", &TICKER.replace("readingstick", "readingstock"));
    says(&house, "clockwork revision 2: ticker is live\n", 1);
    says(&house, "| tock", 1);
    let second = instances(&house);
    assert_eq!((second[0], second[1]), (first[0], first[1]));
    assert!(second[2] > first[2]);
    // A page.
    house.0.write("app/spaces/page/index.html", "<!doctype html><title>another</title>");
    says(&house, "clockwork revision 3: page is live\n", 1);
    // A path, for which nothing has to start.
    house
        .0
        .write("app/topology.yaml", format!("{TOPOLOGY}  - from: ticker\n    to: store\n    name: more\n"));
    says(&house, "clockwork revision 4: no space changed\n", 1);
    // What breaks a rule.
    let before = instances(&house);
    house.0.write("app/topology.yaml", TOPOLOGY.replace("to: store", "to: ghost"));
    says(&house, "error[unknown-space]", 1);
    says(&house, "clockwork goes on as it was; waiting for a change\n", 1);
    // What fails when it runs.
    house.0.write("app/topology.yaml", TOPOLOGY);
    says(&house, "clockwork revision 5: no space changed\n", 1);
    house.module(
        "ticker",
        &TICKER.replace("(func (export \"on_init\")", "(func (export \"on_init\") unreachable"),
    );
    says(&house, "error[space-failed]: `ticker` of `clockwork` failed: ", 1);
    says(&house, "clockwork goes on as it was; waiting for a change\n", 2);
    house.until("the one before runs", |house| house.application()["state"] == "running");
    assert_eq!(instances(&house)[..2], before[..2]);
    dev.end();
    assert_eq!(house.application()["state"], "stopped");
}

/// Takes what waits, and says it.
const READER: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init"))
  (func (export "on_process")
    (drop (call $log (i32.const 0) (call $next (i32.const 0) (i32.const 32)))))
  (func (export "on_close")))"#;

#[test]
fn messages_wait_for_the_space_that_is_started_anew() {
    let house = House::new();
    // One that leaves its messages, and nobody who sends some.
    let sleeper = READER.replace("(call $next (i32.const 0) (i32.const 32))", "(i32.const 0)");
    assert_ne!(sleeper, READER);
    house.module("store", &sleeper);
    house.0.write(
        "app/topology.yaml",
        TOPOLOGY.replace("data.read, data.write, sys.log", "sys.log, net.recv_next"),
    );
    let dev = Dev::start(&house);
    says(&house, "desk: ", 1);
    house.call(&["kill", "ticker"]).succeeds();
    for message in ["one", "two"] {
        house.call(&["send", "store", message]).succeeds();
    }
    house.module("store", READER);
    // Whether what was killed is live by then, too, is a matter of time.
    says(&house, "store is live", 1);
    says(&house, "| one\n", 1);
    says(&house, "| two\n", 1);
    dev.end();
}

#[test]
fn what_a_killed_parent_ran_is_brought_up_again() {
    let house = House::new();
    let dev = Dev::start(&house);
    says(&house, "clockwork: running", 1);
    house.0.kill_parent();
    says(&house, "the parent ended", 1);
    let runs_again = |house: &House| {
        house.until("it runs again", |house| {
            !house.0.parent().is_empty() && house.application()["state"] == "running"
        });
    };
    runs_again(&house);
    says(&house, "desk: ", 2);
    // Also while what is saved cannot run.
    house.0.write("app/topology.yaml", TOPOLOGY.replace("to: store", "to: ghost"));
    says(&house, "clockwork goes on as it was; waiting for a change\n", 1);
    house.0.kill_parent();
    says(&house, "the parent ended", 2);
    runs_again(&house);
    says(&house, "desk: ", 3);
    house.0.kill_parent();
    // It ends what it brought up, also where nobody runs it.
    dev.end();
    house.until("nothing runs", |house| house.call(&["ps"]).succeeds().contains("stopped"));
}

#[test]
fn what_somebody_has_put_down_is_brought_up_by_a_change() {
    let house = House::new();
    let dev = Dev::start(&house);
    says(&house, "desk: ", 1);
    house.call(&["down"]).succeeds();
    says(&house, "clockwork is down; a change brings it up again\n", 1);
    house.module("ticker", &TICKER.replace("readingstick", "readingstock"));
    says(&house, "clockwork revision 2: ", 1);
    says(&house, "| tock", 1);
    dev.end();
}

#[test]
fn one_that_ran_before_goes_on_afterwards() {
    let house = House::new();
    house.up();
    let dev = Dev::start(&house);
    says(&house, "desk: ", 1);
    dev.end();
    assert_eq!(house.application()["state"], "running");
    house.call(&["dev", "app.mex"]).refuses(2, "a package has no sources to follow");
}

#[test]
fn a_source_is_built_when_it_is_saved() {
    let house = House::new();
    let module = |text: &str| wat::parse_str(text).expect("the module is text");
    house.0.write(
        "app/source/space.yaml",
        fs::read(house.0.path("app/spaces/store/space.yaml")).expect("it is there"),
    );
    house.0.write("app/one.bin", module(STORE));
    house.0.write("app/two.bin", module(&STORE.replace("kept ", "held ")));
    house.0.write(
        "app/source/build.sh",
        "set -e\ntest -f ../$(cat main).bin\ncp ../$(cat main).bin store.wasm\n",
    );
    house.0.write("app/source/main", "one");
    let topology = TOPOLOGY.replace("type: DATA\n", "type: DATA\n    build: source\n");
    assert_ne!(topology, TOPOLOGY);
    house.0.write("app/topology.yaml", topology);
    let dev = Dev::start(&house);
    says(&house, "| kept", 1);
    house.0.write("app/source/main", "none");
    says(&house, "error[space-build]", 1);
    house.0.write("app/source/main", "two");
    says(&house, "store is live\n", 1);
    says(&house, "| held", 1);
    assert_eq!(said(&house).matches("error[").count(), 1, "{}", said(&house));
    dev.end();
}

#[test]
fn a_plan_says_what_up_would_do() {
    let house = House::new();
    let plan = |house: &House| house.call(&["plan"]).succeeds();
    let said = plan(&house);
    assert!(said.starts_with("clockwork does not run: `space up` starts all of it\n"), "{said}");
    assert!(
        said.contains("\n  new      space  page")
            && said.contains("  new      path   ticker -> store: values\n"),
        "{said}"
    );
    assert!(house.0.parent().is_empty(), "nothing was started");
    assert!(!house.0.path("home/packages").exists(), "nothing was kept");
    house.up();
    let said = plan(&house);
    assert!(said.starts_with("clockwork runs as it is: nothing would change\n"), "{said}");
    house.module("ticker", &TICKER.replace("i32.const 20", "i32.const 10"));
    let topology =
        TOPOLOGY.replace("[data.read, data.write, sys.log]", "[data.read, data.write, sys.log, sys.yield]");
    house.0.write("app/topology.yaml", topology.replace("name: readings", "name: pictures"));
    let said = plan(&house);
    for line in [
        "clockwork runs: `space topo submit` changes it\n",
        "  same     space  page\n",
        "  changed  space  store                     +sys.yield\n",
        "  changed  space  ticker                    its files\n",
        "  new      path   ticker -> page: pictures\n",
        "  gone     path   ticker -> page: readings\n",
    ] {
        assert!(said.contains(line), "no {line:?} in\n{said}");
    }
    let json: Value = serde_json::from_str(&house.call(&["plan", "--json"]).succeeds()).expect("it is JSON");
    assert_eq!((&json["runs"], json["steps"].as_array().map(Vec::len)), (&Value::Bool(true), Some(5)));
    assert_eq!(house.application()["revision"], 1, "nothing was changed");
    house.0.write("app/topology.yaml", TOPOLOGY.replace("to: store", "to: ghost"));
    house.call(&["plan"]).refuses(4, "error[unknown-space]");
}
