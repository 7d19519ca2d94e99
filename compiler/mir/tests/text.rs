//! The text form: every construct reads back, and what is not well-formed is found.

use compiler_mir::interpret::{Interpreter, NoHost, Stop};
use compiler_mir::ir::{Fault, FunctionId, Program};
use compiler_mir::{parse, print, verify};

/// Every kind of declaration, statement, value and end.
const EVERYTHING: &str = r#"mir 1
type %0 = unit
type %1 = bool
type %2 = u64
type %3 = u32
type %4 = u8
type %5 = i64
type %6 = f64
type %7 = slice %4
type %8 = array %2 4
type %9 = struct "pair \"of\" two" { "a": %2, "b": %6 }
type %10 = enum "choice" { "none"(), "some"(%2, %9) }
type %11 = handle "Console" 0x3
type %12 = slice %3
data @0 align 8 = 0x6869000000000000
global $0 "count": %2 = 0x0500000000000000 at 0:1-2
global $1 "zero": %8
function #0 "main" parameters 0 -> %0 at 0:3-9 {
  _0 "entry": value %2
  _1 "": value %7
  _2 "": value %2
 b0:
  _0 = capability 0 at 0:4-5
  _1 = window _0
  _2 = handle 0
  _2 = handle-of _0
  _2 = parameter 0
  _1 = client-window _2
  invoke _0 method 1(_2, 7:%2) -> _2(_0, $0) uses 0 "Console" 1
  system 18(0:%2, 1:%2, 0:%2, 0:%2) -> _2, _0 uses none "Clock" 0
  receive -> _0, _2(_2)
  receive answering _2(_0) -> _0, _2()
  return at 0:6-7
}
function #1 "f" parameters 3 -> %9 in _3 depth 4 {
  _0 "x": value %2 at 1:2-3
  _1 "p": reference %9
  _2 "q": inout %8
  _3 "": value %9
  _4 "": value %10
  _5 "": value %1
  _6 "": value %7
  _7 "": value %12
  _8 "": value %3
  _9 "": value %6
  _10 "": value %5
 b0:
  _2[3] = add _0, 1:%2
  check true else bounds
  _2[_0] = _1.0
  _9 = float 0x3ff0000000000000:%6
  _3.1 = divide _9, _1.1
  _3 = move _1
  zero _4
  set-tag _4 1
  set-tag-from _4 1:%3
  _4!1.0 = @0:%2
  _8 = tag-of _4
  _0 = length _2
  _6 = view @0 2:%7
  _6 = part _6 from 0:%2 to 1:%2
  _7 = from-bytes _6 to %12
  _6 = as-bytes _7
  _10 = negate _10
  _5 = not _5
  _5 = less-equal _0, _2[0]
  _10 = convert _0 to %5
  _8 = truncate _0 to %3
  _0 = shift-left _0, _8
  call #1(_0, &_3, &_2) -> _3
  call #0()
  branch _5 b1 b2
 b1:
  switch _0 { 1 => b0, 18446744073709551615 => b2, else b1 }
 b2:
  goto b3
 b3:
  trap stale-id
}
component "Box" of "a.b" version "0.1.0" main #0 at 0:1-4 {
  capability "console": "Console" 0x0000000000000000000000000000000000000000000000000000000000000001 declared 0x3 used 0x2 endpoint window 64 at 0:8-9
  export "box": "Box" 0x00000000000000000000000000000000000000000000000000000000000000ff { "get" #0, } window 0
  entry "start" #0 start
  entry "box.get" #0 method 0 0
  entry "tick" #0 interrupt 3
  deterministic replay
  checkpoint "on-request"
  priority 7
  restart "always"
  arena 4096
  parameter "size" 12
  fact "note" "a\nb"
}
test "it runs" #0
"#;

/// A function around one line of its only block, with locals of several types.
fn around(line: &str) -> String {
    format!(
        r#"mir 1
type %0 = unit
type %1 = bool
type %2 = u64
type %3 = i32
type %4 = u32
type %5 = array %2 4
type %6 = f64
type %7 = enum "e" {{ "a"(), "b"(%2) }}
data @0 align 1 = 0x00000000
function #0 "f" parameters 2 -> %2 in _2 {{
  _0 "": value %2
  _1 "": reference %5
  _2 "": value %2
  _3 "": value %3
  _4 "": value %1
  _5 "": value %4
  _6 "": value %5
  _7 "": value %6
  _8 "": value %7
 b0:
  {line}
  return
}}
"#
    )
}

