//! What holds for every function alike, taken from the table.

use crate::script::{Argument, LETTERS, MEMORY_BYTES, NO_TEXT, Script};
use sci::guest::ErrorCode::{Fault, Invalid, Malformed, TooLarge};
use sci::guest::{Function, Role};

/// Its name, as `z.has` takes it.
pub fn name(function: &Function) -> String {
    format!("{}.{}", function.module, function.item)
}

/// Arguments of which each is well-formed.
fn well(function: &Function) -> Vec<i32> {
    let argument = |role: &Role| match role {
        Role::Text | Role::Bytes | Role::Out => LETTERS.cast_signed(),
        Role::Length(_) | Role::Capacity | Role::Milliseconds(_) | Role::Handle => 1,
        _ => 0,
    };
    function.signature.parameters.iter().map(|parameter| argument(&parameter.role)).collect()
}

fn numbers(arguments: &[i32]) -> Vec<Argument<'static>> {
    arguments.iter().map(|number| Argument::Number(*number)).collect()
}

/// The number of an argument, its name, and the arguments with another value for it, one after the other.
fn changed<'f>(
    function: &'f Function,
    change: impl Fn(Role) -> Option<i32> + 'f,
) -> impl Iterator<Item = (usize, &'static str, Vec<i32>)> + 'f {
    function.signature.parameters.iter().enumerate().filter_map(move |(at, parameter)| {
        let mut arguments = well(function);
        arguments[at] = change(parameter.role)?;
        Some((at, parameter.name, arguments))
    })
}

/// Cases of a function that is served: lengths, addresses, texts and times, and in which order they are checked.
pub fn served(script: &mut Script<'_>, function: &'static Function) {
    let called = name(function);
    script.case("z.has", &called, &[Argument::Name(function)], 1);
    let past = |most: u32| (most + 1).cast_signed();
    let outside = MEMORY_BYTES.cast_signed();
    for (at, what, mut arguments) in changed(function, |role| match role {
        Role::Length(most) => Some(past(most)),
        _ => None,
    }) {
        script.case(&called, &format!("{what} one past its limit"), &numbers(&arguments), TooLarge);
        arguments[at] = -1;
        script.case(&called, &format!("{what} as large as can be"), &numbers(&arguments), TooLarge);
        arguments[at - 1] = outside;
        script.case(&called, &format!("{what} before an address"), &numbers(&arguments), TooLarge);
    }
    for (at, what, mut arguments) in changed(function, |role| match role {
        Role::Text | Role::Bytes | Role::Out => Some(outside),
        _ => None,
    }) {
        script.case(&called, &format!("{what} outside"), &numbers(&arguments), Fault);
        arguments[at] = -1;
        script.case(&called, &format!("{what} at the end of addresses"), &numbers(&arguments), Fault);
        (arguments[at], arguments[at + 1]) = (outside - 1, 2);
        script.case(&called, &format!("{what} that leaves memory"), &numbers(&arguments), Fault);
        for (text, other, _) in changed(function, |role| matches!(role, Role::Text).then_some(0)) {
            if text != at {
                arguments[text] = NO_TEXT.cast_signed();
                script.case(
                    &called,
                    &format!("{what} before the text of {other}"),
                    &numbers(&arguments),
                    Fault,
                );
            }
        }
    }
    for (_, what, mut arguments) in changed(function, |role| match role {
        Role::Text => Some(NO_TEXT.cast_signed()),
        _ => None,
    }) {
        script.case(&called, &format!("{what} to what is no text"), &numbers(&arguments), Malformed);
        for (time, _, _) in changed(function, |role| matches!(role, Role::Milliseconds(_)).then_some(0)) {
            arguments[time] = -1;
            script.case(&called, &format!("{what} before a time"), &numbers(&arguments), Malformed);
        }
    }
    for (at, what, mut arguments) in changed(function, |role| match role {
        Role::Milliseconds(most) => Some(past(most)),
        _ => None,
    }) {
        script.case(&called, &format!("{what} one past the limit"), &numbers(&arguments), Invalid);
        arguments[at] = -1;
        script.case(&called, &format!("{what} as large as can be"), &numbers(&arguments), Invalid);
        if at >= 2 {
            arguments[0] = outside;
            script.case(&called, &format!("{what} after an address"), &numbers(&arguments), Fault);
        }
    }
}
