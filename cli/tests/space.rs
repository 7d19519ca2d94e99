//! `space new space`: what it makes, and that it builds and runs.
//!
//! A language whose tools are missing is left out, loudly. `tests/guests/rebuild tools` fetches those that do not come
//! from the system.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Place, Said};
use sci::guest::{FUNCTIONS, GuestCapability, MODULES};

/// Where packages for Go and TinyGo are found.
const GO_MODULE: &str = "github.com/anrl/samoza/components/zrun/guest";

/// `--lang`, the language, the source, and the switch for the count: before, off, on.
const LANGUAGES: [(&str, &str, &str, [&str; 3]); 6] = [
    ("c", "C", "main.c", ["KEEP_COUNT ", "0", "1"]),
    ("rust", "Rust", "src/lib.rs", ["KEEP_COUNT: bool = ", "false", "true"]),
    ("zig", "Zig", "main.zig", ["keep_count = ", "false", "true"]),
    ("go", "Go", "main.go", ["keepCount = ", "false", "true"]),
    ("tinygo", "TinyGo", "main.go", ["keepCount = ", "false", "true"]),
    ("as", "AssemblyScript", "main.ts", ["KEEP_COUNT: bool = ", "false", "true"]),
];

/// Where the tools of the tests' guests lie.
fn tools() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/guests");
    std::env::var_os("SPACE_GUESTS").map_or_else(|| default.into(), PathBuf::from)
}

fn build(folder: &Path, arguments: &[&str]) -> Output {
    let modules = tools().join("node_modules");
    if modules.is_dir() && !folder.join("node_modules").exists() {
        std::os::unix::fs::symlink(modules, folder.join("node_modules")).expect("the folder is ours");
    }
    let path = std::env::var("PATH").expect("there is a path");
    Command::new("sh")
        .arg("build.sh")
        .args(arguments)
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", tools().join("venv/bin").display()))
        .output()
        .expect("there is a shell")
}

/// Builds; `false`, and a line that says so, where the tools are missing.
#[track_caller]
fn built(folder: &Path, arguments: &[&str]) -> bool {
    let output = build(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return true;
    }
    assert!(said.starts_with("build.sh: ") && said.lines().count() >= 2, "{said}");
    eprintln!("skipped: {said}");
    false
}

fn with(language: &str) -> (Place, PathBuf) {
    let place = Place::new();
    place.call("", &["new", "space", "my-greeter", "--lang", language]).succeeds();
    let folder = place.path("my-greeter");
    (place, folder)
}

fn run(place: &Place, more: &[&str]) -> Said {
    place.call("my-greeter", &[&["run"], more, &["my-greeter.wasm"]].concat())
}

#[test]
fn every_language_makes_a_space_that_greets() {
    for (language, name, _, _) in LANGUAGES {
        let (place, folder) = with(language);
        if built(&folder, &[]) {
            let expected = format!("hello from my-greeter, a space in {name}\nmessages: 0\n");
            assert_eq!(run(&place, &[]).succeeds(), expected);
            let readme = std::fs::read_to_string(folder.join("README.md")).expect("there is one");
            assert!(readme.contains(&expected), "{readme}");
        }
    }
}

#[test]
fn the_greeting_is_the_same_with_the_languages_library() {
    for (language, name) in [("c", "C"), ("rust", "Rust")] {
        let (place, folder) = with(language);
        if built(&folder, &["wasi"]) {
            assert!(
                run(&place, &[])
                    .succeeds()
                    .starts_with(&format!("hello from my-greeter, a space in {name}\n"))
            );
        }
    }
}

#[test]
fn the_library_in_c_is_compiled_when_it_changes() {
    let (_place, folder) = with("c");
    if !built(&folder, &[]) {
        return;
    }
    // Its objects: of what they were compiled, and when.
    let objects = || -> Vec<_> {
        let entries = std::fs::read_dir(&folder).expect("it is there").map(|entry| entry.expect("an entry"));
        let objects = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".guest-"));
        let when =
            |entry: std::fs::DirEntry| entry.metadata().and_then(|data| data.modified()).expect("it has one");
        objects.map(|entry| (entry.file_name(), when(entry))).collect()
    };
    let first = objects();
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(built(&folder, &[]) && objects() == first, "it is there already");
    for changed in ["guest.c", "guest.h", "space.h"] {
        let file = folder.join(changed);
        let before = std::fs::read(&file).expect("it is there");
        std::fs::write(&file, [&before, b"\n".as_slice()].concat()).expect("the folder is ours");
        assert!(built(&folder, &[]), "{changed}");
        assert!(objects().len() == 1 && objects()[0].0 != first[0].0, "{changed}: {:?}", objects());
        std::fs::write(&file, before).expect("the folder is ours");
        assert!(built(&folder, &[]) && objects()[0].0 == first[0].0, "{changed}: {:?}", objects());
    }
    if built(&folder, &["wasi"]) {
        assert_ne!(objects()[0].0, first[0].0, "that is another one");
    }
}

