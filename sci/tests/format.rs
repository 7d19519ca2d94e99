//! `FORMAT.md` beside the constants: every table of the page states what the crate does.
#![cfg(feature = "write")]
#![forbid(unsafe_code)]

use sci::bundle::{self, grant, header as bundle_header, image, instance, policy};
use sci::contract::RULES;
use sci::header::{self, field};
use sci::layout::{self, frame, info, instance as block, start};
use sci::section::SectionKind;
use sci::status::{Fault, Status};
use sci::{digest, limits, section, sign};

const PAGE: &str = include_str!("../FORMAT.md");
const MANIFEST: &str = include_str!("../src/manifest.rs");
const LIMITS: &str = include_str!("../src/limits.rs");
const ERRORS: &str = include_str!("../src/error.rs");

type Row = Vec<String>;

/// The cells of the first table under a heading, without the head.
fn table(heading: &str) -> Vec<Row> {
    let title = |line: &str| line.trim_start_matches('#').trim() == heading && line.starts_with('#');
    let rows: Vec<Row> = PAGE
        .lines()
        .skip_while(|line| !title(line))
        .skip(1)
        .skip_while(|line| !line.starts_with('|') && !line.starts_with('#'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect())
        .collect();
    assert!(!rows.is_empty(), "the page has no table under '{heading}'");
    rows
}

fn number(cell: &str) -> u64 {
    let parsed = match cell.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => cell.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("'{cell}' is not a number"))
}

/// Bytes of a type of the page; `None` if it repeats.
fn bytes_of(kind: &str) -> Option<u64> {
    Some(match kind {
        "u8" => 1,
        "u16" => 2,
        "u32" => 4,
        "u64" => 8,
        _ => match kind.split_once(" × ") {
            Some((count, one)) => number(count) * bytes_of(one)?,
            None => number(kind.strip_suffix(" bytes")?),
        },
    })
}

/// Checks that fields follow one another without gaps, up to `end` where it is given.
fn is_gapless(heading: &str, end: Option<u64>) {
    let mut at = 0;
    for row in table(heading) {
        assert_eq!(number(&row[0]), at, "{heading}: {row:?}");
        let Some(bytes) = bytes_of(&row[1]) else { return };
        at += bytes;
    }
    assert!(end.is_none_or(|end| end == at), "{heading} ends at {at}");
}

/// Checks offset and name of every named row.
fn has_fields(heading: &str, expected: &[(u64, &str)]) {
    let rows = table(heading);
    let stated: Vec<(u64, &str)> =
        rows.iter().filter(|row| row[2] != "-").map(|row| (number(&row[0]), row[2].as_str())).collect();
    assert_eq!(stated, expected, "{heading}");
}

/// Checks number and name, the first two cells of every row.
fn has_names<'a>(heading: &str, expected: impl IntoIterator<Item = (u64, &'a str)>) {
    let rows = table(heading);
    let stated: Vec<(u64, &str)> = rows.iter().map(|row| (number(&row[0]), row[1].as_str())).collect();
    assert_eq!(stated, expected.into_iter().collect::<Vec<_>>(), "{heading}");
}

macro_rules! fields {
    ($module:ident: $($name:ident),+ $(,)?) => { [$(($module::$name, stringify!($name))),+] };
}

#[test]
fn the_header_is_as_stated() {
    has_fields(
        "Header",
        &fields!(field: MAGIC, VERSION, MACHINE, KIND, FORM, FEATURES, TOTAL, TABLE, SECTION_COUNT, MANIFEST,
            MANIFEST_BYTES, ENVELOPE, ENVELOPE_BYTES, RESERVED),
    );
    is_gapless("Header", Some(header::HEADER_BYTES));
    let magic: Vec<String> = header::MAGIC.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(table("Header")[0][3], magic.join(" "));
    let parts: Vec<String> = table("File").into_iter().map(|row| row[2].clone()).collect();
    assert_eq!(parts[0], header::HEADER_BYTES.to_string());
    assert_eq!(parts[1], format!("{} for each section", section::ENTRY_BYTES));
    assert_eq!(parts[4], format!("{}, or absent", sign::ENVELOPE_BYTES));
    has_names("Kinds of image", [(1, "component"), (2, "guest"), (3, "library")]);
    has_names("Forms", [(0, "slab"), (1, "dense")]);
}

