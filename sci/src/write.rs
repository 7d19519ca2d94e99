//! Writing images and bundles: the same data gives the same bytes.

use crate::bundle::{self, Bundle, grant, instance};
use crate::digest;
use crate::error::Error;
use crate::header::{FORMAT_VERSION, HEADER_BYTES, Kind, MACHINE_X86_64, MAGIC, field};
use crate::image::Image;
use crate::layout::PAGE;
use crate::list::List;
use crate::manifest::{Entry, Manifest, SectionHash};
use crate::section::{ENTRY_BYTES, SectionKind};
use crate::sign::{self, ENVELOPE_BYTES, PublicKey};
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// The bytes of a list of elements.
pub fn list_bytes<T: Serialize>(elements: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for element in elements {
        // Encoding plain data to memory cannot fail; an element that did would be missing from the list, which
        // the verification of the finished image refuses.
        if let Ok(encoded) = postcard::to_allocvec(element) {
            bytes.extend(encoded);
        }
    }
    bytes
}

/// The bytes of one record.
pub fn encoded<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_allocvec(record).unwrap_or_default()
}

/// A section to be written.
#[derive(Clone, Debug)]
pub struct SectionData {
    /// What it is.
    pub kind: SectionKind,
    /// Where it lies in the slab; 0 if not loaded.
    pub memory_offset: u64,
    /// Bytes of memory; for bss its size, else ignored.
    pub bss_bytes: u64,
    /// Its bytes; empty for bss.
    pub bytes: Vec<u8>,
}

/// Writes an image without a signature. The entries are put in order and the manifest's section hashes computed
/// here.
///
/// # Errors
/// What [`Image::verify`] finds wrong with the result.
pub fn image(kind: Kind, manifest: &Manifest<'_>, sections: &[SectionData]) -> Result<Vec<u8>, Error> {
    let mut entries: Vec<Entry<'_>> = manifest.entries.iter().collect();
    entries.sort_by_key(|entry| entry.kind);
    let entries = list_bytes(&entries);
    let manifest = Manifest { entries: List::new(&entries), ..*manifest };
    let bytes = image_unchecked(kind, &manifest, sections);
    Image::verify(&bytes)?;
    Ok(bytes)
}

/// As [`image`], without looking at the result: tests write images that lie.
#[doc(hidden)]
pub fn image_unchecked(kind: Kind, manifest: &Manifest<'_>, sections: &[SectionData]) -> Vec<u8> {
    let hashes: Vec<SectionHash> = sections
        .iter()
        .filter(|section| section.kind != SectionKind::Bss)
        .map(|section| SectionHash { kind: section.kind as u32, sha256: digest::sha256(&section.bytes) })
        .collect();
    let hashes = list_bytes(&hashes);
    let manifest = Manifest { section_hashes: List::new(&hashes), ..*manifest };
    let manifest = postcard::to_allocvec(&manifest).unwrap_or_default();
    let table_end = HEADER_BYTES + sections.len() as u64 * ENTRY_BYTES;
    let mut bytes = alloc::vec![0; table_end as usize];
    bytes.extend_from_slice(&manifest);
    let mut table = Vec::new();
    for section in sections {
        pad(&mut bytes);
        let is_bss = section.kind == SectionKind::Bss;
        let (offset, size) = if is_bss { (0, 0) } else { (bytes.len() as u32, section.bytes.len() as u32) };
        let memory = match (section.kind.is_loaded(), is_bss) {
            (_, true) => section.bss_bytes,
            (true, false) => u64::from(size),
            (false, false) => 0,
        };
        table.extend((section.kind as u32).to_le_bytes());
        table.extend(0u32.to_le_bytes());
        table.extend(offset.to_le_bytes());
        table.extend(size.to_le_bytes());
        table.extend(section.memory_offset.to_le_bytes());
        table.extend(memory.to_le_bytes());
        if !is_bss {
            bytes.extend_from_slice(&section.bytes);
        }
    }
    pad(&mut bytes);
    let kind = match kind {
        Kind::Component => 1,
        Kind::Guest => 2,
        Kind::Library => 3,
    };
    put(&mut bytes, field::MAGIC, &MAGIC);
    put(&mut bytes, field::VERSION, &FORMAT_VERSION.to_le_bytes());
    put(&mut bytes, field::MACHINE, &MACHINE_X86_64.to_le_bytes());
    put(&mut bytes, field::KIND, &[kind]);
    put(&mut bytes, field::TABLE, &(HEADER_BYTES as u32).to_le_bytes());
    put(&mut bytes, field::SECTION_COUNT, &(sections.len() as u32).to_le_bytes());
    put(&mut bytes, field::MANIFEST, &(table_end as u32).to_le_bytes());
    put(&mut bytes, field::MANIFEST_BYTES, &(manifest.len() as u32).to_le_bytes());
    put(&mut bytes, HEADER_BYTES, &table);
    let total = bytes.len() as u64;
    put(&mut bytes, field::TOTAL, &total.to_le_bytes());
    bytes
}

