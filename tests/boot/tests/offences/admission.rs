//! Refused before a single instruction ran, each by its rule.

use nanokernel_core::exit::Exit;
use sci::error::ErrorKind;
use sci::header::field;
use sci::image::Image;
use sci::layout::PAGE;
use sci::section::SectionKind;
use sci::sign;
use tests_boot::raw::{BSS, DATA, RELRO, Raw, TEXT};
use tests_boot::run::{Outcome, boot};
use tests_boot::system::{OFFENDER, SEED, System, memory, place, replace};

/// An offender that would say so if it ran.
fn raw() -> Raw {
    Raw::new("refused", &[0x0f, 0x0b])
}

/// The contract rule of a name, as the kernel prints it.
fn rule(name: &str) -> String {
    let rules = sci::contract::RULES;
    let index = rules.iter().position(|rule| rule.name == name).expect("a rule of this name");
    format!("{} {name} (at offset", rules[index].id)
}

/// Asserts that the kernel refused the image for `reason` and that root then did not run the system in part.
#[track_caller]
fn refused(module: &[u8], image: &str, reason: &str) {
    let outcome = boot(module);
    outcome.says(&format!("space: refused image={image} reason={reason}"));
    outcome.says("cannot be made").exits(Exit::Root(2));
    nothing_ran(&outcome);
}

#[track_caller]
fn nothing_ran(outcome: &Outcome) {
    assert!(outcome.faults.is_empty(), "nothing ran: {}", outcome.console);
    assert!(!outcome.console.contains("peer 0"), "nothing ran: {}", outcome.console);
}

/// A system with a sound image in the offender's place, and that image's number.
fn sound(raw: &Raw) -> (System, u32) {
    let mut system = System::with_peer();
    let image = system.image(raw);
    system.instance(raw, image, OFFENDER);
    (system, image)
}

/// A system whose offender is `lie` of the bytes of a sound image, by whoever has the key.
#[track_caller]
fn lying(lie: impl FnOnce(&mut Vec<u8>), reason: &str) {
    let (system, image) = sound(&raw());
    let mut module = system.module();
    let mut bytes = system.images[image as usize].bytes.clone();
    lie(&mut bytes);
    replace(&mut module, image, &bytes);
    refused(&module, "refused", reason);
}

/// A system whose offender is an image that breaks a rule, in the place of a sound one of the same length: the key's
/// holder signed it nevertheless.
#[track_caller]
fn breaking(sound_one: &Raw, lie: &Raw, reason: &str) {
    let (system, image) = sound(sound_one);
    let mut module = system.module();
    replace(&mut module, image, &lie.build());
    refused(&module, "refused", reason);
}

/// The systems of this file are refused for what was changed, and for nothing else.
#[test]
fn sound_images_are_admitted() {
    for raw in [raw(), relocated(RELRO + 8), bound("kernel", "cap_query", RELRO + 16)] {
        let (system, _) = sound(&raw);
        boot(&system.module()).peer_finished().exits(Exit::Root(1));
    }
}

/// However many words an image has to be relocated, the kernel does a bounded part of them at a time.
#[test]
fn many_relocations_are_done_in_parts() {
    const WORDS: u64 = 1 << 17;
    let at = TEXT - WORDS * 8;
    let data = (at, TEXT.to_le_bytes().repeat(WORDS as usize));
    let relocations = (at..TEXT).step_by(8).map(|offset| u32::try_from(offset).expect("offsets are small"));
    let (system, _) = sound(&Raw { data, relocations: relocations.collect(), ..raw() });
    boot(&system.module()).peer_finished().exits(Exit::Root(1));
}

/// An image with a relocation.
fn relocated(offset: u64) -> Raw {
    Raw { relocations: vec![u32::try_from(offset).expect("offsets are small")], ..raw() }
}

/// An image with a slot.
fn bound(module: &'static str, item: &'static str, offset: u64) -> Raw {
    Raw { slots: vec![(module, item, offset)], ..raw() }
}

/// Changes one byte of each section that has any, one after the other.
fn each_section(system: &System, image: u32, name: &str, kinds: &[SectionKind]) {
    let bytes = &system.images[image as usize].bytes;
    let sections: Vec<_> = Image::verify(bytes).expect("it verifies").sections().collect();
    for kind in kinds {
        let section = sections.iter().find(|section| section.kind == *kind);
        let section = section.unwrap_or_else(|| panic!("{name} has the section {}", kind.name()));
        let mut module = system.module();
        let (start, _) = place(&module, image);
        // The last byte: no table's count stands there.
        module[start + section.file_offset as usize + section.file_bytes as usize - 1] ^= 1;
        let outcome = boot(&module);
        let line = format!("space: refused image={name} reason={}", ErrorKind::Hash);
        assert!(outcome.console.contains(&line), "{}: {}", kind.name(), outcome.console);
        nothing_ran(&outcome);
        outcome.exits(Exit::Root(2));
    }
}

