//! What a module imports and exports.

use crate::value::{Kind, Signature};
use wasmparser::{ExternalKind, FuncType, Parser, Payload, RefType, TypeRef, ValType};

/// The type of something imported or exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A function.
    Function(Signature),
    /// A table: elements' type, elements at first and at most.
    Table(Kind, u32, Option<u32>),
    /// A memory: pages at first and at most.
    Memory(u32, Option<u32>),
    /// A global: its type, and whether it changes.
    Global(Kind, bool),
}

/// What a module imports and exports.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Module, item, type.
    pub imports: Vec<(String, String, Item)>,
    /// Name and type.
    pub exports: Vec<(String, Item)>,
}

/// Why a module cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error(transparent)]
    Reader(#[from] wasmparser::BinaryReaderError),
    /// It has what is not compared.
    #[error("it has {0}")]
    Strange(&'static str),
}

fn kind(ty: ValType) -> Result<Kind, Error> {
    Ok(match ty {
        ValType::I32 => Kind::I32,
        ValType::I64 => Kind::I64,
        ValType::F32 => Kind::F32,
        ValType::F64 => Kind::F64,
        ValType::V128 => Kind::V128,
        ValType::Ref(ty) => reference(ty)?,
    })
}

fn reference(ty: RefType) -> Result<Kind, Error> {
    match ty {
        RefType::FUNCREF => Ok(Kind::Function),
        RefType::EXTERNREF => Ok(Kind::External),
        _ => Err(Error::Strange("references of other types")),
    }
}

fn kinds(types: &[ValType]) -> Result<Vec<Kind>, Error> {
    types.iter().map(|ty| kind(*ty)).collect()
}

/// A module's items as they are read.
#[derive(Default)]
struct Reader {
    types: Vec<FuncType>,
    functions: Vec<Item>,
    tables: Vec<Item>,
    memories: Vec<Item>,
    globals: Vec<Item>,
}

impl Reader {
    fn item(&self, ty: TypeRef) -> Result<Item, Error> {
        Ok(match ty {
            TypeRef::Func(ty) => {
                let ty = self.types.get(ty as usize).ok_or(Error::Strange("no such type"))?;
                let (parameters, results) = (kinds(ty.params())?, kinds(ty.results())?);
                Item::Function(Signature { parameters, results })
            }
            TypeRef::Table(ty) => Item::Table(
                reference(ty.element_type)?,
                ty.initial as u32,
                ty.maximum.map(|most| most as u32),
            ),
            TypeRef::Memory(ty) => Item::Memory(ty.initial as u32, ty.maximum.map(|most| most as u32)),
            TypeRef::Global(ty) => Item::Global(kind(ty.content_type)?, ty.mutable),
            _ => return Err(Error::Strange("items of other types")),
        })
    }

    fn add(&mut self, item: Item) {
        let list = match item {
            Item::Function(_) => &mut self.functions,
            Item::Table(..) => &mut self.tables,
            Item::Memory(..) => &mut self.memories,
            Item::Global(..) => &mut self.globals,
        };
        list.push(item);
    }
}

impl Plan {
    /// Reads a module.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut plan = Self::default();
        let mut reader = Reader::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        reader.types.push(ty?);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let item = reader.item(import.ty)?;
                        reader.add(item.clone());
                        plan.imports.push((import.module.to_owned(), import.name.to_owned(), item));
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        let item = reader.item(TypeRef::Func(ty?))?;
                        reader.add(item);
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        let item = reader.item(TypeRef::Table(table?.ty))?;
                        reader.add(item);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let item = reader.item(TypeRef::Memory(memory?))?;
                        reader.add(item);
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let item = reader.item(TypeRef::Global(global?.ty))?;
                        reader.add(item);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        let list = match export.kind {
                            ExternalKind::Func => &reader.functions,
                            ExternalKind::Table => &reader.tables,
                            ExternalKind::Memory => &reader.memories,
                            ExternalKind::Global => &reader.globals,
                            _ => return Err(Error::Strange("exports of other types")),
                        };
                        let item = list.get(export.index as usize).ok_or(Error::Strange("no such item"))?;
                        plan.exports.push((export.name.to_owned(), item.clone()));
                    }
                }
                _ => {}
            }
        }
        Ok(plan)
    }

    /// Names of a first module's exports that stand for the imports, whose names are the exports' numbers.
    pub fn from_first<'f>(&self, first: &'f Self) -> Vec<&'f str> {
        let number = |(_, item, _): &(String, String, Item)| item.parse::<usize>().ok();
        let exports = self.imports.iter().map(|import| first.exports.get(number(import)?));
        exports.filter_map(|export| Some(export?.0.as_str())).collect()
    }

    /// Names and types of the exported functions.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Signature)> {
        self.exports.iter().filter_map(|(name, item)| match item {
            Item::Function(signature) => Some((name.as_str(), signature)),
            _ => None,
        })
    }
}
