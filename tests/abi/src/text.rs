//! A script as a guest.

use crate::common::name;
use crate::script::{
    Argument, Expect, LETTERS, LETTERS_BYTES, MEMORY_BYTES, NO_TEXT, ROOM, Script, Step, Times,
};
use sci::guest::ErrorCode;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Where the results of calls lie.
const RESULTS: u32 = 4096;
/// Where texts begin.
const TEXTS: u32 = 1 << 16;
/// How often a result is waited for, two milliseconds each.
const WAITS: u32 = 10_000;

/// The texts of a guest, each once.
#[derive(Default)]
struct Texts {
    data: String,
    at: u32,
    known: BTreeMap<Vec<u8>, u32>,
}

impl Texts {
    /// Where a text lies.
    fn place(&mut self, text: &[u8], is_shared: bool) -> u32 {
        if let Some(at) = self.known.get(text).filter(|_| is_shared) {
            return *at;
        }
        let at = TEXTS + self.at;
        let bytes = text.iter().fold(String::new(), |bytes, byte| bytes + &format!("\\{byte:02x}"));
        let _ = writeln!(self.data, "(data (i32.const {at}) \"{bytes}\")");
        self.at += text.len() as u32;
        assert!(TEXTS + self.at <= LETTERS, "the texts are too long");
        if is_shared {
            self.known.insert(text.to_vec(), at);
        }
        at
    }

    /// Address and length, as operands.
    fn operands(&mut self, text: &[u8]) -> String {
        format!("(i32.const {}) (i32.const {})", self.place(text, true), text.len())
    }
}

const fn slot(index: usize) -> u32 {
    RESULTS + 4 * index as u32
}

/// The operands of a call, and the ends of the counters among them.
fn operands(arguments: &[Argument<'_>], texts: &mut Texts) -> (String, Vec<u32>) {
    let (mut operands, mut counters) = (String::new(), Vec::new());
    for argument in arguments {
        let more = match argument {
            Argument::Name(function) => texts.operands(name(function).as_bytes()),
            Argument::Text(text) => texts.operands(text.as_bytes()),
            Argument::Counted(text) => {
                let at = texts.place(text.as_bytes(), false);
                counters.push(at + text.len() as u32 - 1);
                format!("(i32.const {at}) (i32.const {})", text.len())
            }
            Argument::Letters(count) => {
                assert!(*count <= LETTERS_BYTES, "there are not so many letters");
                format!("(i32.const {LETTERS}) (i32.const {count})")
            }
            Argument::Room(bytes) => format!("(i32.const {ROOM}) (i32.const {bytes})"),
            Argument::Number(number) => format!("(i32.const {number})"),
            Argument::Of(of) => format!("(i32.load (i32.const {}))", slot(of.0)),
        };
        operands.push(' ');
        operands.push_str(&more);
    }
    (operands, counters)
}

fn step(index: usize, step: &Step<'_>, texts: &mut Texts) -> String {
    let verdict = |texts: &mut Texts, case: &str, expected: &str| {
        let well = texts.operands(format!("ok {case}").as_bytes());
        let badly = texts.operands(format!("FAILED {case}: not {expected} but ").as_bytes());
        format!("{well} {badly}")
    };
    match step {
        Step::Clear(bytes) => {
            format!("(memory.fill (i32.const {ROOM}) (i32.const 0) (i32.const {bytes}))\n")
        }
        Step::Shows { case, bytes } => {
            let place = texts.operands(bytes);
            let verdict = verdict(texts, case, &format!("{:?}", String::from_utf8_lossy(bytes)));
            format!("(call $same {place} {verdict})\n")
        }
        Step::Call { case, function, arguments, expect, times } => {
            let (operands, counters) = operands(arguments, texts);
            let (at, call) = (slot(index), format!("(call $f{}{operands})", function.number));
            let mut text = format!("(i32.store (i32.const {at}) {call})\n");
            let (again, between, most) = match times {
                Times::Once => (String::new(), String::new(), 0),
                Times::UntilItFails(most) => {
                    let count = |end: &u32| format!("(call $count (i32.const {end}))");
                    let between: String = counters.iter().map(count).collect();
                    (format!("(i32.ge_s (i32.load (i32.const {at})) (i32.const 0))"), between, *most)
                }
                Times::UntilItIsThere => {
                    let nothing = ErrorCode::WouldBlock.number();
                    let wait = String::from("(drop (call $f1 (i32.const 2)))");
                    (format!("(i32.eq (i32.load (i32.const {at})) (i32.const {nothing}))"), wait, WAITS)
                }
            };
            if !again.is_empty() {
                text = format!(
                    "(local.set $left (i32.const {most}))\n(loop $again {text}\
                     (local.set $left (i32.sub (local.get $left) (i32.const 1)))\n\
                     (if (i32.and {again} (i32.gt_s (local.get $left) (i32.const 0)))\n\
                     (then {between} (br $again))))\n"
                );
            }
            if let Some(case) = case {
                let (number, is_above, expected) = match expect {
                    Expect::Is(number) => (number, 0, number.to_string()),
                    Expect::Above(number) => (number, 1, format!("more than {number}")),
                };
                let verdict = verdict(texts, case, &expected);
                let _ = writeln!(
                    text,
                    "(call $judge (i32.load (i32.const {at})) (i32.const {number}) (i32.const {is_above}) {verdict})"
                );
            }
            text
        }
    }
}

/// The module of a text.
pub fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a guest is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// A message of its own.
    ByItself,
    /// The first message that comes.
    WhenTold,
}

