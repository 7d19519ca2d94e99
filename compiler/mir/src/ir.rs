//! The data of MIR. Nothing here computes.
//!
//! **Memory.** Each [`Local`] and each [`Global`] is a piece of memory of its type's layout. A local of kind
//! [`LocalKind::Reference`] holds the address of a place in its caller's memory, and every place based on it
//! means that memory: there is no explicit dereference.
//!
//! **Views.** A value of type [`Type::Slice`] is a pointer and a length in elements; indexing a place of slice
//! type reads through it. `str` is a slice of `u8` that is known to be UTF-8.
//!
//! **Traps.** [`Rvalue::Binary`] with a checked operator, [`Rvalue::Convert`] and [`Statement::Check`] are the
//! only statements that can trap; an index projection is unchecked, because a `Check` stands before it.

use compiler_syntax::span::Span;
pub use sci::status::Fault;

macro_rules! index {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// The index as a `usize`.
            pub const fn index(self) -> usize { self.0 as usize }
        }
    )+ };
}

index! {
    /// Index into [`Program::types`].
    TypeId;
    /// Index into [`Program::functions`].
    FunctionId;
    /// Index into [`Program::globals`].
    GlobalId;
    /// Index into [`Program::data`].
    DataId;
    /// Index into [`Function::locals`].
    Local;
    /// Index into [`Function::blocks`].
    BlockId;
    /// Index into [`Component::capabilities`]: also the index of the start page's entry.
    CapabilityId;
}

/// A whole program: one component, or a set of functions under test.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Types, each once, ordered so that a type's parts come before it.
    pub types: Vec<Type>,
    /// Functions; calls name them by index.
    pub functions: Vec<Function>,
    /// State: top-level `var`s.
    pub globals: Vec<Global>,
    /// Read-only bytes: text literals and constant tables.
    pub data: Vec<Data>,
    /// The component, where there is one.
    pub component: Option<Component>,
    /// Test functions: name and function, no parameters, no result.
    pub tests: Vec<(String, FunctionId)>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// No bytes.
    Unit,
    /// One byte, 0 or 1.
    Bool,
    /// An integer.
    Int {
        /// Two's complement if set.
        signed: bool,
        /// 8, 16, 32 or 64.
        bits: u8,
    },
    /// An IEEE float of 32 or 64 bits.
    Float {
        /// 32 or 64.
        bits: u8,
    },
    /// A view: pointer and length in elements. `str` is `Slice(u8)`.
    Slice(TypeId),
    /// So many elements in a row.
    Array(TypeId, u64),
    /// Fields in declaration order, each at its natural alignment.
    Struct {
        /// Name, for people.
        name: String,
        /// Field names and types.
        fields: Vec<(String, TypeId)>,
    },
    /// A tag (`u32` at offset 0) and the fields of one variant. `T?` is `none | some(T)`, `T ! E` is
    /// `ok(T) | err(E)`.
    Enum {
        /// Name, for people.
        name: String,
        /// Variants; the index is the tag.
        variants: Vec<Variant>,
    },
    /// A capability held by value: 8 bytes. Linear: neither copied nor forgotten, unless borrowed.
    Handle {
        /// Interface name.
        interface: String,
        /// Method mask.
        methods: u64,
    },
}

/// One variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Name, for people.
    pub name: String,
    /// Field types, in order.
    pub fields: Vec<TypeId>,
}

/// One top-level `var`.
#[derive(Clone, Debug)]
pub struct Global {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: TypeId,
    /// Initial bytes, of the type's size; empty if all zero.
    pub initial: Vec<u8>,
    /// Where it is declared.
    pub span: Span,
}

/// Read-only bytes.
#[derive(Clone, Debug)]
pub struct Data {
    /// Bytes; contain no addresses.
    pub bytes: Vec<u8>,
    /// Alignment in bytes, a power of two.
    pub align: u32,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Path of the name, such as `counter.add`.
    pub name: String,
    /// The first so many locals are parameters.
    pub parameters: u32,
    /// Result type; [`Type::Unit`] for none. The result lies in the local [`Function::result`].
    pub returns: TypeId,
    /// The local that holds the result when the function returns; `None` if the result is `Unit`.
    pub result: Option<Local>,
    /// Locals; parameters first.
    pub locals: Vec<LocalDeclaration>,
    /// Blocks; control enters at the first.
    pub blocks: Vec<Block>,
    /// Depth that the source allows for recursion through this function, if it says so.
    pub depth: Option<u32>,
    /// Where it is declared.
    pub span: Span,
}

