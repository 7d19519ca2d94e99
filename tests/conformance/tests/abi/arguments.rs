//! What holds for every function alike, taken from the table.

use sci::guest::ErrorCode::{Fault, Invalid, Malformed, TooLarge, Unsupported};
use sci::guest::{FUNCTIONS, Function, GuestCapability, Role};
use services_zrun::imports::ImportError;
use services_zrun::linux::{BackEnds, RunError};
use tests_conformance::guest::{Argument, Calls, MEMORY_BYTES, NO_TEXT};
use tests_conformance::host::{grants, on_linux};

/// Functions that a host may lack, and that are served where it does not.
fn optional() -> Vec<&'static Function> {
    let modules = ["ic", "sensors", "actuators", "audio", "events", "agent"];
    FUNCTIONS.iter().filter(|function| modules.contains(&function.module)).collect()
}

fn name(function: &Function) -> String {
    format!("{}.{}", function.module, function.item)
}

/// Arguments of which each is well-formed.
fn well(function: &Function) -> Vec<i32> {
    let argument = |role: &Role| match role {
        Role::Length(_) | Role::Capacity | Role::Milliseconds(_) | Role::Handle => 1,
        _ => 0,
    };
    function.signature.parameters.iter().map(|parameter| argument(&parameter.role)).collect()
}

/// The calls with one argument after the other changed.
fn changed(function: &Function, change: impl Fn(Role) -> Option<i32>) -> Vec<Vec<i32>> {
    let each = function.signature.parameters.iter().enumerate();
    let changed = each.filter_map(|(at, parameter)| {
        let mut arguments = well(function);
        *arguments.get_mut(at)? = change(parameter.role)?;
        Some(arguments)
    });
    changed.collect()
}

fn numbers(arguments: &[i32]) -> Vec<Argument<'static>> {
    arguments.iter().map(|number| Argument::Number(*number)).collect()
}

#[test]
fn what_a_host_lacks_answers_unsupported_before_all_else() {
    let named: Vec<_> = optional().into_iter().map(|function| (name(function), function)).collect();
    let mut calls = Calls::default();
    for (name, function) in &named {
        calls.call("z.has", &[Argument::Text(name.as_bytes())], 0);
        calls.fails(name, &numbers(&well(function)), Unsupported);
        let worst = vec![-1; function.signature.parameters.len()];
        calls.fails(name, &numbers(&worst), Unsupported);
    }
    calls.hold_with(BackEnds { cache: None, ..BackEnds::default() });
}

#[test]
fn each_function_needs_its_capability() {
    let log = GuestCapability::SysLog;
    let needs_more = |function: &&Function| function.capabilities.iter().any(|capability| *capability != log);
    for function in FUNCTIONS.iter().filter(needs_more) {
        let mut calls = Calls::default();
        calls.call(&name(function), &numbers(&well(function)), 0);
        let (result, lines) = on_linux(&calls.image(), grants(&[log]));
        let Err(RunError::Import(ImportError::NotGranted { capability, .. })) = result else {
            panic!("{}: {result:?}", name(function));
        };
        assert_eq!((capability, lines.len()), (function.capabilities[0].name(), 0), "{}", name(function));
    }
}

#[test]
fn lengths_addresses_and_texts_are_checked_in_this_order() {
    let mut calls = Calls::default();
    for function in optional() {
        let name = name(function);
        let too_long = |role| match role {
            Role::Length(most) => Some(most.cast_signed() + 1),
            _ => None,
        };
        for mut arguments in changed(function, too_long) {
            calls.fails(&name, &numbers(&arguments), TooLarge);
            // The length comes before the address.
            arguments[0] = -1;
            calls.fails(&name, &numbers(&arguments), TooLarge);
        }
        let outside = |role| match role {
            Role::Text | Role::Bytes | Role::Out => Some(MEMORY_BYTES.cast_signed()),
            _ => None,
        };
        for arguments in changed(function, outside) {
            calls.fails(&name, &numbers(&arguments), Fault);
        }
        let no_text = |role| match role {
            Role::Text => Some(NO_TEXT),
            _ => None,
        };
        for arguments in changed(function, no_text) {
            calls.fails(&name, &numbers(&arguments), Malformed);
        }
        let too_late = |role| match role {
            Role::Milliseconds(most) => Some(most.cast_signed() + 1),
            _ => None,
        };
        for arguments in changed(function, too_late) {
            calls.fails(&name, &numbers(&arguments), Invalid);
        }
        if matches!(function.signature.parameters.first().map(|first| first.role), Some(Role::Text)) {
            let mut arguments = well(function);
            arguments[1] = 0;
            calls.fails(&name, &numbers(&arguments), Invalid);
        }
    }
    calls.hold_with(crate::everything());
}
