//! What is written is read, and what was read is written again: the same values, the same bytes.

use crate::random::Random;
use crate::sample::{BSS, DATA, RELRO, RODATA, Sample, TEXT, entry, import, requires};
use sci::bundle::{Bundle, grant, instance};
use sci::header::Kind;
use sci::image::Image;
use sci::layout::PAGE;
use sci::limits;
use sci::manifest::{
    Checkpoint, Class, Determinism, EntryKind, Exported, Parameter, Restart, SourcePlace, Tag,
};
use sci::section::SectionKind;
use sci::vocabulary::INTERFACES;
use sci::write::{self, GrantData, ImageData, InstanceData};
use tests_contract::rewritten;

/// Images that are tried.
const IMAGES: u64 = 400;
/// Bundles that are tried.
const BUNDLES: u64 = 60;

fn text(random: &mut Random, number: u64) -> &'static str {
    let letters = ["a", "-", "é", "x9", ".", "語"];
    let mut name = format!("n{number}");
    for _ in 0..random.below(8) {
        name.push_str(random.pick(&letters));
    }
    name.leak()
}

/// A component that holds every rule, whatever the numbers say.
fn component(random: &mut Random) -> Sample {
    let mut sample = Sample::component();
    sample.identity.package = text(random, 0);
    sample.identity.name = text(random, 1);
    sample.identity.version =
        format!("{}.{}.{}", random.below(3), random.below(100), random.below(1 << 32)).leak();
    sample.class = random.pick(&[Class::Application, Class::Driver]);
    sample.priority = random.pick(&[None, Some(0), Some(127), Some(128), Some(254)]);
    sample.passive = random.one_in(2);
    sample.restart = random.pick(&[Restart::Never, Restart::OnFault, Restart::Always]);
    sample.checkpoint = random.pick(&[Checkpoint::None, Checkpoint::OnRequest]);
    sample.memory.stack_tag = random.pick(&[Tag::Exact, Tag::Declared, Tag::Measured]);
    sample.memory.buffer_bytes = random.next() >> random.below(64);
    sample.memory.pool.capabilities = limits::CAPABILITIES_MAX;
    sample.required = (0..random.below(20)).map(|number| capability(random, number)).collect();
    let messages = |slot: &u32| sample.required[*slot as usize].message;
    sample.callees = (0..sample.required.len() as u32).filter(messages).collect();
    replay(random, &mut sample);
    exports(random, &mut sample);
    sample.parameters = (0..random.below(10))
        .map(|number| Parameter { name: text(random, number), default: random.next() >> random.below(64) })
        .collect();
    sections(random, &mut sample);
    let capability = sample.required.len().checked_sub(1).map(|slot| slot as u32);
    for import in &mut sample.imports {
        import.capability = capability.filter(|_| random.one_in(2));
    }
    sample
}

fn capability(random: &mut Random, number: u64) -> sci::manifest::Required<'static> {
    let interface = random.pick(INTERFACES);
    let name = if random.one_in(4) { "KeyValue" } else { interface.name };
    let full = if name == "KeyValue" { u64::MAX } else { interface.full_mask() };
    let declared = random.next() & full;
    let mut required = requires(text(random, number), name, declared & random.next());
    required.declared = declared;
    required.window_bytes = PAGE as u32 * random.below(17) as u32;
    required.place = SourcePlace {
        file: text(random, number),
        line: random.next() as u32 >> random.below(32),
        column: random.below(200) as u32,
    };
    required
}

/// Logs what depends on more than inputs, or says nothing of determinism.
fn replay(random: &mut Random, sample: &mut Sample) {
    let methods = |required: &sci::manifest::Required<'_>| {
        (0..64).filter(|method| required.methods >> method & 1 == 1).collect::<Vec<u8>>()
    };
    let used = sample
        .required
        .iter()
        .zip(0..)
        .flat_map(|(required, slot)| methods(required).into_iter().map(move |method| (slot, method)));
    let used: Vec<(u32, u8)> = used.collect();
    match random.below(3) {
        0 => sample.replay = Some(used),
        1 if used.is_empty() => sample.is_deterministic = true,
        _ => {}
    }
}

fn exports(random: &mut Random, sample: &mut Sample) {
    let count = sample.required.len() as u32;
    let within = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    sample.exported = (0..random.below(5))
        .map(|number| Exported {
            name: text(random, number),
            interface: "Own",
            hash: [random.next() as u8; 32],
            methods: random.next() & random.next() & random.next(),
            capabilities: random.next() & within,
            window_bytes: PAGE as u32 * random.below(17) as u32,
        })
        .collect();
    sample.entries = vec![entry(EntryKind::Start, "_start", random.below(64))];
    if random.one_in(2) {
        sample.entries.push(entry(EntryKind::Begin, "start", random.below(64)));
    }
    for (exported, export) in sample.exported.iter().zip(0..) {
        for method in (0..64).filter(|method| exported.methods >> method & 1 == 1) {
            sample.entries.push(entry(EntryKind::Method(export, method), "m", random.below(64)));
        }
    }
    for bit in 0..64 {
        if random.one_in(20) {
            sample.entries.push(entry(EntryKind::Interrupt(bit), "i", random.below(64)));
        }
    }
}

