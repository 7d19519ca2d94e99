//! What every package is held against: one table of rules, and the refusal that names one.

use std::fmt;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The bytes of the ZIP archive.
    Archive,
    /// The names of its files.
    Names,
    /// The text of the manifest and what it says.
    Manifest,
    /// The signature at the manifest's end.
    Signature,
    /// The manifest's list of files.
    Integrity,
    /// Which files there are.
    Layout,
    /// The trust policy as a file.
    Policy,
    /// What a trust policy says about a package.
    Trust,
}

impl Part {
    /// Every part, in the order in which they are checked.
    pub const ALL: &'static [Self] = &[
        Self::Archive,
        Self::Names,
        Self::Manifest,
        Self::Signature,
        Self::Integrity,
        Self::Layout,
        Self::Policy,
        Self::Trust,
    ];

    /// The name, as a heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "Archive",
            Self::Names => "Names of files",
            Self::Manifest => "Manifest",
            Self::Signature => "Signature",
            Self::Integrity => "Integrity",
            Self::Layout => "Layout",
            Self::Policy => "Trust policy",
            Self::Trust => "Trust",
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
    Manifest {
        ManifestCharacters "manifest-characters" "A manifest is UTF-8 without byte order mark; its only control characters are newlines." "save the file as UTF-8 with Unix line ends, and indent by spaces";
        ManifestNewline "manifest-newline" "A manifest ends in a newline." "end the last line";
        ManifestColumn "manifest-column" "At the beginning of a manifest's line stands a bare key or a comment." "indent the line, or write the key without quotes, followed by a colon";
        ManifestMultiLine "manifest-multi-line" "A manifest's values stand on one line each." "write the value on one line";
        ManifestName "manifest-name" "Packages, publishers and spaces have names of the form `[a-z][a-z0-9-]{0,62}`." "write a small letter, then up to 62 of small letters, digits and `-`";
        ManifestVersion "manifest-version" "A version is a semantic version." "write three numbers, such as `1.2.0`";
        ManifestTime "manifest-time" "A time is one of UTC in seconds, such as `2026-04-30T10:00:00Z`." "write the time in this form";
        ManifestNoSpaces "manifest-no-spaces" "A package has a space." "list the spaces under `spec`";
        ManifestSpaceTwice "manifest-space-twice" "A space is listed once." "remove one of them";
        ManifestSealed "manifest-sealed" "A manifest that is to be sealed lists no files yet and bears no signature." "remove `integrity` and `signature`; both are written anew";
    }
    Signature {
        SignatureTrailer "signature-trailer" "What begins with `signature` at the beginning of a line is the manifest's end, in the one form that signing writes." "remove it and sign the package again";
        SignatureAlgorithm "signature-algorithm" "A signature is one of Ed25519." "sign the package again";
        SignatureBase64 "signature-base64" "Key and signature are canonical Base64." "sign the package again";
        SignatureKey "signature-key" "The key is a point of the curve, and of no small order." "sign the package with another key";
        SignatureWrong "signature-wrong" "The signature is one of the manifest above it, by the key beside it." "do not use the package: it was changed after it was signed, or never signed by this key";
        SignatureWithoutIntegrity "signature-without-integrity" "A signed manifest lists the package's files." "seal the package, then sign it";
    }
    Integrity {
        IntegrityHash "integrity-hash" "A hash is 64 digits, hexadecimal, in lower case." "build the package again";
        IntegrityTwice "integrity-twice" "A file is listed once." "build the package again";
        IntegrityItself "integrity-itself" "The manifest does not list itself." "build the package again";
        IntegrityAbsent "integrity-absent" "Every listed file is in the package." "build the package again";
        IntegrityUnlisted "integrity-unlisted" "Every file but the manifest is listed." "build the package again";
        IntegrityContent "integrity-content" "A file has the hash that is listed for it." "do not use the package: the file was changed after the package was sealed";
    }
    Layout {
        LayoutPlace "layout-place" "A package has a manifest, a topology, and files in `spaces`, `world` and `recognizers`." "move the file to where it belongs";
        LayoutTopology "layout-topology" "A package has a `topology.yaml`." "write a topology beside the manifest";
        LayoutUnlisted "layout-unlisted" "Every folder in `spaces` is a space that the manifest lists." "list the space in `manifest.yaml` under `spaces`, or remove its folder";
        LayoutAbsent "layout-absent" "Every space that the manifest lists has files." "add the space's folder, or remove it from the list";
        LayoutWorld "layout-world" "In `world` there is `layout.yaml` and nothing else." "keep `world/layout.yaml` only";
        LayoutTypes "layout-types" "Manifest and topology have the same spaces." "list the same spaces in both";
        LayoutRequired "layout-required" "A space has the files that its type requires." "add the file, or give the space another type";
        LayoutForbidden "layout-forbidden" "A space has none of the files that its type forbids." "remove the file, or give the space another type";
        LayoutModule "layout-module" "A `core.wasm` is a WebAssembly module." "compile the space to a core module of WebAssembly 1.0 or later";
        LayoutNested "layout-nested" "No file is an archive of ZIP." "put the files themselves into the package";
    }
    Policy {
        PolicyBase64 "policy-base64" "Keys and signatures are canonical Base64." "copy the key again";
        PolicyKey "policy-key" "A key is a point of the curve, and of no small order." "list another key";
        PolicyKeyTwice "policy-key-twice" "A key belongs to one publisher, and is listed once." "remove one of them";
        PolicyPublisherTwice "policy-publisher-twice" "A publisher is listed once." "put all of it into one entry";
        PolicyWindow "policy-window" "A key's time begins before it ends." "mend the times";
        PolicyCapability "policy-capability" "Capabilities are those of the Guest ABI." "write a capability of the table, such as `sys.log`";
        PolicyVersionTwice "policy-version-twice" "A package has one version in a list." "remove one of them";
        PolicyRotationOrigin "policy-rotation-origin" "A rotation starts from a key that its publisher has at that time." "list the old key, or list the new key under the publisher";
        PolicyRotationTwice "policy-rotation-twice" "A key is rotated once." "remove one of the rotations";
        PolicyRotationSignature "policy-rotation-signature" "A rotation is signed by the old key." "do not use the rotation: ask the publisher for it";
        PolicyRevocation "policy-revocation" "A revocation lasts as long as the key would." "let it expire no sooner than the key";
    }
    Trust {
        TrustUnsealed "trust-unsealed" "Under a release policy a package lists the hashes of its files." "`space mex build` seals a package, and `--key NAME` signs it; or use a development policy";
        TrustUnsigned "trust-unsigned" "Under a release policy a package is signed." "`space mex build --key NAME` makes a signed package of a folder, and `space mex sign` signs one; or use a development policy";
        TrustPublisher "trust-publisher" "Under a release policy a package's publisher is listed." "list the publisher and its key in the policy, if you trust it";
        TrustKey "trust-key" "A publisher's package is signed by one of its keys." "list the key under its publisher, if you trust it";
        TrustRevoked "trust-revoked" "No package is signed by a revoked key." "get the package signed by another key";
        TrustRotated "trust-rotated" "No package is signed by a key that was rotated out." "get the package signed by the new key";
        TrustEarly "trust-early" "A key signs from its first moment on." "wait, or mend the key's times in the policy";
        TrustLate "trust-late" "A key signs up to its last moment." "get the package signed by a newer key";
        TrustPackage "trust-package" "A publisher's packages are those that the policy lists." "allow the publisher this package in the policy";
        TrustCapability "trust-capability" "A package's capabilities are among those that its publisher may use." "allow the publisher this capability in the policy";
        TrustMinimum "trust-minimum" "A package is no older than the lowest version that the policy allows." "get a newer version";
        TrustRollback "trust-rollback" "A package is no older than the newest one that was seen." "get the newer version; to go back on purpose, lower `seen` in the policy";
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
        Refusal { cause: Cause::Rule(self, detail.into()), place }
    }

    /// A refusal of a file, as a whole or at a place of its text.
    pub(crate) fn in_file(
        self,
        name: &str,
        place: impl Into<Option<services_yaml::Place>>,
        detail: impl Into<String>,
    ) -> Refusal {
        let place = Place::File { name: name.to_owned(), place: place.into() };
        Refusal { cause: Cause::Rule(self, detail.into()), place }
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
    /// In a file of the package, or in a policy.
    File {
        /// The file's name.
        name: String,
        /// Where in its text; nothing if it is about the file as a whole.
        place: Option<services_yaml::Place>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { offset, entry: None } => write!(out, "byte {offset} of the archive"),
            Self::Archive { offset, entry: Some(name) } => {
                write!(out, "`{}`, byte {offset} of the archive", name.escape_debug())
            }
            Self::File { name, place: None } => out.write_str(name),
            Self::File { name, place: Some(place) } => write!(out, "{name}:{place}"),
        }
    }
}

