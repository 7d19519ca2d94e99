//! Every function of the table has its cases: success, each error that it may answer, too little room, limits.

use sci::guest::{ErrorCode, FUNCTIONS, Function, Role};
use std::collections::BTreeSet;
use tests_abi::application::{SPACES, alone, script};
use tests_abi::script::{Argument, Expect, Step, Times};
use tests_abi::{Host, Script, Setting, common};

/// Functions that write as much as fits: no room is too little for them.
const AS_MUCH_AS_FITS: [&str; 2] = ["data.blob_read", "audio.capture"];
/// What `docs/agents.md` lists for any agent, but for `closed`: the function has to go while a space waits for it.
/// `cli/tests/agents.rs` has that one.
const OF_AGENTS: [ErrorCode; 8] = [
    ErrorCode::NotFound,
    ErrorCode::Malformed,
    ErrorCode::Invalid,
    ErrorCode::Denied,
    ErrorCode::WouldBlock,
    ErrorCode::Quota,
    ErrorCode::TooLarge,
    ErrorCode::Io,
];

fn scripts(setting: Setting) -> Vec<Script<'static>> {
    if setting.is_together {
        SPACES.iter().map(|(_, kind)| script(setting, *kind)).collect()
    } else {
        vec![alone(setting).0]
    }
}

/// One call that is a case.
struct Case {
    function: &'static Function,
    arguments: Vec<Argument<'static>>,
    expect: Expect,
    times: Times,
}

impl Case {
    fn code(&self) -> Option<ErrorCode> {
        match self.expect {
            Expect::Is(number) => ErrorCode::from_number(number),
            Expect::Above(_) => None,
        }
    }

    /// Its arguments, as the numbers that the function gets; of places only what is past them counts.
    fn numbers(&self) -> Vec<i64> {
        let numbers = self.arguments.iter().flat_map(|argument| match argument {
            Argument::Name(function) => vec![0, common::name(function).len() as i64],
            Argument::Text(text) | Argument::Counted(text) => vec![0, text.len() as i64],
            Argument::Letters(bytes) | Argument::Room(bytes) => vec![0, i64::from(*bytes)],
            Argument::Number(number) => vec![i64::from(number.cast_unsigned())],
            Argument::Of(_) => vec![1],
        });
        numbers.collect()
    }
}

fn calls(scripts: &[Script<'static>]) -> Vec<Case> {
    let steps = scripts.iter().flat_map(Script::steps);
    let calls = steps.filter_map(|step| match step {
        Step::Call { case: Some(_), function, arguments, expect, times } => {
            Some(Case { function, arguments: arguments.clone(), expect: *expect, times: *times })
        }
        _ => None,
    });
    calls.collect()
}

/// The codes that the table names for a function, in its sentence or by what its parameters are for.
fn named(function: &Function) -> BTreeSet<ErrorCode> {
    let quoted = function.summary.split('`').skip(1).step_by(2);
    let in_summary =
        quoted.filter_map(|word| ErrorCode::ALL.iter().copied().find(|code| code.name() == word));
    let by_role = function.signature.parameters.iter().filter_map(|parameter| match parameter.role {
        Role::Length(_) => Some(ErrorCode::TooLarge),
        Role::Out | Role::Bytes => Some(ErrorCode::Fault),
        Role::Text => Some(ErrorCode::Malformed),
        Role::Milliseconds(_) | Role::Handle | Role::Mode | Role::Flag | Role::Seconds => {
            Some(ErrorCode::Invalid)
        }
        _ => None,
    });
    let texts = function.signature.parameters.iter().any(|parameter| parameter.role == Role::Text);
    in_summary.chain(by_role).chain(texts.then_some(ErrorCode::Fault)).collect()
}

#[test]
fn each_function_has_its_cases() {
    let all: Vec<Case> = Setting::ALL.iter().flat_map(|setting| calls(&scripts(*setting))).collect();
    let mut missing = Vec::new();
    for function in FUNCTIONS {
        let name = common::name(function);
        let of: Vec<&Case> = all.iter().filter(|case| case.function.number == function.number).collect();
        if !of.iter().any(|case| case.code().is_none()) {
            missing.push(format!("{name}: success"));
        }
        let codes: BTreeSet<ErrorCode> = of.iter().filter_map(|case| case.code()).collect();
        for code in named(function).difference(&codes) {
            missing.push(format!("{name}: {}", code.name()));
        }
        for (at, parameter) in function.signature.parameters.iter().enumerate() {
            let given = |case: &&Case, number: i64| case.numbers()[at] == number;
            if let Role::Length(most) = parameter.role {
                let most = i64::from(most);
                let is_taken = |case: &&Case| given(case, most) && case.code() != Some(ErrorCode::TooLarge);
                if !of.iter().any(is_taken) {
                    missing.push(format!("{name}: {} at its limit", parameter.name));
                }
                let is_refused =
                    |case: &&Case| given(case, most + 1) && case.code() == Some(ErrorCode::TooLarge);
                if !of.iter().any(is_refused) {
                    missing.push(format!("{name}: {} past its limit", parameter.name));
                }
            }
            if parameter.role == Role::Capacity {
                let is_short = |case: &&Case| match case.expect {
                    Expect::Is(bytes) | Expect::Above(bytes) => i64::from(bytes) > case.numbers()[at],
                };
                let is_fitting =
                    |case: &&Case| matches!(case.expect, Expect::Is(bytes) if given(case, bytes.into()));
                let needs_room = !AS_MUCH_AS_FITS.contains(&name.as_str());
                if needs_room && !of.iter().any(is_short) {
                    missing.push(format!("{name}: too little room"));
                }
                if !needs_room && !of.iter().any(is_fitting) {
                    missing.push(format!("{name}: as much as fits"));
                }
            }
        }
    }
    let of_agents = all.iter().filter(|case| case.function.module == "agent");
    let codes: BTreeSet<ErrorCode> = of_agents.filter_map(Case::code).collect();
    missing.extend(
        OF_AGENTS.iter().filter(|code| !codes.contains(code)).map(|code| format!("agent: {}", code.name())),
    );
    assert!(missing.is_empty(), "no case:\n{}", missing.join("\n"));
}

#[test]
fn each_host_serves_each_function() {
    for setting in Setting::ALL {
        let all = calls(&scripts(setting));
        for function in FUNCTIONS {
            let mut of = all.iter().filter(|case| case.function.number == function.number);
            assert!(of.any(|case| case.code().is_none()), "{setting:?}: {}", common::name(function));
        }
    }
}

#[test]
fn names_of_cases_say_which_they_are() {
    for setting in Setting::ALL {
        for script in scripts(setting) {
            let names: Vec<&str> = script.cases().collect();
            let different: BTreeSet<&str> = names.iter().copied().collect();
            let twice = names.iter().filter(|name| names.iter().filter(|other| other == name).count() > 1);
            assert_eq!(names.len(), different.len(), "{:?}", twice.collect::<BTreeSet<_>>());
        }
    }
}

#[test]
fn a_repetition_counts() {
    let all = calls(&scripts(Setting::new(Host::Linux, false)));
    let counted = |case: &Case| case.arguments.iter().any(|one| matches!(one, Argument::Counted(_)));
    assert!(all.iter().filter(|case| counted(case)).all(|case| case.times != Times::Once));
}
