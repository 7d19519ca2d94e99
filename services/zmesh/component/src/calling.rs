//! When a space that waits is called.

/// A space between two calls of `on_process`.
#[derive(Clone, Copy, Debug)]
pub struct Calling {
    /// It waits to be called.
    awaits: bool,
    /// It took a message since it was called last.
    took: bool,
    /// Messages that waited when it was called last, and wait still.
    seen: usize,
}

impl Default for Calling {
    fn default() -> Self {
        Self { awaits: false, took: true, seen: 0 }
    }
}

impl Calling {
    /// It waits from now on.
    pub fn wait(&mut self) {
        self.awaits = true;
    }

    /// Whether it waits.
    pub fn awaits(&self) -> bool {
        self.awaits
    }

    /// It took a message.
    pub fn took(&mut self) {
        self.took = true;
    }

    /// It waits no more.
    pub fn leave(&mut self) {
        self.awaits = false;
    }

    /// Whether it is called now, where so many messages wait: a message that it left calls it not again.
    pub fn call(&mut self, waiting: usize) -> bool {
        self.seen = self.seen.min(waiting);
        let calls = self.awaits && waiting > 0 && (self.took || waiting > self.seen);
        if calls {
            *self = Self { awaits: false, took: false, seen: waiting };
        }
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_left_calls_once() {
        let mut calling = Calling::default();
        assert!(!calling.call(1), "nobody waits");
        calling.wait();
        assert!(!calling.call(0) && calling.call(1) && !calling.awaits());
        calling.wait();
        assert!(!calling.call(1), "it was left");
        assert!(calling.call(2), "another one came");
        calling.took();
        calling.wait();
        assert!(calling.call(1), "it takes them one by one");
    }
}
