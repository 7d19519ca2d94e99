//! Every function of the Guest ABI on both hosts, through the command: the cases of `tests/abi`.

mod common;

use common::Place;
use sci::guest::{FUNCTIONS, Function, GuestCapability};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tests_abi::application::{SPACES, agents, alone, devices, files, script};
use tests_abi::cases::LINE;
use tests_abi::{END, Host, Script, Setting};

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// Holds what a guest said against its cases.
#[track_caller]
fn judge(who: &str, script: &Script<'_>, lines: &[&str]) {
    let failed: Vec<&&str> = lines.iter().filter(|line| line.starts_with("FAILED ")).collect();
    assert!(failed.is_empty(), "{who}: {failed:#?}");
    let well: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("ok ")).collect();
    let first = script.cases().zip(&well).find(|(case, said)| case != *said);
    assert!(first.is_none(), "{who}: {first:?}");
    assert_eq!(well.len(), script.cases().count(), "{who}: after {:?}: {:?}", well.last(), lines.last());
    assert!(lines.contains(&END), "{who}: {lines:?}");
}

/// The lines of one of several spaces, which begin with its name.
fn of_space<'l>(out: &'l str, name: &str) -> Vec<&'l str> {
    let parts = out.lines().filter_map(|line| line.split_once("| "));
    parts.filter(|(who, _)| who.trim() == name).map(|(_, line)| line).collect()
}

#[track_caller]
fn judge_together(setting: Setting, out: &str) {
    for (name, kind) in SPACES {
        judge(name, &script(setting, kind), &of_space(out, name));
    }
    assert!(of_space(out, "io").contains(&LINE), "{out}");
}

/// Whether each space has come to its end.
fn is_over(out: &str) -> bool {
    out.lines().filter(|line| line.ends_with(END)).count() == SPACES.len()
}

/// Calls the command until what it says is enough, and stops it.
fn until(place: &Place, arguments: &[&str], is_enough: impl Fn(&str) -> bool) -> String {
    let mut command = place.command("", arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut out = String::new();
    while !is_enough(&out) && lines.read_line(&mut out).expect("it is text") > 0 {}
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let mut err = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut err).expect("it is text");
    child.wait().expect("it ends");
    assert!(is_enough(&out) && stopped.is_ok_and(|status| status.success()), "{out}{err}");
    out
}

#[track_caller]
fn holds_alone(host: Host, command: &str) {
    let setting = Setting::new(host, false);
    let (script, module) = alone(setting);
    let place = Place::new();
    place.write("io.wasm", module);
    for (name, text) in devices(setting) {
        place.write(name, text);
    }
    for (name, text) in agents() {
        place.write(name, text);
    }
    let grants = format!("--grant={}", script.capabilities().join(","));
    // With a sensor whose readings do not end, a guest waits for more.
    let described = ["--devices", "devices.json", "--agents", "agents.yaml"];
    let out = until(
        &place,
        &[&[command][..], &described, &[&grants, "--timeout", "2m", "io.wasm"]].concat(),
        |out| out.ends_with(&format!("{END}\n")),
    );
    let lines: Vec<&str> = out.lines().collect();
    judge("alone", &script, &lines);
    assert!(lines.contains(&LINE), "{out}");
}

fn application(setting: Setting) -> Place {
    let place = Place::new();
    for (name, bytes) in files(setting) {
        place.write(&format!("app/{name}"), bytes);
    }
    for (name, text) in devices(setting) {
        place.write(&format!("home/{name}"), text);
    }
    place
}

#[test]
fn a_guest_alone_on_linux_holds_its_cases() {
    holds_alone(Host::Linux, "run");
}

#[test]
fn a_guest_alone_on_the_nanokernel_holds_its_cases() {
    holds_alone(Host::Nanokernel, "boot");
}

#[test]
fn spaces_of_each_type_on_linux_hold_their_cases() {
    let setting = Setting::new(Host::Linux, true);
    let place = application(setting);
    let up = place.call("app", &["up", "--detach"]);
    let until = Instant::now() + PATIENCE;
    let out = loop {
        let said = place.call("app", &["logs"]);
        if is_over(&said.out) || Instant::now() > until {
            break said.out;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let events = place.call("app", &["events"]).out;
    place.kill_parent();
    assert!(is_over(&out), "not in time: {}{}{out}{events}", up.out, up.err);
    judge_together(setting, &out);
}

#[test]
fn spaces_of_each_type_on_the_nanokernel_hold_their_cases() {
    let setting = Setting::new(Host::Nanokernel, true);
    let place = application(setting);
    // Those that only listen run on.
    let out = until(&place, &["boot", "--timeout", "2m", "app"], is_over);
    judge_together(setting, &out);
}

/// A module that imports a function and nothing else.
fn importing(function: &Function) -> Vec<u8> {
    let types = "i32 ".repeat(function.signature.parameters.len());
    let text = format!(
        r#"(module (import "{}" "{}" (func (param {types}) (result i32)))
          (memory (export "memory") 1) (func (export "on_init")))"#,
        function.module, function.item
    );
    wat::parse_str(text).expect("the module is text")
}

#[test]
fn each_function_is_refused_without_its_capability_on_both_hosts() {
    let place = Place::new();
    for function in FUNCTIONS {
        let log = GuestCapability::SysLog;
        let Some(capability) = function.capabilities.first().filter(|one| **one != log) else { continue };
        place.write("guest.wasm", importing(function));
        // Everything but what it needs.
        let others = GuestCapability::ALL.iter().filter(|one| !function.capabilities.contains(one));
        let others: Vec<&str> = others.map(|one| one.name()).collect();
        let grant = format!("--grant={}", others.join(","));
        for command in ["run", "boot"] {
            let said = place.call("", &[command, &grant, "guest.wasm"]);
            let name = format!("{}.{}", function.module, function.item);
            let reason = format!("`{name}` needs the capability `{}`", capability.name());
            assert!(said.code == Some(1) && said.err.contains(&reason), "{command} {name}: {}", said.err);
        }
    }
}
