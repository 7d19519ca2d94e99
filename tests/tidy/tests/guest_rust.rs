//! The numbers that Rust components are compiled with, from the tables of `sci`. `BLESS=1 cargo test -p tests-tidy`
//! writes them anew.

use std::fmt::Write as _;

use sci::layout::{INFO_PAGE, PAGE, SLAB_IMAGE_SPAN, START_PAGE, badge, frame, info, place, start};
use sci::status::{Fault, Status};
use sci::syscall::{CALLS, thread_operation};
use sci::vocabulary::{INTERFACES, Served};
use tests_tidy::root;

const FILE: &str = "runtime/guest/rust/src/abi.rs";

/// Modules of numbers: name, what it holds, the numbers' type, and each number's name and value.
type Module = (&'static str, &'static str, &'static str, Vec<(&'static str, u64)>);

fn modules() -> Vec<Module> {
    let numbers = "u64";
    vec![
        (
            "frame",
            "The message frame.",
            numbers,
            vec![
                ("BYTES", frame::BYTES),
                ("METHOD", frame::METHOD),
                ("STATUS", frame::STATUS),
                ("BADGE", frame::BADGE),
                ("GENERATION", frame::GENERATION),
                ("CAPABILITIES", frame::CAPABILITIES),
                ("ACCEPTS", frame::ACCEPTS),
                ("METHOD_MASK", frame::METHOD_MASK),
            ],
        ),
        (
            "start",
            "The start page.",
            numbers,
            vec![
                ("PAGE", START_PAGE),
                ("SLAB_IMAGE_SPAN", SLAB_IMAGE_SPAN),
                ("WORDS", PAGE / 8),
                ("GENERATION", start::GENERATION),
                ("CAPABILITIES", start::CAPABILITIES),
                ("CAPABILITY_BYTES", start::CAPABILITY_BYTES),
                ("ENTRY_HANDLE", start::ENTRY_HANDLE),
                ("ENTRY_WINDOW", start::ENTRY_WINDOW),
                ("ENTRY_WINDOW_BYTES", start::ENTRY_WINDOW_BYTES),
                ("PARAMETERS", start::PARAMETERS),
                ("CLIENT_WINDOWS", start::CLIENT_WINDOWS),
                ("CLIENT_WINDOW_BYTES", start::CLIENT_WINDOW_BYTES),
                ("CLIENTS_MAX", sci::limits::CLIENTS_MAX.into()),
            ],
        ),
        (
            "info",
            "The info page.",
            numbers,
            vec![("PAGE", INFO_PAGE), ("TSC_HZ", info::TSC_HZ), ("TSC_BOOT", info::TSC_BOOT)],
        ),
        (
            "badge",
            "Badges.",
            numbers,
            vec![
                ("EXPORT_SHIFT", badge::EXPORT_SHIFT.into()),
                ("CLIENT_MASK", badge::CLIENT_MASK),
                ("EXPORT_NOTIFICATION", badge::EXPORT_NOTIFICATION),
            ],
        ),
        (
            "place",
            "A panic's place as the address of its fault.",
            "u32",
            vec![("LINE_BITS", place::LINE_BITS.into()), ("NAME_BITS", place::NAME_BITS.into())],
        ),
        ("fault", "Faults that the runtime raises itself.", numbers, vec![("PANIC", Fault::Panic.number())]),
        (
            "thread_operation",
            "Operations of `thread_control`.",
            numbers,
            vec![("EXIT", thread_operation::EXIT), ("FAULT", thread_operation::FAULT)],
        ),
    ]
}

fn statuses(text: &mut String) {
    text.push_str(
        "\n/// What a call answers.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n#[repr(u64)]\npub enum Status {\n",
    );
    let variant = |status: &Status| format!("{status:?}");
    for status in Status::ALL {
        let _ = writeln!(text, "    ///{}\n    {} = {},", status.meaning(), variant(status), status.number());
    }
    text.push_str("}\n\nimpl Status {\n    /// The status of a number, if there is one.\n");
    text.push_str(
        "    pub const fn from_number(number: u64) -> Option<Self> {\n        Some(match number {\n",
    );
    for status in Status::ALL {
        let _ = writeln!(text, "            {} => Self::{},", status.number(), variant(status));
    }
    text.push_str("            _ => return None,\n        })\n    }\n\n    /// The number that travels.\n");
    text.push_str(
        "    pub const fn number(self) -> u64 {\n        self as u64\n    }\n\n    /// Its name.\n",
    );
    text.push_str("    pub const fn name(self) -> &'static str {\n        match self {\n");
    for status in Status::ALL {
        let _ = writeln!(text, "            Self::{} => \"{}\",", variant(status), status.name());
    }
    text.push_str("        }\n    }\n}\n");
}