/// Which rule is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A rule of packages, and what was found instead.
    Rule(Rule, String),
    /// A rule of YAML or of a text's shape.
    Yaml(services_yaml::ErrorKind),
}

/// Why a package or a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {} [{}]; {}", self.detail(), self.id(), self.remedy())]
pub struct Refusal {
    /// The rule that is broken.
    pub cause: Cause,
    /// Where.
    pub place: Place,
}

impl Refusal {
    /// The rule's name, stable.
    pub fn id(&self) -> &'static str {
        match &self.cause {
            Cause::Rule(rule, _) => rule.id(),
            Cause::Yaml(kind) => kind.rule().id,
        }
    }

    /// What was found.
    pub fn detail(&self) -> String {
        match &self.cause {
            Cause::Rule(_, detail) => detail.clone(),
            Cause::Yaml(kind) => kind.to_string(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match &self.cause {
            Cause::Rule(rule, _) => rule.remedy().to_owned(),
            Cause::Yaml(kind) => kind.remedy(),
        }
    }
}

/// What is wrong with a text, as its reader goes on.
#[derive(Debug)]
pub(crate) struct Findings {
    file: &'static str,
    /// What is wrong with its shape.
    pub shape: services_yaml::Errors,
    list: Vec<Refusal>,
}

impl Findings {
    pub(crate) fn new(file: &'static str) -> Self {
        Self { file, shape: services_yaml::Errors::default(), list: Vec::new() }
    }

    pub(crate) fn refuse(&mut self, rule: Rule, place: services_yaml::Place, detail: impl Into<String>) {
        // A hostile text does not fill memory with what is wrong with it.
        if self.list.len() < services_yaml::ERRORS_MAX {
            self.list.push(rule.in_file(self.file, place, detail));
        }
    }

    /// What was read, if nothing is wrong.
    pub(crate) fn finish<T>(self, read: Option<T>) -> Result<T, Vec<Refusal>> {
        let shape = self.shape.list().iter().map(|error| of_yaml(self.file, error));
        let mut all: Vec<Refusal> = shape.chain(self.list).collect();
        all.sort_by_key(|refusal| match refusal.place {
            Place::File { place, .. } => place,
            Place::Archive { .. } => None,
        });
        match read {
            Some(read) if all.is_empty() => Ok(read),
            _ => Err(all),
        }
    }
}

pub(crate) fn of_yaml(file: &str, error: &services_yaml::Error) -> Refusal {
    let place = Place::File { name: file.to_owned(), place: Some(error.place) };
    Refusal { cause: Cause::Yaml(error.kind.clone()), place }
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
