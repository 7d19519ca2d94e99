//! Hostile boot modules, each with the exact error: policy page, tables, system graph, signature.
#![expect(clippy::ptr_arg, reason = "one type of function serves the changes of length, too")]

use crate::sample::{SEED, Sample, get32, put, put32};
use sci::bundle::{Bundle, Policy, grant, header, image, instance, policy};
use sci::digest::image_digest;
use sci::error::{Error, ErrorKind};
use sci::image::Image;
use sci::layout::PAGE;
use sci::limits;
use sci::sign;
use sci::write::{self, GrantData, ImageData, InstanceData, Signer};

/// A seed that no policy here trusts.
const STRANGER: [u8; 32] = [8; 32];
/// The seed of the release key.
const RELEASE: [u8; 32] = [9; 32];

/// A bundle of two images and two instances, with every kind of grant.
pub fn bundle(signer: Option<Signer<'_>>) -> Vec<u8> {
    let images = [("root", Sample::smallest()), ("hello", Sample::component())]
        .map(|(name, sample)| ImageData { name: name.to_owned(), bytes: sample.bytes(), library: None });
    let grants = [
        (grant::PORTS, 0x3f8, 8, 0),
        (grant::INTERRUPT, 4, 0, 0),
        (grant::MEMORY, 256, 0, 0),
        (grant::CLOCK, 0, 0, 0),
        (grant::KERNEL_CONSOLE, 0, 0, 4096),
        (grant::REGISTERS, 0xfeb00, 0, 12288),
        (grant::PAGES, 0, 0, 8192),
    ];
    let grants = grants.iter().zip(0..).map(|((kind, a, b, window), capability)| GrantData {
        capability,
        kind: *kind,
        mask: 1,
        a: *a,
        b: *b,
        window: *window,
    });
    let channel = GrantData { capability: 0, kind: grant::CHANNEL, mask: 1, a: 0, b: 0, window: 4096 };
    let instances = [
        InstanceData {
            name: "server".to_owned(),
            image: 1,
            priority: 200,
            restart: 2,
            serves: true,
            held: false,
            grants: grants.collect(),
            parameters: Vec::new(),
        },
        InstanceData {
            name: "client".to_owned(),
            image: 1,
            priority: 20,
            restart: 0,
            serves: false,
            held: false,
            grants: vec![channel],
            parameters: vec![(0, 5), (1, u64::MAX)],
        },
    ];
    write::bundle(&images, &instances, signer).expect("the bundle is sound")
}

/// A policy page and the bundle, signed by the development key that the page trusts.
pub fn module() -> Vec<u8> {
    let mut module =
        write::policy(true, &[(sign::public_key(&SEED), true), (sign::public_key(&RELEASE), false)]);
    module.extend(bundle(Some(Signer { seed: &SEED, development: true })));
    module
}

/// What the kernel does with a boot module before it trusts it, and what admission does with each image.
pub fn check(module: &[u8]) -> Result<(), Error> {
    let policy = Policy::read(module)?;
    let bundle = Bundle::read(module)?;
    bundle.check_signature(&policy)?;
    for index in 0..bundle.image_count() {
        let found = bundle.image(index).expect("the tables were read");
        let image = Image::verify(found.bytes)?;
        if image_digest(&image) != found.digest {
            return Err(Error::new(ErrorKind::Digest, u64::from(found.offset)));
        }
        sci::digest::check_sections(&image)?;
    }
    Ok(())
}

type Change = fn(&mut Vec<u8>);

/// Offset of the first key in the policy page.
const KEY: u64 = policy::KEYS;
/// Offsets in the module: tables of two images, two instances, eight grants, two parameters.
const IMAGES: u64 = PAGE + header::BYTES;
const INSTANCES: u64 = IMAGES + 2 * image::BYTES;
const GRANTS: u64 = INSTANCES + 2 * instance::BYTES;
const CHANNEL: u64 = GRANTS + 7 * grant::BYTES;
const PARAMETERS: u64 = GRANTS + 8 * grant::BYTES;
const NAMES: u64 = PARAMETERS + 2 * sci::bundle::PARAMETER_BYTES;
/// Bytes of `root`, `hello`, `server`, `client`.
const NAMES_BYTES: u64 = 21;
/// Offset of the envelope, of image 0 with two pages, and of image 1 with eleven.
const ENVELOPE: u64 = 2 * PAGE;
const IMAGE_0: u64 = 3 * PAGE;
const IMAGE_1: u64 = 5 * PAGE;
const TOTAL: u64 = 16 * PAGE;

