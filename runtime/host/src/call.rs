//! Calls across a guest's boundary: values to registers or cells and back, and what a call's end means.

use crate::error::Trap;
use crate::instance::Inner;
use crate::machine::{Arguments, Cells, Outcome, Registers, Results};
use crate::module::Way;
use crate::object::{bits, value_of};
use crate::store;
use crate::value::{FunctionType, Value, ValueType};
use sci::status::Fault;
use sci::tables::GuestTables;
use std::rc::Rc;

impl Inner {
    /// Calls a function of the module that is its own.
    pub(crate) fn call(
        &self,
        store: &Rc<store::Inner>,
        function: u32,
        arguments: &[Value],
    ) -> Result<Vec<Value>, Trap> {
        let way = self.way(function)?;
        let ty = self.module.0.ty(way.ty);
        let encode = |value: &Value| bits(store, Some(self.number), value);
        if self.module.0.in_registers(way.ty) {
            let mut passed = Arguments::default();
            let (mut integers, mut floats) = (0, 0);
            for value in arguments {
                if value.ty().is_float() {
                    passed.floats[floats] = encode(value).to_le_bytes();
                    floats += 1;
                } else {
                    passed.ints[integers] = encode(value) as u64;
                    integers += 1;
                }
            }
            let outcome = self.activation.enter_guest(way.entry, &passed, ty.has_floats());
            let results = self.finish(store, outcome)?;
            return Ok(ty
                .results
                .iter()
                .map(|ty| self.decode(store, *ty, result_bits(*ty, &results)))
                .collect());
        }
        let mut cells: Vec<[u8; 16]> = arguments.iter().map(|value| encode(value).to_le_bytes()).collect();
        cells.resize(cells.len().max(ty.results.len()), [0; 16]);
        let cells = Cells::new(cells);
        self.enter_cells(store, way, &cells)?;
        let results = cells.values();
        let decoded = ty.results.iter().zip(&results);
        Ok(decoded.map(|(ty, cell)| self.decode(store, *ty, u128::from_le_bytes(*cell))).collect())
    }

    pub(crate) fn way(&self, function: u32) -> Result<Way, Trap> {
        let way = self.module.0.ways.get(&function).copied();
        way.ok_or_else(|| Trap::Host("the function cannot be called from outside".into()))
    }

    fn enter_cells(&self, store: &store::Inner, way: Way, cells: &Cells) -> Result<(), Trap> {
        let mut passed = Arguments::default();
        passed.ints[0] = cells.address();
        let outcome = self.activation.enter_guest(way.entry, &passed, false);
        self.finish(store, outcome).map(|_| ())
    }

    fn decode(&self, store: &Rc<store::Inner>, ty: ValueType, bits: u128) -> Value {
        value_of(store, Some(self.number), ty, bits)
    }

    /// What a call's end means.
    #[inline]
    pub(crate) fn finish(&self, store: &store::Inner, outcome: Outcome) -> Result<Results, Trap> {
        match outcome {
            Outcome::Returned(results) => Ok(results),
            Outcome::Trapped(trap) => Err(self.fault(&trap)),
            Outcome::HostTrap(_) => {
                let trap = store.trap.borrow_mut().take();
                Err(trap.unwrap_or_else(|| Trap::Host("the host ended the guest".into())))
            }
            Outcome::Interrupted(interruption) => Err(Trap::Interrupted(interruption)),
            Outcome::Preempted | Outcome::Parked => Err(Trap::Host("the guest was suspended".into())),
        }
    }

    fn fault(&self, trap: &crate::machine::Trap) -> Trap {
        let module = &self.module.0;
        let offset = trap.offset.map_or(0, |offset| offset as u32);
        let known = trap.offset.and_then(|_| sci::tables::trap_at(&module.traps, offset));
        let fault = match known {
            _ if trap.is_stack_overflow => Fault::StackOverflow,
            Some(fault) => fault,
            None => Fault::Unreachable,
        };
        let tables =
            GuestTables { symbols: &module.symbols, source_map: &module.source_map, debug: &module.debug };
        Trap::Fault { fault, place: tables.place(trap.offset.map(|_| offset)).into() }
    }

    /// Calls an imported function with the values that the gate took.
    pub(crate) fn call_import(
        &self,
        store: &Rc<store::Inner>,
        function: u32,
        registers: &mut Registers,
    ) -> Result<(), Trap> {
        let id = self.functions[function as usize];
        let kind = store.kind(id);
        let ty = kind.ty();
        let arguments = self.take_arguments(store, ty, registers)?;
        let results = crate::function::call(store, id, &arguments, Some(self.number))?;
        self.give_results(store, ty, &results, registers)
    }

    fn take_arguments(
        &self,
        store: &Rc<store::Inner>,
        ty: &FunctionType,
        registers: &Registers,
    ) -> Result<Vec<Value>, Trap> {
        if !ty.in_registers() {
            return self.take_cells(store, ty, registers.ints[0]);
        }
        let (mut integers, mut floats) = (registers.ints.iter(), registers.floats.iter());
        let values = ty.parameters.iter().map(|ty| {
            let bits = if ty.is_float() {
                floats.next().map_or(0, |bits| u128::from_le_bytes(*bits))
            } else {
                integers.next().map_or(0, |bits| u128::from(*bits))
            };
            self.decode(store, *ty, bits)
        });
        Ok(values.collect())
    }

    /// Arguments in cells of the guest's stack.
    pub(crate) fn take_cells(
        &self,
        store: &Rc<store::Inner>,
        ty: &FunctionType,
        address: u64,
    ) -> Result<Vec<Value>, Trap> {
        let base = self.activation.slab().base();
        let mut values = Vec::with_capacity(ty.parameters.len());
        for (index, ty) in ty.parameters.iter().enumerate() {
            let mut cell = [0; 16];
            let at = address.wrapping_sub(base) + 16 * index as u64;
            self.activation.slab().read(at, &mut cell).map_err(|_| outside())?;
            values.push(self.decode(store, *ty, u128::from_le_bytes(cell)));
        }
        Ok(values)
    }

    /// Results to cells of the guest's stack.
    pub(crate) fn give_cells(
        &self,
        store: &Rc<store::Inner>,
        results: &[Value],
        address: u64,
    ) -> Result<(), Trap> {
        let base = self.activation.slab().base();
        for (index, value) in results.iter().enumerate() {
            let at = address.wrapping_sub(base) + 16 * index as u64;
            let cell = bits(store, Some(self.number), value).to_le_bytes();
            self.activation.slab().write(at, &cell).map_err(|_| outside())?;
        }
        Ok(())
    }

    fn give_results(
        &self,
        store: &Rc<store::Inner>,
        ty: &FunctionType,
        results: &[Value],
        registers: &mut Registers,
    ) -> Result<(), Trap> {
        if !ty.in_registers() {
            return self.give_cells(store, results, registers.ints[0]);
        }
        if let Some(value) = results.first() {
            let bits = bits(store, Some(self.number), value);
            if value.ty().is_float() {
                registers.results.floats[0] = bits.to_le_bytes();
            } else {
                registers.results.ints[0] = bits as u64;
            }
        }
        Ok(())
    }
}

fn outside() -> Trap {
    Trap::Host("a call passed values outside the guest's stack".into())
}

fn result_bits(ty: ValueType, results: &Results) -> u128 {
    if ty.is_float() { u128::from_le_bytes(results.floats[0]) } else { u128::from(results.ints[0]) }
}