/// Some sections go, with what refers to them; the rest get other sizes.
fn sections(random: &mut Random, sample: &mut Sample) {
    if random.one_in(3) {
        sample.without_words();
    } else {
        let slots = random.below(30);
        let words = slots + random.below(30) + 1;
        let mut relro: Vec<u64> = vec![0; words as usize];
        let targets = [TEXT, TEXT + 63, RODATA, RELRO + 8 * words - 1, DATA, BSS];
        relro[slots as usize..].fill_with(|| random.pick(&targets));
        let mut relocations: Vec<u64> = (slots..words).map(|word| RELRO + 8 * word).collect();
        relocations.push(DATA + 8);
        sample.relocate(&relocations);
        let section = sample.section(SectionKind::Relro);
        section.bytes = relro.iter().flat_map(|word| word.to_le_bytes()).collect();
        section.memory_bytes = 8 * words;
        sample.imports = (0..slots).map(|slot| import("cap_drop", RELRO + 8 * slot)).collect();
    }
    for kind in [SectionKind::Traps, SectionKind::Symbols, SectionKind::Debug, SectionKind::SourceMap] {
        if random.one_in(2) {
            sample.remove(kind);
        }
    }
}

#[test]
fn images() {
    let mut random = Random(1);
    for number in 0..IMAGES {
        let sample = component(&mut random);
        let naive = sample.bytes();
        let written = sample.written().unwrap_or_else(|error| panic!("{number}: {error}"));
        assert!(naive == written, "{number}: two writers agree");
        let image = Image::verify(&naive).expect("it was verified when it was written");
        check_values(&sample, &image);
        let again = rewritten(&image);
        assert!(again == naive, "{number}: what was read is written again");
        let signed = sample.kind == Kind::Component && number < 4;
        if signed {
            let signed = sample.signed();
            assert_eq!(write::sign_image(&signed, &crate::sample::SEED, true).as_ref(), Ok(&signed));
        }
    }
}

fn check_values(sample: &Sample, image: &Image<'_>) {
    let manifest = image.manifest();
    assert_eq!(manifest.identity, sample.identity);
    assert!(manifest.entries.iter().eq(sample.entries.iter().copied()));
    assert!(manifest.required.iter().eq(sample.required.iter().copied()));
    assert!(manifest.exported.iter().eq(sample.exported.iter().copied()));
    assert!(manifest.imports.iter().eq(sample.imports.iter().copied()));
    assert!(manifest.exports.iter().eq(sample.exports.iter().copied()));
    assert!(manifest.parameters.iter().eq(sample.parameters.iter().copied()));
    assert!(manifest.schedule.callees.iter().eq(sample.callees.iter().copied()));
    assert_eq!(manifest.required.len(), sample.required.len());
    assert_eq!(manifest.required.get(sample.required.len()), None);
    assert_eq!(manifest.memory, sample.memory);
    assert_eq!(
        (manifest.schedule.class, manifest.schedule.priority, manifest.schedule.passive),
        (sample.class, sample.priority, sample.passive)
    );
    assert_eq!((manifest.restart, manifest.checkpoint), (sample.restart, sample.checkpoint));
    match manifest.deterministic {
        Determinism::None => assert!(!sample.is_deterministic && sample.replay.is_none()),
        Determinism::Yes => assert!(sample.is_deterministic),
        Determinism::Replay(list) => assert!(list.iter().eq(sample.replay.clone().unwrap_or_default())),
    }
    assert_eq!(manifest.provenance, sample.provenance);
    let sections: Vec<_> = image.sections().collect();
    assert_eq!(sections.len(), sample.sections.len());
    for (section, raw) in sections.iter().zip(&sample.sections) {
        let found = (section.kind, section.memory_offset, section.memory_bytes);
        assert_eq!(found, (raw.kind, raw.memory_offset, raw.memory_bytes));
        assert!(image.bytes_of(section.kind) == raw.bytes);
    }
    let stated = image.relocations().all(|offset| image.section_at(offset).is_some());
    assert!(stated && sci::digest::check_sections(image).is_ok());
}

#[test]
fn libraries_and_guests() {
    for (sample, kind) in [(Sample::library(), Kind::Library), (Sample::guest(), Kind::Guest)] {
        assert_eq!(sample.written().as_ref(), Ok(&sample.bytes()));
        let bytes = sample.bytes();
        let image = Image::verify(&bytes).expect("it verifies");
        assert_eq!(image.header().kind, kind);
        check_values(&sample, &image);
    }
}

