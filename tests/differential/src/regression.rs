//! Modules that once were not the same in every engine.

use crate::compare::{self, Figures, Third};
use crate::engine::Case;
use crate::plan::Plan;
use crate::random::Random;
use std::fs;
use std::path::Path;

/// Compares every module of a folder, compiled in every way; gives how many there are, or what is wrong.
pub fn run(folder: &Path) -> Result<usize, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let mut paths: Vec<_> = fs::read_dir(folder)
        .map_err(|error| wrong(&error))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "wat" || ending == "wasm"))
        .collect();
    paths.sort();
    let engine = crate::compiled::engine();
    for path in &paths {
        file(&engine, path).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    Ok(paths.len())
}

/// Compares one file's module.
pub fn file(engine: &wasmtime::Engine, path: &Path) -> Result<(), String> {
    let bytes = wat::parse_file(path).map_err(|error| error.to_string())?;
    let plan = Plan::read(&bytes).map_err(|error| error.to_string())?;
    let mut figures = Figures::default();
    for optimize in [false, true] {
        for one_nan in [false, true] {
            let options = compiler_codegen::Options { optimize, one_nan };
            let case = Case { bytes: bytes.clone(), plan: plan.clone(), options };
            let mut random = Random::new(0);
            compare::module(engine, Third::Wasmi, (&case, None), None, &mut random, &mut figures)
                .map_err(|difference| difference.to_string())?;
        }
    }
    if figures.exhausted > 0 { Err("an engine ran out of something".into()) } else { Ok(()) }
}