/// Offset in the module of a field of the bundle's header.
const fn head(field: u64) -> u64 {
    PAGE + field
}

/// Changes of the policy page.
const POLICIES: &[(&str, Change, ErrorKind, u64)] = &[
    ("an empty module", Vec::clear, ErrorKind::Truncated, 0),
    ("half a policy page", |module| module.truncate(2048), ErrorKind::Truncated, 0),
    ("no policy page", |module| drop(module.drain(..PAGE as usize)), ErrorKind::Magic, 0),
    ("policy version 2", |module| module[8] = 2, ErrorKind::Version, policy::VERSION),
    ("an unknown policy flag", |module| module[12] = 3, ErrorKind::Reserved, policy::FLAGS),
    ("33 keys", |module| put32(module, policy::KEY_COUNT, 33), ErrorKind::Limit, policy::KEY_COUNT),
    ("keys without end", |module| put32(module, 16, u32::MAX), ErrorKind::Limit, policy::KEY_COUNT),
    ("a reserved byte of the policy", |module| module[20] = 1, ErrorKind::Reserved, 20),
    ("the last one", |module| module[63] = 1, ErrorKind::Reserved, 63),
    ("an unknown key flag", |module| put32(module, KEY + 32, 2), ErrorKind::Reserved, KEY + 32),
    ("a reserved byte of a key", |module| module[103] = 1, ErrorKind::Reserved, KEY + 39),
    ("a byte behind the last key", |module| module[144] = 1, ErrorKind::Padding, KEY + 80),
    ("the policy's last byte", |module| module[4095] = 1, ErrorKind::Padding, 4095),
    ("a key twice", |module| module.copy_within(64..96, 104), ErrorKind::Value, KEY + 40),
    ("no keys", |module| trust(module, true, &[]), ErrorKind::Untrusted, ENVELOPE),
    ("another key", |module| trust(module, true, &[(STRANGER, true)]), ErrorKind::Untrusted, ENVELOPE),
    ("a release policy", |module| put32(module, policy::FLAGS, 0), ErrorKind::DevelopmentKey, ENVELOPE),
    (
        "a release policy that says the key is none of development",
        |module| trust(module, false, &[(SEED, false)]),
        ErrorKind::DevelopmentKey,
        ENVELOPE,
    ),
    (
        "a development key that signs as if it were none",
        |module| {
            sign_tables(module, &SEED, false);
            put32(module, policy::FLAGS, 0);
        },
        ErrorKind::DevelopmentKey,
        ENVELOPE,
    ),
];