/// Signs an image, in place of any signature it has.
///
/// # Errors
/// What is wrong with the image.
pub fn sign_image(bytes: &[u8], seed: &[u8; 32], development: bool) -> Result<Vec<u8>, Error> {
    let image = Image::verify(bytes)?;
    let envelope = sign::sign(seed, development, sign::IMAGE_DOMAIN, &digest::image_digest(&image));
    let unsigned = bytes.len() - image.envelope().len();
    let mut signed = bytes.get(..unsigned).unwrap_or_default().to_vec();
    signed.extend_from_slice(&envelope.to_bytes());
    put(&mut signed, field::ENVELOPE, &(unsigned as u32).to_le_bytes());
    put(&mut signed, field::ENVELOPE_BYTES, &(ENVELOPE_BYTES as u32).to_le_bytes());
    let total = signed.len() as u64;
    put(&mut signed, field::TOTAL, &total.to_le_bytes());
    Ok(signed)
}

/// An image of a bundle.
#[derive(Clone, Debug)]
pub struct ImageData {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Index of the library that serves it, if it is a guest; it stands before.
    pub library: Option<u32>,
}

/// An instance of a bundle.
#[derive(Clone, Debug, Default)]
pub struct InstanceData {
    /// Its name.
    pub name: String,
    /// Image index.
    pub image: u32,
    /// Priority.
    pub priority: u8,
    /// 0 never, 1 on fault, 2 always.
    pub restart: u32,
    /// Whether it serves others.
    pub serves: bool,
    /// Whether it is started only when someone asks root for it.
    pub held: bool,
    /// Its grants.
    pub grants: Vec<GrantData>,
    /// Parameters: index and value.
    pub parameters: Vec<(u32, u64)>,
}

/// A grant of a bundle: fields as in [`bundle::grant`].
#[derive(Clone, Copy, Debug, Default)]
pub struct GrantData {
    /// Capability index.
    pub capability: u32,
    /// Kind.
    pub kind: u32,
    /// Method mask.
    pub mask: u64,
    /// First number.
    pub a: u32,
    /// Second number.
    pub b: u32,
    /// Window bytes.
    pub window: u32,
}

/// A policy page that trusts the given keys; each with whether it is a development key.
pub fn policy(development: bool, keys: &[(PublicKey, bool)]) -> Vec<u8> {
    let mut page = alloc::vec![0; PAGE as usize];
    put(&mut page, bundle::policy::MAGIC, &bundle::POLICY_MAGIC);
    put(&mut page, bundle::policy::VERSION, &bundle::BUNDLE_VERSION.to_le_bytes());
    put(&mut page, bundle::policy::FLAGS, &u32::from(development).to_le_bytes());
    put(&mut page, bundle::policy::KEY_COUNT, &(keys.len() as u32).to_le_bytes());
    for (index, (key, development)) in keys.iter().enumerate() {
        let at = bundle::policy::KEYS + index as u64 * bundle::POLICY_KEY_BYTES;
        put(&mut page, at, key);
        put(&mut page, at + 32, &u32::from(*development).to_le_bytes());
    }
    page
}