fn defects(text: &str) -> Vec<String> {
    let program = parse::parse(text).expect("the text is MIR");
    match verify::verify(&program) {
        Ok(()) => Vec::new(),
        Err(defects) => defects.into_iter().map(|defect| defect.what).collect(),
    }
}

#[test]
fn every_construct_reads_back() {
    let program = parse::parse(EVERYTHING).expect("the text is MIR");
    let text = print::Text(&program).to_string();
    assert_eq!(text, EVERYTHING);
    let again = parse::parse(&text).expect("printed text is MIR");
    assert_eq!(format!("{program:?}"), format!("{again:?}"));
    assert_eq!(verify::verify(&program), Ok(()));
}

#[test]
fn text_that_is_not_mir_is_refused_where_it_goes_wrong() {
    let cases = [
        ("", 1, "`mir 1`"),
        ("mir 1\ntype %1 = unit\n", 2, "`%0`"),
        ("mir 1\ntype %0 = word\n", 2, "a type"),
        ("mir 1\n\nglobal $0 \"x: %0", 3, "`\"`"),
        ("mir 1\ndata @0 align 1 = 0x123\n", 2, "an even number of digits"),
        ("mir 1\nnonsense\n", 2, "a declaration"),
        ("mir 1\n}\n", 2, "a declaration"),
    ];
    for (text, line, expected) in cases {
        let error = parse::parse(text).expect_err(text);
        assert_eq!((error.line, error.expected.as_str()), (line, expected), "{text:?}");
    }
    for end in 0..EVERYTHING.len() {
        // No beginning of a program makes the parser panic; most are refused.
        let _ends_somehow = parse::parse(&EVERYTHING[..end]);
    }
}

#[test]
fn defects_are_found() {
    let cases = [
        ("_0 = _9", "a local does not exist"),
        ("_0 = _3", "the value's type is not the place's"),
        ("_0 = add _0, _3", "the operands are of two types"),
        ("_0 = shift-left _0, _0", "a shift's amount is a `u32`"),
        ("_7 = remainder _7, _7", "the operator does not take the operands' type"),
        ("_0 = negate _0", "the operator does not take the operand's type"),
        ("_0 = truncate _7 to %2", "floats have no low bits"),
        ("_0 = _1[4]", "a constant index is out of bounds"),
        ("_0 = _1[_3]", "an index is not a `u64` value"),
        ("_0 = _1.0", "a step does not fit its type"),
        ("_5 = tag-of _1", "only an enum has a tag"),
        ("_0 = length _0", "only arrays and slices have elements"),
        ("_0 = @0:%2", "data is smaller than its type"),
        ("_3 = 4294967296:%3", "a constant does not fit its type"),
        ("_1[0] = _0", "a read-only place is written"),
        ("@0:%1 = true", "a read-only place is written"),
        ("set-tag _8 2", "the variant does not exist"),
        ("set-tag-from _8 _0", "an operand is not a `u32`"),
        ("check _0 else bounds", "a condition is not a bool"),
        ("call #1()", "the function called does not exist"),
        ("call #0(_0)", "`f` takes 2 arguments"),
        ("call #0(_0, _6)", "an argument is not passed as its parameter is held"),
        ("call #0(_3, &_6)", "an argument's type is not the parameter's"),
        ("call #0(_0, &_0)", "a reference's type is not the parameter's"),
        ("call #0(_0, &_6) -> _3", "the result's type is not the destination's"),
        ("system 99() -> _0, _0", "the system call does not exist"),
        ("system 8() -> _0, _0", "a system call takes every argument of the table"),
        ("invoke _0 method 0(_0, _0, _0, _0, _0, _0, _0) -> _0()", "a message has too many words"),
        ("receive -> _0, _3()", "a word goes to a `u64`"),
        ("_0 = capability 0", "the capability does not exist"),
        ("_0 = parameter 0", "the parameter does not exist"),
        ("goto b7 b1:", "a target block does not exist"),
        ("branch _4 b0 b7 b1:", "a target block does not exist"),
        ("switch _7 { else b0 } b1:", "a switch takes an integer or a bool"),
        ("switch _4 { 2 => b0, else b0 } b1:", "a case does not fit the value's type"),
        ("switch _0 { 2 => b0, 2 => b0, else b0 } b1:", "a case stands twice"),
    ];
    for (line, wanted) in cases {
        assert_eq!(defects(&around(line)), [wanted], "{line}");
    }
    assert_eq!(defects(&around("_0 = add _0, _1[3]")), [""; 0]);
}

