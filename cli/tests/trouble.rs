//! What keeps an application from being up: each says what to do.

mod common;

use common::house::{House, TOPOLOGY};
use serde_json::Value;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().is_ok_and(|status| status.success()));
}

/// One thing of which `space doctor` speaks.
fn doctor(house: &House, name: &str) -> String {
    let said = house.call(&["doctor", "--json"]).out;
    let all: Value = serde_json::from_str(&said).expect("it is JSON");
    let found = all.as_array().expect("findings").iter().find(|finding| finding["name"] == name);
    found.map(|finding| format!("{} {}", finding["state"], finding["remedy"])).unwrap_or_default()
}

#[test]
fn a_parent_that_does_not_answer_is_named() {
    let house = House::new();
    house.up();
    let parent = house.0.parent();
    assert!(doctor(&house, "parent").contains(&format!("process {parent} runs the applications")));
    assert!(doctor(&house, "app").contains("clockwork: stored "));
    signal("-STOP", &parent);
    let part = format!("error[no-parent]: process {parent} is the parent, and does not answer");
    house.call(&["up", "--detach"]).refuses(5, &part);
    house.call(&["ps"]).refuses(5, &format!("`kill -KILL {parent}` ends it"));
    let said = house.call(&["doctor"]);
    said.refuses(5, &format!("missing  parent   process {parent} is the parent, and does not answer"));
    signal("-KILL", &parent);
    house.until("it is gone", |house| doctor(house, "parent").contains("was killed: `space up` goes on"));
    assert!(house.up().contains("clockwork revision 1: "));
}

#[test]
fn a_folder_that_another_process_has_is_said() {
    let house = House::new();
    fs::create_dir_all(house.0.path("home")).expect("the folder is ours");
    let file = File::create(house.0.path("home/zhost.pid")).expect("the folder is ours");
    file.lock().expect("nobody else has it");
    let said = house.call(&["up", "--detach"]);
    let silent = "error[no-parent]: a process has the folder locked, and does not answer";
    said.refuses(5, silent);
    house.call(&["ps"]).refuses(5, silent);
    drop(file);
    house.up();
}

#[test]
fn a_folder_for_state_may_be_named_from_where_one_is() {
    let house = House::new();
    let mut up = house.0.command("app", &["up", "--detach"]);
    assert!(up.env("SPACE_HOME", "../home").status().expect("it starts").success());
    assert_eq!(house.application()["state"], "running");
}

#[test]
fn who_asks_while_a_parent_begins_or_ends_waits_for_it() {
    let house = House::new();
    house.up();
    house.0.kill_parent();
    for (question, answer) in [("ps", "clockwork  "), ("down", "clockwork is down")] {
        let file = File::open(house.0.path("home/zhost.pid")).expect("the parent left it");
        file.lock().expect("nobody else has it");
        let mut command = house.0.command("app", &[question]);
        let asked = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(300));
        drop(file);
        let said = asked.wait_with_output().expect("it ends");
        let shown = String::from_utf8(said.stdout).expect("it is text");
        assert!(said.status.success() && shown.contains(answer), "{shown}");
    }
}

#[test]
fn a_port_that_is_taken_says_what_else_to_do() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    let said = house.call(&["up", "--detach", "--port", &port]);
    assert!(
        said.err.contains(&format!("error[port-taken]: the parent ended: port {port} cannot be used")),
        "{}",
        said.err
    );
    assert!(said.err.contains("help: name another with `--port`, or none\n"), "{}", said.err);
    assert!(doctor(&house, "port").contains(" free"));
}

#[test]
fn devices_that_are_no_file_are_not_waited_for() {
    let house = House::new();
    let devices = house.0.path("home/devices.json");
    fs::create_dir_all(house.0.path("home")).expect("the folder is ours");
    assert!(Command::new("mkfifo").arg(&devices).status().is_ok_and(|status| status.success()));
    let said = house.call(&["up", "--detach"]);
    assert!(said.err.contains("devices.json: it is no file"), "{}", said.err);
    assert_eq!(said.code, Some(5));
}

#[test]
fn a_missing_toolchain_says_what_installs_it() {
    let house = House::new();
    let space = fs::read(house.0.path("app/spaces/store/space.yaml")).expect("it is there");
    house.0.write("app/source/space.yaml", space);
    let script = "echo 'build.sh: there is no cobol' >&2\necho '  apt install cobol' >&2\nexit 1\n";
    house.0.write("app/source/build.sh", script);
    house.0.write("app/topology.yaml", TOPOLOGY.replace("type: DATA\n", "type: DATA\n    build: source\n"));
    let said = house.call(&["up", "--detach"]);
    let message = "error[no-toolchain]: the space `store` has no module, and there is no cobol\n";
    assert!(said.err.contains(message) && said.err.contains("`apt install cobol`"), "{}", said.err);
    assert_eq!(said.code, Some(5));
    assert!(house.0.parent().is_empty(), "nothing was started");
}

#[test]
fn a_full_disk_is_said() {
    // A disk of its own takes a namespace of its own.
    let has_namespaces =
        Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !has_namespaces {
        eprintln!("skipped: `unshare -rm` is not allowed here");
        return;
    }
    let mut failed = 0;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello-samoza");
    // No room for the package, for what control keeps, for what a space stores.
    for (what, kibibytes) in [(".", 4), (".", 64), (example, 200), (example, 16 * 1024)] {
        let house = House::new();
        fs::create_dir_all(house.0.path("home")).expect("the folder is ours");
        let space = Path::new(env!("CARGO_BIN_EXE_space")).display().to_string();
        // The parent sees the disk only in here, and ends with its last application.
        let script = format!(
            "set -e\nmount -t tmpfs -o size={kibibytes}k tmpfs \"$SPACE_HOME\"\ncode=0\n{space} up --detach {what} || code=$?\n\
             {space} down --purge >/dev/null 2>&1 || true\nkill -KILL $(cat \"$SPACE_HOME/zhost.pid\") || true\nexit $code\n"
        );
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script]).current_dir(house.0.path("app"));
        let output = command.env("SPACE_HOME", house.0.path("home")).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            failed += 1;
            assert!(said.contains("free some space"), "{kibibytes} KiB: {said}");
        }
    }
    assert_eq!(failed, 3, "the last disk is large enough");
}
