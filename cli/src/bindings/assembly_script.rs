//! `space.ts`

use std::fmt::Write as _;

use sci::guest::{ErrorCode, Role};
use sci::limits::guest::ALL;

use super::{Argument, arguments, camel, comment, description, head, join, modules, upper};

pub fn bindings() -> String {
    let mut text = String::new();
    comment(&mut text, "//", &head());
    text.push_str("\n/** Error codes. */\nexport namespace codes {\n");
    for code in ErrorCode::ALL {
        comment(&mut text, "  //", &[code.meaning().to_owned()]);
        let _ = writeln!(text, "  export const {}: i32 = {};", upper(code.name()), code.number());
    }
    text.push_str("}\n\n/** The name of an error code, `unknown` for what is none. */\n");
    text.push_str("export function errorName(code: i32): string {\n  switch (code) {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "    case {}: return \"{}\";", code.number(), code.name());
    }
    text.push_str("    default: return \"unknown\";\n  }\n}\n");
    text.push_str("\n/** Limits. */\nexport namespace limits {\n");
    for limit in ALL {
        comment(&mut text, "  //", &[limit.summary.to_owned()]);
        let _ = writeln!(text, "  export const {}: i32 = {};", limit.name, limit.value);
    }
    text.push_str("}\n");
    for (module, functions) in modules() {
        let _ = write!(text, "\n// {}: {}\n", module.name, module.summary);
        for function in functions {
            let name = camel(&format!("{}.{}", function.module, function.item));
            let arguments = arguments(function);
            text.push_str("\n/**\n");
            comment(&mut text, " *", &description(function));
            text.push_str(" */\n");
            let _ = writeln!(text, "export function {name}({}): i32 {{", join(&arguments, taken));
            for argument in &arguments {
                if let Argument::Text(name) = argument {
                    let _ = writeln!(text, "  const {name}Text = String.UTF8.encode({name});");
                }
            }
            let parameters = function.signature.parameters.iter().map(|parameter| {
                let kind = match parameter.role {
                    Role::Text | Role::Bytes | Role::Out => "usize",
                    Role::Length(_) | Role::Capacity | Role::Handle => "i32",
                    _ => "u32",
                };
                format!("{}: {kind}", parameter.name)
            });
            let _ = writeln!(
                text,
                "  return {name}Raw({});\n}}\n\n@external(\"{}\", \"{}\")\ndeclare function {name}Raw({}): i32;",
                join(&arguments, given),
                function.module,
                function.item,
                parameters.collect::<Vec<_>>().join(", ")
            );
        }
    }
    text
}

fn taken(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) => format!("{name}: string"),
        Argument::Bytes(name) | Argument::Out(name) => format!("{name}: Uint8Array"),
        Argument::Handle(name) => format!("{name}: i32"),
        Argument::Number(name) => format!("{name}: u32"),
    }
}

fn given(argument: &Argument) -> String {
    match argument {
        Argument::Text(name) => format!("changetype<usize>({name}Text), {name}Text.byteLength"),
        Argument::Bytes(name) | Argument::Out(name) => format!("{name}.dataStart, {name}.length"),
        Argument::Handle(name) | Argument::Number(name) => (*name).to_owned(),
    }
}
