//! Tables, memories and globals: a guest's, or the host's own.

use crate::error::Error;
use crate::function::Function;
use crate::instance;
use crate::machine::{Activation, GrowError, Reservation};
use crate::module::ExternType;
use crate::store::{self, Store};
use crate::value::{Value, ValueType};
use sci::layout::{INSTANCE_PAGE, LINEAR_MEMORY, instance as block};
use sci::limits::wasm;
use sci::linkage::{FOREIGN_BIT, PAGE_BYTES, STORE_BIT};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// What an instance gives or takes.
#[derive(Clone, Debug)]
pub enum Extern {
    /// A function.
    Function(Function),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
}

impl Extern {
    /// Its type as it is now.
    pub fn ty(&self) -> ExternType {
        match self {
            Self::Function(function) => ExternType::Function(function.ty()),
            Self::Table(table) => ExternType::Table(table.0.element, table.size(), table.0.maximum),
            Self::Memory(memory) => ExternType::Memory(memory.size(), memory.0.maximum),
            Self::Global(global) => ExternType::Global(global.0.ty, global.0.mutable),
        }
    }

    /// Whether it can stand for an import of this type.
    pub(crate) fn fits(&self, wanted: &ExternType) -> bool {
        let limits = |size: u64, most: Option<u64>, minimum: u64, maximum: Option<u64>| {
            size >= minimum && maximum.is_none_or(|maximum| most.is_some_and(|most| most <= maximum))
        };
        match (self.ty(), wanted) {
            (ExternType::Table(ty, size, most), ExternType::Table(element, minimum, maximum)) => {
                ty == *element && limits(size, most, *minimum, *maximum)
            }
            (ExternType::Memory(size, most), ExternType::Memory(minimum, maximum)) => {
                limits(size, most, *minimum, *maximum)
            }
            (given, wanted) => given == *wanted,
        }
    }
}

/// Bytes somewhere: in an instance's slab, from an offset, or of the host's own.
pub(crate) enum Place {
    Slab(Rc<Activation>, u64),
    Host(Reservation),
}

impl Place {
    pub(crate) fn address(&self) -> u64 {
        match self {
            Self::Slab(activation, offset) => activation.slab().base() + offset,
            Self::Host(reservation) => reservation.base(),
        }
    }

    /// Reads; nothing if the range is not there.
    pub(crate) fn read(&self, at: u64, bytes: &mut [u8]) -> Option<()> {
        match self {
            Self::Slab(activation, offset) => activation.slab().read(offset + at, bytes).ok(),
            Self::Host(reservation) => reservation.read(at, bytes).ok(),
        }
    }

    pub(crate) fn write(&self, at: u64, bytes: &[u8]) -> Option<()> {
        match self {
            Self::Slab(activation, offset) => activation.slab().write(offset + at, bytes).ok(),
            Self::Host(reservation) => reservation.write(at, bytes).ok(),
        }
    }
}

/// Who sees an object, and under which number: mirrors of its size are kept there.
pub(crate) type Users = RefCell<Vec<(Weak<instance::Inner>, u32)>>;

fn each_user(users: &Users, mut then: impl FnMut(&instance::Inner, u32)) {
    for (instance, number) in &*users.borrow() {
        if let Some(instance) = instance.upgrade() {
            then(&instance, *number);
        }
    }
}

pub(crate) struct TableInner {
    pub element: ValueType,
    pub maximum: Option<u64>,
    pub capacity: u64,
    pub place: Place,
    pub size: Cell<u64>,
    /// Whether references in it mean the same to everybody.
    pub shared: Cell<bool>,
    /// The instance whose own it is.
    pub owner: Option<usize>,
    pub users: Users,
    pub store: Weak<store::Inner>,
}

/// A table.
#[derive(Clone)]
pub struct Table(pub(crate) Rc<TableInner>);

impl std::fmt::Debug for Table {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Table").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Table {
    /// A table of the host's own, filled with null.
    pub fn new(store: &Store, element: ValueType, size: u64, maximum: Option<u64>) -> Result<Self, Error> {
        let capacity = wasm::table_capacity(size, maximum);
        let bytes = (wasm::TABLE_ELEMENT_BYTES * capacity).next_multiple_of(PAGE_BYTES);
        let place = Reservation::new(bytes, bytes)?;
        Ok(Self(Rc::new(TableInner {
            element,
            maximum,
            capacity,
            place: Place::Host(place),
            size: Cell::new(size),
            shared: Cell::new(true),
            owner: None,
            users: Users::default(),
            store: Rc::downgrade(&store.0),
        })))
    }

