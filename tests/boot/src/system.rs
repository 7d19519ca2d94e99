//! A system: root and console as they are shipped, compiled components, raw ones, and the module that boots.

use std::path::Path;

use boot::OS;
use compiler_driver::rust::Cargo;
use compiler_driver::{
    Compilation, Options, OsImage, PackageSource, Project, ProjectSource, SourceFile, pipeline,
};
use sci::bundle::{grant, header, image};
use sci::layout::PAGE;
use sci::sign::{self, PublicKey};
use sci::write::{self, GrantData, ImageData, InstanceData, Signer};

use crate::raw::Raw;

/// The key that signs the tests' bundles; the policy page trusts it.
pub const SEED: [u8; 32] = [7; 32];
/// Priority of an offender: above the peer.
pub const OFFENDER: u8 = 30;
/// Instance of the console.
const CONSOLE: u32 = 0;

/// The healthy component beside every offender: it prints its lines and ends.
pub const PEER: &str = "component Peer {\n  capability console: DebugConsole(write)\n}\n\n\
                        fn start() {\n  for i in 0..5 {\n    console.write(\"peer {i}\\n\")\n  }\n  \
                        console.write(\"peer done\\n\")\n}\n";

/// A system on the way.
#[derive(Clone, Debug)]
pub struct System {
    /// Images; root first, then the console.
    pub images: Vec<ImageData>,
    /// Instances; the console first.
    pub instances: Vec<InstanceData>,
}

/// Compiles packages, each a name and its text, and links them with the OS components.
///
/// # Panics
/// With the diagnostics if the sources are refused.
pub fn compile(packages: &[(&str, &str)]) -> System {
    let packages = packages
        .iter()
        .map(|(name, text)| PackageSource {
            path: if *name == "system" { Vec::new() } else { vec![(*name).to_owned()] },
            files: vec![SourceFile { name: format!("{name}.in"), bytes: text.as_bytes().to_vec() }],
        })
        .collect();
    linked(pipeline::compile(&ProjectSource { packages }, &options()))
}

/// Compiles a project in a folder, crates among it, and links it with the OS components.
///
/// # Panics
/// With the diagnostics if the sources are refused.
pub fn compile_project(folder: &Path) -> System {
    let project = Project::read(folder).expect("a project is in the folder");
    linked(pipeline::compile_with(&project.source, &options(), &Cargo::new(folder)))
}

fn options() -> Options {
    let os = OS.iter().map(|(name, bytes)| OsImage { name, bytes }).collect();
    Options { os, ..Options::default() }
}

fn linked(compilation: Compilation) -> System {
    let text = compiler_syntax::render(&compilation.diagnostics, &compilation.sources, false);
    assert!(!compilation.refused(), "the sources are refused:\n{text}");
    let linked = compilation.system.expect("a system is linked");
    assert_eq!(linked.instances[CONSOLE as usize].name, "console", "the console is the first instance");
    System { images: linked.images, instances: linked.instances }
}

impl System {
    /// Root, console, and the peer.
    pub fn with_peer() -> Self {
        compile(&[("peer", PEER)])
    }

    /// Adds a raw component's image; answers its number.
    pub fn image(&mut self, raw: &Raw) -> u32 {
        self.images.push(ImageData { name: raw.name.clone(), bytes: raw.build(), library: None });
        self.images.len() as u32 - 1
    }

    /// Adds an instance of a raw component whose console is connected; answers its number.
    pub fn instance(&mut self, raw: &Raw, image: u32, priority: u8) -> u32 {
        let mut instance =
            InstanceData { name: raw.name.clone(), image, priority, ..InstanceData::default() };
        instance.serves = !raw.exported.is_empty();
        if raw.required.first().is_some_and(|face| face.interface == "DebugConsole") {
            instance.grants.push(channel(0, CONSOLE, raw.required[0].methods, 4096));
        }
        self.instances.push(instance);
        self.instances.len() as u32 - 1
    }

    /// Adds a raw component, once, at a priority; answers its instance.
    pub fn add(&mut self, raw: &Raw, priority: u8) -> u32 {
        let image = self.image(raw);
        self.instance(raw, image, priority)
    }

