//! MIR as text: what [`crate::parse`] reads back to the same program.
//!
//! | text | is |
//! |---|---|
//! | `%1 $1 @1 #1 _1 b1` | type, global, data, function, local, block |
//! | `_1.2` `_1!3.0` `_1[_2]` `_1[4]` | field, field 0 of variant 3, element by local, element by constant |
//! | `7:%1` `float 0x7:%1` `view @1 3:%2` | constants |
//! | `at 0:5-9` | the span of what stands before it; none if it is the default |

use crate::ir::{
    Argument, Authority, Base, BinaryOperator, Block, Component, Constant, Determinism, EntryKind, Facts,
    Function, LocalKind, Operand, Place, Program, Rvalue, Statement, Step, Terminator, Type, UnaryOperator,
    Variant,
};
use compiler_syntax::span::Span;
use std::fmt::{self, Display, Formatter};

/// First line of the text form.
pub(crate) const HEAD: &str = "mir 1";

/// Names of the operators with two operands.
pub(crate) const BINARY: &[(BinaryOperator, &str)] = &[
    (BinaryOperator::Add, "add"),
    (BinaryOperator::Subtract, "subtract"),
    (BinaryOperator::Multiply, "multiply"),
    (BinaryOperator::AddWrap, "add-wrap"),
    (BinaryOperator::SubtractWrap, "subtract-wrap"),
    (BinaryOperator::MultiplyWrap, "multiply-wrap"),
    (BinaryOperator::Divide, "divide"),
    (BinaryOperator::Remainder, "remainder"),
    (BinaryOperator::And, "and"),
    (BinaryOperator::Or, "or"),
    (BinaryOperator::Xor, "xor"),
    (BinaryOperator::ShiftLeft, "shift-left"),
    (BinaryOperator::ShiftRight, "shift-right"),
    (BinaryOperator::Equal, "equal"),
    (BinaryOperator::NotEqual, "not-equal"),
    (BinaryOperator::Less, "less"),
    (BinaryOperator::LessEqual, "less-equal"),
    (BinaryOperator::Greater, "greater"),
    (BinaryOperator::GreaterEqual, "greater-equal"),
];

/// Names of the operators with one operand.
pub(crate) const UNARY: &[(UnaryOperator, &str)] =
    &[(UnaryOperator::Negate, "negate"), (UnaryOperator::Not, "not")];

/// Names of what a component says of its determinism.
pub(crate) const DETERMINISM: &[(Determinism, &str)] =
    &[(Determinism::None, "none"), (Determinism::Yes, "yes"), (Determinism::Replay, "replay")];

/// The name of a table's entry.
fn name_in<T: PartialEq + Copy>(table: &[(T, &'static str)], wanted: T) -> &'static str {
    table.iter().find(|(entry, _)| *entry == wanted).map_or("?", |(_, name)| *name)
}

/// Shows a program as text.
#[derive(Clone, Copy, Debug)]
pub struct Text<'p>(pub &'p Program);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let program = self.0;
        writeln!(f, "{HEAD}")?;
        for (at, ty) in program.types.iter().enumerate() {
            writeln!(f, "type %{at} = {ty}")?;
        }
        for (at, data) in program.data.iter().enumerate() {
            writeln!(f, "data @{at} align {} = {}", data.align, Hex(&data.bytes))?;
        }
        for (at, global) in program.globals.iter().enumerate() {
            write!(f, "global ${at} {:?}: %{}", global.name, global.ty.0)?;
            if !global.initial.is_empty() {
                write!(f, " = {}", Hex(&global.initial))?;
            }
            writeln!(f, "{}", At(global.span))?;
        }
        for (at, function) in program.functions.iter().enumerate() {
            write!(f, "function #{at} {function}")?;
        }
        if let Some(component) = &program.component {
            write!(f, "{component}")?;
        }
        for (name, function) in &program.tests {
            writeln!(f, "test {name:?} #{}", function.0)?;
        }
        Ok(())
    }
}

/// Bytes as one hexadecimal word.
struct Hex<'b>(&'b [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A span behind what it belongs to.
struct At(Span);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == Span::default() {
            return Ok(());
        }
        write!(f, " at {}:{}-{}", self.0.file.0, self.0.start, self.0.end)
    }
}

