//! Events on Linux: recognizers over the sensors of a rack, and deliveries to whoever has the spaces' mail.

use super::devices::Rack;
use super::machine::Clock;
use crate::events::{Delivery, Events, Hub, Package, RECOGNIZERS_MAX, Watch};
use crate::mail::{Alone, Mail, MailError, Next};
use sci::guest::{EVENTS, ErrorCode};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where deliveries go. It must neither wait nor emit.
pub type Post = Arc<dyn Fn(Delivery) + Send + Sync>;
/// Modules that recognize at once: as many as a space may have.
const MODULES_MAX: usize = RECOGNIZERS_MAX;
/// Deliveries that wait for a space that is alone.
const INBOX_MAX: usize = 256;

/// The events of a topology's spaces.
#[derive(Clone)]
pub struct Exchange {
    hub: Arc<Mutex<Hub>>,
    rack: Option<Rack>,
    post: Post,
}

impl Exchange {
    /// Over the sensors of a rack, if there are any. Each reading of the rack is looked at from now on.
    pub fn new(rack: Option<Rack>, post: Post) -> Self {
        Self::with_modules(rack, post, Package::new())
    }

    /// As [`Exchange::new`], with modules that recognize. They do so when somebody lets them ([`Inbox::of_modules`]).
    pub fn with_modules(rack: Option<Rack>, post: Post, modules: Package) -> Self {
        let hub = Arc::new(Mutex::new(Hub::with(modules, MODULES_MAX)));
        let exchange = Self { hub, rack, post };
        if let Some(rack) = &exchange.rack {
            let (hub, post) = (Arc::clone(&exchange.hub), Arc::clone(&exchange.post));
            rack.watch(Box::new(move |sensor, reading| {
                let deliveries = lock(&hub).feed(sensor, reading);
                for delivery in deliveries {
                    post(delivery);
                }
                true
            }));
        }
        exchange
    }

    /// Has modules look at what waits for them; what is to be said of those that ended, and whether more waits.
    fn look(&self) -> (Vec<String>, bool) {
        let mut hub = lock(&self.hub);
        let (deliveries, ended) = hub.look();
        let is_due = hub.is_due();
        drop(hub);
        for delivery in deliveries {
            (self.post)(delivery);
        }
        (ended, is_due)
    }

    /// The events for a space, by a number that is its own. Where its events are stated, it emits no other; where its
    /// sensors are, it recognizes by no other.
    pub fn for_space(
        &self,
        space: u32,
        name: &str,
        events: Option<Vec<String>>,
        sensors: Option<Vec<String>>,
    ) -> Member {
        lock(&self.hub).join(space, name, events);
        Member { exchange: self.clone(), space, sensors }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The events of one space. When it is dropped, its recognizers and subscriptions end.
pub struct Member {
    exchange: Exchange,
    space: u32,
    sensors: Option<Vec<String>>,
}

impl Drop for Member {
    fn drop(&mut self) {
        lock(&self.exchange.hub).leave(self.space);
    }
}

impl Events for Member {
    fn register(&mut self, event: &str, spec: &str) -> Result<(), ErrorCode> {
        let watch = Watch::read(event, spec)?;
        let sensor = watch.sensor();
        let is_stated = self.sensors.as_ref().is_none_or(|stated| stated.iter().any(|one| one == sensor));
        let is_there = self.exchange.rack.as_ref().is_some_and(|rack| rack.has_sensor(sensor));
        if !is_stated || !is_there {
            return Err(ErrorCode::NotFound);
        }
        lock(&self.exchange.hub).register(self.space, event, watch)
    }

    fn follow(&mut self, event: &str) -> Result<(), ErrorCode> {
        lock(&self.exchange.hub).follow(self.space, event)
    }

    fn raise(&mut self, event: &str, payload: &[u8]) -> Result<(), ErrorCode> {
        let deliveries = lock(&self.exchange.hub).raise(self.space, event, payload)?;
        for delivery in deliveries {
            (self.exchange.post)(delivery);
        }
        Ok(())
    }
}

/// What waits for a space that is in no topology: events that others put there.
#[derive(Clone, Default)]
pub struct Inbox {
    waiting: Arc<Mutex<VecDeque<Delivery>>>,
    /// The sensors whose readings become events.
    rack: Option<Rack>,
    /// Has modules look at readings, and says whether more wait.
    modules: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Inbox {
    /// Of a space that waits for the readings of a rack, if there is one.
    pub fn new(rack: Option<Rack>) -> Self {
        Self { rack, ..Self::default() }
    }

    /// The same, which lets the modules of an exchange look at readings, and has said which of them have ended.
    #[must_use]
    pub fn of_modules(self, exchange: Exchange, say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let look = move || {
            let (ended, is_due) = exchange.look();
            for line in &ended {
                say(line);
            }
            is_due
        };
        Self { modules: Some(Arc::new(look)), ..self }
    }

    /// Puts deliveries here; those that find no room are lost.
    pub fn post(&self) -> Post {
        let waiting = Arc::clone(&self.waiting);
        Arc::new(move |delivery| {
            let mut waiting = lock(&waiting);
            if waiting.len() < INBOX_MAX {
                waiting.push_back(delivery);
            }
        })
    }
}

/// The messages of a space that is in no topology: its own, and events.
pub(super) struct OwnMail {
    own: Alone,
    inbox: Option<Inbox>,
    clock: Clock,
}

impl OwnMail {
    pub fn new(inbox: Option<Inbox>, clock: Clock) -> Self {
        Self { own: Alone::default(), inbox, clock }
    }

    /// Takes what is in the inbox; what finds no room stays there. Whether a module has more to look at.
    fn collect(&mut self) -> bool {
        let Some(inbox) = &self.inbox else { return false };
        if let Some(rack) = &inbox.rack {
            rack.advance();
        }
        let is_due = inbox.modules.as_ref().is_some_and(|look| look());
        let mut waiting = lock(&inbox.waiting);
        while let Some(Delivery { from, event, payload, .. }) = waiting.front() {
            let path = format!("{EVENTS}{event}");
            if self.own.put_from(from, &path, payload).is_err() {
                break;
            }
            waiting.pop_front();
        }
        is_due
    }
}

impl Mail for OwnMail {
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError> {
        self.own.emit(to, message)
    }

    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError> {
        self.own.emit_self(message)
    }

    fn receive(&mut self, capacity: u64) -> Result<Next, MailError> {
        self.collect();
        self.own.receive(capacity)
    }

    fn info(&mut self) -> Option<String> {
        self.own.info()
    }

    /// A sensor that has more readings may have events: the space waits for them until it is told to end.
    fn wait(&mut self) -> bool {
        loop {
            let is_due = self.collect();
            if self.own.wait() {
                return true;
            }
            if is_due {
                if !self.clock.sleep(0) {
                    return false;
                }
                continue;
            }
            let rack = self.inbox.as_ref().and_then(|inbox| inbox.rack.as_ref());
            let Some(left) = rack.and_then(Rack::advance) else {
                // The last reading may have been an event, or be one when a module has looked at it.
                if self.collect() {
                    continue;
                }
                return self.own.wait();
            };
            if !self.clock.sleep(left.max(1) * 1_000_000) {
                return false;
            }
        }
    }
}
