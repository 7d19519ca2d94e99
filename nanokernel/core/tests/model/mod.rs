//! A machine in memory, and a bundle of small images to run on it.
//!
//! Tests put arguments into the current thread's registers and make the call, as the entry code does.

use nanokernel_core::capability::kind;
use nanokernel_core::program::ProgramSlot;
use nanokernel_core::realm::RealmState;
use nanokernel_core::thread::{GHOST, NONE, Resume, ThreadState};
use nanokernel_core::{Area, Exit, Frame, Hal, Kernel, MapError, Options, Owner, Page, Rights, Space, Width};
use sci::header::Kind;
use sci::layout::{PAGE, STACK_TOP};
use sci::list::List;
use sci::manifest::*;
use sci::section::SectionKind;
use sci::syscall::number as call;
use sci::vocabulary;
use sci::write::{ImageData, SectionData, Signer, bundle, image, list_bytes, policy};
use std::collections::BTreeMap;

/// First address of the boot module's pages.
const MODULE: u64 = 1 << 40;
const GATE: Frame = Frame(1 << 41);
const INFO: Frame = Frame(1 << 42);
/// Registers of devices.
pub const DEVICES: std::ops::Range<u64> = 1 << 43..(1 << 43) + 4 * PAGE;

/// The machine.
pub struct Model {
    memory: BTreeMap<u64, Box<[u8; PAGE as usize]>>,
    free: Vec<u64>,
    total: u64,
    spaces: BTreeMap<u64, BTreeMap<u64, Page>>,
    /// Time, set by tests.
    pub now: u64,
    /// What was printed.
    pub printed: String,
    /// How the run ended.
    pub exit: Option<Exit>,
    /// Lines that are unmasked.
    pub unmasked: Vec<u16>,
}

impl Model {
    pub fn new(frames: u64) -> Self {
        Self {
            memory: BTreeMap::new(),
            free: (1..=frames).rev().map(|frame| frame * PAGE).collect(),
            total: frames,
            spaces: BTreeMap::new(),
            now: 1,
            printed: String::new(),
            exit: None,
            unmasked: Vec::new(),
        }
    }

    /// What is mapped at an address.
    pub fn page(&self, space: Space, address: u64) -> Option<Page> {
        self.spaces.get(&space.0)?.get(&(address & !(PAGE - 1))).copied()
    }

    fn each(&mut self, space: Space, address: u64, bytes: &[u8], allowed: fn(Rights) -> bool) -> bool {
        for (offset, byte) in (0..).zip(bytes) {
            let Some(at) = address.checked_add(offset) else {
                return false;
            };
            let Some(page) = self.page(space, at).filter(|page| allowed(page.rights)) else {
                return false;
            };
            self.frame_write(page.frame, at % PAGE, &[*byte]);
        }
        true
    }
}

