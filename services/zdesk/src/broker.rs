//! The broker between frames, which show UI spaces, and the spaces' paths.
//!
//! A frame never says which space it is: the desk knows which frame a message came from, and the server which space
//! the frame was opened for.

use crate::limits;
use crate::token::{hex, token};
use crate::view::{Delivery, Refusal, Source, Way};
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// A frame that shows a UI space on one page of one session.
struct Frame {
    id: String,
    ticket: String,
    session: String,
    page: String,
    app: String,
    space: String,
    queue: VecDeque<Message>,
    asked: BTreeSet<u64>,
    budget: Budget,
    seen: Instant,
    closed: Option<String>,
}

/// A message as a frame gets it. Numbers that JavaScript would round are text.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Message {
    way: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<String>,
    from: String,
    id: String,
    time: u64,
    #[serde(flatten)]
    body: Body,
}

/// Bytes, as text where they are text.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// They are UTF-8.
    Text(String),
    /// They are not.
    Hex(String),
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Hex(hex(error.as_bytes())), Self::Text)
    }
}

/// News for one frame.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct News {
    /// Which.
    pub frame: String,
    /// Messages for its space.
    pub messages: Vec<Message>,
    /// Why it is no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// A frame that was opened.
#[derive(Debug, Serialize)]
pub struct Opened {
    /// What the desk calls it.
    pub frame: String,
    /// What its host is called; only whoever knows this gets its files.
    pub ticket: String,
}

/// So many in a second.
struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        let most = f64::from(limits::MESSAGES_A_SECOND);
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * most).min(most);
        self.at = now;
        let fits = self.left >= 1.0;
        if fits {
            self.left -= 1.0;
        }
        fits
    }
}

/// Every frame.
#[derive(Default)]
pub struct Broker {
    frames: Vec<Frame>,
}

impl Broker {
    /// Opens a frame.
    pub fn open(
        &mut self,
        source: &dyn Source,
        (session, page): (&str, &str),
        (app, space): (&str, &str),
        now: Instant,
    ) -> Result<Opened, Refusal> {
        if source.grants(app, space).is_none() {
            return Err(Refusal::new("not-found", format!("no UI space `{space}` runs in `{app}`")));
        }
        if self.frames.iter().filter(|frame| frame.session == session).count() >= limits::FRAMES_MAX {
            return Err(Refusal::new("quota", "too many frames are open; close some"));
        }
        let random = |_| Refusal::new("io", "the system gives no random numbers");
        let (id, ticket) = (token().map_err(random)?, token().map_err(random)?);
        self.frames.push(Frame {
            id: id.clone(),
            ticket: ticket.clone(),
            session: session.into(),
            page: page.into(),
            app: app.into(),
            space: space.into(),
            queue: VecDeque::new(),
            asked: BTreeSet::new(),
            budget: Budget { left: f64::from(limits::MESSAGES_A_SECOND), at: now },
            seen: now,
            closed: None,
        });
        Ok(Opened { frame: id, ticket })
    }

    /// Closes a frame.
    pub fn close(&mut self, session: &str, id: &str) {
        self.frames.retain(|frame| frame.session != session || frame.id != id);
    }

    /// The application and the space of the frame with this ticket.
    pub fn shown(&self, ticket: &str) -> Option<(String, String)> {
        let frame = self.frames.iter().find(|frame| frame.ticket == ticket && frame.closed.is_none())?;
        Some((frame.app.clone(), frame.space.clone()))
    }

    /// Whether a page has frames.
    pub fn has_frames(&self, session: &str, page: &str) -> bool {
        self.frames.iter().any(|frame| frame.session == session && frame.page == page)
    }

    /// Sends a frame's message. With `asks`, the frame gets the answers.
    pub fn emit(
        &mut self,
        source: &dyn Source,
        (session, id): (&str, &str),
        (to, body, asks): (&str, Vec<u8>, bool),
        now: Instant,
    ) -> Result<u64, Refusal> {
        let at = self.may(source, (session, id), "net.emit_to", now)?;
        if body.len() > limits::MESSAGE_BYTES_MAX {
            let most = limits::MESSAGE_BYTES_MAX;
            return Err(Refusal::new("too-large", format!("a message has at most {most} bytes")));
        }
        if asks && self.frames[at].asked.len() >= limits::ASKED_MAX {
            return Err(Refusal::new("quota", "too many requests wait for their answers"));
        }
        let number = source.emit(&self.frames[at].app, &self.frames[at].space, to, body)?;
        if asks {
            self.frames[at].asked.insert(number);
        }
        Ok(number)
    }

    /// A frame no longer waits for answers to a message.
    pub fn forget(&mut self, session: &str, id: &str, asked: u64) {
        if let Some(frame) = self.frames.iter_mut().find(|frame| frame.session == session && frame.id == id) {
            frame.asked.remove(&asked);
        }
    }

    /// Logs a frame's line.
    pub fn log(
        &mut self,
        source: &dyn Source,
        (session, id): (&str, &str),
        line: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        let at = self.may(source, (session, id), "sys.log", now)?;
        if line.len() > limits::LOG_BYTES_MAX {
            let most = limits::LOG_BYTES_MAX;
            return Err(Refusal::new("too-large", format!("a line has at most {most} bytes")));
        }
        source.log(&self.frames[at].app, &self.frames[at].space, line);
        Ok(())
    }

    /// From now on the frame's space gets an event, too.
    pub fn subscribe(
        &mut self,
        source: &dyn Source,
        (session, id): (&str, &str),
        event: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        let at = self.may(source, (session, id), "events.subscribe", now)?;
        source.subscribe(&self.frames[at].app, &self.frames[at].space, event)
    }

