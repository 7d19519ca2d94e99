//! The house style as tests: layers, names, sizes, words. The tests are in `tests/`; this is what they share.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace's root exists")
}

/// A text file of the project.
#[derive(Debug)]
pub struct File {
    /// Path from the root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl File {
    /// Lines before the unit tests.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = |line: &&str| line.trim_start().starts_with("#[cfg(") && line.contains("test");
        self.text.lines().take_while(move |line| !tests(line)).enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Whether it holds nothing but tests.
    pub fn is_test(&self) -> bool {
        let below = |folder: &str| {
            self.path.contains(&format!("/{folder}/")) || self.path.starts_with(&format!("{folder}/"))
        };
        below("tests") || below("examples") || below("benches") || self.path.ends_with("/tests.rs")
    }
}

/// The project's files with one of the endings, ordered by path. Outputs and hidden folders are left out.
pub fn files(endings: &[&str]) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut |path| {
        if path.extension().is_some_and(|ending| endings.iter().any(|wanted| *wanted == ending)) {
            let relative = path.strip_prefix(&root).expect("the walk stays below the root");
            let text = fs::read_to_string(path).expect("a source is UTF-8");
            found.push(File { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || matches!(name.as_str(), "target" | "build" | "snapshots" | "node_modules")
        {
            continue;
        }
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}

/// One package's manifest, as far as the rules need it.
#[derive(Debug, Default)]
pub struct Manifest {
    /// Folder from the root.
    pub folder: String,
    /// Its text.
    pub text: String,
    /// Package name.
    pub name: String,
    /// Dependencies of all kinds but `dev`: section and name.
    pub dependencies: Vec<(String, String)>,
}

/// Every member's manifest, ordered by folder.
pub fn manifests() -> Vec<Manifest> {
    let all = files(&["toml"]);
    let members = all.into_iter().filter_map(|file| {
        let folder = file.path.strip_suffix("/Cargo.toml")?.to_owned();
        // A workspace of its own shares nothing with this one.
        if file.text.lines().any(|line| line == "[workspace]") {
            return None;
        }
        Some(manifest(folder, file.text))
    });
    members.collect()
}

fn manifest(folder: String, text: String) -> Manifest {
    let mut manifest = Manifest { folder, ..Manifest::default() };
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let key = key.trim().trim_end_matches(".workspace");
            if section == "package" && key == "name" {
                value.trim().trim_matches('"').clone_into(&mut manifest.name);
            } else if section.ends_with("dependencies") && !section.contains("dev-") {
                manifest.dependencies.push((section.to_owned(), key.to_owned()));
            }
        }
    }
    manifest.text = text;
    manifest
}

/// Fails with every violation, one a line.
///
/// # Panics
/// If there is one.
pub fn none(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}
