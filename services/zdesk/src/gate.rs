//! Tickets, each exchanged once for a session.

use crate::limits::{SESSIONS_MAX, STREAMS_MAX, TICKETS_MAX};
use crate::token::token;
use std::collections::VecDeque;

/// A browser that showed a ticket.
struct Session {
    ticket: String,
    token: String,
    key: String,
    streams: usize,
}

/// What a browser gets for a ticket.
#[derive(Debug, PartialEq, Eq)]
pub struct Admission {
    /// For a cookie. Browsers send cookies to every port of a host, so another server may learn it.
    pub session: String,
    /// For the desk's own scripts, which keep it where only the desk's origin reads.
    pub key: String,
}

/// Who may come in.
#[derive(Default)]
pub struct Gate {
    tickets: VecDeque<String>,
    /// The one used least lately first.
    sessions: VecDeque<Session>,
}

impl Gate {
    /// A new ticket.
    pub fn ticket(&mut self) -> Result<String, getrandom::Error> {
        let ticket = token()?;
        if self.tickets.len() == TICKETS_MAX {
            self.tickets.pop_front();
        }
        self.tickets.push_back(ticket.clone());
        Ok(ticket)
    }

    /// A session for a ticket, which is used up.
    pub fn exchange(&mut self, ticket: &str) -> Result<Option<Admission>, getrandom::Error> {
        let Some(at) = self.tickets.iter().position(|known| known == ticket) else { return Ok(None) };
        let (session, key) = (token()?, token()?);
        self.tickets.remove(at);
        if self.sessions.len() == SESSIONS_MAX {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Session {
            ticket: ticket.into(),
            token: session.clone(),
            key: key.clone(),
            streams: 0,
        });
        Ok(Some(Admission { session, key }))
    }

    /// What was given for a ticket, again: to the browser that has its session, and may not have read the key.
    pub fn again(&self, ticket: &str, session: &str) -> Option<Admission> {
        let known = self.sessions.iter().find(|known| known.token == session && known.ticket == ticket)?;
        Some(Admission { session: known.token.clone(), key: known.key.clone() })
    }

    /// Whether there is such a session; it counts as used now.
    pub fn knows(&mut self, session: &str) -> bool {
        let Some(at) = self.sessions.iter().position(|known| known.token == session) else { return false };
        if let Some(session) = self.sessions.remove(at) {
            self.sessions.push_back(session);
        }
        true
    }

    /// Whether a request is the desk's own: it has a session and the session's key.
    pub fn admits(&mut self, session: &str, key: &str) -> bool {
        self.knows(session) && self.sessions.back().is_some_and(|session| session.key == key)
    }

    /// Counts one more stream of a session, if it may have one.
    pub fn open_stream(&mut self, session: &str) -> bool {
        let known = self.sessions.iter_mut().find(|known| known.token == session);
        known.filter(|session| session.streams < STREAMS_MAX).map(|session| session.streams += 1).is_some()
    }

    /// Counts one stream less.
    pub fn close_stream(&mut self, session: &str) {
        if let Some(session) = self.sessions.iter_mut().find(|known| known.token == session) {
            session.streams = session.streams.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_one_session() {
        let mut gate = Gate::default();
        let ticket = gate.ticket().unwrap();
        let Admission { session, key } = gate.exchange(&ticket).unwrap().unwrap();
        assert!(gate.knows(&session) && gate.admits(&session, &key));
        assert!(!gate.admits(&session, &session) && !gate.admits(&key, &key) && !gate.admits(&session, ""));
        assert_eq!(gate.exchange(&ticket).unwrap(), None);
        assert_eq!(gate.again(&ticket, &session).map(|again| again.key), Some(key));
        let other = gate.ticket().unwrap();
        let other = gate.exchange(&other).unwrap().unwrap().session;
        assert_eq!((gate.again(&ticket, &other), gate.again("", &session)), (None, None));
        assert_eq!(gate.exchange(&session).unwrap(), None);
        assert!(!gate.knows(&ticket));
    }

    #[test]
    fn all_is_bounded() {
        let mut gate = Gate::default();
        let oldest = gate.ticket().unwrap();
        let tickets: Vec<String> = (0..TICKETS_MAX).map(|_| gate.ticket().unwrap()).collect();
        assert_eq!(gate.exchange(&oldest).unwrap(), None);
        let first = gate.exchange(&tickets[0]).unwrap().unwrap().session;
        let second = gate.exchange(&tickets[1]).unwrap().unwrap().session;
        for _ in 2..SESSIONS_MAX {
            let ticket = gate.ticket().unwrap();
            gate.exchange(&ticket).unwrap().unwrap();
        }
        assert!(gate.knows(&first));
        let ticket = gate.ticket().unwrap();
        gate.exchange(&ticket).unwrap().unwrap();
        assert!(gate.knows(&first) && !gate.knows(&second));
        assert!((0..STREAMS_MAX).all(|_| gate.open_stream(&first)));
        assert!(!gate.open_stream(&first));
        gate.close_stream(&first);
        assert!(gate.open_stream(&first) && !gate.open_stream("?"));
    }
}
