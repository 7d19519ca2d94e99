//! One module, validated and read.

use crate::Input;
use crate::item::{Kind, PerKind, Type};
use compiler_wasm::Error;
use std::collections::{BTreeMap, HashMap};
use wasmparser::{
    ConstExpr, DataSectionReader, ElementSectionReader, FuncType, FunctionBody, GlobalType, Imports,
    KnownCustom, MemoryType, Name, Parser, Payload, TableSectionReader, TableType, TypeRef,
};

/// An import: the other module's name, the item's name there, and the number that it has here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Import<'m> {
    pub module: &'m str,
    pub item: &'m str,
    pub kind: Kind,
    pub index: u32,
}

impl std::fmt::Display for Import<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.module, self.item)
    }
}

/// A module.
#[derive(Default)]
pub(crate) struct Module<'m> {
    pub name: &'m str,
    pub file: &'m str,
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'m>>,
    /// Of each kind, how many are imported.
    pub imported: PerKind<u32>,
    /// The type index of each function; imported ones are first, here and below.
    pub functions: Vec<u32>,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<GlobalType>,
    /// The first value of each global that the module defines.
    pub initial: Vec<ConstExpr<'m>>,
    pub exports: Vec<(&'m str, Kind, u32)>,
    by_name: HashMap<&'m str, (Kind, u32)>,
    pub start: Option<u32>,
    pub bodies: Vec<FunctionBody<'m>>,
    pub table_section: Option<TableSectionReader<'m>>,
    pub elements: Option<ElementSectionReader<'m>>,
    pub data: Option<DataSectionReader<'m>>,
    /// Names of functions.
    pub names: BTreeMap<u32, &'m str>,
}

impl<'m> Module<'m> {
    /// Validates and reads.
    pub(crate) fn read(input: Input<'m>) -> Result<Self, Error> {
        compiler_wasm::validate(input.bytes)?;
        let mut module = Self { name: input.name, file: input.file, ..Self::default() };
        for payload in Parser::new(0).parse_all(input.bytes) {
            module.payload(payload?)?;
        }
        module.by_name = module.exports.iter().map(|(name, kind, index)| (*name, (*kind, *index))).collect();
        for (name, kind, index) in &module.exports {
            if *kind == Kind::Function {
                module.names.entry(*index).or_insert(name);
            }
        }
        Ok(module)
    }

    fn payload(&mut self, payload: Payload<'m>) -> Result<(), Error> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(ty?);
                }
            }
            Payload::ImportSection(section) => {
                for imports in section {
                    // Compact groups belong to a feature that is refused.
                    if let Imports::Single(_, import) = imports? {
                        self.import(&import);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    self.tables.push(table?.ty);
                }
                self.table_section = Some(section);
            }
            Payload::MemorySection(section) => {
                for ty in section {
                    self.memories.push(ty?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.globals.push(global.ty);
                    self.initial.push(global.init_expr);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.extend(Kind::of(export.kind).map(|kind| (export.name, kind, export.index)));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => self.elements = Some(section),
            Payload::DataSection(section) => self.data = Some(section),
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::CustomSection(section) => {
                let KnownCustom::Name(names) = section.as_known() else { return Ok(()) };
                // Names are for people: damaged ones are left out.
                for name in names.into_iter().flatten() {
                    let Name::Function(names) = name else { continue };
                    self.names.extend(names.into_iter().flatten().map(|name| (name.index, name.name)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: &wasmparser::Import<'m>) {
        let kind = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.functions.push(ty);
                Kind::Function
            }
            TypeRef::Table(ty) => {
                self.tables.push(ty);
                Kind::Table
            }
            TypeRef::Memory(ty) => {
                self.memories.push(ty);
                Kind::Memory
            }
            TypeRef::Global(ty) => {
                self.globals.push(ty);
                Kind::Global
            }
            TypeRef::Tag(_) => return,
        };
        let index = self.imported[kind];
        self.imported[kind] += 1;
        self.imports.push(Import { module: import.module, item: import.name, kind, index });
    }

    /// How many items of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> u32 {
        let count = match kind {
            Kind::Function => self.functions.len(),
            Kind::Table => self.tables.len(),
            Kind::Memory => self.memories.len(),
            Kind::Global => self.globals.len(),
        };
        count as u32
    }

    /// The numbers of the items of a kind that the module defines.
    pub(crate) fn defined(&self, kind: Kind) -> std::ops::Range<u32> {
        self.imported[kind]..self.count(kind)
    }

    /// The type of an item.
    pub(crate) fn ty(&self, kind: Kind, index: u32) -> Type<'_> {
        let index = index as usize;
        match kind {
            Kind::Function => Type::Function(&self.types[self.functions[index] as usize]),
            Kind::Table => Type::Table(self.tables[index]),
            Kind::Memory => Type::Memory(self.memories[index]),
            Kind::Global => Type::Global(self.globals[index]),
        }
    }

    /// The item exported by a name.
    pub(crate) fn export(&self, name: &str) -> Option<(Kind, u32)> {
        self.by_name.get(name).copied()
    }

    /// A function's name, or its number in the module.
    pub(crate) fn function_name(&self, index: u32) -> String {
        self.names.get(&index).map_or_else(|| format!("function[{index}]"), |name| (*name).to_owned())
    }
}
