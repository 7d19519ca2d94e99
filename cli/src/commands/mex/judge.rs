//! The levels of a package, and whether it is trusted.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use compiler_driver::files::{self, hex};
use compiler_driver::guest::{Cache, Guest, GuestOptions, Input};
use compiler_driver::keys::{Key, Store};
use sci::guest::{Resolved, resolve};
use sci::image::Image;
use sci::linkage;
use sci::section::SectionKind;
use services_mex::layout::{self, MODULE};
use services_mex::trust::{Policy, Standing};
use services_mex::{Contents, Entry, Moment, Package};
use services_topology::capabilities::Capabilities;
use services_topology::graph::Graph;
use services_topology::name::Name;
use services_zrun::{Grants, Package as Modules, Translated, imports, lifecycle};

use super::{of_refusal, parsed, refused, several, violated};
use crate::commands::guest;
use crate::report::{Exit, Failure};
use crate::session;

/// Bytes of a trust policy.
const POLICY_BYTES_MAX: u64 = 1024 * 1024;
/// The user's own trust policy, below the folder of the state.
const POLICY: &str = "trust.yaml";
/// What holds where the user has none.
const NO_POLICY: &str = "apiVersion: samoza/v1\nkind: TrustPolicy\nprofile: development\n";
/// Bytes of all modules that recognize, on the nanokernel: they are held, and translated, beside their memories. An
/// element of a segment, a byte there, is 24 bytes of the module and 16 of each that runs.
const MODULES_BYTES_MAX: usize = 128 << 10;
/// Pages that a guest's memory begins with at most.
const PAGES_MAX: u64 = 1024;

/// A package, and what it says.
pub struct Judged<'p> {
    /// The package.
    pub package: Package<'p>,
    /// Its texts.
    pub contents: Contents,
    /// What is to run.
    pub graph: Graph,
    /// The images of its modules, and what each needs, once they were compiled.
    pub guests: BTreeMap<Name, (Vec<u8>, Capabilities)>,
    /// The images of the modules that recognize events, by name, once they were compiled.
    pub recognizers: BTreeMap<String, Arc<Vec<u8>>>,
}

impl Judged<'_> {
    /// What a reader wants to know first.
    pub fn summary(&self) -> String {
        let manifest = self.package.manifest();
        let signed = if self.package.key().is_some() { "signed" } else { "unsigned" };
        let sealed = if self.package.is_sealed() { "sealed" } else { "unsealed" };
        format!(
            "{} {}, {} spaces, {} paths, {sealed}, {signed}, graph {}",
            manifest.name,
            manifest.version,
            self.contents.topology.spaces.len(),
            self.contents.topology.paths.len(),
            hex(&self.graph.hash()[..8]),
        )
    }
}

/// Reads a package and its texts, and holds its files against the types of its spaces.
pub fn read<'p>(file: &Path, bytes: &'p [u8]) -> Result<Judged<'p>, Failure> {
    let package = parsed(file, bytes)?;
    let contents = Contents::read(&package).map_err(|violations| violated(file, violations))?;
    package.check_layout(&contents.types()).map_err(|refusals| refused(file, refusals))?;
    let graph = Graph::of(&contents.topology, |_| Capabilities::NONE);
    Ok(Judged { package, contents, graph, guests: BTreeMap::new(), recognizers: BTreeMap::new() })
}

/// The structural and the semantic level, modules among them: each is compiled, and kept for its run.
pub fn judge<'p>(file: &Path, bytes: &'p [u8], strict: bool) -> Result<Judged<'p>, Failure> {
    semantic(file, read(file, bytes)?, strict)
}

