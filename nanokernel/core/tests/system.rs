//! The kernel's behaviour, call by call, on the machine in memory.

#[allow(dead_code, reason = "each test file has its own copy of this module")]
mod model;

use model::{DATA, DEVICES, System, root};
use nanokernel_core::Hal;
use nanokernel_core::thread::ThreadState;
use nanokernel_core::{Area, Exit};
use sci::layout::{badge, frame};
use sci::status::{Fault, Status};
use sci::syscall::{
    irq_operation as irq, number as call, port_operation as port, query, realm_operation as realm,
    thread_operation as thread,
};

/// Root, a server, and a client that is connected to it; root receives, the client runs, the server receives.
fn pair() -> (System, u16, u16, [u64; 2]) {
    let mut system = System::boot(2000);
    let (server, server_realm) = system.child(1, 60);
    let (client, client_realm) = system.child(2, 50);
    assert_eq!(system.control(client, realm::CONNECT, [0, server, 3]), 0);
    system.control(server, realm::START, [0; 3]);
    system.control(client, realm::START, [0; 3]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, server_realm);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, client_realm);
    system.check();
    (system, server_realm, client_realm, [server, client])
}

#[test]
fn a_call_reaches_the_server_and_its_reply_the_client() {
    let (mut system, server, client, _) = pair();
    for fast in [true, false] {
        system.set_words([1, 2, 3, 4, 5, 6]);
        let handle = system.handle(0);
        if fast {
            system.call(call::ipc_call, [handle, 1, 0, 0, 0]);
        } else {
            let registers = &mut system.kernel.threads.at_mut(usize::from(client)).registers;
            (registers.status, registers.badge, registers.method) = (0, handle, 1);
            system.kernel.system_call(&mut system.hal);
        }
        assert_eq!(system.kernel.current, server);
        system.check();
        let got = system.kernel.thread(server).registers;
        assert_eq!(got.words, [1, 2, 3, 4, 5, 6]);
        assert_eq!((got.status, got.method, got.generation), (0, 1, 1));
        assert_eq!(got.badge, badge::of(3, 0));
        system.set_words([7; 6]);
        system.call(call::ipc_reply_recv, [0, 9, 0, 0, 0]);
        assert_eq!(system.kernel.current, client);
        let got = system.kernel.thread(client).registers;
        assert_eq!((got.words, got.status, got.generation), ([7; 6], 9, 1));
        system.check();
    }
}

#[test]
fn a_call_outside_the_mask_is_a_fault_and_ends_in_a_report() {
    let (mut system, _, client, _) = pair();
    let handle = system.handle(0);
    system.call(call::ipc_call, [handle, 2, 0, 0, 0]);
    system.check();
    let words = system.words(1);
    assert_eq!(system.kernel.current, 1, "root hears of it");
    assert_eq!(words[..2], [2, Fault::MethodMask.number()]);
    assert_eq!(system.kernel.thread(1).registers.badge, badge::EXPORT_SUPERVISOR << 32);
    assert_eq!(system.kernel.thread(client).state, ThreadState::Stopped);
    assert!(system.hal.printed.contains("fault realm=child generation=1 fault=method-mask"));
}

#[test]
fn a_call_goes_only_to_strictly_higher_priority() {
    let mut system = System::boot(2000);
    let (a, a_realm) = system.child(1, 50);
    let (b, b_realm) = system.child(2, 50);
    system.control(a, realm::CONNECT, [0, b, 0]);
    system.control(a, realm::START, [0; 3]);
    system.control(b, realm::START, [0; 3]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, a_realm);
    let handle = system.handle(0);
    assert_eq!(system.call(call::ipc_call, [handle, 0, 0, 0, 0]).0, Status::Priority.number());
    system.call(call::thread_control, [0, thread::YIELD, 0, 0, 0]);
    assert_eq!(system.kernel.current, b_realm);
    system.check();
}