#[test]
fn every_section_of_a_compiled_image_changed_after_signing() {
    use SectionKind::{Rodata, SourceMap, Sources, Symbols, Text, Traps};
    let (system, _) = sound(&raw());
    let peer = system.images.iter().position(|image| image.name == "peer").expect("the peer is there") as u32;
    each_section(&system, peer, "peer", &[Text, Rodata, Traps, Symbols, SourceMap, Sources]);
}

#[test]
fn every_section_of_a_raw_image_changed_after_signing() {
    use SectionKind::{Data, Relro, Text};
    let (system, image) = sound(&relocated(RELRO + 8));
    each_section(&system, image, "refused", &[Text, Relro, Data]);
}

#[test]
fn relocations_changed_after_signing() {
    let (system, image) = sound(&relocated(RELRO + 8));
    let bytes = &system.images[image as usize].bytes;
    let section = Image::verify(bytes).expect("it verifies").section(SectionKind::Relocations);
    let mut module = system.module();
    let at = place(&module, image).0 + section.expect("it has relocations").file_offset as usize;
    // Another word that holds an offset within the image: every contract rule still holds.
    module[at..at + 4].copy_from_slice(&(RELRO as u32 + 24).to_le_bytes());
    refused(&module, "refused", &ErrorKind::Hash.to_string());
}

#[test]
fn the_head_changed_after_signing() {
    let (system, image) = sound(&raw());
    let mut module = system.module();
    let (start, size) = place(&module, image);
    let name =
        module[start..start + size].windows(7).position(|bytes| bytes == b"refused").expect("its name");
    module[start + name] = b'R';
    refused(&module, "refused", &ErrorKind::Digest.to_string());
}

#[test]
fn wrong_machine() {
    lying(|bytes| bytes[field::MACHINE as usize] = 2, &ErrorKind::Machine.to_string());
}

#[test]
fn unknown_cpu_feature() {
    lying(|bytes| bytes[field::FEATURES as usize] = 1, &ErrorKind::Machine.to_string());
}

#[test]
fn unknown_version() {
    lying(|bytes| bytes[field::VERSION as usize] = 2, &ErrorKind::Version.to_string());
}

#[test]
fn reserved_byte() {
    lying(|bytes| bytes[field::RESERVED as usize] = 1, &ErrorKind::Reserved.to_string());
}

#[test]
fn a_file_longer_than_it_says() {
    lying(
        |bytes| {
            let total = (bytes.len() as u64 - PAGE).to_le_bytes();
            bytes[field::TOTAL as usize..field::TOTAL as usize + 8].copy_from_slice(&total);
        },
        "",
    );
}

#[test]
fn relocation_in_text() {
    breaking(&relocated(RELRO + 8), &relocated(TEXT), &rule("text-not-writable"));
}

#[test]
fn slot_in_text() {
    let sound = bound("kernel", "cap_query", RELRO + 16);
    breaking(&sound, &bound("kernel", "cap_query", TEXT), &rule("text-not-writable"));
}

#[test]
fn slot_in_data() {
    let sound = bound("kernel", "cap_query", RELRO + 16);
    breaking(&sound, &bound("kernel", "cap_query", DATA), &rule("slots-in-relro"));
}

#[test]
fn sections_overlap() {
    breaking(&raw(), &Raw { bss: TEXT, ..raw() }, &rule("sections-disjoint"));
}

#[test]
fn sections_in_the_stack() {
    let lie = Raw { bss: BSS + 2 * PAGE, ..raw() };
    breaking(&raw(), &lie, &rule("inside-slab"));
}

#[test]
fn sections_over_the_gate() {
    let lie = Raw { bss: sci::layout::GATE_PAGE, ..raw() };
    breaking(&raw(), &lie, &rule("inside-slab"));
}

#[test]
fn unknown_kernel_function() {
    let sound = bound("kernel", "cap_query", RELRO + 16);
    breaking(&sound, &bound("kernel", "cap_steal", RELRO + 16), &rule("kernel-imports-known"));
}

#[test]
fn missing_provider() {
    let (system, _) = sound(&bound("library", "sort", RELRO + 16));
    refused(&system.module(), "refused", "nothing provides library.sort");
}

