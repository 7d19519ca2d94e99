//! The syntax tree of the whole language, with a span on every node.

use crate::span::Span;
use std::sync::Arc;

/// A name as written.
#[derive(Clone, Debug)]
pub struct Name {
    /// The text.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
}

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Names joined by dots; at least one.
#[derive(Clone, Debug)]
pub struct Path {
    /// The names.
    pub names: Vec<Name>,
    /// From the first to the last.
    pub span: Span,
}

impl Path {
    /// The dotted text.
    pub fn dotted(&self) -> String {
        self.names.iter().map(Name::as_str).collect::<Vec<_>>().join(".")
    }
}

/// One source file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `package a.b`
    pub package: Option<Path>,
    /// Declarations in order.
    pub items: Vec<Item>,
}

/// A declaration.
#[derive(Clone, Debug)]
pub struct Item {
    /// `@name(args)`
    pub attributes: Vec<Attribute>,
    /// `pub`
    pub public: bool,
    /// `///` lines, joined by newlines; empty if none.
    pub documentation: String,
    /// What it declares.
    pub kind: ItemKind,
    /// The whole declaration.
    pub span: Span,
}

/// `@name(arguments)`
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Name.
    pub name: Name,
    /// Arguments.
    pub arguments: Vec<FactArgument>,
    /// The whole.
    pub span: Span,
}

/// What a declaration declares.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `import a.b` or `import a.b: c`
    Import {
        /// What.
        path: Path,
        /// Local name.
        alias: Option<Name>,
    },
    /// `use a.b(x, y)`
    Use {
        /// From where.
        path: Path,
        /// What.
        names: Vec<Name>,
    },
    /// `fn`, `interrupt fn`, `task fn`, `distributed fn`
    Function {
        /// The word before `fn`.
        modifier: Option<Name>,
        /// The function.
        function: Function,
    },
    /// `struct`
    Struct {
        /// Name.
        name: Name,
        /// `[T: copy]`
        generics: Vec<Generic>,
        /// Fields and methods.
        members: Vec<Member>,
    },
    /// `enum`
    Enum {
        /// Name.
        name: Name,
        /// `[T: copy]`
        generics: Vec<Generic>,
        /// Variants.
        variants: Vec<Variant>,
    },
    /// `interface`
    Interface {
        /// Name.
        name: Name,
        /// Methods, events, facts.
        items: Vec<InterfaceItem>,
    },
    /// `object`
    Object {
        /// Name.
        name: Name,
        /// Fields, methods, facts.
        members: Vec<Member>,
    },
    /// `registers`
    Registers {
        /// Name.
        name: Name,
        /// `size 128KiB`
        arguments: Vec<FactArgument>,
        /// Registers.
        registers: Vec<Register>,
    },
    /// `component`
    Component {
        /// Name.
        name: Name,
        /// Its lines.
        items: Vec<ComponentItem>,
    },
    /// `impl export { … }`
    Impl {
        /// The export.
        path: Path,
        /// Methods.
        items: Vec<Item>,
    },
    /// `system name { … }` and other blocks of facts
    Topology {
        /// `system`
        keyword: Name,
        /// Name.
        name: Name,
        /// Lines.
        facts: Vec<Fact>,
    },
    /// `const`
    Constant {
        /// Name.
        name: Name,
        /// Type, if given.
        ty: Option<Type>,
        /// Value.
        value: Expr,
    },
    /// `var`
    Variable {
        /// Name.
        name: Name,
        /// Type, if given.
        ty: Option<Type>,
        /// Initial value.
        value: Expr,
    },
    /// `test "name" { … }`
    Test {
        /// What it shows.
        name: String,
        /// Where the name stands.
        name_span: Span,
        /// Body.
        body: Block,
    },
    /// `extern lang fn … requires cap`
    Extern {
        /// Language.
        language: Name,
        /// Signature.
        function: Function,
        /// Capabilities.
        requires: Vec<Path>,
    },
}

/// `T: copy + eq`
#[derive(Clone, Debug)]
pub struct Generic {
    /// Name.
    pub name: Name,
    /// Bounds.
    pub bounds: Vec<Path>,
}

