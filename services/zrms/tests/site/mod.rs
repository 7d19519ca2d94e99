//! A host as zrun is meant to be one: it follows actions by its fence, and says what it runs.

use services_zrms::action::{Action, Address, Fence, Instance, InstanceState, Order, Refusal, Report};
use services_zrms::control::{Config, SpaceSpec, Submission};
use services_zrms::place::{Demand, Host, Resources};
use services_zrms::restart::RestartPolicy;
use services_zrms::verdict::{Level, Verdict};
use std::collections::BTreeMap;

pub const SEED: [u8; 32] = [9; 32];

pub fn config(seed: u64) -> Config {
    Config { seed, trusted: vec![sci::sign::public_key(&SEED)], ..Config::default() }
}

pub fn host(name: &str, memory: u64) -> Host {
    let capacity = Resources { memory, cpu: 1000, messages: 1000 };
    Host { name: name.into(), region: "here".into(), capacity, ..Host::default() }
}

pub fn space(name: &str, hash: u8) -> SpaceSpec {
    let resources = Resources { memory: 10, cpu: 10, messages: 10 };
    SpaceSpec {
        name: name.into(),
        hash: [hash; 32],
        demand: Demand { resources, ..Demand::default() },
        restart: RestartPolicy {
            first_wait: 100,
            longest_wait: 400,
            attempts: Some(3),
            stable: 2000,
            ..RestartPolicy::default()
        },
        stop_deadline: 300,
    }
}

pub fn submission(package: u8, spaces: Vec<SpaceSpec>) -> Submission {
    let package = [package; 32];
    let verdict =
        Verdict { package, level: Level::Semantic, policy: [0; 32], verifier: "test".into(), time: 0 };
    Submission { package, verdict: verdict.sign(&SEED, true).expect("it can be signed"), spaces }
}

/// What runs on a host.
#[derive(Clone, Debug)]
pub struct Running {
    pub epoch: u64,
    pub state: InstanceState,
    pub hash: [u8; 32],
    /// When it is ended by force.
    pub ends: Option<u64>,
}

/// The host.
#[derive(Clone, Debug)]
pub struct Site {
    pub host: Host,
    pub life: u64,
    pub sequence: u64,
    pub fence: Fence,
    pub running: BTreeMap<Address, Running>,
    /// Starts that were carried out.
    pub starts: Vec<(Address, u64)>,
}

impl Site {
    pub fn new(host: Host) -> Self {
        let fence = Fence::new(1, config(0).trusted);
        Self { host, life: 1, sequence: 0, fence, running: BTreeMap::new(), starts: Vec::new() }
    }

    /// Starts anew, with nothing.
    pub fn reboot(&mut self) {
        self.life += 1;
        self.sequence = 0;
        self.fence = Fence::new(self.life, config(0).trusted);
        self.running.clear();
    }

    pub fn follow(&mut self, action: &Action, now: u64) -> Result<(), Refusal> {
        if !self.fence.admit(action)? {
            return Ok(());
        }
        let (space, epoch) = (action.space.clone(), action.epoch);
        match &action.order {
            Order::Start { hash, .. } => {
                self.starts.push((space.clone(), epoch));
                self.running.insert(
                    space,
                    Running { epoch, state: InstanceState::Starting, hash: *hash, ends: None },
                );
            }
            Order::Stop { deadline } => {
                let stopped = InstanceState::Ended { failed: false, reason: "stopped".into() };
                match self
                    .running
                    .get_mut(&space)
                    .filter(|running| !matches!(running.state, InstanceState::Ended { .. }))
                {
                    Some(running) if *deadline > 0 => {
                        running.ends.get_or_insert(now + deadline);
                    }
                    Some(running) => running.state = stopped,
                    None => drop(
                        self.running
                            .insert(space, Running { epoch, state: stopped, hash: [0; 32], ends: None }),
                    ),
                }
            }
        }
        Ok(())
    }

    /// Time passes: what begins runs, what is to end ends.
    pub fn live(&mut self, now: u64) {
        for running in self.running.values_mut() {
            if running.state == InstanceState::Starting {
                running.state = InstanceState::Running;
            }
            if running.ends.is_some_and(|ends| ends <= now) {
                running.ends = None;
                running.state = InstanceState::Ended { failed: false, reason: "stopped".into() };
            }
        }
    }

    pub fn report(&mut self) -> Report {
        self.sequence += 1;
        let instances = self.running.iter().map(|(space, running)| Instance {
            space: space.clone(),
            epoch: running.epoch,
            state: running.state.clone(),
        });
        Report {
            host: self.host.clone(),
            life: self.life,
            sequence: self.sequence,
            instances: instances.collect(),
        }
    }
}
