//! The reader: a ZIP archive of one form, checked as a whole before anything of it is used.

use crate::MANIFEST;
use crate::limits::{
    ARCHIVE_BYTES_MAX, ENTRIES_MAX, FILE_BYTES_MAX, MANIFEST_BYTES_MAX, RATIO_MAX, TOTAL_BYTES_MAX,
};
use crate::names::{self, Names};
use crate::record::{
    CENTRAL, CENTRAL_BYTES, Central, Common, DATE, DEFLATED, END, END_BYTES, End, LOCAL, LOCAL_BYTES, STORED,
    TIME, VERSION, ZIP64_LOCATOR, ZIP64_LOCATOR_BYTES,
};
use crate::rule::{Refusal, Rule};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use sci::digest::sha256;
use std::borrow::Cow;

/// An archive that satisfies every rule about archives and names.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    entries: Vec<Entry<'a>>,
}

/// A file of an archive.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    name: &'a str,
    method: u16,
    size: u32,
    crc: u32,
    /// Where its local header begins.
    offset: u64,
    packed: &'a [u8],
    sha256: [u8; 32],
    /// Its first bytes, and zeros where it is shorter.
    head: [u8; HEAD_BYTES],
}

/// First bytes of a file that are kept: enough for what formats begin with.
const HEAD_BYTES: usize = 8;

impl<'a> Archive<'a> {
    /// Reads an archive and checks all of it: records, names, sizes, content.
    ///
    /// Memory beyond the buffer is bounded by the limits: the directory, and one file at a time.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() as u64 > ARCHIVE_BYTES_MAX {
            let detail = format!("it has {} bytes, the limit is {ARCHIVE_BYTES_MAX}", bytes.len());
            return Err(Rule::ArchiveTooLarge.in_archive(ARCHIVE_BYTES_MAX, None, detail));
        }
        let (end, directory) = end_record(bytes)?;
        let headers = read_directory(bytes, &end, directory)?;
        check_set(&headers, directory as u64)?;
        check_sizes(&headers)?;
        let mut entries = tile(bytes, &headers, directory)?;
        for entry in &mut entries {
            let content = entry.inflate()?;
            let crc = crc32fast::hash(&content);
            if crc != entry.crc {
                let detail = format!("the content has {crc:08x}, the entry states {:08x}", entry.crc);
                return Err(entry.refuse(Rule::Checksum, detail));
            }
            entry.sha256 = sha256(&content);
            let head = content.len().min(HEAD_BYTES);
            entry.head[..head].copy_from_slice(&content[..head]);
        }
        Ok(Self { entries })
    }

    /// Its files, `manifest.yaml` first, the others in the order of their names' bytes.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// A file by its name.
    pub fn entry(&self, name: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

impl<'a> Entry<'a> {
    /// Its name: relative, ASCII, segments between `/`.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Bytes of its content.
    pub fn size(&self) -> u64 {
        u64::from(self.size)
    }

    /// Whether the archive holds it deflated.
    pub fn is_deflated(&self) -> bool {
        self.method == DEFLATED
    }

    /// SHA-256 of its content.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Its content: borrowed if it is stored, inflated anew if not.
    pub fn content(&self) -> Cow<'a, [u8]> {
        // The same bytes were inflated when the archive was read.
        self.inflate().unwrap_or_default()
    }

    /// Whether its content begins with these bytes, at most eight.
    pub(crate) fn begins_with(&self, bytes: &[u8]) -> bool {
        self.size() >= bytes.len() as u64 && self.head.starts_with(bytes)
    }

    fn refuse(&self, rule: Rule, detail: impl Into<String>) -> Refusal {
        rule.in_archive(self.offset, Some(self.name), detail)
    }

    fn inflate(&self) -> Result<Cow<'a, [u8]>, Refusal> {
        if self.method == STORED {
            return Ok(Cow::Borrowed(self.packed));
        }
        // No larger than the limits, nor than a hundred times what is there: `check_sizes`.
        let mut content = vec![0; self.size as usize];
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut state = Box::<DecompressorOxide>::default();
        let (status, taken, given) = decompress(&mut state, self.packed, &mut content, 0, flags);
        match status {
            TINFLStatus::Done if taken == self.packed.len() && given == content.len() => {
                Ok(Cow::Owned(content))
            }
            TINFLStatus::Done | TINFLStatus::HasMoreOutput => {
                let detail = format!(
                    "the stream ends after {taken} of {} bytes with at least {given} of {} bytes of content",
                    self.packed.len(),
                    self.size
                );
                Err(self.refuse(Rule::InflatedSize, detail))
            }
            _ => Err(self.refuse(Rule::DeflateStream, format!("the stream is wrong near its byte {taken}"))),
        }
    }
}

