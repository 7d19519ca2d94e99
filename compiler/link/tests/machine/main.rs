//! Linked images, run on this machine from their entry: they do what the interpreter says their MIR does.

mod generate;
mod native;
mod peer;

use compiler_codegen::{Options, compile};
use compiler_link::image::{self, Input};
use compiler_mir::interpret::{Interpreter, Stop};
use compiler_mir::ir::{Fault, Program};
use compiler_mir::{layout, parse, print, verify};
use compiler_syntax::span::Sources;
use peer::{End, Peers, Run};

/// Steps that the interpreter may take.
const FUEL: u64 = 20_000;

fn sources() -> Sources {
    let mut sources = Sources::default();
    sources.add("test.in", "line\n".repeat(40));
    sources
}

fn link(program: &Program, optimize: bool) -> Vec<u8> {
    let main = program.component.as_ref().expect("there is a component").main;
    let unit = compiler_core::mir::unit(program, &[main]).expect("the MIR is well-formed");
    let code = compile(&unit, Options { optimize, one_nan: true }).expect("well-formed MIR compiles");
    let input = Input { program, code: &code, sources: &sources(), files: &[], flags: "" };
    image::link(&input).expect("the code links")
}

fn machine(program: &Program, optimize: bool) -> Run {
    native::run(&link(program, optimize))
}

fn read(text: &str) -> Program {
    let program = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(verify::verify(&program), Ok(()), "{text}");
    program
}

/// State as it lies in an image: what has initial values, then what begins as zero, each aligned.
fn state<'p>(program: &'p Program, mut bytes: impl FnMut(usize) -> &'p [u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut bss) = (Vec::new(), Vec::new());
    for (at, global) in program.globals.iter().enumerate() {
        let section = if global.initial.is_empty() { &mut bss } else { &mut data };
        let align = layout::of(program, global.ty).align.max(8) as usize;
        section.resize(section.len().next_multiple_of(align), 0);
        section.extend_from_slice(bytes(at));
    }
    (data, bss)
}

/// How the interpreter ends and the state that it leaves; `None` if it takes too long.
fn interpreted(program: &Program) -> Option<(End, Vec<u8>, Vec<u8>)> {
    let mut host = Peers;
    let mut interpreter = Interpreter::new(program, &mut host, FUEL);
    let main = program.component.as_ref().expect("there is a component").main;
    let end = match interpreter.call(main, &[]) {
        Ok(_) => End::Exit,
        Err(Stop::Trap { fault, .. }) => End::Trap(fault),
        Err(Stop::Fuel) => return None,
        Err(stop) => panic!("{stop:?}"),
    };
    let left: Vec<Vec<u8>> = (0..program.globals.len()).map(|at| interpreter.global(at).to_vec()).collect();
    let (data, bss) = state(program, |at| &left[at]);
    Some((end, data, bss))
}

/// Runs both ways and holds the ends and the state against each other; whether there was an end.
fn compare(program: &Program, what: &str) -> Option<End> {
    let (end, data, bss) = interpreted(program)?;
    for optimize in [false, true] {
        let run = machine(program, optimize);
        let shown = || format!("{what}, optimize {optimize}\n{}", print::Text(program));
        assert_eq!(run.end, Some(end), "{}", shown());
        assert_eq!(run.data, data, "{}", shown());
        assert_eq!(run.bss, bss, "{}", shown());
    }
    Some(end)
}

#[test]
fn random_programs_do_what_the_interpreter_says() {
    let count: u64 = std::env::var("MIR_PROGRAMS").map_or(120, |count| count.parse().expect("a number"));
    let first: u64 = std::env::var("MIR_SEED").map_or(0, |seed| seed.parse().expect("a number"));
    let (mut ended, mut trapped, mut endless) = (0, 0, 0);
    for seed in first..first + count {
        let program = generate::program(seed);
        if let Err(defects) = verify::verify(&program) {
            panic!("seed {seed}: {defects:?}\n{}", print::Text(&program));
        }
        match compare(&program, &format!("seed {seed}")) {
            Some(End::Exit) => ended += 1,
            Some(End::Trap(_)) => trapped += 1,
            None => endless += 1,
        }
    }
    println!("{ended} ended, {trapped} trapped, {endless} were cut off");
    assert!(count < 100 || (ended > count / 5 && trapped > count / 20), "the programs are of one kind");
}

/// A program from its functions, of which number 0 is the component's main function, and their globals.
fn component(text: &str) -> Program {
    let head = "mir 1
type %0 = unit
type %1 = bool
type %2 = u64
type %3 = u8
type %4 = slice %3
type %5 = struct \"pair\" { \"a\": %2, \"b\": %2 }
type %6 = array %2 1024
type %7 = array %5 4
type %8 = i8
type %9 = u16
type %10 = i32
";
    let tail = "component \"Test\" of \"\" version \"0.0.0\" main #0 {
  capability \"peer\": \"peer\" 0x0000000000000000000000000000000000000000000000000000000000000001 declared 0x7 used 0x7 endpoint window 4096
  deterministic none
  arena 0
  parameter \"p\" 17
}
";
    read(&format!("{head}{text}{tail}"))
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().expect("whole words"))).collect()
}

/// A function that swaps its read-only pair, and calls of it whose results go where its arguments come from.
const SWAP: &str = "function #1 \"swap\" parameters 1 -> %5 in _1 {
  _0 \"p\": reference %5
  _1 \"\": value %5
 b0:
  _1.0 = _0.1
  _1.1 = _0.0
  return
}
";