/// A signing key and whether it is a development key.
#[derive(Clone, Copy)]
pub struct Signer<'k> {
    /// The secret seed.
    pub seed: &'k [u8; 32],
    /// Whether it is a development key.
    pub development: bool,
}

/// Writes a bundle, without the policy page. Image 0 is root.
///
/// # Errors
/// What is wrong with one of the images, or with the whole: a name too long, a grant that no root would read.
pub fn bundle(
    images: &[ImageData],
    instances: &[InstanceData],
    signer: Option<Signer<'_>>,
) -> Result<Vec<u8>, Error> {
    bundle_with(images, instances, &[], signer)
}

/// The same with data, which stand behind the last instance's name; root gives them to whoever is connected to it.
///
/// # Errors
/// As for [`bundle`].
pub fn bundle_with(
    images: &[ImageData],
    instances: &[InstanceData],
    data: &[u8],
    signer: Option<Signer<'_>>,
) -> Result<Vec<u8>, Error> {
    let mut names = Vec::new();
    let mut named = |name: &str| {
        let place = (names.len() as u32, name.len() as u32);
        names.extend_from_slice(name.as_bytes());
        place
    };
    let (mut grants, mut parameters, mut records) = (Vec::new(), Vec::new(), Vec::new());
    let image_names: Vec<(u32, u32)> = images.iter().map(|image| named(&image.name)).collect();
    for data in instances {
        let (name, name_bytes) = named(&data.name);
        let first_grant = grants.len() as u32 / grant::BYTES as u32;
        let first_parameter = parameters.len() as u32 / bundle::PARAMETER_BYTES as u32;
        let serves = if data.serves { instance::FLAG_SERVES } else { 0 };
        let flags = if data.held { serves | instance::FLAG_HELD } else { serves };
        let fields = [
            name,
            name_bytes,
            data.image,
            u32::from(data.priority),
            data.restart,
            flags,
            first_grant,
            data.grants.len() as u32,
            first_parameter,
            data.parameters.len() as u32,
        ];
        records.extend(fields.iter().flat_map(|value| value.to_le_bytes()));
        for one in &data.grants {
            grants.extend([one.capability, one.kind].iter().flat_map(|value| value.to_le_bytes()));
            grants.extend(one.mask.to_le_bytes());
            grants.extend([one.a, one.b, one.window, 0].iter().flat_map(|value| value.to_le_bytes()));
        }
        for (index, value) in &data.parameters {
            parameters.extend(u64::from(*index).to_le_bytes());
            parameters.extend(value.to_le_bytes());
        }
    }
    names.extend_from_slice(data);
    let image_table = bundle::header::BYTES;
    let instance_table = image_table + images.len() as u64 * bundle::image::BYTES;
    let grant_table = instance_table + records.len() as u64;
    let parameter_table = grant_table + grants.len() as u64;
    let name_table = parameter_table + parameters.len() as u64;
    let signed_bytes = name_table + names.len() as u64;
    let envelope = signed_bytes.next_multiple_of(PAGE);
    let mut at = envelope + PAGE;
    let mut table = Vec::new();
    for (data, (name, name_bytes)) in images.iter().zip(image_names) {
        table.extend(digest::image_digest(&Image::verify(&data.bytes)?));
        let library = data.library.map_or(0, |library| library + 1);
        let fields = [at as u32, data.bytes.len() as u32, name, name_bytes, library, 0];
        table.extend(fields.iter().flat_map(|value| value.to_le_bytes()));
        at = (at + data.bytes.len() as u64).next_multiple_of(PAGE);
    }
    let mut bytes = Vec::new();
    bytes.extend(bundle::BUNDLE_MAGIC);
    let header = [
        bundle::BUNDLE_VERSION,
        signed_bytes as u32,
        images.len() as u32,
        image_table as u32,
        instances.len() as u32,
        instance_table as u32,
        grants.len() as u32 / grant::BYTES as u32,
        grant_table as u32,
        parameters.len() as u32 / bundle::PARAMETER_BYTES as u32,
        parameter_table as u32,
        name_table as u32,
        names.len() as u32,
        envelope as u32,
        0,
    ];
    bytes.extend(header.iter().flat_map(|value| value.to_le_bytes()));
    for part in [&table, &records, &grants, &parameters, &names] {
        bytes.extend_from_slice(part);
    }
    let signature = signer.map(|signer| {
        sign::sign(signer.seed, signer.development, sign::BUNDLE_DOMAIN, &digest::sha256(&bytes)).to_bytes()
    });
    pad(&mut bytes);
    bytes.extend_from_slice(&signature.unwrap_or([0; ENVELOPE_BYTES as usize]));
    pad(&mut bytes);
    for data in images {
        bytes.extend_from_slice(&data.bytes);
        pad(&mut bytes);
    }
    Bundle::read_tables(&bytes)?;
    Ok(bytes)
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(PAGE as usize), 0);
}

