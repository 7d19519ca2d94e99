//! Instances: a module with its imports bound and its state computed.

use crate::error::Error;
use crate::function::{Function, Kind};
use crate::machine::{Activation, Arguments, Imports, Interrupter, Local, Registers};
use crate::module::{Binding, Module};
use crate::object::{
    Extern, Global, GlobalInner, GlobalPlace, Memory, MemoryInner, Place, Table, TableInner, Users, bits,
    block_of, own_memory,
};
use crate::runtime;
use crate::store::{self, Store};
use crate::value::ValueType;
use sci::layout::PAGE;
use sci::limits::wasm;
use sci::linkage::{self, descriptor};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A guest's code of a host trap: the reason waits in the store.
pub(crate) const TRAP_WAITS: u32 = 1;

pub(crate) struct Inner {
    pub number: usize,
    pub module: Module,
    pub activation: Rc<Activation>,
    /// Numbers of the imported functions.
    pub functions: Vec<u32>,
    pub tables: Vec<Table>,
    pub memories: Vec<Memory>,
    pub globals: Vec<Global>,
}

/// An instance of a module.
#[derive(Clone)]
pub struct Instance {
    pub(crate) store: Store,
    pub(crate) inner: Rc<Inner>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Instance").field("number", &self.inner.number).finish_non_exhaustive()
    }
}

impl Instance {
    /// Binds a module's imports, in its order, computes the instance's state, and runs the module's start function.
    pub fn new(store: &Store, module: &Module, imports: &[Extern]) -> Result<Self, Error> {
        let instance = Self::unstarted(store, module, imports)?;
        if let Some(start) = module.0.start {
            let id = instance.inner.id_of(&store.0, start);
            crate::function::call(&store.0, id, &[], None)?;
        }
        Ok(instance)
    }

    /// Binds a module's imports and computes the instance's state.
    pub(crate) fn unstarted(store: &Store, module: &Module, imports: &[Extern]) -> Result<Self, Error> {
        check_imports(module, imports)?;
        let inner = build(store, module, imports)?;
        let instance = Self { store: store.clone(), inner };
        if let Some(entry) = module.0.instantiate {
            let outcome = instance.inner.activation.enter_guest(entry, &Arguments::default(), false);
            instance.inner.finish(&store.0, outcome)?;
        }
        Ok(instance)
    }

    /// What is exported under a name.
    pub fn export(&self, name: &str) -> Option<Extern> {
        let (_, kind) = self.inner.module.0.exports.iter().find(|(export, _)| export == name)?;
        Some(match kind {
            linkage::Extern::Function(number, _) => {
                let id = self.inner.id_of(&self.store.0, *number);
                Extern::Function(Function { store: Rc::clone(&self.store.0), id })
            }
            linkage::Extern::Table(index) => Extern::Table(self.inner.tables[*index as usize].clone()),
            linkage::Extern::Memory(index) => Extern::Memory(self.inner.memories[*index as usize].clone()),
            linkage::Extern::Global(index) => Extern::Global(self.inner.globals[*index as usize].clone()),
        })
    }

    /// The exported function of a name.
    pub fn function(&self, name: &str) -> Option<Function> {
        match self.export(name)? {
            Extern::Function(function) => Some(function),
            _ => None,
        }
    }

