//! What a journal must do, and how its records lie in it: length, checksums, payload.

use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// Where a mesh writes each change before it makes it, so that a crash of the host loses nothing acknowledged.
pub trait Journal: Send {
    /// Appends frames, whole or not at all. After an error the journal is as it was before.
    fn append(&mut self, frames: &[u8]) -> Result<(), JournalError>;
    /// Puts these frames in the place of all that was written, whole or not at all.
    fn replace(&mut self, frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), JournalError>;
}

/// Why a journal was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// There is no room.
    #[error("the storage of the journal is full: nothing is taken until there is room")]
    Full,
    /// It cannot be written.
    #[error("the journal cannot be written")]
    Failed,
}

impl JournalError {
    /// What a guest gets.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Full => ErrorCode::Quota,
            Self::Failed => ErrorCode::Io,
        }
    }
}

/// What the end of a journal may look like after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Its last frame is there in part: what a killed process leaves. Anything else is damage.
    Short,
    /// Its last frames may be anything: what a loss of power leaves where each append is made durable before it is
    /// acknowledged. Damage with a sound frame after it is damage.
    Any,
}

/// Why a mesh cannot be recovered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// Bytes of it were changed.
    #[error(
        "the journal is damaged at byte {at}: put back a copy of it, or remove it and with it what is in it"
    )]
    Damaged {
        /// Where the first frame begins that is not as it was written.
        at: u64,
    },
    /// It ends before the image is complete that it begins with.
    #[error(
        "the journal ends at byte {at}, within the image that it begins with: put back a copy, or remove it"
    )]
    Incomplete {
        /// Where it ends.
        at: u64,
    },
    /// A record does not follow from those before it.
    #[error(
        "the record at byte {at} of the journal does not follow from those before it: put back a copy, or remove it"
    )]
    Senseless {
        /// Where its frame begins.
        at: u64,
    },
    /// It is of another format.
    #[error("the journal has format {found}, this program reads {known}: use the version that wrote it")]
    Format {
        /// The format that it states.
        found: u32,
        /// The one that is known.
        known: u32,
    },
    /// It is another mesh's.
    #[error("the journal is of topology `{topology}` on host `{host}`")]
    Another {
        /// Its topology.
        topology: String,
        /// Its host.
        host: String,
    },
}

/// Bytes before a payload: its length, the length's checksum, its own. The length has one of its own since a frame
/// that is there in part is told by it from one that was changed.
pub(crate) const HEADER: usize = 12;

/// Makes a frame of what follows [`HEADER`] bytes that are free.
pub(crate) fn seal(frame: &mut [u8]) {
    let (header, payload) = frame.split_at_mut(HEADER);
    let length = (payload.len() as u32).to_le_bytes();
    header[..4].copy_from_slice(&length);
    header[4..8].copy_from_slice(&crc32fast::hash(&length).to_le_bytes());
    header[8..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
}

/// What is at some place of a journal.
enum Found<'b> {
    Frame(&'b [u8]),
    /// The bytes end before the frame does.
    Short,
    Damage,
}

fn look(bytes: &[u8]) -> Found<'_> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else { return Found::Short };
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if crc32fast::hash(&header[..4]) != word(4) {
        return Found::Damage;
    }
    match rest.get(..word(0) as usize) {
        None => Found::Short,
        Some(payload) if crc32fast::hash(payload) == word(8) && !payload.is_empty() => Found::Frame(payload),
        Some(_) => Found::Damage,
    }
}

/// The frames of a journal.
pub(crate) struct Frames<'b> {
    bytes: &'b [u8],
    /// Where the next one begins; at the end, where the sound part ends.
    pub at: usize,
    tail: Tail,
}

impl<'b> Frames<'b> {
    pub fn new(bytes: &'b [u8], tail: Tail) -> Self {
        Self { bytes, at: 0, tail }
    }

    pub fn next(&mut self) -> Result<Option<&'b [u8]>, RecoverError> {
        let rest = &self.bytes[self.at..];
        match look(rest) {
            Found::Frame(payload) => {
                self.at += HEADER + payload.len();
                Ok(Some(payload))
            }
            Found::Short if self.tail == Tail::Short => Ok(None),
            Found::Short | Found::Damage if self.tail == Tail::Any && !has_frame(rest) => Ok(None),
            Found::Short | Found::Damage => Err(RecoverError::Damaged { at: self.at as u64 }),
        }
    }
}

/// Whether a sound frame begins anywhere after the first byte.
fn has_frame(bytes: &[u8]) -> bool {
    (1..bytes.len()).any(|at| matches!(look(&bytes[at..]), Found::Frame(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; HEADER];
        frame.extend(payload);
        seal(&mut frame);
        frame
    }

    fn read(bytes: &[u8], tail: Tail) -> Result<(Vec<Vec<u8>>, usize), RecoverError> {
        let (mut frames, mut payloads) = (Frames::new(bytes, tail), Vec::new());
        while let Some(payload) = frames.next()? {
            payloads.push(payload.to_vec());
        }
        Ok((payloads, frames.at))
    }

    #[test]
    fn a_journal_that_ends_early_has_the_frames_before() {
        let (one, two) = (frame(b"one"), frame(b"two!"));
        let both = [one.clone(), two].concat();
        for length in 0..=both.len() {
            let whole = usize::from(length >= one.len()) + usize::from(length == both.len());
            for tail in [Tail::Short, Tail::Any] {
                let (payloads, end) = read(&both[..length], tail).unwrap();
                let ends = [0, one.len(), both.len()];
                assert_eq!((payloads.len(), end), (whole, ends[whole]), "{length} bytes");
            }
        }
    }

    #[test]
    fn each_changed_bit_is_seen_and_placed() {
        let (one, two) = (frame(b"one"), frame(b"two!"));
        let both = [one.clone(), two].concat();
        for bit in 0..both.len() * 8 {
            let mut changed = both.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let at = if bit / 8 < one.len() { 0 } else { one.len() };
            assert_eq!(
                read(&changed, Tail::Short),
                Err(RecoverError::Damaged { at: at as u64 }),
                "bit {bit}"
            );
            let any = read(&changed, Tail::Any);
            match at {
                0 => assert_eq!(any, Err(RecoverError::Damaged { at: 0 }), "bit {bit}"),
                _ => assert_eq!(any, Ok((vec![b"one".to_vec()], one.len())), "bit {bit}"),
            }
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(read(&[0; 64], Tail::Short), Err(RecoverError::Damaged { at: 0 }));
        assert_eq!(read(&[0; 64], Tail::Any), Ok((vec![], 0)));
    }
}
