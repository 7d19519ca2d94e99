//! Modules from seeds.

use crate::engine::Case;
use crate::plan::{Item, Plan};
use crate::random::{Random, mix};
use crate::value::{Kind, Signature};
use arbitrary::Unstructured;
use std::fmt::Write as _;
use wasm_smith::{Config, MemoryOffsetChoices, Module};
use wasmparser::{ImportSectionReader, Parser, Payload};

/// A module from a seed, and how it is called.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The module.
    pub case: Case,
    /// One that imports from it.
    pub second: Option<Case>,
    /// The exported global whose value bounds what the module does, and its value before each call.
    pub fuel: Option<(String, u32)>,
    /// What arguments come from.
    pub random: Random,
}

/// Why there is no module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// wasm-smith has made none.
    #[error("no module came of it: {0}")]
    Smith(String),
    /// It cannot be read.
    #[error(transparent)]
    Plan(#[from] crate::plan::Error),
}

const FUEL_EXPORT: &str = "fuel that is left";

const PAGE: u64 = 65_536;

fn config(random: &mut Random) -> Config {
    let up_to = |random: &mut Random, most: u64| random.below(most + 1) as usize;
    let large = random.once_in(8);
    Config {
        max_types: 1 + up_to(random, 12),
        max_imports: if random.once_in(2) { 0 } else { up_to(random, 8) },
        max_funcs: 6 + up_to(random, if large { 24 } else { 8 }),
        min_funcs: 1 + up_to(random, 5),
        max_globals: up_to(random, 10),
        max_element_segments: up_to(random, 6),
        max_elements: up_to(random, 20),
        max_data_segments: up_to(random, 6),
        max_instructions: 20 + up_to(random, if large { 400 } else { 120 }),
        max_memories: 1 + up_to(random, 2),
        max_tables: up_to(random, 4),
        min_memories: u32::from(random.once_in(2)),
        max_memory32_bytes: PAGE * random.one_of(&[1, 2, 3, 20]),
        max_table_elements: random.one_of(&[4, 20, 200]),
        memory_max_size_required: true,
        table_max_size_required: true,
        memory_offset_choices: random.one_of(&[(90, 9, 1), (60, 30, 10), (99, 1, 0)]).into_choices(),
        disallow_traps: !random.once_in(3),
        canonicalize_nans: true,
        allow_floats: !random.once_in(8),
        simd_enabled: !random.once_in(3),
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        tail_call_enabled: random.once_in(2),
        extended_const_enabled: true,
        const_expr_fuel: 10,
        export_everything: true,
        allow_start_export: random.once_in(4),
        max_nesting_depth: 1 + up_to(random, 9),
        max_type_size: 100,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        memory64_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        generate_custom_sections: false,
        max_tags: 0,
        ..Config::default()
    }
}

/// Tuples that say how often an offset lies inside, near, and anywhere.
trait Choices {
    fn into_choices(self) -> MemoryOffsetChoices;
}

impl Choices for (u32, u32, u32) {
    fn into_choices(self) -> MemoryOffsetChoices {
        MemoryOffsetChoices(self.0, self.1, self.2)
    }
}

/// The module of a seed.
pub fn module(seed: u64) -> Result<Generated, Error> {
    let mut random = Random::new(mix(seed));
    let one_nan = random.once_in(3);
    let optimize = !random.once_in(8);
    let options = compiler_codegen::Options { optimize, one_nan };
    let fuel = random.one_of(&[50, 300, 2_000]);
    let case = case(&mut random, options, fuel, None)?;
    let second = random.once_in(3).then(|| {
        let offered = offer(&case.plan)?;
        self::case(&mut random, options, fuel, Some(offered)).ok()
    });
    Ok(Generated { case, second: second.flatten(), fuel: Some((FUEL_EXPORT.into(), fuel)), random })
}

/// The module that bytes make: the first eight say how, the others what.
pub fn module_of(bytes: &[u8]) -> Result<Generated, Error> {
    const FUEL: u32 = 300;
    let (seed, bytes) = bytes.split_at_checked(8).unwrap_or_default();
    let mut random = Random::new(mix(seed.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte))));
    let options = compiler_codegen::Options { optimize: !random.once_in(8), one_nan: random.once_in(3) };
    let case = made_of(bytes, config(&mut random), false, options, FUEL)?;
    Ok(Generated { case, second: None, fuel: Some((FUEL_EXPORT.into(), FUEL)), random })
}

fn case(
    random: &mut Random,
    options: compiler_codegen::Options,
    fuel: u32,
    imports: Option<Vec<u8>>,
) -> Result<Case, Error> {
    let names_count = imports.is_some();
    let config = Config { available_imports: imports, ..config(random) };
    let length = 1_000 + random.below(12_000) as usize;
    made_of(&random.bytes(length), config, names_count, options, fuel)
}

