//! The modules together: what each import is bound to, in which order they come, what runs at the start.

use crate::error::{Error, INITIALIZE, Reason};
use crate::item::{Item, Kind, PerKind, Type};
use crate::module::{Import, Module};
use std::collections::{BTreeSet, HashMap};

/// The modules, bound.
pub(crate) struct Program<'m> {
    /// The linked ones in their order, then the main one.
    pub modules: Vec<Module<'m>>,
    /// In the order in which they are instantiated.
    pub order: Vec<usize>,
    /// What each import of each module is bound to, by kind and number: the item's definition, or an import that stays.
    bound: Vec<PerKind<Vec<Item>>>,
    /// Functions to call at the start, in order.
    pub starts: Vec<Item>,
}

impl<'m> Program<'m> {
    pub(crate) fn new(modules: Vec<Module<'m>>) -> Result<Self, Error> {
        let direct = direct(&modules)?;
        let order = order(&modules, &direct);
        let mut program = Self { modules, order, bound: Vec::new(), starts: Vec::new() };
        program.bind(&direct)?;
        program.check_host_calls()?;
        program.starts = program.find_starts()?;
        Ok(program)
    }

    pub(crate) fn main(&self) -> &Module<'m> {
        &self.modules[self.main_index()]
    }

    fn main_index(&self) -> usize {
        self.modules.len() - 1
    }

    pub(crate) fn is_main(&self, module: usize) -> bool {
        module == self.main_index()
    }

    /// The definition of an item, or the import that stays in its place.
    pub(crate) fn resolve(&self, item: Item) -> Item {
        let bound = self.bound.get(item.module).and_then(|bound| bound[item.kind].get(item.index as usize));
        bound.copied().unwrap_or(item)
    }

    /// Whether an item stays an import of the result.
    pub(crate) fn stays(&self, item: Item) -> bool {
        item.index < self.modules[item.module].imported[item.kind] && self.resolve(item) == item
    }

    pub(crate) fn ty(&self, item: Item) -> Type<'_> {
        self.modules[item.module].ty(item.kind, item.index)
    }

    /// What the main module exports.
    pub(crate) fn main_exports(&self) -> impl Iterator<Item = (&'m str, Item)> {
        let module = self.main_index();
        let exports = self.main().exports.iter();
        exports.map(move |(name, kind, index)| {
            (*name, self.resolve(Item { module, kind: *kind, index: *index }))
        })
    }

    /// What an export of the main module is.
    pub(crate) fn main_export(&self, name: &str) -> Option<Item> {
        let module = self.main_index();
        let (kind, index) = self.main().export(name)?;
        Some(self.resolve(Item { module, kind, index }))
    }

    /// Follows every import to its end, and compares the types.
    fn bind(&mut self, direct: &Direct) -> Result<(), Error> {
        let imports: usize = self.modules.iter().map(|module| module.imports.len()).sum();
        let mut bound = vec![PerKind::<Vec<Item>>::default(); self.modules.len()];
        for (number, module) in self.modules.iter().enumerate() {
            for import in &module.imports {
                let own = Item { module: number, kind: import.kind, index: import.index };
                let mut end = own;
                let mut steps = 0;
                while let Some(next) = direct.get(&end) {
                    end = *next;
                    steps += 1;
                    if steps > imports {
                        return Err(Reason::NoEnd { import: import.to_string() }.of(module.file));
                    }
                }
                self.check_type(import, own, end)?;
                bound[number][import.kind].push(end);
            }
        }
        self.bound = bound;
        Ok(())
    }

    fn check_type(&self, import: &Import<'_>, own: Item, end: Item) -> Result<(), Error> {
        let (wanted, given) = (self.ty(own), self.ty(end));
        if wanted.takes(&given) {
            return Ok(());
        }
        let exporter = &self.modules[end.module];
        Err(other_type(import, &self.modules[own.module], wanted, exporter, given))
    }

    /// Refuses modules whose pointers would mean something else to the host.
    fn check_host_calls(&self) -> Result<(), Error> {
        let lent = self.main_export(sci::guest::MEMORY_EXPORT);
        for (number, module) in self.modules.iter().enumerate() {
            let own = Item { module: number, kind: Kind::Memory, index: 0 };
            let alone = self.is_main(number) && lent.is_none();
            if module.memories.is_empty() || alone || lent == Some(self.resolve(own)) {
                continue;
            }
            let calls_host = |import: &&Import<'_>| {
                import.kind == Kind::Function
                    && self.stays(self.resolve(Item {
                        module: number,
                        kind: import.kind,
                        index: import.index,
                    }))
            };
            if let Some(import) = module.imports.iter().find(calls_host) {
                let (import, main) = (import.to_string(), self.main().file.to_owned());
                return Err(Reason::ForeignMemory { import, main }.of(module.file));
            }
        }
        Ok(())
    }

    /// In the order of instantiation, the main module last: the start section's function, and of a linked module what
    /// it exports as its initialiser, once.
    fn find_starts(&self) -> Result<Vec<Item>, Error> {
        let main = self.main_index();
        let linked = self.order.iter().copied().filter(|number| *number != main);
        // What the main module exports as its own, the host calls.
        let mut initialized: Vec<Item> = self.main_export(INITIALIZE).into_iter().collect();
        let mut starts = Vec::new();
        for number in linked.chain([main]) {
            let module = &self.modules[number];
            let function = |index| self.resolve(Item { module: number, kind: Kind::Function, index });
            starts.extend(module.start.map(function));
            let Some((kind, index)) = module.export(INITIALIZE).filter(|_| number != main) else { continue };
            let ty = module.ty(kind, index);
            let Type::Function(function_type) = ty else { return Err(wrong_initialize(module, ty)) };
            if !(function_type.params().is_empty() && function_type.results().is_empty()) {
                return Err(wrong_initialize(module, ty));
            }
            if !initialized.contains(&function(index)) {
                initialized.push(function(index));
                starts.push(function(index));
            }
        }
        Ok(starts)
    }
}

