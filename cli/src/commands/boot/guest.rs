//! Guests on the nanokernel: checked, linked with the components that serve them.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{SystemTime, UNIX_EPOCH};

use boot::{Ending, FaultLine};
use compiler_driver::guest::{self as driver, GuestSystem};
use compiler_driver::{images, keys};
use sci::bundle::{Bundle, instance};
use sci::guest::GuestCapability;
use sci::header::Kind;
use sci::image::Image;
use sci::layout::{LIBRARY_SLAB, PAGE};
use sci::linkage::{self, Linkage, PAGE_BYTES};
use sci::section::SectionKind;
use sci::status::Fault;
use sci::tables::{self, GuestTables};
use services_zhost::machine::{Answering, Requests};
use services_zmesh_component::{Agents, Configuration as Mesh};
use services_zrun::{Grants, Violation, imports, launch, lifecycle};

use crate::arguments::BootArguments;
use crate::commands::agents::{self, tell};
use crate::commands::{devices, guest, verify};
use crate::report::{Exit, Failure};
use crate::session;

/// The guest, as its mesh knows it.
const ALONE: &str = "guest";
/// Bytes that a guest's memories may have: the machine's, without the kernel's and its own components'.
const MEMORY_BYTES_MAX: u64 = 896 * 1024 * 1024;
/// Bytes that a guest's memories may take beyond their first ones: the machine has so much.
const GROWTH_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Whether a path names a guest rather than a project's folder.
pub fn is_one(path: &Path) -> bool {
    !path.is_dir() && (guest::is_module(path) || path.extension().is_some_and(|ending| ending == "sci"))
}

/// The first option of the command line that only a guest has a use for.
pub fn option(arguments: &BootArguments) -> Option<&'static str> {
    let devices = arguments.devices.is_some().then_some("--devices");
    let devices = devices.or(arguments.agents.is_some().then_some("--agents"));
    guest::option(&arguments.guest).or(devices).or((!arguments.arguments.is_empty()).then_some("--"))
}

/// The boot module of a guest, whose imports are judged first; and who answers it as agents.
pub fn module(arguments: &BootArguments) -> Result<(Vec<u8>, Option<Requests>), Failure> {
    let place = arguments.what.display().to_string();
    let image = guest::load(&arguments.what, &arguments.guest)?;
    let key = session::key()?;
    let trusted = verify::trusted(None)?;
    let verified = images::verify_image(&image, &trusted);
    let (parsed, _) = verified.map_err(|refusal| verify::refused(&arguments.what, &refusal))?;
    let grants = guest::grants(&arguments.guest.grants);
    let linkage = linkage::read(parsed.bytes_of(SectionKind::Linkage))
        .filter(|_| parsed.header().kind == Kind::Guest)
        .ok_or_else(|| guest::is_none().at(place.clone()))?;
    imports::check(&linkage, grants).map_err(|error| guest::refused_import(&error).at(place.clone()))?;
    lifecycle::check(&linkage).map_err(|error| guest::no_way_in(error.to_string()).at(place.clone()))?;
    if arguments.guest.fuel.is_some() && linkage.fuel.is_none() {
        return Err(guest::no_fuel().at(place));
    }
    let name = parsed.manifest().identity.name;
    let texts = launch::Texts {
        name: name.to_owned(),
        arguments: arguments.arguments.clone(),
        environment: arguments.guest.environment.clone(),
    };
    let words = words(&launch::Launch { grants, fuel: arguments.guest.fuel, texts })?;
    let epoch = epoch();
    let mut host = host(grants, epoch)?;
    let devices = arguments.devices.as_deref().map(devices::simulation).transpose()?;
    let os = match &devices {
        Some(devices) if !devices.modules.is_empty() => ::boot::os_with_modules(),
        _ => ::boot::OS.to_vec(),
    };
    let devices = devices.map(|devices| devices.to_bytes());
    host.extend(self::name(name));
    let described = arguments.agents.as_deref().map(agents::describe).transpose()?;
    let (mesh, requests) = described.map(|described| asks(described, grants)).unzip();
    let first = affordable(&linkage, arguments.guest.memory).map_err(|failure| failure.at(place))?;
    let growth =
        arguments.guest.memory.saturating_sub(first).min(GROWTH_BYTES_MAX).min(MEMORY_BYTES_MAX - first);
    let system = GuestSystem {
        name,
        image: &image,
        host: &host,
        words: &words,
        memory_pages: (growth / PAGE) as u32,
        devices: devices.as_deref(),
        agents: mesh.as_deref().map(|mesh| (mesh, epoch)),
    };
    let bundle = driver::bundle(&system, &os, &key)?;
    Ok((images::boot_module(&bundle, &[key.public()]), requests))
}

