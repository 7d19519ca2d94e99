//! What carries frames between hosts, and one in memory that does it badly.

use crate::mesh::{Mesh, Output};
use crate::message::Time;
use crate::wire::Subject;
use alloc::vec::Vec;

/// A host's end of a transport. It may lose, repeat, delay and reorder frames; it must not change them, and what it
/// says of their source must be true.
pub trait Bus {
    /// Publishes a frame. What it does not take, the mesh sends again.
    fn publish(&mut self, subject: &Subject, frame: &[u8]) -> Result<(), BusError>;
    /// The next frame for this host, `z.*.*.<host>.>`, if there is one.
    fn next(&mut self) -> Option<Delivery>;
    /// A delivery need not be repeated.
    fn acknowledge(&mut self, token: u64);
}

/// A frame that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What names it to [`Bus::acknowledge`].
    pub token: u64,
    /// Its subject.
    pub subject: Subject,
    /// Its bytes.
    pub frame: Vec<u8>,
}

/// Why a frame was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The credential does not allow it: a host publishes as itself only.
    #[error("the subject is another host's")]
    Denied,
    /// The transport is not there now.
    #[error("the transport cannot be reached")]
    Down,
}

/// Carries what a mesh and its end of a bus have for each other; `other` gets the outputs that are not for the bus.
/// Frames that the mesh refuses are counted and not repeated.
pub fn carry(mesh: &mut Mesh, bus: &mut impl Bus, time: Time, mut other: impl FnMut(Output)) -> u64 {
    let mut refused = 0;
    loop {
        while let Some(output) = mesh.next_output() {
            match output {
                // The mesh sends again what has no answer, so that nothing is lost with it.
                Output::Publish { subject, frame } => bus.publish(&subject, &frame).unwrap_or_default(),
                output => other(output),
            }
        }
        let Some(Delivery { token, subject, frame }) = bus.next() else { return refused };
        refused += u64::from(mesh.deliver(&subject, &frame, time).is_err());
        bus.acknowledge(token);
    }
}

/// How badly a transport in memory does: chances in a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A frame is lost.
    pub lose: u64,
    /// It comes twice.
    pub repeat: u64,
    /// It comes later than it could.
    pub delay: u64,
    /// The host takes another one before it.
    pub reorder: u64,
    /// The most steps by which a frame is late.
    pub late_steps: u64,
}

/// A transport in memory for any number of hosts. What it does follows from its seed.
#[derive(Clone, Debug)]
pub struct InMemory {
    frames: Vec<InFlight>,
    faults: Faults,
    random: u64,
    step: u64,
    last_token: u64,
}

#[derive(Clone, Debug)]
struct InFlight {
    due: u64,
    delivery: Delivery,
}

/// Steps until a delivery that was not acknowledged is repeated.
const REPEAT_STEPS: u64 = 16;

impl InMemory {
    /// With these faults, by this seed.
    pub fn new(faults: Faults, seed: u64) -> Self {
        Self { frames: Vec::new(), faults, random: seed, step: 0, last_token: 0 }
    }

    /// From now on with these.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Lets time pass: what is late comes nearer.
    pub fn step(&mut self) {
        self.step += 1;
    }

    /// Frames on their way.
    pub fn in_flight(&self) -> usize {
        self.frames.len()
    }

    /// A host's end of it.
    pub fn end<'b>(&'b mut self, host: &'b str) -> End<'b> {
        End { bus: self, host }
    }

    /// SplitMix64.
    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % below.max(1)
    }

    fn happens(&mut self, chance: u64) -> bool {
        chance > 0 && self.draw(1000) < chance
    }
}

/// A host's end of a transport in memory.
#[derive(Debug)]
pub struct End<'b> {
    bus: &'b mut InMemory,
    host: &'b str,
}

impl Bus for End<'_> {
    fn publish(&mut self, subject: &Subject, frame: &[u8]) -> Result<(), BusError> {
        if subject.source != self.host {
            return Err(BusError::Denied);
        }
        let faults = self.bus.faults;
        if self.bus.happens(faults.lose) {
            return Ok(());
        }
        let times = 1 + u64::from(self.bus.happens(faults.repeat));
        for _ in 0..times {
            let late = if self.bus.happens(faults.delay) { self.bus.draw(faults.late_steps + 1) } else { 0 };
            self.bus.last_token += 1;
            let delivery =
                Delivery { token: self.bus.last_token, subject: subject.clone(), frame: frame.to_vec() };
            self.bus.frames.push(InFlight { due: self.bus.step + late, delivery });
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Delivery> {
        let step = self.bus.step;
        let is_for_it =
            |flight: &InFlight| flight.due <= step && flight.delivery.subject.destination == self.host;
        let here: Vec<usize> =
            (0..self.bus.frames.len()).filter(|at| is_for_it(&self.bus.frames[*at])).collect();
        let another = self.bus.happens(self.bus.faults.reorder);
        let pick = if another { self.bus.draw(here.len() as u64) as usize } else { 0 };
        let flight = &mut self.bus.frames[*here.get(pick)?];
        flight.due = step + REPEAT_STEPS;
        Some(flight.delivery.clone())
    }

    fn acknowledge(&mut self, token: u64) {
        self.bus.frames.retain(|flight| flight.delivery.token != token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn subject(destination: &str) -> Subject {
        Subject {
            topology: "app".to_string(),
            source: "a".to_string(),
            destination: destination.to_string(),
            path: "p".to_string(),
        }
    }

    #[test]
    fn without_faults_frames_arrive_once_and_in_order() {
        let mut bus = InMemory::new(Faults::default(), 1);
        for byte in 0..3 {
            assert_eq!(bus.end("a").publish(&subject("b"), &[byte]), Ok(()));
        }
        assert_eq!(bus.end("c").next(), None);
        for byte in 0..3 {
            let delivery = bus.end("b").next().unwrap();
            assert_eq!(delivery.frame, [byte]);
            bus.end("b").acknowledge(delivery.token);
        }
        assert_eq!((bus.end("b").next(), bus.in_flight()), (None, 0));
    }

    #[test]
    fn what_is_not_acknowledged_comes_again() {
        let mut bus = InMemory::new(Faults::default(), 1);
        bus.end("a").publish(&subject("b"), &[7]).unwrap();
        let first = bus.end("b").next();
        assert_eq!(bus.end("b").next(), None);
        (0..REPEAT_STEPS).for_each(|_| bus.step());
        assert_eq!(bus.end("b").next(), first);
    }

    #[test]
    fn a_host_publishes_as_itself_only() {
        let mut bus = InMemory::new(Faults::default(), 1);
        assert_eq!(bus.end("b").publish(&subject("c"), &[]), Err(BusError::Denied));
    }

    #[test]
    fn faults_follow_from_the_seed() {
        let faults = Faults { lose: 200, repeat: 200, delay: 500, reorder: 500, late_steps: 5 };
        let run = |seed| {
            let mut bus = InMemory::new(faults, seed);
            let mut seen = Vec::new();
            for byte in 0..100 {
                bus.end("a").publish(&subject("b"), &[byte]).unwrap();
                bus.step();
                while let Some(delivery) = bus.end("b").next() {
                    seen.push(delivery.frame[0]);
                    bus.end("b").acknowledge(delivery.token);
                }
            }
            seen
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        assert!(!run(3).is_sorted(), "none was late");
    }
}
