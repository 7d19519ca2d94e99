//! Programs that the compiler takes: their tests hold, machine code is made of them, and no change to their text
//! stops the compiler.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};
use tests_suite::{compile, report};

/// The programs: name and source.
fn programs() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("accepted");
    let mut programs: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the folder of programs")
        .map(|entry| {
            let path = entry.expect("a program").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a program"))
        })
        .collect();
    programs.sort();
    programs
}

#[test]
fn programs_compile_and_their_tests_hold() {
    let only = env::var("ONLY").unwrap_or_default();
    let (mut wrong, mut held) = (Vec::new(), 0);
    for (name, text) in programs().into_iter().filter(|(name, _)| name.contains(&only)) {
        let compilation = compile(&text);
        if !compilation.diagnostics.is_empty() {
            wrong.push(format!("{name}:\n{}", report(&compilation)));
            continue;
        }
        if compilation.components.is_empty() || compilation.tests.is_empty() {
            wrong.push(format!("{name}: no image or no tests"));
        }
        for test in &compilation.tests {
            match &test.failure {
                Some(failure) => wrong.push(format!("{name}: `{}` at {}: {failure}", test.name, test.place)),
                None => held += 1,
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{held} tests hold");
}

#[test]
fn mutations_never_panic() {
    /// What the mutants of one run may take.
    const TIME: Duration = Duration::from_secs(12);
    let programs = programs();
    let begin = Instant::now();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut count = 0;
    while begin.elapsed() < TIME && count < 4000 {
        let mut text = programs[count % programs.len()].1.clone();
        for _ in 0..=random.below(3) {
            mutate(&mut text, &mut random);
        }
        let shown = text.clone();
        let outcome = std::panic::catch_unwind(|| {
            let compilation = compile(&text);
            report(&compilation);
            compilation.diagnostics.iter().map(|diagnostic| diagnostic.id).collect::<Vec<_>>()
        });
        match outcome {
            Ok(ids) => assert!(!ids.contains(&"code-generation"), "{shown}"),
            Err(cause) => panic!("the compiler panics with {cause:?} at\n{shown}"),
        }
        count += 1;
    }
    println!("{count} mutants");
}

struct Random(u64);

impl Random {
    /// A number below `bound`, by xorshift.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }
}

/// Changes one word: removes it, doubles it, or puts another word of the program in its place. What still parses
/// is the most likely to reach the depths of the compiler.
fn mutate(text: &mut String, random: &mut Random) {
    const PIECES: [&str; 24] = [
        "0",
        "-1",
        "256",
        "none",
        "true",
        "u8",
        "i64",
        "str",
        "[u8]",
        "?",
        "&",
        " or 1",
        " or return",
        "!",
        "return",
        "break",
        "defer",
        "take",
        "inout",
        "pub",
        "match",
        "close",
        "self",
        "0..3",
    ];
    let words = words(text);
    let (from, to) = words[random.below(words.len())];
    let (other_from, other_to) = words[random.below(words.len())];
    let other = text[other_from..other_to].to_owned();
    match random.below(4) {
        0 => text.replace_range(from..to, ""),
        1 => text.replace_range(from..to, PIECES[random.below(PIECES.len())]),
        2 => {
            let doubled = format!("{0} {0}", &text[from..to]);
            text.replace_range(from..to, &doubled);
        }
        _ => text.replace_range(from..to, &other),
    }
}

/// Where words and signs stand.
fn words(text: &str) -> Vec<(usize, usize)> {
    let of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut before = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match words.last_mut() {
            Some(last) if before && of_word(c) => last.1 = end,
            _ if c.is_whitespace() => {}
            _ => words.push((at, end)),
        }
        before = of_word(c);
    }
    words
}