#[test]
fn the_sections_are_as_stated() {
    is_gapless("Section table", Some(section::ENTRY_BYTES));
    has_names("Section kinds", SectionKind::ALL.iter().map(|kind| (*kind as u64, kind.name())));
    for (row, kind) in table("Section kinds").iter().zip(SectionKind::ALL) {
        assert_eq!(row[2] == "yes", kind.is_loaded(), "{row:?}");
    }
}

/// What the page calls a type of the manifest.
fn called(rust: &str) -> String {
    let rust = rust.replace("<'a>", "").replace("'a, ", "").replace("&'a str", "text");
    let inner = |prefix: &str| rust.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>'));
    match rust.as_str() {
        "[u8; 32]" => "32 bytes".to_owned(),
        "Option<Reserved>" => "reserved".to_owned(),
        _ => match (inner("List<"), inner("Option<")) {
            (Some(element), _) => format!("list of {element}"),
            (_, Some(value)) => format!("optional {value}"),
            _ => rust,
        },
    }
}

/// The body of a type in the manifest's source.
fn body(declaration: &str) -> impl Iterator<Item = &'static str> {
    MANIFEST
        .lines()
        .skip_while(move |line| {
            line.strip_suffix(" {").map(|head| head.replace("<'a>", "")).as_deref() != Some(declaration)
        })
        .skip(1)
        .take_while(|line| *line != "}")
        .map(str::trim)
        .filter(|line| !line.starts_with("///") && !line.starts_with('#'))
        .map(|line| line.trim_end_matches(','))
}

#[test]
fn the_manifest_is_as_stated() {
    let mut seen = 0;
    for line in MANIFEST.lines() {
        let declared = line.strip_suffix(" {").map(|head| head.replace("<'a>", ""));
        let Some(head) = declared.filter(|head| head.starts_with("pub ")) else { continue };
        let name = head.rsplit(' ').next().expect("a declaration has a name");
        let (source, page): (Vec<Row>, Vec<Row>) = if head.starts_with("pub struct") {
            let field = |line: &str| {
                let (name, kind) = line.strip_prefix("pub ")?.split_once(": ")?;
                Some(vec![name.to_owned(), called(kind)])
            };
            let rows = table(&format!("{name} fields")).into_iter().map(|row| row[..2].to_vec());
            (body(&head).map(|line| field(line).expect("a public field")).collect(), rows.collect())
        } else {
            let choice = |(number, line): (usize, &str)| {
                let (name, fields) = line.split_once('(').unwrap_or((line, "-"));
                let fields = called(fields.strip_suffix(')').unwrap_or(fields));
                vec![number.to_string(), name.to_owned(), fields]
            };
            let rows = table(&format!("{name} choices")).into_iter().map(|row| row[..3].to_vec());
            (body(&head).enumerate().map(choice).collect(), rows.collect())
        };
        assert_eq!(page, source, "{name}");
        seen += 1;
    }
    let stated = PAGE.lines().filter(|line| line.starts_with("### "));
    let stated = stated.filter(|line| line.ends_with(" fields") || line.ends_with(" choices")).count();
    assert_eq!(seen, stated, "every type of the manifest stands on the page");
    assert!(seen >= 17, "the manifest's types were found");
}