    /// The same with an offender.
    #[must_use]
    pub fn offender(mut self, raw: &Raw) -> Self {
        self.add(raw, OFFENDER);
        self
    }

    /// The number of a compiled instance.
    pub fn number_of(&self, name: &str) -> u32 {
        let found = self.instances.iter().position(|instance| instance.name == name);
        found.unwrap_or_else(|| panic!("an instance is named {name}")) as u32
    }

    /// Gives an instance something.
    pub fn grant(&mut self, instance: u32, grant: GrantData) {
        self.instances[instance as usize].grants.push(grant);
    }

    /// Policy page and signed bundle.
    pub fn module(&self) -> Vec<u8> {
        self.module_of(Some(&SEED), &[SEED])
    }

    /// Policy page that trusts the keys of `trusted`, and the bundle signed by `signer`.
    pub fn module_of(&self, signer: Option<&[u8; 32]>, trusted: &[[u8; 32]]) -> Vec<u8> {
        let keys: Vec<(PublicKey, bool)> =
            trusted.iter().map(|seed| (sign::public_key(seed), true)).collect();
        let mut module = write::policy(true, &keys);
        let signer = signer.map(|seed| Signer { seed, development: true });
        let bundle = write::bundle(&self.images, &self.instances, signer);
        module.extend(bundle.expect("the images verify"));
        module
    }
}

/// A channel from an instance's capability to the first export of a server.
pub const fn channel(capability: u32, server: u32, mask: u64, window: u32) -> GrantData {
    GrantData { capability, kind: grant::CHANNEL, mask, a: server, b: 0, window }
}

/// A grant that needs no numbers.
pub const fn plain(capability: u32, kind: u32, mask: u64) -> GrantData {
    GrantData { capability, kind, mask, a: 0, b: 0, window: 0 }
}

/// The right to make Memory, as many pages as the machine has.
pub const fn memory(capability: u32, mask: u64) -> GrantData {
    GrantData { capability, kind: grant::MEMORY, mask, a: u32::MAX, b: 0, window: 0 }
}

fn word(bytes: &[u8], at: u64) -> u64 {
    let at = at as usize;
    u64::from(u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}

/// Where image `index` lies in a module, and how many bytes it has.
pub fn place(module: &[u8], index: u32) -> (usize, usize) {
    let record = PAGE + word(module, PAGE + header::IMAGES) + u64::from(index) * image::BYTES;
    let start = PAGE + word(module, record + image::OFFSET);
    (start as usize, word(module, record + image::SIZE) as usize)
}

/// Replaces an image by another of the same length, states its digest in the tables and signs them again: what a
/// signer would do who does not look at what it signs.
pub fn replace(module: &mut [u8], index: u32, bytes: &[u8]) {
    let (start, size) = place(module, index);
    assert_eq!(size, bytes.len(), "the image has another length");
    module[start..start + size].copy_from_slice(bytes);
    let digest = head_digest(bytes);
    let record = PAGE + word(module, PAGE + header::IMAGES) + u64::from(index) * image::BYTES;
    module[record as usize..record as usize + 32].copy_from_slice(&digest);
    let signed = word(module, PAGE + header::SIGNED_BYTES) as usize;
    let page = PAGE as usize;
    let tables = sci::digest::sha256(&module[page..page + signed]);
    let envelope = sign::sign(&SEED, true, sign::BUNDLE_DOMAIN, &tables).to_bytes();
    let at = page + word(module, PAGE + header::ENVELOPE) as usize;
    module[at..at + envelope.len()].copy_from_slice(&envelope);
}

/// The digest of an image that need not verify.
fn head_digest(bytes: &[u8]) -> [u8; 32] {
    use sci::header::field;
    let end = word(bytes, field::MANIFEST) + word(bytes, field::MANIFEST_BYTES);
    let mut head = bytes[..end as usize].to_vec();
    head[field::TOTAL as usize..field::TOTAL as usize + 8].fill(0);
    head[field::ENVELOPE as usize..field::ENVELOPE as usize + 8].fill(0);
    let mut hasher = sci::digest::Hasher::new();
    hasher.update(sci::digest::IMAGE_DOMAIN);
    hasher.update(&head);
    hasher.finish()
}