impl Hal for Model {
    fn frame_take(&mut self) -> Option<Frame> {
        let frame = self.free.pop()?;
        self.memory.insert(frame, Box::new([0; PAGE as usize]));
        Some(Frame(frame))
    }
    fn frame_return(&mut self, frame: Frame) {
        assert!(self.memory.remove(&frame.0).is_some(), "frame {frame:?} came back twice");
        self.free.push(frame.0);
    }
    fn frames_free(&self) -> u64 {
        self.free.len() as u64
    }
    fn frames_total(&self) -> u64 {
        self.total
    }
    fn frame_write(&mut self, frame: Frame, offset: u64, bytes: &[u8]) {
        let page = self.memory.get_mut(&frame.0).expect("only frames that were taken are written");
        page[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
    }
    fn frame_read(&self, frame: Frame, offset: u64, into: &mut [u8]) {
        let page = self.memory.get(&frame.0).expect("only frames that were taken are read");
        into.copy_from_slice(&page[offset as usize..offset as usize + into.len()]);
    }
    fn module_frame(&self, offset: u64) -> Frame {
        Frame(MODULE + offset)
    }
    fn is_device(&self, frame: Frame) -> bool {
        DEVICES.contains(&frame.0)
    }
    fn gate_frame(&self) -> Frame {
        GATE
    }
    fn info_frame(&self) -> Frame {
        INFO
    }
    fn space_create(&mut self) -> Option<Space> {
        let frame = self.frame_take()?;
        self.spaces.insert(frame.0, BTreeMap::new());
        Some(Space(frame.0))
    }
    fn space_map(&mut self, space: Space, address: u64, page: Page) -> Result<(), MapError> {
        let pages = self.spaces.get_mut(&space.0).expect("a space that exists");
        if pages.contains_key(&address) {
            return Err(MapError::Occupied);
        }
        pages.insert(address, page);
        Ok(())
    }
    fn space_unmap(&mut self, space: Space, address: u64) -> Option<Frame> {
        let space = self.spaces.get_mut(&space.0).expect("a space that exists");
        space.remove(&address).map(|page| page.frame)
    }
    fn space_write(&mut self, space: Space, address: u64, bytes: &[u8]) -> bool {
        self.each(space, address, bytes, |_| true)
    }
    fn user_read(&self, space: Space, address: u64, into: &mut [u8]) -> bool {
        for (offset, byte) in (0..).zip(into) {
            let Some(at) = address.checked_add(offset) else {
                return false;
            };
            let Some(page) = self.page(space, at) else {
                return false;
            };
            let Some(memory) = self.memory.get(&page.frame.0) else {
                return false;
            };
            *byte = memory[(at % PAGE) as usize];
        }
        true
    }
    fn user_write(&mut self, space: Space, address: u64, bytes: &[u8]) -> bool {
        self.each(space, address, bytes, |rights| rights == Rights::Write)
    }
    fn space_release(&mut self, space: Space, frames: u32) -> bool {
        for _ in 0..frames {
            let pages = self.spaces.get_mut(&space.0).expect("a space that exists");
            let Some((_, page)) = pages.pop_first() else {
                self.spaces.remove(&space.0);
                self.frame_return(Frame(space.0));
                return true;
            };
            if page.owner == Owner::Space {
                self.frame_return(page.frame);
            }
        }
        false
    }
    fn now(&self) -> u64 {
        self.now
    }
    fn console_in_line(&self) -> bool {
        !self.printed.is_empty() && !self.printed.ends_with('\n')
    }
    fn console(&mut self, byte: u8) {
        self.printed.push(byte as char);
    }
    fn port_read(&mut self, port: u16, _: Width) -> u32 {
        u32::from(port)
    }
    fn port_write(&mut self, _: u16, _: Width, _: u32) {}
    fn line_unmask(&mut self, line: u16) -> bool {
        self.unmasked.push(line);
        line < 24
    }
    fn line_mask(&mut self, line: u16) {
        self.unmasked.retain(|other| *other != line);
    }
    fn stop(&mut self, exit: Exit) {
        self.exit = Some(exit);
    }
}

/// Bytes of an image's stack.
const STACK_BYTES: u64 = 2 * PAGE;
/// Where a test's frames lie: the image's bss.
pub const DATA: u64 = sci::layout::KERNEL_SLAB_BASE + STACK_TOP - STACK_BYTES - 2 * PAGE;

/// What an image of the tests has beside its text and bss.
#[derive(Default)]
struct Raw<'r> {
    name: &'r str,
    /// Interfaces, methods and window bytes of what it requires.
    wanted: &'r [(&'r str, u64, u32)],
    /// Module and item of its imports.
    imports: &'r [(&'r str, &'r str)],
    /// Functions that it offers, and where they lie in its text.
    exports: &'r [(&'r str, u64)],
    linear: Option<Linear>,
    /// Initial content of its linear memory.
    content: Vec<u8>,
}