/// The semantic level, of a package whose structure is right.
pub fn semantic<'p>(file: &Path, mut judged: Judged<'p>, strict: bool) -> Result<Judged<'p>, Failure> {
    let (cache, key) = (Cache::open()?, session::key()?);
    let mut guests = BTreeMap::new();
    let mut failures = Vec::new();
    for space in &judged.contents.topology.spaces {
        let name = &space.name.value;
        let place = format!("spaces/{name}/{MODULE}");
        if let Some(entry) = judged.package.archive().entry(&place) {
            match compiled(name, &super::place(file, &place), entry, (&cache, &key)) {
                Ok(guest) => drop(guests.insert(name.clone(), guest)),
                Err(failure) => failures.push(failure),
            }
        }
    }
    for entry in judged.package.archive().entries() {
        let Some(name) = layout::recognizer(entry.name()) else { continue };
        match recognizer(name, &super::place(file, entry.name()), entry, (&cache, &key)) {
            Ok(image) => drop(judged.recognizers.insert(name.to_owned(), Arc::new(image))),
            Err(failure) => failures.push(failure),
        }
    }
    if !failures.is_empty() {
        return Err(several(failures));
    }
    let needs = guests.iter().map(|(name, (_, needs))| (name.clone(), *needs)).collect();
    let violations = judged.contents.check(&needs, strict);
    judged.guests = guests;
    if violations.is_empty() { Ok(judged) } else { Err(violated(file, violations)) }
}

/// The image of a module, and what its imports prove that it needs, if it is a guest at all.
fn compiled(
    name: &Name,
    place: &str,
    entry: &Entry<'_>,
    (cache, key): (&Cache, &Key),
) -> Result<(Vec<u8>, Capabilities), Failure> {
    let content = entry.content();
    let module = Guest::new(Input { name: name.as_str(), file: place, bytes: &content }, &[]);
    let bytes = cache.image(&module, GuestOptions::default(), &session::identity(), key)?;
    let image =
        Image::read(&bytes).map_err(|error| Failure::new(Exit::Image, "bad-image", error.to_string()))?;
    let linkage =
        linkage::read(image.bytes_of(SectionKind::Linkage)).ok_or_else(|| guest::is_none().at(place))?;
    imports::check(&linkage, Grants::of(u64::MAX))
        .map_err(|error| guest::refused_import(&error).at(place))?;
    lifecycle::check_space(&linkage).map_err(|error| guest::no_way_in(error.to_string()).at(place))?;
    if let Some(memory) = linkage.memories.iter().find(|memory| memory.minimum > PAGES_MAX) {
        let message = format!("a memory begins with {} pages; {PAGES_MAX} are allowed", memory.minimum);
        return Err(Failure::new(Exit::Image, "guest-memory", message)
            .at(place)
            .help("it may grow beyond, to what policy allows: begin with less"));
    }
    let needed = linkage.imports.iter().filter_map(|import| match resolve(import.module, import.item) {
        // Of several that serve, any one is enough; the grant is judged at the call.
        Resolved::Abi(function) => <[_; 1]>::try_from(function.capabilities).ok(),
        _ => None,
    });
    let needed = needed.flatten().collect();
    Ok((bytes, needed))
}

/// The image of a module that recognizes events, if it is one: it counts fuel, and has no imports.
fn recognizer(
    name: &str,
    place: &str,
    entry: &Entry<'_>,
    (cache, key): (&Cache, &Key),
) -> Result<Vec<u8>, Failure> {
    let content = entry.content();
    let module = Guest::new(Input { name, file: place, bytes: &content }, &[]);
    let options = GuestOptions { fuel: true, ..GuestOptions::default() };
    let bytes = cache.image(&module, options, &session::identity(), key)?;
    let image =
        Image::read(&bytes).map_err(|error| Failure::new(Exit::Image, "bad-image", error.to_string()))?;
    let linkage =
        linkage::read(image.bytes_of(SectionKind::Linkage)).ok_or_else(|| guest::is_none().at(place))?;
    let wrong = |message: String| no_recognizer(message).at(place);
    if let Some(import) = linkage.imports.iter().next() {
        return Err(wrong(format!("the recognizer imports `{}.{}`", import.module, import.item)));
    }
    lifecycle::check_recognizer(&linkage).map_err(|error| wrong(error.to_string()))?;
    Ok(bytes)
}

