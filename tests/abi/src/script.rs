//! Calls of the Guest ABI in order, and what each is to answer.

use sci::guest::{ErrorCode, Function, GuestCapability, by_name};

/// Bytes of a guest's memory.
pub const MEMORY_BYTES: u32 = 10 << 16;
/// Where buffers for results begin.
pub const ROOM: u32 = 6 << 16;
/// Where as many `k` lie as any limit and one more.
pub const LETTERS: u32 = 4 << 16;
/// How many.
pub const LETTERS_BYTES: u32 = 0x1_0004;
/// Where bytes lie that are no text.
pub const NO_TEXT: u32 = 512;

/// What an earlier call answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub(crate) usize);

/// An argument of a call, or two.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    /// The name of a function: address and length.
    Name(&'static Function),
    /// Bytes of the guest's: address and length.
    Text(&'a str),
    /// A text whose last four digits count the calls of a repetition.
    Counted(&'a str),
    /// So many letters: address and length.
    Letters(u32),
    /// A buffer: address and capacity.
    Room(u32),
    /// A number as it is.
    Number(i32),
    /// What a call answered.
    Of(Slot),
}

/// What a call is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This number.
    Is(i32),
    /// More than this number.
    Above(i32),
}

impl From<ErrorCode> for Expect {
    fn from(code: ErrorCode) -> Self {
        Self::Is(code.number())
    }
}

impl From<i32> for Expect {
    fn from(number: i32) -> Self {
        Self::Is(number)
    }
}

/// How often a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Until it answers an error, so often at most.
    UntilItFails(u32),
    /// Until it answers something else than `would-block`, with a wait between two calls.
    UntilItIsThere,
}

/// What a guest does.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// It makes a call.
    Call {
        /// What the call shows; a call without a case only prepares others.
        case: Option<String>,
        /// The function.
        function: &'static Function,
        /// Its arguments.
        arguments: Vec<Argument<'a>>,
        /// What it is to answer.
        expect: Expect,
        /// How often.
        times: Times,
    },
    /// It looks at the beginning of the buffer.
    Shows {
        /// The case.
        case: String,
        /// What is to be there.
        bytes: Vec<u8>,
    },
    /// It fills the beginning of the buffer with zeros.
    Clear(u32),
}

/// What a guest does, in order.
#[derive(Clone, Debug, Default)]
pub struct Script<'a> {
    steps: Vec<Step<'a>>,
}

fn function(name: &str) -> &'static Function {
    by_name(name).unwrap_or_else(|| panic!("{name} is not in the table"))
}