impl Script<'_> {
    /// The module of a guest that does it, and says so at the end.
    ///
    /// # Panics
    /// If the script is too long for a guest.
    pub fn module(&self, begins: Begins) -> Vec<u8> {
        module(&self.text(begins))
    }

    fn text(&self, begins: Begins) -> String {
        assert!(slot(self.steps().len()) < TEXTS, "the script has too many steps");
        let mut functions = self.functions();
        let again = sci::guest::by_name("sys.self_emit").filter(|_| begins == Begins::ByItself);
        functions.extend(again.filter(|again| functions.iter().all(|one| one.number != again.number)));
        let mut module = String::from("(module\n");
        for function in functions {
            let types = "i32 ".repeat(function.signature.parameters.len());
            let _ = writeln!(
                module,
                "(import \"{}\" \"{}\" (func $f{} (param {types}) (result i32)))",
                function.module, function.item, function.number
            );
        }
        let _ = writeln!(module, "(memory (export \"memory\") {})", MEMORY_BYTES >> 16);
        let mut texts = Texts::default();
        let body: String =
            self.steps().iter().enumerate().map(|(index, one)| step(index, one, &mut texts)).collect();
        let end = texts.operands(END.as_bytes());
        let own = match begins {
            Begins::ByItself => format!("(drop (call $f3 {}))", texts.operands(GO.as_bytes())),
            Begins::WhenTold => String::new(),
        };
        let _ = writeln!(module, "{}(data (i32.const {NO_TEXT}) \"\\ff\")", texts.data);
        format!(
            r#"{module}
(global $is_done (mut i32) (i32.const 0))
{HELPERS}
(func (export "on_init") {own})
(func (export "on_process") (local $left i32)
(if (global.get $is_done) (then (return)))
(global.set $is_done (i32.const 1))
(memory.fill (i32.const {LETTERS}) (i32.const 107) (i32.const {LETTERS_BYTES}))
{body}
(drop (call $f0 {end})))
(func (export "on_close")))
"#
        )
    }
}

/// The message that a guest begins by.
pub const GO: &str = "go";
/// What a guest says at its end.
pub const END: &str = "all cases are done";

const HELPERS: &str = r"
(func $append (param $line i32) (param $from i32) (param $bytes i32) (result i32)
  (memory.copy (local.get $line) (local.get $from) (local.get $bytes))
  (i32.add (local.get $line) (local.get $bytes)))
(func $decimal (param $line i32) (param $number i32) (result i32) (local $at i32) (local $rest i32)
  (local.set $at (i32.const 64))
  (local.set $rest (select (i32.sub (i32.const 0) (local.get $number)) (local.get $number)
    (i32.lt_s (local.get $number) (i32.const 0))))
  (loop $digit
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
    (br_if $digit (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
  (if (i32.lt_s (local.get $number) (i32.const 0)) (then
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.const 45))))
  (call $append (local.get $line) (local.get $at) (i32.sub (i32.const 64) (local.get $at))))
(func $say (param $end i32)
  (drop (call $f0 (i32.const 1024) (i32.sub (local.get $end) (i32.const 1024)))))
(func $judge (param $got i32) (param $number i32) (param $is_above i32)
  (param $well i32) (param $well_bytes i32) (param $badly i32) (param $badly_bytes i32)
  (if (select (i32.gt_s (local.get $got) (local.get $number)) (i32.eq (local.get $got) (local.get $number))
      (local.get $is_above))
    (then (drop (call $f0 (local.get $well) (local.get $well_bytes))))
    (else (call $say (call $decimal
      (call $append (i32.const 1024) (local.get $badly) (local.get $badly_bytes)) (local.get $got))))))
(func $same (param $at i32) (param $bytes i32)
  (param $well i32) (param $well_bytes i32) (param $badly i32) (param $badly_bytes i32) (local $index i32)
  (block $differs
    (loop $next
      (if (i32.lt_u (local.get $index) (local.get $bytes)) (then
        (br_if $differs (i32.ne (i32.load8_u (i32.add (local.get $at) (local.get $index)))
          (i32.load8_u offset=0x60000 (local.get $index))))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next))))
    (drop (call $f0 (local.get $well) (local.get $well_bytes)))
    (return))
  (call $say (call $append (call $append (i32.const 1024) (local.get $badly) (local.get $badly_bytes))
    (i32.const 0x60000) (local.get $bytes))))
(func $count (param $at i32)
  (block $done (loop $carry
    (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
    (br_if $done (i32.le_u (i32.load8_u (local.get $at)) (i32.const 57)))
    (i32.store8 (local.get $at) (i32.const 48))
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (br $carry))))
";
