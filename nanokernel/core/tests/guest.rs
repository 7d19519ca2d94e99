//! Guests: bound to the library that serves them, with linear memories that grow within their realm's quota.

#[allow(dead_code, reason = "each test file has its own copy of this module")]
mod model;

use model::{DATA, LIBRARY_TEXT, LINKAGE_TABLE, System, root};
use nanokernel_core::{Hal, Owner, Rights};
use sci::guest::WAYS_IN;
use sci::layout::{
    INSTANCE_PAGE, KERNEL_SLAB_BASE, LIBRARY_SLAB, LINKAGE, PAGE, STACK_TOP, instance, linear_memory,
};
use sci::linkage::PAGE_BYTES;
use sci::status::{Fault, Status};
use sci::syscall::{memory_kind, number as call, realm_operation, thread_operation};

const FRAMES: u64 = 4096;
const LIBRARY: u64 = 2;
const GUEST: u64 = 3;
/// Where the guest's text lies, and its slots.
const TEXT: u64 = DATA - PAGE;
const SLOTS: u64 = TEXT - PAGE;
const MEMORY: u64 = KERNEL_SLAB_BASE + linear_memory(0);

/// A guest that runs, with a quota of so many pages; its handle and realm.
fn running(quota: u64) -> (System, u64, u16) {
    let mut system = System::boot(FRAMES);
    let (child, realm) = system.child_of(GUEST, 1, 16);
    let memory = system.handle(root::MEMORY);
    let grant = [child, realm_operation::GRANT, 0, memory, u64::MAX];
    system.must(call::realm_control, grant);
    system.must(call::realm_control, [child, realm_operation::QUOTA, quota, 0, 0]);
    system.must(call::realm_control, [child, realm_operation::START, 0, 0, 0]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, realm);
    (system, child, realm)
}

fn word(system: &System, realm: u16, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    let space = system.kernel.thread(realm).space;
    system.hal.user_read(space, address, &mut bytes).then(|| u64::from_le_bytes(bytes))
}

fn block(system: &System, realm: u16, offset: u64) -> u64 {
    word(system, realm, KERNEL_SLAB_BASE + INSTANCE_PAGE + offset).expect("the instance block is mapped")
}

fn append(system: &mut System, memory: u64, bytes: u64) -> (u64, u64) {
    let handle = system.handle(0);
    system.call(call::mem_create, [handle, bytes, memory_kind::LINEAR + memory, 0, 0])
}

#[test]
fn a_guest_starts_in_its_library_and_is_bound_to_it_alone() {
    let (system, _, realm) = running(0);
    assert_eq!(system.kernel.thread(realm).registers.instruction, LIBRARY_TEXT + 16);
    assert_eq!(system.kernel.thread(realm).registers.stack, KERNEL_SLAB_BASE + STACK_TOP - 8);
    assert_eq!(word(&system, realm, SLOTS), Some(LIBRARY_TEXT + 32));
    // What a module calls `kernel` is the library's, or nothing: never the gate.
    assert_eq!(word(&system, realm, SLOTS + 8), Some(LIBRARY_TEXT));
    let gate = word(&system, realm, SLOTS + LIBRARY_SLAB).expect("the library's slots are mapped");
    assert_eq!(gate, KERNEL_SLAB_BASE + sci::layout::GATE_PAGE);
    assert!(word(&system, realm, DATA + LIBRARY_SLAB).is_some(), "the library has state in its user's realm");
}

