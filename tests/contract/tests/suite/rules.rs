//! Each contract rule: an image that holds it, images that break it and nothing before it, and the proof that the rule
//! alone is what refuses them.

use crate::sample::{BSS, DATA, RELRO, RODATA, Sample, TEXT, TOP, entry, import, requires};
use sci::contract::RULES;
use sci::error::ErrorKind;
use sci::image::Image;
use sci::layout::{PAGE, STACK_TOP};
use sci::limits;
use sci::manifest::{EntryKind, Exported, Parameter, SectionHash};
use sci::section::SectionKind;

type Change = fn(&mut Sample);

/// A rule's images: the sample after a change.
struct Case {
    id: &'static str,
    holds: Change,
    breaks: &'static [(&'static str, Change)],
}

const CASES: &[Case] = &[
    Case {
        id: "SCI-C001",
        holds: |_| {},
        breaks: &[("no text", |sample| {
            sample.remove(SectionKind::Text);
            sample.relocate(&[RELRO + 16, DATA + 8]);
        })],
    },
    Case {
        id: "SCI-C002",
        holds: |sample| {
            sample.relocate(&[RELRO + 24, DATA + 8]);
            sample.section(SectionKind::Rodata).memory_offset = TEXT - 7 * PAGE;
        },
        breaks: &[("rodata in the middle of a page", |sample| {
            sample.relocate(&[RELRO + 24, DATA + 8]);
            sample.section(SectionKind::Rodata).memory_offset += 8;
        })],
    },
    Case {
        id: "SCI-C003",
        holds: |sample| sample.section(SectionKind::Rodata).memory_bytes = 18,
        breaks: &[
            ("more memory than file", |sample| sample.section(SectionKind::Rodata).memory_bytes += 1),
            ("more file than memory", |sample| sample.section(SectionKind::Rodata).memory_bytes -= 1),
            ("empty bss", |sample| {
                sample.section(SectionKind::Bss).memory_bytes = 0;
                sample.memory.state_bytes = 16;
            }),
        ],
    },
    Case {
        id: "SCI-C004",
        holds: |sample| sample.section(SectionKind::Bss).memory_offset = TEXT - PAGE,
        breaks: &[
            ("rodata over text", |sample| {
                sample.relocate(&[RELRO + 24, DATA + 8]);
                sample.section(SectionKind::Rodata).memory_offset = TEXT;
            }),
            ("bss over data", |sample| sample.section(SectionKind::Bss).memory_offset = DATA),
            ("bss reaches into relro", |sample| {
                sample.section(SectionKind::Bss).memory_offset = RODATA - PAGE;
                sample.section(SectionKind::Bss).memory_bytes = 2 * PAGE + 1;
                sample.memory.state_bytes = 2 * PAGE + 17;
                sample.sections.retain(|section| section.kind != SectionKind::Rodata);
                sample.relocate(&[RELRO + 24, DATA + 8]);
            }),
        ],
    },
    Case {
        id: "SCI-C005",
        holds: |sample| {
            sample.section(SectionKind::Bss).memory_offset = STACK_TOP - limits::SLAB_IMAGE_BYTES_MAX;
        },
        breaks: &[
            ("bss in the arena", |sample| sample.section(SectionKind::Bss).memory_offset = TOP),
            ("bss in the stack", |sample| sample.section(SectionKind::Bss).memory_offset = STACK_TOP - PAGE),
            ("bss over the gate", |sample| {
                sample.section(SectionKind::Bss).memory_offset = sci::layout::GATE_PAGE;
            }),
            ("bss at the null page", |sample| sample.section(SectionKind::Bss).memory_offset = 0),
            ("bss below the image's part", |sample| {
                sample.section(SectionKind::Bss).memory_offset =
                    STACK_TOP - limits::SLAB_IMAGE_BYTES_MAX - PAGE;
            }),
            ("bss that wraps around", |sample| {
                sample.section(SectionKind::Bss).memory_bytes = u64::MAX - 100;
                sample.section(SectionKind::Bss).memory_offset = TOP;
                sample.memory.state_bytes = u64::MAX - 100 + 16;
            }),
            ("an arena that leaves no room", |sample| sample.memory.arena_bytes = u64::MAX),
        ],
    },
    Case {
        id: "SCI-C006",
        holds: |_| {},
        breaks: &[
            ("traps with memory", |sample| sample.section(SectionKind::Traps).memory_bytes = 16),
            ("symbols with an address", |sample| sample.section(SectionKind::Symbols).memory_offset = BSS),
        ],
    },
    Case {
        id: "SCI-C007",
        holds: |sample| {
            sample.identity.package = "";
            sample.identity.version = "1.20.300";
        },
        breaks: &[
            ("no name", |sample| sample.identity.name = ""),
            ("a name with an escape sequence", |sample| sample.identity.name = "a\x1b[2Jb"),
            ("a package with a line end", |sample| sample.identity.package = "a\nb"),
            ("a package too long", |sample| sample.identity.package = long_name(256)),
            ("no version", |sample| sample.identity.version = ""),
            ("two numbers", |sample| sample.identity.version = "1.2"),
            ("four numbers", |sample| sample.identity.version = "1.2.3.4"),
            ("a leading zero", |sample| sample.identity.version = "1.02.3"),
            ("a letter", |sample| sample.identity.version = "1.2.x"),
        ],
    },
    Case {
        id: "SCI-C008",
        holds: |sample| *sample = Sample::library(),
        breaks: &[
            ("no start", |sample| {
                sample.entries.remove(0);
            }),
            ("a library that starts", |sample| {
                *sample = Sample::library();
                sample.entries = vec![entry(EntryKind::Start, "_start", 0)];
            }),
        ],
    },
    Case {
        id: "SCI-C009",
        holds: |sample| sample.entries[0].offset = TEXT + 63,
        breaks: &[
            ("a start behind text", |sample| sample.entries[0].offset = TEXT + 64),
            ("a start in data", |sample| sample.entries[0].offset = DATA),
            ("a method before text", |sample| sample.entries[2].offset = TEXT - 1),
        ],
    },
    Case {
        id: "SCI-C010",
        holds: |sample| sample.entries[0].stack_bytes = sample.memory.stack_bytes,
        breaks: &[
            ("a method that needs more", |sample| {
                sample.entries[2].stack_bytes = sample.memory.stack_bytes + 1;
            }),
            ("a library function that needs more", |sample| {
                *sample = Sample::library();
                sample.exports[1].stack_bytes = sample.memory.stack_bytes + 1;
            }),
        ],
    },
    Case {
        id: "SCI-C011",
        holds: |sample| {
            sample.memory.stack_bytes = limits::STACK_BYTES_MAX;
            move_down(sample, limits::STACK_BYTES_MAX);
        },
        breaks: &[
            ("no stack", |sample| {
                sample.memory.stack_bytes = 0;
                sample.entries.iter_mut().for_each(|entry| entry.stack_bytes = 0);
            }),
            ("half a page", |sample| sample.memory.stack_bytes = PAGE / 2),
            ("a page and a byte", |sample| sample.memory.stack_bytes = PAGE + 1),
            ("more than the limit", |sample| {
                sample.memory.stack_bytes = limits::STACK_BYTES_MAX + PAGE;
                move_down(sample, limits::STACK_BYTES_MAX + PAGE);
            }),
        ],
    },
    Case {
        id: "SCI-C012",
        holds: |sample| sample.relocate(&[RELRO + 16, DATA + 8]),
        breaks: &[
            ("a relocation in text", |sample| sample.relocate(&[TEXT + 8])),
            ("a relocation in rodata", |sample| sample.relocate(&[RODATA + 8])),
        ],
    },
    Case {
        id: "SCI-C013",
        holds: |sample| {
            sample.imports.truncate(1);
            sample.imports[0].offset = RELRO + 8;
        },
        breaks: &[
            ("a slot in data", |sample| sample.imports[1].offset = DATA + 8),
            ("a slot in bss", |sample| sample.imports[1].offset = BSS),
            ("a slot behind relro", |sample| sample.imports[1].offset = RELRO + 32),
            ("a slot between two words", |sample| {
                sample.imports[0].offset = RELRO + 4;
                sample.imports.truncate(1);
            }),
            ("a slot nowhere", |sample| sample.imports[1].offset = u64::MAX - 7),
            ("a word that is half a slot", |sample| {
                sample.section(SectionKind::Relro).bytes.truncate(12);
                sample.section(SectionKind::Relro).memory_bytes = 12;
                sample.relocate(&[DATA + 8]);
            }),
        ],
    },
    Case {
        id: "SCI-C014",
        holds: |_| {},
        breaks: &[
            ("a slot twice", |sample| sample.imports[1].offset = RELRO),
            ("slots out of order", |sample| sample.imports.reverse()),
        ],
    },
    Case {
        id: "SCI-C015",
        holds: |_| {},
        breaks: &[("a slot that holds a word", |sample| sample.section(SectionKind::Relro).bytes[7] = 1)],
    },
    Case {
        id: "SCI-C016",
        holds: |sample| {
            sample.imports[1].module = "text.format";
            sample.imports[1].item = "ipc_cull";
        },
        breaks: &[
            ("a misspelt call", |sample| sample.imports[1].item = "ipc_cull"),
            ("no call", |sample| sample.imports[1].item = "kernel"),
        ],
    },
    Case {
        id: "SCI-C017",
        holds: |sample| sample.imports[0].capability = Some(1),
        breaks: &[("the capability behind the last", |sample| sample.imports[0].capability = Some(2))],
    },
    Case {
        id: "SCI-C018",
        holds: |sample| sample.remove(SectionKind::Relocations),
        breaks: &[
            ("a relocation twice", |sample| sample.relocate(&[DATA + 8, DATA + 8])),
            ("relocations out of order", |sample| sample.relocate(&[DATA + 8, RELRO + 16])),
            ("a relocation between two words", |sample| {
                sample.section(SectionKind::Data).bytes = [0; 4].into_iter().chain(word(DATA)).collect();
                sample.section(SectionKind::Data).memory_bytes = 12;
                sample.memory.state_bytes = 112;
                sample.relocate(&[DATA + 4]);
            }),
            ("half a relocation", |sample| {
                sample.section(SectionKind::Relocations).bytes.truncate(10);
            }),
            ("a relocation of the start page", |sample| sample.relocate(&[sci::layout::START_PAGE])),
            ("a relocation in bss", |sample| sample.relocate(&[BSS])),
        ],
    },
    Case {
        id: "SCI-C019",
        holds: |sample| point(sample, BSS + 99),
        breaks: &[
            ("a word that points at the null page", |sample| point(sample, 0)),
            ("a word that points behind bss", |sample| point(sample, BSS + 100)),
            ("a word that points into the stack", |sample| point(sample, STACK_TOP - 8)),
            ("a word that wraps around", |sample| point(sample, u64::MAX)),
            ("a slot that is relocated", |sample| sample.relocate(&[RELRO])),
        ],
    },
    Case {
        id: "SCI-C020",
        holds: |sample| {
            sample.required = many(limits::CAPABILITIES_MAX, |name, _| requires(name, "Clock", 1));
            sample.memory.pool.capabilities = limits::CAPABILITIES_MAX;
            sample.callees.clear();
        },
        breaks: &[
            ("65 capabilities", |sample| {
                sample.required = many(limits::CAPABILITIES_MAX + 1, |name, _| requires(name, "Clock", 1));
                sample.memory.pool.capabilities = limits::CAPABILITIES_MAX + 1;
                sample.callees.clear();
            }),
            ("33 exports", |sample| {
                sample.exported = many(limits::EXPORTS_MAX + 1, |name, _| Exported {
                    name,
                    methods: 0,
                    ..sample.exported[0]
                });
                sample.entries.truncate(2);
            }),
            ("257 imports", |sample| slots(sample, limits::IMPORTS_MAX + 1)),
            ("65 parameters", |sample| {
                sample.parameters =
                    many(limits::PARAMETERS_MAX + 1, |name, _| Parameter { name, default: 0 });
            }),
        ],
    },
    Case {
        id: "SCI-C021",
        holds: |sample| {
            sample.required[0].name = long_name(255);
            sample.parameters = many(limits::PARAMETERS_MAX, |name, _| Parameter { name, default: 0 });
            slots(sample, limits::IMPORTS_MAX);
        },
        breaks: &[
            ("a capability without a name", |sample| sample.required[0].name = ""),
            ("two capabilities of one name", |sample| sample.required[1].name = "console"),
            ("a name too long", |sample| sample.required[0].name = long_name(256)),
            ("a name with a line end", |sample| sample.required[0].name = "a\nspace: ready"),
            ("two parameters of one name", |sample| sample.parameters[1].name = "limit"),
            ("an interface without a name", |sample| sample.exported[0].interface = ""),
            ("an import without a module", |sample| sample.imports[1].module = ""),
            ("a library function without a name", |sample| {
                *sample = Sample::library();
                sample.exports[0].item = "";
            }),
        ],
    },
    Case {
        id: "SCI-C022",
        holds: |sample| sample.required[0].methods = 0b101,
        breaks: &[("a method that is not declared", |sample| sample.required[0].methods = 0b010)],
    },
    Case {
        id: "SCI-C023",
        holds: |sample| sample.required[0].declared = 0b111,
        breaks: &[
            ("a fourth method of the console", |sample| sample.required[0].declared = 0b1001),
            ("an export of a second method of Clock", |sample| {
                let interface = sci::vocabulary::by_name("Clock").expect("it is in the vocabulary");
                sample.exported[0].interface = "Clock";
                sample.exported[0].hash = sci::vocabulary::interface_hash(interface);
            }),
        ],
    },
    Case {
        id: "SCI-C024",
        holds: |sample| sample.exported[0].hash = [0; 32],
        breaks: &[
            ("another hash of the console", |sample| sample.required[0].hash[31] ^= 1),
            ("an export that calls itself Clock", |sample| {
                sample.exported[0].interface = "Clock";
                sample.exported[0].methods = 1;
                sample.entries.remove(3);
            }),
        ],
    },
    Case {
        id: "SCI-C025",
        holds: |sample| sample.required.push(requires("store", "KeyValue", 1)),
        breaks: &[
            ("a clock by message", |sample| sample.required[1].message = true),
            ("a console without messages", |sample| {
                sample.required[0].message = false;
                sample.callees.clear();
            }),
        ],
    },
    Case {
        id: "SCI-C026",
        holds: |sample| sample.required[0].window_bytes = limits::WINDOW_BYTES_MAX,
        breaks: &[
            ("half a page", |sample| sample.required[0].window_bytes = 2048),
            ("a page above the limit", |sample| {
                sample.required[0].window_bytes = limits::WINDOW_BYTES_MAX + PAGE as u32;
            }),
            ("an export of a byte", |sample| sample.exported[0].window_bytes = 1),
        ],
    },
    Case {
        id: "SCI-C027",
        holds: |sample| sample.exported[0].capabilities = 0b11,
        breaks: &[
            ("the capability behind the last", |sample| sample.exported[0].capabilities = 0b100),
            ("the last bit", |sample| sample.exported[0].capabilities = 1 << 63),
        ],
    },
    Case {
        id: "SCI-C028",
        holds: |sample| {
            sample.exported[0].methods = 1 << 63;
            sample.entries.truncate(2);
            sample.entries.push(entry(EntryKind::Method(0, 63), "counter.last", 24));
            sample.entries.push(entry(EntryKind::Interrupt(63), "ticked", 24));
        },
        breaks: &[
            ("a method without an entry", |sample| {
                sample.entries.remove(3);
            }),
            ("an entry without a method", |sample| sample.exported[0].methods = 0b01),
            ("an entry of another method", |sample| sample.exported[0].methods = 0b101),
            ("an entry of no export", |sample| sample.entries[3].kind = EntryKind::Method(1, 0)),
            ("a method beyond the mask", |sample| sample.entries[3].kind = EntryKind::Method(0, 64)),
            ("an interrupt beyond the word", |sample| sample.entries[4].kind = EntryKind::Interrupt(64)),
        ],
    },
    Case {
        id: "SCI-C029",
        holds: |sample| sample.replay = Some(vec![(0, 0), (1, 0)]),
        breaks: &[
            ("a clock", |sample| sample.is_deterministic = true),
            ("a clock that is not logged", |sample| sample.replay = Some(vec![(0, 0)])),
            ("a log of a method that is not used", |sample| sample.replay = Some(vec![(0, 1), (1, 0)])),
            ("a log of no method", |sample| sample.replay = Some(vec![(1, 0), (1, 64)])),
            ("a log of no capability", |sample| sample.replay = Some(vec![(1, 0), (2, 0)])),
        ],
    },
    Case {
        id: "SCI-C030",
        holds: |sample| {
            sample.priority = Some(limits::PRIORITY_MAX);
            sample.required.push(requires("realms", "Realm", 1));
        },
        breaks: &[("root's priority", |sample| sample.priority = Some(limits::PRIORITY_MAX))],
    },
    Case {
        id: "SCI-C031",
        holds: |sample| sample.callees.clear(),
        breaks: &[
            ("a kernel object", |sample| sample.callees = vec![1]),
            ("the capability behind the last", |sample| sample.callees = vec![2]),
            ("a callee twice", |sample| sample.callees = vec![0, 0]),
        ],
    },
    Case {
        id: "SCI-C032",
        holds: |sample| sample.provenance.front_end = "hand",
        breaks: &[
            ("no compiler", |sample| sample.provenance.compiler = ""),
            ("an unknown front end", |sample| sample.provenance.front_end = "c"),
        ],
    },
    Case {
        id: "SCI-C033",
        holds: |_| {},
        breaks: &[
            ("no hashes", |sample| sample.hashes = Some(Vec::new())),
            ("a hash for bss", |sample| state_hashes(sample, |kind| kind as u32 <= 21)),
            ("no hash for debug", |sample| {
                state_hashes(sample, |kind| !matches!(kind, SectionKind::Bss | SectionKind::Debug));
            }),
            ("hashes out of order", |sample| {
                state_hashes(sample, |kind| kind != SectionKind::Bss);
                sample.hashes.as_mut().expect("they were stated").reverse();
            }),
        ],
    },
    Case {
        id: "SCI-C034",
        holds: |sample| *sample = Sample::library(),
        breaks: &[
            ("a library with an interface", |sample| {
                let mut exported = Sample::component().exported;
                exported.truncate(1);
                (exported[0].methods, exported[0].capabilities) = (0, 0);
                *sample = Sample::library();
                sample.exported = exported;
            }),
            ("a library without functions", |sample| {
                *sample = Sample::library();
                sample.exports.clear();
            }),
            ("a component with functions", |sample| sample.exports = Sample::library().exports),
            ("a guest with a clock", |sample| {
                *sample = Sample::guest();
                sample.required.push(requires("clock", "Clock", 1));
            }),
        ],
    },
    Case {
        id: "SCI-C035",
        holds: |sample| {
            *sample = Sample::library();
            sample.exports[1].offset = TEXT + 63;
        },
        breaks: &[
            ("functions out of order", |sample| {
                *sample = Sample::library();
                sample.exports.reverse();
            }),
            ("a function twice", |sample| {
                *sample = Sample::library();
                sample.exports[1] = sample.exports[0];
            }),
            ("a function in data", |sample| {
                *sample = Sample::library();
                sample.exports[1].offset = DATA;
            }),
        ],
    },
    Case {
        id: "SCI-C036",
        holds: |sample| {
            sample.memory.pool.threads = limits::REALM_THREADS_MAX;
            sample.memory.pool.capabilities = limits::REALM_CAPABILITY_SLOTS_MAX;
            sample.memory.pool.mappings = limits::REALM_MAPPINGS_MAX;
        },
        breaks: &[
            ("no thread", |sample| sample.memory.pool.threads = 0),
            ("17 threads", |sample| sample.memory.pool.threads = limits::REALM_THREADS_MAX + 1),
            ("no room for the capabilities", |sample| sample.memory.pool.capabilities = 1),
            ("too many slots", |sample| {
                sample.memory.pool.capabilities = limits::REALM_CAPABILITY_SLOTS_MAX + 1;
            }),
            ("too many mappings", |sample| sample.memory.pool.mappings = limits::REALM_MAPPINGS_MAX + 1),
        ],
    },
    Case {
        id: "SCI-C037",
        holds: |sample| {
            sample.section(SectionKind::Bss).memory_bytes = 101;
            sample.memory.state_bytes = 117;
        },
        breaks: &[
            ("less than there is", |sample| sample.memory.state_bytes = 100),
            ("more than there is", |sample| sample.memory.state_bytes = 117),
        ],
    },
    Case { id: "SCI-C038", holds: |_| {}, breaks: &[("dense form", |sample| sample.form = 1)] },
];

