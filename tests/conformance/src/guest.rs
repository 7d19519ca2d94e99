//! Guests that make a list of calls of the Guest ABI and log each result.

use crate::host::{grants, on_linux_with};
use crate::image::compile;
use sci::guest::{ErrorCode, Function, GuestCapability, by_name};
use services_zrun::Grants;
use services_zrun::linux::BackEnds;
use std::fmt::Write as _;

/// Bytes of the guest's memory, all of which a test may address.
pub const MEMORY_BYTES: u32 = 4 << 16;
/// Where buffers for results begin: below lie texts, the results of calls, and the line that is written.
pub const ROOM: u32 = 2 << 16;
/// Where a byte lies that is no text.
pub const NO_TEXT: i32 = 512;
const RESULTS: u32 = 1 << 16;
const TEXTS: u32 = 1024;

/// What is expected of a call that answers a handle.
const HANDLE: &str = "a handle";

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    /// A text of the guest's: address and length.
    Text(&'a [u8]),
    /// A number as it is.
    Number(i32),
    /// A buffer of so many bytes at [`ROOM`]: address and capacity.
    Room(u32),
    /// What the call with this index answered.
    Result(usize),
}

/// One call.
#[derive(Clone, Debug)]
enum Call<'a> {
    /// A function, whose result is logged in decimal.
    Of(&'static Function, Vec<Argument<'a>>),
    /// The first so many bytes of the buffer are logged.
    Show(u32),
}

impl Call<'_> {
    fn name(&self) -> String {
        match self {
            Self::Of(function, arguments) => format!("{}.{} {arguments:?}", function.module, function.item),
            Self::Show(bytes) => format!("{bytes} bytes of the buffer"),
        }
    }
}

/// Calls, and what each is to log.
#[derive(Clone, Debug, Default)]
pub struct Calls<'a> {
    calls: Vec<(Call<'a>, String)>,
}

