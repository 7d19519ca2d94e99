//! A journal in memory that is full at times, and that dies in the middle of writing.

use super::random::Random;
use crate::journal::HEADER;
use crate::record::{Image, Record, decode};
use crate::*;
use std::format;
use std::string::String;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

pub(super) struct State {
    pub bytes: Vec<u8>,
    /// Chances in a thousand, for each writing: there is no room; the host dies in it.
    pub full: u64,
    pub die: u64,
    pub has_died: bool,
    random: Random,
}

#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub fn new(seed: u64, full: u64, die: u64) -> Self {
        let random = Random::new(seed);
        Self(Arc::new(Mutex::new(State { bytes: Vec::new(), full, die, has_died: false, random })))
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    /// The mesh of this disk as its host finds it; what is not sound is cut.
    pub fn recover(&self, recovery: Recovery<'_>) -> Mesh {
        let bytes = self.with(|state| {
            state.has_died = false;
            state.bytes.clone()
        });
        let recovered = Mesh::recover(&bytes, recovery).expect("what a crash leaves can be read");
        self.with(|state| state.bytes.truncate(recovered.end as usize));
        recovered.go_on_in(self.boxed()).expect("there is room")
    }

    pub fn boxed(&self) -> Box<dyn Journal> {
        Box::new(self.clone())
    }
}

impl State {
    fn fails(&mut self) -> Result<bool, JournalError> {
        if self.has_died {
            return Err(JournalError::Failed);
        }
        if self.random.below(1000) < self.full {
            return Err(JournalError::Full);
        }
        self.has_died = self.random.below(1000) < self.die;
        Ok(self.has_died)
    }
}

impl Journal for Disk {
    fn append(&mut self, frames: &[u8]) -> Result<(), JournalError> {
        self.with(|state| {
            if state.fails()? {
                let part = state.random.below(frames.len() as u64) as usize;
                state.bytes.extend(&frames[..part]);
                return Err(JournalError::Failed);
            }
            state.bytes.extend(frames);
            Ok(())
        })
    }

    fn replace(&mut self, frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), JournalError> {
        self.with(|state| {
            let dies = state.fails()?;
            if !dies || state.random.below(2) == 0 {
                state.bytes = frames.flatten().collect();
            }
            if dies { Err(JournalError::Failed) } else { Ok(()) }
        })
    }
}

/// Everything that a mesh keeps over a crash, but for the letters of what was refused.
pub(super) fn kept(mesh: &Mesh) -> Vec<String> {
    let mut kept = Vec::new();
    for frame in mesh.image() {
        let (_, record, body) = decode(&frame[HEADER..]).unwrap();
        if !matches!(record, Record::Image(Image::Dead(_) | Image::DeadCounts { .. })) {
            kept.push(format!("{record:?} {body:?}"));
        }
    }
    kept
}