/// A field, method, or fact of a struct or object.
#[derive(Clone, Debug)]
pub enum Member {
    /// `pub name: T = default`
    Field(Field),
    /// A method.
    Method(Function),
    /// A line of facts.
    Fact(Fact),
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Attributes.
    pub attributes: Vec<Attribute>,
    /// `pub`
    pub public: bool,
    /// `///` lines, joined by newlines; empty if none.
    pub documentation: String,
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: Type,
    /// Default.
    pub default: Option<Expr>,
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct Variant {
    /// `///` lines, joined by newlines; empty if none.
    pub documentation: String,
    /// Name.
    pub name: Name,
    /// `(limit: u32)` or `(u32)`
    pub payload: Vec<(Option<Name>, Type)>,
    /// `= 3`
    pub discriminant: Option<Expr>,
}

/// A line of an interface.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all lines are methods")]
pub enum InterfaceItem {
    /// A method.
    Method {
        /// Attributes such as `@nondet`.
        attributes: Vec<Attribute>,
        /// `///` lines.
        documentation: String,
        /// The signature.
        function: Function,
    },
    /// `event name(parameters)`
    Event {
        /// Name.
        name: Name,
        /// Parameters.
        parameters: Vec<Parameter>,
    },
    /// `version 1`, `protocol { … }`
    Fact(Fact),
}

/// A register of a `registers` block.
#[derive(Clone, Debug)]
pub struct Register {
    /// `///` lines, joined by newlines; empty if none.
    pub documentation: String,
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: Type,
    /// `at 0x10 rw`
    pub arguments: Vec<FactArgument>,
    /// Bit fields.
    pub bits: Vec<Fact>,
}

/// A line of a component block.
#[derive(Clone, Debug)]
pub enum ComponentItem {
    /// `capability name: Interface(rights)`
    Capability {
        /// Name.
        name: Name,
        /// Interface and rights.
        ty: CapabilityType,
    },
    /// `export name: Interface`
    Export {
        /// Name.
        name: Name,
        /// Interface.
        interface: Path,
    },
    /// `import name: Interface(rights)`
    Import {
        /// Name.
        name: Name,
        /// Interface and rights.
        ty: CapabilityType,
    },
    /// `var name: T = value`
    Variable {
        /// Name.
        name: Name,
        /// Type.
        ty: Option<Type>,
        /// Initial value.
        value: Expr,
    },
    /// A line of facts.
    Fact(Fact),
}

/// `Interface[T](right, right = value)`
#[derive(Clone, Debug)]
pub struct CapabilityType {
    /// Interface.
    pub path: Path,
    /// `[T]`
    pub arguments: Vec<Type>,
    /// `(rights)`; `None` if there are no parentheses.
    pub rights: Option<Vec<FactArgument>>,
    /// The whole.
    pub span: Span,
}

/// A declarative line: `key argument argument { nested }`.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Key.
    pub key: Name,
    /// Arguments.
    pub arguments: Vec<FactArgument>,
    /// Nested lines; `None` if there is no block.
    pub block: Option<Vec<Fact>>,
    /// The whole.
    pub span: Span,
}

/// One argument of a fact.
#[derive(Clone, Debug)]
pub struct FactArgument {
    /// What.
    pub kind: FactKind,
    /// Where.
    pub span: Span,
}

/// The forms of a fact's argument.
#[derive(Clone, Debug)]
pub enum FactKind {
    /// A word or dotted path.
    Word(Path),
    /// `path(arguments)`
    Call(Path, Vec<FactArgument>),
    /// A literal; text without interpolation.
    Literal(Literal),
    /// `left = right`, `left -> right`, `left: right`, `left..right`
    Pair(Box<FactArgument>, FactOperator, Box<FactArgument>),
}

/// The operator of a [`FactKind::Pair`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactOperator {
    /// `=`
    Assign,
    /// `->`
    Arrow,
    /// `:`
    Colon,
    /// `..`
    Range,
}

/// A function or method; no body in an interface.
#[derive(Clone, Debug)]
pub struct Function {
    /// Name.
    pub name: Name,
    /// `[T: copy]`
    pub generics: Vec<Generic>,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// `-> T`
    pub returns: Option<Type>,
    /// `! E`
    pub error: Option<Path>,
    /// `effects a.b, c`
    pub effects: Option<Vec<FactArgument>>,
    /// Body.
    pub body: Option<Block>,
    /// From `fn` to the end of the signature.
    pub span: Span,
}

/// How a parameter is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read: the default.
    Read,
    /// `inout`
    Inout,
    /// `take`
    Take,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// How it is passed.
    pub mode: Mode,
    /// Name; `self` for a receiver.
    pub name: Name,
    /// Type; `None` for `self`.
    pub ty: Option<Type>,
    /// The whole.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug)]
pub struct Type {
    /// Its form.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `a.b[T, 4]`
    Path(Path, Vec<TypeArgument>),
    /// `Interface(right, right)`
    Handle(Path, Vec<Name>),
    /// `[T; n]`
    Array(Box<Type>, Box<Expr>),
    /// `[T]`
    Slice(Box<Type>),
    /// `T?`
    Optional(Box<Type>),
    /// `(A, B)`; no element is the unit type.
    Tuple(Vec<Type>),
}

/// An argument in `[ ]` of a type.
#[derive(Clone, Debug)]
pub enum TypeArgument {
    /// A type, or the name of a constant.
    Type(Type),
    /// An integer.
    Integer(Integer, Span),
}

/// Statements in braces.
#[derive(Clone, Debug)]
pub struct Block {
    /// Statements.
    pub statements: Vec<Stmt>,
    /// With the braces.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What.
    pub kind: StmtKind,
    /// Where.
    pub span: Span,
}