#[test]
fn a_server_that_dies_in_a_call_leaves_its_caller_with_peer_gone() {
    {
        let (mut system, server, client, handles) = pair();
        let handle = system.handle(0);
        system.call(call::ipc_call, [handle, 0, 0, 0, 0]);
        assert_eq!(system.kernel.current, server);
        system.kernel.trap(&mut system.hal, Fault::ReadFault, 8, 4);
        system.check();
        assert_eq!(system.kernel.current, 1);
        assert_eq!(system.words(1)[..2], [1, Fault::ReadFault.number()]);
        let got = system.kernel.thread(client).registers;
        assert_eq!((got.status, got.generation), (Status::PeerGone.number(), 1));
        // Until it is started again its callers are told so at once; afterwards the connection works.
        system.control(handles[0], realm::RESET, [0; 3]);
        system.control(handles[0], realm::START, [0; 3]);
        system.check();
        system.call(call::ipc_recv, [0; 5]);
        assert_eq!(system.kernel.current, server);
        system.call(call::ipc_recv, [0; 5]);
        assert_eq!(system.kernel.current, client);
        system.call(call::ipc_call, [handle, 0, 0, 0, 0]);
        assert_eq!(system.kernel.current, server);
        system.set_words([0; 6]);
        system.call(call::ipc_reply_recv, [0; 5]);
        assert_eq!(system.kernel.thread(client).registers.generation, 2);
    }
}

