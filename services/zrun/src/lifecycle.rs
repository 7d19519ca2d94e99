//! A guest's ways in, judged before anything runs.

use crate::imports::{Shape, shape_of};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::{ErrorCode, LIFECYCLE, MEMORY_EXPORT, ValueType};
use sci::linkage::Linkage;

/// What is called before any message, in this order; a guest has at most one of the first two.
pub const BEFORE: [&str; 3] = ["_initialize", "_start", "on_init"];
/// The one of these that may end by `proc_exit` with 0 without the guest's end: its program has returned.
pub const PROGRAM: &str = "_start";
/// What is called for each message.
pub const FOR_EACH: &str = "on_process";
/// What is called at the end.
pub const AFTER: &str = "on_close";
/// Of a recognizer: what gives the address where so many bytes of a reading have room.
pub const ROOM: &str = "room";
/// Of a recognizer: what looks at a reading, by its address and its bytes, and answers 0, or the address of an event's
/// payload in the upper half and its bytes in the lower one.
pub const LOOK: &str = "on_reading";

/// Why a module is no guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// It has no way in.
    #[error("the module exports neither `_start`, `_initialize` nor `on_init`: there is nothing to run")]
    NothingToRun,
    /// Both ways in.
    #[error("the module exports both `_initialize` and `_start`")]
    BothStarts,
    /// A way in has another type than it must have.
    #[error("the export `{0}` is not a function of type () -> () or () -> (i32)")]
    WrongType(&'static str),
    /// A space of a topology lacks one.
    #[error("the module exports no `{0}`")]
    Missing(&'static str),
    /// An export of a recognizer has another type than it must have.
    #[error("the export `{0}` is not {1}")]
    Recognizer(&'static str, &'static str),
}

/// What to say of a guest that ended with a status that is not 0: codes of the Guest ABI have names.
pub fn ended(status: i32) -> String {
    let name = ErrorCode::from_number(status).map(|code| format!(" ({})", code.name())).unwrap_or_default();
    format!("the guest ended with status {status}{name}")
}

/// Judges a module's exports.
pub fn judge<'e>(exports: impl Iterator<Item = (&'e str, Shape)>) -> Result<(), LifecycleError> {
    let ways = exports.filter_map(|(name, shape)| Some((sci::guest::lifecycle(name)?.item, shape)));
    let ways: Vec<(&'static str, Shape)> = ways.collect();
    if ways.is_empty() {
        return Err(LifecycleError::NothingToRun);
    }
    let has = |item: &str| ways.iter().any(|(name, _)| *name == item);
    if has("_initialize") && has("_start") {
        return Err(LifecycleError::BothStarts);
    }
    for export in LIFECYCLE {
        let Some((_, shape)) = ways.iter().find(|(name, _)| *name == export.item) else { continue };
        let fits = matches!(shape, Shape::Function { parameters, results }
            if parameters.is_empty() && (results.is_empty() || results == &[ValueType::I32]));
        if !fits {
            return Err(LifecycleError::WrongType(export.item));
        }
    }
    Ok(())
}

/// Judges the exports of a recognizer's module.
pub fn judge_recognizer<'e>(exports: impl Iterator<Item = (&'e str, Shape)>) -> Result<(), LifecycleError> {
    use ValueType::{I32, I64};
    let exports: Vec<(&str, Shape)> = exports.collect();
    let shape = |item: &'static str| {
        let found = exports.iter().find(|(name, _)| *name == item);
        found.map(|(_, shape)| shape).ok_or(LifecycleError::Missing(item))
    };
    if let Shape::Function { .. } = shape(MEMORY_EXPORT)? {
        return Err(LifecycleError::Recognizer(MEMORY_EXPORT, "a memory"));
    }
    let fits = |shape: &Shape, takes: &[ValueType], answers: ValueType| matches!(shape, Shape::Function { parameters, results } if parameters == takes && results == &[answers]);
    if !fits(shape(ROOM)?, &[I32], I32) {
        return Err(LifecycleError::Recognizer(ROOM, "a function of type (i32) -> (i32)"));
    }
    if !fits(shape(LOOK)?, &[I32, I32], I64) {
        return Err(LifecycleError::Recognizer(LOOK, "a function of type (i32, i32) -> (i64)"));
    }
    Ok(())
}

/// Judges the exports of a recognizer's image.
pub fn check_recognizer(linkage: &Linkage<'_>) -> Result<(), LifecycleError> {
    judge_recognizer(linkage.exports.iter().map(|export| (export.name, shape_of(linkage, export.kind))))
}

/// Judges the exports of a guest's image that is to be a space of a topology: it is called for more than others.
pub fn check_space(linkage: &Linkage<'_>) -> Result<(), LifecycleError> {
    check(linkage)?;
    let is_there = |item: &&str| linkage.exports.iter().any(|export| export.name == *item);
    match ["on_init", FOR_EACH, AFTER].into_iter().find(|item| !is_there(item)) {
        Some(missing) => Err(LifecycleError::Missing(missing)),
        None => Ok(()),
    }
}

/// Judges the exports of a guest's image.
pub fn check(linkage: &Linkage<'_>) -> Result<(), LifecycleError> {
    judge(linkage.exports.iter().map(|export| (export.name, shape_of(linkage, export.kind))))
}