#[test]
fn a_space_that_keeps_a_count_says_what_it_needs() {
    for (language, _, file, [before, off, on]) in LANGUAGES {
        let (place, folder) = with(language);
        let source = std::fs::read_to_string(folder.join(file)).expect("there is a source");
        let (off, on) = (format!("{before}{off}"), format!("{before}{on}"));
        assert!(source.contains(&off), "{language}");
        std::fs::write(folder.join(file), source.replace(&off, &on)).expect("the folder is ours");
        if !built(&folder, &[]) {
            continue;
        }
        run(&place, &[]).refuses(1, "needs the capability `data.");
        let grant = ["--grant", "data.read,data.write", "--data", "values"];
        for count in 1..=2 {
            let said = run(&place, &grant).succeeds();
            assert!(said.contains(&format!("starts so far: {count}\n")), "{language}: {said}");
        }
    }
}

#[test]
fn a_script_says_what_is_missing() {
    for (language, _, _, _) in LANGUAGES {
        let (place, folder) = with(language);
        let empty = folder.join("empty");
        std::fs::create_dir(&empty).expect("the folder is ours");
        for program in ["sh", "dirname"] {
            let found = ["/usr/bin", "/bin"].iter().map(|place| Path::new(place).join(program));
            let found = found.into_iter().find(|place| place.is_file()).expect("every system has it");
            std::os::unix::fs::symlink(found, empty.join(program)).expect("the folder is ours");
        }
        let output = Command::new(empty.join("sh"))
            .arg("build.sh")
            .current_dir(&folder)
            .env_clear()
            .env("PATH", &empty)
            .output()
            .expect("there is a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(output.status.code(), Some(1), "{language}: {said}");
        assert!(lines[0].starts_with("build.sh: there is no "), "{language}: {said}");
        assert!(lines[1].starts_with("  ") && lines[1].contains("install"), "{language}: {said}");
        let empty = empty.to_str().expect("it is UTF-8");
        let doctor = place.call_with(&folder, &["doctor"], &[("PATH", empty)]).out;
        let absent = format!("absent   {language:<8} ");
        assert!(doctor.contains(&absent) && doctor.contains(lines[1].trim()), "{language}: {doctor}");
    }
}

#[test]
fn wrong_names_and_languages_are_refused() {
    let place = Place::new();
    let new = |arguments: &[&str]| place.call("", &[&["new"], arguments].concat());
    new(&["space", "Greeter", "--lang", "c"]).refuses(2, "error[space-name]");
    new(&["space", &"a".repeat(64), "--lang", "c"]).refuses(2, "at most 63");
    new(&["space", "greeter"]).refuses(2, "--lang");
    new(&["space", "greeter", "--lang", "cobol"]).refuses(2, "c, rust, zig, go, tinygo, as");
    new(&["space"]).refuses(2, "error[usage]");
    new(&["spice", "greeter", "--lang", "c"]).fails(
        2,
        "error[usage]: `greeter` is one word too many\n\
         help: `space new <name>` makes a project, `space new space <name> --lang c` a guest\n",
    );
    new(&["space", "greeter", "--lang", "c"]).succeeds();
    new(&["space", "greeter", "--lang", "go"]).refuses(2, "error[folder-exists]");
}

#[test]
fn a_project_may_have_the_name_of_a_kind() {
    let place = Place::new();
    assert!(place.call("", &["new", "--template", "app", "space"]).succeeds().contains("space/space.in"));
}

/// A section of `docs/guests.md`: its blocks, each with what stands after the fence.
fn blocks(section: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    for part in section.split("\n```").skip(1).step_by(2) {
        let (kind, text) = part.split_once('\n').expect("a block has lines");
        blocks.push((kind, format!("{text}\n")));
    }
    blocks
}

#[test]
fn what_docs_guests_shows_builds_and_runs() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guests.md");
    let page = std::fs::read_to_string(page).expect("there is a page");
    for (language, name, main, _) in LANGUAGES {
        let section = page.split("\n## ").find(|section| section.starts_with(&format!("{name}\n")));
        let blocks = blocks(section.expect(name));
        let [("sh", make), (_, source), ("sh", build), ("text", expected)] = &blocks[..] else {
            panic!("{name}: {blocks:?}");
        };
        let (new, install) = make.trim().split_once('\n').expect("two lines");
        let arguments = new.strip_suffix(" && cd hello").and_then(|new| new.strip_prefix("space "));
        let arguments: Vec<&str> = arguments.expect("the command makes hello").split(' ').collect();
        let place = Place::new();
        let said = place.call("", &arguments).succeeds();
        assert!(said.contains(&format!("\n  {install}\n")), "{name}: {said}");
        assert_eq!(arguments.last(), Some(&language));
        std::fs::write(place.path("hello").join(main), source).expect("the folder is ours");
        assert_eq!(build, "sh build.sh\nspace run hello.wasm\n");
        if built(&place.path("hello"), &[]) {
            assert_eq!(place.call("hello", &["run", "hello.wasm"]).succeeds(), *expected, "{name}");
        }
    }
}

