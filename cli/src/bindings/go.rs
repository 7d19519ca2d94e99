//! `space/space.go`

use std::fmt::Write as _;

use sci::guest::{ErrorCode, Function, Role};
use sci::limits::guest::ALL;

use super::{Argument, arguments, camel, comment, description, head, join, modules, pascal};

pub fn bindings() -> String {
    let mut text = String::new();
    comment(&mut text, "//", &head());
    text.push_str("package space\n\nimport \"unsafe\"\n\n// Error codes.\nconst (\n");
    let codes = ErrorCode::ALL
        .iter()
        .map(|code| (format!("Err{}", pascal(code.name())), code.number().to_string(), code.meaning()));
    constants(&mut text, codes);
    text.push_str(")\n\n// Limits.\nconst (\n");
    constants(
        &mut text,
        ALL.iter().map(|limit| (pascal(limit.name), limit.value.to_string(), limit.summary)),
    );
    text.push_str(")\n");
    for (module, functions) in modules() {
        let _ = write!(text, "\n// {}: {}\n", module.name, module.summary);
        for function in functions {
            let name = pascal(&format!("{}.{}", function.module, function.item));
            let arguments = arguments(function);
            text.push('\n');
            comment(&mut text, "//", &[format!("{name} is `{}.{}`.", function.module, function.item)]);
            comment(&mut text, "//", &description(function));
            let _ = writeln!(
                text,
                "func {name}({}) int32 {{\n\treturn {}({})\n}}\n",
                join(&arguments, taken),
                raw_name(function),
                join(&arguments, given)
            );
            let _ = writeln!(text, "//go:wasmimport {} {}", function.module, function.item);
            text.push_str("//go:noescape\n");
            let _ = writeln!(text, "func {}({}) int32", raw_name(function), raw(function));
        }
    }
    text
}

fn constants(text: &mut String, all: impl Iterator<Item = (String, String, &'static str)>) {
    for (name, value, meaning) in all {
        comment(text, "\t//", &[format!("{name}: {meaning}")]);
        let _ = writeln!(text, "\t{name} = {value}");
    }
}

fn raw_name(function: &Function) -> String {
    camel(&format!("{}.{}", function.module, function.item))
}

/// The compiler passes a string as its address and length.
fn raw(function: &Function) -> String {
    let mut parameters = Vec::new();
    let mut is_text = false;
    for parameter in function.signature.parameters {
        let name = camel(parameter.name.trim_end_matches("_ptr"));
        match parameter.role {
            Role::Text => parameters.push(format!("{name} string")),
            Role::Bytes | Role::Out => parameters.push(format!("{name} *byte")),
            Role::Length(_) if is_text => {}
            Role::Handle => parameters.push(format!("{name} int32")),
            _ => parameters.push(format!("{name} uint32")),
        }
        is_text = parameter.role == Role::Text;
    }
    parameters.join(", ")
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
        Argument::Bytes(name) | Argument::Out(name) => {
            format!("unsafe.SliceData({name}), uint32(len({name}))")
        }
        Argument::Text(name) | Argument::Handle(name) | Argument::Number(name) => (*name).to_owned(),
    }
}
