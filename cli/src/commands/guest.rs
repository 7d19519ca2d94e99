//! Guests: modules that become images, and the cache of these.

use std::path::{Path, PathBuf};

use compiler_driver::guest::{Cache, Guest, GuestOptions, Input, MODULE_BYTES_MAX};
use compiler_driver::{Error, files};
use sci::guest::GuestCapability;
use sci::image::Image;
use services_zrun::imports::ImportError;
use services_zrun::{Grants, lifecycle};

use crate::arguments::{GuestArguments, Link};
use crate::print;
use crate::progress::Progress;
use crate::report::{Exit, Failure};
use crate::session;

/// Whether a file is a WebAssembly module by its name.
pub fn is_module(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "wasm")
}

/// The first option of the command line that only a guest has a use for.
pub fn option(arguments: &GuestArguments) -> Option<&'static str> {
    let GuestArguments { grants, environment, fuel, links, .. } = arguments;
    let used = [
        ("--grant", !grants.is_empty()),
        ("--env", !environment.is_empty()),
        ("--fuel", fuel.is_some()),
        ("--link", !links.links.is_empty()),
    ];
    used.into_iter().find(|(_, used)| *used).map(|(option, _)| option)
}

/// The image to run: that of a module, or what the file holds.
pub fn load(file: &Path, arguments: &GuestArguments) -> Result<Vec<u8>, Failure> {
    let links = &arguments.links.links;
    if is_module(file) {
        let options = GuestOptions { fuel: arguments.fuel.is_some(), ..GuestOptions::default() };
        return image(file, links, options);
    }
    if !links.is_empty() {
        return Err(Failure::new(Exit::Usage, "usage", "`--link` is for WebAssembly modules")
            .help("`space build --link` links modules into an image"));
    }
    super::verify::read(file)
}

/// The signed image of a module and those that are linked to it, from the cache or compiled.
fn image(file: &Path, links: &[Link], options: GuestOptions) -> Result<Vec<u8>, Failure> {
    let bytes = read(file)?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let place = file.display().to_string();
    let linked = links.iter().map(|link| Ok((link, link.file.display().to_string(), read(&link.file)?)));
    let linked: Vec<_> = linked.collect::<Result<_, Failure>>()?;
    let inputs: Vec<Input<'_>> =
        linked.iter().map(|(link, file, bytes)| Input { name: &link.name, file, bytes }).collect();
    let guest = Guest::new(Input { name: &stem, file: &place, bytes: &bytes }, &inputs);
    let key = session::key()?;
    let progress = Progress::of(format!("compiling {}", guest.name()));
    let image = Cache::open()?.image(&guest, options, &session::identity(), &key);
    drop(progress);
    Ok(image?)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    files::read(file, MODULE_BYTES_MAX).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::new(Exit::Usage, "no-file", format!("there is no file {}", file.display()))
        }
        other => other.into(),
    })
}

/// What is granted: the log, and what was asked for.
pub fn grants(asked: &[GuestCapability]) -> Grants {
    asked.iter().fold(Grants::default().with(GuestCapability::SysLog), |grants, one| grants.with(*one))
}

/// An import that a guest may not have.
pub fn refused_import(error: &ImportError) -> Failure {
    import_refused(error.to_string(), &error.missing().into_iter().map(str::to_owned).collect::<Vec<_>>())
}

/// The same, by what it says and the capabilities that are missing.
pub fn import_refused(message: String, missing: &[String]) -> Failure {
    let failure = Failure::new(Exit::Refused, "import-refused", message);
    match missing {
        [] => failure.help("`docs/guest-abi.md` lists what a guest may import"),
        [name] => failure.help(format!("`--grant {name}` grants it")),
        _ => failure.help(format!("`--grant {}` grants this and what else it needs", missing.join(","))),
    }
}

/// A memory that begins with more than is allowed.
pub fn too_large(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, "guest-memory", message).help("`--memory` allows more")
}

/// An image of another kind.
pub fn is_none() -> Failure {
    Failure::new(Exit::Image, "no-guest", "the image is not a guest's")
        .help("components run with their project: `space run <folder>`, `space boot <folder>`")
}

/// Exports that no guest has.
pub fn no_way_in(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, "no-way-in", message)
        .help("`docs/guest-abi.md` says what a guest exports, under Lifecycle")
}

/// Fuel for a guest that does not count it.
pub fn no_fuel() -> Failure {
    Failure::new(Exit::Refused, "no-fuel", "the image does not count fuel")
        .help("`space build --fuel` compiles it so; a module is compiled so where `--fuel` is given")
}

/// A guest that ended with an error of its own.
pub fn ended(status: i32) -> Failure {
    Failure::new(Exit::Fault, "guest-status", lifecycle::ended(status))
}

/// A guest that trapped.
pub fn trapped(why: &str) -> Failure {
    Failure::new(Exit::Fault, "guest-trap", format!("the guest trapped: {why}"))
}

/// `space build x.wasm`
pub fn build(file: &Path, output: Option<&Path>, fuel: bool, links: &[Link]) -> Result<(), Failure> {
    let options = GuestOptions { fuel, ..GuestOptions::default() };
    let image = image(file, links, options)?;
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
        if is_module(file) { image(file, &[], GuestOptions::default())? } else { super::verify::read(file)? };
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
