//! The vocabulary of fact lines in a component block.

use crate::collect::unsupported;
use crate::constants::scaled;
use crate::types::nearest;
use compiler_mir::ir::{Determinism, Facts};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::tree::{Fact, FactArgument, FactKind, FactOperator, Literal, Name};
use sci::layout::PAGE;
use sci::limits::STACK_BYTES_MAX;

/// A key of a component block.
struct Key {
    name: &'static str,
    /// What may follow, for the error's help.
    form: &'static str,
    set: fn(&mut Setting<'_>) -> bool,
}

struct Setting<'f> {
    fact: &'f Fact,
    stated: &'f mut Stated,
    is_native: bool,
    diagnostics: &'f mut Vec<Diagnostic>,
}

/// What the fact lines of a block state.
pub(crate) struct Stated {
    pub facts: Facts,
    pub native: NativeFacts,
    pub version: String,
}

/// What the compiler cannot derive where the code is a crate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeFacts {
    pub stack_bytes: u64,
    pub heap_bytes: u64,
}

impl Default for NativeFacts {
    fn default() -> Self {
        Self { stack_bytes: 64 << 10, heap_bytes: 64 << 10 }
    }
}

/// Bytes of a heap at most.
const HEAP_BYTES_MAX: u64 = 64 << 20;
/// A heap is a multiple of this.
const HEAP_UNIT: u64 = 16;

const KEYS: &[Key] = &[
    Key { name: "version", form: "version \"1.0.0\"", set: version },
    Key { name: "target", form: "target \"x86_64-unknown-none\"", set: target },
    Key { name: "deterministic", form: "deterministic true, false or replay", set: deterministic },
    Key { name: "checkpoint", form: "checkpoint none or on-request", set: checkpoint },
    Key { name: "priority", form: "priority and a number from 0 to 254", set: priority },
    Key { name: "restart", form: "restart never, on-fault or always", set: restart },
    Key { name: "arena", form: "arena and a size, such as 64KiB", set: arena },
    Key { name: "param", form: "param name = number", set: parameter },
    Key { name: "stack", form: "stack and a size, such as 64KiB, at most 16MiB", set: stack },
    Key { name: "heap", form: "heap and a size, such as 1MiB, at most 64MiB", set: heap },
];

/// Keys that the language has and the compiler does not give meaning to yet.
const LATER: &[&str] = &[
    "schedule",
    "supervise",
    "migration",
    "compute",
    "schema",
    "budget",
    "period",
    "deadline",
    "affinity",
    "passive",
    "buffers",
    "protocol",
];

/// Reads the fact lines of a component block.
pub(crate) fn component(lines: &[Fact], is_native: bool, diagnostics: &mut Vec<Diagnostic>) -> Stated {
    let mut stated =
        Stated { facts: Facts::default(), native: NativeFacts::default(), version: "0.0.0".to_owned() };
    let mut seen: Vec<&Fact> = Vec::new();
    for fact in lines {
        let name = fact.key.as_str();
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            diagnostics.push(unknown(fact));
            continue;
        };
        if let Some(first) = seen.iter().find(|first| first.key.as_str() == name && name != "param") {
            diagnostics.push(
                Diagnostic::error("duplicate-fact", fact.span, format!("`{name}` is stated twice"))
                    .also(first.span, "first stated here")
                    .help("keep one of the two lines"),
            );
        }
        seen.push(fact);
        let mut setting = Setting { fact, stated: &mut stated, is_native, diagnostics };
        if fact.block.is_some() || !(key.set)(&mut setting) {
            diagnostics.push(
                Diagnostic::error("bad-fact", fact.span, format!("`{name}` is not stated in this form"))
                    .help(format!("write {}", key.form)),
            );
        }
    }
    stated
}

fn unknown(fact: &Fact) -> Diagnostic {
    let name = fact.key.as_str();
    if LATER.contains(&name) {
        return unsupported(fact.span, &format!("the fact `{name}`"));
    }
    let diagnostic =
        Diagnostic::error("unknown-fact", fact.key.span, format!("a component has no fact `{name}`"));
    match nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).edit(fact.key.span, near),
        None => {
            let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            diagnostic.help(format!("the facts are {}", keys.join(", ")))
        }
    }
}

fn word(fact: &Fact) -> Option<String> {
    match fact.arguments.as_slice() {
        [FactArgument { kind: FactKind::Word(path), .. }] => Some(path.dotted()),
        [FactArgument { kind: FactKind::Literal(Literal::Bool(value)), .. }] => Some(value.to_string()),
        [FactArgument { kind: FactKind::Literal(Literal::None), .. }] => Some("none".to_owned()),
        _ => None,
    }
}

fn one_of(setting: &Setting<'_>, allowed: &[&str]) -> Option<String> {
    word(setting.fact).filter(|word| allowed.contains(&word.as_str()))
}