    /// Elements.
    pub fn size(&self) -> u64 {
        self.0.size.get()
    }

    /// The reference at an index as it stands there.
    pub(crate) fn word(&self, index: u64) -> Option<u32> {
        let mut bytes = [0; 4];
        if index >= self.size() {
            return None;
        }
        self.0.place.read(4 * index, &mut bytes)?;
        Some(u32::from_le_bytes(bytes))
    }

    pub(crate) fn set_word(&self, index: u64, word: u32) -> Option<()> {
        if index >= self.size() {
            return None;
        }
        self.0.place.write(4 * index, &word.to_le_bytes())
    }

    /// An element.
    pub fn get(&self, index: u64) -> Option<Value> {
        let word = self.word(index)?;
        let store = self.0.store.upgrade()?;
        Some(match self.0.element {
            ValueType::Function => Value::Function(function_of(&store, self.0.owner, word)),
            _ => Value::External(word.checked_sub(1)),
        })
    }

    /// Sets an element; `None` if there is none, or the value is of another type.
    pub fn set(&self, index: u64, value: &Value) -> Option<()> {
        let store = self.0.store.upgrade()?;
        self.set_word(index, self.encode(&store, value)?)
    }

    /// A value as a reference of this table.
    pub(crate) fn encode(&self, store: &Rc<store::Inner>, value: &Value) -> Option<u32> {
        if value.ty() != self.0.element {
            return None;
        }
        let owner = self.0.owner.filter(|_| !self.0.shared.get());
        Some(reference(store, owner, value))
    }

    /// Adds elements; gives how many there were, or nothing if there is no room.
    pub fn grow(&self, elements: u64, value: &Value) -> Option<u64> {
        let store = self.0.store.upgrade()?;
        let word = self.encode(&store, value)?;
        self.grow_words(elements, word)
    }

    pub(crate) fn grow_words(&self, elements: u64, word: u32) -> Option<u64> {
        let before = self.size();
        let size = before.checked_add(elements)?;
        if size > self.0.capacity || self.0.maximum.is_some_and(|maximum| size > maximum) {
            return None;
        }
        self.0.size.set(size);
        for index in before..size {
            self.set_word(index, word)?;
        }
        each_user(&self.0.users, |instance, number| instance.write_table(number, self));
        Some(before)
    }

    /// From now on references in it mean the same to every instance.
    pub(crate) fn share(&self, store: &Rc<store::Inner>) {
        if self.0.shared.replace(true) || self.0.element != ValueType::Function {
            return;
        }
        for index in 0..self.size() {
            if let Some(word) = self.word(index)
                && word != 0
            {
                let function = function_of(store, self.0.owner, word);
                self.set_word(index, reference(store, None, &Value::Function(function)));
            }
        }
    }
}

/// The function that a reference of an instance means.
pub(crate) fn function_of(store: &Rc<store::Inner>, instance: Option<usize>, word: u32) -> Option<Function> {
    if word == 0 {
        return None;
    }
    let id = if word & (FOREIGN_BIT | STORE_BIT) == FOREIGN_BIT | STORE_BIT {
        word & !(FOREIGN_BIT | STORE_BIT)
    } else {
        let instance = Rc::clone(store.instances.borrow().get(instance?)?);
        let function = if word & FOREIGN_BIT != 0 {
            return instance.imported(word & !FOREIGN_BIT).map(|id| Function { store: Rc::clone(store), id });
        } else {
            *instance.module.0.places.get(&word)?
        };
        instance.number_of(store, function)
    };
    Some(Function { store: Rc::clone(store), id })
}

/// A value as a reference: an instance's own functions by their place.
pub(crate) fn reference(store: &Rc<store::Inner>, instance: Option<usize>, value: &Value) -> u32 {
    match value {
        Value::Function(Some(function)) => match (&*store.kind(function.id), instance) {
            (crate::function::Kind::Guest { instance, function, .. }, Some(own)) if *instance == own => store
                .instances
                .borrow()
                .get(own)
                .and_then(|own| own.module.0.ways.get(function))
                .map_or(0, |way| way.place),
            _ => FOREIGN_BIT | STORE_BIT | function.id,
        },
        Value::External(Some(number)) => number.wrapping_add(1),
        _ => 0,
    }
}