#[test]
fn declarations_that_do_not_hold_are_found() {
    let function = |head: &str, body: &str| {
        format!("mir 1\ntype %0 = unit\ntype %1 = array %0 2\nfunction #0 \"f\" {head} {{\n{body}\n}}\n")
    };
    let cases = [
        ("mir 1\ntype %0 = slice %0\n".to_owned(), "a type's parts come before it"),
        ("mir 1\ntype %0 = unit\ntype %1 = unit\n".to_owned(), "stands twice"),
        ("mir 1\ntype %0 = u7\n".to_owned(), "an integer has 8, 16, 32 or 64 bits"),
        ("mir 1\ntype %0 = f16\n".to_owned(), "a float has 32 or 64 bits"),
        ("mir 1\nglobal $0 \"x\": %0\n".to_owned(), "its type does not exist"),
        ("mir 1\ntype %0 = u8\nglobal $0 \"x\": %0 = 0x0000\n".to_owned(), "its initial bytes are not of its type's size"),
        ("mir 1\ndata @0 align 3 = 0x\n".to_owned(), "its alignment is not a power of two"),
        (function("parameters 0 -> %0", ""), "there is no block to enter at"),
        (function("parameters 1 -> %0", "b0: return"), "there are fewer locals than parameters"),
        (function("parameters 0 -> %0 depth 0", "b0: return"), "a depth is at least 1"),
        (function("parameters 0 -> %1", "b0: return"), "the result lies in no local"),
        (function("parameters 0 -> %7", "b0: return"), "the result's type does not exist"),
        (
            function("parameters 0 -> %1 in _0", "_0 \"\": value %0 b0: return"),
            "the result's local is not a value of the result's type",
        ),
        (function("parameters 0 -> %0", "_0 \"\": inout %0 b0: return"), "_0 is a reference and no parameter"),
        (function("parameters 1 -> %0", "_0 \"\": value %1 b0: return"), "_0 is an aggregate passed by value"),
        (function("parameters 0 -> %0", "_0 \"\": value %9 b0: return"), "the type of _0 does not exist"),
        ("mir 1\ntest \"t\" #0\n".to_owned(), "its function does not exist"),
        (
            "mir 1\ntype %0 = u8\nfunction #0 \"f\" parameters 1 -> %0 in _1 {\n_0 \"\": value %0 _1 \"\": value %0 b0: return }\ntest \"t\" #0\n"
                .to_owned(),
            "its function takes or gives something",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(defects(&text), [wanted], "{text}");
    }
}

fn run(program: &Program, arguments: &[u64], fuel: u64) -> Result<u64, Stop> {
    let mut host = NoHost;
    let mut interpreter = Interpreter::new(program, &mut host, fuel);
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|word| word.to_le_bytes().to_vec()).collect();
    let bytes = interpreter.call(FunctionId(0), &arguments)?;
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(&bytes);
    Ok(u64::from_le_bytes(word))
}

#[test]
fn text_runs() {
    let text = "mir 1
type %0 = u64
type %1 = bool
function #0 \"factorial\" parameters 1 -> %0 in _1 depth 30 {
  _0 \"n\": value %0
  _1 \"\": value %0
  _2 \"\": value %1
  _3 \"\": value %0
 b0:
  _2 = equal _0, 0:%0
  branch _2 b1 b2
 b1:
  _1 = 1:%0
  return
 b2:
  _3 = subtract _0, 1:%0
  call #0(_3) -> _1
  _1 = multiply _0, _1 at 0:7-9
  return
}
";
    let program = parse::parse(text).expect("the text is MIR");
    assert_eq!(verify::verify(&program), Ok(()));
    assert_eq!(run(&program, &[20], 1000), Ok(2_432_902_008_176_640_000));
    let stopped = run(&program, &[21], 1000);
    assert!(
        matches!(stopped, Err(Stop::Trap { fault: Fault::Overflow, span }) if span.start == 7),
        "{stopped:?}"
    );
    assert_eq!(run(&program, &[20], 50), Err(Stop::Fuel));
    assert_eq!(run(&program, &[1 << 40], 100_000), Err(Stop::Depth));
}
