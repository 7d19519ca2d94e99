//! Types of places and values.

use super::Verifier;
use crate::ir::{
    Base, BinaryOperator as Op, Constant, Function, LocalKind, Operand, Place, Program, Rvalue, Step, Type,
    TypeId, UnaryOperator,
};
use crate::layout;

/// The type of a value: one of the program's, or one that needs no place in its table.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Id(TypeId),
    Plain(Type),
    /// `[u8]`.
    Bytes,
    /// A view of elements.
    View(TypeId),
}

const BYTE: Type = Type::Int { signed: false, bits: 8 };

impl Known {
    /// Whether a place of the type can hold the value. Handles of one interface differ in their masks alone.
    pub(super) fn fits(&self, program: &Program, target: TypeId) -> bool {
        let wanted = program.type_of(target);
        match (self, wanted) {
            (Self::Id(id), wanted) => {
                *id == target
                    || matches!((program.type_of(*id), wanted), (Type::Handle { .. }, Type::Handle { .. }))
            }
            (Self::Plain(ty), wanted) => ty == wanted,
            (Self::Bytes, Type::Slice(element)) => *program.type_of(*element) == BYTE,
            (Self::View(element), Type::Slice(wanted)) => element == wanted,
            _ => false,
        }
    }

    /// The type, if it is a scalar.
    pub(super) fn scalar(&self, program: &Program) -> Option<Type> {
        let ty = match self {
            Self::Id(id) => program.type_of(*id).clone(),
            Self::Plain(ty) => ty.clone(),
            Self::Bytes | Self::View(_) => return None,
        };
        matches!(ty, Type::Bool | Type::Int { .. } | Type::Float { .. } | Type::Handle { .. }).then_some(ty)
    }
}

