//! Address spaces: what is mapped how, growing, resetting, pools.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]

mod common;

use std::sync::Arc;

use common::{
    BSS, CONTENT, DATA, DATA_BYTES, Guest, STACK_BYTES, STACK_LOW, TEXT, WASM_PAGE, mappings, mappings_in,
    parts, returned,
};
use sci::layout::{INSTANCE_PAGE, LINEAR_MEMORY, PAGE, SLAB_IMAGE_SPAN, STACK_TOP, START_PAGE, instance};
use space_host::machine::{
    Activation, GrowError, Imports, Outcome, PartsError, Placed, Pool, Program, ProgramError, Reservation,
    Slab, Worker,
};

/// Everything that a guest can write.
fn state(slab: &Slab) -> Vec<u8> {
    let mut state = Vec::new();
    let ranges = [
        (DATA, 4 * PAGE),
        (STACK_LOW, STACK_TOP - STACK_LOW),
        (INSTANCE_PAGE, SLAB_IMAGE_SPAN - INSTANCE_PAGE),
        (LINEAR_MEMORY, slab.memory_bytes()),
    ];
    for (offset, bytes) in ranges {
        let mut part = vec![0; bytes as usize];
        slab.read(offset, &mut part).unwrap();
        state.extend(part);
    }
    state
}

#[test]
fn nothing_is_writable_and_executable() {
    let guest = Guest::new();
    let slab = Slab::new(&guest.program).unwrap();
    let base = slab.base();
    let lines = mappings_in(base..base + LINEAR_MEMORY + (8 << 30) + WASM_PAGE);
    let access = |line: &String| line.split_whitespace().nth(1).unwrap().to_owned();
    let all: Vec<_> = lines.iter().map(access).collect();
    let wanted = ["r-xp", "---p", "rw-p", "---p", "rw-p", "rw-p", "---p"].map(str::to_owned);
    assert_eq!(all, wanted, "{lines:#?}");
    let everywhere = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(everywhere.lines().all(|line| !line.contains("wx")), "{everywhere}");
    // The next mapping lies behind the guard.
    assert!(mappings_in(base + LINEAR_MEMORY + 4 * WASM_PAGE..base + LINEAR_MEMORY + (8 << 30)).is_empty());
}

#[test]
fn a_slab_begins_with_its_image() {
    let guest = Guest::new();
    let slab = Slab::new(&guest.program).unwrap();
    let mut data = [0; DATA_BYTES];
    slab.read(DATA, &mut data).unwrap();
    assert!(data.iter().enumerate().all(|(at, byte)| *byte == at as u8));
    let mut content = [0; CONTENT.len() + 1];
    slab.read(LINEAR_MEMORY, &mut content).unwrap();
    assert_eq!(content.split_last(), Some((&0, CONTENT)));
    let mut entry = [0; 24];
    slab.read(INSTANCE_PAGE + instance::MEMORIES, &mut entry).unwrap();
    let words: Vec<_> = entry.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
    assert_eq!(words, [slab.base() + LINEAR_MEMORY, 2 * WASM_PAGE, 4 * WASM_PAGE]);
    let mut text = [0; 4];
    assert!(slab.read(TEXT, &mut text).is_ok());
    for (offset, bytes) in [(TEXT, 1), (STACK_LOW - 1, 1), (SLAB_IMAGE_SPAN, 1), (u64::MAX, 2), (0, 1)] {
        assert!(slab.write(offset, &vec![0; bytes]).is_err(), "{offset:#x}");
    }
    assert!(slab.write(LINEAR_MEMORY + 2 * WASM_PAGE - 1, &[1]).is_ok());
    assert!(slab.write(LINEAR_MEMORY + 2 * WASM_PAGE - 1, &[1, 2]).is_err());
}

#[test]
fn a_memory_grows_in_place_to_its_maximum() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(Imports::new());
    let slab = activation.slab();
    let beyond = [2 * WASM_PAGE, 77];
    assert!(matches!(guest.call(&activation, "store", &beyond), Outcome::Trapped(_)));
    assert!(matches!(slab.grow_memory(WASM_PAGE), Err(GrowError::NotPages)));
    assert!(matches!(slab.grow_memory(3 * WASM_PAGE + 1), Err(GrowError::NotPages)));
    assert!(matches!(slab.grow_memory(5 * WASM_PAGE), Err(GrowError::BeyondMaximum)));
    slab.grow_memory(3 * WASM_PAGE).unwrap();
    assert_eq!(returned(guest.call(&activation, "store", &beyond)), 77);
    assert_eq!(returned(guest.call(&activation, "load", &beyond)), 77);
    assert_eq!(returned(guest.call(&activation, "memory_bytes", &[])), 3 * WASM_PAGE);
    slab.grow_memory(4 * WASM_PAGE).unwrap();
    assert_eq!(returned(guest.call(&activation, "load", &beyond)), 77);
    assert!(matches!(guest.call(&activation, "load", &[4 * WASM_PAGE]), Outcome::Trapped(_)));
}

