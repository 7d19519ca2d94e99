//! A guest's image, loaded.

use crate::error::Error;
use crate::machine::{Entry, Guest, Pool};
use crate::value::{FunctionType, ValueType};
use sci::image::Image;
use sci::linkage::{Callable, Extern, Global, Linkage, Memory, Segment, Table, in_registers};
use sci::section::SectionKind;
use sci::sign::PublicKey;
use std::collections::HashMap;
use std::sync::Arc;

/// What a slot leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// An imported function, by number.
    Import(u32),
    /// A function that the runtime owes, by number.
    Runtime(u32),
}

/// A way in to a function of the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub ty: u32,
    pub place: u32,
    pub entry: Entry,
}

pub(crate) struct Inner {
    /// What names the image, whoever signed it.
    pub digest: [u8; 32],
    /// Address spaces of instances that are gone.
    pub pool: Arc<Pool>,
    pub types: Vec<FunctionType>,
    pub registers: Vec<bool>,
    pub imports: Vec<(String, String, Extern)>,
    pub exports: Vec<(String, Extern)>,
    pub bindings: Vec<Binding>,
    pub tables: Vec<Table>,
    pub memories: Vec<Memory>,
    pub globals: Vec<Global>,
    /// By function number.
    pub ways: HashMap<u32, Way>,
    /// Function numbers by place.
    pub places: HashMap<u32, u32>,
    pub elements: Vec<Segment>,
    /// Where the lengths of data segments stand.
    pub data: Vec<u64>,
    pub fuel: Option<u64>,
    pub instantiate: Option<Entry>,
    pub start: Option<u32>,
    pub traps: Vec<u8>,
    pub symbols: Vec<u8>,
    pub source_map: Vec<u8>,
    pub debug: Vec<u8>,
}

/// A guest's image, loaded: instances are made of it.
#[derive(Clone)]
pub struct Module(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Module {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Module").field("exports", &self.0.exports.len()).finish_non_exhaustive()
    }
}

impl Module {
    /// Loads an image that one of the keys has signed.
    pub fn load(bytes: &[u8], keys: &[PublicKey]) -> Result<Self, Error> {
        let image = Image::verify(bytes).map_err(crate::machine::GuestError::Image)?;
        let table = image.bytes_of(SectionKind::Linkage);
        let linkage: Linkage<'_> = sci::linkage::read(table).ok_or(Error::Linkage)?;
        let mut slots = Vec::new();
        let mut bindings = Vec::new();
        for import in &linkage.imports {
            if let (Extern::Function(number, _), Some(slot)) = (import.kind, import.slot) {
                slots.push(slot);
                bindings.push(Binding::Import(number));
            }
        }
        for (number, slot) in &linkage.runtime {
            slots.push(slot);
            bindings.push(Binding::Runtime(number));
        }
        let guest = Guest::new(&image, &linkage, slots, keys)?;
        let types: Vec<FunctionType> = linkage
            .types
            .iter()
            .map(|ty| FunctionType {
                parameters: ty.parameters.iter().map(|number| ValueType::of(*number)).collect(),
                results: ty.results.iter().map(|number| ValueType::of(*number)).collect(),
            })
            .collect();
        let registers = linkage
            .types
            .iter()
            .map(|ty| in_registers(ty.parameters.iter().copied(), ty.results.iter().copied()))
            .collect();
        let mut ways = HashMap::new();
        let mut places = HashMap::new();
        for Callable { function, ty, place, entry } in &linkage.callables {
            let entry = guest.entry(entry).ok_or(Error::Linkage)?;
            let place = place.checked_sub(sci::linkage::PLACE_ORIGIN).ok_or(Error::Linkage)?;
            ways.insert(function, Way { ty, place, entry });
            places.insert(place, function);
        }
        let owned = |kind| image.bytes_of(kind).to_vec();
        Ok(Self(Arc::new(Inner {
            digest: sci::digest::image_digest(&image),
            types,
            registers,
            imports: linkage
                .imports
                .iter()
                .map(|import| (import.module.to_owned(), import.item.to_owned(), import.kind))
                .collect(),
            exports: linkage.exports.iter().map(|export| (export.name.to_owned(), export.kind)).collect(),
            bindings,
            tables: linkage.tables.iter().collect(),
            memories: linkage.memories.iter().collect(),
            globals: linkage.globals.iter().collect(),
            ways,
            places,
            elements: linkage.elements.iter().collect(),
            data: linkage.data.iter().collect(),
            fuel: linkage.fuel,
            instantiate: linkage.instantiate.and_then(|offset| guest.entry(offset)),
            start: linkage.start,
            traps: owned(SectionKind::Traps),
            symbols: owned(SectionKind::Symbols),
            source_map: owned(SectionKind::SourceMap),
            debug: owned(SectionKind::Debug),
            pool: Arc::new(Pool::new(Arc::clone(guest.program()), 0)),
        })))
    }

    /// Keeps the address spaces of at most so many instances that are gone, made as new, for those to come. At first
    /// it keeps none.
    pub fn keep(&self, instances: usize) {
        self.0.pool.set_bound(instances);
    }

    /// What it imports: module, item, and what that must be.
    pub fn imports(&self) -> impl Iterator<Item = (&str, &str, ExternType)> {
        self.0
            .imports
            .iter()
            .map(|(module, item, kind)| (module.as_str(), item.as_str(), self.0.extern_type(*kind)))
    }

    /// What it exports.
    pub fn exports(&self) -> impl Iterator<Item = (&str, ExternType)> {
        self.0.exports.iter().map(|(name, kind)| (name.as_str(), self.0.extern_type(*kind)))
    }
}

/// The type of what is imported or exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Function(FunctionType),
    /// A table: elements' type, elements at first and at most.
    Table(ValueType, u64, Option<u64>),
    /// A memory: pages at first and at most.
    Memory(u64, Option<u64>),
    /// A global: its type, whether it changes.
    Global(ValueType, bool),
}

impl std::fmt::Display for ExternType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = |most: &Option<u64>| most.map_or_else(|| "any number".to_owned(), |most| most.to_string());
        match self {
            Self::Function(ty) => write!(formatter, "a function of type {ty}"),
            Self::Table(ty, minimum, maximum) => {
                write!(formatter, "a table of {minimum} to {} elements, {ty:?}", most(maximum))
            }
            Self::Memory(minimum, maximum) => {
                write!(formatter, "a memory of {minimum} to {} pages", most(maximum))
            }
            Self::Global(ty, mutable) => {
                write!(formatter, "a {} of type {ty:?}", if *mutable { "mutable global" } else { "global" })
            }
        }
    }
}

impl Inner {
    /// The type of a number from 1.
    pub(crate) fn ty(&self, number: u32) -> &FunctionType {
        &self.types[number as usize - 1]
    }

    pub(crate) fn in_registers(&self, number: u32) -> bool {
        self.registers[number as usize - 1]
    }

    pub(crate) fn extern_type(&self, kind: Extern) -> ExternType {
        match kind {
            Extern::Function(_, ty) => ExternType::Function(self.ty(ty).clone()),
            Extern::Table(index) => {
                let table = &self.tables[index as usize];
                ExternType::Table(ValueType::of(table.element), table.minimum, table.maximum)
            }
            Extern::Memory(index) => {
                let memory = &self.memories[index as usize];
                ExternType::Memory(memory.minimum, memory.maximum)
            }
            Extern::Global(index) => {
                let global = &self.globals[index as usize];
                ExternType::Global(ValueType::of(global.ty), global.mutable)
            }
        }
    }
}