/// An entry of the directory and its place.
struct Header<'a> {
    name: &'a str,
    record: &'a [u8; CENTRAL_BYTES],
    central: Central,
    at: u64,
}

impl Header<'_> {
    fn refuse(&self, rule: Rule, detail: impl Into<String>) -> Refusal {
        rule.in_archive(self.at, Some(self.name), detail)
    }
}

/// The end record, and where the directory begins.
fn end_record(bytes: &[u8]) -> Result<(End, usize), Refusal> {
    let Some((before, record)) = bytes.split_last_chunk::<END_BYTES>() else {
        let detail = format!("it has {} bytes", bytes.len());
        return Err(Rule::EndRecordMissing.in_archive(0, None, detail));
    };
    let at = before.len() as u64;
    if !record.starts_with(&END) {
        return Err(no_end_record(bytes));
    }
    let refuse = |rule: Rule, detail: String| Err(rule.in_archive(at, None, detail));
    let end = End::read(record);
    if end.comment_bytes != 0 {
        return refuse(Rule::ArchiveComment, format!("a comment of {} bytes is stated", end.comment_bytes));
    }
    let locator = before.len().checked_sub(ZIP64_LOCATOR_BYTES).and_then(|from| before.get(from..));
    if end.counts.contains(&u16::MAX)
        || [end.directory, end.directory_bytes].contains(&u32::MAX)
        || locator.is_some_and(|locator| locator.starts_with(&ZIP64_LOCATOR))
    {
        return refuse(Rule::Zip64, "the end record refers to one of ZIP64".to_owned());
    }
    if end.disks != [0, 0] {
        return refuse(Rule::SeveralDisks, format!("disks {} and {} are stated", end.disks[0], end.disks[1]));
    }
    let [here, total] = end.counts;
    if here != total {
        return refuse(Rule::EntryCount, format!("{here} entries are stated, and {total} in total"));
    }
    if usize::from(total) > ENTRIES_MAX {
        return refuse(Rule::TooManyEntries, format!("{total} files are stated, the limit is {ENTRIES_MAX}"));
    }
    let (directory, length) = (u64::from(end.directory), u64::from(end.directory_bytes));
    if directory + length != at {
        let detail = format!("{length} bytes from {directory} are stated, the end record is at {at}");
        return refuse(Rule::DirectoryPlace, detail);
    }
    Ok((end, end.directory as usize))
}

/// Why the last bytes are no end record.
fn no_end_record(bytes: &[u8]) -> Refusal {
    let found = bytes.windows(END_BYTES).rposition(|window| window.starts_with(&END));
    let Some((at, record)) = found.and_then(|at| Some((at, bytes.get(at..)?.first_chunk::<END_BYTES>()?)))
    else {
        return Rule::EndRecordMissing.in_archive(0, None, "no end record is found");
    };
    let after = bytes.len() - at - END_BYTES;
    if usize::from(End::read(record).comment_bytes) == after {
        Rule::ArchiveComment.in_archive((at + END_BYTES) as u64, None, format!("it has {after} bytes"))
    } else {
        Rule::BytesAfterEnd.in_archive((at + END_BYTES) as u64, None, format!("{after} bytes follow it"))
    }
}