fn no_recognizer(message: String) -> Failure {
    Failure::new(Exit::Refused, "recognizer", message).help(
        "a recognizer exports `memory`, `room` and `on_reading`, and imports nothing: docs/devices.md, under Events",
    )
}

/// The modules that recognize events of a package that was judged, for a machine where they are interpreted.
pub fn modules(file: &Path, bytes: &[u8]) -> Result<Modules, Failure> {
    let package = parsed(file, bytes)?;
    let mut modules = Modules::new();
    for entry in package.archive().entries() {
        let Some(name) = layout::recognizer(entry.name()) else { continue };
        let content = entry.content();
        interpreted(&content).map_err(|failure| failure.at(super::place(file, entry.name())))?;
        modules.insert(name.to_owned(), content.into_owned());
    }
    fit(&modules)?;
    Ok(modules)
}

/// Holds a module that recognizes events against what its interpreter takes.
pub fn interpreted(bytes: &[u8]) -> Result<(), Failure> {
    Translated::new(bytes).map(drop).map_err(|error| no_recognizer(error.to_string()))
}

/// Holds modules against what a machine on the nanokernel has room for.
pub fn fit(modules: &Modules) -> Result<(), Failure> {
    let bytes: usize = modules.values().map(Vec::len).sum();
    if bytes <= MODULES_BYTES_MAX {
        return Ok(());
    }
    let message =
        format!("all modules that recognize have {bytes} bytes; a machine has room for {MODULES_BYTES_MAX}");
    Err(Failure::new(Exit::Refused, "recognizer", message)
        .help("leave names of functions and other custom sections out of them, or run this on Linux"))
}

/// How a package stands.
pub struct Trusted {
    /// For people.
    pub standing: String,
    /// SHA-256 of the policy.
    pub policy: [u8; 32],
}

/// Whether there is a policy. What has its name and cannot be read is one, too: nothing is trusted for want of it.
fn is_there(policy: &Path) -> Result<bool, Failure> {
    let wrong = |message: String| {
        Failure::new(Exit::Io, "io", format!("the trust policy cannot be read: {message}"))
            .at(policy.display().to_string())
            .help("make it a file that you may read; without one, a policy for development holds")
    };
    match policy.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(wrong(error.to_string())),
        Ok(_) => {}
    }
    match policy.metadata() {
        Ok(data) if data.is_file() => Ok(true),
        Ok(_) => Err(wrong("it is no file".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// How a package stands by a policy: that of a file, or the user's, or one for development.
pub fn trust(judged: &Judged<'_>, file: &Path, policy: Option<&Path>) -> Result<Trusted, Failure> {
    let own = Store::open()?.home().join(POLICY);
    let (named, text) = match policy {
        Some(path) => (path.to_path_buf(), files::read(path, POLICY_BYTES_MAX)?),
        None if is_there(&own)? => (own.clone(), files::read(&own, POLICY_BYTES_MAX)?),
        None => (own, NO_POLICY.as_bytes().to_vec()),
    };
    let digest = sci::digest::sha256(&text);
    let policy = Policy::read(&text).map_err(|refusals| refused(&named, refusals))?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Moment(since.as_secs());
    let granted = judged.contents.granted();
    match policy.judge(judged.package.manifest(), &granted, now) {
        Ok(Standing::Trusted { key, .. }) => {
            let standing = format!("trusted: signed by {}", hex(&key));
            Ok(Trusted { standing, policy: digest })
        }
        Ok(Standing::Development(reasons)) => {
            let reasons: Vec<String> =
                reasons.iter().map(|one| format!("{} [{}]", one.detail(), one.id())).collect();
            let standing = format!("runs for development only: {}", reasons.join("; "));
            Ok(Trusted { standing, policy: digest })
        }
        Err(refusals) => Err(several(refusals.iter().map(|refusal| of_refusal(Exit::Trust, file, refusal)))),
    }
}
