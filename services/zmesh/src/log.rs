//! When records are written. What a caller is told to be so, a message taken or done, is written before, and refused
//! where that fails; taken and done may be owed where that is asked for. What the caller says to be so, an instance that
//! ended, cannot be refused: its record is owed, and goes before the next. So the journal is at any time the mesh as it was after one of its changes, and after no
//! earlier one than the last that was acknowledged.

use crate::journal::{Journal, JournalError};
use crate::limits;
use crate::mesh::Mesh;
use crate::record::{Change, Record, encode};
use alloc::boxed::Box;
use alloc::vec::Vec;

#[derive(Default)]
pub(crate) struct Log {
    journal: Option<Box<dyn Journal>>,
    /// Records of changes that are made, but could not be written yet.
    owed: Vec<u8>,
    /// More was owed than is kept: only an image can follow.
    behind: bool,
    /// What is taken and done is owed, too.
    takes_later: bool,
    /// Bytes of the journal, and how many make it worth beginning anew.
    bytes: u64,
    limit: u64,
}

impl Mesh {
    /// Writes all that must outlive the host into this journal from now on. It begins with an image.
    pub fn keep_in(&mut self, mut journal: Box<dyn Journal>) -> Result<(), JournalError> {
        let bytes = self.write_image(&mut *journal)?;
        self.log = Log { journal: Some(journal), bytes, takes_later: self.log.takes_later, ..Log::default() };
        self.log.set_limit(bytes);
        Ok(())
    }

    /// Goes on in the journal that the mesh was recovered from, which has so many bytes.
    pub(crate) fn go_on_in(&mut self, journal: Box<dyn Journal>, bytes: u64) {
        self.log = Log { journal: Some(journal), bytes, takes_later: self.log.takes_later, ..Log::default() };
        self.log.set_limit(0);
    }

    /// Writes what is taken and done with the next message that is accepted, or in the next tick, and not before: one
    /// write less for each message, and after a crash of the host some messages may be given once more.
    pub fn write_takes_later(&mut self) {
        self.log.takes_later = true;
    }

    /// Begins the journal anew with an image. The mesh does so itself, in a tick, where the journal has grown long.
    pub fn compact(&mut self) -> Result<(), JournalError> {
        let Some(mut journal) = self.log.journal.take() else { return Ok(()) };
        let written = self.write_image(&mut *journal);
        self.log.journal = Some(journal);
        let bytes = written?;
        self.log.owed.clear();
        self.log.behind = false;
        self.log.bytes = bytes;
        self.log.set_limit(bytes);
        Ok(())
    }

    fn write_image(&self, journal: &mut dyn Journal) -> Result<u64, JournalError> {
        let mut bytes = 0;
        journal.replace(&mut self.image().inspect(|frame| bytes += frame.len() as u64))?;
        Ok(bytes)
    }

    /// Begins the journal anew where it is worth it.
    pub(crate) fn shorten(&mut self) {
        if !self.log.owed.is_empty() {
            // What cannot be written now is written later.
            self.log.append(&[]).unwrap_or_default();
        }
        if (self.log.bytes >= self.log.limit || self.log.behind) && self.compact().is_err() {
            // The old one goes on; not each tick is to write it all.
            self.log.set_limit(self.log.bytes);
        }
    }

    /// Writes a change that is not made yet.
    pub(crate) fn record<'r>(
        &mut self,
        change: impl FnOnce() -> Change<'r>,
        body: &[u8],
    ) -> Result<(), JournalError> {
        if self.log.journal.is_none() {
            return Ok(());
        }
        let frame = encode(self.now, Record::Change(change()), body);
        self.log.append(&frame)
    }

    /// As [`Mesh::record`] for what is taken or done.
    pub(crate) fn record_take<'r>(
        &mut self,
        change: impl FnOnce() -> Change<'r>,
    ) -> Result<(), JournalError> {
        let has_room = self.log.owed.len() < limits::OWED_BYTES_MAX / 2;
        if self.log.journal.is_none() || !self.log.takes_later || self.log.behind || !has_room {
            return self.record(change, &[]);
        }
        let frame = encode(self.now, Record::Change(change()), &[]);
        self.log.owed.extend(frame);
        Ok(())
    }

    /// Writes a change that cannot be refused, now or before the next.
    pub(crate) fn owe<'r>(&mut self, change: impl FnOnce() -> Change<'r>) {
        if self.log.journal.is_none() {
            return;
        }
        let frame = encode(self.now, Record::Change(change()), &[]);
        if self.log.append(&frame).is_err() {
            self.log.owed.extend(frame);
            if self.log.owed.len() > limits::OWED_BYTES_MAX {
                self.log.behind = true;
                self.log.owed.clear();
            }
        }
    }
}

impl Log {
    /// Whether changes are made that are not in the journal: no other host is told of what follows from them.
    pub fn owes(&self) -> bool {
        self.behind || !self.owed.is_empty()
    }

    fn set_limit(&mut self, image: u64) {
        self.limit = image.saturating_mul(2).max(limits::JOURNAL_BYTES);
    }

    fn append(&mut self, frame: &[u8]) -> Result<(), JournalError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if self.behind {
            return Err(JournalError::Full);
        }
        let is_alone = self.owed.is_empty();
        let start = self.owed.len();
        let frames = if is_alone {
            frame
        } else {
            self.owed.extend_from_slice(frame);
            &self.owed
        };
        let written = journal.append(frames);
        match written {
            Ok(()) => {
                self.bytes += frames.len() as u64;
                self.owed.clear();
            }
            Err(_) => self.owed.truncate(start),
        }
        written
    }
}