fn read_directory<'a>(bytes: &'a [u8], end: &End, directory: usize) -> Result<Vec<Header<'a>>, Refusal> {
    let mut rest = &bytes[directory..bytes.len() - END_BYTES];
    let mut headers = Vec::with_capacity(usize::from(end.counts[0]));
    for index in 0..end.counts[0] {
        let at = (bytes.len() - END_BYTES - rest.len()) as u64;
        let broken = |detail: String| Rule::DirectoryEntry.in_archive(at, None, detail);
        if rest.is_empty() {
            let detail = format!("{} entries are stated, the directory has {index}", end.counts[0]);
            return Err(Rule::EntryCount.in_archive(at, None, detail));
        }
        let (record, after) = rest
            .split_first_chunk::<CENTRAL_BYTES>()
            .filter(|(record, _)| record.starts_with(&CENTRAL))
            .ok_or_else(|| broken(format!("there is no entry {index}")))?;
        let central = Central::read(record);
        let name_bytes = usize::from(central.common.name_bytes);
        let variable =
            name_bytes + usize::from(central.common.extra_bytes) + usize::from(central.comment_bytes);
        if variable > after.len() {
            return Err(broken(format!("entry {index} reaches beyond the directory")));
        }
        let (name, after) = after.split_at(name_bytes);
        let lossy = String::from_utf8_lossy(name);
        check_fixed(&central, &lossy, at)?;
        let name = names::check(name).map_err(|rule| rule.in_archive(at, Some(&lossy), rule.sentence()))?;
        headers.push(Header { name, record, central, at });
        rest = after;
    }
    if rest.is_empty() {
        return Ok(headers);
    }
    let at = (bytes.len() - END_BYTES - rest.len()) as u64;
    let rule = if rest.starts_with(&CENTRAL) { Rule::EntryCount } else { Rule::DirectorySize };
    Err(rule.in_archive(
        at,
        None,
        format!("{} bytes follow the last of {} entries", rest.len(), headers.len()),
    ))
}

/// The fields that are the same in every entry.
fn check_fixed(central: &Central, name: &str, at: u64) -> Result<(), Refusal> {
    // Encrypted, strongly encrypted, with an encrypted directory.
    const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
    const DESCRIPTOR: u16 = 1 << 3;
    let common = &central.common;
    let flags = format!("the flags are {:#06x}", common.flags);
    let checks = [
        (common.flags & ENCRYPTED != 0, Rule::Encrypted, flags.clone()),
        (common.flags & DESCRIPTOR != 0, Rule::DataDescriptor, flags.clone()),
        (common.flags != 0, Rule::Flags, flags),
        (![STORED, DEFLATED].contains(&common.method), Rule::Method, format!("method {}", common.method)),
        (
            [common.packed, common.size, central.offset].contains(&u32::MAX),
            Rule::Zip64,
            "a size of ZIP64".to_owned(),
        ),
        (common.extra_bytes != 0, Rule::ExtraField, format!("it has {} bytes", common.extra_bytes)),
        (central.comment_bytes != 0, Rule::EntryComment, format!("it has {} bytes", central.comment_bytes)),
        (central.disk != 0, Rule::SeveralDisks, format!("it is on disk {}", central.disk)),
        (
            central.internal != 0 || central.external != 0,
            Rule::EntryAttributes,
            format!("the attributes are {:#06x} and {:#010x}", central.internal, central.external),
        ),
        (
            common.version != VERSION || central.made_by != VERSION,
            Rule::EntryVersion,
            format!("it needs version {}, and was made by {:#06x}", common.version, central.made_by),
        ),
        (
            common.time != TIME || common.date != DATE,
            Rule::EntryTime,
            format!("the time is {:#06x}, the date {:#06x}", common.time, common.date),
        ),
    ];
    match checks.into_iter().find(|(is_broken, ..)| *is_broken) {
        Some((_, rule, detail)) => Err(rule.in_archive(at, Some(name), detail)),
        None => Ok(()),
    }
}

