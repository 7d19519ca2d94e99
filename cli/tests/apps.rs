//! Applications up and down: what runs, what it says, what outlives whom.

mod common;

use common::Place;
use common::house::{House, STORE, TICKER, TOPOLOGY};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

#[test]
fn an_application_is_up_seen_and_down() {
    let house = House::new();
    let said = house.up();
    assert!(said.contains("clockwork: running: all of it runs"), "{said}");
    assert!(
        said.contains("runs for development only: ") && said.contains("desk: http://127.0.0.1:"),
        "{said}"
    );
    assert_eq!(house.application()["state"], "running");
    house.until("messages pass", |house| house.application()["paths"][1]["taken"].as_u64() > Some(3));
    let said = house.call(&["tap", "ticker", "values", "-n", "3"]).succeeds();
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(said.lines().all(|line| line.starts_with("ticker#") && line.ends_with("-> tick")), "{said}");
    let said = house.call(&["logs"]).succeeds();
    assert!(said.contains("ticker | tick\n") && said.contains("store  | kept\n"), "{said}");
    assert!(house.call(&["logs", "store"]).succeeds().lines().all(|line| line.starts_with("store | ")));
    let each = |arguments: &[&str]| -> Vec<Value> {
        let said = house.call(arguments).succeeds();
        said.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
    };
    let lines = each(&["logs", "ticker", "-n", "1", "--json"]);
    assert!(lines.iter().all(|line| line["space"] == "ticker" && line["kind"] == "line"), "{lines:?}");
    assert!(lines.len() == 1 && lines[0]["time"].as_u64() > Some(1_700_000_000_000), "{lines:?}");
    assert!(lines.iter().all(|line| line["text"] == "tick"), "{lines:?}");
    let events = each(&["events", "--json"]);
    assert!(!events.is_empty() && events.iter().all(|event| event["kind"] == "event"), "{events:?}");
    let said = house.call(&["graph"]).succeeds();
    assert!(said.contains("ticker  readings  page"), "{said}");
    let said = house.call(&["top", "--once"]).succeeds();
    assert!(said.contains("clockwork: running") && said.contains("SPACE"), "{said}");
    let said = house.call(&["cap", "ls"]).succeeds();
    assert!(said.contains("store   data.write     "), "{said}");
    assert!(house.call(&["why", "ticker"]).succeeds().contains("placement  on `local`: "));
    house.0.write("app/one.wasm", b"");
    house.call(&["up", "one.wasm"]).refuses(2, "`space run one.wasm` runs it");
    house.call(&["run", "."]).refuses(2, "`space up .` runs it");
    house.call(&["topo", "rollback", "99"]).refuses(2, "`space topo history` lists the revisions");
    house.call(&["up", "--detach"]).refuses(2, "error[already-running]: `clockwork` is running already");
    house.call(&["logs", "ghost"]).refuses(2, "`clockwork` has no space `ghost`");
    house.call(&["tap", "ticker", "ghost"]).refuses(2, "`ticker` has no path `ghost`");
    let said = thread::scope(|scope| {
        let tap = scope.spawn(|| house.call(&["tap", "ticker", "values", "-n", "100"]).succeeds());
        while !tap.is_finished() {
            house.call(&["send", "ticker", "by hand", "--path", "values"]).succeeds();
        }
        tap.join().expect("it ends")
    });
    assert!(said.contains("-> by hand\n") && said.contains("-> tick\n"), "{said}");
    for endless in [["top"].as_slice(), &["logs", "-f"], &["tap", "ticker", "values"]] {
        let mut command = house.0.command("app", endless);
        let mut looks = command.stdout(Stdio::piped()).spawn().expect("it starts");
        // Whoever reads it has seen enough.
        drop(looks.stdout.take());
        assert!(looks.wait().expect("it ends").success(), "{endless:?}");
    }
    house.call(&["send", "ticker", "m", "--path", "ghost"]).refuses(1, "error[not-sent]");
    house.call(&["kill", "ghost"]).refuses(2, "error[not-running]");
    house.call(&["status", "--app", "ghost"]).refuses(2, "there is no application `ghost`");
    assert_eq!(house.call(&["down"]).succeeds(), "clockwork is down\n");
    let said = house.call(&["logs"]).succeeds();
    assert!(said.contains("store  | closing\n"), "what was said is known without a parent:\n{said}");
    let said = house.call(&["kill", "store"]);
    assert!(said.code == Some(2) && !said.err.contains("there is no application"), "{}", said.err);
    house.until("the parent ends with the last application", |house| house.0.parent().is_empty());
    house.call(&["status"]).refuses(2, "error[nothing-runs]");
    let said = house.call(&["ps"]).succeeds();
    assert!(said.contains("clockwork  stopped") && said.contains("it was stopped"), "{said}");
    let said = house.call(&["topo", "history"]).succeeds();
    assert_eq!(said.lines().count(), 2, "{said}");
    house.call(&["topo", "history", "--app", "ghost"]).refuses(2, "there is no application `ghost`");
}

