//! The component that keeps what spaces store, on the machine's disk, which it drives.

use super::application::{self, Application, FIRST_CLIENT, MESH};
use super::guest::{DISK, HOST, give, image, part, to_root};
use super::{Error, Linked, Planned, channel, plan};
use sci::bundle::grant;
use sci::write::{GrantData, ImageData};

/// Its name.
pub(super) const STORE: &str = "zstore";
/// Its exports, for hosts and for the mesh.
const VALUES: &str = "values";
const BOOK: &str = "book";
/// Where the registers of a machine's virtio devices are: the first page, and bytes.
const VIRTIO: (u32, u32) = (0xfeb00, 12 * 1024);
/// Bytes of pages that it shares with the disk.
const SHARED_BYTES: u32 = 64 * 1024;

/// Plans it where there is to be one; answers where it stands.
pub(super) fn begin<'i>(
    os: &[(&str, &'i [u8])],
    application: &Application<'_>,
    (images, planned): (&mut Vec<ImageData>, &mut Vec<Planned<'i>>),
    launcher: u32,
) -> Result<Option<usize>, Error> {
    let Some(told) = application.store else { return Ok(None) };
    let bytes = part(os, STORE)?;
    let mut instance = plan(STORE, bytes, images.len())?;
    images.push(image(STORE, bytes, None));
    // It stands behind what the others are told.
    let before = [application.control, application.mesh].map(|bytes| bytes.len().next_multiple_of(8) as u64);
    let configuration = before.iter().sum();
    instance.tell(STORE, &[("configuration", configuration), ("configuration-bytes", told.len() as u64)])?;
    let wanted =
        [("registers", grant::REGISTERS, VIRTIO.0, VIRTIO.1), ("pages", grant::PAGES, 0, SHARED_BYTES)];
    for (name, kind, a, window) in wanted {
        let Some(capability) = instance.slot(name) else { continue };
        let mask = instance.parsed.manifest().required.get(capability as usize).map_or(0, |one| one.methods);
        instance.grants.push(GrantData { capability, kind, mask, a, b: 0, window });
    }
    give(&mut instance, 0);
    to_root(&mut instance, launcher);
    planned.push(instance);
    Ok(Some(planned.len() - 1))
}

/// Connects a space's host to it, if there is one.
pub(super) fn connect(planned: &mut [Planned<'_>], host: usize, store: Option<usize>) -> Result<(), Error> {
    connect_to(planned, (HOST, host), store, VALUES)
}

/// Connects the mesh to it, if there is one.
pub(super) fn connect_mesh(
    planned: &mut [Planned<'_>],
    mesh: usize,
    store: Option<usize>,
) -> Result<(), Error> {
    connect_to(planned, (MESH, mesh), store, BOOK)
}

fn connect_to(
    planned: &mut [Planned<'_>],
    (component, client): (&'static str, usize),
    store: Option<usize>,
    export: &str,
) -> Result<(), Error> {
    let Some(slot) = planned[client].slot(DISK) else { return Ok(()) };
    let Some(store) = store else {
        planned[client].lacks.insert(slot);
        return Ok(());
    };
    let mut exported = planned[store].parsed.manifest().exported.iter();
    let export = exported.position(|one| one.name == export).unwrap_or_default() as u32;
    planned[client].tell(component, &[("kept", 1)])?;
    channel(planned, client, slot, store, export);
    Ok(())
}

/// Tells it which of its clients are hosts, whose image is that one.
pub(super) fn tell(
    linked: &mut Linked,
    planned: &[Planned<'_>],
    store: Option<usize>,
    host: usize,
) -> Result<(), Error> {
    let Some(store) = store else { return Ok(()) };
    let parameter = planned[store].parameter(STORE, FIRST_CLIENT)?;
    let (at, first) = application::first_client(&linked.instances, planned[store].image, host);
    linked.instances[at].parameters.push((parameter, first));
    Ok(())
}