#[test]
fn the_instance_block_describes_the_guest() {
    let (system, _, realm) = running(0);
    let entry = |index: u64, field| {
        block(&system, realm, instance::MEMORIES + instance::MEMORY_BYTES * index + field)
    };
    assert_eq!(entry(0, instance::MEMORY_BASE), MEMORY);
    assert_eq!(entry(0, instance::MEMORY_LENGTH), PAGE_BYTES);
    assert_eq!(entry(0, instance::MEMORY_MAXIMUM), 3 * PAGE_BYTES);
    assert_eq!(entry(5, instance::MEMORY_BASE), KERNEL_SLAB_BASE + linear_memory(5));
    assert_eq!(entry(5, instance::MEMORY_LENGTH), 0);
    let ways: Vec<u64> =
        (0..WAYS_IN.len() as u64).map(|at| block(&system, realm, instance::WAYS_IN + 8 * at)).collect();
    assert_eq!(ways, [TEXT + 24, 0, 0, TEXT + 8, 0, 0, 0]);
    assert_eq!(block(&system, realm, instance::LINKAGE_BYTES), LINKAGE_TABLE.len() as u64);
    let page = system.hal.page(system.kernel.thread(realm).space, KERNEL_SLAB_BASE + LINKAGE);
    let page = page.expect("the linkage table is mapped");
    assert_eq!((page.rights, page.owner), (Rights::Read, Owner::Other));
}

#[test]
fn linear_memory_begins_with_its_content_and_ends_where_it_ends() {
    let (system, _, realm) = running(0);
    let sevens = u64::from_le_bytes([7; 8]);
    assert_eq!(word(&system, realm, MEMORY), Some(sevens));
    assert_eq!(word(&system, realm, MEMORY + PAGE), Some(7));
    assert_eq!(word(&system, realm, MEMORY + PAGE_BYTES - 8), Some(0));
    assert_eq!(word(&system, realm, MEMORY + PAGE_BYTES), None);
}

#[test]
fn memories_grow_within_the_quota() {
    let (mut system, _, realm) = running(48);
    assert_eq!(append(&mut system, 0, 2 * PAGE_BYTES), (0, PAGE_BYTES));
    assert_eq!(append(&mut system, 0, 0), (0, 3 * PAGE_BYTES));
    assert_eq!(word(&system, realm, MEMORY + 3 * PAGE_BYTES - 8), Some(0));
    assert_eq!(append(&mut system, 7, PAGE_BYTES), (0, 0));
    assert_eq!(word(&system, realm, KERNEL_SLAB_BASE + linear_memory(7)), Some(0));
    assert_eq!(append(&mut system, 0, PAGE_BYTES).0, Status::Quota.number());
    assert_eq!(word(&system, realm, MEMORY + 3 * PAGE_BYTES), None);
}

#[test]
fn what_is_too_much_leaves_nothing_mapped() {
    let (mut system, _, realm) = running(100);
    let free = system.hal.frames_free();
    // Several steps each way: 1,600 pages are wanted, 100 are there.
    assert_eq!(append(&mut system, 0, 100 * PAGE_BYTES).0, Status::Quota.number());
    assert!((0..110).all(|page| word(&system, realm, MEMORY + PAGE_BYTES + page * PAGE).is_none()));
    assert!(free - system.hal.frames_free() <= 2, "only page tables stay");
    assert_eq!(append(&mut system, 0, 6 * PAGE_BYTES), (0, PAGE_BYTES));
}

#[test]
fn frames_that_run_out_are_a_quota_too() {
    let (mut system, _, _) = running(u64::from(u32::MAX));
    let free = system.hal.frames_free();
    assert_eq!(append(&mut system, 0, 65_535 * PAGE_BYTES).0, Status::Quota.number());
    assert!(free - system.hal.frames_free() <= 16, "only page tables stay");
}

#[test]
fn wrong_arguments_are_refused() {
    let (mut system, _, _) = running(u64::from(u32::MAX));
    for (memory, bytes) in [
        (0, 1),
        (0, PAGE),
        (64, PAGE_BYTES),
        (u64::MAX - 1, PAGE_BYTES),
        (0, 65_536 * PAGE_BYTES),
        (0, u64::MAX << 16),
    ] {
        assert_eq!(append(&mut system, memory, bytes).0, Status::Argument.number(), "{memory} {bytes:#x}");
    }
}

