//! An image as ELF: other people's tools find its functions and lines.

use compiler_driver::{Options, PackageSource, ProjectSource, SourceFile, pipeline};
use compiler_link::elf::{Error, to_elf};
use std::path::PathBuf;
use std::process::Command;

const SOURCE: &str = "\
component Elf {
  capability console: DebugConsole(write)
}

var count: u64 = 7
var blank: [u64; 100] = [0; 100]

fn double(value: u64) -> u64 {
  return value + value
}

fn start() {
  count = double(count)
  blank[count % 100] = count
  console.write(\"elf {count}\\n\")
}
";

fn image() -> Vec<u8> {
    let file = SourceFile { name: "elf.in".into(), bytes: SOURCE.into() };
    let project = ProjectSource { packages: vec![PackageSource { path: Vec::new(), files: vec![file] }] };
    let mut compilation = pipeline::compile(&project, &Options::default());
    assert!(!compilation.components.is_empty(), "{:?}", compilation.diagnostics);
    compilation.components.remove(0).image
}

/// Writes the ELF file for a test of a name.
fn written(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, to_elf(&image()).expect("an ELF file")).expect("the file is written");
    path
}

/// What a tool prints; `None` where it is not installed.
fn output(tool: &str, arguments: &[&str], file: &PathBuf) -> Option<String> {
    let output = Command::new(tool).args(arguments).arg(file).output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool}: {errors}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn objdump_shows_functions_and_lines() {
    let file = written("objdump.elf");
    let Some(shown) = output("objdump", &["-dl"], &file) else { return };
    assert!(shown.contains("double>:"), "{shown}");
    assert!(shown.contains("elf.in:9"), "{shown}");
    assert!(shown.contains("space/text.in:"), "the library's lines too: {shown}");
    let Some(sections) = output("objdump", &["-h"], &file) else { return };
    for name in [".text", ".rodata", ".data", ".bss", ".debug_line", ".debug_info", ".debug_abbrev"] {
        assert!(sections.contains(name), "{name} in {sections}");
    }
}

#[test]
fn gdb_finds_the_line_of_a_function() {
    let file = written("gdb.elf");
    let arguments = ["-nx", "-batch", "-ex", "info line start", "-ex", "info line double"];
    let Some(shown) = output("gdb", &arguments, &file) else { return };
    assert!(shown.contains("Line 12 of \"elf.in\""), "{shown}");
    assert!(shown.contains("Line 8 of \"elf.in\""), "{shown}");
}

#[test]
fn readelf_finds_nothing_to_complain_of() {
    let file = written("readelf.elf");
    let Some(shown) = output("readelf", &["-W", "--lint", "-hlS", "-s"], &file) else { return };
    assert!(!shown.to_lowercase().contains("warning"), "{shown}");
    assert!(shown.contains("EXEC (Executable file)"), "{shown}");
}

#[test]
fn what_is_not_an_image_is_refused() {
    assert!(matches!(to_elf(b"not an image"), Err(Error::Image(_))));
}
