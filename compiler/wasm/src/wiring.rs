//! How the image of a module joins its surroundings: what the linker writes for loaders.

use crate::module::ImportKind;
use crate::types::value_number;
use crate::unit::WasmUnit;
use compiler_core::{FunctionId, Symbol};
use std::ops::Range;
use wasmparser::{ExternalKind, FuncType, ValType};

/// A function that can be called from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callable {
    /// Its number in the module.
    pub function: u32,
    /// Number of its type, from 1.
    pub ty: u32,
    /// The function itself.
    pub own: FunctionId,
    /// Where calls enter.
    pub entry: FunctionId,
}

/// Numbers of the types of a function's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Of its parameters.
    pub parameters: Vec<u8>,
    /// Of its results.
    pub results: Vec<u8>,
}

/// An import: module, item, what it is, and the slot of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import<'m> {
    /// Module.
    pub module: &'m str,
    /// Item.
    pub item: &'m str,
    /// What it is.
    pub kind: sci::linkage::Extern,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Number of its elements' type.
    pub element: u8,
    /// Elements at the beginning.
    pub minimum: u64,
    /// Elements at most.
    pub maximum: Option<u64>,
    /// Its descriptor.
    pub descriptor: Symbol,
    /// Its elements, unless it is imported.
    pub storage: Option<Symbol>,
}

/// A global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// Number of its type.
    pub ty: u8,
    /// Whether it changes.
    pub mutable: bool,
    /// Its cell.
    pub cell: Symbol,
}

/// DWARF, as the module holds it: nobody has checked it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dwarf<'m> {
    /// The sections: name and bytes.
    pub sections: Vec<(&'m str, &'m [u8])>,
    /// Where the module's code section has its content.
    pub code: Range<u64>,
}

/// What [`sci::linkage::Linkage`] says, before the linker has placed anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring<'m> {
    /// Types, by number from 1.
    pub types: Vec<Type>,
    /// Imports.
    pub imports: Vec<Import<'m>>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Memories: pages at the beginning and at most.
    pub memories: Vec<(u64, Option<u64>)>,
    /// Whether memory 0 is the module's own.
    pub owns_memory: bool,
    /// Content of memory 0.
    pub content: &'m [u8],
    /// Globals.
    pub globals: Vec<Global>,
    /// Exports.
    pub exports: Vec<(&'m str, sci::linkage::Extern)>,
    /// Functions that can be called from outside.
    pub callables: Vec<Callable>,
    /// Segments of elements: items, and the word of the length.
    pub elements: Vec<(Symbol, Symbol)>,
    /// Segments of data: the word of the length.
    pub data: Vec<Symbol>,
    /// Where the fuel that is left stands, if it is counted.
    pub fuel: Option<Symbol>,
    /// Function that computes an instance's state.
    pub instantiate: Option<FunctionId>,
    /// Function to call after that, by its number in the module.
    pub start: Option<u32>,
    /// What the module says of the sources that it was made of.
    pub dwarf: Dwarf<'m>,
}

impl Wiring<'_> {
    /// The function that can be called from outside of a number; an imported one cannot.
    pub fn callable(&self, function: u32) -> Option<&Callable> {
        self.callables.iter().find(|callable| callable.function == function)
    }

    /// The module's own function that is exported as a function of the lifecycle, if it has such a function's type.
    pub fn lifecycle(&self, item: &str) -> Option<FunctionId> {
        let (_, exported) = self.exports.iter().find(|(name, _)| *name == item)?;
        let sci::linkage::Extern::Function(function, ty) = *exported else { return None };
        let ty = self.types.get(ty.checked_sub(1)? as usize)?;
        let answers = ty.results.is_empty() || ty.results == [sci::linkage::value::I32];
        let fits = ty.parameters.is_empty() && answers;
        self.callable(function).filter(|_| fits).map(|callable| callable.own)
    }
}

fn type_of(ty: &FuncType) -> Type {
    let numbers = |types: &[ValType]| types.iter().map(|ty| value_number(*ty)).collect();
    Type { parameters: numbers(ty.params()), results: numbers(ty.results()) }
}

impl WasmUnit<'_> {
    /// How the unit's image joins its surroundings.
    pub fn wiring(&self) -> Wiring<'_> {
        let module = &self.module;
        let type_of_function = |function: u32| module.type_ids[module.functions[function as usize] as usize];
        let mut types: Vec<Type> = Vec::new();
        for (ty, id) in module.types.iter().zip(&module.type_ids) {
            if *id as usize > types.len() {
                types.push(type_of(ty));
            }
        }
        let imports = module.imports.iter().map(|import| Import {
            module: import.module,
            item: import.item,
            kind: match import.kind {
                ImportKind::Function(index) => sci::linkage::Extern::Function(index, type_of_function(index)),
                ImportKind::Table(index) => sci::linkage::Extern::Table(index),
                ImportKind::Memory(index) => sci::linkage::Extern::Memory(index),
                ImportKind::Global(index) => sci::linkage::Extern::Global(index),
            },
        });
        let exports = module.exports.iter().filter_map(|(name, kind, index)| {
            let kind = match kind {
                ExternalKind::Func | ExternalKind::FuncExact => {
                    sci::linkage::Extern::Function(*index, type_of_function(*index))
                }
                ExternalKind::Table => sci::linkage::Extern::Table(*index),
                ExternalKind::Memory => sci::linkage::Extern::Memory(*index),
                ExternalKind::Global => sci::linkage::Extern::Global(*index),
                ExternalKind::Tag => return None,
            };
            Some((*name, kind))
        });
        let tables = module.tables.iter().zip(&self.state.tables).map(|(table, place)| Table {
            element: value_number(ValType::Ref(table.ty.element_type)),
            minimum: table.ty.initial,
            maximum: table.ty.maximum,
            descriptor: Symbol::Data(place.descriptor),
            storage: place.storage,
        });
        let globals = module.globals.iter().zip(&self.state.globals).map(|(global, cell)| Global {
            ty: value_number(global.ty.content_type),
            mutable: global.ty.mutable,
            cell: Symbol::Data(*cell),
        });
        let callables = self.callables().into_iter().map(|function| Callable {
            function,
            ty: type_of_function(function),
            own: FunctionId(function - module.imported_functions),
            entry: self.entry_of(function),
        });
        Wiring {
            types,
            imports: imports.collect(),
            tables: tables.collect(),
            memories: module.memories.iter().map(|memory| (memory.ty.initial, memory.ty.maximum)).collect(),
            owns_memory: module.memories.first().is_some_and(|memory| !memory.imported),
            content: &self.state.content,
            globals: globals.collect(),
            exports: exports.collect(),
            callables: callables.collect(),
            data: self.state.data.iter().map(|(_, word)| Symbol::Data(*word)).collect(),
            elements: self.state.elements.iter().map(|(items, word)| (*items, Symbol::Data(*word))).collect(),
            fuel: self.state.fuel.map(Symbol::Data),
            instantiate: self.instantiate(),
            start: module.start,
            dwarf: module.dwarf.clone(),
        }
    }
}