/// The writer puts entries in the order that the reader wants, whatever order they come in.
#[test]
fn entries_are_put_in_order() {
    let mut sample = Sample::component();
    sample.entries.reverse();
    assert_eq!(sample.written(), Ok(Sample::component().bytes()));
}

#[test]
fn bundles() {
    let mut random = Random(2);
    let images: Vec<ImageData> = [Sample::smallest(), Sample::component()]
        .iter()
        .zip(0..)
        .map(|(sample, number)| ImageData {
            name: format!("image-{number}"),
            bytes: sample.bytes(),
            library: None,
        })
        .collect();
    for number in 0..BUNDLES {
        let count = 1 + random.below(12) as u32;
        let instances: Vec<InstanceData> =
            (0..count).map(|at| instance_data(&mut random, at, count)).collect();
        let mut module = write::policy(true, &[]);
        module.extend(
            write::bundle(&images, &instances, None).unwrap_or_else(|error| panic!("{number}: {error}")),
        );
        let bundle = Bundle::read(&module).expect("it was read when it was written");
        assert_eq!((bundle.image_count(), bundle.instance_count()), (2, count));
        for (image, at) in images.iter().zip(0..) {
            let found = bundle.image(at).expect("it is there");
            assert!(found.name == image.name && found.bytes == image.bytes);
        }
        assert!(bundle.image(2).is_none());
        let read: Vec<InstanceData> = (0..count).map(|at| read_instance(&bundle, at)).collect();
        assert_eq!(format!("{read:?}"), format!("{instances:?}"));
    }
}

fn instance_data(random: &mut Random, at: u32, count: u32) -> InstanceData {
    let grants = (0..random.below(6) as u32).map(|capability| {
        let kind = random.below(grant::KIND_NAMES.len() as u64) as u32;
        let window = PAGE as u32 * random.below(17) as u32;
        let (a, b, window) = match kind {
            grant::CHANNEL => (random.below(u64::from(count)) as u32, random.below(32) as u32, window),
            grant::PORTS => (random.below(1 << 15) as u32, random.below(1 << 15) as u32, 0),
            grant::INTERRUPT => (random.next() as u32, 0, 0),
            grant::KERNEL_CONSOLE => (0, 0, window),
            grant::ROOT => (0, random.below(32) as u32, 0),
            grant::REGISTERS => (1 + random.below(1 << 19) as u32, 0, window.clamp(PAGE as u32, 1 << 16)),
            grant::PAGES => (0, 0, window.max(PAGE as u32)),
            _ => (0, 0, 0),
        };
        GrantData { capability, kind, mask: random.next(), a, b, window }
    });
    let grants = grants.collect();
    InstanceData {
        name: format!("instance-{at}"),
        image: random.below(2) as u32,
        priority: random.next() as u8,
        restart: random.below(3) as u32,
        serves: random.one_in(2),
        held: random.one_in(4),
        grants,
        parameters: (0..random.below(5) as u32).map(|index| (index, random.next())).collect(),
    }
}

/// An instance as a reader of the records sees it, by their offsets alone, as `root` does.
fn read_instance(bundle: &Bundle<'_>, at: u32) -> InstanceData {
    let field = |offset| bundle.instance_field(at, offset);
    let word = |offset: u64| {
        let bytes = &bundle.tables()[offset as usize..offset as usize + 8];
        u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
    };
    let first = field(instance::FIRST_GRANT);
    let grants = (first..first + field(instance::GRANT_COUNT)).map(|index| GrantData {
        capability: bundle.grant_field(index, grant::CAPABILITY),
        kind: bundle.grant_field(index, grant::KIND),
        mask: bundle.grant_mask(index),
        a: bundle.grant_field(index, grant::A),
        b: bundle.grant_field(index, grant::B),
        window: bundle.grant_field(index, grant::WINDOW),
    });
    let table = word(sci::bundle::header::PARAMETER_COUNT) >> 32;
    let first = field(instance::FIRST_PARAMETER);
    let parameters = (first..first + field(instance::PARAMETER_COUNT)).map(|index| {
        let record = table + u64::from(index) * sci::bundle::PARAMETER_BYTES;
        (word(record) as u32, word(record + 8))
    });
    InstanceData {
        name: bundle.instance_name(at).to_owned(),
        image: field(instance::IMAGE),
        priority: field(instance::PRIORITY) as u8,
        restart: field(instance::RESTART),
        serves: field(instance::FLAGS) & instance::FLAG_SERVES != 0,
        held: field(instance::FLAGS) & instance::FLAG_HELD != 0,
        grants: grants.collect(),
        parameters: parameters.collect(),
    }
}