#[test]
fn a_result_does_not_overwrite_what_the_call_reads() {
    let program = component(&format!(
        "global $0 \"g\": %5 = 0x01000000000000000200000000000000
global $1 \"h\": %5
global $2 \"i\": %5
function #0 \"main\" parameters 0 -> %0 {{
  _0 \"\": value %5
  _1 \"\": value %7
  _2 \"\": value %2
 b0:
  _0.0 = 3:%2
  _0.1 = 4:%2
  call #1(&_0) -> _0
  $1 = _0
  call #1(&$0) -> $0
  zero _1
  _1[2].0 = 5:%2
  _2 = 2:%2
  call #1(&_1[2]) -> _1[_2]
  $2 = _1[2]
  return
}}
{SWAP}"
    ));
    assert_eq!(compare(&program, "swap"), Some(End::Exit));
    let run = machine(&program, true);
    assert_eq!((words(&run.data), words(&run.bss)), (vec![2, 1], vec![4, 3, 0, 5]));
}

#[test]
fn a_trap_is_found_with_its_fault_and_place() {
    let program = component(
        "global $0 \"g\": %2
function #0 \"main\" parameters 0 -> %0 {
  _0 \"\": value %2
 b0:
  $0 = 1:%2
  _0 = parameter 0 at 0:5-9
  _0 = subtract _0, 17:%2 at 0:10-14
  _0 = divide 1:%2, _0 at 0:15-19
  $0 = 2:%2 at 0:20-24
  return
}
",
    );
    assert_eq!(compare(&program, "divide"), Some(End::Trap(Fault::Division)));
    let run = machine(&program, false);
    assert_eq!((run.place, words(&run.bss)), (Some((4, 1)), vec![1]));
}

#[test]
fn large_frames_are_probed_and_their_bound_is_exact() {
    // Eight frames of 8 KiB, one in another: with a page less the guard is hit, as the manifest's bound has none spare.
    let program = |depth: u32| {
        component(&format!(
            "global $0 \"g\": %2
function #0 \"main\" parameters 0 -> %0 {{
 b0:
  call #1(8:%2) -> $0
  return
}}
function #1 \"down\" parameters 1 -> %2 in _1 depth {depth} {{
  _0 \"\": value %2
  _1 \"\": value %2
  _2 \"\": value %6
  _3 \"\": value %1
  _4 \"\": value %2
 b0:
  zero _2
  _2[1023] = _0
  _4 = subtract _0, 1:%2
  _3 = equal _4, 0:%2
  branch _3 b2 b1
 b1:
  call #1(_4) -> _1
  goto b2
 b2:
  _1 = add _1, _2[1023]
  return
}}
"
        ))
    };
    let run = machine(&program(8), false);
    assert_eq!((run.end, words(&run.bss)), (Some(End::Exit), vec![36]));
    assert_eq!(machine(&program(7), false).end, Some(End::Trap(Fault::ReadFault)));
}

#[test]
fn a_server_gets_messages_and_answers_each() {
    let program = component(
        "global $0 \"first byte\": %3
function #0 \"main\" parameters 0 -> %0 {
  _0 \"badge\": value %2
  _1 \"method\": value %2
  _2 \"a\": value %2
  _3 \"b\": value %2
  _4 \"window\": value %4
  _5 \"\": value %1
  _6 \"status\": value %2
  _7 \"zero\": value %2
 b0:
  receive -> _0, _1(_2, _3)
  goto b1
 b1:
  _5 = less _0, 64:%2
  branch _5 b2 b3
 b2:
  _4 = client-window _0
  _7 = 0:%2
  $0 = _4[_7]
  goto b3
 b3:
  _6 = and _0, 1:%2
  _2 = add-wrap _2, _3
  receive answering _6(_2, _1) -> _0, _1(_2, _3)
  goto b1
}
",
    );
    for optimize in [false, true] {
        let run = machine(&program, optimize);
        assert_eq!(run.end, Some(End::Exit));
        let answers: Vec<(u64, Vec<u64>)> = peer::MESSAGES
            .iter()
            .map(|message| {
                let sum = message.words[0].wrapping_add(message.words[1]);
                (message.badge & 1, vec![sum, message.method, 0, 0, 0, 0])
            })
            .collect();
        assert_eq!(run.replies, answers);
        assert_eq!(run.bss, [0], "client 3's window was read, then client 0's");
    }
}

#[test]
fn a_switch_takes_every_width() {
    for (ty, edge) in [(3, 255), (8, 0x80), (9, 0xffff), (10, 0x8000_0000), (2, u64::MAX)] {
        let program = component(&format!(
            "global $0 \"g\": %2
global $1 \"x\": %{ty}
function #0 \"main\" parameters 0 -> %0 {{
 b0:
  $1 = {edge}:%{ty}
  switch $1 {{ 0 => b1, 1 => b1, 2 => b1, 3 => b1, {edge} => b2, else b1 }}
 b1:
  trap unreachable
 b2:
  $0 = 9:%2
  return
}}
"
        ));
        assert_eq!(compare(&program, "switch"), Some(End::Exit), "%{ty}");
    }
}

#[test]
fn an_image_beyond_its_part_of_the_slab_is_refused() {
    let mut program = component("function #0 \"main\" parameters 0 -> %0 {\n b0:\n  return\n}\n");
    for arena_bytes in [sci::limits::SLAB_IMAGE_BYTES_MAX, u64::MAX] {
        program.component.as_mut().expect("there is a component").facts.arena_bytes = arena_bytes;
        let main = program.component.as_ref().expect("there is a component").main;
        let unit = compiler_core::mir::unit(&program, &[main]).expect("the MIR is well-formed");
        let code = compile(&unit, Options::default()).expect("the code is small");
        let input = Input { program: &program, code: &code, sources: &sources(), files: &[], flags: "" };
        assert!(matches!(image::link(&input), Err(image::Error::TooLarge { .. })));
    }
}
