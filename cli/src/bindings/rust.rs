//! `src/space.rs`

use std::fmt::Write as _;

use sci::guest::{ErrorCode, Role};
use sci::limits::guest::ALL;

use super::{Argument, arguments, comment, description, head, join, modules, pascal, upper};

pub fn bindings() -> String {
    let mut text = String::new();
    comment(&mut text, "//!", &head());
    text.push_str("#![allow(dead_code)]\n\n/// Error codes.\npub mod codes {\n");
    for code in ErrorCode::ALL {
        comment(&mut text, "    ///", &[code.meaning().to_owned()]);
        let _ = writeln!(text, "    pub const {}: i32 = {};", upper(code.name()), code.number());
    }
    text.push_str("}\n\n");
    error(&mut text);
    text.push_str("\n/// Limits.\npub mod limits {\n");
    for limit in ALL {
        comment(&mut text, "    ///", &[limit.summary.to_owned()]);
        let _ = writeln!(text, "    pub const {}: usize = {};", limit.name, limit.value);
    }
    text.push_str("}\n");
    for (module, functions) in modules() {
        let _ = write!(text, "\n/// {}\npub mod {} {{\n", module.summary, module.name);
        for function in &functions {
            let arguments = arguments(function);
            comment(&mut text, "    ///", &description(function));
            let _ = writeln!(
                text,
                "    pub fn {}({}) -> i32 {{\n        unsafe {{ raw::{}({}) }}\n    }}\n",
                name(function.item),
                join(&arguments, taken),
                name(function.item),
                join(&arguments, given)
            );
        }
        let _ = writeln!(
            text,
            "    mod raw {{\n        #[link(wasm_import_module = \"{}\")]\n        extern \"C\" {{",
            module.name
        );
        for function in functions {
            let parameters = function.signature.parameters.iter().map(|parameter| {
                let kind = match parameter.role {
                    Role::Text | Role::Bytes => "*const u8",
                    Role::Out => "*mut u8",
                    Role::Handle => "i32",
                    Role::Length(_) | Role::Capacity => "usize",
                    _ => "u32",
                };
                format!("{}: {kind}", parameter.name)
            });
            let _ = writeln!(
                text,
                "            pub fn {}({}) -> i32;",
                name(function.item),
                parameters.collect::<Vec<_>>().join(", ")
            );
        }
        text.push_str("        }\n    }\n}\n");
    }
    text
}

/// The codes as a type.
fn error(text: &mut String) {
    text.push_str(
        "/// What a call failed with.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum Error {\n",
    );
    for code in ErrorCode::ALL {
        comment(text, "    ///", &[code.meaning().to_owned()]);
        let _ = writeln!(text, "    {},", pascal(code.name()));
    }
    text.push_str("    /// A code that this table does not have.\n    Other(i32),\n}\n\nimpl Error {\n");
    text.push_str("    /// The error of a code, which is below 0.\n    pub fn of(code: i32) -> Self {\n");
    text.push_str("        match code {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "            {} => Self::{},", code.number(), pascal(code.name()));
    }
    text.push_str("            other => Self::Other(other),\n        }\n    }\n\n");
    text.push_str("    /// Its code.\n    pub fn code(self) -> i32 {\n        match self {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "            Self::{} => {},", pascal(code.name()), code.number());
    }
    text.push_str("            Self::Other(code) => code,\n        }\n    }\n\n");
    text.push_str("    /// Its name.\n    pub fn name(self) -> &'static str {\n        match self {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "            Self::{} => \"{}\",", pascal(code.name()), code.name());
    }
    text.push_str("            Self::Other(_) => \"unknown\",\n        }\n    }\n}\n\n");
    text.push_str(
        "impl core::fmt::Display for Error {\n    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> \
         core::fmt::Result {\n        to.write_str(self.name())\n    }\n}\n",
    );
}

/// `yield` is a word of the language.
fn name(item: &str) -> String {
    if item == "yield" { "r#yield".to_owned() } else { item.to_owned() }
}

fn taken(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) => format!("{name}: &str"),
        Argument::Bytes(name) => format!("{name}: &[u8]"),
        Argument::Out(name) => format!("{name}: &mut [u8]"),
        Argument::Handle(name) => format!("{name}: i32"),
        Argument::Number(name) => format!("{name}: u32"),
    }
}

fn given(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) | Argument::Bytes(name) => format!("{name}.as_ptr(), {name}.len()"),
        Argument::Out(name) => format!("{name}.as_mut_ptr(), {name}.len()"),
        Argument::Handle(name) | Argument::Number(name) => (*name).to_owned(),
    }
}
