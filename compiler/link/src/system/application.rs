//! A system that runs a topology: the console, the components that place its spaces and carry their messages, and each
//! guest beside a host of its own.

use super::guest::{DISK, Guest, HOST, LAUNCHER, LIBRARY, MAIL, give, image, launcher, part, to_root};
use super::store;
use super::{Error, Input, Linked, Planned, channel, connect_the_rest, file_stem, finish, plan, start};
use sci::bundle::grant;
use sci::image::Image;
use sci::write::{GrantData, ImageData, InstanceData};

/// The OS components that run a topology: who places, and who carries messages.
const CONTROL: &str = "zrms";
pub(super) const MESH: &str = "zmesh";
/// What the mesh is told of its clients.
pub(super) const FIRST_CLIENT: &str = "first-client";
/// The way to whoever shows the topology, its priority, and its serial port: base and number of ports.
const DESK: &str = "zdesk";
const DESK_PRIORITY: u8 = super::LOWEST_PRIORITY + 1;
const DESK_PORTS: (u32, u32) = (0x2f8, 8);
/// Priority of control: above every guest and its host, so that none keeps it from deciding.
const CONTROL_PRIORITY: u8 = 64;
/// Exports of the mesh.
const MESH_MAIL: &str = "mail";

/// A topology to link a system for.
#[derive(Clone, Copy, Debug)]
pub struct Application<'i> {
    /// Its name.
    pub name: &'i str,
    /// Its guests.
    pub guests: &'i [Guest<'i>],
    /// What control is told.
    pub control: &'i [u8],
    /// What the mesh is told, bytes and parameters.
    pub mesh: &'i [u8],
    /// What the store is told, where the machine has a disk.
    pub store: Option<&'i [u8]>,
    /// Nanoseconds from 1970 to the machine's beginning.
    pub epoch: u64,
}

/// Links the system of a topology.
pub fn link(os: &[(&str, &[u8])], application: &Application<'_>) -> Result<Linked, Error> {
    let input = Input { components: &[], os, system: None };
    let (mut images, mut planned) = start(&input)?;
    let has_console = !planned.is_empty();
    let launcher = launcher(os)?;

    let (mesh, control) = (planned.len(), planned.len() + 1);
    for (name, priority) in [(MESH, None), (CONTROL, Some(CONTROL_PRIORITY))] {
        let mut instance = plan(name, part(os, name)?, images.len())?;
        images.push(image(name, part(os, name)?, None));
        instance.priority = priority.or(instance.priority);
        give(&mut instance, 0);
        to_root(&mut instance, launcher);
        planned.push(instance);
    }

    planned.push(desk(part(os, DESK)?, images.len())?);
    images.push(image(DESK, part(os, DESK)?, None));
    let store = store::begin(os, application, (&mut images, &mut planned), launcher)?;
    store::connect_mesh(&mut planned, mesh, store)?;

    let (host, library) = (part(os, HOST)?, part(os, LIBRARY)?);
    let host_image = images.len();
    images.push(image(HOST, host, None));
    let library_index = images.len() as u32;
    images.push(image(LIBRARY, library, None));
    let mail = mail(&planned[mesh]);
    let first_host = planned.len();
    for guest in application.guests {
        let mut instance = plan(&format!("{}/{HOST}", guest.name), host, host_image)?;
        instance.tell(HOST, guest.host)?;
        instance.held = true;
        // What it would be told of devices, the mesh is.
        instance.lacks.extend(instance.slot(LAUNCHER));
        give(&mut instance, guest.memory_pages);
        planned.push(instance);
    }
    let first_guest = planned.len();
    for (at, guest) in application.guests.iter().enumerate() {
        let host = first_host + at;
        if let Some(slot) = planned[host].slot(MAIL) {
            channel(&mut planned, host, slot, mesh, mail);
        }
        store::connect(&mut planned, host, store)?;
        // What the library requires, its user gets.
        let mut instance = plan(guest.name, library, images.len())?;
        instance.parameters = (0..).zip(guest.words.iter().copied()).collect();
        instance.held = true;
        Image::verify(guest.image).map_err(|error| Error::Image { name: guest.name.to_owned(), error })?;
        images.push(image(&file_stem(guest.name), guest.image, Some(library_index)));
        give(&mut instance, guest.memory_pages);
        let slot = instance.slot("host").unwrap_or_default();
        planned.push(instance);
        channel(&mut planned, first_guest + at, slot, host, 0);
    }
    connect_the_rest(&mut planned, has_console)?;
    let known = [mesh, control].map(|at| parameters_of(&planned[at]));
    let places = [mesh, control].map(|at| planned[at].image);
    let mut linked = finish(images, &planned, application.name.to_owned())?;
    store::tell(&mut linked, &planned, store, host_image)?;
    let of_image = |index: usize| {
        linked.instances.iter().position(|one| one.image as usize == index).unwrap_or_default()
    };
    let [mesh, control] = places.map(of_image);
    // There is one library image, then one image for each guest.
    let (first_host, first_guest) = (of_image(host_image), of_image(library_index as usize + 1));
    let first_client = clients_before(&linked.instances, mesh as u32, first_host);
    let mesh_data = application.control.len().next_multiple_of(8);
    linked.data = application.control.to_vec();
    linked.data.resize(mesh_data, 0);
    linked.data.extend_from_slice(application.mesh);
    // It is read in words.
    linked.data.resize(linked.data.len().next_multiple_of(8), 0);
    linked.data.extend_from_slice(application.store.unwrap_or_default());
    linked.data.resize(linked.data.len().next_multiple_of(8), 0);
    let mesh_told = [
        ("configuration", mesh_data as u64),
        ("configuration-bytes", application.mesh.len() as u64),
        ("epoch", application.epoch),
        (FIRST_CLIENT, first_client),
    ];
    let control_told = [
        ("configuration", 0),
        ("configuration-bytes", application.control.len() as u64),
        ("first-host", first_host as u64),
        ("first-guest", first_guest as u64),
    ];
    let told = [(MESH, mesh, mesh_told), (CONTROL, control, control_told)];
    for ((component, at, values), known) in told.into_iter().zip(known) {
        for (name, value) in values {
            let index = known.iter().position(|known| known == name);
            let absent = || Error::NoParameter { component, parameter: name.to_owned() };
            linked.instances[at].parameters.push((index.ok_or_else(absent)? as u32, value));
        }
    }
    Ok(linked)
}