/// A name of so many bytes.
fn long_name(bytes: usize) -> &'static str {
    "n".repeat(bytes).leak()
}

/// So many elements, each with a name of its own.
fn many<T>(count: u32, make: impl Fn(&'static str, u32) -> T) -> Vec<T> {
    (0..count).map(|number| make(format!("n{number}").leak(), number)).collect()
}

/// Moves every loaded section down for a stack of so many bytes, with all that points at them.
fn move_down(sample: &mut Sample, stack_bytes: u64) {
    let distance = stack_bytes - crate::sample::STACK;
    sample.without_words();
    for section in sample.sections.iter_mut().filter(|section| section.kind.is_loaded()) {
        section.memory_offset -= distance;
    }
    for entry in &mut sample.entries {
        entry.offset -= distance;
    }
}

/// So many slots, each its own word of a relro that holds nothing else.
fn slots(sample: &mut Sample, count: u32) {
    sample.without_words();
    sample.imports = (0..u64::from(count)).map(|at| import("cap_drop", RELRO + 8 * at)).collect();
    let mut relro = Sample::component().section(SectionKind::Relro).clone();
    relro.bytes = vec![0; 8 * count as usize];
    relro.memory_bytes = u64::from(8 * count);
    sample.sections.insert(2, relro);
    sample.memory.pool.mappings = 0;
}

fn word(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

/// Lets the relocated word in data hold an offset.
fn point(sample: &mut Sample, target: u64) {
    sample.section(SectionKind::Data).bytes[8..].copy_from_slice(&word(target));
}

/// States the hashes of the sections of these kinds.
fn state_hashes(sample: &mut Sample, wanted: impl Fn(SectionKind) -> bool) {
    let chosen = sample.sections.iter().filter(|section| wanted(section.kind));
    let hash = |bytes: &[u8]| sci::digest::sha256(bytes);
    sample.hashes =
        Some(chosen.map(|one| SectionHash { kind: one.kind as u32, sha256: hash(&one.bytes) }).collect());
}

fn changed(change: Change) -> Vec<u8> {
    let mut sample = Sample::component();
    change(&mut sample);
    sample.bytes()
}

#[test]
fn every_rule_has_a_case_in_order() {
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    let cases: Vec<&str> = CASES.iter().map(|case| case.id).collect();
    assert_eq!(ids, cases);
    assert!(RULES.len() >= 30, "the format promises at least 30 rules");
    let numbered = RULES.iter().enumerate().all(|(at, rule)| rule.id == format!("SCI-C{:03}", at + 1));
    assert!(numbered, "ids are numbers without gaps");
}

#[test]
fn every_rule_holds_for_its_passing_image() {
    for case in CASES {
        let bytes = changed(case.holds);
        assert_eq!(Image::verify(&bytes).err(), None, "{}", case.id);
    }
}

#[test]
fn every_rule_refuses_its_failing_images() {
    for (index, case) in CASES.iter().enumerate() {
        for (name, change) in case.breaks {
            let error = Image::verify(&changed(*change)).err();
            let found = error.map(|error| error.kind);
            assert_eq!(found, Some(ErrorKind::Contract(index as u8)), "{} {name}", case.id);
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(text.starts_with(case.id), "{} {name}: {text}", case.id);
        }
    }
}

/// A rule counts only if leaving its check out lets one of its failing images through.
#[test]
fn every_rule_is_load_bearing() {
    for (index, case) in CASES.iter().enumerate() {
        let passes = case.breaks.iter().any(|(_, change)| {
            let bytes = changed(*change);
            Image::verify_without(&bytes, Some(index)).is_ok()
        });
        assert!(passes, "{}: other rules refuse all its failing images", case.id);
    }
}

/// No rule depends on another having held: each answers for every hostile image, without a panic.
#[test]
fn every_rule_stands_alone() {
    for (index, case) in CASES.iter().enumerate() {
        for (name, change) in case.breaks {
            let bytes = changed(*change);
            let image = Image::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let held = (0..RULES.len()).filter(|rule| image.check_rule(*rule).is_ok()).count();
            assert!(held < RULES.len(), "{name} breaks rule {index}");
        }
    }
}

/// Rules that look at each relocation.
const RELOCATION_RULES: [&str; 3] = ["text-not-writable", "relocations-aligned", "relocations-inside"];

/// The rules that look at relocations find in parts what they find at once, wherever it lies.
#[test]
fn rules_hold_in_parts_as_they_hold_at_once() {
    let in_parts = |image: &Image<'_>, rule: usize| {
        let mut part = 0;
        loop {
            match image.check_rule_part(rule, part) {
                Ok(true) => return Ok(()),
                Ok(false) => part += 1,
                Err(error) => return Err(error),
            }
        }
    };
    let mut relocated: Vec<u64> = (0..200).map(|at| DATA + 8 * at).collect();
    let mut orders = vec![relocated.clone()];
    for at in [0, 62, 63, 64, 65, 126, 127, 128, 198] {
        relocated.swap(at, at + 1);
        orders.push(relocated.clone());
        relocated.swap(at, at + 1);
        let mut outside = relocated.clone();
        outside[at] = 0;
        orders.push(outside);
    }
    for (number, order) in orders.iter().enumerate() {
        let mut sample = Sample::component();
        let data = sample.section(SectionKind::Data);
        data.bytes = (0..200).flat_map(|_| word(DATA)).collect();
        data.memory_bytes = data.bytes.len() as u64;
        sample.relocate(order);
        let bytes = sample.bytes();
        let image = Image::read(&bytes).expect("it has the form of an image");
        let mut refused = false;
        for (index, rule) in RULES.iter().enumerate() {
            let found = in_parts(&image, index);
            assert_eq!(found, image.check_rule(index), "{number} {}", rule.id);
            refused |= RELOCATION_RULES.contains(&rule.name) && found.is_err();
        }
        assert_eq!(refused, number > 0, "{number}");
    }
}
