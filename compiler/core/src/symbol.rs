//! Names for what the linker places.

use crate::FunctionId;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    self, ExtFuncData, ExternalName, FuncRef, GlobalValue, GlobalValueData, InstBuilder, SigRef,
    UserExternalName, Value,
};
use cranelift_frontend::FunctionBuilder;
use std::collections::BTreeMap;

/// Something that the linker places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// A function.
    Function(FunctionId),
    /// Where functions' places as values count from, in text: [`sci::linkage::PLACE_ORIGIN`].
    Text,
    /// An offset in rodata.
    Rodata(u32),
    /// An offset in data.
    Data(u32),
    /// An offset in bss.
    Bss(u32),
    /// A slot, by number.
    Slot(u32),
    /// The start page.
    StartPage,
    /// The instance block.
    InstanceBlock,
    /// Linear memory 0.
    Linear,
    /// The lowest address that the stack pointer may have at a function's entry, where depth is checked.
    StackLimit,
}

impl Symbol {
    /// The name that Cranelift carries.
    pub const fn name(self) -> UserExternalName {
        let (namespace, index) = match self {
            Self::Function(id) => (0, id.0),
            Self::Text => (1, 0),
            Self::Rodata(offset) => (2, offset),
            Self::Data(offset) => (3, offset),
            Self::Bss(offset) => (4, offset),
            Self::Slot(number) => (5, number),
            Self::StartPage => (6, 0),
            Self::InstanceBlock => (7, 0),
            Self::Linear => (8, 0),
            Self::StackLimit => (9, 0),
        };
        UserExternalName { namespace, index }
    }

    /// The symbol of a name.
    pub const fn of(name: &UserExternalName) -> Option<Self> {
        Some(match name.namespace {
            0 => Self::Function(FunctionId(name.index)),
            1 => Self::Text,
            2 => Self::Rodata(name.index),
            3 => Self::Data(name.index),
            4 => Self::Bss(name.index),
            5 => Self::Slot(name.index),
            6 => Self::StartPage,
            7 => Self::InstanceBlock,
            8 => Self::Linear,
            9 => Self::StackLimit,
            _ => return None,
        })
    }
}

/// The symbols that a function's body has named: one name each, so that equal addresses are seen to be equal.
#[derive(Debug, Default)]
pub struct Symbols {
    known: BTreeMap<Symbol, GlobalValue>,
    functions: BTreeMap<FunctionId, FuncRef>,
}

impl Symbols {
    /// The address of a symbol. For state, pages, memory and stack, which belong to one instance, this is Core IR's `instance_addr` operation, here in its
    /// slab form: an address relative to the instruction.
    pub fn address(&mut self, builder: &mut FunctionBuilder<'_>, symbol: Symbol) -> Value {
        let value = *self.known.entry(symbol).or_insert_with(|| {
            let name = builder.func.declare_imported_user_function(symbol.name());
            builder.create_global_value(GlobalValueData::Symbol {
                name: ExternalName::user(name),
                offset: 0.into(),
                colocated: true,
                tls: false,
            })
        });
        builder.ins().symbol_value(I64, value)
    }

    /// A function of the module, for a direct call; `signature` is made where it is first named.
    pub fn function(
        &mut self,
        builder: &mut FunctionBuilder<'_>,
        id: FunctionId,
        signature: impl FnOnce() -> ir::Signature,
    ) -> FuncRef {
        *self.functions.entry(id).or_insert_with(|| {
            let signature = builder.import_signature(signature());
            let name = builder.func.declare_imported_user_function(Symbol::Function(id).name());
            builder.import_function(ExtFuncData {
                name: ExternalName::user(name),
                signature,
                colocated: true,
                patchable: false,
            })
        })
    }

    /// Calls through a slot.
    pub fn call_slot(
        &mut self,
        builder: &mut FunctionBuilder<'_>,
        slot: u32,
        signature: SigRef,
        arguments: &[Value],
    ) -> ir::Inst {
        let word = self.address(builder, Symbol::Slot(slot));
        let flags = ir::MemFlagsData::trusted().with_trap_code(None).with_readonly().with_can_move();
        let target = builder.ins().load(I64, flags, word, 0);
        builder.ins().call_indirect(signature, target, arguments)
    }
}