/// A local variable, parameter or temporary.
#[derive(Clone, Debug)]
pub struct LocalDeclaration {
    /// Source name; empty for a temporary.
    pub name: String,
    /// Type of the value, or of what is referred to.
    pub ty: TypeId,
    /// How it is held.
    pub kind: LocalKind,
    /// Where it is declared.
    pub span: Span,
}

/// How a local is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalKind {
    /// Its own memory. A parameter of this kind is passed by value (scalars, slices, handles only).
    Value,
    /// The address of a place of the caller's.
    Reference {
        /// Whether it may be written: `inout`. Otherwise it is a read-only aggregate parameter.
        mutable: bool,
    },
}

/// Straight-line statements and how the block ends.
#[derive(Clone, Debug)]
pub struct Block {
    /// Statements in order.
    pub statements: Vec<(Statement, Span)>,
    /// The end.
    pub end: Terminator,
    /// Where the end comes from.
    pub end_span: Span,
}

/// A place in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it begins.
    pub base: Base,
    /// Steps from there.
    pub path: Vec<Step>,
}

/// Where a place begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// A local, or what it refers to.
    Local(Local),
    /// State.
    Global(GlobalId),
    /// Read-only data of the given type.
    Data(DataId, TypeId),
}

/// One step of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A struct's field.
    Field(u32),
    /// A variant's field: variant, field. The tag was tested before.
    Payload(u32, u32),
    /// An element of an array or slice by a `u64` local; in bounds because a check stands before.
    Index(Local),
    /// An element of an array by a constant that is in bounds.
    ConstantIndex(u64),
}

/// A value to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The value of a place; the place keeps it.
    Copy(Place),
    /// The value of a place that is given up (linear types); the bytes are copied all the same.
    Move(Place),
    /// A constant.
    Constant(Constant),
}

/// A constant scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// Nothing.
    Unit,
    /// A boolean.
    Bool(bool),
    /// An integer of the given type, as its two's complement bits, upper bits zero.
    Int(u64, TypeId),
    /// A float of the given type, as bits.
    Float(u64, TypeId),
    /// A read-only view of data: the whole of it, with so many elements; type is the slice type.
    Slice(DataId, u64, TypeId),
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Computes a value and stores it.
    Assign(Place, Rvalue),
    /// Fills a place with zero bytes.
    Zero(Place),
    /// Stores a variant's tag; its fields are assigned through `Payload` steps.
    SetTag(Place, u32),
    /// Stores a tag (`u32` operand) that is known to be below the number of variants.
    SetTagFrom(Place, Operand),
    /// Traps with the fault unless the operand (bool) is true.
    Check(Operand, Fault),
    /// Calls a function. The destination is `None` where the result is `Unit` or unused.
    Call {
        /// Where the result goes.
        destination: Option<Place>,
        /// Who is called.
        function: FunctionId,
        /// One for each parameter.
        arguments: Vec<Argument>,
    },
    /// Makes a system call through its gate function.
    System {
        /// Number in [`sci::syscall::CALLS`].
        call: u32,
        /// `u64` operands, one for each argument of the table.
        arguments: Vec<Operand>,
        /// Gets the status, `u64`.
        status: Place,
        /// Gets the value, `u64`.
        value: Place,
        /// The right that this use needs, where it is one.
        authority: Option<Authority>,
    },
    /// Sends a message and waits for the answer (`ipc_call`).
    Invoke {
        /// A capability reference: see [`Rvalue::Capability`].
        capability: Operand,
        /// Method number.
        method: u8,
        /// Up to six `u64` words; a range of the window is one: offset in the low half, length in the high half.
        words: Vec<Operand>,
        /// Gets the status, `u64`.
        status: Place,
        /// Get the answer's words, `u64` each, from word 0 on.
        results: Vec<Place>,
        /// The right that this use needs.
        authority: Option<Authority>,
    },
    /// Waits for a message, after answering the previous one if `reply` is given (`ipc_recv`,
    /// `ipc_reply_recv`). Only the component's generated main function has it.
    Receive {
        /// Status and words of the answer to the previous message.
        reply: Option<(Operand, Vec<Operand>)>,
        /// Gets the badge, `u64`.
        badge: Place,
        /// Gets the method word, `u64`.
        method: Place,
        /// Get the six words, `u64` each.
        words: Vec<Place>,
    },
}

/// A right that a statement uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The slot, if the capability is one of the component's own; `None` for a handle got at run time.
    pub capability: Option<CapabilityId>,
    /// Interface name.
    pub interface: String,
    /// Method number.
    pub method: u8,
}