#[test]
fn a_kept_reply_is_answered_by_the_clients_number() {
    let (mut system, server, client, _) = pair();
    let handle = system.handle(0);
    system.call(call::ipc_call, [handle, 0, 0, 0, 0]);
    system.call(call::ipc_recv, [0; 5]);
    system.check();
    assert_eq!(system.kernel.thread(client).state, ThreadState::Calling);
    assert_eq!(system.kernel.current, 0, "everyone waits");
    // Something wakes the server: a notification at its inbox.
    *system.kernel.lines.at_mut(5) = nanokernel_core::interrupt::Line { realm: server, bits: 4 };
    system.kernel.interrupt(5);
    system.kernel.reschedule();
    assert_eq!(system.kernel.current, server);
    assert_eq!(system.words(server)[0], 4);
    let words: Vec<u8> =
        [11u64, 12, 13, 14, 15, 16, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let space = system.kernel.thread(server).space;
    assert!(system.hal.user_write(space, DATA, &words));
    assert_eq!(system.call(call::ipc_reply, [1, DATA, 0, 0, 0]).0, 0);
    assert_eq!(system.words(client), [11, 12, 13, 14, 15, 16]);
    system.check();
    let (_, _) = system.call(call::ipc_reply, [1, DATA, 0, 0, 0]);
    assert!(system.hal.printed.contains("fault=no-reply"), "it was answered");
    system.check();
}

#[test]
fn a_message_carries_capabilities() {
    let (mut system, server, client, _) = pair();
    let space = system.kernel.thread(client).space;
    let area = Area::of(u32::from(client));
    let own = system.kernel.capabilities.put(
        area,
        70,
        nanokernel_core::capability::Capability::new(nanokernel_core::capability::kind::CLOCK, 0, 0, 1),
    );
    assert!(system.hal.user_write(space, DATA + frame::CAPABILITIES, &own.to_le_bytes()));
    let server_space = system.kernel.thread(server).space;
    assert!(system.hal.user_write(server_space, DATA + frame::ACCEPTS, &1u64.to_le_bytes()));
    system.kernel.threads.at_mut(usize::from(server)).registers.badge = DATA;
    let handle = system.handle(0);
    system.call(call::ipc_call, [handle, 1 << 8, DATA, 0, 0]);
    assert_eq!(system.kernel.current, server);
    let mut bytes = [0; 8];
    assert!(system.hal.user_read(server_space, DATA + frame::CAPABILITIES, &mut bytes));
    let now = system.call(call::thread_control, [u64::from_le_bytes(bytes), thread::TIME, 0, 0, 0]);
    assert_eq!(now, (0, 1));
    system.check();
}

/// A frame that takes none gets none, and its realm's slots stay free.
#[test]
fn capabilities_that_nobody_asked_for_stay() {
    let (mut system, server, client, _) = pair();
    let space = system.kernel.thread(client).space;
    let clock =
        nanokernel_core::capability::Capability::new(nanokernel_core::capability::kind::CLOCK, 0, 0, 1);
    let own = system.kernel.capabilities.put(Area::of(u32::from(client)), 70, clock);
    for index in 0..2 {
        assert!(system.hal.user_write(space, DATA + frame::CAPABILITIES + 8 * index, &own.to_le_bytes()));
    }
    let server_space = system.kernel.thread(server).space;
    system.kernel.threads.at_mut(usize::from(server)).registers.badge = DATA;
    let before = system.kernel.census().expect("the graph is sound").capabilities;
    let handle = system.handle(0);
    system.call(call::ipc_call, [handle, 2 << 8, DATA, 0, 0]);
    assert_eq!(system.kernel.current, server, "the message itself arrives");
    let mut bytes = [0; 8];
    assert!(system.hal.user_read(server_space, DATA + frame::CAPABILITIES, &mut bytes));
    assert_eq!(bytes, [0; 8]);
    assert_eq!(system.kernel.census().expect("the graph is sound").capabilities, before);
    system.check();
}

#[test]
fn killing_returns_every_frame() {
    let mut system = System::boot(2000);
    let before = system.hal.frames_free();
    let (child, _) = system.child(1, 50);
    let memory = system.handle(root::MEMORY);
    let window = system.must(call::mem_create, [memory, 3 * 4096, 0, 0, 0]);
    system.control(child, realm::WINDOW, [3, window, 4096]);
    system.control(child, realm::CLIENT_WINDOW, [0, window, 4096]);
    system.must(call::mem_map, [child, window, 4096, 8192 | 1, 6 << 30]);
    system.check();
    system.control(child, realm::START, [0; 3]);
    system.control(child, realm::KILL, [0; 3]);
    system.check();
    assert_eq!(system.control(child, realm::STATE, [0; 3]), 4);
    system.must(call::cap_drop, [window, 0, 0, 0, 0]);
    system.must(call::cap_drop, [child, 0, 0, 0, 0]);
    system.check();
    assert_eq!(system.hal.frames_free(), before);
    assert_eq!(system.call(call::realm_control, [child, realm::STATE, 0, 0, 0]).0, Status::Revoked.number());
}

/// A realm's Memory comes out of what its maker allows it, and goes back there.
#[test]
fn memory_is_within_its_makers_quota() {
    let mut system = System::boot(2000);
    let (child, realm) = system.child(1, 50);
    let memory = system.handle(root::MEMORY);
    system.must(call::mem_create, [memory, 4096, 0, 0, 0]);
    assert_eq!(system.control(child, realm::QUOTA, [4, 0, 0]), 0);
    system.control(child, realm::START, [0; 3]);
    let right =
        nanokernel_core::capability::Capability::new(nanokernel_core::capability::kind::MEMORY, 0, 0, 0b11);
    let right = system.kernel.capabilities.put(Area::of(u32::from(realm)), 70, right);
    system.call(call::ipc_recv, [DATA, 0, 0, 0, 0]);
    assert_eq!(system.kernel.current, realm);
    let left = |system: &System| system.kernel.realms.at(usize::from(realm)).memory_left;
    let three = system.must(call::mem_create, [right, 3 * 4096, 0, 0, 0]);
    assert_eq!(left(&system), 1);
    assert_eq!(system.call(call::mem_create, [right, 2 * 4096, 0, 0, 0]).0, Status::Quota.number());
    assert_eq!(left(&system), 1, "what was refused costs nothing");
    system.must(call::mem_create, [right, 4096, 0, 0, 0]);
    assert_eq!(system.call(call::mem_create, [right, 4096, 0, 0, 0]).0, Status::Quota.number());
    system.must(call::cap_drop, [three, 0, 0, 0, 0]);
    assert_eq!(left(&system), 3);
    system.check();
}

#[test]
fn exhaustion_is_quota_and_leaves_nothing_behind() {
    let mut system = System::boot(40);
    let mut children = Vec::new();
    let image = system.handle(root::IMAGE);
    let program = system.must(call::image_admit, [image, 1, 0, 0, 0]);
    let authority = system.handle(root::REALM);
    let before = system.hal.frames_free();
    loop {
        let (status, value) = system.call(call::realm_create, [authority, program, 1, 5, 0]);
        system.check();
        if status != 0 {
            assert_eq!(status, Status::Quota.number());
            break;
        }
        children.push(value);
    }
    assert!(!children.is_empty());
    for child in children {
        system.control(child, realm::KILL, [0; 3]);
        system.must(call::cap_drop, [child, 0, 0, 0, 0]);
    }
    assert_eq!(system.hal.frames_free(), before);
    let memory = system.handle(root::MEMORY);
    assert_eq!(system.call(call::mem_create, [memory, 128 * 4096, 0, 0, 0]).0, Status::Quota.number());
    system.check();
    assert_eq!(system.hal.frames_free(), before);
}

/// A driver's memory: registers that are no memory and belong to one, and pages whose address was told, which stay.
#[test]
fn a_drivers_memory_is_registers_and_pages_that_stay() {
    let mut system = System::boot(2000);
    let memory = system.handle(root::MEMORY);
    let (first, page) = (DEVICES.start, 4096);
    let status = |system: &mut System, bytes: u64, address: u64| {
        system.call(call::mem_create, [memory, bytes, address, 0, 0]).0
    };
    for (bytes, address, expected) in [
        (page, first - page, Status::Absent),
        (5 * page, first, Status::Absent),
        (page, page, Status::Absent),
        (page, !(page - 1), Status::Absent),
        (page, first + 8, Status::Argument),
        (0, first, Status::Argument),
        (u64::MAX, first, Status::Argument),
    ] {
        assert_eq!(status(&mut system, bytes, address), expected.number(), "{bytes:#x} at {address:#x}");
    }
    let registers = system.must(call::mem_create, [memory, 2 * page, first + page, 0, 0]);
    system.check();
    for (bytes, address) in [(page, first + page), (page, first + 2 * page), (4 * page, first)] {
        assert_eq!(status(&mut system, bytes, address), Status::Busy.number());
    }
    let (child, realm) = system.child(1, 50);
    let before = system.hal.frames_free();
    let at = system.control(child, realm::WINDOW, [4, registers, 2 * page]);
    let space = system.kernel.realms.at(usize::from(realm)).space;
    let mapped = system.hal.page(space, at + page).expect("it is mapped");
    assert_eq!((mapped.frame.0, mapped.rights), (first + 2 * page, nanokernel_core::Rights::Registers));
    assert_eq!(system.hal.frames_free(), before);

    let pages = system.must(call::mem_create, [memory, 2 * page, 0, 0, 0]);
    system.control(child, realm::WINDOW, [4, pages, 2 * page]);
    let told = system.must(call::cap_query, [pages, query::ADDRESS, page + 5, 0, 0]);
    let mapped = system.hal.page(space, system.kernel.realms.at(usize::from(realm)).windows_end + page);
    assert_eq!(told, mapped.expect("it is mapped").frame.0 + 5);
    for (handle, offset) in [(pages, 2 * page), (pages, u64::MAX), (memory, 0)] {
        let refused = system.call(call::cap_query, [handle, query::ADDRESS, offset, 0, 0]).0;
        assert_eq!(refused, Status::Argument.number());
    }
    // Whoever granted registers said where they are.
    system.call(call::cap_query, [registers, query::ADDRESS, 0, 0, 0]);
    assert!(system.hal.printed.contains("fault=method-mask"), "{}", system.hal.printed);
}

/// What a device may still write to is never given to anyone else.
#[test]
fn pages_whose_address_was_told_do_not_return() {
    let mut system = System::boot(2000);
    let memory = system.handle(root::MEMORY);
    let before = system.hal.frames_free();
    for (is_told, lost) in [(false, 0), (true, 3)] {
        let pages = system.must(call::mem_create, [memory, 3 * 4096, 0, 0, 0]);
        if is_told {
            system.must(call::cap_query, [pages, query::ADDRESS, 0, 0, 0]);
        }
        system.must(call::cap_drop, [pages, 0, 0, 0, 0]);
        assert_eq!(before - system.hal.frames_free(), lost);
    }
    let registers = system.must(call::mem_create, [memory, 4096, DEVICES.start, 0, 0]);
    system.must(call::cap_drop, [registers, 0, 0, 0, 0]);
    // They can be had again.
    system.must(call::mem_create, [memory, 4096, DEVICES.start, 0, 0]);
}

/// The rights to registers and addresses are methods: whoever lacks them stops.
#[test]
fn only_its_own_method_gives_an_address() {
    for (method, what) in [(0b0111, "an address"), (0b1011, "registers")] {
        let mut system = System::boot(2000);
        let memory = system.handle(root::MEMORY);
        let weaker = system.must(call::cap_mint, [memory, method, 0, 0, 0]);
        if method & 0b100 != 0 {
            let pages = system.must(call::mem_create, [weaker, 4096, 0, 0, 0]);
            system.call(call::cap_query, [pages, query::ADDRESS, 0, 0, 0]);
        } else {
            system.call(call::mem_create, [weaker, 4096, DEVICES.start, 0, 0]);
        }
        assert!(system.hal.printed.contains("fault=method-mask"), "{what}: {}", system.hal.printed);
    }
}

#[test]
fn minting_only_narrows() {
    let mut system = System::boot(2000);
    let ports = system.handle(root::PORTS);
    let com = system.must(call::cap_mint, [ports, 0b11, 0x3f8 | 8 << 16, 0, 0]);
    assert_eq!(system.call(call::port_access, [com, port::READ_8, 5, 0, 0]), (0, 0x3fd));
    assert_eq!(system.call(call::port_access, [com, port::READ_8, 8, 0, 0]).0, Status::Argument.number());
    assert_eq!(
        system.call(call::cap_mint, [com, u64::MAX, 0x60 | 1 << 16, 0, 0]).0,
        Status::Argument.number()
    );
    let weaker = system.must(call::cap_mint, [com, 0b01, 0, 0, 0]);
    let again = system.must(call::cap_mint, [weaker, u64::MAX, 0, 0, 0]);
    assert_eq!(system.call(call::cap_query, [again, 0, 0, 0, 0]), (0, 7 << 56 | 1));
    system.call(call::port_access, [again, port::WRITE_8, 0, 0, 0]);
    assert_eq!(system.hal.exit, Some(Exit::RootFaulted));
    assert!(system.hal.printed.contains("fault=method-mask"));
}

#[test]
fn an_interrupt_arrives_at_the_inbox_that_bound_it() {
    let mut system = System::boot(2000);
    let lines = system.handle(root::INTERRUPT);
    assert_eq!(system.call(call::irq_control, [lines, irq::BIND, 2, 0, 0]).0, Status::Argument.number());
    let line = system.must(call::cap_mint, [lines, u64::MAX, 4, 0, 0]);
    system.must(call::irq_control, [line, irq::BIND, 2, 0, 0]);
    assert_eq!(system.hal.unmasked, [4]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, 0);
    system.kernel.interrupt(4);
    system.kernel.reschedule();
    assert_eq!(system.kernel.current, 1);
    let got = system.kernel.thread(1).registers;
    assert_eq!((got.words[0], got.badge), (2, badge::EXPORT_NOTIFICATION << 32));
    system.check();
}

#[test]
fn a_wait_ends_with_a_bit_or_with_the_time() {
    let mut system = System::boot(2000);
    let notification = system.handle(root::NOTIFICATION);
    system.must(call::notify_signal, [notification, 0b101, 0, 0, 0]);
    assert_eq!(system.must(call::notify_wait, [notification, 0b100, 0, 0, 0]), 0b100);
    system.call(call::notify_wait, [notification, 0b010, 500, 0, 0]);
    assert_eq!(system.kernel.current, 0);
    system.check();
    system.kernel.tick(499);
    assert_eq!(system.kernel.current, 0);
    system.kernel.tick(500);
    assert_eq!(system.kernel.current, 1);
    assert_eq!(system.kernel.thread(1).registers.value, 0);
    system.check();
}

#[test]
fn authority_that_the_launcher_lacks_is_not_granted() {
    let mut system = System::boot(2000);
    let (child, _) = system.child(1, 50);
    let console = system.handle(root::CONSOLE);
    let weak = system.must(call::cap_mint, [console, 0b110, 0, 0, 0]);
    let grant = [child, realm::GRANT, 3, weak, u64::MAX];
    assert_eq!(system.call(call::realm_control, grant).0, Status::Authority.number());
    let wrong = [child, realm::GRANT, 3, system.handle(root::CLOCK), u64::MAX];
    assert_eq!(system.call(call::realm_control, wrong).0, Status::Argument.number());
    system.control(child, realm::GRANT, [3, console, u64::MAX]);
    system.control(child, realm::START, [0; 3]);
    assert_eq!(system.call(call::realm_control, [child, realm::PARAMETER, 0, 1, 0]).0, Status::Busy.number());
    system.check();
}

#[test]
fn the_console_prints_from_the_window_only() {
    let mut system = System::boot(2000);
    let console = system.handle(root::CONSOLE);
    let mut bytes = [0; 8];
    let page = system.kernel.realms.at(1).start_page;
    system.hal.frame_read(page, sci::layout::start::CAPABILITIES + 8, &mut bytes);
    let window = u64::from_le_bytes(bytes);
    let space = system.kernel.thread(1).space;
    assert!(system.hal.user_write(space, window + 10, &[b'x'; 1500]));
    system.set_words([lease(10, 1500), 0, 0, 0, 0, 0]);
    for _ in 0..3 {
        system.call_once(call::ipc_call, [console, 0, 0, 0, 0]);
    }
    assert_eq!(system.hal.printed, "x".repeat(1500));
    system.set_words([lease(4000, 97), 0, 0, 0, 0, 0]);
    system.call_once(call::ipc_call, [console, 0, 0, 0, 0]);
    assert!(system.hal.printed.contains("fault=bad-pointer"));
}

#[test]
fn a_handle_beyond_a_realms_slots_does_not_reach_its_neighbours() {
    for fast in [true, false] {
        let (mut system, server, client, _) = pair();
        // The client's neighbour below is the server: a slot behind the server's last is the client's first.
        assert_eq!(client, server + 1);
        let neighbours = system.handle_of(client, 0);
        let forged = neighbours + u64::from(Area::of(u32::from(server)).count);
        system.call(call::ipc_call, [neighbours, 0, 0, 0, 0]);
        assert_eq!(system.kernel.current, server);
        let number = if fast { call::ipc_call } else { call::cap_query };
        system.call(number, [forged, 0, 0, 0, 0]);
        assert!(system.hal.printed.contains("fault=forged-handle"), "{}", system.hal.printed);
        system.check();
    }
}

#[test]
fn the_console_does_not_print_what_lies_behind_the_window() {
    let mut system = System::boot(2000);
    let (child, realm_index) = system.child(1, 50);
    let maker = system.handle(root::MEMORY);
    // The second window lies just below the first.
    for slot in [4, 3] {
        let pages = system.must(call::mem_create, [maker, 4096, 0, 0, 0]);
        system.control(child, realm::WINDOW, [slot, pages, 4096]);
    }
    let console = system.handle(root::CONSOLE);
    system.control(child, realm::GRANT, [3, console, u64::MAX]);
    system.control(child, realm::START, [0; 3]);
    system.call(call::ipc_recv, [0; 5]);
    assert_eq!(system.kernel.current, realm_index);
    let console = system.handle(3);
    system.set_words([lease(4000, 96), 0, 0, 0, 0, 0]);
    assert_eq!(system.call(call::ipc_call, [console, 0, 0, 0, 0]).0, 0);
    system.set_words([lease(4000, 97), 0, 0, 0, 0, 0]);
    system.call(call::ipc_call, [console, 0, 0, 0, 0]);
    assert!(system.hal.printed.contains("fault=bad-pointer"), "{}", system.hal.printed);
}

/// A range of the window, as a word.
fn lease(offset: u64, length: u64) -> u64 {
    offset | length << 32
}

#[test]
fn root_stops_the_machine() {
    let mut system = System::boot(2000);
    let machine = system.handle(root::MACHINE);
    system.call(call::thread_control, [machine, thread::STOP, 3, 0, 0]);
    assert_eq!(system.hal.exit, Some(Exit::Root(3)));
}

#[test]
fn a_tampered_module_does_not_boot() {
    let module = model::module();
    for (at, expected) in [
        (64, Exit::BundleRefused),
        (4096 + 70, Exit::BundleRefused),
        (3 * 4096 + 200, Exit::RootRefused),
        (4 * 4096, Exit::RootRefused),
    ] {
        let mut bytes = module.to_vec();
        bytes[at] ^= 1;
        let mut kernel = model::kernel();
        let mut hal = model::Model::new(100);
        let refused = kernel.boot(&mut hal, bytes.leak(), nanokernel_core::Options::default());
        assert_eq!(refused, Err(expected), "byte {at}: {}", hal.printed);
    }
}
