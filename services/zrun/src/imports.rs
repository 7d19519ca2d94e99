//! What a guest imports, judged by the table and the grants, before anything runs.

use crate::space::Grants;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::{GuestCapability, MEMORY_EXPORT, Mismatch, Resolved, Role, ValueType, resolve};
use sci::linkage::{Extern, LinkImport, Linkage, value};

/// Why a module's imports are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The Guest ABI has no such thing.
    #[error("the import `{module}.{item}` is not in the Guest ABI")]
    Unknown {
        /// Module.
        module: String,
        /// Item.
        item: String,
    },
    /// It is not a function.
    #[error("the import `{module}.{item}` is {kind}; a space imports functions only")]
    Kind {
        /// Module.
        module: String,
        /// Item.
        item: String,
        /// What it is.
        kind: String,
    },
    /// It has another type.
    #[error("the import `{module}.{item}` has another type than the Guest ABI's: {mismatch}")]
    Type {
        /// Module.
        module: String,
        /// Item.
        item: String,
        /// How it differs.
        mismatch: Mismatch,
    },
    /// The space lacks the capability.
    #[error("the import `{module}.{item}` needs the capability `{capability}`, which is not granted")]
    NotGranted {
        /// Module.
        module: String,
        /// Item.
        item: String,
        /// The capability; where any of several serves, the first.
        capability: &'static str,
        /// Others that later imports lack, in their order, each once.
        others: Vec<&'static str>,
    },
    /// It takes addresses, and there is no memory that they mean.
    #[error("the import `{module}.{item}` takes addresses, and the module exports no memory named `memory`")]
    NoMemory {
        /// Module.
        module: String,
        /// Item.
        item: String,
    },
}

impl ImportError {
    /// The capabilities that are not granted, if that is why.
    pub fn missing(&self) -> Vec<&'static str> {
        match self {
            Self::NotGranted { capability, others, .. } => {
                core::iter::once(*capability).chain(others.iter().copied()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A function of this type.
    Function {
        /// Types of its parameters.
        parameters: Vec<ValueType>,
        /// Types of its results.
        results: Vec<ValueType>,
    },
    /// Something else, for people: `a memory`.
    Other(String),
}

/// Judges one import of a module that exports its memory, or does not.
pub fn judge(
    module: &str,
    item: &str,
    shape: &Shape,
    grants: Grants,
    has_memory: bool,
) -> Result<Resolved, ImportError> {
    let named = || (module.to_owned(), item.to_owned());
    let resolved = resolve(module, item);
    let signature = match resolved {
        Resolved::Abi(function) => function.signature,
        Resolved::Wasi(function) => function.signature,
        Resolved::Unknown => {
            let (module, item) = named();
            return Err(ImportError::Unknown { module, item });
        }
    };
    if let Resolved::Abi(function) = resolved
        && !function.allowed(grants.mask())
    {
        let capability = function.capabilities.first().map_or("", |first| GuestCapability::name(*first));
        let (module, item) = named();
        return Err(ImportError::NotGranted { module, item, capability, others: Vec::new() });
    }
    match shape {
        Shape::Function { parameters, results } => {
            let checked = signature.check(parameters.iter().copied(), results.iter().copied());
            checked.map_err(|mismatch| {
                let (module, item) = named();
                ImportError::Type { module, item, mismatch }
            })?;
            let is_address =
                |role: Role| matches!(role, Role::Text | Role::Bytes | Role::Out | Role::Pointer);
            if !has_memory && signature.parameters.iter().any(|parameter| is_address(parameter.role)) {
                let (module, item) = named();
                return Err(ImportError::NoMemory { module, item });
            }
            Ok(resolved)
        }
        Shape::Other(kind) => {
            let (module, item) = named();
            Err(ImportError::Kind { module, item, kind: kind.clone() })
        }
    }
}

/// Judges imports in their order; what is not granted is told of all of them.
pub(crate) fn judge_each<'i>(
    imports: impl Iterator<Item = (&'i str, &'i str, Shape)>,
    grants: Grants,
    has_memory: bool,
) -> Result<Vec<Resolved>, ImportError> {
    let mut resolved = Vec::new();
    let mut missing: Option<ImportError> = None;
    for (module, item, shape) in imports {
        match (judge(module, item, &shape, grants, has_memory), &mut missing) {
            (Ok(one), _) => resolved.push(one),
            (
                Err(ImportError::NotGranted { capability: next, .. }),
                Some(ImportError::NotGranted { capability, others, .. }),
            ) => {
                if *capability != next && !others.contains(&next) {
                    others.push(next);
                }
            }
            (Err(error @ ImportError::NotGranted { .. }), _) => missing = Some(error),
            (Err(error), None) => return Err(error),
            // What is wrong by itself is told when this is granted.
            (Err(_), Some(_)) => {}
        }
    }
    missing.map_or(Ok(resolved), Err)
}

/// Judges every import of a guest's image, in its order.
pub fn check(linkage: &Linkage<'_>, grants: Grants) -> Result<(), ImportError> {
    let is_memory = |kind: Extern| matches!(kind, Extern::Memory(_));
    let has_memory =
        linkage.exports.iter().any(|export| export.name == MEMORY_EXPORT && is_memory(export.kind));
    let imports = linkage.imports.iter();
    let imports =
        imports.map(|import: LinkImport<'_>| (import.module, import.item, shape_of(linkage, import.kind)));
    judge_each(imports, grants, has_memory).map(drop)
}

/// What a linkage table's import or export is.
pub(crate) fn shape_of(linkage: &Linkage<'_>, kind: Extern) -> Shape {
    match kind {
        Extern::Function(_, ty) => {
            let ty = ty.checked_sub(1).and_then(|index| linkage.types.get(index as usize));
            let types = |numbers: &[u8]| numbers.iter().map(|number| type_of(*number)).collect();
            Shape::Function {
                parameters: ty.map(|ty| types(ty.parameters)).unwrap_or_default(),
                results: ty.map(|ty| types(ty.results)).unwrap_or_default(),
            }
        }
        Extern::Table(_) => Shape::Other("a table".into()),
        Extern::Memory(_) => Shape::Other("a memory".into()),
        Extern::Global(_) => Shape::Other("a global".into()),
    }
}

fn type_of(number: u8) -> ValueType {
    match number {
        value::I32 => ValueType::I32,
        value::I64 => ValueType::I64,
        value::F32 => ValueType::F32,
        value::F64 => ValueType::F64,
        value::V128 => ValueType::V128,
        _ => ValueType::Reference,
    }
}
