//! Actuators: who may command which, and until when.

use alloc::collections::BTreeMap;
use alloc::string::String;
use sci::guest::ErrorCode;

/// Locks are numbers that guests get as an `i32`.
const LOCK_MAX: u32 = i32::MAX as u32;

/// A space's right to command an actuator for a time.
#[derive(Clone, Copy, Debug)]
struct Lease {
    lock: u32,
    space: u32,
    /// When it ends, in milliseconds.
    end: u64,
    is_released: bool,
}

impl Lease {
    fn holds(&self, now: u64) -> bool {
        !self.is_released && now < self.end
    }
}

/// Actuators by their ids, and the spaces that command them, by numbers of the caller's.
///
/// Locks are numbers that only grow, over all actuators: a device that refuses a number below one that it has seen is safe
/// from whoever had it before, however late an order arrives.
#[derive(Debug, Default)]
pub struct Actuators {
    actuators: BTreeMap<String, Option<Lease>>,
    last_lock: u32,
}

impl Actuators {
    /// Adds an actuator; one that is there already keeps its lease.
    pub fn add(&mut self, id: &str) {
        self.actuators.entry(id.into()).or_default();
    }

    /// Gives a space an actuator for so many milliseconds. Whoever has it gets a new lock, and the old one ends.
    pub fn lock(&mut self, space: u32, id: &str, milliseconds: u32, now: u64) -> Result<u32, ErrorCode> {
        let actuator = self.actuators.get_mut(id).ok_or(ErrorCode::NotFound)?;
        if actuator.is_some_and(|lease| lease.space != space && lease.holds(now)) {
            return Err(ErrorCode::Busy);
        }
        if self.last_lock == LOCK_MAX {
            return Err(ErrorCode::Quota);
        }
        self.last_lock += 1;
        let end = now.saturating_add(milliseconds.into());
        *actuator = Some(Lease { lock: self.last_lock, space, end, is_released: false });
        Ok(self.last_lock)
    }

    /// The actuator that a space may command with a lock.
    pub fn of_lock(&self, space: u32, lock: u32, now: u64) -> Result<&str, ErrorCode> {
        let is_it =
            |lease: &Option<Lease>| lease.is_some_and(|lease| (lease.lock, lease.space) == (lock, space));
        match self.actuators.iter().find(|(_, lease)| is_it(lease)) {
            Some((_, Some(lease))) if lease.is_released => Err(ErrorCode::Closed),
            Some((id, Some(lease))) if lease.holds(now) => Ok(id),
            Some(_) => Err(ErrorCode::Expired),
            None if (1..=self.last_lock).contains(&lock) => Err(ErrorCode::Expired),
            None => Err(ErrorCode::Invalid),
        }
    }

    /// Ends a space's lease.
    pub fn release(&mut self, space: u32, lock: u32, now: u64) -> Result<(), ErrorCode> {
        let id = String::from(self.of_lock(space, lock, now)?);
        if let Some(Some(lease)) = self.actuators.get_mut(&id) {
            lease.is_released = true;
        }
        Ok(())
    }

    /// A space is gone, and with it its leases.
    pub fn leave(&mut self, space: u32) {
        for lease in self.actuators.values_mut().flatten().filter(|lease| lease.space == space) {
            lease.is_released = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actuators() -> Actuators {
        let mut actuators = Actuators::default();
        actuators.add("valve");
        actuators.add("gate");
        actuators
    }

    #[test]
    fn one_space_has_an_actuator_until_its_lease_ends() {
        let mut actuators = actuators();
        assert_eq!(actuators.lock(1, "valve", 100, 0), Ok(1));
        assert_eq!(actuators.lock(2, "valve", 100, 99), Err(ErrorCode::Busy));
        assert_eq!(actuators.lock(2, "gate", 100, 99), Ok(2));
        assert_eq!(actuators.of_lock(1, 1, 99), Ok("valve"));
        assert_eq!(actuators.of_lock(1, 1, 100), Err(ErrorCode::Expired));
        assert_eq!(actuators.lock(2, "valve", 100, 100), Ok(3));
        assert_eq!(actuators.of_lock(1, 1, 100), Err(ErrorCode::Expired), "a stale holder");
        assert_eq!(actuators.of_lock(2, 3, 100), Ok("valve"));
        assert_eq!(actuators.lock(1, "fridge", 1, 0), Err(ErrorCode::NotFound));
    }

    #[test]
    fn a_lock_is_of_its_space_and_of_the_last_time() {
        let mut actuators = actuators();
        assert_eq!((actuators.lock(1, "valve", 10, 0), actuators.lock(1, "valve", 10, 5)), (Ok(1), Ok(2)));
        assert_eq!(actuators.of_lock(1, 1, 5), Err(ErrorCode::Expired), "the new lock ends the old one");
        assert_eq!(actuators.of_lock(1, 2, 14), Ok("valve"));
        assert_eq!(actuators.of_lock(2, 2, 14), Err(ErrorCode::Expired), "another's");
        for lock in [0, 3, u32::MAX] {
            assert_eq!(actuators.of_lock(1, lock, 0), Err(ErrorCode::Invalid), "{lock} was never given");
        }
    }

    #[test]
    fn what_is_given_back_is_free() {
        let mut actuators = actuators();
        actuators.lock(1, "valve", 100, 0).unwrap();
        assert_eq!(actuators.release(2, 1, 0), Err(ErrorCode::Expired));
        assert_eq!(actuators.release(1, 1, 0), Ok(()));
        assert_eq!(
            (actuators.release(1, 1, 0), actuators.of_lock(1, 1, 0)),
            (Err(ErrorCode::Closed), Err(ErrorCode::Closed))
        );
        assert_eq!(actuators.lock(2, "valve", 100, 0), Ok(2));
        actuators.leave(2);
        assert_eq!(actuators.lock(1, "valve", 100, 0), Ok(3));
        actuators.last_lock = LOCK_MAX;
        assert_eq!(actuators.lock(1, "valve", 100, 0), Err(ErrorCode::Quota));
    }
}