impl<'a> Calls<'a> {
    /// Calls a function, such as `ic.lookup`, which is to answer so; gives the call's index.
    ///
    /// # Panics
    /// If the table has no such function.
    pub fn call(&mut self, name: &str, arguments: &[Argument<'a>], answer: i32) -> usize {
        let function = by_name(name).unwrap_or_else(|| panic!("{name} is not in the table"));
        self.calls.push((Call::Of(function, arguments.to_vec()), answer.to_string()));
        self.calls.len() - 1
    }

    /// Calls a function that is to answer a handle, whatever its number.
    pub fn granted(&mut self, name: &str, arguments: &[Argument<'a>]) -> usize {
        let index = self.call(name, arguments, 0);
        HANDLE.clone_into(&mut self.calls[index].1);
        index
    }

    /// As [`Calls::call`], and the answer is to be this error.
    pub fn fails(&mut self, name: &str, arguments: &[Argument<'a>], code: ErrorCode) {
        self.call(name, arguments, code.number());
    }

    /// The buffer is to begin with this text.
    pub fn shows(&mut self, text: &str) {
        self.calls.push((Call::Show(text.len() as u32), text.to_owned()));
    }

    /// The result that the host keeps is to be this one.
    pub fn takes(&mut self, text: &str) {
        let bytes = text.len() as i32;
        if bytes > 0 {
            self.call("mem.take", &[Argument::Room(0)], bytes);
        }
        self.call("mem.take", &[Argument::Room(bytes.cast_unsigned())], bytes);
        self.shows(text);
        self.fails("mem.take", &[Argument::Room(0)], ErrorCode::NotFound);
    }

    /// The capabilities that the calls need.
    pub fn needed(&self) -> Grants {
        let functions = self.calls.iter().filter_map(|(call, _)| match call {
            Call::Of(function, _) => Some(function),
            Call::Show(_) => None,
        });
        let all = functions.flat_map(|function| function.capabilities).copied();
        grants(&all.chain([GuestCapability::SysLog]).collect::<Vec<_>>())
    }

    /// Runs them on Linux with these back ends.
    ///
    /// # Panics
    /// If a call answers something else.
    pub fn hold_with(&self, back_ends: BackEnds) {
        let (result, lines) = on_linux_with(&self.image(), self.needed(), back_ends);
        self.compare(&lines);
        result.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Compares what a guest has logged.
    ///
    /// # Panics
    /// If a call answered something else.
    pub fn compare(&self, lines: &[String]) {
        for (index, (call, expected)) in self.calls.iter().enumerate() {
            let line = lines.get(index);
            let is_handle = line.is_some_and(|line| line.parse().is_ok_and(|number: u32| number > 0));
            assert!(
                line == Some(expected) || (expected == HANDLE && is_handle),
                "call {index}, {}: not {expected}: {lines:?}",
                call.name()
            );
        }
        assert_eq!(lines.len(), self.calls.len(), "{lines:?}");
    }

    /// The signed image of a guest that makes them in `on_init`.
    ///
    /// # Panics
    /// If the guest does not compile.
    pub fn image(&self) -> Vec<u8> {
        let text = self.text();
        let module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        compile(&module).expect("the guest compiles")
    }

    fn text(&self) -> String {
        let mut functions: Vec<&Function> = vec![by_name("sys.log").expect("the table has it")];
        for (call, _) in &self.calls {
            if let Call::Of(function, _) = call
                && functions.iter().all(|one| one.number != function.number)
            {
                functions.push(function);
            }
        }
        let mut module = String::from("(module\n");
        for Function { number, module: from, item, signature, .. } in functions {
            let types = "i32 ".repeat(signature.parameters.len());
            let _ = writeln!(
                module,
                "(import \"{from}\" \"{item}\" (func $f{number} (param {types}) (result i32)))"
            );
        }
        let _ = writeln!(module, "(memory (export \"memory\") {})", MEMORY_BYTES >> 16);
        let (mut data, mut body, mut at) = (String::new(), String::new(), TEXTS);
        for (index, (call, _)) in self.calls.iter().enumerate() {
            let result = RESULTS + 4 * index as u32;
            match call {
                Call::Of(function, arguments) => {
                    let arguments: String =
                        arguments.iter().map(|argument| argument.text(&mut data, &mut at)).collect();
                    let number = function.number;
                    let _ = writeln!(
                        body,
                        "(i32.store (i32.const {result}) (call $f{number}{arguments}))\n\
                         (call $say (i32.load (i32.const {result})))"
                    );
                }
                Call::Show(bytes) => {
                    let _ = writeln!(body, "(drop (call $f0 (i32.const {ROOM}) (i32.const {bytes})))");
                }
            }
        }
        let _ = writeln!(data, "(data (i32.const {NO_TEXT}) \"\\ff\")");
        format!("{module}{data}{SAY}(func (export \"on_init\")\n{body}))\n")
    }
}

impl Argument<'_> {
    /// As WAT; a text goes to `data`, at `at`.
    fn text(&self, data: &mut String, at: &mut u32) -> String {
        match self {
            Self::Text(text) => {
                let bytes = text.iter().fold(String::new(), |text, byte| text + &format!("\\{byte:02x}"));
                let _ = writeln!(data, "(data (i32.const {at}) \"{bytes}\")");
                let argument = format!(" (i32.const {at}) (i32.const {})", text.len());
                *at += text.len() as u32;
                assert!(*at <= RESULTS, "the texts are too long");
                argument
            }
            Self::Number(number) => format!(" (i32.const {number})"),
            Self::Room(bytes) => format!(" (i32.const {ROOM}) (i32.const {bytes})"),
            Self::Result(index) => format!(" (i32.load (i32.const {}))", RESULTS + 4 * *index as u32),
        }
    }
}

/// Logs a number in decimal, written from its end.
const SAY: &str = r"
(func $say (param $number i32) (local $at i32) (local $rest i32)
  (local.set $at (i32.const 32))
  (local.set $rest (select (i32.sub (i32.const 0) (local.get $number)) (local.get $number)
    (i32.lt_s (local.get $number) (i32.const 0))))
  (loop $digit
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
    (br_if $digit (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
  (if (i32.lt_s (local.get $number) (i32.const 0)) (then
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.const 45))))
  (drop (call $f0 (local.get $at) (i32.sub (i32.const 32) (local.get $at)))))
";
