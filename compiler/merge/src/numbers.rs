//! The number of every item in the result: imports that stay come first, then what the modules define, in their order.

use crate::item::{Item, Kind, PerKind, Type};
use crate::link::Program;
use std::collections::HashMap;
use wasmparser::FuncType;

/// The numbers of the result.
pub(crate) struct Numbers<'p> {
    /// Types, each once.
    pub types: Vec<&'p FuncType>,
    /// Imports that stay, each once.
    pub imports: Vec<(&'p str, &'p str, Type<'p>)>,
    /// Memories that are defined, in order.
    pub memories: Vec<Item>,
    /// How many functions the modules have.
    pub functions: u32,
    known_types: HashMap<&'p FuncType, u32>,
    /// Of each module: number of each of its items.
    items: Vec<PerKind<Vec<u32>>>,
}

/// Of an item that is bound to another one, until that one's number is known.
const LATER: u32 = u32::MAX;

impl<'p> Numbers<'p> {
    pub(crate) fn new(program: &'p Program<'_>) -> Self {
        let mut numbers = Self {
            types: Vec::new(),
            imports: Vec::new(),
            memories: memories(program),
            functions: 0,
            known_types: HashMap::new(),
            items: vec![PerKind::default(); program.modules.len()],
        };
        for number in &program.order {
            for ty in &program.modules[*number].types {
                numbers.add_type(ty);
            }
        }
        let mut next = PerKind::<u32>::default();
        numbers.number_imports(program, &mut next);
        numbers.number_definitions(program, &mut next);
        numbers.number_bound(program);
        numbers.functions = next[Kind::Function];
        numbers
    }

    fn add_type(&mut self, ty: &'p FuncType) {
        self.known_types.entry(ty).or_insert_with(|| {
            self.types.push(ty);
            self.types.len() as u32 - 1
        });
    }

    /// The number of a type that a module has.
    pub(crate) fn type_number(&self, ty: &FuncType) -> u32 {
        self.known_types[ty]
    }

    pub(crate) fn number(&self, item: Item) -> u32 {
        self.items[item.module][item.kind][item.index as usize]
    }

    fn number_imports(&mut self, program: &'p Program<'_>, next: &mut PerKind<u32>) {
        let mut known: HashMap<(&str, &str, Type<'_>), u32> = HashMap::new();
        for number in &program.order {
            for import in &program.modules[*number].imports {
                let item = Item { module: *number, kind: import.kind, index: import.index };
                if !program.stays(item) {
                    self.items[*number][import.kind].push(LATER);
                    continue;
                }
                let named = (import.module, import.item, program.ty(item));
                let given = *known.entry(named).or_insert_with(|| {
                    self.imports.push(named);
                    next[import.kind] += 1;
                    next[import.kind] - 1
                });
                self.items[*number][import.kind].push(given);
            }
        }
    }

    fn number_definitions(&mut self, program: &Program<'_>, next: &mut PerKind<u32>) {
        let first_memory = next[Kind::Memory];
        let memory_numbers: HashMap<Item, u32> =
            self.memories.iter().enumerate().map(|(at, item)| (*item, first_memory + at as u32)).collect();
        for module in program.order.iter().copied() {
            for kind in Kind::ALL {
                for index in program.modules[module].defined(kind) {
                    let given = match memory_numbers.get(&Item { module, kind, index }) {
                        Some(given) => *given,
                        None => next[kind],
                    };
                    next[kind] += 1;
                    self.items[module][kind].push(given);
                }
            }
        }
    }

    fn number_bound(&mut self, program: &Program<'_>) {
        for (number, module) in program.modules.iter().enumerate() {
            for import in &module.imports {
                let item = Item { module: number, kind: import.kind, index: import.index };
                let given = self.number(program.resolve(item));
                self.items[number][import.kind][import.index as usize] = given;
            }
        }
    }
}

/// Memories that are defined. That which the host reads and writes is the first: code reaches the first one soonest.
fn memories(program: &Program<'_>) -> Vec<Item> {
    let defined = program.order.iter().flat_map(|module| {
        let memories = program.modules[*module].defined(Kind::Memory);
        memories.map(|index| Item { module: *module, kind: Kind::Memory, index })
    });
    let mut memories: Vec<Item> = defined.collect();
    let lent = program.main_export(sci::guest::MEMORY_EXPORT);
    memories.sort_by_key(|item| Some(*item) != lent);
    memories
}