/// One argument of a call.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A value, for a parameter of kind `Value`.
    Value(Operand),
    /// The address of a place, for a parameter of kind `Reference`.
    Reference(Place),
}

/// A computed value.
#[derive(Clone, Debug)]
pub enum Rvalue {
    /// The operand itself.
    Use(Operand),
    /// One operand.
    Unary(UnaryOperator, Operand),
    /// Two operands of one type (shifts: the right one is `u32`). Comparisons give `bool`.
    Binary(BinaryOperator, Operand, Operand),
    /// An integer or float conversion that traps with `Conversion` if the value does not fit exactly
    /// (float to int truncates toward zero and traps outside the range or on NaN).
    Convert(Operand, TypeId),
    /// The low bits of an integer, or zero or sign extension by the source's signedness; never traps. A bool counts
    /// as an unsigned integer, a handle as `u64`, and a `u64` can become a handle.
    Truncate(Operand, TypeId),
    /// The tag of an enum place, `u32`.
    Tag(Place),
    /// Number of elements of an array or slice place, `u64`.
    Length(Place),
    /// A view of elements `from..to` (`u64`) of an array or slice place; in bounds because checks stand before.
    View(Place, Operand, Operand),
    /// The bytes behind a slice of scalars, as `[u8]`.
    AsBytes(Operand),
    /// Bytes as a slice of the given slice type's scalar elements; the length is a multiple because a check stands
    /// before.
    FromBytes(Operand, TypeId),
    /// A reference to one of the component's capabilities: what `Invoke` and `Window` take. `u64`, opaque.
    Capability(CapabilityId),
    /// The raw handle of one of the component's capabilities: what system calls take.
    Handle(CapabilityId),
    /// The raw handle behind a capability reference.
    HandleOf(Operand),
    /// The window of a capability reference, as `[u8]`; empty if there is none.
    Window(Operand),
    /// The window that client number (`u64` operand) shares with this server, as `[u8]`; the number is below
    /// [`sci::limits::CLIENTS_MAX`] because a check stands before.
    ClientWindow(Operand),
    /// A start parameter, `u64`.
    Parameter(u32),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// Arithmetic negation; traps with `Overflow` at the least signed value. Signed integers and floats.
    Negate,
    /// `!` on bool, `~` on integers.
    Not,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// Traps with `Overflow`; floats follow IEEE.
    Add,
    /// As `Add`.
    Subtract,
    /// As `Add`.
    Multiply,
    /// Wraps. Integers only.
    AddWrap,
    /// Wraps.
    SubtractWrap,
    /// Wraps.
    MultiplyWrap,
    /// Traps with `Division` on zero, with `Overflow` for least / -1; truncates toward zero.
    Divide,
    /// Traps with `Division` on zero; least % -1 is 0. The sign is the dividend's.
    Remainder,
    /// Bits of integers, or of bools.
    And,
    /// As `And`.
    Or,
    /// As `And`.
    Xor,
    /// Traps with `Overflow` if the amount is not below the width; bits shifted out are lost.
    ShiftLeft,
    /// As `ShiftLeft`; arithmetic for signed integers.
    ShiftRight,
    /// Gives bool; any scalar type.
    Equal,
    /// Gives bool.
    NotEqual,
    /// Gives bool, by the operands' signedness.
    Less,
    /// Gives bool.
    LessEqual,
    /// Gives bool.
    Greater,
    /// Gives bool.
    GreaterEqual,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// Goes on at a block.
    Goto(BlockId),
    /// Tests a bool.
    Branch {
        /// The bool.
        condition: Operand,
        /// If true.
        then: BlockId,
        /// If false.
        otherwise: BlockId,
    },
    /// Compares an integer or bool with constants, as zero-extended bits.
    Switch {
        /// The value.
        value: Operand,
        /// Distinct values and their targets.
        arms: Vec<(u64, BlockId)>,
        /// All other values.
        otherwise: BlockId,
    },
    /// Leaves the function.
    Return,
    /// Traps.
    Trap(Fault),
}

/// What the component block and its declarations come to.
#[derive(Clone, Debug)]
pub struct Component {
    /// Package path, dotted; may be empty.
    pub package: String,
    /// Component name as written.
    pub name: String,
    /// Version as written, `0.0.0` if not.
    pub version: String,
    /// Required capabilities: index is the slot.
    pub capabilities: Vec<Capability>,
    /// Exports: index is the export number in badges.
    pub exports: Vec<Export>,
    /// Generated: initialises nothing, runs `start`, serves, exits. Takes no parameters.
    pub main: FunctionId,
    /// Functions that run as activations, for the facts: `start`, methods, interrupts.
    pub entries: Vec<Entry>,
    /// Facts of the component block.
    pub facts: Facts,
    /// Where it is declared.
    pub span: Span,
}

