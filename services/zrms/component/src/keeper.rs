//! The host of a topology's spaces that follows what control decides.

use crate::ending::Ending;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use sci::sign::PublicKey;
use serde::{Deserialize, Serialize};
use services_zrms::action::{Action, Address, Fence, Instance, InstanceState, Order, Report};
use services_zrms::control::{Config, Control, ControlError, SpaceSpec, State, Submission};
use services_zrms::place::Host;
use services_zrms::store::InMemory;
use services_zrms::verdict::SignedVerdict;

/// This run of the machine.
const LIFE: u64 = 1;
/// Why a space ended that was to end, and one that an operator killed: in the words of a Linux host.
const STOPPED: &str = "it was stopped";
const KILLED: &str = "it was killed: an operator asked for it";

/// A space, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Its name.
    pub name: String,
    /// The number of its instances among those of the bundle; a user interface has none.
    pub guest: Option<u32>,
}

/// A topology, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Its name.
    pub topology: String,
    /// SHA-256 of the package.
    pub package: [u8; 32],
    /// What was found of the package.
    pub verdict: Vec<u8>,
    /// Keys whose verdicts hold.
    pub keys: Vec<PublicKey>,
    /// Its spaces, as they are to run.
    pub spaces: Vec<SpaceSpec>,
    /// Its spaces by the mesh's numbers.
    pub seats: Vec<Seat>,
    /// This machine.
    pub host: Host,
}

impl Configuration {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }
}

/// What control's decisions are carried out with. Spaces are named by their numbers.
pub trait Hands {
    /// Starts a guest and its host; says whether that was possible.
    fn start(&mut self, guest: u32) -> bool;
    /// Ends both where they are.
    fn stop(&mut self, guest: u32);
    /// How a guest ended, if it did.
    fn ended(&mut self, guest: u32) -> Option<Ending>;
    /// Tells the mesh that a space runs.
    fn join(&mut self, space: u32, instance: u64) -> bool;
    /// Tells the mesh that a space is to end.
    fn finish(&mut self, space: u32);
    /// Tells the mesh that a space has ended.
    fn leave(&mut self, space: u32);
    /// Says something to people.
    fn say(&mut self, line: &str);
}

/// A start of a space.
struct Started {
    epoch: u64,
    state: InstanceState,
    /// When it must have ended, in milliseconds.
    end_by: Option<u64>,
}

/// What is said of a space's end. No name has the quotes.
fn ended_line(space: &str, failed: bool, reason: &str) -> String {
    let failed = if failed { "it failed: " } else { "" };
    format!("ended `{space}`: {failed}{reason}")
}

/// Control, and the host that follows it.
pub struct Keeper {
    control: Control<InMemory>,
    fence: Fence,
    topology: String,
    host: Host,
    seats: Vec<Seat>,
    started: BTreeMap<usize, Started>,
    sequence: u64,
    /// What was said of each space last.
    told: BTreeMap<String, String>,
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Something runs, or will.
    Work,
    /// Everything ended for good.
    Nothing {
        /// Whether a space failed.
        failed: bool,
    },
}

impl Keeper {
    /// Of the bytes of a configuration.
    pub fn read(bytes: &[u8], now: u64) -> Result<Self, String> {
        let configuration: Configuration =
            postcard::from_bytes(bytes).map_err(|_| String::from("the configuration is malformed"))?;
        Self::new(configuration, now).map_err(|error| error.to_string())
    }

