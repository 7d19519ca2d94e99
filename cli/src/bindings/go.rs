//! `guest/abi`: the packages at their documented paths, for Go and TinyGo.

use std::fmt::Write as _;

use sci::guest::{ErrorCode, Function, Module, Role};
use sci::limits::guest::ALL;

use super::{Argument, arguments, camel, comment, description, head, join, modules, pascal};

/// The module of the packages, which a space's own module has in the folder `guest`.
pub const MODULE: &str = "github.com/anrl/samoza/components/zrun/guest";

pub fn bindings() -> Vec<(String, String)> {
    let mut files = vec![
        ("guest/go.mod".to_owned(), format!("module {MODULE}\n\ngo 1.24\n")),
        ("guest/abi/abi.go".to_owned(), constants()),
    ];
    for (module, functions) in modules() {
        let path = path(module);
        let name = path.rsplit('/').next().unwrap_or(path);
        files.push((format!("guest/abi/{path}/{name}.go"), package(module, name, &functions)));
    }
    files
}

/// Sound has a path below `sys`.
fn path(module: &Module) -> &'static str {
    if module.name == "audio" { "sys/io" } else { module.name }
}

/// Codes and limits.
fn constants() -> String {
    let mut text = String::new();
    comment(&mut text, "//", &head());
    text.push_str("package abi\n\n// Error codes.\nconst (\n");
    for code in ErrorCode::ALL {
        constant(&mut text, &pascal(code.name()), &code.number().to_string(), code.meaning());
    }
    text.push_str(
        ")\n\n// Error is what a call failed with: a code.\ntype Error int32\n\n// The codes as errors.\n",
    );
    text.push_str("const (\n");
    // In columns, as `gofmt` has them.
    let columns = ErrorCode::ALL.iter().map(|code| pascal(code.name()).len()).max().unwrap_or_default();
    for code in ErrorCode::ALL {
        let name = pascal(code.name());
        let _ = writeln!(text, "\tErr{name:<columns$} Error = {name}");
    }
    text.push_str(")\n\n// Error is its name, \"unknown\" for a code that this table does not have.\n");
    text.push_str("func (failure Error) Error() string {\n\tswitch failure {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "\tcase Err{}:\n\t\treturn \"{}\"", pascal(code.name()), code.name());
    }
    text.push_str("\t}\n\treturn \"unknown\"\n}\n\n// Limits.\nconst (\n");
    for limit in ALL {
        constant(&mut text, &pascal(limit.name), &limit.value.to_string(), limit.summary);
    }
    text.push_str(")\n");
    text
}

fn constant(text: &mut String, name: &str, value: &str, meaning: &str) {
    comment(text, "\t//", &[format!("{name}: {meaning}")]);
    let _ = writeln!(text, "\t{name} = {value}");
}

fn package(module: &Module, name: &str, functions: &[&Function]) -> String {
    let mut text = String::new();
    comment(&mut text, "//", &[format!("Package {name}: {}", module.summary)]);
    let _ = writeln!(text, "package {name}");
    let has_addresses = |function: &&Function| {
        function
            .signature
            .parameters
            .iter()
            .any(|one| matches!(one.role, Role::Text | Role::Bytes | Role::Out))
    };
    if functions.iter().any(has_addresses) {
        text.push_str("\nimport \"unsafe\"\n");
    }
    for function in functions {
        let name = pascal(function.item);
        let arguments = arguments(function);
        text.push('\n');
        comment(&mut text, "//", &[format!("{name} is `{}.{}`.", function.module, function.item)]);
        comment(&mut text, "//", &description(function));
        let raw = format!("{}Raw", camel(function.item));
        let _ = writeln!(
            text,
            "func {name}({}) int32 {{\n\treturn {raw}({})\n}}\n",
            join(&arguments, taken),
            join(&arguments, given)
        );
        let _ = writeln!(text, "//go:wasmimport {} {}", function.module, function.item);
        text.push_str("//go:noescape\n");
        let _ = writeln!(text, "func {raw}({}) int32", parameters(function));
    }
    text
}

/// Addresses as every version of both compilers takes them.
fn parameters(function: &Function) -> String {
    let parameters = function.signature.parameters.iter().map(|parameter| {
        let kind = match parameter.role {
            Role::Text | Role::Bytes | Role::Out => "unsafe.Pointer",
            Role::Handle => "int32",
            _ => "uint32",
        };
        format!("{} {kind}", camel(parameter.name))
    });
    parameters.collect::<Vec<_>>().join(", ")
}

fn taken(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) => format!("{name} string"),
        Argument::Bytes(name) | Argument::Out(name) => format!("{name} []byte"),
        Argument::Handle(name) => format!("{name} int32"),
        Argument::Number(name) => format!("{name} uint32"),
    }
}

fn given(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) => format!("unsafe.Pointer(unsafe.StringData({name})), uint32(len({name}))"),
        Argument::Bytes(name) | Argument::Out(name) => {
            format!("unsafe.Pointer(unsafe.SliceData({name})), uint32(len({name}))")
        }
        Argument::Handle(name) | Argument::Number(name) => (*name).to_owned(),
    }
}
