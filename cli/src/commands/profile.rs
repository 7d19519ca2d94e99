//! Where a guest's code lies, and where it spends its time.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use compiler_driver::files;
use sci::image::Image;
use sci::section::SectionKind;
use sci::tables::{self, Symbol};
use serde_json::{Value, json};
use services_zrun::linux::{Profile, Sample, samples};

use crate::report::{Exit, Failure};

/// The frame of a guest that waits for the host.
const IN_HOST: &str = "(host)";
/// The frame of a place that no function holds.
const UNKNOWN: &str = "?";

/// Samples of a run that has ended, as words.
pub type Taken = Rc<Cell<Option<Vec<u32>>>>;

/// Refuses to write over what is run.
pub fn check(run: &Path, output: Option<&PathBuf>) -> Result<(), Failure> {
    match output {
        Some(output) if files::same(run, output) => {
            let message = format!("{} would replace what is run", output.display());
            Err(Failure::new(Exit::Usage, "same-file", message).help("name another file"))
        }
        _ => Ok(()),
    }
}

/// Where a run's samples are put, and where they are then found; nothing is sampled without a file.
pub fn sink(file: Option<&Path>) -> Result<(Option<Profile>, Taken), Failure> {
    let samples = Taken::default();
    let Some(file) = file else { return Ok((None, samples)) };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::is_writable(folder)?;
    }
    let to = Rc::clone(&samples);
    Ok((Some(Box::new(move |words: &[u32]| to.set(Some(words.to_vec())))), samples))
}

/// Writes a line for each function of an image: offset in text and bytes, hexadecimal, and name.
pub fn write_map(image: &[u8], file: &Path) -> Result<(), Failure> {
    let Ok(image) = Image::read(image) else { return Ok(()) };
    let mut text = String::new();
    for Symbol { offset, size, name } in tables::functions(image.bytes_of(SectionKind::Symbols)) {
        let _ = writeln!(text, "{offset:x} {size:x} {name}");
    }
    Ok(files::replace(file, text.as_bytes())?)
}

/// Writes the samples of a run as a file of speedscope's format.
pub fn write(image: &[u8], name: &str, words: &[u32], file: &Path) -> Result<(), Failure> {
    let Ok(image) = Image::read(image) else { return Ok(()) };
    let text = speedscope(image.bytes_of(SectionKind::Symbols), name, words).to_string();
    Ok(files::replace(file, text.as_bytes())?)
}

/// As <https://www.speedscope.app/file-format-schema.json> has it: stacks are lists of frames, outermost first.
fn speedscope(symbols: &[u8], name: &str, words: &[u32]) -> Value {
    let mut frames = Frames::default();
    let (mut stacks, mut weights, mut total) = (Vec::new(), Vec::new(), 0);
    for Sample { nanoseconds, is_in_host, places } in samples(words) {
        let function = |place: &u32| tables::function_at(symbols, *place).map_or(UNKNOWN, |it| it.name);
        let mut stack: Vec<usize> = places.iter().rev().map(|place| frames.number(function(place))).collect();
        if is_in_host {
            stack.push(frames.number(IN_HOST));
        }
        stacks.push(stack);
        weights.push(nanoseconds);
        total += u64::from(nanoseconds);
    }
    let frames: Vec<Value> = frames.names.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": concat!("space ", env!("CARGO_PKG_VERSION")),
        "name": name,
        "shared": { "frames": frames },
        "profiles": [{
            "type": "sampled",
            "name": name,
            "unit": "nanoseconds",
            "startValue": 0,
            "endValue": total,
            "samples": stacks,
            "weights": weights,
        }],
    })
}

/// Functions' names, by number.
#[derive(Default)]
struct Frames<'s> {
    names: Vec<&'s str>,
    numbers: HashMap<&'s str, usize>,
}

impl<'s> Frames<'s> {
    fn number(&mut self, name: &'s str) -> usize {
        *self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}
