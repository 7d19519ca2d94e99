//! The templates boot in QEMU, which must be installed, and run as processes of this host.

mod common;

use std::fs;

use common::Place;

#[test]
fn the_template_prints_from_ring_3_and_ends_on_every_machine() {
    let place = Place::with_project("app");
    for machine in ["microvm", "q35", "pc"] {
        let said = place.call("demo", &["boot", "--machine", machine]);
        assert_eq!(said.code, Some(0), "{machine}: {}{}", said.out, said.err);
        assert!(said.out.contains("hello from demo"), "{machine}: {}", said.out);
        assert!(!said.out.contains("\x1b["), "{machine}: colour in a pipe");
    }
}

#[test]
fn the_service_counts_for_its_client() {
    let said = Place::with_project("service").call("demo", &["boot"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("demo: the total is 6"), "{}", said.out);
}

#[test]
fn the_driver_reads_its_ports() {
    let said = Place::with_project("driver").call("demo", &["boot", "--machine", "pc"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("seconds past the hour"), "{}", said.out);
}

#[test]
fn an_overflow_names_its_line() {
    let place = Place::with_project("app");
    place.write(
        "demo/demo.in",
        "component Hello {\n  capability console: DebugConsole(write)\n}\nfn start() {\n  for i in 0..3 { console.write(\"word-{i * 7}\\n\") }\n  var x: u8 = 255\n  for i in 0..2 { x = x + 1 }\n}\n",
    );
    let said = place.call("demo", &["boot"]);
    assert!(said.out.contains("word-14"), "{}{}", said.out, said.err);
    assert!(
        said.err.contains("error[component-fault]: Hello stopped at demo.in:7: overflow\n  --> demo.in:7\n"),
        "{}",
        said.err
    );
    assert_eq!(said.code, Some(3));
}

#[test]
fn a_system_that_does_not_end_is_stopped() {
    let place = Place::with_project("app");
    let source = fs::read_to_string(place.path("demo/demo.in")).unwrap();
    place.write(
        "demo/demo.in",
        source.replace("  console.write(\"hello from demo\\n\")", "  while true {\n  }"),
    );
    place.call("demo", &["boot", "--for", "2s"]).succeeds();
    place.call("demo", &["boot", "--timeout", "2s"]).refuses(7, "error[boot-overdue]");
}

#[test]
fn a_project_runs_as_processes_with_the_same_output() {
    for template in ["app", "service"] {
        let place = Place::with_project(template);
        let (boot, run) = (place.call("demo", &["boot"]), place.call("demo", &["run", "."]));
        assert_eq!((run.code, run.out.trim_end()), (Some(0), boot.out.trim_end()), "{}", run.err);
        assert!(!run.out.is_empty());
    }
}

#[test]
fn a_fault_is_named_in_the_same_words_on_both_machines() {
    let place = Place::with_project("app");
    place.write(
        "demo/demo.in",
        "component Hello {\n  capability console: DebugConsole(write)\n}\nfn start() {\n  var x: u8 = 255\n  for i in 0..2 { x = x + 1 }\n}\n",
    );
    place.call("demo", &["build"]).succeeds();
    let (boot, run) = (place.call("demo", &["boot"]), place.call("demo", &["run", "."]));
    assert!(run.err.contains("error[component-fault]: Hello stopped at demo.in:6: overflow"), "{}", run.err);
    assert_eq!((run.code, run.err), (Some(3), boot.err));
}

#[test]
fn a_run_that_does_not_end_is_stopped_and_takes_no_options_of_guests() {
    let place = Place::with_project("app");
    let source = fs::read_to_string(place.path("demo/demo.in")).unwrap();
    place.write(
        "demo/demo.in",
        source.replace("  console.write(\"hello from demo\\n\")", "  while true {\n  }"),
    );
    place.call("demo", &["run", ".", "--for", "300ms"]).succeeds();
    place.call("demo", &["run", ".", "--timeout", "300ms"]).refuses(7, "error[boot-overdue]");
    place
        .call("demo", &["run", "--grant", "sys.sleep", "."])
        .refuses(2, "error[no-guest]: `--grant` is for guests");
    place.call("demo", &["run", ".", "one"]).refuses(2, "error[no-guest]: `one` is for guests");
    place.call("demo", &["run", "nowhere"]).refuses(2, "nowhere");
}