pub(crate) struct MemoryInner {
    pub maximum: Option<u64>,
    /// Bytes that whoever runs it allows.
    pub quota: Option<u64>,
    pub place: Place,
    pub users: Users,
}

/// A linear memory.
#[derive(Clone)]
pub struct Memory(pub(crate) Rc<MemoryInner>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Memory").field("pages", &self.size()).finish_non_exhaustive()
    }
}

/// Pages of a 32-bit memory.
const PAGES_MAX: u64 = 65_536;

impl Memory {
    /// A memory of the host's own, in pages of 64 KiB.
    pub fn new(pages: u64, maximum: Option<u64>) -> Result<Self, Error> {
        let most = maximum.unwrap_or(PAGES_MAX).min(PAGES_MAX);
        let place = Reservation::new(pages * PAGE_BYTES, most * PAGE_BYTES)?;
        Ok(Self(Rc::new(MemoryInner {
            maximum,
            quota: None,
            place: Place::Host(place),
            users: Users::default(),
        })))
    }

    /// Bytes.
    pub fn bytes(&self) -> u64 {
        match &self.0.place {
            Place::Slab(activation, _) => activation.slab().memory_bytes(),
            Place::Host(reservation) => reservation.bytes(),
        }
    }

    /// Pages.
    pub fn size(&self) -> u64 {
        self.bytes() / PAGE_BYTES
    }

    fn inside(&self, at: u64, length: u64) -> Option<()> {
        at.checked_add(length).filter(|end| *end <= self.bytes()).map(|_| ())
    }

    /// Reads; `None` if the range is not inside.
    pub fn read(&self, at: u64, bytes: &mut [u8]) -> Option<()> {
        self.inside(at, bytes.len() as u64)?;
        self.0.place.read(at, bytes)
    }

    /// Writes; `None` if the range is not inside.
    pub fn write(&self, at: u64, bytes: &[u8]) -> Option<()> {
        self.inside(at, bytes.len() as u64)?;
        self.0.place.write(at, bytes)
    }

    /// Adds pages; gives how many there were, or nothing if there is no room.
    pub fn grow(&self, pages: u64) -> Option<u64> {
        let before = self.size();
        let size = before.checked_add(pages)?;
        if size > self.0.maximum.unwrap_or(PAGES_MAX).min(PAGES_MAX) {
            return None;
        }
        if self.0.quota.is_some_and(|quota| size * PAGE_BYTES > quota) {
            return None;
        }
        let grown: Result<(), GrowError> = match &self.0.place {
            Place::Slab(activation, _) => activation.slab().grow_memory(size * PAGE_BYTES),
            Place::Host(reservation) => reservation.grow(size * PAGE_BYTES),
        };
        grown.ok()?;
        each_user(&self.0.users, |instance, number| instance.write_memory(number, self));
        Some(before)
    }

    /// Words of an instance block that describe it.
    pub(crate) fn block(&self) -> [u8; block::MEMORY_BYTES as usize] {
        let mut words = [0; block::MEMORY_BYTES as usize];
        let maximum = self.0.maximum.unwrap_or(PAGES_MAX) * PAGE_BYTES;
        for (at, word) in [
            (block::MEMORY_BASE, self.0.place.address()),
            (block::MEMORY_LENGTH, self.bytes()),
            (block::MEMORY_MAXIMUM, maximum),
        ] {
            words[at as usize..at as usize + 8].copy_from_slice(&word.to_le_bytes());
        }
        words
    }
}

/// The offset of a memory's words in its instance's slab.
pub(crate) fn block_of(memory: u32) -> u64 {
    INSTANCE_PAGE + block::MEMORIES + block::MEMORY_BYTES * u64::from(memory)
}

/// Memory 0 of an instance, where it is its own.
pub(crate) fn own_memory(activation: &Rc<Activation>) -> Place {
    Place::Slab(Rc::clone(activation), LINEAR_MEMORY)
}

pub(crate) struct GlobalInner {
    pub ty: ValueType,
    pub mutable: bool,
    pub place: GlobalPlace,
    /// The instance whose own it is.
    pub owner: Option<usize>,
    /// Whether others see it, and a reference in it means the same to everybody.
    pub shared: Cell<bool>,
    pub store: Weak<store::Inner>,
}