/// Changes of the bundle's tables, which no signature saves.
const TABLES: &[(&str, Change, ErrorKind, u64)] = &[
    ("no bundle", |module| module.truncate(PAGE as usize), ErrorKind::Truncated, PAGE),
    ("another magic", |module| put(module, PAGE, b"SPBUNDLF"), ErrorKind::Magic, PAGE),
    ("bundle version 0", |module| set(module, header::VERSION, 0), ErrorKind::Version, head(header::VERSION)),
    ("bundle version 2", |module| set(module, header::VERSION, 2), ErrorKind::Version, head(header::VERSION)),
    (
        "the reserved word",
        |module| set(module, header::RESERVED, 1),
        ErrorKind::Reserved,
        head(header::RESERVED),
    ),
    (
        "a header cut",
        |module| module.truncate(PAGE as usize + 32),
        ErrorKind::Truncated,
        PAGE + header::RESERVED,
    ),
    ("images elsewhere", |module| set(module, header::IMAGES, 128), ErrorKind::Tiling, head(header::IMAGES)),
    (
        "257 images",
        |module| set(module, header::IMAGE_COUNT, 257),
        ErrorKind::Limit,
        head(header::IMAGE_COUNT),
    ),
    (
        "one image more",
        |module| set(module, header::IMAGE_COUNT, 3),
        ErrorKind::Tiling,
        head(header::INSTANCES),
    ),
    ("no images", without_images, ErrorKind::Value, head(header::IMAGE_COUNT)),
    (
        "257 instances",
        |module| set(module, header::INSTANCE_COUNT, limits::INSTANCES_MAX + 1),
        ErrorKind::Limit,
        head(header::INSTANCE_COUNT),
    ),
    (
        "instances over images",
        |module| set(module, header::INSTANCES, 64),
        ErrorKind::Tiling,
        head(header::INSTANCES),
    ),
    (
        "too many grants",
        |module| set(module, header::GRANT_COUNT, limits::GRANTS_MAX + 1),
        ErrorKind::Limit,
        head(header::GRANT_COUNT),
    ),
    ("grants elsewhere", |module| set(module, header::GRANTS, 0), ErrorKind::Tiling, head(header::GRANTS)),
    (
        "too many parameters",
        |module| set(module, header::PARAMETER_COUNT, u32::MAX),
        ErrorKind::Limit,
        head(header::PARAMETER_COUNT),
    ),
    (
        "parameters elsewhere",
        |module| set(module, header::PARAMETERS, u32::MAX),
        ErrorKind::Tiling,
        head(header::PARAMETERS),
    ),
    (
        "names of a mebibyte and a byte",
        |module| set(module, header::NAMES_BYTES, limits::BUNDLE_NAMES_BYTES_MAX + 1),
        ErrorKind::Limit,
        head(header::NAMES_BYTES),
    ),
    ("names elsewhere", |module| set(module, header::NAMES, 1), ErrorKind::Tiling, head(header::NAMES)),
    (
        "a signature over less",
        |module| set(module, header::SIGNED_BYTES, 64),
        ErrorKind::Tiling,
        head(header::SIGNED_BYTES),
    ),
    (
        "names that are not signed",
        |module| set(module, header::NAMES_BYTES, 20),
        ErrorKind::Tiling,
        head(header::SIGNED_BYTES),
    ),
    (
        "an envelope elsewhere",
        |module| set(module, header::ENVELOPE, 8192),
        ErrorKind::Tiling,
        head(header::ENVELOPE),
    ),
    (
        "an envelope in the tables",
        |module| set(module, header::ENVELOPE, 0),
        ErrorKind::Tiling,
        head(header::ENVELOPE),
    ),
    ("a byte behind the names", |module| module[8191] = 1, ErrorKind::Padding, ENVELOPE - 1),
    ("a byte behind the envelope", |module| module[8192 + 128] = 1, ErrorKind::Padding, ENVELOPE + 128),
    ("tables cut", |module| module.truncate(PAGE as usize + 400), ErrorKind::Truncated, NAMES + NAMES_BYTES),
    ("an envelope cut", |module| module.truncate(8192 + 200), ErrorKind::Truncated, ENVELOPE + 128),
    (
        "an image at its neighbour's place",
        move_image,
        ErrorKind::Tiling,
        IMAGES + image::BYTES + image::OFFSET,
    ),
    (
        "an image in the tables",
        |module| put32(module, IMAGES + 32, 64),
        ErrorKind::Tiling,
        IMAGES + image::OFFSET,
    ),
    (
        "an image of two pages more",
        |module| put32(module, IMAGES + image::SIZE, 4 * 4096),
        ErrorKind::Tiling,
        IMAGES + image::BYTES + image::OFFSET,
    ),
    (
        "an image beyond the module",
        |module| put32(module, IMAGES + image::BYTES + image::SIZE, u32::MAX),
        ErrorKind::Truncated,
        IMAGE_1,
    ),
    ("images cut", |module| module.truncate(IMAGE_1 as usize + 100), ErrorKind::Truncated, IMAGE_1),
    ("a page behind the images", |module| module.extend([0; 4096]), ErrorKind::Tiling, TOTAL),
    (
        "an image of half its pages",
        |module| put32(module, IMAGES + image::SIZE, 4090),
        ErrorKind::Tiling,
        IMAGES + image::BYTES + image::OFFSET,
    ),
    ("an image's padding", shorter_image, ErrorKind::Padding, TOTAL - 1),
    (
        "an image without a name",
        |module| put32(module, IMAGES + 44, 0),
        ErrorKind::Value,
        IMAGES + image::NAME,
    ),
    (
        "a name behind the names",
        |module| put32(module, IMAGES + 40, 18),
        ErrorKind::Value,
        IMAGES + image::NAME,
    ),
    (
        "a name that wraps",
        |module| put32(module, IMAGES + 40, u32::MAX),
        ErrorKind::Value,
        IMAGES + image::NAME,
    ),
    (
        "a name that is not UTF-8",
        |module| put(module, NAMES, &[0xff]),
        ErrorKind::Value,
        IMAGES + image::NAME,
    ),
    ("an instance without a name", |module| put32(module, INSTANCES + 4, 0), ErrorKind::Value, INSTANCES),
    ("an instance of no image", |module| put32(module, INSTANCES + 8, 2), ErrorKind::Value, INSTANCES),
    ("priority 256", |module| put32(module, INSTANCES + 12, 256), ErrorKind::Value, INSTANCES),
    ("restart 3", |module| put32(module, INSTANCES + 16, 3), ErrorKind::Value, INSTANCES),
    ("an unknown instance flag", |module| put32(module, INSTANCES + 20, 4), ErrorKind::Value, INSTANCES),
    ("grants that begin late", |module| put32(module, INSTANCES + 24, 1), ErrorKind::Value, INSTANCES),
    ("grants of the neighbour", |module| put32(module, SECOND + 24, 0), ErrorKind::Value, SECOND),
    ("more grants than there are", |module| put32(module, SECOND + 28, 2), ErrorKind::Value, SECOND),
    (
        "grants that nobody has",
        |module| put32(module, SECOND + 28, 0),
        ErrorKind::Value,
        head(header::GRANT_COUNT),
    ),
    ("parameters that begin late", |module| put32(module, SECOND + 32, 1), ErrorKind::Value, SECOND),
    ("more parameters than there are", |module| put32(module, SECOND + 36, 3), ErrorKind::Value, SECOND),
    (
        "parameters that nobody has",
        |module| put32(module, SECOND + 36, 1),
        ErrorKind::Value,
        head(header::GRANT_COUNT),
    ),
    ("capability 64", |module| put32(module, GRANTS, 64), ErrorKind::Value, GRANTS),
    ("a capability twice", |module| put32(module, GRANTS + 32, 0), ErrorKind::Value, GRANTS + 32),
    ("grant kind 14", |module| put32(module, GRANTS + 4, 14), ErrorKind::Value, GRANTS),
    ("a grant's reserved word", |module| put32(module, GRANTS + 28, 1), ErrorKind::Value, GRANTS),
    ("ports beyond the last", |module| put32(module, GRANTS + 16, 0xfff9), ErrorKind::Value, GRANTS),
    ("ports that wrap", |module| put32(module, GRANTS + 20, u32::MAX), ErrorKind::Value, GRANTS),
    ("ports with a window", |module| put32(module, GRANTS + 24, 4096), ErrorKind::Value, GRANTS),
    (
        "an interrupt with a second number",
        |module| put32(module, GRANTS + 52, 1),
        ErrorKind::Value,
        GRANTS + 32,
    ),
    ("memory with a second number", |module| put32(module, GRANTS + 84, 1), ErrorKind::Value, GRANTS + 64),
    ("a clock with a window", |module| put32(module, GRANTS + 120, 4096), ErrorKind::Value, GRANTS + 96),
    ("registers at no page", |module| put32(module, GRANTS + 176, 0), ErrorKind::Value, GRANTS + 160),
    ("registers beyond 4 GiB", |module| put32(module, GRANTS + 176, 1 << 20), ErrorKind::Value, GRANTS + 160),
    ("registers of no bytes", |module| put32(module, GRANTS + 184, 0), ErrorKind::Value, GRANTS + 160),
    (
        "registers with a second number",
        |module| put32(module, GRANTS + 180, 1),
        ErrorKind::Value,
        GRANTS + 160,
    ),
    ("pages at an address", |module| put32(module, GRANTS + 208, 1), ErrorKind::Value, GRANTS + 192),
    ("pages of no bytes", |module| put32(module, GRANTS + 216, 0), ErrorKind::Value, GRANTS + 192),
    ("a channel to nobody", |module| put32(module, CHANNEL + 16, 2), ErrorKind::Value, CHANNEL),
    ("a channel to export 32", |module| put32(module, CHANNEL + 20, 32), ErrorKind::Value, CHANNEL),
    ("a window too large", |module| put32(module, CHANNEL + 24, 68 << 10), ErrorKind::Value, CHANNEL),
    ("half a page of window", |module| put32(module, CHANNEL + 24, 2048), ErrorKind::Value, CHANNEL),
    ("parameter 64", |module| put32(module, PARAMETERS, 64), ErrorKind::Value, PARAMETERS),
    ("a parameter's reserved word", |module| put32(module, PARAMETERS + 4, 1), ErrorKind::Value, PARAMETERS),
    ("a parameter twice", |module| put32(module, PARAMETERS + 16, 0), ErrorKind::Value, PARAMETERS + 16),
];

