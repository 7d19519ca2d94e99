//! What the runtime of Go asks of a JavaScript host: values by reference, calls, callbacks, timers. Enough of a host
//! for a program that reads its standard input and writes to its standard outputs.

mod served;

use crate::guest::{Guest, Surroundings};
use served::{double, set_double};
use space_host::Trap;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// A JavaScript value.
#[derive(Clone, Debug)]
enum Js {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Object(Rc<Object>),
}

/// A JavaScript object.
#[derive(Debug)]
enum Object {
    Global,
    Go,
    Fs,
    Process,
    /// A class, or anything else that is only handed on.
    Named(String),
    Text(String),
    Bytes(RefCell<Vec<u8>>),
    List(Vec<Js>),
    /// An error, by its code.
    Error(&'static str),
    /// A function of the program that the host calls, by number.
    Callback(f64),
    /// A call of it that waits.
    Event {
        callback: f64,
        arguments: Vec<Js>,
    },
}

/// References below this one mean something fixed.
const FIXED: u64 = 7;
/// The upper half of a reference: a quiet NaN, and flags that say what it refers to.
const REFERENCE: u32 = 0x7ff8_0000;

#[derive(Debug, Default)]
struct State {
    objects: Vec<Rc<Object>>,
    input: VecDeque<u8>,
    output: [Vec<u8>; 2],
    pending: Option<Js>,
    events: VecDeque<Js>,
    timers: VecDeque<u64>,
    last_timer: u64,
    code: Option<i32>,
    clock: u64,
}

/// A program's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub output: String,
    /// What it wrote to its standard error.
    pub error: String,
}

/// A host of a Go program.
#[derive(Clone, Debug, Default)]
pub struct Go(Rc<RefCell<State>>);

fn expected(what: &str) -> Trap {
    Trap::Host(format!("{what} was expected"))
}

fn object(object: Object) -> Js {
    Js::Object(Rc::new(object))
}

impl Go {
    /// Serves the imports of a Go program.
    pub fn serve(&self, mut with: Surroundings) -> Surroundings {
        for (name, code) in [served::RUNTIME, served::VALUES, served::CALLS].into_iter().flatten() {
            let go = self.clone();
            with = with
                .serve(&format!("gojs.{name}"), move |guest, words| code(&go, guest, words[0]).map(|()| 0));
        }
        with
    }

    /// Runs a program with these arguments, its own name first, and this standard input, until it ends.
    pub fn run(&self, guest: &Guest, arguments: &[&str], input: &str) -> Result<Ended, Trap> {
        self.0.borrow_mut().input = input.bytes().collect();
        let (mut at, mut pointers) = (4096, Vec::new());
        for argument in arguments {
            pointers.push(at);
            guest.write(at, argument.as_bytes())?;
            at = (at + argument.len() as u64 + 1).next_multiple_of(8);
        }
        // The end of the arguments, and of an environment that is empty.
        pointers.extend([0, 0]);
        for (index, pointer) in pointers.iter().enumerate() {
            set_double(guest, at + 8 * index as u64, *pointer)?;
        }
        guest.call("run", &[arguments.len() as u64, at])?;
        while self.next()? {
            guest.call("resume", &[])?;
        }
        let state = self.0.borrow();
        let [output, error] =
            state.output.each_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Ok(Ended { code: state.code, output, error })
    }

    /// Makes what the program waits for happen; false at its end.
    fn next(&self) -> Result<bool, Trap> {
        let mut state = self.0.borrow_mut();
        if state.code.is_some() {
            return Ok(false);
        }
        state.pending = state.events.pop_front();
        if state.pending.is_none() && state.timers.pop_front().is_none() {
            return Err(Trap::Host("the program waits for nothing".into()));
        }
        Ok(true)
    }

    /// Nanoseconds of a clock that only advances when it is read.
    fn tick(&self) -> u64 {
        let mut state = self.0.borrow_mut();
        state.clock += 1_000_000;
        state.clock
    }

    /// Appends to what was written to a descriptor: to standard output's if it is 1.
    fn print(&self, descriptor: u64, bytes: &[u8]) {
        let index = usize::from(descriptor != 1);
        self.0.borrow_mut().output[index].extend_from_slice(bytes);
    }

    fn load(&self, guest: &Guest, at: u64) -> Result<Js, Trap> {
        let bits = double(guest, at)?;
        let number = f64::from_bits(bits);
        if !number.is_nan() {
            return Ok(if number == 0.0 { Js::Undefined } else { Js::Number(number) });
        }
        Ok(match bits & u64::from(u32::MAX) {
            0 => Js::Number(number),
            1 => Js::Number(0.0),
            2 => Js::Null,
            3 => Js::Bool(true),
            4 => Js::Bool(false),
            5 => object(Object::Global),
            6 => object(Object::Go),
            id => {
                let state = self.0.borrow();
                let found = state.objects.get((id - FIXED) as usize);
                Js::Object(Rc::clone(found.ok_or_else(|| expected("a known object"))?))
            }
        })
    }

