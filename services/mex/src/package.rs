//! The package as a whole: archive, manifest, hashes and layout, read and written.

use crate::MANIFEST;
use crate::archive::{Archive, Entry};
use crate::encoding::hex;
use crate::layout;
use crate::manifest::{FileHash, Manifest, text_and_trailer};
use crate::rule::{Refusal, Rule};
use crate::signature::{PublicKey, sign};
use crate::write::write_archive;
use sci::digest::sha256;
use sci::guest::SpaceType;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::fmt::Write as _;

/// A package whose structure is right, as far as the package alone can tell: the types of spaces are its
/// topology's to say, see [`check_layout`](Self::check_layout); the modules are WebAssembly's.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    archive: Archive<'a>,
    manifest: Manifest,
}

impl<'a> Package<'a> {
    /// Reads a package; refuses it by every rule that it breaks, archive first, then manifest and signature, then
    /// hashes and layout.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Vec<Refusal>> {
        let archive = Archive::read(bytes).map_err(|refusal| vec![refusal])?;
        let manifest = archive.entry(MANIFEST).map(Entry::content).unwrap_or_default();
        let manifest = Manifest::read(&manifest)?;
        let mut refusals = Vec::new();
        if let Some(files) = &manifest.integrity {
            check_integrity(&archive, files, &mut refusals);
        }
        layout::check(&archive, &manifest, &mut refusals);
        if refusals.is_empty() { Ok(Self { archive, manifest }) } else { Err(refusals) }
    }

    /// Its files.
    pub fn archive(&self) -> &Archive<'a> {
        &self.archive
    }

    /// What its manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether its manifest lists the hashes of its files.
    pub fn is_sealed(&self) -> bool {
        self.manifest.integrity.is_some()
    }

    /// The key that signed it.
    pub fn key(&self) -> Option<&PublicKey> {
        self.manifest.signature.as_ref().map(|trailer| &trailer.key)
    }

    /// Checks each space's files against its type, and the spaces against the topology's.
    pub fn check_layout(&self, types: &[(&str, SpaceType)]) -> Result<(), Vec<Refusal>> {
        let refusals = layout::check_types(&self.archive, &self.manifest, types);
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }
}

/// The manifest lists every file but itself, once and with its hash, and no other.
fn check_integrity(archive: &Archive<'_>, files: &[FileHash], refusals: &mut Vec<Refusal>) {
    let mut listed: BTreeMap<&str, &FileHash> = BTreeMap::new();
    let refuse = |rule: Rule, file: &FileHash, detail: String| rule.in_file(MANIFEST, file.place, detail);
    for file in files {
        let path = &file.path;
        if path == MANIFEST {
            refusals.push(refuse(Rule::IntegrityItself, file, format!("`{path}` is listed")));
            continue;
        }
        match listed.entry(path) {
            Vacant(place) => {
                place.insert(file);
            }
            Occupied(first) => {
                let detail = format!("`{path}` is listed at {}, too", first.get().place);
                refusals.push(refuse(Rule::IntegrityTwice, file, detail));
            }
        }
    }
    for entry in archive.entries().iter().filter(|entry| entry.name() != MANIFEST) {
        let (name, hash) = (entry.name(), hex(entry.sha256()));
        match listed.remove(name) {
            None => {
                refusals.push(Rule::IntegrityUnlisted.in_file(name, None, "the manifest does not list it"));
            }
            Some(file) if file.hash != hash => {
                let detail = format!("it has {hash}, the manifest lists {}", file.hash);
                refusals.push(Rule::IntegrityContent.in_file(name, None, detail));
            }
            Some(_) => {}
        }
    }
    let absent = listed.into_values();
    refusals.extend(absent.map(|file| {
        refuse(Rule::IntegrityAbsent, file, format!("`{}` is not there", file.path.escape_debug()))
    }));
}

/// Writes a package from the text of its manifest, without hashes and signature, and its other files: sealed, and
/// signed with the key of a seed if one is given. The same input gives the same bytes, whatever the files' order.
pub fn write_package(
    manifest: &str,
    files: &[(&str, &[u8])],
    seed: Option<&[u8; 32]>,
) -> Result<Vec<u8>, Vec<Refusal>> {
    let read = Manifest::read(manifest.as_bytes())?;
    if read.integrity.is_some() || read.signature.is_some() {
        let detail = "it has been sealed before";
        return Err(vec![Rule::ManifestSealed.in_file(MANIFEST, None, detail)]);
    }
    let mut hashes: Vec<(&str, [u8; 32])> =
        files.iter().map(|(name, content)| (*name, sha256(content))).collect();
    hashes.sort_unstable();
    let mut text = format!("{manifest}integrity:\n  algorithm: sha256\n  files:\n");
    for (name, hash) in hashes {
        // Quoted: whatever the hash's digits and the name's letters, they are text to every reader.
        let _ = write!(text, "    - path: \"{name}\"\n      hash: \"{}\"\n", hex(&hash));
    }
    finish(&text, files, seed)
}

/// Signs a sealed package anew, in place of the signature that it has.
pub fn sign_package(package: &Package<'_>, seed: &[u8; 32]) -> Result<Vec<u8>, Vec<Refusal>> {
    let contents: Vec<_> =
        package.archive.entries().iter().map(|entry| (entry.name(), entry.content())).collect();
    let manifest = contents.iter().find(|(name, _)| *name == MANIFEST).map(|(_, content)| content);
    let (prefix, _) = text_and_trailer(manifest.map(AsRef::as_ref).unwrap_or_default())?;
    let files: Vec<(&str, &[u8])> = contents
        .iter()
        .filter(|(name, _)| *name != MANIFEST)
        .map(|(name, content)| (*name, content.as_ref()))
        .collect();
    finish(prefix, &files, Some(seed))
}

/// Writes the archive, and holds it against every rule.
fn finish(text: &str, files: &[(&str, &[u8])], seed: Option<&[u8; 32]>) -> Result<Vec<u8>, Vec<Refusal>> {
    let manifest = seed.map_or_else(|| text.to_owned(), |seed| sign(text, seed));
    let mut files = files.to_vec();
    files.push((MANIFEST, manifest.as_bytes()));
    let bytes = write_archive(&files).map_err(|refusal| vec![refusal])?;
    Package::read(&bytes)?;
    Ok(bytes)
}
