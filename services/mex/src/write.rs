//! The writer: the same files give the same bytes.

use crate::MANIFEST;
use crate::limits::{
    ARCHIVE_BYTES_MAX, ENTRIES_MAX, FILE_BYTES_MAX, MANIFEST_BYTES_MAX, RATIO_MAX, TOTAL_BYTES_MAX,
};
use crate::names::{self, Names};
use crate::record::{Central, Common, DEFLATED, End, STORED, write_local};
use crate::rule::{Refusal, Rule};
use std::borrow::Cow;

const _: () = assert!(ARCHIVE_BYTES_MAX < u32::MAX as u64 && ENTRIES_MAX < u16::MAX as usize);

/// The effort of deflating; another number is another archive.
const LEVEL: u8 = 9;

/// Writes an archive of files, whatever their order; refuses what [`crate::Archive::read`] would.
pub fn write_archive(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Refusal> {
    let mut files = files.to_vec();
    files.sort_unstable_by_key(|(name, _)| (*name != MANIFEST, *name));
    let mut known = Names::default();
    let mut total = 0;
    for (name, content) in &files {
        let refuse = |rule: Rule, detail: String| rule.in_archive(0, Some(name), detail);
        names::check(name.as_bytes()).map_err(|rule| refuse(rule, rule.sentence().to_owned()))?;
        known.add(name).map_err(|(rule, other)| refuse(rule, format!("it meets `{other}`")))?;
        let (is_manifest, size) = (*name == MANIFEST, content.len() as u64);
        total += size;
        let limits = [
            (is_manifest && size > MANIFEST_BYTES_MAX, Rule::ManifestTooLarge, MANIFEST_BYTES_MAX),
            (size > FILE_BYTES_MAX, Rule::FileTooLarge, FILE_BYTES_MAX),
            (total > TOTAL_BYTES_MAX, Rule::TotalTooLarge, TOTAL_BYTES_MAX),
        ];
        if let Some((_, rule, limit)) = limits.into_iter().find(|(is_over, ..)| *is_over) {
            return Err(refuse(rule, format!("with its {size} bytes the limit of {limit} is passed")));
        }
    }
    if files.len() > ENTRIES_MAX {
        let detail = format!("{} files are given, the limit is {ENTRIES_MAX}", files.len());
        return Err(Rule::TooManyEntries.in_archive(0, None, detail));
    }
    if files.first().is_none_or(|(name, _)| *name != MANIFEST) {
        return Err(Rule::ManifestMissing.in_archive(0, None, "none is given"));
    }
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in &files {
        let (method, packed) = pack(content);
        let crc = crc32fast::hash(content);
        let common = Common::new(method, crc, packed.len() as u32, content.len() as u32, name.len() as u16);
        Central::write(&mut directory, &common, archive.len() as u32, name);
        write_local(&mut archive, &common, name);
        archive.extend_from_slice(&packed);
    }
    let at = archive.len() as u32;
    archive.extend_from_slice(&directory);
    End::write(&mut archive, files.len() as u16, directory.len() as u32, at);
    Ok(archive)
}

/// Deflates where that is shorter, and not so much shorter that a reader must fear a bomb.
fn pack(content: &[u8]) -> (u16, Cow<'_, [u8]>) {
    let deflated = miniz_oxide::deflate::compress_to_vec(content, LEVEL);
    if deflated.len() < content.len() && content.len() as u64 <= deflated.len() as u64 * RATIO_MAX {
        (DEFLATED, Cow::Owned(deflated))
    } else {
        (STORED, Cow::Borrowed(content))
    }
}