fn raw_image(raw: &Raw<'_>, kind: Kind) -> Vec<u8> {
    const NAMES: [&str; 10] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"];
    let data_at = DATA - sci::layout::KERNEL_SLAB_BASE;
    let text_at = data_at - PAGE;
    let required: Vec<Required<'_>> = raw
        .wanted
        .iter()
        .zip(NAMES)
        .map(|((interface, methods, window_bytes), name)| {
            let known = vocabulary::by_name(interface);
            let methods = known.map_or(*methods, |it| methods & it.full_mask());
            Required {
                name,
                interface,
                hash: known.map_or([0; 32], vocabulary::interface_hash),
                methods,
                declared: methods,
                message: known.is_none_or(vocabulary::Interface::by_message),
                window_bytes: *window_bytes,
                place: SourcePlace { file: "raw.in", line: 1, column: 1 },
            }
        })
        .collect();
    let start = Entry { kind: EntryKind::Start, name: "start", offset: text_at, stack_bytes: STACK_BYTES };
    let starts = if kind == Kind::Component { vec![start] } else { Vec::new() };
    let (entries, required) = (list_bytes(&starts), list_bytes(&required));
    let imports: Vec<Import<'_>> = (0..)
        .zip(raw.imports)
        .map(|(slot, (module, item))| {
            let offset = text_at - PAGE + 8 * slot;
            Import { module, item, signature: "()", capability: None, offset }
        })
        .collect();
    let exports: Vec<LibraryExport<'_>> = raw
        .exports
        .iter()
        .map(|(item, at)| LibraryExport { item, signature: "()", offset: text_at + at, stack_bytes: PAGE })
        .collect();
    let (imports, exports) = (list_bytes(&imports), list_bytes(&exports));
    let manifest = Manifest {
        identity: Identity { package: "raw", name: raw.name, version: "0.1.0" },
        entries: List::new(&entries),
        required: List::new(&required),
        exported: List::default(),
        imports: List::new(&imports),
        exports: List::new(&exports),
        schemas: None,
        memory: Memory {
            stack_bytes: STACK_BYTES,
            stack_tag: Tag::Declared,
            state_bytes: PAGE,
            arena_bytes: 0,
            buffer_bytes: 0,
            linear: raw.linear,
            pool: Pool { threads: 1, capabilities: 64, mappings: 0 },
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
        deterministic: Determinism::None,
        migration: None,
        compute: None,
        parameters: List::default(),
        provenance: Provenance { compiler: "raw 1", front_end: "hand", sources: [0; 32], flags: "" },
        section_hashes: List::default(),
    };
    let section =
        |kind, memory_offset, bss_bytes, bytes| SectionData { kind, memory_offset, bss_bytes, bytes };
    let mut sections = vec![section(SectionKind::Text, text_at, 0, vec![0xcc; 64])];
    if !raw.imports.is_empty() {
        sections.push(section(SectionKind::Relro, text_at - PAGE, 0, vec![0; 8 * raw.imports.len()]));
    }
    sections.push(section(SectionKind::Bss, data_at, PAGE, Vec::new()));
    if kind == Kind::Guest {
        sections.push(section(SectionKind::Linkage, 0, 0, LINKAGE_TABLE.to_vec()));
        sections.push(section(SectionKind::Content, 0, 0, raw.content.clone()));
    }
    image(kind, &manifest, &sections).expect("the image is right")
}

/// Slots of root's capabilities.
pub mod root {
    pub const CONSOLE: u32 = 0;
    pub const IMAGE: u32 = 1;
    pub const REALM: u32 = 2;
    pub const MEMORY: u32 = 3;
    pub const PORTS: u32 = 4;
    pub const INTERRUPT: u32 = 5;
    pub const CLOCK: u32 = 6;
    pub const MACHINE: u32 = 7;
    pub const NOTIFICATION: u32 = 8;
}

/// What stands in place of a linkage table, which the kernel does not read.
pub const LINKAGE_TABLE: &[u8] = b"how the guest is joined";
/// Where the library's text lies.
pub const LIBRARY_TEXT: u64 = DATA - PAGE + sci::layout::LIBRARY_SLAB;

/// A boot module: root, and image 1 that requires two channels, a notification, a console and memory. Image 2 is a
/// library that requires memory, image 3 a guest that it serves; images 4 to 6 are guests that are not admitted.
pub fn module() -> &'static [u8] {
    let all = u64::MAX;
    let root = Raw {
        name: "root",
        wanted: &[
            ("DebugConsole", all, PAGE as u32),
            ("Image", all, 0),
            ("Realm", all, 0),
            ("Memory", all, 0),
            ("PortRange", all, 0),
            ("Interrupt", all, 0),
            ("Clock", all, 0),
            ("Machine", all, 0),
            ("Notification", all, 0),
        ],
        ..Raw::default()
    };
    let child = Raw {
        name: "child",
        wanted: &[
            ("Adder", 0b11, 0),
            ("Adder", 0b01, 0),
            ("Notification", all, 0),
            ("DebugConsole", 0b001, PAGE as u32),
            ("Memory", all, 0),
        ],
        ..Raw::default()
    };
    let library = Raw {
        name: "library",
        wanted: &[("Memory", all, 0)],
        imports: &[("kernel", "ipc_call")],
        exports: &[("kernel.thread_control", 0), ("space.start", 16), ("sys.log", 32)],
        ..Raw::default()
    };
    let guest = |name, imports| Raw {
        name,
        imports,
        exports: &[("_start", 8), ("space.instantiate", 24)],
        linear: Some(Linear { minimum_pages: 1, maximum_pages: 3 }),
        content: vec![7; PAGE as usize + 1],
        ..Raw::default()
    };
    let wild =
        Raw { linear: Some(Linear { minimum_pages: 0, maximum_pages: 1 }), ..guest("wild", &[("a", "b")]) };
    let images = [
        (root, Kind::Component, None),
        (child, Kind::Component, None),
        (library, Kind::Library, None),
        (guest("guest", &[("sys", "log"), ("kernel", "thread_control")]), Kind::Guest, Some(2)),
        (guest("stray", &[]), Kind::Guest, None),
        (guest("other", &[("sys", "log")]), Kind::Guest, Some(1)),
        (wild, Kind::Guest, Some(2)),
    ]
    .map(|(raw, kind, library)| ImageData {
        name: raw.name.to_owned(),
        bytes: raw_image(&raw, kind),
        library,
    });
    let seed = [9; 32];
    let mut module = policy(true, &[(sci::sign::public_key(&seed), true)]);
    let signer = Signer { seed: &seed, development: true };
    module.extend(bundle(&images, &[], Some(signer)).expect("the images verify"));
    module.leak()
}