#[test]
fn what_was_stored_outlives_a_parent_that_is_killed() {
    let house = House::new();
    house.up();
    house.until("a value is kept", |house| house.application()["paths"][1]["taken"].as_u64() > Some(3));
    for _ in 0..3 {
        house.0.kill_parent();
        let said = house.up();
        assert!(
            said.contains("clockwork revision 1: ") && said.contains("running: all of it runs"),
            "{said}"
        );
        house.until("it has what was kept", |house| {
            house.call(&["logs", "store"]).succeeds().ends_with("store | kept tick\n")
        });
    }
    house.0.kill_parent();
    assert_eq!(house.call(&["down", "--purge"]).succeeds(), "clockwork is removed\n");
    assert!(!house.0.path("home/applications/clockwork").exists());
    house.call(&["logs"]).refuses(2, "there is no application `clockwork`");
    house.up();
    assert!(house.call(&["logs", "store"]).succeeds().ends_with("store | kept\n"), "it begins anew");
}

#[test]
fn whoever_follows_is_told_that_the_parent_was_killed() {
    let house = House::new();
    let mut up = house.0.command("app", &["up"]);
    let mut up = up.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut shown = BufReader::new(up.stdout.take().expect("it is piped")).lines();
    assert!(shown.any(|line| line.expect("it is text").starts_with("desk: ")), "it is up");
    let shown = thread::spawn(move || shown.count());
    let mut logs = house.0.command("app", &["logs", "-f"]);
    let mut logs = logs.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut first = [0];
    logs.stdout.as_mut().expect("it is piped").read_exact(&mut first).expect("it says something");
    let mut tap = house.0.command("app", &["tap", "ticker", "values"]);
    let mut tap = tap.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    tap.stdout.as_mut().expect("it is piped").read_exact(&mut first).expect("it says something");
    house.0.kill_parent();
    let gone = "no application runs: the parent that ran `clockwork` is gone";
    house.call(&["status"]).refuses(2, gone);
    for follower in [&mut up, &mut logs, &mut tap] {
        let mut said = String::new();
        follower.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
        assert!(said.contains("the parent ended") && said.contains("`space up` starts it again"), "{said}");
        assert_eq!(follower.wait().expect("it ends").code(), Some(6), "{said}");
    }
    shown.join().expect("all of it is read");
    // Who looks at one that is stopped has seen all of it.
    house.up();
    let mut logs = house.0.command("app", &["logs", "-f"]);
    let mut logs = logs.stdout(Stdio::null()).spawn().expect("it starts");
    house.call(&["down"]).succeeds();
    assert!(logs.wait().expect("it ends").success());
}