/// Items with commas between.
struct List<'l, T>(&'l [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Bool => f.write_str("bool"),
            Self::Int { signed, bits } => write!(f, "{}{bits}", if *signed { 'i' } else { 'u' }),
            Self::Float { bits } => write!(f, "f{bits}"),
            Self::Slice(element) => write!(f, "slice %{}", element.0),
            Self::Array(element, count) => write!(f, "array %{} {count}", element.0),
            Self::Struct { name, fields } => {
                write!(f, "struct {name:?} {{")?;
                for (at, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{} {name:?}: %{}", if at > 0 { "," } else { "" }, ty.0)?;
                }
                f.write_str(" }")
            }
            Self::Enum { name, variants } => write!(f, "enum {name:?} {{ {} }}", List(variants)),
            Self::Handle { interface, methods } => write!(f, "handle {interface:?} {methods:#x}"),
        }
    }
}

impl Display for Variant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(", self.name)?;
        for (at, ty) in self.fields.iter().enumerate() {
            write!(f, "{}%{}", if at > 0 { ", " } else { "" }, ty.0)?;
        }
        f.write_str(")")
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} parameters {} -> %{}", self.name, self.parameters, self.returns.0)?;
        if let Some(result) = self.result {
            write!(f, " in _{}", result.0)?;
        }
        if let Some(depth) = self.depth {
            write!(f, " depth {depth}")?;
        }
        writeln!(f, "{} {{", At(self.span))?;
        for (at, local) in self.locals.iter().enumerate() {
            let kind = match local.kind {
                LocalKind::Value => "value",
                LocalKind::Reference { mutable: false } => "reference",
                LocalKind::Reference { mutable: true } => "inout",
            };
            writeln!(f, "  _{at} {:?}: {kind} %{}{}", local.name, local.ty.0, At(local.span))?;
        }
        for (at, block) in self.blocks.iter().enumerate() {
            writeln!(f, " b{at}:")?;
            write!(f, "{block}")?;
        }
        writeln!(f, "}}")
    }
}

impl Display for Block {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (statement, span) in &self.statements {
            writeln!(f, "  {statement}{}", At(*span))?;
        }
        writeln!(f, "  {}{}", self.end, At(self.end_span))
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Local(local) => write!(f, "_{}", local.0)?,
            Base::Global(global) => write!(f, "${}", global.0)?,
            Base::Data(data, ty) => write!(f, "@{}:%{}", data.0, ty.0)?,
        }
        for step in &self.path {
            match step {
                Step::Field(field) => write!(f, ".{field}")?,
                Step::Payload(variant, field) => write!(f, "!{variant}.{field}")?,
                Step::Index(local) => write!(f, "[_{}]", local.0)?,
                Step::ConstantIndex(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(place) => write!(f, "{place}"),
            Self::Move(place) => write!(f, "move {place}"),
            Self::Constant(constant) => write!(f, "{constant}"),
        }
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(bits, ty) => write!(f, "{bits}:%{}", ty.0),
            Self::Float(bits, ty) => write!(f, "float {bits:#x}:%{}", ty.0),
            Self::Slice(data, len, ty) => write!(f, "view @{} {len}:%{}", data.0, ty.0),
        }
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(operand) => write!(f, "{operand}"),
            Self::Reference(place) => write!(f, "&{place}"),
        }
    }
}

impl Display for Rvalue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Use(operand) => write!(f, "{operand}"),
            Self::Unary(operator, operand) => write!(f, "{} {operand}", name_in(UNARY, *operator)),
            Self::Binary(operator, left, right) => {
                write!(f, "{} {left}, {right}", name_in(BINARY, *operator))
            }
            Self::Convert(operand, ty) => write!(f, "convert {operand} to %{}", ty.0),
            Self::Truncate(operand, ty) => write!(f, "truncate {operand} to %{}", ty.0),
            Self::Tag(place) => write!(f, "tag-of {place}"),
            Self::Length(place) => write!(f, "length {place}"),
            Self::View(place, from, to) => write!(f, "part {place} from {from} to {to}"),
            Self::AsBytes(operand) => write!(f, "as-bytes {operand}"),
            Self::FromBytes(operand, ty) => write!(f, "from-bytes {operand} to %{}", ty.0),
            Self::Capability(capability) => write!(f, "capability {}", capability.0),
            Self::Handle(capability) => write!(f, "handle {}", capability.0),
            Self::HandleOf(operand) => write!(f, "handle-of {operand}"),
            Self::Window(operand) => write!(f, "window {operand}"),
            Self::ClientWindow(operand) => write!(f, "client-window {operand}"),
            Self::Parameter(index) => write!(f, "parameter {index}"),
        }
    }
}

