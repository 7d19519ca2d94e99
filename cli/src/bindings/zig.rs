//! `space.zig`

use std::fmt::Write as _;

use sci::guest::{ErrorCode, FUNCTIONS, Role};
use sci::limits::guest::ALL;

use super::{Argument, arguments, comment, description, head, join, modules, pascal, snake};

pub fn bindings() -> String {
    let mut text = String::new();
    comment(&mut text, "//!", &head());
    text.push_str("\n/// Error codes.\npub const codes = struct {\n");
    for code in ErrorCode::ALL {
        comment(&mut text, "    ///", &[code.meaning().to_owned()]);
        let _ = writeln!(text, "    pub const {}: i32 = {};", snake(code.name()), code.number());
    }
    text.push_str("};\n\n");
    error(&mut text);
    text.push_str("\n/// Limits.\npub const limits = struct {\n");
    for limit in ALL {
        comment(&mut text, "    ///", &[limit.summary.to_owned()]);
        let _ = writeln!(text, "    pub const {} = {};", limit.name.to_ascii_lowercase(), limit.value);
    }
    text.push_str("};\n");
    for (module, functions) in modules() {
        let _ = write!(text, "\n/// {}\npub const {} = struct {{\n", module.summary, module.name);
        for (at, function) in functions.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            comment(&mut text, "    ///", &description(function));
            let arguments = arguments(function);
            let _ = writeln!(
                text,
                "    pub fn {}({}) i32 {{\n        return raw.{}.{}({});\n    }}",
                function.item,
                join(&arguments, taken),
                function.module,
                function.item,
                join(&arguments, given)
            );
        }
        text.push_str("};\n");
    }
    text.push_str("\nconst raw = struct {\n");
    for (module, functions) in modules() {
        let _ = writeln!(text, "    const {} = struct {{", module.name);
        for function in functions {
            let parameters: Vec<String> = function
                .signature
                .parameters
                .iter()
                .map(|parameter| {
                    let kind = match parameter.role {
                        Role::Text | Role::Bytes => "[*]const u8",
                        Role::Out => "[*]u8",
                        Role::Handle => "i32",
                        Role::Length(_) | Role::Capacity => "usize",
                        _ => "u32",
                    };
                    format!("{}: {kind}", own(parameter.name))
                })
                .collect();
            let _ = writeln!(
                text,
                "        extern \"{}\" fn {}({}) i32;",
                function.module,
                function.item,
                parameters.join(", ")
            );
        }
        text.push_str("    };\n");
    }
    text.push_str("};\n");
    text
}

/// The codes as a set of errors.
fn error(text: &mut String) {
    text.push_str("/// What a call failed with; `Unknown` is a code that this table does not have.\n");
    text.push_str("pub const Error = error{\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "    {},", pascal(code.name()));
    }
    text.push_str("    Unknown,\n};\n\n/// The error of a code, which is below 0.\n");
    text.push_str("pub fn errorOf(code: i32) Error {\n    return switch (code) {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "        {} => Error.{},", code.number(), pascal(code.name()));
    }
    text.push_str(
        "        else => Error.Unknown,\n    };\n}\n\n/// The code of an error, `io` for one of \
                   another kind.\n",
    );
    text.push_str("pub fn codeOf(failure: anyerror) i32 {\n    return switch (failure) {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "        Error.{} => {},", pascal(code.name()), code.number());
    }
    text.push_str("        else => codes.io,\n    };\n}\n\n/// The name of an error.\n");
    text.push_str("pub fn nameOf(failure: Error) []const u8 {\n    return switch (failure) {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "        Error.{} => \"{}\",", pascal(code.name()), code.name());
    }
    text.push_str("        Error.Unknown => \"unknown\",\n    };\n}\n");
}

fn taken(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) | Argument::Bytes(name) => format!("{name}: []const u8"),
        Argument::Out(name) => format!("{name}: []u8"),
        Argument::Handle(name) => format!("{}: i32", own(name)),
        Argument::Number(name) => format!("{}: u32", own(name)),
    }
}

/// A parameter may not have a function's name.
fn own(name: &str) -> String {
    if FUNCTIONS.iter().any(|function| function.item == name) {
        format!("the_{name}")
    } else {
        name.to_owned()
    }
}

fn given(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) | Argument::Bytes(name) | Argument::Out(name) => {
            format!("{name}.ptr, {name}.len")
        }
        Argument::Handle(name) | Argument::Number(name) => own(name),
    }
}