#[test]
fn the_envelope_and_the_domains_are_as_stated() {
    is_gapless("Envelope", Some(sign::ENVELOPE_BYTES));
    assert!(table("Envelope")[0][2].starts_with(&format!("algorithm: {},", sign::ALGORITHM_ED25519)));
    let text = |domain: &'static [u8]| {
        let text = domain.strip_suffix(b"\0").and_then(|text| core::str::from_utf8(text).ok());
        text.expect("a domain is text and a zero byte")
    };
    let parts = table("Digest and signature");
    assert_eq!(
        parts[0],
        [format!("{}, a zero byte", text(digest::IMAGE_DOMAIN)), digest::IMAGE_DOMAIN.len().to_string()]
    );
    let sizes = [field::TOTAL, 8, field::ENVELOPE - field::TABLE, 8];
    for (row, bytes) in parts[1..].iter().zip(sizes) {
        assert_eq!(number(&row[1]), bytes, "{row:?}");
    }
    for (what, domain) in [("image", sign::IMAGE_DOMAIN), ("bundle", sign::BUNDLE_DOMAIN)] {
        assert!(PAGE.contains(&format!("| {what} | `{}`, a zero byte |", text(domain))), "{what}");
    }
}

#[test]
fn the_policy_page_is_as_stated() {
    has_fields("Policy page", &fields!(policy: MAGIC, VERSION, FLAGS, KEY_COUNT, KEYS));
    is_gapless("Policy page", None);
    is_gapless("Policy key", Some(bundle::POLICY_KEY_BYTES));
    assert_eq!(table("Policy page")[0][3].as_bytes(), bundle::POLICY_MAGIC);
    assert_eq!(number(&table("Policy key")[1][0]), policy::KEY_FLAGS);
}

#[test]
fn the_bundle_is_as_stated() {
    has_fields(
        "Bundle header",
        &fields!(bundle_header: MAGIC, VERSION, SIGNED_BYTES, IMAGE_COUNT, IMAGES, INSTANCE_COUNT, INSTANCES,
            GRANT_COUNT, GRANTS, PARAMETER_COUNT, PARAMETERS, NAMES, NAMES_BYTES, ENVELOPE, RESERVED),
    );
    is_gapless("Bundle header", Some(bundle_header::BYTES));
    assert_eq!(table("Bundle header")[0][3].as_bytes(), bundle::BUNDLE_MAGIC);
    has_fields("Bundle image", &fields!(image: DIGEST, OFFSET, SIZE, NAME, NAME_BYTES, LIBRARY, RESERVED));
    is_gapless("Bundle image", Some(image::BYTES));
    has_fields(
        "Bundle instance",
        &fields!(instance: NAME, NAME_BYTES, IMAGE, PRIORITY, RESTART, FLAGS, FIRST_GRANT, GRANT_COUNT,
            FIRST_PARAMETER, PARAMETER_COUNT),
    );
    is_gapless("Bundle instance", Some(instance::BYTES));
    has_fields("Bundle grant", &fields!(grant: CAPABILITY, KIND, MASK, A, B, WINDOW, RESERVED));
    is_gapless("Bundle grant", Some(grant::BYTES));
    has_names("Grant kinds", (0..).zip(grant::KIND_NAMES.iter().copied()));
    is_gapless("Bundle parameter", Some(bundle::PARAMETER_BYTES));
}

