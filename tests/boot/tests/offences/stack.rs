//! The stack that an image declares is what its code needs: enough, whatever the size of its frames.

use nanokernel_core::exit::Exit;
use std::fmt::Write;
use tests_boot::run::boot;
use tests_boot::system::compile;

/// Frames below and above the distance of the stack probes, and just beside it.
const LOCALS: [u32; 8] = [1_000, 4_000, 4_080, 4_100, 8_192, 12_000, 20_000, 40_000];

#[test]
fn large_frames_fit_their_stack() {
    let mut system = String::new();
    let mut instances = String::new();
    let mut sources = Vec::new();
    for bytes in LOCALS {
        writeln!(system, "import deep{bytes}").unwrap();
        writeln!(instances, "  instance deep{bytes}: deep{bytes}.Deep {{ priority 20 }}").unwrap();
        let source = format!(
            "component Deep {{\n  capability console: DebugConsole(write)\n}}\n\n\
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
