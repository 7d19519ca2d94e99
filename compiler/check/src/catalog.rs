//! What `space explain` says of the checker's diagnostics.

mod first;
mod second;

use compiler_syntax::diagnostic::Entry;

const COUNT: usize = first::ENTRIES.len() + second::ENTRIES.len();

/// One entry for each id that this crate emits, in alphabetical order.
pub const CATALOG: &[Entry] = &joined();

const fn joined() -> [Entry; COUNT] {
    let mut all = [Entry { id: "", explanation: "" }; COUNT];
    let mut at = 0;
    while at < COUNT {
        let first = first::ENTRIES.len();
        all[at] = if at < first { first::ENTRIES[at] } else { second::ENTRIES[at - first] };
        at += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_ordered_and_say_something() {
        assert!(CATALOG.is_sorted_by(|a, b| a.id < b.id));
        assert!(CATALOG.iter().all(|entry| entry.explanation.len() > 60));
    }
}