    fn store(&self, guest: &Guest, at: u64, value: Js) -> Result<(), Trap> {
        let reference = |flag: u32, id: u64| u64::from(REFERENCE | flag) << 32 | id;
        let bits = match value {
            Js::Undefined => 0,
            Js::Number(number) if number.is_nan() => reference(0, 0),
            Js::Number(0.0) => reference(0, 1),
            Js::Number(number) => number.to_bits(),
            Js::Null => reference(0, 2),
            Js::Bool(true) => reference(0, 3),
            Js::Bool(false) => reference(0, 4),
            Js::Object(of) => match &*of {
                Object::Global => reference(1, 5),
                Object::Go => reference(1, 6),
                kind => {
                    let flag = match kind {
                        Object::Text(_) => 2,
                        Object::Callback(_) => 4,
                        _ => 1,
                    };
                    let mut state = self.0.borrow_mut();
                    state.objects.push(Rc::clone(&of));
                    reference(flag, FIXED + state.objects.len() as u64 - 1)
                }
            },
        };
        set_double(guest, at, bits)
    }

    fn list(&self, guest: &Guest, at: u64) -> Result<Vec<Js>, Trap> {
        let (first, length) = (double(guest, at)?, double(guest, at + 8)?);
        (0..length).map(|index| self.load(guest, first + 8 * index)).collect()
    }

    fn bytes(&self, guest: &Guest, at: u64) -> Result<Rc<Object>, Trap> {
        match self.load(guest, at)? {
            Js::Object(of) if matches!(&*of, Object::Bytes(_)) => Ok(of),
            _ => Err(expected("bytes")),
        }
    }

    fn get(&self, value: &Js, name: &str) -> Js {
        let Js::Object(of) = value else { return Js::Undefined };
        match (&**of, name) {
            (Object::Global, "fs") => object(Object::Fs),
            (Object::Global, "process") => object(Object::Process),
            (Object::Global, name) => object(Object::Named(name.to_owned())),
            (Object::Fs, "constants") => object(Object::Named("constants".into())),
            (Object::Named(class), _) if class == "constants" => Js::Number(-1.0),
            (Object::Process, "pid" | "ppid") => Js::Number(-1.0),
            (Object::Go, "_pendingEvent") => self.0.borrow().pending.clone().unwrap_or(Js::Null),
            (Object::Event { callback, .. }, "id") => Js::Number(*callback),
            (Object::Event { arguments, .. }, "args") => object(Object::List(arguments.clone())),
            (Object::Error(code), "code") => object(Object::Text((*code).to_owned())),
            _ => Js::Undefined,
        }
    }

    /// Calls a method: its result, or what it throws.
    fn call(&self, value: &Js, name: &str, arguments: &[Js]) -> Result<Result<Js, Js>, Trap> {
        let Js::Object(of) = value else { return Err(expected("an object")) };
        Ok(match (&**of, name, arguments) {
            (Object::Go, "_makeFuncWrapper", [Js::Number(id)]) => Ok(object(Object::Callback(*id))),
            (Object::Process, "cwd", _) => Ok(object(Object::Text("/".into()))),
            (Object::Process, _, _) => Ok(Js::Number(-1.0)),
            (Object::Fs, name, [arguments @ .., Js::Object(back)]) => {
                let Object::Callback(callback) = **back else { return Err(expected("a function")) };
                let given = self.file(name, arguments)?;
                let event = object(Object::Event { callback, arguments: given });
                self.0.borrow_mut().events.push_back(event);
                Ok(Js::Undefined)
            }
            _ => Err(object(Object::Error("ENOSYS"))),
        })
    }

    /// What a function of `fs` gives to its callback. There are no files but the three that are open.
    fn file(&self, name: &str, arguments: &[Js]) -> Result<Vec<Js>, Trap> {
        let (descriptor, bytes, start, length) = match (name, arguments) {
            ("read" | "write", [Js::Number(descriptor), Js::Object(bytes), start, length, ..]) => {
                (*descriptor, bytes, whole(start), whole(length))
            }
            ("read" | "write", _) => return Err(expected("a file and bytes")),
            ("fsync" | "close", _) => return Ok(vec![Js::Null]),
            _ => return Ok(vec![object(Object::Error("ENOENT"))]),
        };
        let Object::Bytes(bytes) = &**bytes else { return Err(expected("bytes")) };
        let mut bytes = bytes.borrow_mut();
        let range = bytes.get_mut(start..start + length).ok_or_else(|| expected("a range inside"))?;
        let mut moved = range.len();
        if name == "write" {
            self.print(descriptor as u64, range);
        } else {
            let mut state = self.0.borrow_mut();
            moved = moved.min(state.input.len());
            for (to, from) in range.iter_mut().zip(state.input.drain(..moved)) {
                *to = from;
            }
        }
        Ok(vec![Js::Null, Js::Number(f64::from(moved as u32))])
    }
}

fn whole(value: &Js) -> usize {
    if let Js::Number(number) = value { *number as usize } else { 0 }
}