#[test]
fn bundle_without_signature() {
    let (system, _) = sound(&raw());
    let outcome = boot(&system.module_of(None, &[SEED]));
    outcome.says(&format!("space: refused bundle: {}", ErrorKind::Unsigned)).exits(Exit::BundleRefused);
    nothing_ran(&outcome);
}

#[test]
fn bundle_by_a_key_that_is_not_trusted() {
    let (system, _) = sound(&raw());
    let outcome = boot(&system.module_of(Some(&[8; 32]), &[SEED]));
    outcome.says(&format!("space: refused bundle: {}", ErrorKind::Untrusted)).exits(Exit::BundleRefused);
    nothing_ran(&outcome);
}

#[test]
fn bundle_that_names_a_key_which_did_not_sign_it() {
    let (system, _) = sound(&raw());
    let mut module = system.module_of(Some(&[8; 32]), &[SEED]);
    let wrong = sign::public_key(&[8; 32]);
    let at = module.windows(32).position(|bytes| *bytes == wrong).expect("the envelope names its key");
    module[at..at + 32].copy_from_slice(&sign::public_key(&SEED));
    let outcome = boot(&module);
    outcome.says(&format!("space: refused bundle: {}", ErrorKind::Signature)).exits(Exit::BundleRefused);
    nothing_ran(&outcome);
}

#[test]
fn bundle_by_a_development_key_under_a_release_policy() {
    let (system, _) = sound(&raw());
    let mut module = system.module();
    module[sci::bundle::policy::FLAGS as usize] = 0;
    let outcome = boot(&module);
    outcome.says(&format!("space: refused bundle: {}", ErrorKind::DevelopmentKey)).exits(Exit::BundleRefused);
    nothing_ran(&outcome);
}

#[test]
fn system_graph_changed_after_signing() {
    let (system, _) = sound(&raw());
    let mut module = system.module();
    let name = module.windows(4).position(|bytes| bytes == b"peer").expect("the names hold the peer's");
    module[name] = b'P';
    let outcome = boot(&module);
    outcome.says(&format!("space: refused bundle: {}", ErrorKind::Signature)).exits(Exit::BundleRefused);
    nothing_ran(&outcome);
}

#[test]
fn root_changed_after_signing() {
    let (system, _) = sound(&raw());
    let mut module = system.module();
    let (start, _) = place(&module, 0);
    let root = Image::verify(&system.images[0].bytes).expect("root verifies");
    let text = root.section(SectionKind::Text).expect("root has text");
    module[start + text.file_offset as usize] ^= 1;
    let outcome = boot(&module);
    outcome.says(&ErrorKind::Hash.to_string()).exits(Exit::RootRefused);
    nothing_ran(&outcome);
}

#[test]
fn an_empty_module() {
    let outcome = boot(&[]);
    outcome.says(&format!("space: refused bundle: {}", ErrorKind::Truncated)).exits(Exit::BundleRefused);
}

/// Root holds `Memory(create)` in one slot: it cannot hand on `view` with it.
#[test]
fn more_authority_than_the_launcher_holds() {
    let mut system = System::with_peer();
    let greedy = Raw::new("greedy", &[0x0f, 0x0b]).requires("Memory", 3);
    let instance = system.add(&greedy, OFFENDER);
    system.grant(instance, memory(1, 3));
    let outcome = boot(&system.module());
    outcome.says("cannot be connected").exits(Exit::Root(2));
    nothing_ran(&outcome);
}

/// A grant gives no more than the manifest asks for, whatever the graph says.
#[test]
fn a_grant_beyond_the_manifest_is_cut_to_it() {
    // cap_query on capability 1: the exit code is its mask.
    let code = [
        0x48, 0x8b, 0x7f, 0x60, // mov rdi, [rdi + 96]
        0x48, 0xb8, 0x80, 0xd4, 0xff, 0x3f, 0x01, 0, 0, 0, // mov rax, gate + 9 * 128
        0xff, 0xd0, // call rax
        0x31, 0xff, 0x31, 0xf6, // xor edi, edi; xor esi, esi
        0x48, 0xb8, 0x00, 0xd9, 0xff, 0x3f, 0x01, 0, 0, 0, // mov rax, gate + 18 * 128
        0xff, 0xd0, // call rax
    ];
    let mut system = System::with_peer();
    let modest = Raw::new("modest", &code).requires("Memory", 2);
    let instance = system.add(&modest, OFFENDER);
    system.grant(instance, memory(1, 3));
    let outcome = boot(&system.module());
    assert_eq!(outcome.only("modest").detail & 0xff, 2, "{}", outcome.console);
    outcome.peer_finished().exits(Exit::Root(1));
}
