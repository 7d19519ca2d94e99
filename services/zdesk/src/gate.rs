//! Tickets, each exchanged once for a session.

use crate::limits::{SESSIONS_MAX, STREAMS_MAX, TICKETS_MAX};
use crate::token::token;
use std::collections::VecDeque;

/// A browser that showed a ticket.
struct Session {
    token: String,
    streams: usize,
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
    pub fn exchange(&mut self, ticket: &str) -> Result<Option<String>, getrandom::Error> {
        let Some(at) = self.tickets.iter().position(|known| known == ticket) else { return Ok(None) };
        let session = token()?;
        self.tickets.remove(at);
        if self.sessions.len() == SESSIONS_MAX {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Session { token: session.clone(), streams: 0 });
        Ok(Some(session))
    }

    /// Whether there is such a session; it counts as used now.
    pub fn knows(&mut self, session: &str) -> bool {
        let Some(at) = self.sessions.iter().position(|known| known.token == session) else { return false };
        if let Some(session) = self.sessions.remove(at) {
            self.sessions.push_back(session);
        }
        true
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
        let session = gate.exchange(&ticket).unwrap().unwrap();
        assert!(gate.knows(&session));
        assert_eq!(gate.exchange(&ticket).unwrap(), None);
        assert_eq!(gate.exchange(&session).unwrap(), None);
        assert!(!gate.knows(&ticket));
    }

    #[test]
    fn all_is_bounded() {
        let mut gate = Gate::default();
        let oldest = gate.ticket().unwrap();
        let tickets: Vec<String> = (0..TICKETS_MAX).map(|_| gate.ticket().unwrap()).collect();
        assert_eq!(gate.exchange(&oldest).unwrap(), None);
        let first = gate.exchange(&tickets[0]).unwrap().unwrap();
        let second = gate.exchange(&tickets[1]).unwrap().unwrap();
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
