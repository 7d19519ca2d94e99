//! What the library keeps between calls.

use super::channel::Effects;
use super::realm::{Lent, Realm};
use crate::space::{Authority, client};
use crate::table::Table;
use alloc::vec::Vec;
use core::cell::RefCell;
use sci::guest::MEMORY_EXPORT;
use sci::linkage::{Extern, Linkage};
use services_zrun::Space;
use services_zrun::launch::Launch;
use services_zrun::remote::Remote;
use space_guest::StartPage;

/// The space and its guest.
pub(super) struct State {
    pub space: Space,
    pub world: Remote<Effects>,
    /// The right to make memory.
    pub pages: client::Memory,
    pub realm: Realm,
    pub linkage: Linkage<'static>,
    pub tables: Vec<Table>,
    /// Pages that memories have at most.
    pub maxima: Vec<u64>,
    /// The memory that the guest's addresses mean.
    memory: Option<u32>,
}

/// Pages of a memory where nothing says how many it has at most.
const PAGES_MAX: u64 = 65_536;

impl State {
    /// Of a launch, and what the realm's pages say.
    pub fn new(page: &'static StartPage, launch: Launch) -> Self {
        let realm = Realm::of(page);
        let (effects, pages) = Effects::of(Authority::of(page));
        let mut world = Remote::new(effects);
        let mut space = Space::new(&launch.texts.name, launch.grants, 0, &mut world);
        space.arguments = launch.texts.arguments;
        space.environment = launch.texts.environment;
        let Some(linkage) = sci::linkage::read(realm.linkage()) else {
            panic!("the guest has no linkage table")
        };
        let tables = linkage.tables.iter().map(|table| {
            // SAFETY: the admitted image says that its table's descriptor lies there, and its elements in its storage;
            // only the guest's code, which does not run meanwhile, and this value reach them.
            let made = unsafe { Table::new(realm.address(table.descriptor), table.maximum) };
            if let Some(storage) = table.storage {
                made.place(realm.address(storage));
            }
            made
        });
        let maxima = linkage.memories.iter().map(|memory| memory.maximum.unwrap_or(PAGES_MAX).min(PAGES_MAX));
        let memory = linkage.exports.iter().find_map(|export| match export.kind {
            Extern::Memory(index) if export.name == MEMORY_EXPORT => Some(index),
            _ => None,
        });
        if let Some(cell) = linkage.fuel {
            let fuel = launch.fuel.map_or(i64::MAX, |fuel| i64::try_from(fuel).unwrap_or(i64::MAX));
            realm.set(cell, fuel.cast_unsigned());
        }
        let (tables, maxima) = (tables.collect(), maxima.collect());
        Self { space, world, pages, realm, linkage, tables, maxima, memory }
    }

    /// The memory that the guest's addresses mean, as it is now.
    pub fn lent(&self) -> Lent {
        self.memory.map_or(Lent::NONE, |index| self.realm.memory(index))
    }

    /// Ends lines of the log that no newline has ended.
    pub fn flush(&mut self) {
        self.space.flush(&mut self.world);
    }
}

struct Cell(RefCell<Option<State>>);

// SAFETY: a realm has one thread.
unsafe impl Sync for Cell {}

static STATE: Cell = Cell(RefCell::new(None));

/// Keeps the state from now on.
pub(super) fn keep(state: State) {
    *STATE.0.borrow_mut() = Some(state);
}

/// Works with the state. Nothing that is done with it enters the guest, so calls never meet.
pub(super) fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    match &mut *STATE.0.borrow_mut() {
        Some(state) => work(state),
        None => panic!("a function was called before the guest was started"),
    }
}
