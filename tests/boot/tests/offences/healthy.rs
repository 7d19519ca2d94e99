//! What components that do nothing wrong may count on.

use nanokernel_core::exit::Exit;
use std::fmt::Write;
use tests_boot::run::boot;
use tests_boot::system::compile;

/// Frames below and above the distance of the stack probes, and just beside it.
const LOCALS: [u32; 8] = [1_000, 4_000, 4_080, 4_100, 8_192, 12_000, 20_000, 40_000];

/// The stack that an image declares is what its code needs: enough, whatever the size of its frames.
#[test]
fn large_frames_fit_their_stack() {
    let mut system = String::new();
    let mut instances = String::new();
    let mut sources = Vec::new();
    for bytes in LOCALS {
        writeln!(system, "import deep{bytes}").unwrap();
        writeln!(instances, "  instance deep{bytes}: deep{bytes}.Deep{bytes} {{ priority 20 }}").unwrap();
        let source = format!(
            "component Deep{bytes} {{\n  capability console: DebugConsole(write)\n}}\n\n\
             fn inner(at: u64) -> u8 {{\n  var local: [u8; {bytes}] = [1; {bytes}]\n  local[at] = 6\n  \
             return local[at] + local[0]\n}}\n\n\
             fn start() {{\n  console.write(\"{bytes} bytes: {{inner({bytes} - 1)}}\\n\")\n}}\n"
        );
        sources.push((format!("deep{bytes}"), source));
    }
    write!(system, "\nsystem frames {{\n{instances}}}\n").unwrap();
    let mut packages = vec![("system", system.as_str())];
    packages.extend(sources.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let outcome = boot(&compile(&packages).module());
    for bytes in LOCALS {
        outcome.says(&format!("{bytes} bytes: 7"));
    }
    outcome.exits(Exit::Root(0));
}

const ECHO: &str = "pub interface Echo {\n  version 1\n  fn length(text: str) -> u64\n  \
                    fn both(first: str, second: u64, third: str) -> u64\n}\n\n\
                    component Server {\n  capability console: DebugConsole(write)\n  export echo: Echo\n}\n\n\
                    impl echo {\n  fn length(text: str) -> u64 { return text.bytes.len }\n\n  \
                    fn both(first: str, second: u64, third: str) -> u64 {\n    \
                    console.write(\"first={first} second={second} third={third}\\n\")\n    return second\n  }\n}\n";

/// An argument that is itself a message to the same server leaves the arguments before it as they were.
#[test]
fn arguments_have_their_values_before_the_message_is_written() {
    let system = "import echo\nimport client\n\nsystem nested {\n  instance echo: echo.Server { priority 40 }\n  \
                  instance client: client.Client { priority 30 }\n  connect client.server -> echo.echo\n}\n";
    let client = "import echo\n\ncomponent Client {\n  capability console: DebugConsole(write)\n  \
                  capability server: echo.Echo(length, both)\n}\n\n\
                  fn inner(n: u64) -> u64 {\n  console.write(\"inner {n}\\n\")\n  return n + 1\n}\n\n\
                  fn start() {\n  let six = \"six\"\n  let sum = server.both(\"one\", server.length(\"four\"), \"five {server.length(six)}\")\n  \
                  console.write(\"outer {inner(20)} and {inner(30)} of {sum}\\n\")\n}\n";
    let outcome = boot(&compile(&[("system", system), ("echo", ECHO), ("client", client)]).module());
    outcome
        .says("first=one second=4 third=five 3")
        .says("inner 20\n")
        .says("inner 30\n")
        .says("outer 21 and 31 of 4")
        .exits(Exit::Root(0));
}

/// State of a package without a component belongs to each component that uses it.
#[test]
fn library_state_is_each_components_own() {
    let system = "import one\nimport two\n\nsystem counted {\n  instance one: one.One { priority 40 }\n  \
                  instance two: two.Two { priority 30 }\n}\n";
    let library = "struct Entry { size: u32 }\n\nvar entries: Table[Entry, 4] = Table.empty()\nvar seen: u32 = 40\n\n\
                   pub fn add(size: u32) -> u64 {\n  entries.insert(Entry { size })\n  seen += size\n  \
                   return entries.len\n}\n\npub fn total() -> u32 { return seen }\n";
    let user = |name: &str, adds: &str| {
        format!(
            "import library\n\ncomponent {name} {{\n  capability console: DebugConsole(write)\n}}\n\n\
             fn start() {{\n{adds}  let count = library.add(1)\n  \
             console.write(\"{name} {{count}} {{library.total()}}\\n\")\n}}\n"
        )
    };
    let (one, two) = (user("One", "  library.add(2)\n"), user("Two", ""));
    let packages = [("system", system), ("library", library), ("one", &one), ("two", &two)];
    boot(&compile(&packages).module()).says("One 2 43").says("Two 1 41").exits(Exit::Root(0));
}

/// What a component prints is its own, whatever it looks like.
#[test]
fn no_text_passes_for_the_kernels() {
    let line = "space: fault realm=Peer generation=1 fault=overflow offset=0x40001020 address=0x0 instance=1 detail=0x0";
    let liar = format!(
        "component Liar {{\n  capability console: DebugConsole(write)\n}}\n\n\
         fn start() {{\n  console.write(\"{line}\\n\")\n  console.write(\"\\u{{1e}}{line}\\n\")\n}}\n"
    );
    let system = "import liar\n\nsystem lies {\n  instance liar: liar.Liar { priority 20 }\n}\n";
    let outcome = boot(&compile(&[("system", system), ("liar", &liar)]).module());
    outcome.says(&format!("?{line}")).exits(Exit::Root(0));
    assert!(outcome.of("Peer").is_empty(), "{:?}", outcome.faults);
}

/// A parameter has the value that the system gives it, else the one that its component gives it; a restart keeps both.
#[test]
fn parameters_have_their_values() {
    let system = "import one\n\nsystem values {\n  instance given: one.One { priority 30; param second = 9 }\n  \
                  instance plain: one.One { priority 20 }\n}\n";
    let one = "component One {\n  capability console: DebugConsole(write)\n  restart on-fault\n  param first = 27\n  \
               param second = 5\n}\n\nfn start() {\n  console.write(\"values {first} {second}\\n\")\n  \
               assert second == 5\n}\n";
    let outcome = boot(&compile(&[("system", system), ("one", one)]).module());
    let count = |line: &str| outcome.console.lines().filter(|found| found.trim_end() == line).count();
    assert_eq!((count("values 27 9"), count("values 27 5")), (6, 1), "{}", outcome.console);
}
