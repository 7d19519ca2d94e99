//! Guests: modules that become images, and the cache of these.

use std::path::{Path, PathBuf};

use compiler_driver::guest::{Cache, GuestOptions, MODULE_BYTES_MAX};
use compiler_driver::{Error, files};
use sci::image::Image;

use crate::print;
use crate::progress::Progress;
use crate::report::{Exit, Failure};
use crate::session;

/// Whether a file is a WebAssembly module by its name.
pub fn is_module(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "wasm")
}

/// The signed image of a module, from the cache or compiled.
pub fn image(file: &Path, options: GuestOptions) -> Result<Vec<u8>, Failure> {
    let bytes = files::read(file, MODULE_BYTES_MAX).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::new(Exit::Usage, "no-file", format!("there is no file {}", file.display()))
        }
        other => other.into(),
    })?;
    let key = session::key()?;
    let name = file.file_name().map_or_else(|| "guest.wasm".into(), |name| name.to_string_lossy());
    let progress = Progress::of(format!("compiling {name}"));
    let image = Cache::open()?.image(&bytes, &name, options, &session::identity(), &key);
    drop(progress);
    Ok(image?)
}

/// `space build x.wasm`
pub fn build(file: &Path, output: Option<&Path>, fuel: bool) -> Result<(), Failure> {
    let options = GuestOptions { fuel, ..GuestOptions::default() };
    let image = image(file, options)?;
    let output = output.map_or_else(|| file.with_extension("sci"), PathBuf::from);
    if files::same(file, &output) {
        return Err(Failure::new(Exit::Usage, "same-file", "the image would replace the module")
            .help("name another file with `-o`"));
    }
    files::replace(&output, &image)?;
    print::text(&format!("{}  {} bytes\n", output.display(), image.len()))
}

/// `space check` of an image or a module.
pub fn check(file: &Path) -> Result<(), Failure> {
    let bytes =
        if is_module(file) { image(file, GuestOptions::default())? } else { super::verify::read(file)? };
    Image::verify(&bytes).map_err(|refusal| super::verify::refused(file, &refusal))?;
    print::text(&format!("{}: {} contract rules hold\n", file.display(), sci::contract::RULES.len()))
}

/// `space cache list`
pub fn list() -> Result<(), Failure> {
    let cache = Cache::open()?;
    let entries = cache.entries();
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut text: String =
        entries.iter().map(|entry| format!("{}  {} bytes\n", entry.path.display(), entry.bytes)).collect();
    text += &format!("{} images, {bytes} bytes in {}\n", entries.len(), cache.folder().display());
    print::text(&text)
}

/// `space cache clear`
pub fn clear() -> Result<(), Failure> {
    let removed = Cache::open()?.clear()?;
    print::text(&format!("removed {removed} images\n"))
}