fn put(bytes: &mut [u8], offset: u64, value: &[u8]) {
    let start = offset as usize;
    if let Some(place) = bytes.get_mut(start..start + value.len()) {
        place.copy_from_slice(value);
    }
}

/// The traps section: text offsets and faults, ascending.
pub fn traps(entries: &[(u32, crate::status::Fault)]) -> Vec<u8> {
    entries.iter().flat_map(|(offset, fault)| [*offset, *fault as u32]).flat_map(u32::to_le_bytes).collect()
}

/// The symbols section: offset, bytes, name; ascending.
pub fn symbols(entries: &[(u32, u32, &str)]) -> Vec<u8> {
    let mut names = String::new();
    let mut words = alloc::vec![entries.len() as u32, 0];
    for (offset, size, name) in entries {
        words.extend([*offset, *size, names.len() as u32, name.len() as u32]);
        names.push_str(name);
    }
    let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend_from_slice(names.as_bytes());
    bytes
}

/// The source map: offset, file, line, column; ascending; and the files' names.
pub fn source_map(entries: &[(u32, u32, u32, u32)], files: &[&str]) -> Vec<u8> {
    let mut words = alloc::vec![entries.len() as u32, files.len() as u32];
    words.extend(entries.iter().flat_map(|(offset, file, line, column)| [*offset, *file, *line, *column]));
    let mut names = String::new();
    for file in files {
        words.extend([names.len() as u32, file.len() as u32]);
        names.push_str(file);
    }
    let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend_from_slice(names.as_bytes());
    bytes
}

/// The sources section: names and hashes, by name; and the Merkle root over them.
pub fn sources(files: &[(&str, [u8; 32])]) -> (Vec<u8>, [u8; 32]) {
    let mut names = String::new();
    let mut bytes: Vec<u8> = [files.len() as u32, 0].iter().flat_map(|value| value.to_le_bytes()).collect();
    for (name, hash) in files {
        bytes.extend_from_slice(hash);
        bytes.extend((names.len() as u32).to_le_bytes());
        bytes.extend((name.len() as u32).to_le_bytes());
        names.push_str(name);
    }
    bytes.extend_from_slice(names.as_bytes());
    (bytes, merkle_root(files))
}

/// Leaves hash name and content under the prefix 0, nodes hash two children under the prefix 1; an odd child
/// moves up alone (RFC 6962, section 2.1, in shape).
fn merkle_root(files: &[(&str, [u8; 32])]) -> [u8; 32] {
    let mut level: Vec<[u8; 32]> = files
        .iter()
        .map(|(name, hash)| {
            let mut hasher = digest::Hasher::new();
            hasher.update(&[0]);
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(hash);
            hasher.finish()
        })
        .collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => {
                    let mut hasher = digest::Hasher::new();
                    hasher.update(&[1]);
                    hasher.update(left);
                    hasher.update(right);
                    hasher.finish()
                }
                single => single.first().copied().unwrap_or_default(),
            })
            .collect();
    }
    level.first().copied().unwrap_or_default()
}