#[test]
fn whoever_looks_keeps_nothing_from_being_up_again() {
    let house = House::new();
    house.up();
    let mut looks = Vec::new();
    for arguments in [["logs", "-f", "ticker"], ["tap", "ticker", "values"]] {
        let mut command = house.0.command("app", &arguments);
        looks.push(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    }
    for _ in 0..5 {
        house.call(&["down"]).succeeds();
        let said = house.up();
        assert!(said.contains("running: all of it runs"), "{said}");
    }
    for mut look in looks {
        // It may have ended with what it looked at.
        let _ = look.kill();
        let _ = look.wait();
    }
}

#[test]
fn a_space_that_is_killed_is_started_again_and_others_go_on() {
    let house = House::new();
    house.up();
    let instance = |house: &House, space: &str| house.space(space)["instance"].as_u64();
    let before = (instance(&house, "store"), instance(&house, "ticker"));
    house.call(&["kill", "store"]).succeeds();
    house.until("it is started again", |house| {
        let store = house.space("store");
        store["instance"].as_u64() > before.0 && store["state"] == "running"
    });
    assert_eq!(instance(&house, "ticker"), before.1);
    let said = house.call(&["events"]).succeeds();
    assert!(said.contains("store  * it was killed: an operator asked for it"), "{said}");
    house.call(&["restart", "ticker"]).succeeds();
    house.until("it is started anew", |house| instance(house, "ticker") > before.1);
    // Of the process of all of them, too.
    let children = Command::new("pgrep").args(["-P", &house.0.parent()]).output().expect("pgrep runs");
    let child = String::from_utf8_lossy(&children.stdout).trim().to_owned();
    let before = instance(&house, "ticker");
    assert!(Command::new("kill").args(["-KILL", &child]).status().is_ok_and(|status| status.success()));
    house.until("all of it runs again", |house| {
        instance(house, "ticker") > before && house.application()["state"] == "running"
    });
    let said = house.call(&["events"]).succeeds();
    assert!(said.contains("it failed: its process was killed by signal 9 (SIGKILL)"), "{said}");
}

#[test]
fn only_what_changed_is_started_anew_and_comes_back() {
    let house = House::new();
    house.up();
    let instances =
        |house: &House| ["page", "store", "ticker"].map(|space| house.space(space)["instance"].as_u64());
    let first = instances(&house);
    house.module("ticker", &TICKER.replace("i32.const 20", "i32.const 10"));
    let said = house.call(&["topo", "submit", "."]).succeeds();
    assert!(said.contains("clockwork revision 2: "), "{said}");
    house.until("the ticker is another", |house| {
        instances(house)[2] > first[2] && house.application()["state"] == "running"
    });
    assert_eq!(instances(&house)[..2], first[..2]);
    house.call(&["topo", "rollback", "1"]).succeeds();
    house.until("the ticker is the first again", |house| instances(house)[2] > first[2].map(|one| one + 1));
    let said = house.call(&["topo", "history"]).succeeds();
    assert!(said.contains("\n3         ") && said.contains("brought back 1"), "{said}");
    house.call(&["topo", "rollback", "9"]).refuses(2, "has no revision 9");
    // A path alone makes nobody another.
    house.module("ticker", TICKER);
    let before = instances(&house);
    house.0.write("app/topology.yaml", TOPOLOGY.replace("name: readings", "name: news"));
    house.call(&["topo", "submit", "."]).succeeds();
    house.call(&["tap", "ticker", "readings", "-n", "1"]).refuses(2, "`ticker` has no path `readings`");
    assert!(house.call(&["graph"]).succeeds().contains("ticker  news    page"));
    assert_eq!(instances(&house), before);
}

#[test]
fn what_cannot_run_says_why() {
    let house = House::new();
    house.module(
        "store",
        &STORE.replace(
            "(func (export \"on_init\") (local i32)",
            "(func (export \"on_init\") (local i32) unreachable",
        ),
    );
    let said = house.call(&["up", "--detach"]);
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert!(
        said.err.contains("error[space-failed]: `store` of `clockwork` failed: ")
            && said.err.contains("unreachable"),
        "{}",
        said.err
    );
    house.call(&["down", "--purge"]).succeeds();
    house.module("store", STORE);
    house.0.write(
        "app/topology.yaml",
        TOPOLOGY.replace(
            "sys.log]\n  - name: ticker",
            "sys.log]\n    placement:\n      resources:\n        memory: 64TiB\n  - name: ticker",
        ),
    );
    house.call(&["up", "--detach"]).refuses(1, "error[no-host]: `store` of `clockwork` has no host: ");
    house.call(&["down", "--purge"]).succeeds();
    house.0.write("app/topology.yaml", TOPOLOGY.replace("to: store", "to: ghost"));
    let said = house.call(&["topo", "submit", "topology.yaml"]);
    assert!(said.err.contains("ghost"), "{}", said.err);
    said.refuses(4, "\n  --> topology.yaml:");
    // Also where there are no files of its spaces.
    house.0.write("bare/topology.yaml", TOPOLOGY.replace("to: store", "to: ghost"));
    house.0.call("bare", &["topo", "submit", "topology.yaml"]).refuses(4, "ghost");
}

#[test]
fn a_port_that_is_taken_is_said() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    let said = house.call(&["up", "--detach", "--port", &port]);
    said.refuses(5, &format!("port {port} cannot be used"));
    drop(taken);
    let said = house.call(&["up", "--detach", "--port", &port]).succeeds();
    assert!(said.contains(&format!("desk: http://127.0.0.1:{port}/?ticket=")), "{said}");
}

