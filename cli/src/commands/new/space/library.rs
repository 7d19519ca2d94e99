//! The Guest Library in each language, as it stands: what a space's folder has of it.

use crate::arguments::Language;

macro_rules! files {
    ($($file:literal $from:literal)+) => {
        &[$(($file, include_str!(concat!("../../../../templates/space/", $from)))),+]
    };
}

/// Files in a space's folder, and what they say.
pub const fn of(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::C => files! { "guest.h" "c/guest.h" "guest.c" "c/guest.c" },
        Language::Rust => files! { "src/guest.rs" "rust/guest.rs" },
        Language::Zig => files! { "guest.zig" "zig/guest.zig" },
        Language::Go | Language::TinyGo => files! { "guest/guest.go" "go/guest.go" },
        Language::AssemblyScript => files! { "guest.ts" "as/guest.ts" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's columns.
    const COLUMNS: [Language; 5] =
        [Language::C, Language::Rust, Language::Zig, Language::Go, Language::AssemblyScript];

    #[test]
    fn what_the_page_says_of_it_is_there() {
        let page = include_str!("../../../../../docs/guests.md");
        let section = page.split("\n## ").find(|section| section.starts_with("The Guest Library\n"));
        let rows: Vec<&str> =
            section.unwrap_or_default().lines().filter(|line| line.starts_with("| ")).collect();
        assert!(rows.len() > 15, "{rows:?}");
        for row in rows.iter().skip(1) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
            assert_eq!(cells.len(), 1 + COLUMNS.len(), "{row}");
            for (language, cell) in COLUMNS.iter().zip(&cells[1..]) {
                let source: String = of(*language).iter().map(|(_, text)| *text).collect();
                let words = source.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let words: std::collections::BTreeSet<&str> = words.collect();
                for name in cell.split('`').skip(1).step_by(2) {
                    let mut parts = name.split(['.', ':']).filter(|part| !part.is_empty());
                    let is_error = name == "space_error";
                    assert!(is_error || parts.all(|part| words.contains(part)), "{language:?}: {name}");
                }
            }
        }
    }
}