/// A kernel without objects. It is too large for a test's stack in an unoptimised build.
pub fn kernel() -> Box<Kernel> {
    let made = std::thread::Builder::new().stack_size(32 << 20).spawn(|| Box::new(Kernel::new()));
    made.expect("a thread starts").join().expect("a kernel is made")
}

/// Kernel and machine.
pub struct System {
    pub kernel: Box<Kernel>,
    pub hal: Model,
}

impl System {
    /// Booted, with root running.
    pub fn boot(frames: u64) -> Self {
        let (mut kernel, mut hal) = (kernel(), Model::new(frames));
        kernel.boot(&mut hal, module(), Options::default()).expect("the bundle boots");
        Self { kernel, hal }
    }

    /// A call by the current thread, restarted until it is done; its status and value if the caller still runs.
    pub fn call(&mut self, number: u32, arguments: [u64; 5]) -> (u64, u64) {
        let me = self.kernel.current;
        for _ in 0..10_000 {
            self.call_once(number, arguments);
            let again = self.kernel.thread(me).registers.status == u64::from(number) | MARK;
            if !again || self.kernel.current != me {
                break;
            }
        }
        let registers = &self.kernel.thread(me).registers;
        (registers.status, registers.value)
    }

    /// One entry into the kernel. A status that keeps [`MARK`] means that the call is to be made again.
    pub fn call_once(&mut self, number: u32, arguments: [u64; 5]) {
        let me = self.kernel.current;
        let thread = self.kernel.threads.at_mut(usize::from(me));
        let registers = &mut thread.registers;
        [registers.badge, registers.method, registers.value, registers.fourth, registers.generation] =
            arguments;
        registers.status = u64::from(number);
        thread.resume = Resume::Call;
        let before = registers.instruction;
        let switched = match number {
            call::ipc_call => self.kernel.call_fast(arguments[0], arguments[1]).to != 0,
            call::ipc_reply_recv => self.kernel.reply_fast(arguments[1]).to != 0,
            _ => false,
        };
        if switched {
            self.finish_fast(me, number, arguments);
        } else {
            self.kernel.system_call(&mut self.hal);
        }
        let registers = &mut self.kernel.threads.at_mut(usize::from(me)).registers;
        if registers.instruction != before {
            registers.instruction = before;
            registers.status = u64::from(number) | MARK;
        }
    }