fn calls(text: &mut String) {
    text.push_str("\n/// What a kernel call answers.\n#[derive(Clone, Copy)]\n#[repr(C)]\npub struct Answer {\n    /// Status.\n");
    text.push_str("    pub status: u64,\n    /// Value.\n    pub value: u64,\n}\n\nunsafe extern \"C\" {\n");
    let mut calls = CALLS.iter().filter(|call| call.implemented).peekable();
    while let Some(call) = calls.next() {
        let arguments: Vec<String> = call
            .arguments
            .iter()
            .map(|name| {
                format!("{name}: {}", if *name == "frame" { "*mut crate::message::Frame" } else { "u64" })
            })
            .collect();
        let _ = writeln!(text, "    /// {}", call.summary);
        let (name, arguments) = (call.name, arguments.join(", "));
        let one_line = format!("    pub fn {name}({arguments}) -> Answer;");
        if one_line.len() <= 110 {
            let _ = writeln!(text, "{one_line}");
        } else {
            let lines = arguments.replace(", ", ",\n        ");
            let _ = writeln!(text, "    pub fn {name}(\n        {lines},\n    ) -> Answer;");
        }
        if calls.peek().is_some() {
            text.push('\n');
        }
    }
    text.push_str("}\n");
}

#[test]
fn numbers_of_rust_components_are_those_of_the_tables() {
    let console = sci::vocabulary::by_name("DebugConsole").expect("the vocabulary has a console");
    let write = console.method("write").expect("a console can be written to");
    let mut text = format!(
        "//! Numbers and calls, generated from the tables of `sci`.\n\n/// Method `write` of a console.\n\
         pub const CONSOLE_WRITE: u8 = {write};\n\n/// Bytes of a channel's window.\n\
         pub const WINDOW_BYTES_MAX: u64 = {};\n",
        sci::limits::WINDOW_BYTES_MAX
    );
    for (module, what, ty, numbers) in modules() {
        let _ = write!(text, "\n/// {what}\n#[allow(missing_docs, reason = \"documented in `sci`\")]\n");
        let _ = writeln!(text, "pub mod {module} {{");
        for (name, value) in numbers {
            let value = if value < 0x1_0000 { value.to_string() } else { hexadecimal(value) };
            let _ = writeln!(text, "    pub const {name}: {ty} = {value};");
        }
        text.push_str("}\n");
    }
    statuses(&mut text);
    calls(&mut text);
    methods(&mut text);
    let path = root().join(FILE);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{FILE} differs from the tables in sci; run BLESS=1 cargo test -p tests-tidy");
}

/// Calls that carry out methods of capabilities. None is given memory of the caller's, so they are safe to call.
fn methods(text: &mut String) {
    text.push_str("\n/// Kernel calls that carry out methods of capabilities; none is given memory.\npub mod method {\n");
    text.push_str("    use super::Answer;\n");
    let served = |name: &str| {
        let methods = INTERFACES.iter().flat_map(|interface| interface.methods);
        methods.into_iter().any(|method| method.served == Served::Kernel(name_of(name)))
    };
    for call in CALLS.iter().filter(|call| call.implemented && served(call.name)) {
        let (name, given) = (call.name, call.arguments.join(", "));
        let arguments: Vec<String> = call.arguments.iter().map(|name| format!("{name}: u64")).collect();
        let _ = write!(text, "\n    /// {}\n    #[inline]\n", call.summary);
        let _ = writeln!(text, "    pub fn {name}({}) -> Answer {{", arguments.join(", "));
        text.push_str("        // SAFETY: the call passes no memory.\n");
        let _ = writeln!(text, "        unsafe {{ super::{name}({given}) }}\n    }}");
    }
    text.push_str("}\n");
}

/// The name as the table has it.
fn name_of(name: &str) -> &'static str {
    sci::syscall::by_name(name).map_or("", |call| call.name)
}

/// In groups of four digits.
fn hexadecimal(value: u64) -> String {
    let digits = format!("{value:x}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(4)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    format!("0x{}", groups.join("_"))
}
