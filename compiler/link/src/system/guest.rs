//! A system that runs one guest: the console, the host that checks what the guest asks for, and the guest beside the
//! library that turns its calls into messages.

use super::application::{self, FIRST_CLIENT, MESH};
use super::{Error, Input, Linked, Planned, channel, connect_the_rest, file_stem, finish, plan, start};
use sci::bundle::grant;
use sci::image::Image;
use sci::write::{GrantData, ImageData};

/// The OS components that run a guest: the host, and the library.
pub(super) const HOST: &str = "zrun";
pub(super) const LIBRARY: &str = "shim";
/// The host's way to other spaces.
pub(super) const MAIL: &str = "mail";
/// Its way to what it stores.
pub(super) const DISK: &str = "disk";
/// The way to root, root's export for it, and who has that.
pub(super) const LAUNCHER: &str = "launcher";
const ROOT: &str = "root";

/// A guest to link a system for.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'i> {
    /// Its name.
    pub name: &'i str,
    /// Its image.
    pub image: &'i [u8],
    /// What the host is told, by the names of its parameters.
    pub host: &'i [(&'i str, u64)],
    /// What the library is told.
    pub words: &'i [u64],
    /// Pages of 4 KiB that its linear memories may take beyond their first ones.
    pub memory_pages: u32,
    /// What its host is told of devices, where it is alone and has any.
    pub devices: Option<&'i [u8]>,
    /// What the mesh is told, where it is alone and agents answer it; and nanoseconds from 1970 to the machine's beginning.
    pub agents: Option<(&'i [u8], u64)>,
}

/// The number of root's export that gives the bundle's data.
pub(super) fn launcher(os: &[(&str, &[u8])]) -> Result<u32, Error> {
    let root = Image::verify(part(os, ROOT)?).map_err(|error| Error::Image { name: ROOT.into(), error })?;
    let launcher = root.manifest().exported.iter().position(|export| export.name == LAUNCHER);
    Ok(launcher.ok_or(Error::NoComponent { name: LAUNCHER })? as u32)
}

/// An OS component.
pub(super) fn part<'o>(os: &[(&str, &'o [u8])], name: &'static str) -> Result<&'o [u8], Error> {
    let found = os.iter().find(|(known, _)| *known == name);
    found.ok_or(Error::NoComponent { name }).map(|(_, bytes)| *bytes)
}

pub(super) fn image(name: &str, bytes: &[u8], library: Option<u32>) -> ImageData {
    ImageData { name: name.to_owned(), bytes: bytes.to_vec(), library }
}

impl Planned<'_> {
    /// The number of a required capability.
    pub(super) fn slot(&self, name: &str) -> Option<u32> {
        let mut required = self.parsed.manifest().required.iter();
        required.position(|required| required.name == name).map(|slot| slot as u32)
    }

    /// The number of a parameter.
    pub(super) fn parameter(&self, component: &'static str, name: &str) -> Result<u32, Error> {
        let index = self.parsed.manifest().parameters.iter().position(|known| known.name == name);
        let absent = || Error::NoParameter { component, parameter: name.to_owned() };
        index.map(|index| index as u32).ok_or_else(absent)
    }

    /// Gives it values for its parameters.
    pub(super) fn tell(&mut self, component: &'static str, values: &[(&str, u64)]) -> Result<(), Error> {
        for (name, value) in values {
            let index = self.parameter(component, name)?;
            self.parameters.push((index, *value));
        }
        Ok(())
    }
}

