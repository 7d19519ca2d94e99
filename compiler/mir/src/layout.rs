//! Size and alignment of types: declaration order, natural alignment, little-endian.

use crate::ir::{Program, Type, TypeId};

/// Size and alignment in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes, a multiple of the alignment.
    pub size: u64,
    /// Bytes, a power of two.
    pub align: u64,
}

/// Bytes of an enum's tag, at offset 0.
pub const TAG_BYTES: u64 = 4;

/// `offset` rounded up to a multiple of `align`, a power of two.
pub const fn align_up(offset: u64, align: u64) -> u64 {
    offset.saturating_add(align - 1) & !(align - 1)
}

/// Layout of a type. Sizes beyond 64 bits saturate: they are beyond every limit.
pub fn of(program: &Program, ty: TypeId) -> Layout {
    match program.type_of(ty) {
        Type::Unit => Layout { size: 0, align: 1 },
        Type::Bool => Layout { size: 1, align: 1 },
        Type::Int { bits, .. } | Type::Float { bits } => {
            Layout { size: u64::from(*bits) / 8, align: u64::from(*bits) / 8 }
        }
        Type::Slice(_) => Layout { size: 16, align: 8 },
        Type::Handle { .. } => Layout { size: 8, align: 8 },
        Type::Array(element, count) => {
            let element = of(program, *element);
            Layout { size: element.size.saturating_mul(*count), align: element.align }
        }
        Type::Struct { fields, .. } => {
            let (end, align) = row(program, 0, fields.iter().map(|(_, ty)| *ty));
            Layout { size: align_up(end, align), align }
        }
        Type::Enum { variants, .. } => {
            let mut size = TAG_BYTES;
            let mut align = TAG_BYTES;
            for variant in variants {
                let (end, needs) = row(program, TAG_BYTES, variant.fields.iter().copied());
                size = size.max(end);
                align = align.max(needs);
            }
            Layout { size: align_up(size, align), align }
        }
    }
}

/// Offset of a struct's field.
pub fn field_offset(program: &Program, ty: TypeId, field: u32) -> u64 {
    let Type::Struct { fields, .. } = program.type_of(ty) else { panic!("fields belong to structs") };
    offset_in_row(program, 0, fields.iter().map(|(_, ty)| *ty), field)
}

/// Offset of a variant's field within its enum.
pub fn payload_offset(program: &Program, ty: TypeId, variant: u32, field: u32) -> u64 {
    let Type::Enum { variants, .. } = program.type_of(ty) else { panic!("payloads belong to enums") };
    offset_in_row(program, TAG_BYTES, variants[variant as usize].fields.iter().copied(), field)
}

fn row(program: &Program, start: u64, types: impl Iterator<Item = TypeId>) -> (u64, u64) {
    types.fold((start, 1), |(end, align), ty| {
        let layout = of(program, ty);
        (align_up(end, layout.align).saturating_add(layout.size), align.max(layout.align))
    })
}

fn offset_in_row(program: &Program, start: u64, types: impl Iterator<Item = TypeId>, field: u32) -> u64 {
    let mut end = start;
    for (index, ty) in types.enumerate() {
        let layout = of(program, ty);
        end = align_up(end, layout.align);
        if index as u32 == field {
            return end;
        }
        end = end.saturating_add(layout.size);
    }
    panic!("field {field} does not exist")
}
