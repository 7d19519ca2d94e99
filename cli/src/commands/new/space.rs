//! `space new space`

mod library;

use compiler_driver::project::is_package_name;

use crate::arguments::{Kind as Role, Language};
use crate::report::{Exit, Failure};
use crate::{bindings, toolchain};

const NAME_BYTES_MAX: usize = 63;

/// Makes a folder with a space's source, the Guest ABI in its language, and the script that builds it; or with a page.
pub fn run(name: &str, role: Option<Role>, language: Option<Language>) -> Result<(), Failure> {
    if !is_package_name(name) || name.len() > NAME_BYTES_MAX {
        return Err(Failure::new(Exit::Usage, "space-name", format!("`{name}` cannot be a space's name"))
            .help("lower-case letters, digits and `-`, first a letter, at most 63"));
    }
    let bytes = |files: Vec<(String, String)>| -> Vec<(String, Vec<u8>)> {
        files.into_iter().map(|(file, text)| (file, text.into_bytes())).collect()
    };
    match (role, language) {
        (Some(Role::Ui), None) => super::make(name, &bytes(page(name)), &["cat README.md"]),
        (Some(Role::Ui), Some(_)) => {
            Err(Failure::new(Exit::Usage, "usage", "a space of type UI is a page, which has no `--lang`")
                .help("leave `--lang` out"))
        }
        (_, None) => Err(Failure::new(Exit::Usage, "usage", "a space has a language: `--lang`")
            .help("`--lang c`, `rust`, `zig`, `go`, `tinygo` or `as`; a page is made by `--type UI`")),
        (role, Some(language)) => {
            let mut files = files(name, language);
            if let Some(role) = role {
                place(&mut files, name, role);
            }
            let next = [toolchain::install(language), "sh build.sh".into(), format!("space run {name}.wasm")];
            super::make(name, &bytes(files), &next.each_ref().map(String::as_str))
        }
    }
}

/// What makes a space of files one of an application: what it says of itself, and words on the topology.
pub fn place(files: &mut Vec<(String, String)>, name: &str, role: Role) {
    let (word, section) = match role {
        Role::Ui => ("UI", ""),
        Role::Io => ("IO", "# Devices: docs/devices.md.\nsensors: []\n"),
        Role::Data => ("DATA", "persistence:\n  quota: 1MiB\n"),
        Role::Chat => {
            ("CHAT", "# An agent of the topology, of kind LLM: docs/agents.md.\nmodel: assistant\n")
        }
        Role::Call => (
            "CALL",
            "# What `agent.invoke_df` reaches under this name: docs/agents.md.\nservice:\n  name: example\n  \
             url: https://example.com\n  methods: [GET]\n",
        ),
    };
    let text =
        format!("apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: {name}\ntype: {word}\n{section}");
    files.push(("space.yaml".to_owned(), text));
    let words = include_str!("../../../templates/space/application.md");
    if let Some((_, readme)) = files.iter_mut().find(|(file, _)| file == "README.md") {
        *readme += &words.replace("%name%", name).replace("%type%", word);
    }
}

/// A page, with the types of what it may call.
fn page(name: &str) -> Vec<(String, String)> {
    let fill = |text: &str| text.replace("%name%", name);
    let mut files = vec![
        ("index.html".to_owned(), fill(include_str!("../../../templates/space/ui/index.html"))),
        ("assets/page.css".to_owned(), include_str!("../../../templates/space/ui/page.css").to_owned()),
        ("assets/page.js".to_owned(), fill(include_str!("../../../templates/space/ui/page.js"))),
        ("space.d.ts".to_owned(), services_zdesk::SPACE_D_TS.to_owned()),
        ("README.md".to_owned(), fill(include_str!("../../../templates/space/ui/README.md"))),
    ];
    place(&mut files, name, Role::Ui);
    files
}

/// What the languages' folders differ in.
struct Kind {
    files: &'static [(&'static str, &'static str)],
    /// Where the Guest ABI and the library are.
    bindings: &'static str,
    library: &'static str,
    /// What the build leaves besides the module.
    ignored: &'static str,
    /// Name and value of the constant in the first file with which the space counts its starts.
    switch: (&'static str, &'static str),
    /// The README's words on the other way to build.
    wasi: &'static str,
}