fn made_of(
    bytes: &[u8],
    config: Config,
    names_count: bool,
    options: compiler_codegen::Options,
    fuel: u32,
) -> Result<Case, Error> {
    let smith = |error: &dyn std::fmt::Display| Error::Smith(error.to_string());
    let mut module = Module::new(config, &mut Unstructured::new(bytes)).map_err(|error| smith(&error))?;
    let global = module.ensure_termination(fuel).map_err(|error| smith(&error))?;
    let bytes = rewrite(&module.to_bytes(), global, names_count);
    let bytes = bytes.ok_or_else(|| smith(&"it cannot be rewritten"))?;
    let plan = Plan::read(&bytes)?;
    Ok(Case { bytes, plan, options })
}

/// A module that imports all that another one exports, by number.
fn offer(plan: &Plan) -> Option<Vec<u8>> {
    let mut text = String::from("(module");
    for (number, (name, item)) in plan.exports.iter().enumerate() {
        // A guest that could fill the other's fuel could run for ever.
        if name != FUEL_EXPORT {
            let _ = write!(text, "(import \"first\" \"{number}\" {})", words(item));
        }
    }
    wat::parse_str(text + ")").ok()
}

fn words(item: &Item) -> String {
    let kind = |kind: &Kind| match kind {
        Kind::I32 => "i32",
        Kind::I64 => "i64",
        Kind::F32 => "f32",
        Kind::F64 => "f64",
        Kind::V128 => "v128",
        Kind::Function => "funcref",
        Kind::External => "externref",
    };
    let list = |kinds: &[Kind]| kinds.iter().map(kind).collect::<Vec<_>>().join(" ");
    let most = |most: &Option<u32>| most.map_or_else(String::new, |most| most.to_string());
    match item {
        Item::Function(Signature { parameters, results }) => {
            format!("(func (param {}) (result {}))", list(parameters), list(results))
        }
        Item::Table(element, size, limit) => format!("(table {size} {} {})", most(limit), kind(element)),
        Item::Memory(pages, limit) => format!("(memory {pages} {})", most(limit)),
        Item::Global(ty, true) => format!("(global (mut {}))", kind(ty)),
        Item::Global(ty, false) => format!("(global {})", kind(ty)),
    }
}

/// The module with one more export, of a global, and with imports by other names, unless those count.
///
/// wasm-smith adds the global of its fuel too late to export it, and an image's contract bounds the names of imports.
fn rewrite(bytes: &[u8], global: u32, names_count: bool) -> Option<Vec<u8>> {
    const GLOBALS: u8 = 6;
    const EXPORTS: u8 = 7;
    let mut export = Vec::new();
    leb(&mut export, FUEL_EXPORT.len() as u32);
    export.extend(FUEL_EXPORT.as_bytes());
    export.push(3);
    leb(&mut export, global);
    let mut written = bytes.get(..8)?.to_vec();
    let mut done = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.ok()?;
        let Some((id, range)) = payload.as_section() else { continue };
        let content = bytes.get(range.start as usize..range.end as usize)?;
        if let (Payload::ImportSection(section), false) = (&payload, names_count) {
            rename(&mut written, section, bytes)?;
            continue;
        }
        let known = match &payload {
            Payload::ExportSection(section) => Some(section.count()),
            _ => None,
        };
        if let Some(count) = known {
            let old = content.get(leb_length(content)..)?;
            section(&mut written, EXPORTS, count + 1, &[old, &export]);
            done = true;
            continue;
        }
        if !done && id > GLOBALS && id != 0 {
            section(&mut written, EXPORTS, 1, &[&export]);
            done = true;
        }
        written.push(id);
        leb(&mut written, content.len() as u32);
        written.extend(content);
    }
    done.then_some(written)
}

/// Writes a section of imports in which the names are numbers.
fn rename(to: &mut Vec<u8>, imports: &ImportSectionReader<'_>, bytes: &[u8]) -> Option<()> {
    const IMPORTS: u8 = 2;
    let mut starts = Vec::new();
    for import in imports.clone().into_imports_with_offsets() {
        let (start, import) = import.ok()?;
        starts.push((start as usize, import.module.len(), import.name.len()));
    }
    let mut content = Vec::new();
    for (number, (start, module, item)) in starts.iter().enumerate() {
        let end = starts.get(number + 1).map_or(imports.range().end as usize, |(start, ..)| *start);
        let import = bytes.get(*start..end)?;
        let names = [module, item];
        let rest = names.iter().try_fold(import, |rest, name| rest.get(leb_length(rest) + **name..))?;
        for name in ["host", &number.to_string()] {
            leb(&mut content, name.len() as u32);
            content.extend(name.as_bytes());
        }
        content.extend(rest);
    }
    section(to, IMPORTS, starts.len() as u32, &[&content]);
    Some(())
}

fn section(to: &mut Vec<u8>, id: u8, count: u32, parts: &[&[u8]]) {
    let mut content = Vec::new();
    leb(&mut content, count);
    for part in parts {
        content.extend(*part);
    }
    to.push(id);
    leb(to, content.len() as u32);
    to.extend(content);
}

fn leb(to: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn leb_length(bytes: &[u8]) -> usize {
    1 + bytes.iter().take_while(|byte| **byte >= 0x80).count()
}
