//! A system that runs one guest: the console, the host that checks what the guest asks for, and the guest beside the
//! library that turns its calls into messages.

use super::{Error, Input, Linked, Planned, connect_the_rest, file_stem, finish, plan, start};
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

    /// Gives it values for its parameters.
    pub(super) fn tell(&mut self, component: &'static str, values: &[(&str, u64)]) -> Result<(), Error> {
        let parameters = self.parsed.manifest().parameters;
        for (name, value) in values {
            let index = parameters.iter().position(|known| known.name == *name);
            let absent = || Error::NoParameter { component, parameter: (*name).to_owned() };
            self.parameters.push((index.ok_or_else(absent)? as u32, *value));
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
    let mut host_instance = plan(HOST, host, images.len())?;
    host_instance.tell(HOST, guest.host)?;
    // It is alone: nobody carries its messages, or keeps its values.
    let lacked = [MAIL, DISK].map(|name| host_instance.slot(name));
    host_instance.lacks.extend(lacked.into_iter().flatten());
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
    planned.extend([host_instance, instance]);
    connect_the_rest(&mut planned, has_console)?;
    finish(images, &planned, guest.name.to_owned())
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
