//! What whoever shows the topology asks, and the answers.

use super::{Member, Office, milliseconds};
use crate::window::{Answer, Counts, Letter, Passed, Question, Seen, Standing};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use services_zmesh::{Emitted, Instance, TapError, Time};

/// Dead letters that are told at once.
const DEAD_MAX: usize = 32;
/// Bytes of messages in one answer: what is left comes with the next.
const ANSWER_BYTES: usize = 256 << 10;

impl Office {
    /// Answers what is asked from outside the machine.
    pub fn answer(&mut self, question: &[u8], now: Time) -> Vec<u8> {
        let answer = match Question::read(question) {
            Some(Question::Look { counts, shown }) => Answer::Seen(Seen {
                counts: counts.then(|| self.counts(now)),
                messages: self.shown(&shown),
                watched: self.watched(),
                asked: self.agency.hand_out(ANSWER_BYTES),
            }),
            Some(Question::Send { space, to, body }) => {
                self.interface(space).map_or_else(not_running, |from| {
                    match self.mesh.emit(from.instance(), &to, &body, now) {
                        Ok(Emitted::Accepted(id)) => Answer::Sent(id.number),
                        Ok(Emitted::Dropped) => Answer::Sent(0),
                        Err(error) => refused(error.code(), error.to_string()),
                    }
                })
            }
            Some(Question::Follow { space, event }) => {
                self.interface(space).map_or_else(not_running, |from| {
                    let followed = self.mesh.subscribe(from.instance(), &event, now);
                    followed.map_or_else(|error| refused(error.code(), error.to_string()), |()| Answer::Done)
                })
            }
            Some(Question::Watch { from, path }) => match self.mesh.tap(&from, &path) {
                Ok(tap) => {
                    self.last_watch += 1;
                    self.watches.push((self.last_watch, tap));
                    Answer::Watching(self.last_watch)
                }
                Err(error @ TapError::NoPath) => refused(ErrorCode::NotFound, error.to_string()),
                Err(error @ TapError::TooMany) => refused(ErrorCode::Quota, error.to_string()),
            },
            Some(Question::Unwatch(watch)) => {
                let ended = self.watches.extract_if(.., |(known, _)| *known == watch);
                ended.for_each(|(_, tap)| self.mesh.untap(tap));
                Answer::Done
            }
            Some(Question::Answered { number, outcome }) => {
                let time = milliseconds(now);
                self.invoke(now, |agency, send| agency.answered(number, outcome, send, time));
                Answer::Done
            }
            Some(Question::Order { space, order }) => self.order(space, order),
            None => refused(ErrorCode::Malformed, "this is no question that the mesh knows".into()),
        };
        answer.to_bytes()
    }

    /// A user interface that runs.
    fn interface(&self, space: u32) -> Option<Page> {
        let member = self.members.get(space as usize)?;
        let runs = member.is_interface && member.runs;
        runs.then(|| Page { name: Arc::clone(&member.name), number: member.instance })
    }

    fn counts(&self, now: Time) -> Counts {
        let standing = |member: &Member| Standing {
            instance: member.runs.then_some(member.instance),
            waiting: (self.mesh.waiting(&member.name) + member.shown.len()) as u64,
        };
        let dead = self.mesh.dead_letters();
        let skipped = dead.iter().count().saturating_sub(DEAD_MAX);
        let spent = |name: &String| (name.clone(), self.agency.spent(name, milliseconds(now)));
        let stats = |(from, name): &(String, String)| self.mesh.stats(from, name).unwrap_or_default();
        Counts {
            spaces: self.members.iter().map(standing).collect(),
            paths: self.paths.iter().map(stats).collect(),
            dead: dead.iter().skip(skipped).cloned().collect(),
            spent: self.models.iter().map(spent).collect(),
        }
    }

    /// Messages for user interfaces whose pages are open, as many as an answer has room for.
    fn shown(&mut self, spaces: &[u32]) -> Vec<(u32, Letter)> {
        let mut letters = Vec::new();
        let mut room = ANSWER_BYTES;
        for space in spaces {
            let Some(member) = self.members.get_mut(*space as usize) else { continue };
            while member.shown.front().is_some_and(|next| letters.is_empty() || next.body.len() <= room) {
                let Some(message) = member.shown.pop_front() else { break };
                room = room.saturating_sub(message.body.len());
                letters.push((*space, Letter::from(&message)));
            }
        }
        letters
    }

    /// What passed where someone watches, as much as an answer has room for.
    fn watched(&mut self) -> Vec<(u64, Passed)> {
        let mut passed = Vec::new();
        let mut room = ANSWER_BYTES;
        for (watch, tap) in &self.watches {
            while room > 0
                && let Some(observed) = self.mesh.observe(*tap)
            {
                room = room.saturating_sub(observed.message.body.len());
                passed.push((*watch, Passed::from(&observed)));
            }
        }
        passed
    }
}

/// A user interface that sends.
struct Page {
    name: Arc<str>,
    number: u64,
}

impl Page {
    fn instance(&self) -> Instance<'_> {
        Instance { space: &self.name, number: self.number }
    }
}

pub(super) fn refused(code: ErrorCode, why: String) -> Answer {
    Answer::Refused { code: code.name().into(), why }
}

fn not_running() -> Answer {
    refused(ErrorCode::Closed, "this user interface does not run".into())
}
