//! Where a file ends and where a limit lies: every prefix is refused, what stands at a limit passes, and one more is
//! refused where it shows.

use sci::bundle::{Bundle, Policy, header as bundle_header};
use sci::contract::RULES;
use sci::error::{Error, ErrorKind};
use sci::header::{HEADER_BYTES, Kind, field};
use sci::image::Image;
use sci::layout::{PAGE, STACK_TOP};
use sci::limits;
use sci::list::List;
use sci::manifest::{
    Checkpoint, Class, Determinism, Entry, EntryKind, Identity, Manifest, Memory, Pool, Provenance, Restart,
    Schedule, Tag,
};
use sci::section::{ENTRY_BYTES, SectionKind};
use sci::sign::{self, check_image};
use sci::write::{self, ImageData, InstanceData, SectionData, Signer, list_bytes};

const SEED: [u8; 32] = [3; 32];
/// Where text lies; relro follows it.
const TEXT: u64 = STACK_TOP - 16 * PAGE;
const RELRO: u64 = TEXT + PAGE;

/// A component of text, relro, and what a test adds.
fn component(extra: &[SectionData]) -> Vec<u8> {
    let entries =
        list_bytes(&[Entry { kind: EntryKind::Start, name: "_start", offset: TEXT, stack_bytes: 64 }]);
    let manifest = Manifest {
        identity: Identity { package: "", name: "edge", version: "1.0.0" },
        entries: List::new(&entries),
        required: List::default(),
        exported: List::default(),
        imports: List::default(),
        exports: List::default(),
        schemas: None,
        memory: Memory {
            stack_bytes: PAGE,
            stack_tag: Tag::Exact,
            state_bytes: 0,
            arena_bytes: 0,
            buffer_bytes: 0,
            linear: None,
            pool: Pool { threads: 1, capabilities: 0, mappings: 0 },
        },
        schedule: Schedule {
            class: Class::Application,
            priority: None,
            period: None,
            budget: None,
            deadline: None,
            affinity: None,
            passive: false,
            fuel: None,
            callees: List::default(),
        },
        restart: Restart::Never,
        checkpoint: Checkpoint::None,
        deterministic: Determinism::Yes,
        migration: None,
        compute: None,
        parameters: List::default(),
        provenance: Provenance { compiler: "test", front_end: "hand", sources: [0; 32], flags: "" },
        section_hashes: List::default(),
    };
    let relro = RELRO.to_le_bytes().repeat(2);
    let mut sections =
        vec![section(SectionKind::Text, TEXT, vec![0xcc; 16]), section(SectionKind::Relro, RELRO, relro)];
    sections.extend_from_slice(extra);
    write::image(Kind::Component, &manifest, &sections).expect("the component is sound")
}

fn section(kind: SectionKind, memory_offset: u64, bytes: Vec<u8>) -> SectionData {
    SectionData { kind, memory_offset, bss_bytes: 0, bytes }
}

fn relocations() -> SectionData {
    section(SectionKind::Relocations, 0, (RELRO as u32).to_le_bytes().to_vec())
}

fn put(bytes: &mut [u8], offset: u64, value: &[u8]) {
    bytes[offset as usize..offset as usize + value.len()].copy_from_slice(value);
}

/// States the file's own length.
fn set_total(bytes: &mut [u8]) {
    let total = bytes.len() as u64;
    put(bytes, field::TOTAL, &total.to_le_bytes());
}

/// Lets the last section, which is the third, have so many bytes more, each like the file's last word.
fn stretch(bytes: &mut Vec<u8>, last: u64, size: u64, word: impl Fn(u64) -> u32) {
    let entry = HEADER_BYTES + last * ENTRY_BYTES;
    let at = u64::from(u32::from_le_bytes(
        bytes[entry as usize + 8..entry as usize + 12].try_into().expect("four bytes"),
    ));
    put(bytes, entry + 12, &(size as u32).to_le_bytes());
    bytes.truncate(at as usize);
    bytes.extend((0..size / 4).flat_map(|index| word(index).to_le_bytes()));
    bytes.resize((at + size) as usize, 0);
    bytes.resize(bytes.len().next_multiple_of(PAGE as usize), 0);
    set_total(bytes);
}

fn verified(bytes: &[u8]) -> Option<Error> {
    Image::verify(bytes).err()
}

fn module() -> Vec<u8> {
    let images = [ImageData { name: "root".to_owned(), bytes: component(&[]), library: None }];
    let instances = [InstanceData { name: "one".to_owned(), ..InstanceData::default() }];
    let mut module = write::policy(true, &[(sign::public_key(&SEED), true)]);
    let signer = Signer { seed: &SEED, development: true };
    module.extend(write::bundle(&images, &instances, Some(signer)).expect("the bundle is sound"));
    module
}

/// A file that was cut says so: at the word that is missing, or at the length that the header states.
#[test]
fn every_prefix_of_an_image() {
    let signed = write::sign_image(&component(&[relocations()]), &SEED, true).expect("it verifies");
    assert_eq!(verified(&signed), None);
    // Where the reader first looks beyond each end: magic, single fields, then the reserved tail as a whole.
    let missing = |length: u64| match length {
        0..8 => 0,
        8..10 => field::VERSION,
        10..12 => field::MACHINE,
        12 => field::KIND,
        13 => field::FORM,
        14..16 => field::FORM + 1,
        16..HEADER_BYTES => field::RESERVED,
        _ => field::TOTAL,
    };
    for length in 0..signed.len() {
        let expected = Error::new(ErrorKind::Truncated, missing(length as u64));
        assert_eq!(verified(&signed[..length]), Some(expected), "{length} bytes");
    }
}