/// The forms of a statement.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `let pattern: T = value`, `var pattern: T = value`
    Let {
        /// `var`
        mutable: bool,
        /// What is bound.
        pattern: Pattern,
        /// Type, if given.
        ty: Option<Type>,
        /// Value.
        value: Expr,
    },
    /// `const name = value`
    Constant {
        /// Name.
        name: Name,
        /// Value.
        value: Expr,
    },
    /// `place = value`, `place += value`
    Assign {
        /// The left side.
        place: Expr,
        /// `None` for `=`, else the operator before `=`.
        operator: Option<BinaryOperator>,
        /// The right side.
        value: Expr,
    },
    /// `while condition { … }`
    While {
        /// Attributes such as `@bound(10)`.
        attributes: Vec<Attribute>,
        /// Condition.
        condition: Expr,
        /// Body.
        body: Block,
    },
    /// `for name in range-or-sequence { … }`
    For {
        /// Attributes.
        attributes: Vec<Attribute>,
        /// Loop variable; `_` for none.
        name: Name,
        /// A range, array, slice, table.
        sequence: Expr,
        /// Body.
        body: Block,
    },
    /// `defer expression`
    Defer(Expr),
    /// `assert condition`
    Assert(Expr),
    /// An expression for its effect.
    Expr(Expr),
}

/// A pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What.
    pub kind: PatternKind,
    /// Where.
    pub span: Span,
}

/// The forms of a pattern.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// `_`
    Wildcard,
    /// A literal, negated or not.
    Literal {
        /// With `-` before it.
        negative: bool,
        /// The literal.
        literal: Literal,
    },
    /// A single name: a binding, a constant, or a variant without payload.
    Name(Name),
    /// `a.b`
    Path(Path),
    /// `a.b(p, q)`
    Constructor(Path, Vec<Pattern>),
    /// `-1..5`, end excluded; whether each end is negative
    Range((bool, Literal), (bool, Literal)),
    /// `p | q`
    Alternatives(Vec<Pattern>),
    /// `(p, q)`
    Tuple(Vec<Pattern>),
}

/// An integer with its unit or suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Digits' value, before the unit.
    pub value: u128,
    /// `KiB`, `ms`, …; empty if none.
    pub unit: Arc<str>,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `12`, `0xff`, `64KiB`
    Integer(Integer),
    /// `1.5`
    Float(f64),
    /// Plain text.
    Text(String),
    /// `'a'`
    Char(char),
    /// `true`, `false`
    Bool(bool),
    /// `none`
    None,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What.
    pub kind: Box<ExprKind>,
    /// Where.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A literal; text without interpolation.
    Literal(Literal),
    /// Text with interpolation.
    Text(Vec<TextPart>),
    /// A name.
    Name(Name),
    /// `self`
    SelfValue,
    /// `base.name`
    Field(Expr, Name),
    /// `base[index, …]`; also type arguments, as in `Table[Entry, 8].empty()`
    Index(Expr, Vec<Expr>),
    /// `callee(arguments)`
    Call(Expr, Vec<CallArgument>),
    /// `-a`, `!a`, `~a`
    Unary(UnaryOperator, Expr),
    /// `a + b`
    Binary(BinaryOperator, Expr, Expr),
    /// `a?`
    Try(Expr),
    /// `a..b`
    Range(Expr, Expr),
    /// `Head { field: value, field }`; the head is an expression whose form the checker tests.
    Struct(Expr, Vec<(Name, Option<Expr>)>),
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `[a; n]`
    Repeat(Expr, Expr),
    /// `(a, b)`; one element is a parenthesised expression, none is the unit value.
    Tuple(Vec<Expr>),
    /// `if condition { … } else …`
    If(Expr, Block, Option<Expr>),
    /// `match value { arms }`
    Match(Expr, Vec<Arm>),
    /// `{ … }`
    Block(Block),
    /// `loop { … }`
    Loop(Block),
    /// `unsafe { … }`
    Unsafe(Block),
    /// `parallel { … }`
    Parallel(Block),
    /// `return value`
    Return(Option<Expr>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `a or b`
    Or(Expr, Expr),
    /// What could not be parsed; its error is reported.
    Error,
}

/// A piece of interpolated text.
#[derive(Clone, Debug)]
pub enum TextPart {
    /// Text, escapes decoded.
    Literal(String),
    /// `{expression}`
    Expr(Expr),
}

/// One arm of a match: `pattern if guard -> value`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Pattern.
    pub pattern: Pattern,
    /// Guard.
    pub guard: Option<Expr>,
    /// Value.
    pub value: Expr,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub struct CallArgument {
    /// `label: value`
    pub label: Option<Name>,
    /// `&place`
    pub inout: bool,
    /// Value or place.
    pub value: Expr,
}

/// `-`, `!`, `~`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `!`
    Not,
    /// `~`
    Complement,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `||`
    OrElse,
    /// `&&`
    AndThen,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `&`
    And,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `+%`
    AddWrap,
    /// `-%`
    SubtractWrap,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `*%`
    MultiplyWrap,
}
