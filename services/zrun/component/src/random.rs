//! Random bytes that follow from a seed which nobody else knows.

use sci::digest::Hasher;

/// A generator: hashes of the seed and a counter, each used once.
pub struct Random {
    seed: [u64; 4],
    count: u64,
}

impl Random {
    /// From a seed.
    pub fn new(seed: [u64; 4]) -> Self {
        Self { seed, count: 0 }
    }

    /// Fills the bytes; `false` where there is no seed.
    pub fn fill(&mut self, bytes: &mut [u8]) -> bool {
        if self.seed == [0; 4] {
            return false;
        }
        for piece in bytes.chunks_mut(32) {
            let mut hasher = Hasher::new();
            self.seed.iter().chain([&self.count]).for_each(|word| hasher.update(&word.to_le_bytes()));
            self.count += 1;
            piece.copy_from_slice(&hasher.finish()[..piece.len()]);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_draws_are_the_same() {
        let mut random = Random::new([1, 2, 3, 4]);
        let (mut one, mut other) = ([0; 40], [0; 40]);
        assert!(random.fill(&mut one) && random.fill(&mut other));
        assert!(one != other && one[..32] != one[8..] && one[32..] != [0; 8]);
        assert_eq!(
            one[..32],
            sci::digest::sha256(&[1_u64, 2, 3, 4, 0].map(u64::to_le_bytes).concat()),
            "the hash of the seed and the counter"
        );
    }

    #[test]
    fn without_a_seed_there_are_none() {
        assert!(!Random::new([0; 4]).fill(&mut [0]));
    }
}