/// What the mesh of a guest that is alone is told, which is there for its agents; and who makes their requests.
fn asks(described: agents::Described, grants: Grants) -> (Vec<u8>, Requests) {
    let agents::Described { agents, own, sources } = described;
    let agents = Agents { agents, secrets: sources.secrets.keys().cloned().collect(), own: vec![(0, own)] };
    let mesh = Mesh::alone(ALONE, grants.mask(), agents);
    (mesh.to_bytes(), Requests::of(sources, Box::new(tell)))
}

/// Answers what a guest asks of models and services, as long as it is kept; and where its line is to come.
pub fn answer(requests: Requests) -> (Arc<Answering>, Sender<UnixStream>) {
    let (line, comes) = mpsc::channel();
    (Answering::begin(requests, ALONE, comes), line)
}

/// What the host of any guest is told of its name.
pub fn name(name: &str) -> impl Iterator<Item = (&'static str, u64)> {
    let pieces = name.as_bytes().chunks(8).map(|piece| {
        let mut word = [0; 8];
        word[..piece.len()].copy_from_slice(piece);
        u64::from_le_bytes(word)
    });
    let names = ["name0", "name1", "name2", "name3", "name4", "name5", "name6", "name7"];
    names.into_iter().zip(pieces)
}

/// What the library of any guest is told.
pub fn words(launch: &launch::Launch) -> Result<Vec<u64>, Failure> {
    launch::words(launch).ok_or_else(|| {
        Failure::new(Exit::Usage, "too-many-arguments", "the guest's arguments and environment are too long")
            .help("a guest on the nanokernel takes some 480 bytes of them")
    })
}

/// Nanoseconds from 1970 to now, which is when the machine begins.
pub fn epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

/// What the host of any guest is told: what the guest may do, the time, and what random numbers follow from.
pub fn host(grants: Grants, epoch: u64) -> Result<Vec<(&'static str, u64)>, Failure> {
    let mut told = vec![("grants", grants.mask()), ("epoch", epoch)];
    if grants.holds(GuestCapability::Random) {
        let seed = keys::random()?;
        let words = seed.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        told.extend(["seed0", "seed1", "seed2", "seed3"].into_iter().zip(words));
    }
    Ok(told)
}

/// Bytes of the memories that a guest begins with, if they are allowed and there.
fn affordable(linkage: &Linkage<'_>, allowed: u64) -> Result<u64, Failure> {
    let bytes = |memory: linkage::Memory| memory.minimum * PAGE_BYTES;
    if let Some(large) = linkage.memories.iter().map(bytes).find(|bytes| *bytes > allowed) {
        return Err(guest::too_large(format!("a memory begins with {large} bytes; {allowed} are allowed")));
    }
    let first: u64 = linkage.memories.iter().map(bytes).sum();
    if first > MEMORY_BYTES_MAX {
        let message =
            format!("the guest's memories begin with {first} bytes; the machine has {MEMORY_BYTES_MAX}");
        return Err(Failure::new(Exit::Refused, "guest-memory", message)
            .help("`space run` has the memory of this host"));
    }
    Ok(first)
}

/// Why a guest ended, where it did not end well: in the words of `space run`.
pub fn failure(ending: &Ending, faults: &[FaultLine], module: &[u8]) -> Option<Failure> {
    if matches!(ending, Ending::Overdue(_)) {
        return Some(guest::trapped("interrupted: its time is over"));
    }
    let bundle = Bundle::read(module).ok()?;
    faults.iter().find_map(|line| end(line, &bundle))
}

/// Why the guest of a line ended; none where the line is of no guest.
pub fn end(line: &FaultLine, bundle: &Bundle<'_>) -> Option<Failure> {
    // Root has no instance's number of its own.
    let guest = bundle.image(bundle.instance_field(line.instance, instance::IMAGE));
    let image = Image::read(guest.filter(|image| image.library.is_some())?.bytes).ok()?;
    if line.realm != image.manifest().identity.name {
        return None;
    }
    if line.fault == Fault::Exit {
        return Some(guest::ended(line.detail as u32 as i32));
    }
    if line.fault == Fault::MethodMask && line.offset >= LIBRARY_SLAB {
        let function = sci::guest::by_number(line.address as u32)?;
        return Some(guest::trapped(&Violation { function }.to_string()));
    }
    let text = image.section(SectionKind::Text)?.memory_offset;
    let offset = line.offset.checked_sub(text).and_then(|offset| u32::try_from(offset).ok());
    let known = offset.and_then(|offset| tables::trap_at(image.bytes_of(SectionKind::Traps), offset));
    let fault = if line.fault == Fault::StackOverflow { line.fault } else { known.unwrap_or(line.fault) };
    let tables = GuestTables {
        symbols: image.bytes_of(SectionKind::Symbols),
        source_map: image.bytes_of(SectionKind::SourceMap),
        debug: image.bytes_of(SectionKind::Debug),
    };
    Some(guest::trapped(&format!("{} {}", fault.guest_meaning(), tables.place(offset))))
}
