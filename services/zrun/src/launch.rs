//! What a space's launcher tells the library that serves it, as words of a start page.
//!
//! | word | what |
//! |---|---|
//! | 0 | grants, as a mask |
//! | 1 | fuel, 0 for as much as there is |
//! | 2 | bytes of what follows |
//! | from 3 | name, arguments and environment, little-endian |

use crate::space::Grants;
use alloc::string::String;
use alloc::vec::Vec;
use sci::limits::PARAMETERS_MAX;
use serde::{Deserialize, Serialize};

/// Words before the texts.
const FIXED: usize = 3;
/// Bytes of a word.
const WORD: usize = 8;

/// What a space is launched with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// What it may do.
    pub grants: Grants,
    /// Units of fuel, for an image that counts them.
    pub fuel: Option<u64>,
    /// Its texts.
    pub texts: Texts,
}

/// A space's texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment: `NAME=value`.
    pub environment: Vec<String>,
}

/// As words; `None` where they are more than a start page has.
pub fn words(launch: &Launch) -> Option<Vec<u64>> {
    let texts = postcard::to_allocvec(&launch.texts).ok()?;
    let fuel = launch.fuel.map_or(0, |fuel| fuel.saturating_add(1));
    let mut words = alloc::vec![launch.grants.mask(), fuel, texts.len() as u64];
    words.extend(texts.chunks(WORD).map(|piece| {
        let mut word = [0; WORD];
        word[..piece.len()].copy_from_slice(piece);
        u64::from_le_bytes(word)
    }));
    (words.len() <= PARAMETERS_MAX as usize).then_some(words)
}

/// From words, which `word` gives by number; `None` where they are no launch.
pub fn read(word: impl Fn(u32) -> u64) -> Option<Launch> {
    let bytes = usize::try_from(word(2)).ok()?;
    let count = bytes.div_ceil(WORD);
    if count > PARAMETERS_MAX as usize - FIXED {
        return None;
    }
    let mut texts: Vec<u8> = (FIXED..FIXED + count).flat_map(|at| word(at as u32).to_le_bytes()).collect();
    texts.truncate(bytes);
    let (texts, rest) = postcard::take_from_bytes(&texts).ok()?;
    let launch = Launch { grants: Grants::of(word(0)), fuel: word(1).checked_sub(1), texts };
    rest.is_empty().then_some(launch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(arguments: &[&str]) -> Launch {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Launch {
            grants: Grants::of(5),
            fuel: Some(1000),
            texts: Texts {
                name: "guest".into(),
                arguments: texts(arguments),
                environment: texts(&["HOME=/"]),
            },
        }
    }

    fn given(words: &[u64]) -> impl Fn(u32) -> u64 {
        |at| words.get(at as usize).copied().unwrap_or_default()
    }

    #[test]
    fn what_was_told_is_read() {
        let spent = Launch { fuel: Some(0), ..launch(&[]) };
        for launch in [Launch::default(), launch(&[]), spent, launch(&["one", "two"])] {
            assert_eq!(read(given(&words(&launch).unwrap())), Some(launch));
        }
        assert_eq!(words(&launch(&[&"x".repeat(500)])), None);
    }

    #[test]
    fn what_is_no_launch_is_refused() {
        let mut told = words(&launch(&["one"])).unwrap();
        for bytes in [u64::MAX, told[2] - 1, told[2] + 1, 489] {
            told[2] = bytes;
            assert_eq!(read(given(&told)), None, "{bytes}");
        }
    }
}
