//! Where an instance's state lies: globals, tables, segments, and the content that is known before it runs.

use crate::error::{Error, limit};
use crate::module::{Elements, Global, Item, Module, Placement};
use compiler_core::{FunctionId, FunctionWord, Module as CoreModule, Symbol};
use sci::limits::wasm;
use sci::linkage::{CELL_BYTES, DESCRIPTOR_BYTES, FOREIGN_BIT, PAGE_BYTES, descriptor};
use std::collections::BTreeMap;
use wasmparser::{ConstExpr, ExternalKind, Operator, RefType, ValType};

/// A value known before the instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Bits(u128),
    Function(FunctionId),
}

/// Where a table lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TablePlace {
    /// Its descriptor, an offset in data.
    pub descriptor: u32,
    /// Its elements; `None` where the table is imported.
    pub storage: Option<Symbol>,
    /// Its size, where that never changes.
    pub fixed: Option<u32>,
    /// Whether other instances may reach it, so that what is written must mean the same to them.
    pub shared: bool,
}

/// What instantiation computes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A global's value.
    Global(u32),
    /// The value that fills a table.
    Fill(u32),
    /// One item of an element segment.
    Item(u32, u32),
    /// Copies an element segment.
    Elements(u32),
    /// Copies a data segment.
    Data(u32),
}

/// The places of an instance's state.
#[derive(Default)]
pub(crate) struct State {
    /// Each global's cell: an offset in data.
    pub globals: Vec<u32>,
    pub tables: Vec<TablePlace>,
    /// Each element segment's items, and its length: an offset in data.
    pub elements: Vec<(Symbol, u32)>,
    /// Each data segment's bytes in rodata, and its length: an offset in data.
    pub data: Vec<(u32, u32)>,
    /// Whether references to functions of other instances, or of the host, can come in.
    pub open: bool,
    /// Where the fuel that is left stands: an offset in data; none if it is not counted.
    pub fuel: Option<u32>,
    /// Content of memory 0.
    pub content: Vec<u8>,
    pub steps: Vec<Step>,
    /// Words that hold a function's place; a later segment takes the place of an earlier one.
    words: BTreeMap<Symbol, FunctionId>,
    known: Vec<Option<Known>>,
}

fn align(bytes: &mut Vec<u8>, to: usize) -> u32 {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
    bytes.len() as u32
}

impl State {
    /// Lays the state of a module out in the sections of its code.
    pub(crate) fn new(module: &Module<'_>, core: &mut CoreModule, fuel: bool) -> Result<Self, Error> {
        let mut state = Self::default();
        if fuel {
            state.fuel = Some(align(&mut core.data, CELL_BYTES as usize));
            core.data.extend_from_slice(&[0; CELL_BYTES as usize]);
        }
        state.place_globals(module, core);
        state.place_tables(module, core);
        state.open = state.is_open(module);
        state.place_elements(module, core);
        state.place_data(module, core)?;
        core.words = state
            .words
            .iter()
            .map(|(place, function)| FunctionWord { place: *place, function: *function })
            .collect();
        Ok(state)
    }

    fn place_globals(&mut self, module: &Module<'_>, core: &mut CoreModule) {
        for (index, global) in module.globals.iter().enumerate() {
            let cell = align(&mut core.data, CELL_BYTES as usize);
            let known = global.initial.as_ref().and_then(|initial| self.evaluate(module, initial));
            let bits = if let Some(Known::Bits(bits)) = known { bits } else { 0 };
            core.data.extend_from_slice(&bits.to_le_bytes());
            if let Some(Known::Function(function)) = known {
                self.words.insert(Symbol::Data(cell), function);
            }
            if known.is_none() && global.initial.is_some() {
                self.steps.push(Step::Global(index as u32));
            }
            self.globals.push(cell);
            // A variable's first value is not its value.
            self.known.push(known.filter(|_| !global.ty.mutable));
        }
    }

    fn place_tables(&mut self, module: &Module<'_>, core: &mut CoreModule) {
        for (index, table) in module.tables.iter().enumerate() {
            let index = index as u32;
            let descriptor = align(&mut core.data, CELL_BYTES as usize);
            let exported =
                module.exports.iter().any(|(_, kind, of)| *kind == ExternalKind::Table && *of == index);
            let shared = table.imported || exported;
            let grows = shared || module.facts.iter().any(|facts| facts.grows_tables.contains(&index));
            let initial = table.ty.initial;
            let most = wasm::table_capacity(initial, table.ty.maximum);
            let capacity = if grows { most } else { initial };
            let mut place = [0; DESCRIPTOR_BYTES as usize];
            place[descriptor::SIZE as usize..][..8].copy_from_slice(&initial.to_le_bytes());
            place[descriptor::CAPACITY as usize..][..8].copy_from_slice(&capacity.to_le_bytes());
            core.data.extend_from_slice(&place);
            let storage = if table.imported {
                None
            } else if grows || table.initial.is_some() {
                core.bss_bytes = core.bss_bytes.next_multiple_of(64);
                let at = core.bss_bytes as u32;
                core.bss_bytes += wasm::TABLE_ELEMENT_BYTES * capacity;
                Some(Symbol::Bss(at))
            } else {
                let at = align(&mut core.data, 64);
                core.data.resize(core.data.len() + (wasm::TABLE_ELEMENT_BYTES * capacity) as usize, 0);
                Some(Symbol::Data(at))
            };
            if table.initial.is_some() {
                self.steps.push(Step::Fill(index));
            }
            let fixed = (!grows).then_some(initial as u32);
            self.tables.push(TablePlace { descriptor, storage, fixed, shared });
        }
    }