fn wrong_initialize(module: &Module<'_>, given: Type<'_>) -> Error {
    Reason::Initialize { given: given.to_string() }.of(module.file)
}

fn other_type(
    import: &Import<'_>,
    module: &Module<'_>,
    wanted: Type<'_>,
    exporter: &Module<'_>,
    given: Type<'_>,
) -> Error {
    let (import, exporter) = (import.to_string(), exporter.file.to_owned());
    Reason::Type { import, wanted: wanted.to_string(), exporter, given: given.to_string() }.of(module.file)
}

/// The export that each import names, where it names a module that is linked.
type Direct = HashMap<Item, Item>;

fn direct(modules: &[Module<'_>]) -> Result<Direct, Error> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let (main, linked) = modules.split_last().expect("there is a main module");
    for (number, module) in linked.iter().enumerate() {
        if let Some(first) = numbers.insert(module.name, number) {
            let (name, other) = (module.name.to_owned(), modules[first].file.to_owned());
            return Err(Reason::Twice { name, other }.of(module.file));
        }
    }
    numbers.entry(main.name).or_insert(linked.len());
    let mut direct = Direct::new();
    for (number, module) in modules.iter().enumerate() {
        for import in &module.imports {
            let Some(exporter) = numbers.get(import.module).copied() else { continue };
            let Some((kind, index)) = modules[exporter].export(import.item) else {
                let (item, exporter) = (import.item.to_owned(), modules[exporter].file.to_owned());
                return Err(Reason::Missing { import: import.to_string(), item, exporter }.of(module.file));
            };
            let own = Item { module: number, kind: import.kind, index: import.index };
            let given = Item { module: exporter, kind, index };
            if kind != import.kind {
                let (wanted, exporter) = (module.ty(own.kind, own.index), &modules[exporter]);
                return Err(other_type(import, module, wanted, exporter, exporter.ty(kind, index)));
            }
            direct.insert(own, given);
        }
    }
    Ok(direct)
}

/// A module comes after those whose memories, tables and globals it imports; else the order stays. Where modules
/// import such things from each other, the first of those that are left comes next.
fn order(modules: &[Module<'_>], direct: &Direct) -> Vec<usize> {
    let mut needs = vec![BTreeSet::new(); modules.len()];
    for (import, export) in direct.iter().filter(|(import, _)| import.kind != Kind::Function) {
        needs[import.module].insert(export.module);
    }
    let mut left: Vec<usize> = (0..modules.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let ready = |number: &usize| needs[*number].iter().all(|need| need == number || !left.contains(need));
        let next = left.iter().position(ready).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}