#[test]
fn a_reset_restores_everything() {
    let _worker = Worker::new().unwrap();
    for (initial, grown) in [(2, 4), (1, 1), (0x20, 0x21)] {
        let guest = Guest::with_memory(initial * WASM_PAGE, grown * WASM_PAGE);
        let mut activation = guest.activation(Imports::new());
        let fresh = state(activation.slab());
        for _ in 0..3 {
            assert_eq!(returned(guest.call(&activation, "datum", &[5])), 0x0706_0504_0302_0100);
            assert!(matches!(guest.call(&activation, "recurse", &[1]), Outcome::Trapped(_)));
            activation.slab().grow_memory(grown * WASM_PAGE).unwrap();
            let slab = activation.slab();
            for offset in [DATA, BSS, BSS + 3 * PAGE - 8, STACK_LOW, INSTANCE_PAGE, START_PAGE] {
                slab.write(offset, &[0xee; 8]).unwrap();
            }
            for page in 0..grown * WASM_PAGE / PAGE {
                slab.write(LINEAR_MEMORY + page * PAGE + 100, &[0xee; 8]).unwrap();
            }
            assert_ne!(state(slab)[..fresh.len()], fresh);
            activation.reset().unwrap();
            assert_eq!(activation.slab().memory_bytes(), initial * WASM_PAGE);
            assert!(state(activation.slab()) == fresh);
            let beyond = [initial * WASM_PAGE, 1];
            assert!(matches!(guest.call(&activation, "store", &beyond), Outcome::Trapped(_)));
            activation.reset().unwrap();
        }
    }
}

#[test]
fn stack_that_looks_unused_is_dropped_in_time() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let mut activation = guest.activation(Imports::new());
    let lowest = |activation: &Activation| {
        let mut word = [0; 8];
        activation.slab().read(STACK_LOW, &mut word).unwrap();
        u64::from_le_bytes(word)
    };
    // Frames that follow each other down to the guard leave something in every page.
    assert!(matches!(guest.call(&activation, "recurse", &[1]), Outcome::Trapped(_)));
    activation.slab().write(STACK_LOW, &[1; 8]).unwrap();
    activation.reset().unwrap();
    assert_eq!(lowest(&activation), 0, "a deep call is seen");
    activation.slab().write(STACK_LOW, &[1; 8]).unwrap();
    let resets = (1..=100).find(|_| {
        activation.reset().unwrap();
        lowest(&activation) == 0
    });
    assert!(resets.is_some(), "what is not seen goes all the same");
}

#[test]
fn two_slabs_of_one_program_are_independent() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let (first, second) = (guest.activation(Imports::new()), guest.activation(Imports::new()));
    let fresh = state(second.slab())[..DATA_BYTES].to_vec();
    guest.call(&first, "datum", &[99]);
    guest.call(&first, "store", &[0, 99]);
    assert_eq!(state(second.slab())[..DATA_BYTES], fresh);
    assert_eq!(
        returned(guest.call(&second, "load", &[0])),
        u64::from(CONTENT[16]) | (u64::from(CONTENT[17]) << 8) | (u64::from(CONTENT[18]) << 16)
    );
    assert_eq!(returned(guest.call(&first, "load", &[0])), 99);
}

#[test]
fn a_pool_hands_out_the_last_slab_as_new() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let pool = Pool::new(Arc::clone(&guest.program), 2);
    let before = mappings();
    let slabs: Vec<_> = (0..3).map(|_| pool.take().unwrap()).collect();
    let bases: Vec<_> = slabs.iter().map(Slab::base).collect();
    for slab in slabs {
        slab.write(DATA, &[0xee; 8]).unwrap();
        pool.put(slab).unwrap();
    }
    assert_eq!(pool.free_slabs(), 2);
    let slab = pool.take().unwrap();
    assert_eq!(slab.base(), bases[1]);
    let mut byte = [0xff];
    slab.read(DATA, &mut byte).unwrap();
    assert_eq!(byte, [0]);
    // Another program's slab is not taken in.
    pool.put(Slab::new(&Guest::new().program).unwrap()).unwrap();
    assert_eq!(pool.free_slabs(), 1);
    drop((slab, pool));
    assert_eq!(mappings(), before);
}