#[test]
fn the_memory_of_a_realm_is_as_stated() {
    let pages = fields!(layout: START_PAGE, INSTANCE_PAGE, GATE_PAGE, INFO_PAGE, STACK_TOP, LINEAR_MEMORY, LINKAGE,
        LIBRARY_SLAB);
    has_names("Memory of a realm", pages);
    assert!(PAGE.contains(&format!("every slab at the address {:#x}", layout::KERNEL_SLAB_BASE)));
    has_fields(
        "Message frame",
        &fields!(frame: WORDS, METHOD, STATUS, BADGE, GENERATION, CAPABILITIES, ACCEPTS, RESERVED),
    );
    is_gapless("Message frame", Some(frame::BYTES));
    assert!(PAGE.contains(&format!("Export {:#x} marks a notification", layout::badge::EXPORT_NOTIFICATION)));
    assert!(
        PAGE.contains(&format!("export {:#x} a message of the kernel", layout::badge::EXPORT_SUPERVISOR))
    );
    has_fields(
        "Start page",
        &fields!(start: MAGIC, GENERATION, CAPABILITY_COUNT, PARAMETER_COUNT, CAPABILITIES, PARAMETERS,
            CLIENT_WINDOWS),
    );
    assert_eq!(bytes_of("32 bytes"), Some(start::CAPABILITY_BYTES));
    has_fields("Capability entry", &fields!(start: ENTRY_HANDLE, ENTRY_WINDOW, ENTRY_WINDOW_BYTES));
    has_fields(
        "Instance block",
        &fields!(block: NUMBER, GENERATION, MEMORY_COUNT, LINKAGE_BYTES, MEMORIES,
        WAYS_IN),
    );
    has_fields("Info page", &fields!(info: TSC_HZ, TSC_BOOT, ABI_VERSION));
    assert!(table("Info page")[2][3].ends_with(&format!(": {}", layout::KERNEL_ABI_VERSION)));
}

#[test]
fn statuses_and_faults_are_as_stated() {
    has_names("Statuses", Status::ALL.iter().map(|status| (status.number(), status.name())));
    has_names("Faults", Fault::ALL.iter().map(|fault| (fault.number(), fault.name())));
    let meanings = Status::ALL.iter().map(|status| status.meaning());
    for (row, meaning) in table("Statuses").iter().zip(meanings) {
        assert_eq!(row[2], meaning.trim().replace('`', ""), "{row:?}");
    }
}

#[test]
fn limits_are_as_stated() {
    macro_rules! limits {
        ($($name:ident),+ $(,)?) => { vec![$((stringify!($name), u64::try_from(limits::$name).unwrap_or(u64::MAX))),+] };
    }
    let expected = limits![
        MANIFEST_BYTES_MAX,
        SECTIONS_MAX,
        IMAGE_BYTES_MAX,
        NAME_BYTES_MAX,
        CAPABILITIES_MAX,
        EXPORTS_MAX,
        METHODS_MAX,
        IMPORTS_MAX,
        RELOCATIONS_MAX,
        CLIENTS_MAX,
        PARAMETERS_MAX,
        WINDOW_BYTES_MAX,
        MESSAGE_CAPABILITIES_MAX,
        MESSAGE_WORDS,
        STACK_BYTES_MAX,
        SLAB_IMAGE_BYTES_MAX,
        BUNDLE_IMAGES_MAX,
        INSTANCES_MAX,
        GRANTS_MAX,
        POLICY_KEYS_MAX,
        PRIORITY_MAX,
        REALM_CAPABILITY_SLOTS_MAX,
        REALM_THREADS_MAX,
        REALM_MAPPINGS_MAX,
        BUNDLE_PARAMETERS_MAX,
        BUNDLE_NAMES_BYTES_MAX,
    ];
    let rows = table("Limits");
    let stated: Vec<(&str, u64)> = rows.iter().map(|row| (row[0].as_str(), number(&row[1]))).collect();
    assert_eq!(stated, expected);
    let declared = LIMITS.lines().filter(|line| line.starts_with("pub const ")).count();
    assert_eq!(stated.len(), declared, "every limit stands on the page");
}

#[test]
fn rules_and_refusals_are_as_stated() {
    let stated = table("Contract");
    let rules: Vec<Row> = RULES
        .iter()
        .map(|rule| vec![rule.id.to_owned(), rule.name.to_owned(), rule.sentence.to_owned()])
        .collect();
    assert_eq!(stated, rules);
    let kinds = ERRORS.lines().skip_while(|line| !line.starts_with("pub enum ErrorKind")).skip(1);
    let kinds = kinds.take_while(|line| *line != "}").map(str::trim).filter(|line| !line.starts_with("///"));
    let kinds: Vec<&str> =
        kinds.map(|line| line.trim_end_matches(',').split('(').next().unwrap_or_default()).collect();
    let rows = table("Refusals");
    let stated: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(stated, kinds);
}
