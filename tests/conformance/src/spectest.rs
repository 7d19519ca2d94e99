//! The module `spectest` that scripts import.

use space_host::{Error, Extern, FunctionType, Global, Memory, Store, Table, Value, ValueType};
use std::collections::HashMap;

/// What it exports.
pub fn exports(store: &Store) -> Result<HashMap<String, Extern>, Error> {
    use ValueType::{F32, F64, I32, I64};
    let mut exports = HashMap::new();
    let prints: [(&str, &[ValueType]); 7] = [
        ("print", &[]),
        ("print_i32", &[I32]),
        ("print_i64", &[I64]),
        ("print_f32", &[F32]),
        ("print_f64", &[F64]),
        ("print_i32_f32", &[I32, F32]),
        ("print_f64_f64", &[F64, F64]),
    ];
    for (name, parameters) in prints {
        let ty = FunctionType { parameters: parameters.to_vec(), results: Vec::new() };
        let function = store.function(ty, |_, _| Ok(Vec::new()));
        exports.insert(name.to_owned(), Extern::Function(function));
    }
    let globals = [
        ("global_i32", Value::I32(666)),
        ("global_i64", Value::I64(666)),
        ("global_f32", Value::F32(666.6f32.to_bits())),
        ("global_f64", Value::F64(666.6f64.to_bits())),
    ];
    for (name, value) in globals {
        if let Some(global) = Global::new(store, false, &value) {
            exports.insert(name.to_owned(), Extern::Global(global));
        }
    }
    exports.insert("table".into(), Extern::Table(Table::new(store, ValueType::Function, 10, Some(20))?));
    exports.insert("memory".into(), Extern::Memory(Memory::new(1, Some(2))?));
    Ok(exports)
}
