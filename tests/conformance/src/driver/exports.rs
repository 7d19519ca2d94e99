//! What a module exports, with its types; none where it imports what a batch does not have.

use std::collections::HashMap;
use wasmparser::{
    ExternalKind, FuncType, Parser, Payload, RefType, TypeRef, ValType, Validator, WasmFeatures,
};

/// An export.
#[derive(Clone, Debug)]
pub enum Export {
    /// A function.
    Function(FuncType),
    /// A global, and whether it changes.
    Global(ValType, bool),
}

/// Functions and globals, by name.
pub type Exports = HashMap<String, Export>;

/// A type's name in WebAssembly's text; `None` for what is not supported here.
pub fn type_name(ty: ValType) -> Option<&'static str> {
    Some(match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::Ref(RefType::FUNCREF) => "funcref",
        ValType::Ref(RefType::EXTERNREF) => "externref",
        ValType::Ref(_) => return None,
    })
}

/// Reads a module's exports.
pub fn read(bytes: &[u8]) -> Option<Exports> {
    Validator::new_with_features(WasmFeatures::default()).validate_all(bytes).ok()?;
    let mut types: Vec<FuncType> = Vec::new();
    let (mut functions, mut globals, mut exports) = (Vec::new(), Vec::new(), HashMap::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    types.push(ty.ok()?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.ok()?;
                    match import.ty {
                        _ if import.module != "spectest" => return None,
                        TypeRef::Func(ty) => functions.push(ty),
                        TypeRef::Global(ty) if !ty.mutable => globals.push((ty.content_type, false)),
                        _ => return None,
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    functions.push(ty.ok()?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let ty = global.ok()?.ty;
                    globals.push((ty.content_type, ty.mutable));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    let index = export.index as usize;
                    let item = match export.kind {
                        ExternalKind::Func => {
                            Export::Function(types.get(*functions.get(index)? as usize)?.clone())
                        }
                        ExternalKind::Global => {
                            let (ty, mutable) = *globals.get(index)?;
                            Export::Global(ty, mutable)
                        }
                        _ => continue,
                    };
                    exports.insert(export.name.to_owned(), item);
                }
            }
            _ => {}
        }
    }
    Some(exports)
}