/// A source that refers to every function of the table by its name in the language.
fn everything(language: &str) -> String {
    let capitalised = |word: &str| word[..1].to_uppercase() + &word[1..];
    let names = FUNCTIONS.iter().map(|function| {
        let (module, item) = (function.module, function.item);
        let words: String = item.split('_').map(capitalised).collect();
        match language {
            "c" => format!("    (void *){module}_{item},\n"),
            "rust" => format!("        space::{module}::r#{item} as *const (),\n"),
            "zig" => format!("    @ptrCast(&space.{module}.{item}),\n"),
            "go" | "tinygo" => format!("\t{}.{words},\n", if module == "audio" { "io" } else { module }),
            _ => format!("export {{ {module}{words} }} from \"./space\";\n"),
        }
    });
    let names: String = names.collect();
    match language {
        "c" => format!(
            "#include \"space.h\"\nvoid *volatile all[] = {{\n{names}}};\n\
             SPACE_EXPORT(on_init) int on_init(void) {{ return all[0] ? 0 : -1; }}\n"
        ),
        "rust" => format!(
            "mod space;\n#[no_mangle]\npub extern \"C\" fn on_init() {{\n    \
             std::hint::black_box([\n{names}    ]);\n}}\n"
        ),
        "zig" => format!(
            "const space = @import(\"space.zig\");\nvar all = [_]*const anyopaque{{\n{names}}};\n\
             export fn on_init() void {{\n    const kept: *volatile @TypeOf(all) = &all;\n    _ = kept[0];\n}}\n"
        ),
        "go" | "tinygo" => {
            let paths = MODULES.iter().map(|one| if one.name == "audio" { "sys/io" } else { one.name });
            let imports: Vec<_> = paths.map(|path| format!("\t\"{GO_MODULE}/abi/{path}\"\n")).collect();
            let imports = imports.concat();
            let export = if language == "go" { "go:wasmexport" } else { "export" };
            format!(
                "package main\n\nimport (\n{imports})\n\nvar all = []any{{\n{names}}}\n\n\
                 //{export} on_init\nfunc onInit() int32 {{\n\tfor _, each := range all {{\n\
                 \t\tif each == nil {{\n\t\t\treturn -1\n\t\t}}\n\t}}\n\treturn 0\n}}\n\nfunc main() {{}}\n"
            )
        }
        _ => format!(
            "{names}export function on_init(): void {{}}\nfunction abort(message: string | null, \
             file: string | null, line: u32, column: u32): void {{\n  unreachable();\n}}\n"
        ),
    }
}

/// TinyGo is not to be had here: its template, packages and library are held against the types of Go.
#[test]
fn what_is_made_for_tinygo_compiles_with_go() {
    let (_go, of_go) = with("go");
    let (place, folder) = with("tinygo");
    std::fs::copy(of_go.join("build.sh"), folder.join("build.sh")).expect("the folder is ours");
    if !built(&folder, &[]) {
        return;
    }
    std::fs::write(folder.join("main.go"), everything("go")).expect("the folder is ours");
    assert!(built(&folder, &[]));
    let grants: Vec<_> = GuestCapability::ALL.iter().map(|one| one.name()).collect();
    run(&place, &["--grant", &grants.join(",")]).succeeds();
}

#[test]
fn every_function_is_declared_with_its_type_in_every_language() {
    let grants: Vec<_> = GuestCapability::ALL.iter().map(|one| one.name()).collect();
    for (language, _, main, _) in LANGUAGES {
        let (place, folder) = with(language);
        std::fs::write(folder.join(main), everything(language)).expect("the folder is ours");
        if !built(&folder, &[]) {
            continue;
        }
        let module = std::fs::read(folder.join("my-greeter.wasm")).expect("it was built");
        for function in FUNCTIONS {
            let mut import = vec![function.module.len() as u8];
            import.extend(function.module.bytes());
            import.push(function.item.len() as u8);
            import.extend(function.item.bytes());
            let is_there = module.windows(import.len()).any(|bytes| bytes == import);
            assert!(is_there, "{language}: {}.{}", function.module, function.item);
        }
        // The host compares the types.
        run(&place, &["--grant", &grants.join(",")]).succeeds();
    }
}