    /// What the entry code does with the registers after a fast switch.
    fn finish_fast(&mut self, from: u16, number: u32, arguments: [u64; 5]) {
        let to = self.kernel.current;
        let sender = *self.kernel.thread(from);
        let receiver = self.kernel.threads.at_mut(usize::from(to));
        let badge = receiver.badge;
        receiver.answer(0, 0);
        receiver.registers.words = sender.registers.words;
        receiver.registers.generation = sender.generation;
        if number == call::ipc_call {
            receiver.registers.badge = badge;
            receiver.registers.method = arguments[1];
        } else {
            receiver.registers.status = arguments[1];
        }
    }

    /// A call that must succeed; its value.
    pub fn must(&mut self, number: u32, arguments: [u64; 5]) -> u64 {
        let (status, value) = self.call(number, arguments);
        assert_eq!(status, 0, "call {number} {arguments:x?}: {}", self.hal.printed);
        value
    }

    /// The current realm's handle of a slot.
    pub fn handle(&self, slot: u32) -> u64 {
        self.handle_of(self.kernel.current, slot)
    }

    /// A realm's handle of a slot.
    pub fn handle_of(&self, realm: u16, slot: u32) -> u64 {
        self.kernel.capabilities.handle(Area::of(u32::from(realm)), slot)
    }

    /// Root makes a child; answers its handle and its realm.
    pub fn child(&mut self, tag: u64, priority: u64) -> (u64, u16) {
        self.child_of(1, tag, priority)
    }

    /// As `child`, of an image.
    pub fn child_of(&mut self, image: u64, tag: u64, priority: u64) -> (u64, u16) {
        let authority = self.handle(root::IMAGE);
        let program = self.must(call::image_admit, [authority, image, 0, 0, 0]);
        let authority = self.handle(root::REALM);
        let child = self.must(call::realm_create, [authority, program, tag, priority, 0]);
        self.must(call::cap_drop, [program, 0, 0, 0, 0]);
        (child, self.realm_of(child))
    }

    /// The realm behind a child handle of the current realm.
    pub fn realm_of(&self, child: u64) -> u16 {
        let area = Area::of(u32::from(self.kernel.current));
        let index = self.kernel.capabilities.find(area, child).expect("the handle is good");
        self.kernel.capabilities.0.at(index).object as u16
    }

    /// `realm_control` that must succeed.
    pub fn control(&mut self, child: u64, operation: u64, rest: [u64; 3]) -> u64 {
        self.must(call::realm_control, [child, operation, rest[0], rest[1], rest[2]])
    }

    /// The message words of a thread.
    pub fn words(&self, realm: u16) -> [u64; 6] {
        self.kernel.thread(realm).registers.words
    }

    /// Sets the current thread's message words.
    pub fn set_words(&mut self, words: [u64; 6]) {
        let me = self.kernel.current;
        self.kernel.threads.at_mut(usize::from(me)).registers.words = words;
    }