    /// A frame begins to listen to a path.
    pub fn listen(
        &mut self,
        source: &dyn Source,
        (session, id): (&str, &str),
        now: Instant,
    ) -> Result<(), Refusal> {
        self.may(source, (session, id), "net.recv_next", now).map(|_| ())
    }

    /// The frame, if it is there, may use the capability, and is not too fast.
    fn may(
        &mut self,
        source: &dyn Source,
        (session, id): (&str, &str),
        capability: &str,
        now: Instant,
    ) -> Result<usize, Refusal> {
        let open = |frame: &Frame| frame.session == session && frame.id == id && frame.closed.is_none();
        let Some(at) = self.frames.iter().position(open) else {
            return Err(Refusal::new("closed", "this frame is closed"));
        };
        let frame = &mut self.frames[at];
        if !frame.budget.take(now) {
            let most = limits::MESSAGES_A_SECOND;
            return Err(Refusal::new("quota", format!("a UI space may call {most} times in a second")));
        }
        let (app, space) = (frame.app.clone(), frame.space.clone());
        let Some(grants) = source.grants(&app, &space) else {
            self.end(&app, &space, "the space does not run");
            return Err(Refusal::new("closed", "the space does not run"));
        };
        if grants.iter().any(|granted| granted == capability) {
            return Ok(at);
        }
        let says = format!("`{space}` used `{capability}`, which it does not hold; grant it in the topology");
        self.end(&app, &space, &says);
        source.violated(&app, &space, capability);
        Err(Refusal::new("denied", says))
    }

    fn end(&mut self, app: &str, space: &str, why: &str) {
        let frames = self.frames.iter_mut().filter(|frame| frame.app == app && frame.space == space);
        for frame in frames.filter(|frame| frame.closed.is_none()) {
            frame.closed = Some(why.into());
        }
    }

    /// Takes what waits for the spaces that are shown, and forgets frames that nobody shows any more.
    pub fn pump(&mut self, source: &dyn Source, now: Instant) {
        self.frames.retain(|frame| now.saturating_duration_since(frame.seen) < limits::FRAME_SILENCE);
        let shown: BTreeSet<(String, String)> = self
            .frames
            .iter()
            .filter(|frame| frame.closed.is_none())
            .map(|frame| (frame.app.clone(), frame.space.clone()))
            .collect();
        for (app, space) in &shown {
            match source.grants(app, space) {
                None => self.end(app, space, "the space does not run"),
                Some(grants) if grants.iter().any(|name| takes(name)) => self.take(source, app, space, now),
                Some(_) => {}
            }
        }
    }

    fn take(&mut self, source: &dyn Source, app: &str, space: &str, now: Instant) {
        let mut frames: Vec<&mut Frame> = self
            .frames
            .iter_mut()
            .filter(|frame| frame.app == app && frame.space == space && frame.closed.is_none())
            .collect();
        let late = |frame: &Frame| now.saturating_duration_since(frame.seen) >= limits::FRAME_LATE;
        let full = |frame: &Frame| frame.queue.len() >= limits::FRAME_QUEUE_MAX;
        // What nobody would see now waits where it is.
        while !frames.iter().all(|frame| late(frame))
            && !frames.iter().any(|frame| full(frame) && !late(frame))
        {
            let Some(delivery) = source.next(app, space) else { break };
            let (message, answered) = message(delivery);
            for frame in &mut frames {
                if answered.is_none_or(|answered| frame.asked.contains(&answered)) {
                    if full(frame) {
                        frame.queue.pop_front();
                    }
                    frame.queue.push_back(message.clone());
                }
            }
        }
    }

    /// A page is there and looks at its frames.
    pub fn look(&mut self, session: &str, page: &str, now: Instant) {
        for frame in self.frames.iter_mut().filter(|frame| frame.session == session && frame.page == page) {
            frame.seen = now;
        }
    }

    /// What a page's frames are to be told.
    pub fn collect(&mut self, session: &str, page: &str) -> Vec<News> {
        let mut news = Vec::new();
        for frame in self.frames.iter_mut().filter(|frame| frame.session == session && frame.page == page) {
            if !frame.queue.is_empty() || frame.closed.is_some() {
                let messages = frame.queue.drain(..).collect();
                news.push(News { frame: frame.id.clone(), messages, closed: frame.closed.clone() });
            }
        }
        let told = |frame: &Frame| frame.closed.is_some() && frame.session == session && frame.page == page;
        self.frames.retain(|frame| !told(frame));
        news
    }

    /// How long until the next look for messages of a page.
    pub fn period(&self, session: &str, page: &str) -> Duration {
        if self.has_frames(session, page) { limits::MESSAGE_PERIOD } else { limits::IDLE_PERIOD }
    }
}

fn takes(capability: &str) -> bool {
    matches!(capability, "net.recv_next" | "net.emit_to" | "events.subscribe")
}

fn message(delivery: Delivery) -> (Message, Option<u64>) {
    let (way, name, answered) = match delivery.way {
        Way::Path(name) => ("path", Some(name), None),
        Way::Event(name) => ("event", Some(name), None),
        Way::Answer(id) => ("answer", None, Some(id)),
    };
    let message = Message {
        way,
        name,
        answers: answered.map(|id| id.to_string()),
        from: delivery.from,
        id: delivery.id.to_string(),
        time: delivery.time,
        body: delivery.body.into(),
    };
    (message, answered)
}

#[cfg(test)]
mod tests;
