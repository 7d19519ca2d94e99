//! Components in Rust, booted: beside `.in` components, as their servers and their clients.

use std::fs;
use std::path::Path;

use nanokernel_core::exit::Exit;
use sci::layout::place;
use sci::status::Fault;
use tests_boot::run::{Outcome, boot, boot_each};
use tests_boot::system::compile_project;

/// A crate's manifest; the dependencies that it has besides.
fn manifest(name: &str, more: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         space-guest = {{ path = \"../build/space-guest\" }}\n{more}\n[workspace]\n"
    )
}

/// Builds and boots a project of these files.
fn run(files: &[(&str, &str)]) -> Outcome {
    boot(&module(files))
}

/// Builds a project of these files; answers what boots.
fn module(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    compile_project(folder.path()).module()
}

const SERVER: &str = "pub enum Order { up, down }\n\npub enum Problem { empty, too-long(u64, i8) }\n\n\
                      pub interface Store {\n  version 1\n  fn add(line: str) -> u32 ! Problem\n  \
                      fn digest(of: str, inout into: [u8]) -> bool\n  fn sum(numbers: [i32], order: Order) -> i64\n  \
                      fn clear(sure: bool) ! Status\n}\n\n\
                      component Server {\n  capability console: DebugConsole(write)\n  export store: Store\n  \
                      param limit = 5\n  heap 128KiB\n}\n";

const IN_CLIENT: &str = "import server\n\ncomponent Asker {\n  capability console: DebugConsole(write)\n  \
    capability store: server.Store(add, digest, sum, clear)\n}\n\n\
    fn said(line: str) -> u64 {\n  return match store.add(line) {\n    ok(count) -> u64(count)\n    \
    err(server.Problem.empty) -> 100\n    err(server.Problem.too-long(n, m)) -> 200 + n + u64(-m)\n  }\n}\n\n\
    fn start() {\n  let one = said(\"one\")\n  let two = said(\"two\")\n  let missing = said(\"\")\n  \
    let long = said(\"too long\")\n  console.write(\"store {one} {two} {missing} {long}\\n\")\n  \
    var hash: [u8; 32] = [0; 32]\n  let hashed = store.digest(\"abc\", &hash)\n  let (first, last) = (hash[0], hash[31])\n  \
    console.write(\"hash {hashed} {first} {last}\\n\")\n  let numbers: [i32; 3] = [1, -20, 3]\n  \
    let up = store.sum(numbers, server.Order.up)\n  let down = store.sum(numbers, server.Order.down)\n  \
    console.write(\"sums {up} {down}\\n\")\n  store.clear(true) or return\n  store.clear(false) or {\n    \
    console.write(\"not cleared\\n\")\n    return\n  }\n}\n";

#[test]
fn a_server_in_rust_answers_a_client_in_the_language() {
    let sha2 = "sha2 = { version = \"0.10\", default-features = false }\n";
    run(&[
        ("server/Cargo.toml", &manifest("server", sha2)),
        ("server/component.in", SERVER),
        ("server/src/lib.rs", include_str!("server.rs")),
        ("asker/asker.in", IN_CLIENT),
    ])
    .says("rust server is up\n")
    .says("store 1 2 100 209\n")
    // SHA-256 of `abc` is ba7816bf … f20015ad.
    .says("hash true 186 173\n")
    .says("sums -16 16\n")
    .says("not cleared\n")
    .exits(Exit::Root(0));
}

const IN_SERVER: &str = "pub enum Fault { by-zero(i64), other }\n\npub interface Upper {\n  version 1\n  \
    fn shout(inout text: [u8]) -> u32\n  fn divide(a: i64, b: i64) -> i64 ! Fault\n}\n\n\
    component UpperServer {\n  export upper: Upper\n}\n\nimpl upper {\n  fn shout(inout text: [u8]) -> u32 {\n    \
    var changed: u32 = 0\n    for i in 0..text.len {\n      if text[i] >= 'a' && text[i] <= 'z' {\n        \
    text[i] = text[i] - 32\n        changed += 1\n      }\n    }\n    return changed\n  }\n\n  \
    fn divide(a: i64, b: i64) -> i64 ! Fault {\n    if b == 0 { return Fault.by-zero(a) }\n    return a / b\n  }\n}\n";

const RUST_CLIENT: &str = "import upper\n\ncomponent Client {\n  capability console: DebugConsole(write)\n  \
    capability shouter: upper.Upper(shout, divide)\n  capability time: Clock(now)\n  stack 32KiB\n  heap 16KiB\n}\n";

#[test]
fn a_client_in_rust_asks_a_server_in_the_language() {
    run(&[
        ("client/Cargo.toml", &manifest("client", "")),
        ("client/component.in", RUST_CLIENT),
        ("client/src/lib.rs", include_str!("client.rs")),
        ("upper/upper.in", IN_SERVER),
        (
            "system.in",
            "import upper\nimport client\n\nsystem both {\n  instance upper: upper.UpperServer { priority 30 }\n  \
             instance client: client.Client {\n    priority 20\n    grant time = clock()\n  }\n  \
             connect client.shouter -> upper.upper\n}\n",
        ),
    ])
    .says("5 SHOUT\n")
    .says("Ok(-3) Err(ByZero(1))\n")
    .says("by zero: 1\n")
    .says("areas 41\n")
    .says("strings of ")
    .says("time goes\n")
    .exits(Exit::Root(0));
}

/// A program whose component begins with these statements.
fn beginning(statements: &str) -> String {
    format!(
        "//! It fails.\n#![no_std]\nextern crate alloc;\nuse space::{{Authority, Component}};\n\n\
         space_guest::component!(Bad);\n\npub struct Bad;\n\nimpl Component for Bad {{\n    \
         fn start(authority: Authority) -> Self {{\n{statements}\n        drop(authority);\n        Self\n    }}\n}}\n"
    )
}

#[test]
fn a_panic_is_a_fault_that_names_its_line() {
    let block = "component Bad {\n  capability console: DebugConsole(write)\n}\n";
    let program =
        beginning("        let empty: [u32; 0] = [];\n        assert!(empty.len() > 1, \"no elements\");");
    let outcome = run(&[
        ("bad/Cargo.toml", &manifest("bad", "")),
        ("bad/component.in", block),
        ("bad/src/lib.rs", &program),
    ]);
    let fault = outcome.only("Bad");
    assert_eq!((fault.fault, place::unpack(fault.address).2), (Fault::Panic, 13), "{}", outcome.console);
    outcome.says("panic at src/lib.rs:13:9: no elements\n").exits(Exit::Root(1));
}

/// What a component in Rust does wrong below the language's checks, the kernel and its pages stop.
#[test]
fn what_rust_does_not_stop_the_machine_does() {
    let cases = [
        ("unsafe { core::ptr::null_mut::<u8>().write_volatile(1) }", Fault::WriteFault),
        ("unsafe { (Self::start as fn(Authority) -> Self as *mut u8).write_volatile(1) }", Fault::WriteFault),
        (
            "fn deep(n: u64) -> u64 { core::hint::black_box([n; 512])[7] + deep(n + 1) }\n deep(1);",
            Fault::StackOverflow,
        ),
        (
            "let forged = space_guest::Capability::made(77);\n space::client::DebugConsole::from(forged).flush();",
            Fault::ForgedHandle,
        ),
    ];
    for (statements, fault) in cases {
        let outcome = run(&[
            ("bad/Cargo.toml", &manifest("bad", "")),
            ("bad/component.in", "component Bad {\n  capability console: DebugConsole(write, flush)\n}\n"),
            ("bad/src/lib.rs", &beginning(statements)),
        ]);
        assert_eq!(outcome.only("Bad").fault, fault, "{statements}\n{}", outcome.console);
        outcome.exits(Exit::Root(1));
    }
}

const DRIVER: &str = "component Driver {\n  capability console: DebugConsole(write)\n  \
                      capability registers: Memory(view)\n  capability pages: Memory(view, address)\n}\n";

/// A system of one driver, whose registers are at an address.
fn driver(registers: &str, statements: &str) -> Vec<u8> {
    let system = format!(
        "import driver\n\nsystem one {{\n  instance driver: driver.Driver {{\n    \
         grant registers = registers({registers})\n    grant pages = pages(8KiB)\n  }}\n}}\n"
    );
    let program = beginning(statements).replace("Bad", "Driver");
    module(&[
        ("driver/Cargo.toml", &manifest("driver", "")),
        ("driver/component.in", DRIVER),
        ("driver/src/lib.rs", &program),
        ("system.in", &system),
    ])
}

/// A driver has its device's registers and the addresses of its own pages, on a machine that has the device.
#[test]
fn a_driver_reaches_its_device() {
    // What virtio says of itself, and what is in a page by its physical address: nothing else of memory is below it.
    let statements = "
        let (registers, pages) = (authority.registers.view(), authority.pages.view());
        let said = (registers.read::<u32>(0), registers.read::<u32>(512), registers.bytes(), pages.bytes());
        let first = authority.pages.address(8).unwrap_or_default();
        let second = authority.pages.address(4096).unwrap_or_default();
        pages.write::<u64>(8, 77);
        let kept = (pages.read::<u64>(8), first % 4096, first >> 20 > 0, second % 4096, second != first - 8);
        let beyond = authority.pages.address(8192);
        authority.console.write(&alloc::format!(\"{said:x?} {kept:?} {beyond:?}\\n\"));";
    let [qemu, here] = boot_each(&driver("0xfeb00000, 12KiB", statements));
    qemu.says("(74726976, 74726976, 3000, 2000) (77, 8, true, 0, true) Err(Argument)\n").exits(Exit::Root(0));
    here.says("space: instance 1 cannot be connected\n").exits(Exit::Root(2));
}

/// Neither memory nor the interrupt controllers are anybody's registers, and registers are nobody's code or message.
#[test]
fn registers_are_a_devices_alone() {
    for place in ["0x200000, 4KiB", "0xfec00000, 4KiB", "0xfee00000, 4KiB", "0xfebff000, 8KiB"] {
        let [qemu, _] = boot_each(&driver(place, ""));
        qemu.says("space: instance 1 cannot be connected\n").exits(Exit::Root(2));
    }
    let address = "let at = authority.registers.view().address();";
    for (statements, fault) in [
        ("let run: extern \"C\" fn() = unsafe { core::mem::transmute(at) }; run();", Fault::ExecuteFault),
        ("unsafe { space_guest::abi::ipc_reply(0, at as *mut _) };", Fault::BadPointer),
    ] {
        let [qemu, _] = boot_each(&driver("0xfeb00000, 4KiB", &format!("{address}\n{statements}")));
        assert_eq!(qemu.only("Driver").fault, fault, "{statements}\n{}", qemu.console);
    }
}