#[test]
fn a_further_memory_grows_and_resets() {
    let before = mappings();
    let mut memory = Reservation::new(WASM_PAGE, 3 * WASM_PAGE).unwrap();
    memory.write(WASM_PAGE - 2, &[1, 2]).unwrap();
    assert!(memory.write(WASM_PAGE - 1, &[1, 2]).is_err());
    assert!(matches!(memory.grow(4 * WASM_PAGE), Err(GrowError::BeyondMaximum)));
    memory.grow(3 * WASM_PAGE).unwrap();
    memory.write(3 * WASM_PAGE - 1, &[3]).unwrap();
    memory.reset().unwrap();
    assert_eq!(memory.bytes(), WASM_PAGE);
    let mut content = [9; 2];
    memory.read(WASM_PAGE - 2, &mut content).unwrap();
    assert_eq!(content, [0; 2]);
    memory.grow(3 * WASM_PAGE).unwrap();
    memory.read(3 * WASM_PAGE - 2, &mut content).unwrap();
    assert_eq!(content, [0; 2]);
    assert!(Reservation::new(5 << 30, 5 << 30).is_err());
    drop(memory);
    assert_eq!(mappings(), before);
}

#[test]
fn wrong_parts_are_refused() {
    let (text, data) = (vec![0xcc; 100], vec![1; 100]);
    let good = parts(&text, &data, WASM_PAGE, WASM_PAGE);
    let refused = |parts| {
        // SAFETY: the code is never run.
        match unsafe { Program::new(&parts) } {
            Err(ProgramError::Parts(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let mut wrong = good.clone();
    wrong.text.offset += 8;
    assert_eq!(refused(wrong), PartsError::Unaligned("text"));
    let mut wrong = good.clone();
    wrong.text.bytes = &[];
    assert_eq!(refused(wrong), PartsError::Empty("text"));
    let mut wrong = good.clone();
    wrong.rodata = Some(Placed { offset: TEXT, bytes: &data });
    assert_eq!(refused(wrong), PartsError::Misplaced("rodata"));
    let mut wrong = good.clone();
    wrong.data = Some(Placed { offset: u64::MAX - PAGE + 1, bytes: &data });
    assert_eq!(refused(wrong), PartsError::Misplaced("data"));
    let mut wrong = good.clone();
    wrong.bss = Some((DATA, PAGE));
    assert_eq!(refused(wrong), PartsError::Misplaced("bss"));
    let mut wrong = good.clone();
    wrong.bss = Some((BSS, u64::MAX));
    assert_eq!(refused(wrong), PartsError::Misplaced("bss"));
    let mut wrong = good.clone();
    // One page more, and data takes the guard's place.
    wrong.bss = Some((BSS, STACK_LOW - BSS));
    assert_eq!(refused(wrong), PartsError::Misplaced("stack"));
    for stack_bytes in [u64::MAX / PAGE * PAGE, STACK_BYTES + 0x10000] {
        let mut wrong = good.clone();
        wrong.stack_bytes = stack_bytes;
        assert_eq!(refused(wrong), PartsError::Misplaced("stack"));
    }
    for slot in [0, TEXT, good.slots[1] + 1, good.slots[2] + 8, u64::MAX - 7] {
        let mut wrong = good.clone();
        wrong.slots[2] = slot;
        assert_eq!(refused(wrong), PartsError::Slot(2));
    }
    let mut wrong = good.clone();
    wrong.relro = None;
    assert_eq!(refused(wrong), PartsError::Slot(0));
    for (initial, maximum) in
        [(WASM_PAGE, 0), (0, WASM_PAGE), (WASM_PAGE, 8 << 30), (WASM_PAGE, WASM_PAGE + 1)]
    {
        assert_eq!(refused(parts(&text, &data, initial, maximum)), PartsError::Memory);
    }
    let mut none = good.clone();
    none.memory = None;
    // SAFETY: as above.
    let program = Arc::new(unsafe { Program::new(&none) }.unwrap());
    let mut slab = Slab::new(&program).unwrap();
    assert_eq!(slab.memory_bytes(), 0);
    assert!(slab.grow_memory(WASM_PAGE).is_err());
    slab.reset().unwrap();
}