/// Offset of the second instance.
const SECOND: u64 = INSTANCES + instance::BYTES;

/// Changes that only signature, digest or hash show.
const SIGNATURES: &[(&str, Change, ErrorKind, u64)] = &[
    ("no signature", |module| put(module, ENVELOPE, &[0; 128]), ErrorKind::Unsigned, ENVELOPE),
    ("an envelope that begins with zero", |module| module[8192] = 0, ErrorKind::Value, ENVELOPE),
    ("an unknown envelope flag", |module| module[8196] = 2, ErrorKind::Reserved, ENVELOPE + 4),
    ("a signature changed", |module| module[8192 + 60] ^= 1, ErrorKind::Signature, ENVELOPE),
    ("a stranger's key", |module| sign_tables(module, &STRANGER, true), ErrorKind::Untrusted, ENVELOPE),
    ("the name of a trusted key", borrowed_key, ErrorKind::Signature, ENVELOPE),
    ("an image's signature", image_domain, ErrorKind::Signature, ENVELOPE),
    ("a priority raised", |module| put32(module, SECOND + 12, 254), ErrorKind::Signature, ENVELOPE),
    ("a mask widened", |module| put(module, CHANNEL + 8, &[0xff; 8]), ErrorKind::Signature, ENVELOPE),
    ("more ports", |module| put32(module, GRANTS + 20, 9), ErrorKind::Signature, ENVELOPE),
    ("a parameter changed", |module| put32(module, PARAMETERS + 8, 6), ErrorKind::Signature, ENVELOPE),
    ("an instance renamed", |module| put(module, NAMES, b"toor"), ErrorKind::Signature, ENVELOPE),
    ("a digest changed", |module| module[IMAGES as usize] ^= 1, ErrorKind::Signature, ENVELOPE),
    ("an image's kind changed", |module| module[IMAGE_1 as usize + 12] = 2, ErrorKind::Contract(7), 480),
    ("an image's text changed", |module| module[IMAGE_0 as usize + 4096] ^= 1, ErrorKind::Hash, PAGE),
    ("two images swapped", swap_images, ErrorKind::Digest, IMAGE_0 - PAGE),
];