fn kind(language: Language) -> Kind {
    match language {
        Language::C => Kind {
            files: &[
                ("main.c", include_str!("../../../templates/space/c/main.c")),
                ("build.sh", include_str!("../../../templates/space/c/build.sh")),
            ],
            bindings: "space.h",
            library: "guest.h",
            ignored: "/.guest-*.o\n",
            switch: ("KEEP_COUNT", "1"),
            wasi: "`sh build.sh wasi` builds with the C library, whose `printf` writes to the log.",
        },
        Language::Rust => Kind {
            files: &[
                ("src/lib.rs", include_str!("../../../templates/space/rust/lib.rs")),
                ("Cargo.toml", include_str!("../../../templates/space/rust/manifest.toml")),
                ("build.sh", include_str!("../../../templates/space/rust/build.sh")),
            ],
            bindings: "src/space.rs",
            library: "src/guest.rs",
            ignored: "/target\n",
            switch: ("KEEP_COUNT", "true"),
            wasi: "`sh build.sh wasi` builds with WASI, where `println!` writes to the log.",
        },
        Language::Zig => Kind {
            files: &[
                ("main.zig", include_str!("../../../templates/space/zig/main.zig")),
                ("build.sh", include_str!("../../../templates/space/zig/build.sh")),
            ],
            bindings: "space.zig",
            library: "guest.zig",
            ignored: "/.venv\n/.zig-cache\n",
            switch: ("keep_count", "true"),
            wasi: "`std.debug.print` and files are not there; `space.sys.log` writes to the log.",
        },
        Language::Go => Kind {
            files: &[
                ("main.go", include_str!("../../../templates/space/go/main.go")),
                ("go.mod", include_str!("../../../templates/space/go/go.mod")),
                ("build.sh", include_str!("../../../templates/space/go/build.sh")),
            ],
            bindings: "guest/abi",
            library: "guest/guest.go",
            ignored: "/.venv\n",
            switch: ("keepCount", "true"),
            wasi: "`fmt.Println` writes to the log.",
        },
        Language::TinyGo => Kind {
            files: &[
                ("main.go", include_str!("../../../templates/space/tinygo/main.go")),
                ("go.mod", include_str!("../../../templates/space/go/go.mod")),
                ("build.sh", include_str!("../../../templates/space/tinygo/build.sh")),
            ],
            bindings: "guest/abi",
            library: "guest/guest.go",
            ignored: "",
            switch: ("keepCount", "true"),
            wasi: "A guest of TinyGo's does without `fmt`, which makes modules large: `strconv` and `encoding/json` do its \
                   work. `main` is empty.",
        },
        Language::AssemblyScript => Kind {
            files: &[
                ("main.ts", include_str!("../../../templates/space/as/main.ts")),
                ("package.json", include_str!("../../../templates/space/as/package.json")),
                ("tsconfig.json", include_str!("../../../templates/space/as/tsconfig.json")),
                ("build.sh", include_str!("../../../templates/space/as/build.sh")),
            ],
            bindings: "space.ts",
            library: "guest.ts",
            ignored: "/node_modules\n",
            switch: ("KEEP_COUNT", "true"),
            wasi: "`tsconfig.json` is for editors.",
        },
    }
}

/// The files of a space in a language.
pub fn files(name: &str, language: Language) -> Vec<(String, String)> {
    let kind = kind(language);
    let main = kind.files.first().map_or("", |(file, _)| file);
    let fill = |text: &str| {
        toolchain::fill(text)
            .replace("%name%", name)
            .replace("%language%", toolchain::name(language))
            .replace("%install%", &toolchain::install(language))
            .replace("%main%", main)
            .replace("%bindings%", kind.bindings)
            .replace("%library%", kind.library)
            .replace("%switch%", kind.switch.0)
            .replace("%on%", kind.switch.1)
            .replace("%wasi%", kind.wasi)
    };
    let mut files: Vec<_> =
        kind.files.iter().map(|(file, content)| ((*file).to_owned(), fill(content))).collect();
    files.extend(bindings::of(language));
    files.extend(library::of(language).iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
    files.push(("README.md".to_owned(), fill(include_str!("../../../templates/space/README.md"))));
    files.push((".gitignore".to_owned(), format!("*.wasm\n/values\n{}", kind.ignored)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn nothing_is_left_to_fill_in() {
        for language in Language::value_variants() {
            let names =
                ["name", "language", "install", "main", "bindings", "library", "switch", "on", "wasi"];
            let names = names.into_iter().chain(toolchain::VERSIONS.map(|(name, _)| name));
            let left: Vec<_> = names.map(|name| format!("%{name}%")).collect();
            for (file, content) in files("demo", *language) {
                assert!(!left.iter().any(|left| content.contains(left)), "{language:?}: {file}");
            }
        }
    }

    #[test]
    fn the_switch_stands_in_the_first_file() {
        for language in Language::value_variants() {
            let kind = kind(*language);
            assert!(kind.files[0].1.contains(kind.switch.0), "{language:?}");
        }
    }
}