pub(crate) enum GlobalPlace {
    Slab(Rc<Activation>, u64),
    /// A cell of the store.
    Cell(u64),
}

/// A global.
#[derive(Clone)]
pub struct Global(pub(crate) Rc<GlobalInner>);

impl std::fmt::Debug for Global {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Global").field("type", &self.0.ty).finish_non_exhaustive()
    }
}

impl Global {
    /// A global of the host's own; `None` if there is no room for another.
    pub fn new(store: &Store, mutable: bool, value: &Value) -> Option<Self> {
        let cell = store.0.new_cell()?;
        let global = Self(Rc::new(GlobalInner {
            ty: value.ty(),
            mutable,
            place: GlobalPlace::Cell(cell),
            owner: None,
            shared: Cell::new(true),
            store: Rc::downgrade(&store.0),
        }));
        global.write(&store.0, value)?;
        Some(global)
    }

    pub(crate) fn address(&self, store: &store::Inner) -> u64 {
        match &self.0.place {
            GlobalPlace::Slab(activation, offset) => activation.slab().base() + offset,
            GlobalPlace::Cell(cell) => store.cells().map_or(0, Reservation::base) + cell,
        }
    }

    fn write(&self, store: &Rc<store::Inner>, value: &Value) -> Option<()> {
        let owner = self.0.owner.filter(|_| !self.0.shared.get());
        self.write_bits(store, bits(store, owner, value))
    }

    pub(crate) fn write_bits(&self, store: &store::Inner, bits: u128) -> Option<()> {
        match &self.0.place {
            GlobalPlace::Slab(activation, offset) => {
                activation.slab().write(*offset, &bits.to_le_bytes()).ok()
            }
            GlobalPlace::Cell(cell) => {
                store.cells().and_then(|cells| cells.write(*cell, &bits.to_le_bytes()).ok())
            }
        }
    }

    pub(crate) fn read_bits(&self, store: &store::Inner) -> u128 {
        let mut bytes = [0; 16];
        let read = match &self.0.place {
            GlobalPlace::Slab(activation, offset) => activation.slab().read(*offset, &mut bytes).ok(),
            GlobalPlace::Cell(cell) => store.cells().and_then(|cells| cells.read(*cell, &mut bytes).ok()),
        };
        read.map_or(0, |()| u128::from_le_bytes(bytes))
    }

    /// Its value.
    pub fn get(&self) -> Value {
        match self.0.store.upgrade() {
            Some(store) => value_of(&store, self.0.owner, self.0.ty, self.read_bits(&store)),
            None => Value::zero(self.0.ty),
        }
    }

    /// Sets its value; `None` if it does not change, or the value is of another type.
    pub fn set(&self, value: &Value) -> Option<()> {
        if !self.0.mutable || value.ty() != self.0.ty {
            return None;
        }
        self.write(&self.0.store.upgrade()?, value)
    }

    /// Others see it: from now on a reference in it means the same to every instance.
    pub(crate) fn share(&self, store: &Rc<store::Inner>) {
        if self.0.shared.get() {
            return;
        }
        let value = self.get();
        self.0.shared.set(true);
        self.write(store, &value);
    }
}

/// A value's bits, as an instance sees it.
pub(crate) fn bits(store: &Rc<store::Inner>, instance: Option<usize>, value: &Value) -> u128 {
    match value {
        Value::I32(value) => u128::from(*value as u32),
        Value::I64(value) => u128::from(*value as u64),
        Value::F32(bits) => u128::from(*bits),
        Value::F64(bits) => u128::from(*bits),
        Value::V128(bits) => *bits,
        reference_value => u128::from(reference(store, instance, reference_value)),
    }
}

/// The value of bits that an instance gave.
pub(crate) fn value_of(
    store: &Rc<store::Inner>,
    instance: Option<usize>,
    ty: ValueType,
    bits: u128,
) -> Value {
    match ty {
        ValueType::I32 => Value::I32(bits as i32),
        ValueType::I64 => Value::I64(bits as i64),
        ValueType::F32 => Value::F32(bits as u32),
        ValueType::F64 => Value::F64(bits as u64),
        ValueType::V128 => Value::V128(bits),
        ValueType::Function => Value::Function(function_of(store, instance, bits as u32)),
        ValueType::External => Value::External((bits as u32).checked_sub(1)),
    }
}