impl<'a> Script<'a> {
    fn add(
        &mut self,
        name: &str,
        case: Option<&str>,
        arguments: &[Argument<'a>],
        expect: Expect,
        times: Times,
    ) -> Slot {
        self.steps.push(Step::Call {
            case: case.map(|case| format!("{name}: {case}")),
            function: function(name),
            arguments: arguments.to_vec(),
            expect,
            times,
        });
        Slot(self.steps.len() - 1)
    }

    /// A case of a function: a call that answers so.
    ///
    /// # Panics
    /// If the table has no such function, like all that follow.
    pub fn case(
        &mut self,
        name: &str,
        case: &str,
        arguments: &[Argument<'a>],
        expect: impl Into<Expect>,
    ) -> Slot {
        self.add(name, Some(case), arguments, expect.into(), Times::Once)
    }

    /// A call that prepares others.
    pub fn call(&mut self, name: &str, arguments: &[Argument<'a>]) -> Slot {
        self.add(name, None, arguments, Expect::Is(0), Times::Once)
    }

    /// A case: a call that is made until it fails, which is to be with this code.
    pub fn until(&mut self, name: &str, case: &str, arguments: &[Argument<'a>], code: ErrorCode, most: u32) {
        self.add(name, Some(case), arguments, code.into(), Times::UntilItFails(most));
    }

    /// Takes whatever waits.
    pub fn drain(&mut self) {
        let code = ErrorCode::WouldBlock;
        let times = Times::UntilItFails(10_000);
        self.add("net.recv_next", None, &[Argument::Room(100_000)], code.into(), times);
    }

    /// A case: a call whose result comes sometime.
    pub fn awaits(
        &mut self,
        name: &str,
        case: &str,
        arguments: &[Argument<'a>],
        expect: impl Into<Expect>,
    ) -> Slot {
        self.add(name, Some(case), arguments, expect.into(), Times::UntilItIsThere)
    }

    /// A case: the buffer begins so.
    pub fn shows(&mut self, name: &str, case: &str, bytes: impl AsRef<[u8]>) {
        let case = format!("{name}: {case}");
        self.steps.push(Step::Shows { case, bytes: bytes.as_ref().to_vec() });
    }

    /// Cases of a function whose last arguments are a buffer: too small a one, to which nothing is written, and one in
    /// which the result is to be.
    pub fn gives(&mut self, name: &str, what: &str, arguments: &[Argument<'a>], result: &str) {
        let bytes = result.len() as u32;
        let with = |room: u32| [arguments, &[Argument::Room(room)]].concat();
        self.steps.push(Step::Clear(bytes));
        for room in [0, bytes - 1] {
            self.case(name, &format!("{what}, short of room at {room}"), &with(room), bytes as i32);
        }
        self.shows(name, &format!("{what}, nothing written where there is no room"), vec![0; bytes as usize]);
        self.case(name, what, &with(bytes), bytes as i32);
        self.shows(name, &format!("{what}, its bytes"), result);
    }

    /// A case of a function that answers how many bytes are kept, and of `mem.take`, which fetches them.
    pub fn keeps(&mut self, name: &str, case: &str, arguments: &[Argument<'a>], result: &str) {
        self.case(name, case, arguments, result.len() as i32);
        self.takes(name, case, result);
    }

    /// What was kept is this.
    pub fn takes(&mut self, name: &str, case: &str, result: &str) {
        let bytes = result.len() as u32;
        let take = "mem.take";
        if bytes > 0 {
            self.case(take, &format!("{name}, {case}, short"), &[Argument::Room(bytes - 1)], bytes as i32);
        }
        self.case(take, &format!("{name}, {case}"), &[Argument::Room(bytes)], bytes as i32);
        self.shows(name, &format!("{case}, its bytes"), result);
        self.case(take, &format!("{name}, {case}, again"), &[Argument::Room(bytes)], ErrorCode::NotFound);
    }

    /// What it does.
    pub fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// The names of its cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call { case, .. } => case.as_deref(),
            Step::Shows { case, .. } => Some(case),
            Step::Clear(_) => None,
        })
    }

    /// Appends another.
    pub fn append(&mut self, other: Script<'a>) {
        let shift = self.steps.len();
        self.steps.extend(other.steps.into_iter().map(|mut step| {
            if let Step::Call { arguments, .. } = &mut step {
                for argument in arguments {
                    if let Argument::Of(slot) = argument {
                        slot.0 += shift;
                    }
                }
            }
            step
        }));
    }

    /// The functions that it calls, each once; `sys.log` and `sys.sleep` are among them.
    pub fn functions(&self) -> Vec<&'static Function> {
        let called = self.steps.iter().filter_map(|step| match step {
            Step::Call { function, .. } => Some(*function),
            _ => None,
        });
        let mut all: Vec<&'static Function> =
            called.chain([function("sys.log"), function("sys.sleep")]).collect();
        all.sort_by_key(|function| function.number);
        all.dedup_by_key(|function| function.number);
        all
    }

    /// The capabilities that it needs: all that its functions name.
    pub fn capabilities(&self) -> Vec<&'static str> {
        let all = self.functions().into_iter().flat_map(|function| function.capabilities);
        let mut names: Vec<&str> = all.map(|one| GuestCapability::name(*one)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
