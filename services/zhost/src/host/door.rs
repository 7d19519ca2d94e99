//! Who is let in: what is taken from somebody is done, also where the parent was about to end.

use std::sync::{Mutex, PoisonError};

/// Where submissions come in.
#[derive(Debug, Default)]
pub(super) struct Door(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    visits: usize,
    is_shut: bool,
}

/// Somebody who was let in, until it is dropped.
#[derive(Debug)]
pub(super) struct Visit<'d>(&'d Door);

impl Door {
    /// Lets somebody in, unless it is shut.
    pub fn enter(&self) -> Option<Visit<'_>> {
        self.with(|inside| {
            inside.visits += usize::from(!inside.is_shut);
            (!inside.is_shut).then(|| Visit(self))
        })
    }

    /// Whether nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.with(|inside| inside.visits == 0)
    }

    /// Shuts the door for good if it `is_over`, with nobody inside and nobody who came in meanwhile; whether it is.
    pub fn shut(&self, is_over: impl Fn() -> bool) -> bool {
        if !is_over() {
            return false;
        }
        self.with(|inside| inside.is_shut = true);
        // Somebody may have left something since.
        let stays_shut = self.is_empty() && is_over();
        self.with(|inside| inside.is_shut = stays_shut);
        stays_shut
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inside) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.with(|inside| inside.visits -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn it_is_shut_with_nobody_inside_only() {
        let door = Door::default();
        let visit = door.enter().expect("it is open");
        assert!(!door.shut(|| true) && door.enter().is_some());
        drop(visit);
        assert!(!door.shut(|| false) && door.enter().is_some());
        assert!(door.shut(|| true) && door.enter().is_none());
    }

    #[test]
    fn what_was_left_while_it_was_shut_opens_it_again() {
        let (door, looks) = (Door::default(), Cell::new(0));
        let is_over = || {
            looks.set(looks.get() + 1);
            looks.get() == 1
        };
        assert!(!door.shut(is_over) && looks.get() == 2 && door.enter().is_some());
    }
}