    /// Whether a reference to a function of another instance, or of the host, can come in.
    fn is_open(&self, module: &Module<'_>) -> bool {
        let refers = |types: &[ValType]| types.contains(&ValType::Ref(RefType::FUNCREF));
        let joined = module.imported_functions > 0 || !module.exports.is_empty();
        let crosses = joined && module.types.iter().any(|ty| refers(ty.params()) || refers(ty.results()));
        let global = |global: &Global<'_>| global.ty.content_type == ValType::Ref(RefType::FUNCREF);
        crosses
            || self.tables.iter().any(|table| table.shared)
            || module.globals.iter().any(global)
            || references(module).iter().any(|function| module.is_imported(*function))
    }

    fn place_elements(&mut self, module: &Module<'_>, core: &mut CoreModule) {
        let mut all_known = !self.steps.iter().any(|step| matches!(step, Step::Fill(_)));
        for (index, segment) in module.elements.iter().enumerate() {
            let index = index as u32;
            let items: Vec<Option<Known>> =
                segment.items.iter().map(|item| self.item(module, item)).collect();
            let known = items.iter().all(Option::is_some);
            let target = self.known_table(module, segment).filter(|_| known && all_known);
            if let Some((place, at)) = target {
                for (number, item) in items.iter().enumerate() {
                    self.write_item(core, Symbol::Data(place + 4 * (at + number as u32)), *item);
                }
            }
            let placed = target.is_some() || matches!(segment.placement, Placement::Declared);
            let length = if placed { 0 } else { items.len() as u32 };
            let symbol = if known {
                Symbol::Rodata(align(&mut core.rodata, 4))
            } else {
                Symbol::Data(align(&mut core.data, 4))
            };
            for item in items.iter().take(length as usize) {
                let place = match symbol {
                    Symbol::Rodata(_) => {
                        core.rodata.extend_from_slice(&[0; 4]);
                        Symbol::Rodata(core.rodata.len() as u32 - 4)
                    }
                    _ => {
                        core.data.extend_from_slice(&[0; 4]);
                        Symbol::Data(core.data.len() as u32 - 4)
                    }
                };
                self.write_item(core, place, *item);
            }
            let word = align(&mut core.data, 4);
            core.data.extend_from_slice(&length.to_le_bytes());
            self.elements.push((symbol, word));
            if length > 0 || !placed {
                let unknown = items.iter().enumerate().filter(|(_, item)| item.is_none());
                self.steps.extend(unknown.map(|(number, _)| Step::Item(index, number as u32)));
            }
            if matches!(segment.placement, Placement::Active(..)) && !placed {
                all_known = false;
                self.steps.push(Step::Elements(index));
            }
        }
    }

    /// Where in data an active segment's items go, if all of that is known.
    fn known_table(&self, module: &Module<'_>, segment: &Elements<'_>) -> Option<(u32, u32)> {
        let Placement::Active(table, offset) = &segment.placement else { return None };
        let Some(Symbol::Data(place)) = self.tables[*table as usize].storage else { return None };
        let Some(Known::Bits(at)) = self.evaluate(module, offset) else { return None };
        let at = at as u32;
        let end = u64::from(at) + segment.items.len() as u64;
        (end <= module.tables[*table as usize].ty.initial).then_some((place, at))
    }

