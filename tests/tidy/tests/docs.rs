//! What is written for people: short, plain, and true of the tree.

use tests_tidy::{File, files, none, root};

/// Praise and filler; say what it does instead.
const BANNED: &[&str] = &[
    "blazing",
    "cutting-edge",
    "comprehensive",
    "delve",
    "effortless",
    "effortlessly",
    "elegant",
    "game-changing",
    "leverage",
    "leverages",
    "powerful",
    "production-ready",
    "revolutionary",
    "robust",
    "seamless",
    "seamlessly",
    "simply",
    "state-of-the-art",
    "supercharge",
    "unleash",
    "world-class",
];

/// Words of README.
const README_WORDS_MAX: usize = 250;

/// Folders whose paths in documents must exist.
const ROOTS: &[&str] = &[
    "boot/",
    "cli/",
    "compiler/",
    "docs/",
    "examples/",
    "nanokernel/",
    "runtime/",
    "sci/",
    "services/",
    "tests/",
    "xtask/",
];

#[test]
fn the_readme_is_short_and_names_its_two_commands() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let words = readme.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    assert!(words <= README_WORDS_MAX, "README has {words} words");
    for command in ["cargo xtask demo", "cargo xtask test"] {
        assert!(readme.contains(command), "README does not name {command}");
    }
}

#[test]
fn documents_use_plain_words() {
    let mut wrong = Vec::new();
    for file in files(&["md"]) {
        for (at, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            let mut words = lower.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
            wrong.extend(
                words
                    .find(|word| BANNED.contains(word))
                    .map(|word| format!("{}:{}: {word}", file.path, at + 1)),
            );
        }
    }
    none(&wrong);
}

#[test]
fn paths_in_documents_exist() {
    let wrong: Vec<String> = files(&["md"]).iter().flat_map(missing).collect();
    none(&wrong);
}

/// Paths between backticks, and targets of links, that are not in the tree.
fn missing(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let is_path = ROOTS.iter().any(|root| word.starts_with(root));
            let is_plain = word.chars().all(|letter| letter.is_alphanumeric() || "/._-".contains(letter));
            if is_path && is_plain && !root().join(word).exists() {
                wrong.push(format!("{}:{}: {word}", file.path, at + 1));
            }
        }
        for target in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let folder =
                root().join(&file.path).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                wrong.push(format!("{}:{}: {target}", file.path, at + 1));
            }
        }
    }
    wrong
}