/// Nor does a prefix pass that states its own length.
#[test]
fn every_prefix_that_states_its_length() {
    let signed = write::sign_image(&component(&[relocations()]), &SEED, true).expect("it verifies");
    let envelope = signed.len() - sign::ENVELOPE_BYTES as usize;
    for length in HEADER_BYTES as usize..signed.len() {
        let mut bytes = signed[..length].to_vec();
        set_total(&mut bytes);
        let refused = verified(&bytes).map(|error| error.kind);
        let known = matches!(refused, Some(ErrorKind::Truncated | ErrorKind::Tiling));
        assert!(known, "{length} of {envelope} bytes: {refused:?}");
    }
}

#[test]
fn every_prefix_of_a_module() {
    let sound = module();
    let check = |module: &[u8]| {
        let policy = Policy::read(module)?;
        Bundle::read(module)?.check_signature(&policy).map(drop)
    };
    assert_eq!(check(&sound), Ok(()));
    for length in 0..sound.len() {
        let refused = check(&sound[..length]).map_err(|error| error.kind);
        // A cut between two images leaves a shorter whole, which the table denies.
        assert_eq!(refused, Err(ErrorKind::Truncated), "{length} bytes");
    }
}

/// Each bit of a signed image, not only each byte.
#[test]
fn every_bit_of_the_head_and_the_envelope() {
    let mut signed = write::sign_image(&component(&[]), &SEED, true).expect("it verifies");
    let head = Image::verify(&signed).expect("it verifies").head().len();
    let envelope = signed.len() - sign::ENVELOPE_BYTES as usize;
    for at in (0..head).chain(envelope..signed.len()) {
        for bit in 0..8 {
            signed[at] ^= 1 << bit;
            let passed = Image::verify(&signed).and_then(|image| check_image(&image).map(drop));
            assert!(passed.is_err(), "bit {bit} of byte {at}");
            signed[at] ^= 1 << bit;
        }
    }
}

#[test]
fn an_image_may_have_its_limit() {
    let mut bytes = component(&[section(SectionKind::Debug, 0, vec![0; 4])]);
    let before = bytes.len() as u64 - PAGE;
    stretch(&mut bytes, 2, limits::IMAGE_BYTES_MAX - before, |_| 0);
    assert_eq!(bytes.len() as u64, limits::IMAGE_BYTES_MAX);
    assert_eq!(verified(&bytes), None);
    stretch(&mut bytes, 2, limits::IMAGE_BYTES_MAX - before + 1, |_| 0);
    assert_eq!(verified(&bytes), Some(Error::new(ErrorKind::Limit, field::TOTAL)));
}

#[test]
fn a_table_may_state_its_limit() {
    let mut bytes = component(&[]);
    put(&mut bytes, field::SECTION_COUNT, &limits::SECTIONS_MAX.to_le_bytes());
    assert_eq!(verified(&bytes), Some(Error::new(ErrorKind::Tiling, field::MANIFEST)));
    put(&mut bytes, field::SECTION_COUNT, &(limits::SECTIONS_MAX + 1).to_le_bytes());
    assert_eq!(verified(&bytes), Some(Error::new(ErrorKind::Limit, field::SECTION_COUNT)));
}

/// More relocations than an image may have cost no more to refuse than as many as it may have.
#[test]
fn relocations_beyond_their_limit() {
    let rule = RULES.iter().position(|rule| rule.name == "relocations-aligned").expect("it is a rule");
    let mut bytes = component(&[relocations()]);
    let manifest = u64::from(Image::verify(&bytes).expect("it is sound").header().manifest);
    stretch(&mut bytes, 2, 60 << 20, |_| RELRO as u32);
    assert_eq!(verified(&bytes), Some(Error::new(ErrorKind::Contract(rule as u8), manifest)));
}

/// The tables of a bundle may hold as much as their limits say; what is missing then are the records.
#[test]
fn bundle_tables_may_state_their_limits() {
    let counts = [
        (bundle_header::IMAGE_COUNT, bundle_header::INSTANCES, limits::BUNDLE_IMAGES_MAX),
        (bundle_header::INSTANCE_COUNT, bundle_header::GRANTS, limits::INSTANCES_MAX),
        (bundle_header::GRANT_COUNT, bundle_header::PARAMETERS, limits::GRANTS_MAX),
        (bundle_header::PARAMETER_COUNT, bundle_header::NAMES, limits::BUNDLE_PARAMETERS_MAX),
        (bundle_header::NAMES_BYTES, bundle_header::SIGNED_BYTES, limits::BUNDLE_NAMES_BYTES_MAX),
    ];
    for (count, next, most) in counts {
        let mut module = module();
        put(&mut module, PAGE + count, &most.to_le_bytes());
        let refused = |module: &[u8]| Bundle::read(module).err();
        assert_eq!(refused(&module), Some(Error::new(ErrorKind::Tiling, PAGE + next)));
        put(&mut module, PAGE + count, &(most + 1).to_le_bytes());
        assert_eq!(refused(&module), Some(Error::new(ErrorKind::Limit, PAGE + count)));
    }
}