/// The number of the mesh's export for hosts.
pub(super) fn mail(mesh: &Planned<'_>) -> u32 {
    let mut exported = mesh.parsed.manifest().exported.iter();
    exported.position(|export| export.name == MESH_MAIL).unwrap_or_default() as u32
}

/// Plans what answers a guest that is alone as agents: the mesh, and the way to whoever makes requests; answers where the
/// mesh stands.
pub(super) fn agents<'i>(
    os: &[(&str, &'i [u8])],
    (images, planned): (&mut Vec<ImageData>, &mut Vec<Planned<'i>>),
    launcher: u32,
) -> Result<usize, Error> {
    let bytes = part(os, MESH)?;
    let mut mesh = plan(MESH, bytes, images.len())?;
    images.push(image(MESH, bytes, None));
    give(&mut mesh, 0);
    to_root(&mut mesh, launcher);
    mesh.lacks.extend(mesh.slot(DISK));
    let place = planned.len();
    planned.push(mesh);
    planned.push(desk(part(os, DESK)?, images.len())?);
    images.push(image(DESK, part(os, DESK)?, None));
    Ok(place)
}

/// Where a server stands among instances, by its image, and the number that its first client has which is a host.
pub(super) fn first_client(instances: &[InstanceData], server: usize, host: usize) -> (usize, u64) {
    let of_image =
        |index: usize| instances.iter().position(|one| one.image as usize == index).unwrap_or_default();
    let (server, host) = (of_image(server), of_image(host));
    (server, clients_before(instances, server as u32, host))
}

/// The way to whoever shows the topology: nobody waits for its end.
fn desk(bytes: &[u8], image: usize) -> Result<Planned<'_>, Error> {
    let mut instance = plan(DESK, bytes, image)?;
    instance.priority = Some(DESK_PRIORITY);
    instance.attends = true;
    give(&mut instance, 0);
    let ports = (0..).zip(&instance.parsed.manifest().required).find(|(_, one)| one.interface == "PortRange");
    let (a, b) = DESK_PORTS;
    instance.grants.extend(ports.map(|(capability, one)| GrantData {
        capability,
        kind: grant::PORTS,
        mask: one.methods,
        a,
        b,
        window: 0,
    }));
    Ok(instance)
}

fn parameters_of(instance: &Planned<'_>) -> Vec<String> {
    instance.parsed.manifest().parameters.iter().map(|parameter| parameter.name.to_owned()).collect()
}

/// Clients of a server that root connects before an instance's.
fn clients_before(instances: &[InstanceData], server: u32, instance: usize) -> u64 {
    let before = instances[..instance].iter().flat_map(|one| &one.grants);
    before.filter(|one| one.kind == grant::CHANNEL && one.a == server).count() as u64
}