/// A required capability.
#[derive(Clone, Debug)]
pub struct Capability {
    /// Name in the source.
    pub name: String,
    /// Interface name, dotted path for a user's.
    pub interface: String,
    /// Interface hash.
    pub hash: [u8; 32],
    /// Methods declared in the source.
    pub declared: u64,
    /// Methods that reachable code uses; filled by the authority pass.
    pub used: u64,
    /// Whether messages carry it out (an endpoint) rather than the kernel.
    pub message: bool,
    /// Bytes of window that its methods need at most, 0 for none.
    pub window_bytes: u32,
    /// Where it is declared.
    pub span: Span,
}

/// An exported interface.
#[derive(Clone, Debug)]
pub struct Export {
    /// Name in the source.
    pub name: String,
    /// Interface name.
    pub interface: String,
    /// Interface hash.
    pub hash: [u8; 32],
    /// Methods, by number: the function that carries each out.
    pub methods: Vec<FunctionId>,
    /// Method names, by number.
    pub method_names: Vec<String>,
    /// Bytes of window that its methods need at most, 0 for none.
    pub window_bytes: u32,
    /// Where it is declared.
    pub span: Span,
}

/// A function that starts an activation.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name, for people: `start`, `kv.get`, `on-irq`.
    pub name: String,
    /// The function.
    pub function: FunctionId,
    /// What starts it.
    pub kind: EntryKind,
}

/// What starts an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The component's start.
    Start,
    /// A method: export number, method number.
    Method(u32, u32),
    /// An interrupt: its notification bit.
    Interrupt(u32),
}

/// Facts as the component block states them.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `deterministic true|false|replay`.
    pub deterministic: Determinism,
    /// `checkpoint none|on-request|every n`, as written.
    pub checkpoint: Option<String>,
    /// `priority n`.
    pub priority: Option<u8>,
    /// `restart never|on-fault|always`, as written.
    pub restart: Option<String>,
    /// `arena <bytes>`.
    pub arena_bytes: u64,
    /// Start parameters and their defaults.
    pub parameters: Vec<(String, u64)>,
    /// Further facts as key and value text, in order of keys.
    pub others: Vec<(String, String)>,
}

/// What the component says of its determinism.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Determinism {
    /// Nothing.
    #[default]
    None,
    /// Its results depend on its inputs alone.
    Yes,
    /// Non-deterministic answers are logged.
    Replay,
}

impl Program {
    /// The type of an index.
    ///
    /// # Panics
    /// If the index is not this program's.
    pub fn type_of(&self, id: TypeId) -> &Type {
        &self.types[id.index()]
    }

    /// Interns a type.
    pub fn intern(&mut self, ty: Type) -> TypeId {
        if let Some(at) = self.types.iter().position(|known| *known == ty) {
            return TypeId(at as u32);
        }
        self.types.push(ty);
        TypeId(self.types.len() as u32 - 1)
    }

    /// The type of a place in a function.
    ///
    /// # Panics
    /// If the place does not fit the function: the program was not verified.
    pub fn place_type(&self, function: &Function, place: &Place) -> TypeId {
        let mut ty = match place.base {
            Base::Local(local) => function.locals[local.index()].ty,
            Base::Global(global) => self.globals[global.index()].ty,
            Base::Data(_, ty) => ty,
        };
        for step in &place.path {
            ty = match (step, self.type_of(ty)) {
                (Step::Field(field), Type::Struct { fields, .. }) => fields[*field as usize].1,
                (Step::Payload(variant, field), Type::Enum { variants, .. }) => {
                    variants[*variant as usize].fields[*field as usize]
                }
                (Step::Index(_) | Step::ConstantIndex(_), Type::Array(element, _) | Type::Slice(element)) => {
                    *element
                }
                (step, ty) => panic!("step {step:?} does not fit {ty:?}"),
            };
        }
        ty
    }
}

impl Place {
    /// The whole of a local.
    pub const fn local(local: Local) -> Self {
        Self { base: Base::Local(local), path: Vec::new() }
    }

    /// The whole of a global.
    pub const fn global(global: GlobalId) -> Self {
        Self { base: Base::Global(global), path: Vec::new() }
    }

    /// One step further.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut place = self.clone();
        place.path.push(step);
        place
    }
}
