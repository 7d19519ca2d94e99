//! What every package is held against: one table of rules, and the refusal that names one.

use std::fmt;

/// What a rule is about. All but trust is the structural level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The bytes of the ZIP archive.
    Archive,
    /// The names of its files.
    Names,
}

impl Part {
    /// Every part, in the order in which they are checked.
    pub const ALL: &'static [Self] = &[Self::Archive, Self::Names];

    /// The name, as a heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "Archive",
            Self::Names => "Names of files",
        }
    }
}

macro_rules! rules {
    ($($part:ident { $($variant:ident $id:literal $sentence:literal $remedy:expr;)+ })+) => {
        /// A rule of packages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[doc = $sentence] $variant),+),+ }
        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$($(Self::$variant),+),+];
            /// Its name, stable.
            pub const fn id(self) -> &'static str { match self { $($(Self::$variant => $id),+),+ } }
            /// What holds, one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $($(Self::$variant => $sentence),+),+ }
            }
            /// What to do about a package that breaks it.
            pub const fn remedy(self) -> &'static str {
                match self { $($(Self::$variant => $remedy),+),+ }
            }
            /// What it is about.
            pub const fn part(self) -> Part {
                match self { $($(Self::$variant => Part::$part),+),+ }
            }
        }
    };
}

const REBUILD: &str = "build the package with `space mex build`, which writes this form only";
const RENAME: &str = "rename the file";

rules! {
    Archive {
        ArchiveTooLarge "archive-too-large" "An archive is no larger than its limit." "take files out of the package";
        EndRecordMissing "end-record-missing" "An archive ends with an end record." "the file is cut off, or no package: copy it again";
        BytesAfterEnd "bytes-after-end" "Nothing follows the end record." REBUILD;
        ArchiveComment "archive-comment" "An archive has no comment." REBUILD;
        Zip64 "zip64" "An archive does without ZIP64." REBUILD;
        SeveralDisks "several-disks" "An archive is one file, disk 0." REBUILD;
        EntryCount "entry-count" "The end record counts the directory's entries." REBUILD;
        TooManyEntries "too-many-entries" "An archive has no more files than its limit." "take files out of the package";
        DirectoryPlace "directory-place" "The directory ends where the end record begins." REBUILD;
        DirectoryEntry "directory-entry" "The directory is a row of whole entries." REBUILD;
        DirectorySize "directory-size" "The directory is as long as its entries." REBUILD;
        Encrypted "encrypted" "No entry is encrypted." REBUILD;
        DataDescriptor "data-descriptor" "Sizes and checksum stand in the header, not after the data." REBUILD;
        Flags "flags" "An entry has no flags." REBUILD;
        Method "method" "A file is stored or deflated." REBUILD;
        ExtraField "extra-field" "An entry has no extra fields." REBUILD;
        EntryComment "entry-comment" "An entry has no comment." REBUILD;
        EntryTime "entry-time" "Every entry has the time 1980-01-01 00:00." REBUILD;
        EntryVersion "entry-version" "Every entry is of version 2.0, made on no particular system." REBUILD;
        EntryAttributes "entry-attributes" "An entry is a plain file without modes: no link, no device." REBUILD;
        BytesBeforeFirst "bytes-before-first" "The first entry begins at byte 0." REBUILD;
        Gap "gap" "Entries, directory and end record follow one another without a gap." REBUILD;
        Overlap "overlap" "Entries do not overlap, and none stands for two." REBUILD;
        LocalHeader "local-header" "An entry begins with its local header and lies in the archive as a whole." REBUILD;
        HeadersDiffer "headers-differ" "An entry's local header says what the directory says." REBUILD;
        Order "order" "`manifest.yaml` is the first file; the others follow in the order of their names' bytes." REBUILD;
        ManifestMissing "manifest-missing" "A package has a `manifest.yaml`." "write a `manifest.yaml` beside `topology.yaml`";
        ManifestTooLarge "manifest-too-large" "The manifest is no larger than its limit." "take files out of the package";
        FileTooLarge "file-too-large" "A file is no larger than its limit." "make the file smaller, or have the space fetch it as data";
        TotalTooLarge "total-too-large" "All files together are no larger than their limit." "take files out of the package";
        Ratio "ratio" "A deflated file is no more than a hundred times its deflated size." REBUILD;
        StoredSize "stored-size" "A stored file is as long as it says." REBUILD;
        InflatedSize "inflated-size" "A deflated file is as long as it says, and so is its stream." REBUILD;
        DeflateStream "deflate-stream" "A deflated file is a deflate stream." "the file is damaged: copy or build it again";
        Checksum "checksum" "A file has the checksum that its entry states." "the file is damaged: copy or build it again";
    }
    Names {
        NameEmpty "name-empty" "A file has a name." RENAME;
        NameTooLong "name-too-long" "A name is no longer than its limit." RENAME;
        NameTooDeep "name-too-deep" "A name has no more segments than its limit." "put the file into fewer folders";
        NameCharacters "name-characters" "A name has letters of ASCII, digits, and any of `.`, `_`, `-`, `+`, `@`, between `/`." RENAME;
        NameAbsolute "name-absolute" "A name is relative." RENAME;
        NameSegment "name-segment" "No segment of a name is empty, `.` or `..`." RENAME;
        NameReserved "name-reserved" "No segment of a name ends in `.` or is a device's name on any system." RENAME;
        NameDirectory "name-directory" "Entries are files; folders have none of their own." REBUILD;
        NameDuplicate "name-duplicate" "A name occurs once." RENAME;
        NameCase "name-case" "Names differ in more than case." RENAME;
        NameFileAndFolder "name-file-and-folder" "A name is a file's or a folder's, not both." RENAME;
    }
}

impl Rule {
    /// The rule of a name.
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id)
    }

    /// A refusal at a byte of the archive.
    pub(crate) fn in_archive(self, offset: u64, entry: Option<&str>, detail: impl Into<String>) -> Refusal {
        let place = Place::Archive { offset, entry: entry.map(str::to_owned) };
        Refusal { rule: self, place, detail: detail.into() }
    }
}

/// Where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a byte of the archive, in the records or the data of an entry if it is named.
    Archive {
        /// The byte.
        offset: u64,
        /// The entry's name, as it stands there.
        entry: Option<String>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { offset, entry: None } => write!(out, "byte {offset} of the archive"),
            Self::Archive { offset, entry: Some(name) } => {
                write!(out, "`{}`, byte {offset} of the archive", name.escape_debug())
            }
        }
    }
}

/// Why a package is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {place}: {detail}; {}", .rule.id(), .rule.remedy())]
pub struct Refusal {
    /// The rule that it breaks.
    pub rule: Rule,
    /// Where.
    pub place: Place,
    /// What was found there.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::Rule;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_kebab_case_and_occur_once() {
        let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        let letters = |id: &str| id.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
        assert!(ids.iter().all(|id| letters(id) && *id == id.to_lowercase()));
    }

    #[test]
    fn sentences_end_and_remedies_do_not() {
        for rule in Rule::ALL {
            assert!(rule.sentence().ends_with('.') && !rule.remedy().ends_with('.'), "{}", rule.id());
        }
    }
}