fn set(module: &mut [u8], field: u64, value: u32) {
    put32(module, head(field), value);
}

/// Puts another policy page in front.
fn trust(module: &mut [u8], development: bool, keys: &[([u8; 32], bool)]) {
    let keys: Vec<_> =
        keys.iter().map(|(seed, development)| (sign::public_key(seed), *development)).collect();
    put(module, 0, &write::policy(development, &keys));
}

/// Signs the tables anew.
fn sign_tables(module: &mut [u8], seed: &[u8; 32], development: bool) {
    let signed = get32(module, head(header::SIGNED_BYTES));
    let digest = sci::digest::sha256(&module[PAGE as usize..][..signed as usize]);
    put(module, ENVELOPE, &sign::sign(seed, development, sign::BUNDLE_DOMAIN, &digest).to_bytes());
}

fn borrowed_key(module: &mut Vec<u8>) {
    sign_tables(module, &STRANGER, true);
    put(module, ENVELOPE + 8, &sign::public_key(&SEED));
}

fn image_domain(module: &mut Vec<u8>) {
    let signed = get32(module, head(header::SIGNED_BYTES));
    let digest = sci::digest::sha256(&module[PAGE as usize..][..signed as usize]);
    put(module, ENVELOPE, &sign::sign(&SEED, true, sign::IMAGE_DOMAIN, &digest).to_bytes());
}

/// A header whose tables are all empty, padded.
fn without_images(module: &mut Vec<u8>) {
    let fields = [
        (header::SIGNED_BYTES, 64),
        (header::IMAGE_COUNT, 0),
        (header::INSTANCE_COUNT, 0),
        (header::GRANT_COUNT, 0),
        (header::PARAMETER_COUNT, 0),
        (header::NAMES_BYTES, 0),
    ];
    for (field, value) in fields {
        set(module, field, value);
    }
    for field in [header::INSTANCES, header::GRANTS, header::PARAMETERS, header::NAMES] {
        set(module, field, 64);
    }
    module[IMAGES as usize..ENVELOPE as usize].fill(0);
}

