//! Places and values: how locals are held, loads, stores, copies.

use super::function::{Lowering, scalar_type, trusted};
use compiler_mir::ir::{Base, Constant, Operand, Place, Step, Type, TypeId};
use compiler_mir::layout;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F32, I8, I16, I32, I64};
use cranelift_codegen::ir::{BlockArg, InstBuilder, StackSlot, Value};
use cranelift_frontend::Variable;

/// How a local is held.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    /// It has no bytes.
    Nothing,
    /// A scalar in a variable.
    Scalar(Variable),
    /// A view: pointer and length.
    View(Variable, Variable),
    /// The address of its memory.
    Pointer(Variable),
    /// Memory of the frame.
    Stack(StackSlot),
}

/// Copies up to this many bytes are unrolled.
const UNROLLED_BYTES: u64 = 128;

/// Where a place is.
enum Location {
    Nothing,
    Scalar(Variable),
    View(Variable, Variable),
    Memory(Value, i32),
}

impl Lowering<'_, '_, '_> {
    fn location(&mut self, place: &Place) -> (Location, TypeId) {
        let (mut location, mut ty) = match place.base {
            Base::Local(local) => {
                let ty = self.function.locals[local.index()].ty;
                let location = match self.held[local.index()] {
                    Held::Nothing => Location::Nothing,
                    Held::Scalar(variable) => Location::Scalar(variable),
                    Held::View(pointer, length) => Location::View(pointer, length),
                    Held::Pointer(variable) => Location::Memory(self.builder.use_var(variable), 0),
                    Held::Stack(slot) => Location::Memory(self.builder.ins().stack_addr(I64, slot, 0), 0),
                };
                (location, ty)
            }
            Base::Global(global) => (
                Location::Memory(self.symbol(self.unit.globals[global.index()]), 0),
                self.program.globals[global.index()].ty,
            ),
            Base::Data(data, ty) => (Location::Memory(self.symbol(self.unit.data[data.index()]), 0), ty),
        };
        for step in &place.path {
            (location, ty) = self.step(location, ty, step);
        }
        (location, ty)
    }

    fn step(&mut self, location: Location, ty: TypeId, step: &Step) -> (Location, TypeId) {
        let program = self.program;
        match (step, program.type_of(ty), location) {
            (Step::Field(field), Type::Struct { fields, .. }, Location::Memory(base, offset)) => {
                let at = layout::field_offset(program, ty, *field) as i32;
                (Location::Memory(base, offset + at), fields[*field as usize].1)
            }
            (Step::Payload(variant, field), Type::Enum { variants, .. }, Location::Memory(base, offset)) => {
                let at = layout::payload_offset(program, ty, *variant, *field) as i32;
                (Location::Memory(base, offset + at), variants[*variant as usize].fields[*field as usize])
            }
            (Step::ConstantIndex(index), Type::Array(element, _), Location::Memory(base, offset)) => {
                let at = (index * layout::of(program, *element).size) as i32;
                (Location::Memory(base, offset + at), *element)
            }
            (Step::Index(local), Type::Array(element, _), Location::Memory(base, offset)) => {
                let scaled = self.scaled_index(*local, *element);
                (Location::Memory(self.builder.ins().iadd(base, scaled), offset), *element)
            }
            (step, Type::Slice(element), location) => {
                let pointer = match location {
                    Location::View(pointer, _) => self.builder.use_var(pointer),
                    Location::Memory(base, offset) => self.builder.ins().load(I64, trusted(), base, offset),
                    _ => panic!("a view is held as a view or in memory"),
                };
                let scaled = match step {
                    Step::Index(local) => self.scaled_index(*local, *element),
                    Step::ConstantIndex(index) => {
                        let bytes = index * layout::of(program, *element).size;
                        self.builder.ins().iconst(I64, bytes as i64)
                    }
                    step => panic!("step {step:?} does not fit a view"),
                };
                (Location::Memory(self.builder.ins().iadd(pointer, scaled), 0), *element)
            }
            (step, ty, _) => panic!("step {step:?} does not fit {ty:?}"),
        }
    }

    fn scaled_index(&mut self, local: compiler_mir::ir::Local, element: TypeId) -> Value {
        let index = self.scalar(&Operand::Copy(Place::local(local)));
        self.scaled(index, element)
    }

    /// An index in bytes.
    pub(crate) fn scaled(&mut self, index: Value, element: TypeId) -> Value {
        let size = layout::of(self.program, element).size;
        if size == 1 { index } else { self.builder.ins().imul_imm_s(index, size as i64) }
    }

    /// The address of a place in memory.
    pub(crate) fn address(&mut self, place: &Place) -> Value {
        match self.location(place).0 {
            Location::Memory(base, 0) => base,
            Location::Memory(base, offset) => self.builder.ins().iadd_imm_s(base, i64::from(offset)),
            Location::Nothing => self.builder.ins().iconst(I64, 8),
            Location::Scalar(_) | Location::View(..) => panic!("a place whose address is taken is in memory"),
        }
    }

    /// The machine values of an operand: none, one, or two for a view; the address for an aggregate.
    pub(crate) fn values(&mut self, operand: &Operand) -> Vec<Value> {
        let place = match operand {
            Operand::Copy(place) | Operand::Move(place) => place,
            Operand::Constant(constant) => return self.constant(*constant),
        };
        let (location, ty) = self.location(place);
        match (location, self.program.type_of(ty)) {
            (Location::Nothing, _) | (_, Type::Unit) => Vec::new(),
            (Location::Scalar(variable), _) => vec![self.builder.use_var(variable)],
            (Location::View(pointer, length), _) => {
                vec![self.builder.use_var(pointer), self.builder.use_var(length)]
            }
            (Location::Memory(base, offset), Type::Slice(_)) => vec![
                self.builder.ins().load(I64, trusted(), base, offset),
                self.builder.ins().load(I64, trusted(), base, offset + 8),
            ],
            (Location::Memory(base, offset), ty) => match scalar_type(ty) {
                Some(ty) => vec![self.builder.ins().load(ty, trusted(), base, offset)],
                None => vec![self.builder.ins().iadd_imm_s(base, i64::from(offset))],
            },
        }
    }

    fn constant(&mut self, constant: Constant) -> Vec<Value> {
        match constant {
            Constant::Unit => Vec::new(),
            Constant::Bool(value) => vec![self.builder.ins().iconst(I8, i64::from(value))],
            Constant::Int(bits, ty) => {
                let ty = scalar_type(self.program.type_of(ty)).unwrap_or(I64);
                vec![self.builder.ins().iconst(ty, bits as i64)]
            }
            Constant::Float(bits, ty) => vec![if scalar_type(self.program.type_of(ty)) == Some(F32) {
                self.builder.ins().f32const(f32::from_bits(bits as u32))
            } else {
                self.builder.ins().f64const(f64::from_bits(bits))
            }],
            Constant::Slice(data, length, _) => {
                let pointer = self.symbol(self.unit.data[data.index()]);
                vec![pointer, self.builder.ins().iconst(I64, length as i64)]
            }
        }
    }

    /// The one machine value of a scalar operand.
    pub(crate) fn scalar(&mut self, operand: &Operand) -> Value {
        match self.values(operand).first() {
            Some(value) => *value,
            None => self.builder.ins().iconst(I64, 0),
        }
    }

    /// Stores machine values in a place: none, one, or two.
    pub(crate) fn store_values(&mut self, place: &Place, values: &[Value]) {
        match self.location(place).0 {
            Location::Nothing => {}
            Location::Scalar(variable) => {
                if let [value] = values {
                    self.builder.def_var(variable, *value);
                }
            }
            Location::View(pointer, length) => {
                for (variable, value) in [pointer, length].into_iter().zip(values) {
                    self.builder.def_var(variable, *value);
                }
            }
            Location::Memory(base, offset) => {
                for (at, value) in values.iter().enumerate() {
                    self.builder.ins().store(trusted(), *value, base, offset + 8 * at as i32);
                }
            }
        }
    }

    /// Stores one scalar.
    pub(crate) fn store_scalar(&mut self, place: &Place, value: Value) {
        self.store_values(place, &[value]);
    }

    /// Copies an operand's value to a place.
    pub(crate) fn copy(&mut self, place: &Place, operand: &Operand) {
        let ty = self.program.place_type(self.function, place);
        let lowered = self.program.type_of(ty);
        if scalar_type(lowered).is_some() || matches!(lowered, Type::Slice(_) | Type::Unit) {
            let values = self.values(operand);
            self.store_values(place, &values);
            return;
        }
        let from = self.scalar(operand);
        let to = self.address(place);
        let needs = layout::of(self.program, ty);
        self.copy_bytes(to, from, needs.size);
    }

    pub(crate) fn copy_bytes(&mut self, to: Value, from: Value, size: u64) {
        if size > UNROLLED_BYTES {
            let whole = size & !7;
            self.each_word(whole, |lowering, at| {
                let source = lowering.builder.ins().iadd(from, at);
                let target = lowering.builder.ins().iadd(to, at);
                let word = lowering.builder.ins().load(I64, unaligned(), source, 0);
                lowering.builder.ins().store(unaligned(), word, target, 0);
            });
            self.copy_tail(to, from, whole, size);
        } else {
            self.copy_tail(to, from, 0, size);
        }
    }

    fn copy_tail(&mut self, to: Value, from: Value, start: u64, size: u64) {
        let mut at = start;
        for (ty, bytes) in [(I64, 8), (I32, 4), (I16, 2), (I8, 1)] {
            while size - at >= bytes {
                let word = self.builder.ins().load(ty, unaligned(), from, at as i32);
                self.builder.ins().store(unaligned(), word, to, at as i32);
                at += bytes;
            }
        }
    }

    /// Emits a loop over the offsets of `bytes / 8` words.
    fn each_word(&mut self, bytes: u64, each: impl FnOnce(&mut Self, Value)) {
        let (head, end) = (self.builder.create_block(), self.builder.create_block());
        let at = self.builder.append_block_param(head, I64);
        let zero = self.builder.ins().iconst(I64, 0);
        self.builder.ins().jump(head, &[BlockArg::Value(zero)]);
        self.builder.switch_to_block(head);
        each(self, at);
        let next = self.builder.ins().iadd_imm_s(at, 8);
        let limit = self.builder.ins().iconst(I64, bytes as i64);
        let more = self.builder.ins().icmp(IntCC::UnsignedLessThan, next, limit);
        self.builder.ins().brif(more, head, &[BlockArg::Value(next)], end, &[]);
        self.builder.switch_to_block(end);
    }

    /// Fills a place with zero.
    pub(crate) fn zero(&mut self, place: &Place) {
        let (location, ty) = self.location(place);
        match location {
            Location::Nothing => {}
            Location::Scalar(variable) => {
                let value = match scalar_type(self.program.type_of(ty)) {
                    Some(F32) => self.builder.ins().f32const(0.0),
                    Some(ty) if ty.is_float() => self.builder.ins().f64const(0.0),
                    ty => self.builder.ins().iconst(ty.unwrap_or(I64), 0),
                };
                self.builder.def_var(variable, value);
            }
            Location::View(pointer, length) => {
                let zero = self.builder.ins().iconst(I64, 0);
                self.builder.def_var(pointer, zero);
                self.builder.def_var(length, zero);
            }
            Location::Memory(base, offset) => {
                let size = layout::of(self.program, ty).size;
                let to = self.builder.ins().iadd_imm_s(base, i64::from(offset));
                self.zero_bytes(to, size);
            }
        }
    }

    fn zero_bytes(&mut self, to: Value, size: u64) {
        let mut at = 0;
        if size > UNROLLED_BYTES {
            at = size & !7;
            let zero = self.builder.ins().iconst(I64, 0);
            self.each_word(at, |lowering, offset| {
                let target = lowering.builder.ins().iadd(to, offset);
                lowering.builder.ins().store(unaligned(), zero, target, 0);
            });
        }
        for (ty, bytes) in [(I64, 8), (I32, 4), (I16, 2), (I8, 1)] {
            while size - at >= bytes {
                let zero = self.builder.ins().iconst(ty, 0);
                self.builder.ins().store(unaligned(), zero, to, at as i32);
                at += bytes;
            }
        }
    }

    /// Stores an enum's tag.
    pub(crate) fn set_tag(&mut self, place: &Place, tag: Value) {
        let address = self.address(place);
        self.builder.ins().store(trusted(), tag, address, 0);
    }

    /// Pointer and length of an array or slice place.
    pub(crate) fn extent(&mut self, place: &Place) -> (Value, Value, TypeId) {
        let ty = self.program.place_type(self.function, place);
        match self.program.type_of(ty) {
            Type::Array(element, count) => {
                let (element, count) = (*element, *count as i64);
                (self.address(place), self.builder.ins().iconst(I64, count), element)
            }
            Type::Slice(element) => {
                let element = *element;
                let values = self.values(&Operand::Copy(place.clone()));
                (values[0], values[1], element)
            }
            ty => panic!("{ty:?} has no elements"),
        }
    }
}

/// Flags of an access whose alignment is not known.
fn unaligned() -> cranelift_codegen::ir::MemFlagsData {
    cranelift_codegen::ir::MemFlagsData::new().with_notrap()
}
