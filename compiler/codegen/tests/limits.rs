//! Bounds that code generation proves or refuses: stack over the call graph, recursion, memory.

use compiler_codegen::{Error, Options, Output};
use compiler_mir::ir::{FunctionId, Program};
use compiler_mir::parse;

fn compile(program: &Program) -> Result<Output, Error> {
    let unit = compiler_core::mir::unit(program, &[FunctionId(0)])?;
    compiler_codegen::compile(&unit, Options::default())
}

/// A function of no parameters that calls others; `head` goes behind its result.
fn function(number: usize, name: &str, head: &str, callees: &[usize]) -> String {
    let calls: Vec<String> = callees.iter().map(|callee| format!("  call #{callee}()\n")).collect();
    let calls = calls.concat();
    format!("function #{number} \"{name}\" parameters 0 -> %0{head} {{\n b0:\n{calls}  return\n}}\n")
}

fn compiled(functions: &[String]) -> Result<Output, Error> {
    let text = format!("mir 1\ntype %0 = unit\n{}", functions.concat());
    let program = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    compile(&program)
}

/// Stack bytes of each function, by number.
fn bounds(functions: &[String]) -> Vec<u64> {
    let output = compiled(functions).expect("every cycle has a depth");
    output.functions.iter().map(|function| function.stack_bytes).collect()
}

fn cycle(functions: &[String]) -> Vec<String> {
    match compiled(functions) {
        Err(Error::Recursion { cycle }) => cycle,
        other => panic!("{other:?}"),
    }
}

/// Frame of a function that keeps nothing: return address and frame pointer.
const FRAME: u64 = 16;

#[test]
fn the_stack_is_the_deepest_chain_of_calls() {
    let functions = [
        function(0, "main", "", &[1, 2]),
        function(1, "deep", "", &[2]),
        function(2, "middle", "", &[3]),
        function(3, "leaf", "", &[]),
    ];
    assert_eq!(bounds(&functions), [4 * FRAME, 3 * FRAME, 2 * FRAME, FRAME]);
}

#[test]
fn a_depth_bounds_a_cycle_and_what_stands_between_its_turns() {
    // main once; outer before, between and behind three turns of inner; leaf once.
    let functions = [
        function(0, "main", "", &[1]),
        function(1, "outer", "", &[2]),
        function(2, "inner", " depth 3", &[1, 3]),
        function(3, "leaf", "", &[]),
    ];
    assert_eq!(bounds(&functions), [9 * FRAME, 8 * FRAME, 8 * FRAME, FRAME]);
    let alone = [function(0, "main", "", &[1]), function(1, "itself", " depth 5", &[1])];
    assert_eq!(bounds(&alone), [6 * FRAME, 5 * FRAME]);
}

#[test]
fn a_cycle_without_a_depth_is_refused() {
    assert_eq!(cycle(&[function(0, "itself", "", &[0])]), ["itself"]);
    let three = [function(0, "a", "", &[1]), function(1, "b", "", &[2]), function(2, "c", "", &[0])];
    assert_eq!(cycle(&three), ["a", "b", "c"]);
    // The depth of `b` says nothing of `a` and `c`, which call each other without it.
    let beside =
        [function(0, "a", "", &[1, 2]), function(1, "b", " depth 9", &[2]), function(2, "c", "", &[0])];
    assert_eq!(cycle(&beside), ["a", "c"]);
}

fn refused(text: &str) -> (String, u64) {
    let program = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    match compile(&program) {
        Err(Error::Core(compiler_core::Error::TooLarge { what, bytes, .. })) => (what, bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn memory_beyond_the_limits_is_refused() {
    let local = |count: u64| {
        format!(
            "mir 1\ntype %0 = unit\ntype %1 = u8\ntype %2 = array %1 {count}\nfunction #0 \"f\" parameters 0 -> %0 \
             {{ _0 \"\": value %2 b0: return }}\n"
        )
    };
    let most = sci::limits::STACK_BYTES_MAX;
    let program = parse::parse(&local(most)).expect("the text is MIR");
    assert!(compile(&program).is_ok());
    assert_eq!(refused(&local(most + 1)), ("a local of `f`".to_owned(), most + 1));
    // Sizes beyond 64 bits do not wrap around to small ones.
    let nested = "mir 1\ntype %0 = unit\ntype %1 = u64\ntype %2 = array %1 268435456\ntype %3 = array %2 268435456\n\
                  type %4 = array %3 268435456\nglobal $0 \"g\": %4\nfunction #0 \"f\" parameters 0 -> %0 { b0: return }\n";
    assert_eq!(refused(nested), ("the state up to `g`".to_owned(), u64::MAX));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let text = "mir 1\ntype %0 = unit\nfunction #0 \"f\" parameters 0 -> %0 { b0: goto b7 }\n";
    let program = parse::parse(text).expect("the text is MIR");
    let error = compile(&program).expect_err("there is no b7");
    assert_eq!(error.to_string(), "the program is not well-formed: f b0 end: a target block does not exist");
}
