//! A module, read and validated but for its functions' bodies.

use crate::error::{Error, limit};
use crate::features::{self, SUPPORTED};
use crate::scan::{self, Facts};
use crate::wiring::Dwarf;
use sci::contract::well_formed;
use sci::limits::wasm;
use std::collections::{BTreeMap, HashMap};
use wasmparser::{
    BinaryReaderError, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FuncToValidate,
    FuncType, FunctionBody, GlobalType, Imports, KnownCustom, MemoryType, Name, Operator, Parser, Payload,
    TableInit, TableType, TypeRef, ValidPayload, Validator, ValidatorResources,
};

/// What the names of sections with DWARF begin with.
const DWARF: &str = ".debug_";

/// What an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Import<'m> {
    pub module: &'m str,
    pub item: &'m str,
    pub kind: ImportKind,
    /// Where it stands in the module.
    pub offset: u64,
}

/// The kind of an import, and its index among those of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportKind {
    Function(u32),
    Table(u32),
    Memory(u32),
    Global(u32),
}

pub(crate) struct Table<'m> {
    pub ty: TableType,
    pub imported: bool,
    pub initial: Option<ConstExpr<'m>>,
}

pub(crate) struct Memory {
    pub ty: MemoryType,
    pub imported: bool,
}

pub(crate) struct Global<'m> {
    pub ty: GlobalType,
    /// `None` where it is imported.
    pub initial: Option<ConstExpr<'m>>,
}

/// When a segment is copied.
pub(crate) enum Placement<'m> {
    /// When the code says so.
    Passive,
    /// At instantiation: the table or memory, and where in it.
    Active(u32, ConstExpr<'m>),
    /// Never.
    Declared,
}

pub(crate) enum Item<'m> {
    Function(u32),
    Expression(ConstExpr<'m>),
}

pub(crate) struct Elements<'m> {
    pub placement: Placement<'m>,
    pub items: Vec<Item<'m>>,
}

pub(crate) struct Data<'m> {
    pub placement: Placement<'m>,
    pub bytes: &'m [u8],
}

/// A module.
#[derive(Default)]
pub(crate) struct Module<'m> {
    pub types: Vec<FuncType>,
    /// Equal types have equal numbers, from 1.
    pub type_ids: Vec<u32>,
    pub imports: Vec<Import<'m>>,
    /// Type index of each function, imported ones first.
    pub functions: Vec<u32>,
    pub imported_functions: u32,
    pub tables: Vec<Table<'m>>,
    pub memories: Vec<Memory>,
    pub globals: Vec<Global<'m>>,
    pub exports: Vec<(&'m str, ExternalKind, u32)>,
    pub start: Option<u32>,
    pub elements: Vec<Elements<'m>>,
    pub data: Vec<Data<'m>>,
    pub bodies: Vec<FunctionBody<'m>>,
    pub facts: Vec<Facts>,
    pub names: BTreeMap<u32, &'m str>,
    pub resources: Option<ValidatorResources>,
    pub dwarf: Dwarf<'m>,
}

impl<'m> Module<'m> {
    pub(crate) fn read(bytes: &'m [u8]) -> Result<Self, Error> {
        limit("bytes of the module", bytes.len() as u64, wasm::MODULE_BYTES_MAX)?;
        let mut module = Self::default();
        let mut validator = Validator::new_with_features(SUPPORTED);
        for payload in Parser::new(0).parse_all(bytes) {
            let wrong = |error: BinaryReaderError| features::explain(bytes, &error);
            let payload = payload.map_err(wrong)?;
            let valid = validator.payload(&payload).map_err(wrong)?;
            if let ValidPayload::Func(function, body) = valid {
                let FuncToValidate { resources, .. } = function;
                module.resources.get_or_insert(resources);
                let facts = scan::body(&body).map_err(wrong)?;
                module.facts.push(facts);
                module.bodies.push(body);
                continue;
            }
            module.payload(payload)?;
        }
        module.check_limits()?;
        // A function without a name of its own is known by that of its first export.
        for (name, kind, index) in &module.exports {
            if matches!(kind, ExternalKind::Func | ExternalKind::FuncExact) {
                module.names.entry(*index).or_insert(name);
            }
        }
        // Bodies are not validated yet: what they name may not exist.
        let functions = module.functions.len() as u32;
        for facts in &mut module.facts {
            facts.calls.retain(|function| *function < functions);
            facts.references.retain(|function| *function < functions);
        }
        Ok(module)
    }

