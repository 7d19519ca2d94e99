//! `space new space`

use compiler_driver::project::is_package_name;

use crate::arguments::Language;
use crate::report::{Exit, Failure};
use crate::{bindings, toolchain};

const NAME_BYTES_MAX: usize = 63;

/// Makes a folder with a space's source, the Guest ABI in its language, and the script that builds it.
pub fn run(name: &str, language: Language) -> Result<(), Failure> {
    if !is_package_name(name) || name.len() > NAME_BYTES_MAX {
        return Err(Failure::new(Exit::Usage, "space-name", format!("`{name}` cannot be a space's name"))
            .help("lower-case letters, digits and `-`, first a letter, at most 63"));
    }
    let install = toolchain::install(language);
    let files: Vec<_> =
        files(name, language).into_iter().map(|(file, text)| (file, text.into_bytes())).collect();
    super::make(name, &files, &[&install, "sh build.sh", &format!("space run {name}.wasm")])
}

/// What the languages' folders differ in.
struct Kind {
    files: &'static [(&'static str, &'static str)],
    bindings: &'static str,
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
            ignored: "",
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
            bindings: "space/space.go",
            ignored: "/.venv\n",
            switch: ("keepCount", "true"),
            wasi: "`fmt.Println` writes to the log.",
        },
        Language::AssemblyScript => Kind {
            files: &[
                ("main.ts", include_str!("../../../templates/space/as/main.ts")),
                ("package.json", include_str!("../../../templates/space/as/package.json")),
                ("tsconfig.json", include_str!("../../../templates/space/as/tsconfig.json")),
                ("build.sh", include_str!("../../../templates/space/as/build.sh")),
            ],
            bindings: "space.ts",
            ignored: "/node_modules\n",
            switch: ("KEEP_COUNT", "true"),
            wasi: "`tsconfig.json` is for editors.",
        },
    }
}

fn files(name: &str, language: Language) -> Vec<(String, String)> {
    let kind = kind(language);
    let main = kind.files.first().map_or("", |(file, _)| file);
    let fill = |text: &str| {
        toolchain::fill(text)
            .replace("%name%", name)
            .replace("%language%", toolchain::name(language))
            .replace("%install%", &toolchain::install(language))
            .replace("%main%", main)
            .replace("%bindings%", kind.bindings)
            .replace("%switch%", kind.switch.0)
            .replace("%on%", kind.switch.1)
            .replace("%wasi%", kind.wasi)
    };
    let mut files: Vec<_> =
        kind.files.iter().map(|(file, content)| ((*file).to_owned(), fill(content))).collect();
    files.push((kind.bindings.to_owned(), bindings::of(language)));
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
            let names = ["name", "language", "install", "main", "bindings", "switch", "on", "wasi"];
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