#[test]
fn attacks_are_stopped_and_leave_nothing() {
    let place = Place::new();
    let said = place.call("", &["demo", "attacks"]).succeeds();
    assert!(said.ends_with("the witness beside them works as before\n"), "{said}");
    assert_eq!(said.lines().count(), 11, "{said}");
    let left = fs::read_dir(place.path("home")).expect("it is there").flatten();
    let left: Vec<_> =
        left.filter(|entry| entry.file_name().to_string_lossy().starts_with("demo-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_example_is_up_with_its_values() {
    let house = House(Place::new());
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hello-samoza");
    let example = example.to_str().expect("a path");
    let said = house.0.call("", &["up", "--detach", example]).succeeds();
    assert!(said.contains("hello-samoza: running: all of it runs"), "{said}");
    let taken = |house: &House, from: &str, name: &str| {
        let snapshot: Value =
            serde_json::from_str(&house.0.call("", &["ps", "--json"]).succeeds()).expect("JSON");
        let paths = snapshot["applications"][0]["paths"].as_array().expect("paths").clone();
        let path = paths.into_iter().find(|path| path["from"] == from && path["name"] == name);
        path.and_then(|path| path["sent"].as_u64()).unwrap_or_default()
    };
    house.until("readings come", |house| taken(house, "sensor", "values") > 0);
    house.0.call("", &["down", "--purge"]).succeeds();
}

/// Says what its sensor measures, over and over.
const READER: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "sensors" "read" (func $read (param i32 i32) (result i32)))
  (import "mem" "take" (func $take (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "clock")
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 5))))
  (func (export "on_process") (local i32)
    (drop (call $next (i32.const 8) (i32.const 8)))
    (drop (call $sleep (i32.const 5)))
    (local.set 0 (call $read (i32.const 0) (i32.const 5)))
    (if (i32.gt_s (local.get 0) (i32.const 0)) (then
      (drop (call $take (i32.const 64) (local.get 0)))
      (drop (call $log (i32.const 64) (local.get 0)))))
    (drop (call $again (i32.const 0) (i32.const 5))))
  (func (export "on_close")))"#;

#[test]
fn sensors_of_the_machine_are_those_of_its_description() {
    let house = House::new();
    house.module("ticker", READER);
    let topology = TOPOLOGY.replace("net.recv_next]\npaths", "net.recv_next, sensors.read]\npaths");
    assert_ne!(topology, TOPOLOGY);
    house.0.write("app/topology.yaml", topology);
    house.0.write("home/devices.json", "{\"sensors\": [{\"id\": \"clock\"}]}");
    house
        .call(&["up", "--detach"])
        .refuses(5, "devices.json: the devices are not described as docs/devices.md says: ");
    let wave = r#"{"shape": "ramp", "low": 0, "high": 100, "period": 1000, "every": 10}"#;
    let devices = format!(r#"{{"sensors": [{{"id": "clock", "type": "clock", "simulated": {wave}}}]}}"#);
    house.0.write("home/devices.json", devices);
    house.up();
    house.until("readings come", |house| {
        let said = house.call(&["logs", "ticker"]).succeeds();
        said.matches(r#""sensor":"clock""#).count() > 3
    });
}

#[test]
fn a_device_that_the_machine_lacks_is_simulated_if_the_space_says_so() {
    let house = House::new();
    house.module("ticker", READER);
    house.0.write(
        "app/topology.yaml",
        TOPOLOGY.replace("net.recv_next]\npaths", "net.recv_next, sensors.read]\npaths"),
    );
    let says = |what: &str| {
        let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: ticker\ntype: IO\n";
        house.0.write(
            "app/spaces/ticker/space.yaml",
            format!("{head}sensors:\n  - id: clock\n    type: clock\n{what}"),
        );
    };
    let reads = |value: &str| {
        house.until(value, |house| {
            house.call(&["logs", "ticker", "-n", "1"]).succeeds().contains(&format!("\"value\":{value}}}"))
        });
    };
    says("    x-simulated: {shape: ramp, range: [7, 3], every: 10ms}\n");
    house.call(&["up", "--detach"]).refuses(4, "`range:` goes from 7 to 3");
    says("    x-simulated: {shape: square, range: [3, 7], every: 10ms, period: 1h}\n");
    house.up();
    reads("7.0");
    let said = house.call(&["events"]).succeeds();
    assert!(said.contains("ticker * `clock` is simulated: this machine has none"), "{said}");
    // Another wave begins anew; whoever does not know that it is simulated has no such sensor.
    says("    x-simulated: {shape: square, range: [3, 8], every: 10ms, period: 1h}\n");
    house.call(&["topo", "submit", "."]).succeeds();
    reads("8.0");
    says("");
    house.call(&["topo", "submit", "."]).succeeds();
    let lines = || house.call(&["logs", "ticker"]).succeeds().lines().count();
    let before = lines();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(lines(), before);
    // The machine's own comes first.
    house.call(&["down"]).succeeds();
    house.until("the parent ends", |house| house.0.parent().is_empty());
    let wave = r#"{"shape": "square", "low": 1, "high": 2, "period": 3600000, "every": 10}"#;
    let devices = format!(r#"{{"sensors": [{{"id": "clock", "type": "clock", "simulated": {wave}}}]}}"#);
    house.0.write("home/devices.json", devices);
    says("    x-simulated: {shape: square, range: [3, 8], every: 10ms, period: 1h}\n");
    house.up();
    reads("2.0");
}
