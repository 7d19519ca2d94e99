//! Ways in: where a function's own convention is not the one of the image's boundary.

use crate::function::Function;
use crate::types::{Convention, boundary_signature, fits_boundary};
use cranelift_codegen::ir::InstBuilder;
use wasmparser::FuncType;

/// Whether calls from outside need code between them and the function.
pub(crate) fn needs_entry(ty: &FuncType, convention: Convention) -> bool {
    convention == Convention::Tail || !fits_boundary(ty)
}

impl Function<'_, '_, '_> {
    /// Writes the way in to a function: takes its arguments from the boundary's registers or cells, gives its results
    /// there.
    pub(crate) fn write_entry(&mut self, function: u32) {
        let ty = self.module.function_type(function);
        self.builder.func.signature = boundary_signature(ty);
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        self.builder.seal_block(entry);
        let parameters = self.builder.block_params(entry).to_vec();
        if fits_boundary(ty) {
            let results = self.call_function(function, parameters);
            self.builder.ins().return_(&results);
            return;
        }
        let arguments = self.load_cells(ty.params(), parameters[0]);
        let results = self.call_function(function, arguments);
        self.store_cells(&results, parameters[0]);
        self.builder.ins().return_(&[]);
    }
}