impl Display for Authority {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(" uses ")?;
        match self.capability {
            Some(capability) => write!(f, "{}", capability.0)?,
            None => f.write_str("none")?,
        }
        write!(f, " {:?} {}", self.interface, self.method)
    }
}

/// An authority where there is one.
struct Maybe<'a>(&'a Option<Authority>);

impl Display for Maybe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |authority| write!(f, "{authority}"))
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assign(place, value) => write!(f, "{place} = {value}"),
            Self::Zero(place) => write!(f, "zero {place}"),
            Self::SetTag(place, tag) => write!(f, "set-tag {place} {tag}"),
            Self::SetTagFrom(place, tag) => write!(f, "set-tag-from {place} {tag}"),
            Self::Check(condition, fault) => write!(f, "check {condition} else {}", fault.name()),
            Self::Call { destination, function, arguments } => {
                write!(f, "call #{}({})", function.0, List(arguments))?;
                match destination {
                    Some(place) => write!(f, " -> {place}"),
                    None => Ok(()),
                }
            }
            Self::System { call, arguments, status, value, authority } => {
                write!(f, "system {call}({}) -> {status}, {value}{}", List(arguments), Maybe(authority))
            }
            Self::Invoke { capability, method, words, status, results, authority } => write!(
                f,
                "invoke {capability} method {method}({}) -> {status}({}){}",
                List(words),
                List(results),
                Maybe(authority)
            ),
            Self::Receive { reply, badge, method, words } => {
                f.write_str("receive")?;
                if let Some((status, answers)) = reply {
                    write!(f, " answering {status}({})", List(answers))?;
                }
                write!(f, " -> {badge}, {method}({})", List(words))
            }
        }
    }
}

impl Display for Terminator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goto(next) => write!(f, "goto b{}", next.0),
            Self::Branch { condition, then, otherwise } => {
                write!(f, "branch {condition} b{} b{}", then.0, otherwise.0)
            }
            Self::Switch { value, arms, otherwise } => {
                write!(f, "switch {value} {{ ")?;
                for (case, next) in arms {
                    write!(f, "{case} => b{}, ", next.0)?;
                }
                write!(f, "else b{} }}", otherwise.0)
            }
            Self::Return => f.write_str("return"),
            Self::Trap(fault) => write!(f, "trap {}", fault.name()),
        }
    }
}

impl Display for Component {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { package, name, version, main, span, .. } = self;
        writeln!(
            f,
            "component {name:?} of {package:?} version {version:?} main #{}{} {{",
            main.0,
            At(*span)
        )?;
        for one in &self.capabilities {
            writeln!(
                f,
                "  capability {:?}: {:?} {} declared {:#x} used {:#x} {} window {}{}",
                one.name,
                one.interface,
                Hex(&one.hash),
                one.declared,
                one.used,
                if one.message { "endpoint" } else { "object" },
                one.window_bytes,
                At(one.span)
            )?;
        }
        for one in &self.exports {
            write!(f, "  export {:?}: {:?} {} {{ ", one.name, one.interface, Hex(&one.hash))?;
            for (function, name) in one.methods.iter().zip(&one.method_names) {
                write!(f, "{name:?} #{}, ", function.0)?;
            }
            writeln!(f, "}} window {}{}", one.window_bytes, At(one.span))?;
        }
        for one in &self.entries {
            write!(f, "  entry {:?} #{} ", one.name, one.function.0)?;
            match one.kind {
                EntryKind::Start => writeln!(f, "start")?,
                EntryKind::Method(export, method) => writeln!(f, "method {export} {method}")?,
                EntryKind::Interrupt(bit) => writeln!(f, "interrupt {bit}")?,
            }
        }
        writeln!(f, "{}}}", self.facts)
    }
}

impl Display for Facts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  deterministic {}", name_in(DETERMINISM, self.deterministic))?;
        if let Some(checkpoint) = &self.checkpoint {
            writeln!(f, "  checkpoint {checkpoint:?}")?;
        }
        if let Some(priority) = self.priority {
            writeln!(f, "  priority {priority}")?;
        }
        if let Some(restart) = &self.restart {
            writeln!(f, "  restart {restart:?}")?;
        }
        writeln!(f, "  arena {}", self.arena_bytes)?;
        for (name, default) in &self.parameters {
            writeln!(f, "  parameter {name:?} {default}")?;
        }
        for (key, value) in &self.others {
            writeln!(f, "  fact {key:?} {value:?}")?;
        }
        Ok(())
    }
}