    /// The exported memory of a name.
    pub fn memory(&self, name: &str) -> Option<Memory> {
        match self.export(name)? {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// What it is an instance of.
    pub fn module(&self) -> &Module {
        &self.inner.module
    }

    /// Ends calls when so much time has passed and a tick comes.
    pub fn set_deadline(&self, after: Option<Duration>) {
        self.inner.activation.set_deadline(after);
    }

    /// Ends calls when they have used so much processor time and a tick comes.
    pub fn set_cpu_budget(&self, budget: Option<Duration>) {
        self.inner.activation.set_cpu_budget(budget);
    }

    /// Fuel that is left, if the code counts it.
    pub fn fuel(&self) -> Option<i64> {
        let mut left = [0; 8];
        self.inner.activation.slab().read(self.inner.module.0.fuel?, &mut left).ok()?;
        Some(i64::from_le_bytes(left))
    }

    /// Gives it so much fuel from now on, if the code counts it.
    pub fn set_fuel(&self, units: u64) {
        if let Some(place) = self.inner.module.0.fuel {
            let fuel = i64::try_from(units).unwrap_or(i64::MAX);
            // It lies in the slab, or the module would not have been loaded.
            let _ = self.inner.activation.slab().write(place, &fuel.to_le_bytes());
        }
    }

    /// A handle by which other threads end its calls.
    pub fn interrupter(&self) -> Interrupter {
        self.inner.activation.interrupter()
    }
}

fn check_imports(module: &Module, imports: &[Extern]) -> Result<(), Error> {
    for (index, (name, item, wanted)) in module.imports().enumerate() {
        let names = || (name.to_owned(), item.to_owned());
        let Some(given) = imports.get(index) else {
            let (module, item) = names();
            return Err(Error::Missing { module, item });
        };
        if !given.fits(&wanted) {
            let (module, item) = names();
            let (wanted, given) = (wanted.to_string(), given.ty().to_string());
            return Err(Error::Mismatch { module, item, wanted, given });
        }
    }
    Ok(())
}

/// Adds what a slot leads to.
fn bind(store: &Store, number: usize, binding: Binding, functions: &[u32], host: &mut Imports) {
    let imported =
        if let Binding::Import(function) = binding { functions.get(function as usize) } else { None };
    if let Some(Kind::Host { entry: Some(entry), .. }) = imported.map(|id| store.0.kind(*id)).as_deref() {
        host.push_integers(entry(&store.0, number));
        return;
    }
    let weak = Local::new(Rc::downgrade(&store.0));
    host.push(Box::new(move |activation: &Activation, registers: &mut Registers| {
        let Some(store) = weak.get().and_then(std::rc::Weak::upgrade) else {
            activation.trap(TRAP_WAITS);
            return;
        };
        let instance = Rc::clone(&store.instances.borrow()[number]);
        let done = match binding {
            Binding::Import(function) => instance.call_import(&store, function, registers),
            Binding::Runtime(function) => runtime::call(&store, &instance, function, registers),
        };
        if let Err(trap) = done {
            *store.trap.borrow_mut() = Some(trap);
            activation.trap(TRAP_WAITS);
        }
    }));
}

/// Bytes that tables may grow to that do not count as memory: two that may grow as far as any.
const TABLES_FREE: u64 = 2 * wasm::TABLE_GROWTH_ELEMENTS * wasm::TABLE_ELEMENT_BYTES;

/// Judges the memories and tables that an instance begins with, before anything is mapped.
fn is_affordable(store: &Store, module: &Module, imports: &[Extern]) -> Result<(), Error> {
    let Some(allowed) = store.0.limits.borrow().memory_bytes else { return Ok(()) };
    let imported = imports.iter().filter(|import| matches!(import, Extern::Memory(_))).count();
    let own = module.0.memories.iter().skip(imported);
    let largest = own.map(|memory| memory.minimum * linkage::PAGE_BYTES).max().unwrap_or(0);
    let imported = imports.iter().filter(|import| matches!(import, Extern::Table(_))).count();
    let tables = module.0.tables.iter().skip(imported);
    let elements: u64 = tables.map(|table| wasm::table_capacity(table.minimum, table.maximum)).sum();
    let bytes = largest + (elements * wasm::TABLE_ELEMENT_BYTES).saturating_sub(TABLES_FREE);
    if bytes > allowed { Err(Error::Quota { bytes, allowed }) } else { Ok(()) }
}

/// The instance with its imports bound; its state is not computed yet.
fn build(store: &Store, module: &Module, imports: &[Extern]) -> Result<Rc<Inner>, Error> {
    let number = store.0.instances.borrow().len();
    is_affordable(store, module, imports)?;
    let slab = module.0.pool.lend()?;
    let mut host = Imports::new();
    let functions: Vec<u32> = imports
        .iter()
        .take(module.0.imports.len())
        .filter_map(|import| if let Extern::Function(function) = import { Some(function.id) } else { None })
        .collect();
    for binding in &module.0.bindings {
        bind(store, number, *binding, &functions, &mut host);
    }
    if let Some(fuel) = store.0.limits.borrow().fuel {
        let place = module.0.fuel.ok_or(Error::NoFuel)?;
        let fuel = i64::try_from(fuel).unwrap_or(i64::MAX);
        slab.write(place, &fuel.to_le_bytes()).map_err(|_| Error::Linkage)?;
    }
    let activation = Activation::new(slab, Arc::new(host), Box::new(())).map_err(|_| Error::Linkage)?;
    activation.set_deadline(store.0.limits.borrow().time);
    if let Some(samples) = &*store.0.samples.borrow() {
        activation.sample(Arc::clone(samples));
    }
    let activation = Rc::new(activation);
    let mut inner = Inner {
        number,
        module: module.clone(),
        activation: Rc::clone(&activation),
        functions,
        tables: Vec::new(),
        memories: Vec::new(),
        globals: Vec::new(),
    };
    for import in imports.iter().take(module.0.imports.len()) {
        match import {
            Extern::Function(_) => {}
            Extern::Table(table) => inner.tables.push(table.clone()),
            Extern::Memory(memory) => inner.memories.push(memory.clone()),
            Extern::Global(global) => inner.globals.push(global.clone()),
        }
    }
    inner.make_own(store)?;
    let inner = Rc::new(inner);
    store.0.instances.borrow_mut().push(Rc::clone(&inner));
    inner.join(&store.0);
    Ok(inner)
}

impl Inner {
    /// Makes the tables, memories and globals that are not imported.
    fn make_own(&mut self, store: &Store) -> Result<(), Error> {
        let module = Arc::clone(&self.module.0);
        for table in &module.tables[self.tables.len()..] {
            let storage = table.storage.ok_or(Error::Linkage)?;
            let mut words = [0; linkage::DESCRIPTOR_BYTES as usize];
            self.activation.slab().read(table.descriptor, &mut words).map_err(|_| Error::Linkage)?;
            let capacity = words[descriptor::CAPACITY as usize..]
                .first_chunk()
                .map_or(0, |word| u64::from_le_bytes(*word));
            self.tables.push(Table(Rc::new(TableInner {
                element: ValueType::of(table.element),
                maximum: table.maximum,
                capacity,
                place: Place::Slab(Rc::clone(&self.activation), storage),
                size: Cell::new(table.minimum),
                shared: Cell::new(false),
                owner: Some(self.number),
                users: Users::default(),
                store: Rc::downgrade(&store.0),
            })));
        }
        let quota = store.0.limits.borrow().memory_bytes;
        for (index, memory) in module.memories.iter().enumerate().skip(self.memories.len()) {
            if index == 0 {
                let place = own_memory(&self.activation);
                self.memories.push(Memory(Rc::new(MemoryInner {
                    maximum: memory.maximum,
                    quota,
                    place,
                    users: Users::default(),
                })));
            } else {
                self.memories.push(Memory::new(memory.minimum, memory.maximum)?);
            }
        }
        for global in &module.globals[self.globals.len()..] {
            self.globals.push(Global(Rc::new(GlobalInner {
                ty: ValueType::of(global.ty),
                mutable: global.mutable,
                place: GlobalPlace::Slab(Rc::clone(&self.activation), global.cell),
                owner: Some(self.number),
                shared: Cell::new(false),
                store: Rc::downgrade(&store.0),
            })));
        }
        Ok(())
    }

    /// Writes what the code reads of its surroundings, and shares what is imported.
    fn join(self: &Rc<Self>, store: &Rc<store::Inner>) {
        for (index, table) in self.tables.iter().enumerate() {
            if table.0.owner != Some(self.number) {
                table.share(store);
            }
            table.0.users.borrow_mut().push((Rc::downgrade(self), index as u32));
            self.write_table(index as u32, table);
        }
        for (index, memory) in self.memories.iter().enumerate() {
            memory.0.users.borrow_mut().push((Rc::downgrade(self), index as u32));
            self.write_memory(index as u32, memory);
        }
        for (index, global) in self.globals.iter().enumerate() {
            if global.0.owner == Some(self.number) {
                continue;
            }
            let cell = self.module.0.globals[index].cell;
            let bits = if global.0.mutable {
                global.share(store);
                u128::from(global.address(store))
            } else {
                bits(store, Some(self.number), &global.get())
            };
            // The image states the cell; if it lies outside, the code will fault on it.
            let _ = self.activation.slab().write(cell, &bits.to_le_bytes());
        }
    }

    /// Writes a table's descriptor.
    pub(crate) fn write_table(&self, index: u32, table: &Table) {
        let place = self.module.0.tables[index as usize].descriptor;
        let words = [(descriptor::BASE, table.0.place.address()), (descriptor::SIZE, table.size())];
        for (at, word) in words {
            let _ = self.activation.slab().write(place + at, &word.to_le_bytes());
        }
    }

    /// Writes a memory's entry of the instance block.
    pub(crate) fn write_memory(&self, index: u32, memory: &Memory) {
        let _ = self.activation.slab().write(block_of(index), &memory.block());
    }

    /// The number of an imported function.
    pub(crate) fn imported(&self, function: u32) -> Option<u32> {
        self.functions.get(function as usize).copied()
    }

    pub(crate) fn number_of(&self, store: &store::Inner, function: u32) -> u32 {
        let ty = self.module.0.ways.get(&function).map_or(1, |way| way.ty);
        store.number_of(self.number, function, self.module.0.ty(ty))
    }

    /// The store's number of a function of the module, imported ones counted.
    pub(crate) fn id_of(&self, store: &store::Inner, function: u32) -> u32 {
        self.imported(function).unwrap_or_else(|| self.number_of(store, function))
    }

    /// The segment of elements of a number: its length now.
    pub(crate) fn segment_length(&self, segment: u32) -> Option<u64> {
        let mut word = [0; 4];
        let place = self.module.0.elements.get(segment as usize)?.length;
        self.activation.slab().read(place, &mut word).ok()?;
        Some(u64::from(u32::from_le_bytes(word)))
    }

    /// An item of a segment.
    pub(crate) fn segment_item(&self, segment: u32, index: u64) -> Option<u32> {
        let mut word = [0; 4];
        let place = self.module.0.elements.get(segment as usize)?.items + 4 * index;
        self.activation.slab().read(place, &mut word).ok()?;
        Some(u32::from_le_bytes(word))
    }
}

const _: () = assert!(linkage::PAGE_BYTES.is_multiple_of(PAGE));
