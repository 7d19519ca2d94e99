//! Fuel: what a guest's work is counted in, where a policy asks for it.
//!
//! Every operator that does something costs 1, one that copies or fills 1 more for each 64 bytes. The rest is held in a
//! variable, so in a register while a function works; it is written to the instance before calls and returns, and read
//! after them. What straight code costs is subtracted once, at its end. The rest is compared at functions' entries and at loops' heads: nothing runs on for
//! longer than the code between two of these.

use crate::function::Function;
use compiler_core::Symbol;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use cranelift_frontend::Variable;
use sci::status::Fault;
use wasmparser::Operator;

/// Shift from the bytes that are copied or filled to units.
const UNIT_SHIFT: i64 = 6;

/// The fuel of a function in translation.
#[derive(Clone, Copy)]
pub(crate) struct Fuel {
    /// The instance's cell: an offset in data.
    cell: u32,
    /// What is left.
    left: Variable,
    /// What was spent since it was subtracted last.
    spent: i64,
}

fn flags() -> MemFlagsData {
    MemFlagsData::trusted().with_trap_code(None)
}

impl Function<'_, '_, '_> {
    /// Reads what is left at the function's entry.
    pub(crate) fn open_fuel(&mut self) {
        let Some(cell) = self.unit.state.fuel else { return };
        let left = self.builder.declare_var(I64);
        self.fuel = Some(Fuel { cell, left, spent: 1 });
        self.reload_fuel();
        self.spend();
        self.check_fuel();
    }

    /// Counts an operator; subtracts before control leaves straight code.
    pub(crate) fn charge(&mut self, operator: &Operator<'_>) {
        let Some(fuel) = &mut self.fuel else { return };
        match operator {
            Operator::Nop | Operator::Block { .. } | Operator::Drop => {}
            Operator::Loop { .. } | Operator::End | Operator::Else => self.spend(),
            Operator::If { .. }
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => {
                fuel.spent += 1;
                self.spend();
            }
            _ => fuel.spent += 1,
        }
    }

    /// Subtracts what it costs to write so many bytes at once, before that is done.
    pub(crate) fn charge_bytes(&mut self, bytes: Value) {
        let Some(fuel) = self.fuel else { return };
        let cost = self.builder.ins().ushr_imm_u(bytes, UNIT_SHIFT);
        let left = self.builder.use_var(fuel.left);
        let left = self.builder.ins().isub(left, cost);
        self.builder.def_var(fuel.left, left);
        self.check_fuel();
    }

    fn spend(&mut self) {
        let Some(fuel) = &mut self.fuel else { return };
        let (left, spent) = (fuel.left, std::mem::take(&mut fuel.spent));
        if spent > 0 {
            let value = self.builder.use_var(left);
            let value = self.builder.ins().iadd_imm_s(value, -spent);
            self.builder.def_var(left, value);
        }
    }

    /// Traps if nothing is left.
    pub(crate) fn check_fuel(&mut self) {
        let Some(fuel) = self.fuel else { return };
        let left = self.builder.use_var(fuel.left);
        let none = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.trap_if(none, Fault::OutOfFuel);
    }

    /// Writes what is left, for whoever runs next.
    pub(crate) fn store_fuel(&mut self) {
        let Some(fuel) = self.fuel else { return };
        let left = self.builder.use_var(fuel.left);
        let cell = self.symbol(Symbol::Data(fuel.cell));
        self.builder.ins().store(flags(), left, cell, 0);
    }

    /// Reads what others have left.
    pub(crate) fn reload_fuel(&mut self) {
        let Some(fuel) = self.fuel else { return };
        let cell = self.symbol(Symbol::Data(fuel.cell));
        let left = self.builder.ins().load(I64, flags(), cell, 0);
        self.builder.def_var(fuel.left, left);
    }
}
