//! The Guest ABI in the languages that spaces are written in: declarations from the table in `sci::guest`.

mod assembly_script;
mod c;
mod go;
mod rust;
mod zig;

use std::fmt::Write as _;

use sci::guest::{FUNCTIONS, Function, MODULES, Module, Role, VERSIONS};

use crate::arguments::Language;

/// The declarations for a language: files in a space's folder, and what they say.
pub fn of(language: Language) -> Vec<(String, String)> {
    let one = |file: &str, text: String| vec![(file.to_owned(), text)];
    match language {
        Language::C => one("space.h", c::bindings()),
        Language::Rust => one("src/space.rs", rust::bindings()),
        Language::Zig => one("space.zig", zig::bindings()),
        Language::Go | Language::TinyGo => go::bindings(),
        Language::AssemblyScript => one("space.ts", assembly_script::bindings()),
    }
}

/// What a function takes, seen by a language that has slices: an address and its length are one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    /// UTF-8 text.
    Text(&'static str),
    /// Bytes to read.
    Bytes(&'static str),
    /// A buffer to write to.
    Out(&'static str),
    /// A handle that an earlier call answered.
    Handle(&'static str),
    /// A number that is not negative.
    Number(&'static str),
}

fn arguments(function: &Function) -> Vec<Argument> {
    let arguments = function.signature.parameters.iter().filter_map(|parameter| {
        let name = parameter.name.trim_end_matches("_ptr");
        match parameter.role {
            Role::Text => Some(Argument::Text(name)),
            Role::Bytes => Some(Argument::Bytes(name)),
            Role::Out => Some(Argument::Out(name)),
            Role::Handle => Some(Argument::Handle(name)),
            Role::Length(_) | Role::Capacity => None,
            Role::Milliseconds(_) | Role::Seconds | Role::Mode | Role::Flag | Role::Pointer | Role::Plain => {
                Some(Argument::Number(name))
            }
        }
    });
    arguments.collect()
}

fn join(arguments: &[Argument], each: fn(&Argument) -> String) -> String {
    arguments.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// What a function does, what it needs, and its bounds, a paragraph each.
fn description(function: &Function) -> Vec<String> {
    let mut text = vec![function.summary.to_owned()];
    if !function.served {
        text.push("Not served yet: answers `unsupported`.".to_owned());
    }
    let names: Vec<_> =
        function.capabilities.iter().map(|capability| format!("`{}`", capability.name())).collect();
    if !names.is_empty() {
        text.push(format!("Capability: {}.", names.join(" or ")));
    }
    let mut before = "";
    let mut bounds = Vec::new();
    for parameter in function.signature.parameters {
        match parameter.role {
            Role::Length(most) => bounds.push(format!("`{before}` has at most {most} bytes")),
            Role::Milliseconds(most) => bounds.push(format!("`{}` is at most {most}", parameter.name)),
            _ => {}
        }
        before = parameter.name.trim_end_matches("_ptr");
    }
    if !bounds.is_empty() {
        text.push(format!("{}.", bounds.join(", ")));
    }
    text
}

/// What stands at the head of every file.
fn head() -> Vec<String> {
    vec![
        format!(
            "The Guest ABI, version {}: what a space imports from its host. Made by `space new` from the table that \
             hosts serve; docs/guest-abi.md describes it in full.",
            VERSIONS.len()
        ),
        "A result is 0 for success, below 0 an error code, above 0 bytes, a count or a handle. Where a result does \
         not fit `out`, the call answers the bytes that it needs, more than the buffer has, and writes nothing. \
         The host keeps no address past a call."
            .to_owned(),
        "A space imports only what it uses, and is refused by name where that was not granted.".to_owned(),
    ]
}

/// Lines of comments, a paragraph each.
fn comment(text: &mut String, prefix: &str, paragraphs: &[String]) {
    const COLUMNS: usize = 100;
    for paragraph in paragraphs {
        let mut line = prefix.to_owned();
        for word in paragraph.split(' ') {
            if line.len() + 1 + word.len() > COLUMNS && line.len() > prefix.len() {
                let _ = writeln!(text, "{line}");
                prefix.clone_into(&mut line);
            }
            let _ = write!(line, " {word}");
        }
        let _ = writeln!(text, "{line}");
    }
}

/// Every module and its functions.
fn modules() -> impl Iterator<Item = (&'static Module, Vec<&'static Function>)> {
    MODULES
        .iter()
        .map(|module| (module, FUNCTIONS.iter().filter(|function| function.module == module.name).collect()))
}

/// A name where a language's own words separate with `_`.
fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// `not-found` and `data.blob_open` with another join: `NOT_FOUND`, `blobOpen`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '_', '.'])
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn upper(name: &str) -> String {
    words(name).map(str::to_ascii_uppercase).collect::<Vec<_>>().join("_")
}

fn pascal(name: &str) -> String {
    words(name).map(|word| capitalised(&word.to_ascii_lowercase())).collect()
}

fn camel(name: &str) -> String {
    let mut words = words(name);
    words.next().unwrap_or_default().to_owned() + &words.map(capitalised).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;
    use sci::guest::{ErrorCode, by_name};
    use sci::limits::guest::ALL;

    #[test]
    fn an_address_and_its_length_are_one_argument() {
        let get = by_name("data.get").expect("it is in the table");
        assert_eq!(arguments(get), [Argument::Text("key"), Argument::Out("out")]);
        let write = by_name("data.blob_write").expect("it is in the table");
        assert_eq!(arguments(write), [Argument::Handle("handle"), Argument::Bytes("chunk")]);
        assert!(
            description(get).contains(&"`key` has at most 512 bytes.".to_owned()),
            "{:?}",
            description(get)
        );
    }

    /// How a language's declarations name an import of a module.
    fn import(language: Language, function: &Function) -> String {
        let (module, item) = (function.module, function.item);
        match language {
            Language::C => format!("SPACE_IMPORT({module}, {item})\nint32_t {module}_{item}("),
            Language::Rust if item == "yield" => "pub fn r#yield() -> i32;".to_owned(),
            Language::Rust => format!("            pub fn {item}("),
            Language::Zig => format!("extern \"{module}\" fn {item}("),
            Language::Go | Language::TinyGo => format!("//go:wasmimport {module} {item}\n"),
            Language::AssemblyScript => format!("@external(\"{module}\", \"{item}\")\n"),
        }
    }

    #[test]
    fn every_language_has_the_whole_table_and_no_more() {
        for language in Language::value_variants() {
            let text: String = of(*language).into_iter().map(|(_, text)| text).collect();
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            // Comments begin anew on every line.
            let flat =
                ["///", "//", "*"].iter().fold(flat, |flat, mark| flat.replace(&format!(" {mark} "), " "));
            for function in FUNCTIONS {
                let name = format!("{}.{}", function.module, function.item);
                assert!(flat.contains(function.summary), "{language:?}: {name}");
                let import = import(*language, function);
                let is_of_module = *language != Language::Rust || {
                    let link = format!("#[link(wasm_import_module = \"{}\")]", function.module);
                    let block = text.split_once(&link).and_then(|(_, rest)| rest.split_once("\n        }\n"));
                    block.is_some_and(|(block, _)| block.contains(&import))
                };
                assert!(text.contains(&import) && is_of_module, "{language:?}: {name}: {import}");
            }
            let marks = match language {
                Language::C => "SPACE_IMPORT(",
                Language::Rust => "            pub fn ",
                Language::Zig => "        extern ",
                Language::Go | Language::TinyGo => "//go:wasmimport",
                Language::AssemblyScript => "@external(",
            };
            // The macro of C itself is one more.
            let more = usize::from(*language == Language::C);
            assert_eq!(text.matches(marks).count(), FUNCTIONS.len() + more, "{language:?}");
            for code in ErrorCode::ALL {
                assert!(flat.contains(code.meaning()), "{language:?}: {}", code.name());
                assert!(flat.contains(&code.number().to_string()), "{language:?}: {}", code.name());
                assert!(text.contains(&format!("\"{}\"", code.name())), "{language:?}: {}", code.name());
            }
            for limit in ALL {
                assert!(flat.contains(&limit.value.to_string()), "{language:?}: {}", limit.name);
            }
            assert!(!text.contains('%') && text.lines().all(|line| line.trim_end() == line), "{language:?}");
        }
    }

    #[test]
    fn go_has_the_documented_paths() {
        let files: Vec<String> = of(Language::TinyGo).into_iter().map(|(file, _)| file).collect();
        for package in ["net", "data", "node", "sys", "ic", "agent", "mem", "z", "sys/io"] {
            let name = package.rsplit('/').next().expect("it has a name");
            let file = format!("guest/abi/{package}/{name}.go");
            assert!(files.contains(&file), "{file}: {files:?}");
        }
    }
}
