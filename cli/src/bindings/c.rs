//! `space.h`

use std::fmt::Write as _;

use sci::guest::{ErrorCode, Function, Role};
use sci::limits::guest::ALL;

use super::{comment, description, head, modules, upper};

pub fn bindings() -> String {
    let mut text = String::new();
    comment(&mut text, "//", &head());
    text.push_str("#ifndef SPACE_H\n#define SPACE_H\n\n#include <stdint.h>\n\n");
    text.push_str(
        "// Before a function that the host calls: SPACE_EXPORT(on_init) void on_init(void) { ... }\n",
    );
    text.push_str("#define SPACE_EXPORT(name) __attribute__((export_name(#name)))\n");
    text.push_str(
        "#define SPACE_IMPORT(module, name) __attribute__((import_module(#module), import_name(#name)))\n",
    );
    text.push_str("\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n// Error codes.\nenum {\n");
    for code in ErrorCode::ALL {
        comment(&mut text, "    //", &[code.meaning().to_owned()]);
        let _ = writeln!(text, "    SPACE_{} = {},", upper(code.name()), code.number());
    }
    text.push_str("};\n\n// Limits.\nenum {\n");
    for limit in ALL {
        comment(&mut text, "    //", &[limit.summary.to_owned()]);
        let _ = writeln!(text, "    SPACE_{} = {},", limit.name, limit.value);
    }
    text.push_str("};\n\n// The name of an error code, `unknown` for what is none.\n");
    text.push_str("static inline const char *space_error(int32_t code) {\n    switch (code) {\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "        case {}: return \"{}\";", code.number(), code.name());
    }
    text.push_str("        default: return \"unknown\";\n    }\n}\n");
    for (module, functions) in modules() {
        let _ = write!(text, "\n// {}: {}\n", module.name, module.summary);
        for function in functions {
            text.push('\n');
            comment(&mut text, "//", &description(function));
            let (module, item) = (function.module, function.item);
            let _ = writeln!(text, "SPACE_IMPORT({module}, {item})");
            let _ = writeln!(text, "int32_t {module}_{item}({});", parameters(function));
        }
    }
    text.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    text
}

fn parameters(function: &Function) -> String {
    let parameters = function.signature.parameters.iter().map(|parameter| {
        let kind = match parameter.role {
            Role::Text => "const char *",
            Role::Bytes => "const void *",
            Role::Out => "void *",
            Role::Handle => "int32_t ",
            _ => "uint32_t ",
        };
        format!("{kind}{}", parameter.name.trim_end_matches("_ptr"))
    });
    let parameters: Vec<String> = parameters.collect();
    if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") }
}
