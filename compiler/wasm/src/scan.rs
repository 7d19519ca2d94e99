//! What a body does that others must know before it is translated.

use wasmparser::{BinaryReaderError, FunctionBody, Operator};

/// Facts of a body, found without its types.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Functions that it calls, imported ones among them; ascending.
    pub calls: Vec<u32>,
    /// Functions whose reference it takes; ascending.
    pub references: Vec<u32>,
    /// Whether it calls through a table.
    pub calls_table: bool,
    /// Whether a call takes its place.
    pub calls_tail: bool,
    /// Tables that it makes longer.
    pub grows_tables: Vec<u32>,
    /// Whether it asks for helpers of the image, which copy and fill.
    pub helps: bool,
}

/// The facts of a body.
pub(crate) fn body(body: &FunctionBody<'_>) -> Result<Facts, BinaryReaderError> {
    let mut facts = Facts::default();
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Call { function_index } => facts.calls.push(function_index),
            Operator::ReturnCall { function_index } => {
                facts.calls.push(function_index);
                facts.calls_tail = true;
            }
            Operator::CallIndirect { .. } => facts.calls_table = true,
            Operator::ReturnCallIndirect { .. } => {
                facts.calls_table = true;
                facts.calls_tail = true;
            }
            Operator::RefFunc { function_index } => facts.references.push(function_index),
            Operator::TableGrow { table } => facts.grows_tables.push(table),
            Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. }
            | Operator::MemoryFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::TableFill { .. } => facts.helps = true,
            _ => {}
        }
    }
    for list in [&mut facts.calls, &mut facts.references, &mut facts.grows_tables] {
        list.sort_unstable();
        list.dedup();
    }
    Ok(facts)
}