fn move_image(module: &mut Vec<u8>) {
    let neighbour = get32(module, IMAGES + image::OFFSET);
    put32(module, IMAGES + image::BYTES + image::OFFSET, neighbour);
}

/// The last image ends a byte early, where a byte stands.
fn shorter_image(module: &mut Vec<u8>) {
    let size = get32(module, IMAGES + image::BYTES + image::SIZE);
    put32(module, IMAGES + image::BYTES + image::SIZE, size - 1);
    *module.last_mut().expect("it has bytes") = 1;
}

/// Image 0's bytes are the first pages of image 1's, whose own come from another component.
fn swap_images(module: &mut Vec<u8>) {
    let mut other = Sample::smallest();
    other.identity.name = "impostor";
    put(module, IMAGE_0, &other.bytes());
}

#[test]
fn hostile_modules() {
    let sound = module();
    assert_eq!(sound.len() as u64, TOTAL);
    assert_eq!(u64::from(get32(&sound, head(header::SIGNED_BYTES))), NAMES + NAMES_BYTES - PAGE);
    assert_eq!(check(&sound), Ok(()));
    for (name, change, kind, offset) in POLICIES.iter().chain(TABLES).chain(SIGNATURES) {
        let mut module = sound.clone();
        change(&mut module);
        assert_eq!(check(&module).err(), Some(Error::new(*kind, *offset)), "{name}");
    }
}

/// The errors of tables come before the signature is looked at: a signature saves none.
#[test]
fn tables_come_first() {
    let sound = module();
    for (name, change, kind, offset) in TABLES {
        let mut module = sound.clone();
        change(&mut module);
        assert_eq!(Bundle::read(&module).err(), Some(Error::new(*kind, *offset)), "{name}");
    }
}

#[test]
fn policies_choose_their_keys() {
    let keys = [(SEED, true), (RELEASE, false)];
    let by = |seed: &[u8; 32], development: bool, policy: bool| {
        let mut module = module();
        trust(&mut module, policy, &keys);
        sign_tables(&mut module, seed, development);
        check(&module).err().map(|error| error.kind)
    };
    assert_eq!(by(&SEED, true, true), None);
    assert_eq!(by(&RELEASE, false, true), None);
    assert_eq!(by(&RELEASE, false, false), None);
    assert_eq!(by(&RELEASE, true, false), Some(ErrorKind::DevelopmentKey));
    assert_eq!(by(&SEED, true, false), Some(ErrorKind::DevelopmentKey));
}

/// A policy page may name 32 keys, and the last one counts.
#[test]
fn policy_limit() {
    let keys: Vec<([u8; 32], bool)> = (0..limits::POLICY_KEYS_MAX - 1)
        .map(|number| ([100 + number as u8; 32], true))
        .chain([(SEED, true)])
        .collect();
    let mut module = module();
    trust(&mut module, true, &keys);
    assert_eq!(check(&module), Ok(()));
}

/// The writer gives no bundle that the reader refuses.
#[test]
fn the_writer_checks_its_result() {
    let images = [ImageData { name: "root".to_owned(), bytes: Sample::smallest().bytes(), library: None }];
    let with = |change: fn(&mut InstanceData)| {
        let mut instance = InstanceData { name: "one".to_owned(), ..InstanceData::default() };
        change(&mut instance);
        write::bundle(&images, &[instance], None).err().map(|error| error.kind)
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|instance| instance.image = 1), Some(ErrorKind::Value));
    assert_eq!(with(|instance| instance.name = "n".repeat(256)), Some(ErrorKind::Value));
    assert_eq!(with(|instance| instance.parameters = vec![(64, 0)]), Some(ErrorKind::Value));
    assert_eq!(
        with(|instance| instance.grants = vec![GrantData { kind: 12, ..GrantData::default() }]),
        Some(ErrorKind::Value)
    );
    assert_eq!(with(|instance| instance.grants = vec![GrantData::default(); 2]), Some(ErrorKind::Value));
    let none = write::bundle(&[], &[], None).err().map(|error| error.kind);
    assert_eq!(none, Some(ErrorKind::Value));
    let broken = ImageData { name: "root".to_owned(), bytes: vec![0; 100], library: None };
    assert_eq!(write::bundle(&[broken], &[], None).err().map(|error| error.kind), Some(ErrorKind::Magic));
}