    /// Of a configuration, which is submitted.
    pub fn new(configuration: Configuration, now: u64) -> Result<Self, ControlError> {
        let Configuration { topology, package, verdict, keys, spaces, seats, host } = configuration;
        let config = Config { trusted: keys.clone(), ..Config::default() };
        let mut control = Control::open(InMemory::default(), config, now)?;
        let verdict = SignedVerdict::from_bytes(&verdict)?;
        control.submit(&topology, &Submission { package, verdict, spaces })?;
        let fence = Fence::new(LIFE, keys);
        let (started, told) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { control, fence, topology, host, seats, started, sequence: 0, told })
    }

    /// Looks what runs, decides, and has it carried out. The time is in milliseconds.
    pub fn step(&mut self, now: u64, hands: &mut impl Hands) -> Result<Left, ControlError> {
        self.look(now, hands);
        self.sequence += 1;
        let instance = |(at, started): (&usize, &Started)| Instance {
            space: self.address(*at),
            epoch: started.epoch,
            state: started.state.clone(),
        };
        let instances = self.started.iter().map(instance).collect();
        let report = Report { host: self.host.clone(), life: LIFE, sequence: self.sequence, instances };
        // The store is this process' own memory, and each report is the latest.
        let _ = self.control.report(report);
        for action in self.control.step(now)? {
            self.follow(&action, now, hands);
        }
        Ok(self.tell(hands))
    }

    fn address(&self, seat: usize) -> Address {
        Address { topology: self.topology.clone(), space: self.seats[seat].name.clone() }
    }

    /// Finds out what ended.
    fn look(&mut self, now: u64, hands: &mut impl Hands) {
        for (at, started) in &mut self.started {
            let Some(guest) = self.seats[*at].guest else { continue };
            if matches!(started.state, InstanceState::Ended { .. }) {
                continue;
            }
            let is_late = started.end_by.is_some_and(|deadline| deadline <= now);
            let ending = hands.ended(guest).map(Ending::told);
            let ended = match (ending, started.end_by) {
                (Some((failed, reason)), None) => Some((failed, reason)),
                (Some(_), Some(_)) => Some((false, STOPPED.into())),
                (None, _) if is_late => {
                    Some((false, "it was stopped, and did not end by itself in time".into()))
                }
                (None, _) => None,
            };
            if let Some((failed, reason)) = ended {
                hands.say(&ended_line(&self.seats[*at].name, failed, &reason));
                started.state = InstanceState::Ended { failed, reason };
                hands.stop(guest);
                hands.leave(*at as u32);
            }
        }
    }

    /// A space has begun, and waits for something to process.
    pub fn begun(&mut self, space: usize) {
        if let Some(started) = self.started.get_mut(&space)
            && started.state == InstanceState::Starting
        {
            started.state = InstanceState::Running;
        }
    }

    /// Does what an operator asked for: ends a space at once, as a failure, or starts it anew. What is not there to end, and
    /// what is not known, stays as it is.
    pub fn order(&mut self, space: usize, kills: bool, hands: &mut impl Hands) {
        let Some(Seat { name, guest }) = self.seats.get(space) else { return };
        if !kills {
            if let Err(error) = self.control.restart(&self.topology, name) {
                hands.say(&format!("{name} is not started anew: {error}"));
            }
            return;
        }
        let runs = |started: &&mut Started| !matches!(started.state, InstanceState::Ended { .. });
        let Some(started) = self.started.get_mut(&space).filter(runs) else { return };
        started.state = InstanceState::Ended { failed: true, reason: KILLED.into() };
        hands.say(&ended_line(name, true, KILLED));
        if let Some(guest) = guest {
            hands.stop(*guest);
        }
        hands.leave(space as u32);
    }

    fn follow(&mut self, action: &Action, now: u64, hands: &mut impl Hands) {
        let space = &action.space.space;
        let Some(at) = self.seats.iter().position(|seat| seat.name == *space) else { return };
        match self.fence.admit(action) {
            Ok(true) => {}
            Ok(false) => return,
            Err(refusal) => return hands.say(&format!("refused {refusal}")),
        }
        let guest = self.seats[at].guest;
        match &action.order {
            Order::Start { .. } => {
                if let Ok(status) = self.control.status(&self.topology)
                    && let Some(known) = status.spaces.iter().find(|known| known.name == *space)
                    && let Some(why) = &known.explanation
                {
                    hands.say(&format!("placed {space} {why}"));
                }
                if let Some(guest) = guest.filter(|_| self.started.contains_key(&at)) {
                    hands.stop(guest);
                    hands.leave(at as u32);
                }
                let joined = hands.join(at as u32, action.epoch);
                let state = match guest {
                    None if joined => InstanceState::Running,
                    Some(guest) if joined && hands.start(guest) => InstanceState::Starting,
                    _ => {
                        InstanceState::Ended { failed: true, reason: "the machine has no room for it".into() }
                    }
                };
                self.started.insert(at, Started { epoch: action.epoch, state, end_by: None });
            }
            Order::Stop { deadline } => {
                let Some(started) = self.started.get_mut(&at).filter(|known| known.epoch <= action.epoch)
                else {
                    return;
                };
                started.end_by.get_or_insert(now.saturating_add(*deadline));
                hands.finish(at as u32);
                if guest.is_none() {
                    hands.say(&ended_line(space, false, STOPPED));
                    started.state = InstanceState::Ended { failed: false, reason: STOPPED.into() };
                    hands.leave(at as u32);
                }
            }
        }
    }

    /// Says what changed.
    fn tell(&mut self, hands: &mut impl Hands) -> Left {
        let Ok(status) = self.control.status(&self.topology) else { return Left::Work };
        for space in &status.spaces {
            let line = format!("{} {}: {}", space.name, space.state.name(), space.reason);
            if self.told.get(&space.name) != Some(&line) {
                hands.say(&line);
                self.told.insert(space.name.clone(), line);
            }
        }
        let guests = status
            .spaces
            .iter()
            .filter(|space| self.seats.iter().any(|seat| seat.name == space.name && seat.guest.is_some()));
        let (mut is_over, mut failed, mut any) = (true, false, false);
        for guest in guests {
            any = true;
            is_over &= matches!(guest.state, State::Stopped | State::Failed);
            failed |= guest.state == State::Failed;
        }
        if any && is_over { Left::Nothing { failed } } else { Left::Work }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use services_zrms::place::{Demand, Resources};
    use services_zrms::restart::{RestartPolicy, When};
    use services_zrms::verdict::{Level, Verdict};

    const SEED: [u8; 32] = [7; 32];
    const PACKAGE: [u8; 32] = [1; 32];

    fn configuration(memory: u64) -> Configuration {
        let verdict = Verdict {
            package: PACKAGE,
            level: Level::Semantic,
            policy: [0; 32],
            verifier: "test".into(),
            time: 0,
        };
        let spec = |name: &str| SpaceSpec {
            name: name.into(),
            hash: [2; 32],
            demand: Demand { resources: Resources { memory: 100, cpu: 0, messages: 0 }, ..Demand::default() },
            restart: RestartPolicy {
                when: When::OnFailure,
                attempts: Some(2),
                first_wait: 100,
                longest_wait: 100,
                stable: 10_000,
            },
            stop_deadline: 100,
        };
        Configuration {
            topology: "hello".into(),
            package: PACKAGE,
            verdict: verdict.sign(&SEED, true).unwrap().to_bytes().unwrap(),
            keys: vec![sci::sign::public_key(&SEED)],
            spaces: vec![spec("panel"), spec("sensor")],
            seats: vec![
                Seat { name: "panel".into(), guest: None },
                Seat { name: "sensor".into(), guest: Some(0) },
            ],
            host: Host {
                name: "here".into(),
                region: "here".into(),
                capacity: Resources { memory, cpu: 1000, messages: 1000 },
                ..Host::default()
            },
        }
    }

    #[derive(Default)]
    struct Recorder {
        did: Vec<String>,
        said: Vec<String>,
        ended: Option<Ending>,
    }

    impl Hands for Recorder {
        fn start(&mut self, guest: u32) -> bool {
            self.ended = None;
            self.did.push(format!("start {guest}"));
            true
        }
        fn stop(&mut self, guest: u32) {
            self.did.push(format!("stop {guest}"));
        }
        fn ended(&mut self, _: u32) -> Option<Ending> {
            self.ended
        }
        fn join(&mut self, space: u32, instance: u64) -> bool {
            self.did.push(format!("join {space}#{instance}"));
            true
        }
        fn finish(&mut self, space: u32) {
            self.did.push(format!("finish {space}"));
        }
        fn leave(&mut self, space: u32) {
            self.did.push(format!("leave {space}"));
        }
        fn say(&mut self, line: &str) {
            self.said.push(line.into());
        }
    }

    fn keeper(memory: u64) -> Keeper {
        Keeper::read(&configuration(memory).to_bytes(), 0).unwrap()
    }

    fn steps(keeper: &mut Keeper, hands: &mut Recorder, times: core::ops::Range<u64>) -> Left {
        times.map(|at| keeper.step(at * 50, hands).unwrap()).last().unwrap()
    }

    #[test]
    fn spaces_are_placed_before_they_start() {
        let (mut keeper, mut hands) = (keeper(1000), Recorder::default());
        assert_eq!(steps(&mut keeper, &mut hands, 0..10), Left::Work);
        assert_eq!(hands.did, ["join 0#1", "join 1#2", "start 0"]);
        assert_eq!(hands.said.last().unwrap(), "sensor pending: it begins");
        keeper.begun(1);
        steps(&mut keeper, &mut hands, 10..11);
        let placed = hands.said.iter().position(|line| line.starts_with("placed sensor on `here`")).unwrap();
        let runs = hands.said.iter().position(|line| line.starts_with("sensor running")).unwrap();
        assert!(placed < runs, "{:?}", hands.said);
    }

    #[test]
    fn what_fits_nowhere_does_not_start() {
        let (mut keeper, mut hands) = (keeper(50), Recorder::default());
        assert_eq!(steps(&mut keeper, &mut hands, 0..10), Left::Work);
        assert_eq!(hands.did, [""; 0]);
        assert!(hands.said.iter().any(|line| line.starts_with("sensor pending")), "{:?}", hands.said);
    }

    #[test]
    fn a_failure_is_tried_again_until_it_is_given_up() {
        let (mut keeper, mut hands) = (keeper(1000), Recorder::default());
        let fault = Ending { fault: sci::status::Fault::Unreachable.number(), detail: 0, place: 0 };
        let mut at = 0;
        let left = loop {
            at += 1;
            assert!(at < 1000, "{:?}", hands.said);
            hands.ended = Some(fault);
            match keeper.step(at * 50, &mut hands).unwrap() {
                Left::Work => {}
                left @ Left::Nothing { .. } => break left,
            }
        };
        assert_eq!(left, Left::Nothing { failed: true });
        assert_eq!(hands.did.iter().filter(|did| *did == "start 0").count(), 3);
        let last = hands.said.last().unwrap();
        assert!(last.starts_with("sensor failed") && last.contains("unreachable executed"), "{last}");
    }

    #[test]
    fn a_guest_that_has_ended_well_is_left_alone() {
        let (mut keeper, mut hands) = (keeper(1000), Recorder::default());
        steps(&mut keeper, &mut hands, 0..10);
        hands.ended = Some(Ending { fault: 0, detail: 0, place: 0 });
        assert_eq!(steps(&mut keeper, &mut hands, 10..20), Left::Nothing { failed: false });
        assert_eq!(hands.did[3..], ["stop 0", "leave 1"]);
    }

    #[test]
    fn an_operator_kills_a_space_and_its_policy_starts_it_again() {
        let (mut keeper, mut hands) = (keeper(1000), Recorder::default());
        steps(&mut keeper, &mut hands, 0..10);
        keeper.order(1, true, &mut hands);
        keeper.order(1, true, &mut hands);
        assert_eq!(hands.did[3..], ["stop 0", "leave 1"], "it is ended once");
        steps(&mut keeper, &mut hands, 10..20);
        let said = |line: &str| hands.said.iter().any(|said| said == line);
        assert!(said("sensor pending: it was killed: an operator asked for it"), "{:?}", hands.said);
        assert_eq!(hands.did[5..], ["stop 0", "leave 1", "join 1#3", "start 0"]);
        // A user interface runs nowhere here, and who is unknown is nobody.
        keeper.order(0, true, &mut hands);
        keeper.order(7, true, &mut hands);
        assert_eq!(hands.did.last().map(String::as_str), Some("leave 0"));
    }

    #[test]
    fn an_operator_starts_a_space_anew_also_one_that_has_ended() {
        let (mut keeper, mut hands) = (keeper(1000), Recorder::default());
        steps(&mut keeper, &mut hands, 0..10);
        keeper.order(1, false, &mut hands);
        steps(&mut keeper, &mut hands, 10..11);
        assert_eq!(hands.did[3..], ["finish 1"], "it is asked to end");
        assert_eq!(hands.said.last().unwrap(), "sensor degraded: it is being stopped: it was asked for");
        hands.ended = Some(Ending { fault: 0, detail: 0, place: 0 });
        steps(&mut keeper, &mut hands, 11..20);
        assert_eq!(hands.did.last().map(String::as_str), Some("start 0"));
        hands.ended = Some(Ending { fault: 0, detail: 0, place: 0 });
        keeper.step(1000, &mut hands).unwrap();
        assert_eq!(keeper.step(1050, &mut hands), Ok(Left::Nothing { failed: false }));
        keeper.order(1, false, &mut hands);
        assert_eq!(steps(&mut keeper, &mut hands, 22..30), Left::Work);
        assert_eq!(hands.did.last().map(String::as_str), Some("start 0"));
    }

    #[test]
    fn a_verdict_of_someone_else_starts_nothing() {
        let keys = vec![sci::sign::public_key(&[8; 32])];
        let other = Configuration { keys, ..configuration(1000) };
        assert!(Keeper::new(other, 0).is_err());
    }
}