#[test]
fn appending_needs_the_capability_and_a_guest() {
    let (mut system, _, realm) = running(100);
    system.call(call::mem_create, [0xdead, PAGE_BYTES, memory_kind::LINEAR, 0, 0]);
    assert!(system.hal.printed.contains("fault=forged-handle"), "{}", system.hal.printed);
    assert_ne!(system.kernel.current, realm);
    // Root is no guest.
    let memory = system.handle(root::MEMORY);
    let refused = system.call(call::mem_create, [memory, PAGE_BYTES, memory_kind::LINEAR, 0, 0]);
    assert_eq!(refused.0, Status::Argument.number());
}

#[test]
fn a_reset_gives_the_quota_and_the_content_back() {
    let (mut system, child, realm) = running(32);
    assert_eq!(append(&mut system, 0, 2 * PAGE_BYTES).0, 0);
    system.call(call::thread_control, [0, thread_operation::EXIT, 0, 0, 0]);
    system.must(call::realm_control, [child, realm_operation::RESET, 0, 0, 0]);
    assert_eq!(block(&system, realm, instance::MEMORIES + instance::MEMORY_LENGTH), PAGE_BYTES);
    assert_eq!(word(&system, realm, MEMORY + PAGE_BYTES), None);
    system.must(call::realm_control, [child, realm_operation::START, 0, 0, 0]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, realm);
    assert_eq!(append(&mut system, 0, 2 * PAGE_BYTES), (0, PAGE_BYTES));
}

#[test]
fn killing_a_guest_returns_every_frame() {
    let mut system = System::boot(FRAMES);
    // The first one leaves its images admitted.
    let (child, _) = system.child_of(GUEST, 1, 16);
    system.must(call::realm_control, [child, realm_operation::KILL, 0, 0, 0]);
    system.must(call::cap_drop, [child, 0, 0, 0, 0]);
    let free = system.hal.frames_free();
    let (child, realm) = system.child_of(GUEST, 1, 16);
    let memory = system.handle(root::MEMORY);
    system.must(call::realm_control, [child, realm_operation::GRANT, 0, memory, u64::MAX]);
    system.must(call::realm_control, [child, realm_operation::QUOTA, 1000, 0, 0]);
    system.must(call::realm_control, [child, realm_operation::START, 0, 0, 0]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, realm);
    assert_eq!(append(&mut system, 3, 20 * PAGE_BYTES).0, 0);
    system.call(call::thread_control, [0, thread_operation::EXIT, 0, 0, 0]);
    system.must(call::realm_control, [child, realm_operation::KILL, 0, 0, 0]);
    system.must(call::cap_drop, [child, 0, 0, 0, 0]);
    assert_eq!(system.hal.frames_free(), free);
}

#[test]
fn a_guest_without_a_provider_is_not_admitted() {
    for (image, why) in [
        (4, "refused image=stray reason=it cannot be started"),
        (5, "refused image=other reason=nothing provides sys.log"),
        (6, "refused image=wild reason=nothing provides a.b"),
    ] {
        let mut system = System::boot(FRAMES);
        let authority = system.handle(root::IMAGE);
        let (status, _) = system.call(call::image_admit, [authority, image, 0, 0, 0]);
        assert_eq!(status, Status::Refused.number());
        assert!(system.hal.printed.contains(why), "{}", system.hal.printed);
    }
}

#[test]
fn a_library_is_admitted_and_is_no_realm() {
    let mut system = System::boot(FRAMES);
    let images = system.handle(root::IMAGE);
    let program = system.must(call::image_admit, [images, LIBRARY, 0, 0, 0]);
    let realms = system.handle(root::REALM);
    let (status, _) = system.call(call::realm_create, [realms, program, 1, 16, 0]);
    assert_eq!(status, Status::Argument.number());
}

#[test]
fn a_fault_in_the_library_is_told_apart_by_its_offset() {
    let (mut system, _, _) = running(0);
    let current = system.kernel.current;
    system.kernel.threads.at_mut(usize::from(current)).registers.instruction = LIBRARY_TEXT + 3;
    system.kernel.trap(&mut system.hal, Fault::Exception, 0, 0);
    let offset = format!("offset={:#x}", LIBRARY_TEXT + 3 - KERNEL_SLAB_BASE);
    assert!(system.hal.printed.contains(&offset), "{}", system.hal.printed);
}