    fn payload(&mut self, payload: Payload<'m>) -> Result<(), Error> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(ty?);
                }
                let mut known: HashMap<&FuncType, u32> = HashMap::new();
                for ty in &self.types {
                    let next = known.len() as u32 + 1;
                    self.type_ids.push(*known.entry(ty).or_insert(next));
                }
            }
            Payload::ImportSection(section) => {
                for imports in section {
                    self.import(&imports?);
                }
                self.imported_functions = self.functions.len() as u32;
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    let initial = match table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(expression) => Some(expression),
                    };
                    self.tables.push(Table { ty: table.ty, imported: false, initial });
                }
            }
            Payload::MemorySection(section) => {
                for ty in section {
                    self.memories.push(Memory { ty: ty?, imported: false });
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.globals.push(Global { ty: global.ty, initial: Some(global.init_expr) });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    self.element(element?)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let placement = match data.kind {
                        DataKind::Passive => Placement::Passive,
                        DataKind::Active { memory_index, offset_expr } => {
                            Placement::Active(memory_index, offset_expr)
                        }
                    };
                    self.data.push(Data { placement, bytes: data.data });
                }
            }
            Payload::CodeSectionStart { unchecked_range, .. } => self.dwarf.code = unchecked_range,
            Payload::CustomSection(section) if section.name().starts_with(DWARF) => {
                self.dwarf.sections.push((section.name(), section.data()));
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    // Names are for people: damaged ones are left out.
                    for name in names.into_iter().flatten() {
                        if let Name::Function(names) = name {
                            self.names
                                .extend(names.into_iter().flatten().map(|name| (name.index, name.name)));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, imports: &Imports<'m>) {
        // Compact groups belong to a feature that is refused.
        let Imports::Single(offset, import) = imports else { return };
        let kind = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.functions.push(ty);
                ImportKind::Function(self.functions.len() as u32 - 1)
            }
            TypeRef::Table(ty) => {
                self.tables.push(Table { ty, imported: true, initial: None });
                ImportKind::Table(self.tables.len() as u32 - 1)
            }
            TypeRef::Memory(ty) => {
                self.memories.push(Memory { ty, imported: true });
                ImportKind::Memory(self.memories.len() as u32 - 1)
            }
            TypeRef::Global(ty) => {
                self.globals.push(Global { ty, initial: None });
                ImportKind::Global(self.globals.len() as u32 - 1)
            }
            TypeRef::Tag(_) => return,
        };
        self.imports.push(Import { module: import.module, item: import.name, kind, offset: *offset });
    }

    fn element(&mut self, element: wasmparser::Element<'m>) -> Result<(), Error> {
        let placement = match element.kind {
            ElementKind::Passive => Placement::Passive,
            ElementKind::Declared => Placement::Declared,
            ElementKind::Active { table_index, offset_expr } => {
                Placement::Active(table_index.unwrap_or(0), offset_expr)
            }
        };
        let items = match element.items {
            ElementItems::Functions(functions) => {
                let items = functions.into_iter().map(|function| function.map(Item::Function));
                items.collect::<Result<_, _>>()?
            }
            ElementItems::Expressions(_, expressions) => {
                let items = expressions.into_iter().map(|expression| expression.map(Item::Expression));
                items.collect::<Result<_, _>>()?
            }
        };
        self.elements.push(Elements { placement, items });
        Ok(())
    }

    fn check_limits(&self) -> Result<(), Error> {
        limit("types", self.types.len() as u64, wasm::TYPES_MAX)?;
        limit("functions", self.functions.len() as u64, wasm::FUNCTIONS_MAX)?;
        limit("imports", self.imports.len() as u64, wasm::IMPORTS_MAX)?;
        limit("exports", self.exports.len() as u64, wasm::EXPORTS_MAX)?;
        limit("globals", self.globals.len() as u64, wasm::GLOBALS_MAX)?;
        limit("tables", self.tables.len() as u64, wasm::TABLES_MAX)?;
        limit("memories", self.memories.len() as u64, wasm::MEMORIES_MAX)?;
        limit("element segments", self.elements.len() as u64, wasm::SEGMENTS_MAX)?;
        limit("data segments", self.data.len() as u64, wasm::SEGMENTS_MAX)?;
        for table in &self.tables {
            limit("elements of a table", table.ty.initial, wasm::TABLE_ELEMENTS_MAX)?;
        }
        for body in &self.bodies {
            limit("bytes of a function", body.as_bytes().len() as u64, wasm::FUNCTION_BYTES_MAX)?;
        }
        Ok(())
    }

    /// Refuses imports whose names no image may have.
    pub(crate) fn check_import_names(&self) -> Result<(), Error> {
        let bad = |import: &&Import<'_>| ![import.module, import.item].into_iter().all(well_formed);
        match self.imports.iter().find(bad) {
            None => Ok(()),
            Some(import) => Err(Error::ImportName {
                offset: import.offset,
                module: import.module.to_owned(),
                item: import.item.to_owned(),
            }),
        }
    }

    /// The type of a function.
    pub(crate) fn function_type(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// Whether a function comes from outside.
    pub(crate) fn is_imported(&self, function: u32) -> bool {
        function < self.imported_functions
    }

    /// The operators of a constant expression, without its end.
    pub(crate) fn operators(expression: &ConstExpr<'m>) -> Vec<Operator<'m>> {
        let operators = expression.get_operators_reader().into_iter().flatten();
        operators.filter(|operator| !matches!(operator, Operator::End)).collect()
    }

    /// A function's name: its own, or that of an export, or its number.
    pub(crate) fn name(&self, function: u32) -> String {
        self.names.get(&function).map_or_else(|| format!("function[{function}]"), |name| (*name).to_owned())
    }
}
