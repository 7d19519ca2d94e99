//! A unit's text: every function in its place, and what refers to what.

use crate::function::{self, Compiled, Workspace};
use crate::{CompiledFunction, Error, Options, Output, Relocation, stack};
use compiler_core::{FunctionId, Module, Symbol, Unit, limit, reach};
use rayon::prelude::*;
use sci::limits::{SLAB_IMAGE_BYTES_MAX, STACK_BYTES_MAX};
use sci::linkage::PLACE_ORIGIN;
use std::collections::BTreeMap;

/// Functions begin at multiples of this.
const FUNCTION_ALIGN: usize = 16;
/// Text begins with so many bytes that belong to no function, where functions' places are values: the word before the
/// origin of places is then no type, and no place is 0.
const HEAD_BYTES: usize = 16;
const _: () = assert!((PLACE_ORIGIN as usize) < HEAD_BYTES && PLACE_ORIGIN >= 4);

pub(crate) fn compile(unit: &dyn Unit, options: Options) -> Result<Output, Error> {
    let module = unit.module();
    let isa = function::target(options)?;
    let reached = reach(module);
    // The start comes first, for those who read the code.
    let start = module.start.into_iter();
    let others = (0..module.functions.len() as u32)
        .map(FunctionId)
        .filter(|id| reached[id.index()] && Some(*id) != module.start);
    let order: Vec<FunctionId> = start.chain(others).collect();
    let results: Vec<Result<Compiled, Error>> = order
        .par_iter()
        .map_init(Workspace::new, |workspace, id| function::compile(unit, *id, &isa, workspace))
        .collect();
    let mut compiled = Vec::with_capacity(order.len());
    for (id, result) in order.into_iter().zip(results) {
        compiled.push((id, result?));
    }
    let frames = compiled.iter().map(|(id, one)| (id.0, one.frame_bytes)).collect();
    let bounds = stack::bounds(module, &frames)?;
    let has_places = !module.taken.is_empty() || module.functions.iter().any(|function| function.calls_taken);
    let mut text = Text { module, has_places, output: Output::default(), pending: Vec::new() };
    for (id, one) in &compiled {
        text.append(*id, one, bounds.of(*id))?;
    }
    text.output.reserve_bytes = bounds.reserve_bytes;
    Ok(text.finish())
}

struct Text<'m> {
    module: &'m Module,
    /// Whether functions' places in text are values.
    has_places: bool,
    output: Output,
    /// References, by offset in text.
    pending: Vec<(u32, Symbol, i64)>,
}

impl Text<'_> {
    fn append(&mut self, id: FunctionId, one: &Compiled, stack_bytes: u64) -> Result<(), Error> {
        let function = &self.module.functions[id.index()];
        let output = &mut self.output;
        let head = if output.text.is_empty() && self.has_places { HEAD_BYTES } else { 0 };
        let word = if function.word.is_some() { size_of::<u32>() } else { 0 };
        // `int3` between functions: nothing falls through.
        let aligned = (output.text.len() + head + word).next_multiple_of(FUNCTION_ALIGN);
        output.text.resize(aligned, 0xcc);
        if let Some(word) = function.word {
            output.text[aligned - 4..].copy_from_slice(&word.to_le_bytes());
        }
        limit("the code", aligned as u64 + one.code.len() as u64, SLAB_IMAGE_BYTES_MAX)?;
        let offset = aligned as u32;
        output.text.extend_from_slice(&one.code);
        output.functions.push(CompiledFunction {
            id,
            name: function.name.clone(),
            offset,
            size: one.code.len() as u32,
            stack_bytes,
        });
        if self.module.start == Some(id) {
            limit("the stack", stack_bytes, STACK_BYTES_MAX)?;
            output.stack_bytes = stack_bytes;
            output.start = offset;
        }
        output.traps.extend(one.traps.iter().map(|(at, fault)| (at + offset, *fault)));
        output.places.extend(one.places.iter().map(|(at, span)| (at + offset, *span)));
        self.pending
            .extend(one.relocations.iter().map(|(at, symbol, addend)| (at + offset, *symbol, *addend)));
        Ok(())
    }

    fn finish(mut self) -> Output {
        let offsets: BTreeMap<FunctionId, u32> =
            self.output.functions.iter().map(|function| (function.id, function.offset)).collect();
        self.output.offsets.clone_from(&offsets);
        let slots = self.used_slots();
        for (offset, symbol, addend) in &self.pending {
            let symbol = match symbol {
                Symbol::Function(id) => {
                    let distance = i64::from(offsets[id]) + addend - i64::from(*offset);
                    put(&mut self.output.text, *offset, distance as i32);
                    continue;
                }
                Symbol::Text => {
                    put(
                        &mut self.output.text,
                        *offset,
                        (i64::from(PLACE_ORIGIN) + addend - i64::from(*offset)) as i32,
                    );
                    continue;
                }
                Symbol::Slot(number) => Symbol::Slot(slots[number]),
                symbol => *symbol,
            };
            self.output.relocations.push(Relocation { offset: *offset, symbol, addend: *addend });
        }
        let module = self.module;
        self.output.slots = slots.keys().map(|number| module.slots[*number as usize].clone()).collect();
        self.output.slot_numbers = slots.keys().copied().collect();
        self.output.rodata.clone_from(&module.rodata);
        self.output.data.clone_from(&module.data);
        self.output.bss_bytes = module.bss_bytes;
        for word in &module.words {
            let (bytes, at) = match word.place {
                Symbol::Rodata(at) => (&mut self.output.rodata, at),
                Symbol::Data(at) => (&mut self.output.data, at),
                _ => continue,
            };
            put(bytes, at, (offsets[&word.function] - PLACE_ORIGIN) as i32);
        }
        self.output
    }

    /// Slots that the code calls, and the number of each in the image.
    fn used_slots(&self) -> BTreeMap<u32, u32> {
        let mut slots: BTreeMap<u32, u32> = BTreeMap::new();
        for (_, symbol, _) in &self.pending {
            if let Symbol::Slot(number) = symbol {
                slots.insert(*number, 0);
            }
        }
        for (at, slot) in slots.values_mut().enumerate() {
            *slot = at as u32;
        }
        slots
    }
}

fn put(bytes: &mut [u8], at: u32, word: i32) {
    bytes[at as usize..at as usize + 4].copy_from_slice(&word.to_le_bytes());
}