/// What holds among the names, and their order.
fn check_set(headers: &[Header<'_>], directory: u64) -> Result<(), Refusal> {
    let mut names = Names::default();
    for header in headers {
        names.add(header.name).map_err(|(rule, other)| header.refuse(rule, format!("it meets `{other}`")))?;
    }
    if !headers.iter().any(|header| header.name == MANIFEST) {
        return Err(Rule::ManifestMissing.in_archive(directory, None, "the archive has none"));
    }
    let key = |header: &Header<'_>| (header.name != MANIFEST, header.name.to_owned());
    match headers.windows(2).find(|pair| key(&pair[0]) > key(&pair[1])) {
        Some(pair) => Err(pair[1].refuse(Rule::Order, format!("it follows `{}`", pair[0].name))),
        None => Ok(()),
    }
}

/// What the files will take, before anything is inflated.
fn check_sizes(headers: &[Header<'_>]) -> Result<(), Refusal> {
    let mut total = 0;
    for header in headers {
        let (size, packed) = (u64::from(header.central.common.size), u64::from(header.central.common.packed));
        let over = |limit: u64| format!("it has {size} bytes, the limit is {limit}");
        if header.name == MANIFEST && size > MANIFEST_BYTES_MAX {
            return Err(header.refuse(Rule::ManifestTooLarge, over(MANIFEST_BYTES_MAX)));
        }
        if size > FILE_BYTES_MAX {
            return Err(header.refuse(Rule::FileTooLarge, over(FILE_BYTES_MAX)));
        }
        if header.central.common.method == STORED && size != packed {
            return Err(header.refuse(Rule::StoredSize, format!("it says {size} bytes and takes {packed}")));
        }
        if size > packed * RATIO_MAX {
            return Err(header.refuse(Rule::Ratio, format!("{packed} bytes are to become {size}")));
        }
        total += size;
        if total > TOTAL_BYTES_MAX {
            let detail = format!("up to here there are {total} bytes, the limit is {TOTAL_BYTES_MAX}");
            return Err(header.refuse(Rule::TotalTooLarge, detail));
        }
    }
    Ok(())
}

/// Follows the entries from byte 0 to the directory: each begins where the one before it ends.
fn tile<'a>(bytes: &'a [u8], headers: &[Header<'a>], directory: usize) -> Result<Vec<Entry<'a>>, Refusal> {
    let mut entries = Vec::with_capacity(headers.len());
    let mut at: usize = 0;
    for header in headers {
        let stated = header.central.offset as usize;
        let rule = match stated.cmp(&at) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => Some(Rule::Overlap),
            std::cmp::Ordering::Greater if at == 0 => Some(Rule::BytesBeforeFirst),
            std::cmp::Ordering::Greater => Some(Rule::Gap),
        };
        if let Some(rule) = rule {
            return Err(header.refuse(rule, format!("it is said to begin at {stated}, not at {at}")));
        }
        let local = |rule: Rule, detail: String| rule.in_archive(at as u64, Some(header.name), detail);
        let (record, rest) = bytes[at..directory]
            .split_first_chunk::<LOCAL_BYTES>()
            .filter(|(record, _)| record.starts_with(&LOCAL))
            .ok_or_else(|| local(Rule::LocalHeader, "no local header is there".to_owned()))?;
        if let Some(field) = difference(record, header.record) {
            return Err(local(Rule::HeadersDiffer, format!("in the {field}")));
        }
        let (name_bytes, packed) = (header.name.len(), header.central.common.packed as usize);
        if rest.len() < name_bytes + packed {
            let detail = format!("{packed} bytes of data reach into the directory at {directory}");
            return Err(local(Rule::LocalHeader, detail));
        }
        let (name, rest) = rest.split_at(name_bytes);
        if name != header.name.as_bytes() {
            let detail = format!("in the name, here `{}`", String::from_utf8_lossy(name).escape_debug());
            return Err(local(Rule::HeadersDiffer, detail));
        }
        let Common { method, size, crc, .. } = header.central.common;
        let packed = &rest[..packed];
        entries.push(Entry {
            name: header.name,
            method,
            size,
            crc,
            offset: at as u64,
            packed,
            sha256: [0; 32],
            head: [0; HEAD_BYTES],
        });
        at += LOCAL_BYTES + name_bytes + packed.len();
    }
    if at == directory {
        return Ok(entries);
    }
    let rule = if at == 0 { Rule::BytesBeforeFirst } else { Rule::Gap };
    let detail = format!("{} bytes between the last entry and the directory belong to none", directory - at);
    Err(rule.in_archive(at as u64, None, detail))
}

/// The first field in which a local header differs from the directory's entry.
fn difference(local: &[u8; LOCAL_BYTES], central: &[u8; CENTRAL_BYTES]) -> Option<&'static str> {
    let shared = local[LOCAL.len()..].iter().zip(&central[Central::COMMON..]);
    let at = shared.take(Common::BYTES).position(|(local, central)| local != central)?;
    Common::FIELDS.iter().find(|(end, _)| at < *end).map(|(_, name)| *name)
}