    /// Checks that every thread is in one place, and that whoever runs may.
    pub fn check(&self) {
        let kernel = &self.kernel;
        let mut ready = 0;
        let (mut owed, mut queued) = ([0; 256], [0; 256]);
        for (index, endpoint) in kernel.endpoints.iter().take(REALMS_USED) {
            let kept = endpoint.kept.iter().map(|(_, kept)| *kept);
            for caller in kept.chain([kernel.thread(index as u16).caller]).filter(|caller| *caller != GHOST) {
                owed[usize::from(caller)] += 1;
            }
            self.queue(index as u16).into_iter().for_each(|sender| queued[usize::from(sender)] += 1);
        }
        for (index, thread) in kernel.threads.iter().take(REALMS_USED).skip(1) {
            let (owed, queued) = (owed[index], queued[index]);
            let index = index as u16;
            assert_eq!(owed, usize::from(thread.state == ThreadState::Calling), "thread {index} {thread:?}");
            let waits = matches!(thread.state, ThreadState::Sending | ThreadState::Reporting);
            assert_eq!(queued, usize::from(waits), "thread {index} {:?}", thread.state);
            let receives = kernel
                .endpoints
                .iter()
                .take(REALMS_USED)
                .filter(|(_, endpoint)| endpoint.receiver == index && index != NONE);
            assert_eq!(receives.count(), usize::from(thread.state == ThreadState::Receiving));
            let notified = kernel
                .notifications
                .iter()
                .take(REALMS_USED)
                .filter(|(_, it)| it.waiter == index && index != NONE);
            assert_eq!(notified.count(), usize::from(thread.state == ThreadState::Waiting));
            let runs = thread.state == ThreadState::Running;
            assert_eq!(runs, index == kernel.current && index != NONE, "thread {index} {:?}", thread.state);
            if thread.state == ThreadState::Ready {
                ready = ready.max(thread.rank);
            }
            let alive = kernel.realms.at(usize::from(index)).state == RealmState::Running;
            let stopped =
                matches!(thread.state, ThreadState::Unused | ThreadState::Stopped | ThreadState::Reporting);
            assert_eq!(
                alive,
                !stopped,
                "thread {index} {:?} {:?}",
                thread.state,
                kernel.realms.at(usize::from(index))
            );
            assert!(thread.caller == NONE || thread.caller == GHOST || thread.caller < 256);
        }
        assert_eq!(kernel.ready.top, ready, "the queue's top is the highest ready rank");
        // The idle thread has rank 0: nobody waits while the machine idles.
        assert!(ready <= kernel.thread(kernel.current).rank, "nobody outranks the running thread");
        assert!((REALMS_USED..256).all(|realm| kernel.realms.at(realm).state == RealmState::Free));
        let mut references = vec![0; 1024];
        for (_, held) in kernel.capabilities.0.iter().take(SLOTS_USED) {
            let object = held.object as usize;
            if held.kind & !kind::DROPPED == kind::MEMORY && held.stamp == kernel.memories.at(object).stamp {
                references[object] += 1;
            }
        }
        for (_, mapping) in kernel.mappings.iter().filter(|(_, mapping)| mapping.realm != 0) {
            references[mapping.memory as usize] += 1;
        }
        for (_, thread) in kernel.threads.iter().filter(|(_, thread)| thread.unfinished < 1 << 16) {
            references[thread.unfinished as usize] += 1;
        }
        for (index, memory) in kernel.memories.iter().skip(1) {
            assert_eq!(references[index], memory.references, "memory {index}");
        }
        assert!(kernel.census().is_some(), "every object is reached from root");
        self.check_frames();
    }

    /// Every frame is free or has one owner.
    fn check_frames(&self) {
        let kernel = &self.kernel;
        let spaces = &self.hal.spaces;
        let owned =
            spaces.values().flat_map(BTreeMap::values).filter(|page| page.owner == Owner::Space).count();
        let starts = kernel.realms.iter().filter(|(_, realm)| realm.start_page != Frame(0)).count();
        let memories: u32 = kernel
            .memories
            .iter()
            .skip(1)
            .filter(|(_, memory)| memory.references > 0)
            .map(|(_, memory)| if memory.device == Frame(0) { memory.pages + 1 } else { 1 })
            .sum();
        let used = spaces.len() + owned + starts + memories as usize;
        assert_eq!(self.hal.free.len() + used, self.hal.total as usize, "frames are conserved");
    }

    fn queue(&self, realm: u16) -> Vec<u16> {
        let mut at = self.kernel.endpoints.at(usize::from(realm)).queue;
        let mut found = Vec::new();
        while at != NONE {
            found.push(at);
            assert!(found.len() <= 256, "a queue ends");
            at = self.kernel.thread(at).next;
        }
        found
    }

    /// Number of images admitted.
    #[allow(dead_code, reason = "each test file has its own copy of this module")]
    pub fn admitted(&self) -> usize {
        self.kernel.programs.iter().filter(|(_, slot)| matches!(slot, ProgramSlot::Admitted(_))).count()
    }
}

/// Realms that tests make at most, so that checks need not look at them all; and their slots.
const REALMS_USED: usize = 32;
/// See [`REALMS_USED`].
pub const SLOTS_USED: usize = 4096;

/// Set in a status that stands for "issue the call again".
pub const MARK: u64 = 1 << 63;