impl Verifier<'_> {
    /// The type of a place; a defect and `None` where it does not fit the function.
    pub(super) fn place(&mut self, function: &Function, place: &Place) -> Option<TypeId> {
        match self.walk(function, place) {
            Ok(ty) => Some(ty),
            Err(what) => {
                self.defect(what);
                None
            }
        }
    }

    pub(super) fn walk(&self, function: &Function, place: &Place) -> Result<TypeId, &'static str> {
        let program = self.program;
        let mut ty = match place.base {
            Base::Local(local) => {
                function.locals.get(local.index()).map(|local| local.ty).ok_or("a local does not exist")?
            }
            Base::Global(global) => program
                .globals
                .get(global.index())
                .map(|global| global.ty)
                .ok_or("a global does not exist")?,
            Base::Data(data, ty) => {
                let data = program.data.get(data.index()).ok_or("data does not exist")?;
                self.type_of(ty).ok_or("the data's type does not exist")?;
                let needs = layout::of(program, ty);
                if needs.size > data.bytes.len() as u64 || needs.align > u64::from(data.align) {
                    return Err("data is smaller than its type");
                }
                ty
            }
        };
        for step in &place.path {
            let at = self.type_of(ty).ok_or("a place's type does not exist")?;
            ty = match (step, at) {
                (Step::Field(field), Type::Struct { fields, .. }) => {
                    fields.get(*field as usize).map(|(_, ty)| *ty).ok_or("a field does not exist")?
                }
                (Step::Payload(variant, field), Type::Enum { variants, .. }) => *variants
                    .get(*variant as usize)
                    .and_then(|variant| variant.fields.get(*field as usize))
                    .ok_or("a variant's field does not exist")?,
                (Step::ConstantIndex(index), Type::Array(element, count)) => {
                    if index >= count {
                        return Err("a constant index is out of bounds");
                    }
                    *element
                }
                (Step::Index(local), Type::Array(element, _) | Type::Slice(element)) => {
                    let local =
                        function.locals.get(local.index()).ok_or("an index's local does not exist")?;
                    let fits = self.type_of(local.ty) == Some(&Type::Int { signed: false, bits: 64 });
                    if !fits || local.kind != LocalKind::Value {
                        return Err("an index is not a `u64` value");
                    }
                    *element
                }
                _ => return Err("a step does not fit its type"),
            };
        }
        Ok(ty)
    }

    pub(super) fn operand(&mut self, function: &Function, operand: &Operand) -> Option<Known> {
        match operand {
            Operand::Copy(place) | Operand::Move(place) => self.place(function, place).map(Known::Id),
            Operand::Constant(Constant::Unit) => Some(Known::Plain(Type::Unit)),
            Operand::Constant(Constant::Bool(_)) => Some(Known::Plain(Type::Bool)),
            Operand::Constant(constant) => self.constant(*constant).map(Known::Id),
        }
    }

    fn scalar_operand(&mut self, function: &Function, operand: &Operand) -> Option<Type> {
        let known = self.operand(function, operand)?;
        let ty = known.scalar(self.program);
        self.require(ty.is_some(), "an operand is not a scalar");
        ty
    }

    pub(super) fn rvalue(&mut self, function: &Function, value: &Rvalue) -> Option<Known> {
        let word = Type::Int { signed: false, bits: 64 };
        match value {
            Rvalue::Use(operand) => self.operand(function, operand),
            Rvalue::Unary(operator, operand) => {
                let ty = self.scalar_operand(function, operand)?;
                let fits = match operator {
                    UnaryOperator::Negate => {
                        matches!(ty, Type::Int { signed: true, .. } | Type::Float { .. })
                    }
                    UnaryOperator::Not => matches!(ty, Type::Int { .. } | Type::Bool),
                };
                self.require(fits, "the operator does not take the operand's type");
                Some(Known::Plain(ty))
            }
            Rvalue::Binary(operator, left, right) => self.binary(function, *operator, left, right),
            Rvalue::Convert(operand, ty) | Rvalue::Truncate(operand, ty) => {
                let from = self.scalar_operand(function, operand)?;
                let to = self.known(*ty)?;
                self.require(to.scalar(self.program).is_some(), "a conversion gives a scalar");
                let float = |ty: &Type| matches!(ty, Type::Float { .. });
                if matches!(value, Rvalue::Truncate(..)) {
                    let whole = !float(&from) && !to.scalar(self.program).is_some_and(|ty| float(&ty));
                    self.require(whole, "floats have no low bits");
                }
                Some(to)
            }
            Rvalue::Tag(place) => {
                let ty = self.place(function, place)?;
                self.require(matches!(self.type_of(ty), Some(Type::Enum { .. })), "only an enum has a tag");
                Some(Known::Plain(Type::Int { signed: false, bits: 32 }))
            }
            Rvalue::Length(place) => {
                self.elements(function, place)?;
                Some(Known::Plain(word))
            }
            Rvalue::View(place, from, to) => {
                self.unsigned(function, from, 64);
                self.unsigned(function, to, 64);
                self.elements(function, place).map(Known::View)
            }
            Rvalue::AsBytes(operand) => {
                self.scalars_behind(function, operand)?;
                Some(Known::Bytes)
            }
            Rvalue::FromBytes(operand, ty) => {
                let bytes = self.scalars_behind(function, operand)?;
                self.require(bytes == BYTE, "only bytes become a slice of something else");
                let to = self.known(*ty)?;
                let element = match self.type_of(*ty) {
                    Some(Type::Slice(element)) => Known::Id(*element).scalar(self.program),
                    _ => None,
                };
                self.require(element.is_some(), "bytes become a slice of scalars");
                Some(to)
            }
            Rvalue::Capability(capability) | Rvalue::Handle(capability) => {
                self.capability(*capability);
                Some(Known::Plain(word))
            }
            Rvalue::HandleOf(operand) => {
                self.unsigned(function, operand, 64);
                Some(Known::Plain(word))
            }
            Rvalue::Window(operand) | Rvalue::ClientWindow(operand) => {
                self.unsigned(function, operand, 64);
                Some(Known::Bytes)
            }
            Rvalue::Parameter(index) => {
                let component = self.program.component.as_ref();
                let count = component.map_or(0, |component| component.facts.parameters.len());
                self.require((*index as usize) < count, "the parameter does not exist");
                Some(Known::Plain(word))
            }
        }
    }

    fn known(&mut self, ty: TypeId) -> Option<Known> {
        let exists = self.type_of(ty).is_some();
        self.require(exists, "a type does not exist");
        exists.then_some(Known::Id(ty))
    }

    /// The element type of an array or slice place.
    fn elements(&mut self, function: &Function, place: &Place) -> Option<TypeId> {
        let ty = self.place(function, place)?;
        match self.type_of(ty) {
            Some(Type::Array(element, _) | Type::Slice(element)) => Some(*element),
            _ => {
                self.defect("only arrays and slices have elements");
                None
            }
        }
    }

    /// The scalar type behind an operand that is a slice.
    fn scalars_behind(&mut self, function: &Function, operand: &Operand) -> Option<Type> {
        let element = match self.operand(function, operand)? {
            Known::Id(id) => match self.type_of(id) {
                Some(Type::Slice(element)) => Known::Id(*element).scalar(self.program),
                _ => None,
            },
            _ => None,
        };
        self.require(element.is_some(), "an operand is not a slice of scalars");
        element
    }

    fn binary(
        &mut self,
        function: &Function,
        operator: Op,
        left: &Operand,
        right: &Operand,
    ) -> Option<Known> {
        let left = self.scalar_operand(function, left)?;
        let right = self.scalar_operand(function, right)?;
        let shift = matches!(operator, Op::ShiftLeft | Op::ShiftRight);
        if shift {
            self.require(right == Type::Int { signed: false, bits: 32 }, "a shift's amount is a `u32`");
        } else {
            self.require(left == right, "the operands are of two types");
        }
        let int = matches!(left, Type::Int { .. });
        let number = int || matches!(left, Type::Float { .. });
        let (takes, comparison) = match operator {
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide => (number, false),
            Op::AddWrap
            | Op::SubtractWrap
            | Op::MultiplyWrap
            | Op::Remainder
            | Op::ShiftLeft
            | Op::ShiftRight => (int, false),
            Op::And | Op::Or | Op::Xor => (int || left == Type::Bool, false),
            Op::Equal | Op::NotEqual => (true, true),
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => (number || left == Type::Bool, true),
        };
        self.require(takes, "the operator does not take the operands' type");
        Some(Known::Plain(if comparison { Type::Bool } else { left }))
    }
}
