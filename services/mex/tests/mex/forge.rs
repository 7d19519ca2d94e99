//! Builds ZIP archives byte by byte, right ones and wrong ones.

/// The fields that both headers of an entry have.
#[derive(Clone)]
pub struct Fields {
    pub version: u16,
    pub flags: u16,
    pub method: u16,
    pub time: u16,
    pub date: u16,
    pub crc: u32,
    pub packed: u32,
    pub size: u32,
    pub name: Vec<u8>,
    /// The length that is stated, if not the name's.
    pub name_bytes: Option<u16>,
    pub extra: Vec<u8>,
}

impl Fields {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for field in [self.version, self.flags, self.method, self.time, self.date] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.packed, self.size] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.name_bytes.unwrap_or(self.name.len() as u16).to_le_bytes());
        out.extend((self.extra.len() as u16).to_le_bytes());
        out
    }
}

/// An entry: what stands in the file, and what the directory says.
#[derive(Clone)]
pub struct Entry {
    /// Bytes before its local header.
    pub before: Vec<u8>,
    pub in_file: bool,
    pub in_directory: bool,
    pub local: Fields,
    pub data: Vec<u8>,
    /// Bytes after its data.
    pub after: Vec<u8>,
    pub central: Fields,
    pub made_by: u16,
    pub comment: Vec<u8>,
    pub disk: u16,
    pub internal: u16,
    pub external: u32,
    /// Where the directory says that it begins, if not where it does.
    pub offset: Option<u32>,
}

impl Entry {
    pub fn stored(name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        Self::packed(name, 0, content, content.to_vec())
    }

    pub fn deflated(name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        Self::packed(name, 8, content, miniz_oxide::deflate::compress_to_vec(content, 6))
    }

    fn packed(name: impl AsRef<[u8]>, method: u16, content: &[u8], data: Vec<u8>) -> Self {
        let fields = Fields {
            version: 20,
            flags: 0,
            method,
            time: 0,
            date: 0x21,
            crc: crc32fast::hash(content),
            packed: data.len() as u32,
            size: content.len() as u32,
            name: name.as_ref().to_vec(),
            name_bytes: None,
            extra: Vec::new(),
        };
        Self {
            before: Vec::new(),
            in_file: true,
            in_directory: true,
            local: fields.clone(),
            data,
            after: Vec::new(),
            central: fields,
            made_by: 20,
            comment: Vec::new(),
            disk: 0,
            internal: 0,
            external: 0,
            offset: None,
        }
    }

    /// Changes both headers alike.
    pub fn both(&mut self, change: impl Fn(&mut Fields)) {
        change(&mut self.local);
        change(&mut self.central);
    }

    pub fn rename(&mut self, name: impl AsRef<[u8]>) {
        self.both(|fields| fields.name = name.as_ref().to_vec());
    }
}

/// An archive to be.
#[derive(Clone)]
pub struct Forge {
    pub entries: Vec<Entry>,
    pub before_directory: Vec<u8>,
    pub before_end: Vec<u8>,
    pub disks: [u16; 2],
    pub counts: Option<[u16; 2]>,
    pub directory_bytes: Option<u32>,
    pub directory: Option<u32>,
    pub comment: Vec<u8>,
    pub after: Vec<u8>,
}

impl Forge {
    pub fn of(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            before_directory: Vec::new(),
            before_end: Vec::new(),
            disks: [0; 2],
            counts: None,
            directory_bytes: None,
            directory: None,
            comment: Vec::new(),
            after: Vec::new(),
        }
    }

    /// A right archive of three files; one is deflated.
    pub fn right() -> Self {
        let page = "<!doctype html><title>dashboard</title><p>a page that repeats, a page that repeats";
        Self::of(vec![
            Entry::stored("manifest.yaml", b"kind: MEX\n"),
            Entry::deflated("spaces/dashboard/index.html", page.as_bytes()),
            Entry::stored("topology.yaml", b"kind: Topology\n"),
        ])
    }

    /// The archive with one more file in its place.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.sort();
    }

    pub fn sort(&mut self) {
        self.entries
            .sort_by_key(|entry| (entry.central.name != b"manifest.yaml", entry.central.name.clone()));
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        let mut listed: u16 = 0;
        for entry in &self.entries {
            out.extend(&entry.before);
            let at = out.len() as u32;
            if entry.in_file {
                out.extend(b"PK\x03\x04");
                out.extend(entry.local.bytes());
                out.extend(&entry.local.name);
                out.extend(&entry.local.extra);
                out.extend(&entry.data);
            }
            out.extend(&entry.after);
            if entry.in_directory {
                listed += 1;
                directory.extend(b"PK\x01\x02");
                directory.extend(entry.made_by.to_le_bytes());
                directory.extend(entry.central.bytes());
                directory.extend((entry.comment.len() as u16).to_le_bytes());
                directory.extend(entry.disk.to_le_bytes());
                directory.extend(entry.internal.to_le_bytes());
                directory.extend(entry.external.to_le_bytes());
                directory.extend(entry.offset.unwrap_or(at).to_le_bytes());
                directory.extend(&entry.central.name);
                directory.extend(&entry.central.extra);
                directory.extend(&entry.comment);
            }
        }
        out.extend(&self.before_directory);
        let at = out.len() as u32;
        out.extend(&directory);
        out.extend(&self.before_end);
        out.extend(self.end(at, directory.len() as u32, listed));
        out.extend(&self.comment);
        out.extend(&self.after);
        out
    }

    fn end(&self, at: u32, directory_bytes: u32, listed: u16) -> Vec<u8> {
        let mut out = b"PK\x05\x06".to_vec();
        let [here, total] = self.counts.unwrap_or([listed; 2]);
        for field in [self.disks[0], self.disks[1], here, total] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.directory_bytes.unwrap_or(directory_bytes).to_le_bytes());
        out.extend(self.directory.unwrap_or(at).to_le_bytes());
        out.extend((self.comment.len() as u16).to_le_bytes());
        out
    }
}