    fn place_data(&mut self, module: &Module<'_>, core: &mut CoreModule) -> Result<(), Error> {
        let mut all_known = module.memories.first().is_some_and(|memory| !memory.imported);
        let total: u64 = module.data.iter().map(|segment| segment.bytes.len() as u64).sum();
        // Content far apart is copied at instantiation, so that an image is not much larger than its module.
        let reach = (2 * total + (1 << 20)).min(wasm::CONTENT_BYTES_MAX);
        for (index, segment) in module.data.iter().enumerate() {
            let mut active = false;
            let mut length = segment.bytes.len() as u32;
            if let Placement::Active(memory, offset) = &segment.placement {
                active = true;
                let at = match self.evaluate(module, offset) {
                    Some(Known::Bits(at)) if *memory == 0 && all_known => Some(u64::from(at as u32)),
                    _ => None,
                };
                let bytes = module.memories[*memory as usize].ty.initial * PAGE_BYTES;
                let end = at.map(|at| at + u64::from(length)).filter(|end| *end <= bytes && *end <= reach);
                if let (Some(at), Some(end)) = (at, end) {
                    if self.content.len() < end as usize && length > 0 {
                        self.content.resize(end as usize, 0);
                    }
                    if length > 0 {
                        self.content[at as usize..end as usize].copy_from_slice(segment.bytes);
                    }
                    (active, length) = (false, 0);
                } else {
                    all_known = false;
                    self.steps.push(Step::Data(index as u32));
                }
            }
            let place = core.rodata.len() as u32;
            if active || length > 0 {
                core.rodata.extend_from_slice(segment.bytes);
            }
            let word = align(&mut core.data, 4);
            core.data.extend_from_slice(&length.to_le_bytes());
            self.data.push((place, word));
        }
        limit("bytes of constants", core.rodata.len() as u64, sci::limits::SLAB_IMAGE_BYTES_MAX)
    }

    fn write_item(&mut self, core: &mut CoreModule, place: Symbol, item: Option<Known>) {
        let bits = match item {
            Some(Known::Function(function)) => {
                self.words.insert(place, function);
                return;
            }
            Some(Known::Bits(bits)) => bits as u32,
            None => return,
        };
        self.words.remove(&place);
        let (bytes, at) = match place {
            Symbol::Rodata(at) => (&mut core.rodata, at as usize),
            Symbol::Data(at) => (&mut core.data, at as usize),
            _ => return,
        };
        bytes[at..at + 4].copy_from_slice(&bits.to_le_bytes());
    }

    fn item(&self, module: &Module<'_>, item: &Item<'_>) -> Option<Known> {
        match item {
            Item::Function(function) => Some(reference(module, *function)),
            Item::Expression(expression) => self.evaluate(module, expression),
        }
    }

    /// The value of a constant expression, if it does not depend on what is imported.
    pub(crate) fn evaluate(&self, module: &Module<'_>, expression: &ConstExpr<'_>) -> Option<Known> {
        let mut stack: Vec<Known> = Vec::new();
        for operator in Module::operators(expression) {
            let value = match operator {
                Operator::I32Const { value } => Known::Bits(u128::from(value as u32)),
                Operator::I64Const { value } => Known::Bits(u128::from(value as u64)),
                Operator::F32Const { value } => Known::Bits(u128::from(value.bits())),
                Operator::F64Const { value } => Known::Bits(u128::from(value.bits())),
                Operator::V128Const { value } => Known::Bits(value.i128() as u128),
                Operator::RefNull { .. } => Known::Bits(0),
                Operator::RefFunc { function_index } => reference(module, function_index),
                Operator::GlobalGet { global_index } => (*self.known.get(global_index as usize)?)?,
                operator => {
                    let (Some(Known::Bits(right)), Some(Known::Bits(left))) = (stack.pop(), stack.pop())
                    else {
                        return None;
                    };
                    let (left, right) = (left as u64, right as u64);
                    Known::Bits(match operator {
                        Operator::I32Add => u128::from((left as u32).wrapping_add(right as u32)),
                        Operator::I32Sub => u128::from((left as u32).wrapping_sub(right as u32)),
                        Operator::I32Mul => u128::from((left as u32).wrapping_mul(right as u32)),
                        Operator::I64Add => u128::from(left.wrapping_add(right)),
                        Operator::I64Sub => u128::from(left.wrapping_sub(right)),
                        Operator::I64Mul => u128::from(left.wrapping_mul(right)),
                        _ => return None,
                    })
                }
            };
            stack.push(value);
        }
        stack.pop()
    }
}

/// The value of a reference to a function.
fn reference(module: &Module<'_>, function: u32) -> Known {
    if module.is_imported(function) {
        Known::Bits(u128::from(FOREIGN_BIT | function))
    } else {
        Known::Function(FunctionId(function - module.imported_functions))
    }
}

/// Functions whose reference the module makes, ascending.
pub(crate) fn references(module: &Module<'_>) -> Vec<u32> {
    let mut taken: Vec<u32> =
        module.facts.iter().flat_map(|facts| facts.references.iter().copied()).collect();
    let mut expressions: Vec<&ConstExpr<'_>> =
        module.globals.iter().filter_map(|global| global.initial.as_ref()).collect();
    expressions.extend(module.tables.iter().filter_map(|table| table.initial.as_ref()));
    for item in module.elements.iter().flat_map(|segment| &segment.items) {
        match item {
            Item::Function(function) => taken.push(*function),
            Item::Expression(expression) => expressions.push(expression),
        }
    }
    for operator in expressions.into_iter().flat_map(Module::operators) {
        if let Operator::RefFunc { function_index } = operator {
            taken.push(function_index);
        }
    }
    taken.sort_unstable();
    taken.dedup();
    taken
}
