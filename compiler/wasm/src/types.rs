//! WebAssembly's types as Cranelift's, and how functions of a type are called.

use cranelift_codegen::ir::types::{F32, F64, I8X16, I32, I64};
use cranelift_codegen::ir::{AbiParam, Signature, Type};
use cranelift_codegen::isa::CallConv;
use sci::linkage::{in_registers, value};
use wasmparser::{FuncType, RefType, ValType};

/// The Cranelift type of a value. A reference is a 32-bit number: 0 is null.
pub(crate) fn value_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 | ValType::Ref(_) => I32,
        ValType::I64 => I64,
        ValType::F32 => F32,
        ValType::F64 => F64,
        ValType::V128 => I8X16,
    }
}

/// How functions are called inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// As at its boundary.
    SystemV,
    /// So that a call can take the place of its caller, because some function of the module asks for that.
    Tail,
}

impl Convention {
    pub(crate) fn call_conv(self) -> CallConv {
        match self {
            Self::SystemV => CallConv::SystemV,
            Self::Tail => CallConv::Tail,
        }
    }
}

/// Results of each class, integer and float, that registers hold.
const RESULT_REGISTERS: usize = 2;
fn floats(types: &[ValType]) -> usize {
    types.iter().filter(|ty| matches!(ty, ValType::F32 | ValType::F64 | ValType::V128)).count()
}

/// Whether a function of the type gives its results through memory: a pointer to 16-byte cells is its last parameter.
pub(crate) fn results_in_memory(ty: &FuncType) -> bool {
    let floats = floats(ty.results());
    floats > RESULT_REGISTERS || ty.results().len() - floats > RESULT_REGISTERS
}

/// The signature of a function inside the image.
pub(crate) fn signature(ty: &FuncType, convention: Convention) -> Signature {
    let mut signature = Signature::new(convention.call_conv());
    signature.params.extend(ty.params().iter().map(|ty| AbiParam::new(value_type(*ty))));
    if results_in_memory(ty) {
        signature.params.push(AbiParam::new(I64));
    } else {
        signature.returns.extend(ty.results().iter().map(|ty| AbiParam::new(value_type(*ty))));
    }
    signature
}

/// Whether a call at the image's boundary passes the type's values in registers.
pub(crate) fn fits_boundary(ty: &FuncType) -> bool {
    let number = |ty: &ValType| value_number(*ty);
    in_registers(ty.params().iter().map(number), ty.results().iter().map(number))
}

/// The number of a type, as the linkage table has it.
pub(crate) fn value_number(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => value::I32,
        ValType::I64 => value::I64,
        ValType::F32 => value::F32,
        ValType::F64 => value::F64,
        ValType::V128 => value::V128,
        ValType::Ref(RefType::FUNCREF) => value::FUNCTION,
        ValType::Ref(_) => value::EXTERNAL,
    }
}

/// The signature of a function of the type at the image's boundary.
pub(crate) fn boundary_signature(ty: &FuncType) -> Signature {
    if fits_boundary(ty) {
        return signature(ty, Convention::SystemV);
    }
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.push(AbiParam::new(I64));
    signature
}