/// Links the system of a guest.
pub fn link(os: &[(&str, &[u8])], guest: &Guest<'_>) -> Result<Linked, Error> {
    let (host, library) = (part(os, HOST)?, part(os, LIBRARY)?);
    let input = Input { components: &[], os, system: None };
    let (mut images, mut planned) = start(&input)?;
    let has_console = !planned.is_empty();
    let launcher = launcher(os)?;
    let devices = guest.devices.unwrap_or_default();
    let mesh = guest.agents.map(|(told, epoch)| {
        let at = devices.len().next_multiple_of(8) as u64;
        let mesh = application::agents(os, (&mut images, &mut planned), launcher)?;
        let told = [("configuration", at), ("configuration-bytes", told.len() as u64), ("epoch", epoch)];
        planned[mesh].tell(MESH, &told).map(|()| mesh)
    });
    let mesh = mesh.transpose()?;
    let mut host_instance = plan(HOST, host, images.len())?;
    let host_image = images.len();
    host_instance.tell(HOST, guest.host)?;
    // It is alone: nobody keeps its values, or carries its messages.
    let lacked = host_instance.slot(DISK);
    host_instance.lacks.extend(lacked);
    let mail = host_instance.slot(MAIL);
    match mesh {
        Some(_) => host_instance.tell(HOST, &[("agents", 1)])?,
        None => host_instance.lacks.extend(mail),
    }
    match guest.devices {
        Some(devices) => {
            host_instance.tell(HOST, &[("devices-bytes", devices.len() as u64)])?;
            to_root(&mut host_instance, launcher);
        }
        None => host_instance.lacks.extend(host_instance.slot(LAUNCHER)),
    }
    images.push(image(HOST, host, None));
    let library_index = images.len() as u32;
    images.push(image(LIBRARY, library, None));
    // What the library requires, its user gets.
    let mut instance = plan(guest.name, library, images.len())?;
    instance.parameters = (0..).zip(guest.words.iter().copied()).collect();
    Image::verify(guest.image).map_err(|error| Error::Image { name: guest.name.to_owned(), error })?;
    images.push(image(&file_stem(guest.name), guest.image, Some(library_index)));
    give(&mut host_instance, guest.memory_pages);
    give(&mut instance, guest.memory_pages);
    let host_place = planned.len();
    let slot = instance.slot("host").unwrap_or_default();
    planned.extend([host_instance, instance]);
    channel(&mut planned, host_place + 1, slot, host_place, 0);
    if let (Some(mesh), Some(slot)) = (mesh, mail) {
        let export = application::mail(&planned[mesh]);
        channel(&mut planned, host_place, slot, mesh, export);
    }
    connect_the_rest(&mut planned, has_console)?;
    let mesh = mesh.map(|mesh| (planned[mesh].image, planned[mesh].parameter(MESH, FIRST_CLIENT)));
    let mut linked = finish(images, &planned, guest.name.to_owned())?;
    for bytes in [devices, guest.agents.map_or(&[], |(told, _)| told)] {
        linked.data.extend_from_slice(bytes);
        // It is read in words.
        linked.data.resize(linked.data.len().next_multiple_of(8), 0);
    }
    if let Some((mesh, parameter)) = mesh {
        let first = application::first_client(&linked.instances, mesh, host_image);
        linked.instances[first.0].parameters.push((parameter?, first.1));
    }
    Ok(linked)
}

/// Grants what no instance provides, and nobody has granted yet.
pub(super) fn give(instance: &mut Planned<'_>, memory_pages: u32) {
    for (slot, required) in (0..).zip(&instance.parsed.manifest().required) {
        if instance.grants.iter().any(|one| one.capability == slot) {
            continue;
        }
        let (kind, a) = match required.interface {
            "Memory" => (grant::MEMORY, memory_pages),
            "Clock" => (grant::CLOCK, 0),
            "Notification" => (grant::NOTIFICATION, 0),
            _ => continue,
        };
        let mask = required.methods;
        instance.grants.push(GrantData { capability: slot, kind, mask, a, b: 0, window: 0 });
    }
}

/// Connects an instance to root.
pub(super) fn to_root(instance: &mut Planned<'_>, export: u32) {
    let Some(capability) = instance.slot(LAUNCHER) else { return };
    let mask = instance.parsed.manifest().required.get(capability as usize).map_or(0, |one| one.methods);
    let one = GrantData { capability, kind: grant::ROOT, mask, a: 0, b: export, window: 0 };
    instance.grants.push(one);
}