fn version(setting: &mut Setting<'_>) -> bool {
    let [FactArgument { kind: FactKind::Literal(Literal::Text(text)), .. }] =
        setting.fact.arguments.as_slice()
    else {
        return false;
    };
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| part.parse::<u32>().is_ok() && (part.len() == 1 || !part.starts_with('0'));
    setting.stated.version.clone_from(text);
    parts.len() == 3 && parts.iter().all(number)
}

fn target(setting: &mut Setting<'_>) -> bool {
    let [FactArgument { kind: FactKind::Literal(Literal::Text(text)), .. }] =
        setting.fact.arguments.as_slice()
    else {
        return false;
    };
    text == "x86_64-unknown-none"
}

fn deterministic(setting: &mut Setting<'_>) -> bool {
    let Some(word) = one_of(setting, &["true", "false", "replay"]) else { return false };
    if setting.is_native && word == "true" {
        setting
            .diagnostics
            .push(unsupported(setting.fact.span, "`deterministic true` of a component in Rust"));
    }
    setting.stated.facts.deterministic = match word.as_str() {
        "true" => Determinism::Yes,
        "replay" => {
            setting.diagnostics.push(unsupported(setting.fact.span, "`deterministic replay`"));
            Determinism::Replay
        }
        _ => Determinism::None,
    };
    true
}

fn checkpoint(setting: &mut Setting<'_>) -> bool {
    setting.stated.facts.checkpoint = one_of(setting, &["none", "on-request"]);
    setting.stated.facts.checkpoint.is_some()
}

fn restart(setting: &mut Setting<'_>) -> bool {
    setting.stated.facts.restart = one_of(setting, &["never", "on-fault", "always"]);
    setting.stated.facts.restart.is_some()
}

fn priority(setting: &mut Setting<'_>) -> bool {
    let value = integer_argument(setting.fact, setting.diagnostics);
    setting.stated.facts.priority = value.filter(|value| *value < 255).map(|value| value as u8);
    setting.stated.facts.priority.is_some()
}

fn arena(setting: &mut Setting<'_>) -> bool {
    match integer_argument(setting.fact, setting.diagnostics) {
        Some(bytes) if bytes <= 64 << 20 => {
            setting.stated.facts.arena_bytes = bytes;
            true
        }
        _ => false,
    }
}

fn stack(setting: &mut Setting<'_>) -> bool {
    only_native(setting);
    match integer_argument(setting.fact, setting.diagnostics) {
        Some(bytes @ 1..=STACK_BYTES_MAX) => {
            setting.stated.native.stack_bytes = bytes.next_multiple_of(PAGE);
            true
        }
        _ => false,
    }
}

fn heap(setting: &mut Setting<'_>) -> bool {
    only_native(setting);
    match integer_argument(setting.fact, setting.diagnostics) {
        Some(bytes) if bytes <= HEAP_BYTES_MAX => {
            setting.stated.native.heap_bytes = bytes.next_multiple_of(HEAP_UNIT);
            true
        }
        _ => false,
    }
}

/// The compiler knows the stack of `.in` code, which has no heap.
fn only_native(setting: &mut Setting<'_>) {
    if !setting.is_native {
        let name = setting.fact.key.as_str();
        let message = format!("`{name}` is stated only where the code is Rust");
        setting.diagnostics.push(Diagnostic::error("native-fact", setting.fact.span, message).help(
            "remove the line: the compiler derives the stack of `.in` code, and `arena` replaces a heap",
        ));
    }
}

fn parameter(setting: &mut Setting<'_>) -> bool {
    let [FactArgument { kind: FactKind::Pair(_, FactOperator::Assign, right), .. }] =
        setting.fact.arguments.as_slice()
    else {
        return false;
    };
    let (Some(name), FactKind::Literal(Literal::Integer(value))) =
        (parameter_name(setting.fact), &right.kind)
    else {
        return false;
    };
    let Some(value) = scaled(value, right.span, setting.diagnostics) else { return true };
    setting.stated.facts.parameters.push((name.as_str().to_owned(), value as u64));
    setting.stated.facts.parameters.len() <= sci::limits::PARAMETERS_MAX as usize
}

/// The name in `param name = 1`.
pub(crate) fn parameter_name(fact: &Fact) -> Option<&Name> {
    let [FactArgument { kind: FactKind::Pair(left, FactOperator::Assign, _), .. }] =
        fact.arguments.as_slice()
    else {
        return None;
    };
    let FactKind::Word(path) = &left.kind else { return None };
    match path.names.as_slice() {
        [name] if fact.key.as_str() == "param" => Some(name),
        _ => None,
    }
}

/// The one integer that a fact states, scaled by its unit.
pub(crate) fn integer_argument(fact: &Fact, diagnostics: &mut Vec<Diagnostic>) -> Option<u64> {
    match fact.arguments.as_slice() {
        [FactArgument { kind: FactKind::Literal(Literal::Integer(value)), span }] => {
            scaled(value, *span, diagnostics).and_then(|value| u64::try_from(value).ok())
        }
        _ => None,
    }
}
