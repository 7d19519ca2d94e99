//! Placement over seeded random clusters, beside an oracle that knows no index: it looks at every host and applies
//! the rules as they are written.

use services_zrms::place::{
    Demand, Feature, FeatureKind, Host, HostId, Placer, Reason, Resources, Rule, SpaceId,
};
use std::collections::BTreeMap;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

const KINDS: [FeatureKind; 5] = [
    FeatureKind::Label,
    FeatureKind::Capability,
    FeatureKind::Sensor,
    FeatureKind::Actuator,
    FeatureKind::Display,
];

fn feature(random: &mut Random) -> Feature {
    let kind = KINDS[random.below(5) as usize];
    Feature::new(kind, ["a", "b"][random.below(2) as usize])
}

fn host(random: &mut Random, name: u64) -> Host {
    Host {
        name: format!("host-{name}"),
        region: format!("region-{}", random.below(3)),
        location: random.chance(2).then(|| format!("place-{}", random.below(3))),
        offers: (0..random.below(8)).map(|_| feature(random)).collect(),
        capacity: Resources {
            memory: 1 + random.below(100),
            cpu: 1 + random.below(100) as u32,
            messages: 1 + random.below(100) as u32,
        },
        draining: random.chance(12),
    }
}

fn demand(random: &mut Random) -> Demand {
    Demand {
        resources: Resources {
            memory: random.below(20),
            cpu: random.below(20) as u32,
            messages: random.below(20) as u32,
        },
        needs: (0..random.below(4).saturating_sub(1)).map(|_| feature(random)).collect(),
        regions: (0..random.below(4).saturating_sub(1))
            .map(|_| format!("region-{}", random.below(3)))
            .collect(),
        together: random.chance(3).then(|| format!("one-{}", random.below(4))),
        apart: (0..random.below(3).saturating_sub(1)).map(|_| format!("apart-{}", random.below(2))).collect(),
        location: random.chance(4).then(|| format!("place-{}", random.below(3))),
    }
}

/// What the oracle knows: everything, in the order in which it was said.
#[derive(Default)]
struct Oracle {
    hosts: BTreeMap<HostId, (Host, bool)>,
    spaces: BTreeMap<SpaceId, Demand>,
}

impl Oracle {
    /// Whether a host may take these spaces on top of those that it has.
    fn takes(&self, placer: &Placer, id: HostId, new: &[SpaceId]) -> bool {
        let (host, alive) = &self.hosts[&id];
        let here: Vec<SpaceId> = self
            .spaces
            .keys()
            .copied()
            .filter(|&space| placer.host_of(space) == Some(id) && !new.contains(&space))
            .collect();
        let demands = |spaces: &[SpaceId]| spaces.iter().map(|space| &self.spaces[space]).collect::<Vec<_>>();
        let (here, new) = (demands(&here), demands(new));
        let all: Vec<&Demand> = here.iter().chain(&new).copied().collect();
        let fits = |of: fn(&Resources) -> u64| {
            all.iter().map(|demand| of(&demand.resources)).sum::<u64>() <= of(&host.capacity)
                // What a host has too much already is not the new one's fault if it takes nothing.
                || new.iter().all(|demand| of(&demand.resources) == 0)
        };
        let lone = |at: usize| {
            let others = all.iter().enumerate().filter(|(other, _)| *other != here.len() + at);
            others.flat_map(|(_, demand)| &demand.apart).all(|group| !new[at].apart.contains(group))
        };
        *alive
            && !host.draining
            && new.iter().all(|demand| demand.needs.is_subset(&host.offers))
            && new.iter().all(|demand| demand.regions.is_empty() || demand.regions.contains(&host.region))
            && (0..new.len()).all(lone)
            && fits(|resources| resources.memory)
            && fits(|resources| resources.cpu.into())
            && fits(|resources| resources.messages.into())
    }

    /// Whom a decision about a space is about, and where the rest of its group runs.
    fn unit(&self, placer: &Placer, space: SpaceId) -> (Vec<SpaceId>, Option<HostId>) {
        let Some(group) = &self.spaces[&space].together else { return (vec![space], None) };
        let members: Vec<SpaceId> = self
            .spaces
            .iter()
            .filter(|(_, demand)| demand.together.as_ref() == Some(group))
            .map(|(&id, _)| id)
            .collect();
        let bound = members.iter().find_map(|&member| placer.host_of(member));
        (members.into_iter().filter(|&member| placer.host_of(member).is_none()).collect(), bound)
    }
}

/// One random cluster with its life: the decisions, for comparison.
fn live(seed: u64, steps: u64) -> Vec<Option<String>> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut placer, mut oracle) = (Placer::new(seed), Oracle::default());
    let mut trace = Vec::new();
    for name in 0..=random.below(30) {
        let host = host(&mut random, name);
        oracle.hosts.insert(placer.describe(host.clone()), (host, true));
    }
    for step in 0..steps {
        match random.below(10) {
            0 => {
                let name = random.below(30);
                let host = host(&mut random, name);
                oracle.hosts.insert(placer.describe(host.clone()), (host, true));
            }
            1 if random.chance(3) => {
                let at = random.below(oracle.hosts.len() as u64) as usize;
                let (&id, _) = oracle.hosts.iter().nth(at).expect("there is one");
                let there: Vec<SpaceId> = oracle
                    .spaces
                    .keys()
                    .copied()
                    .filter(|&space| placer.host_of(space) == Some(id))
                    .collect();
                let mut gone = placer.bury(id);
                gone.sort();
                assert_eq!(gone, there, "seed {seed}, step {step}");
                if let Some((_, alive)) = oracle.hosts.get_mut(&id) {
                    *alive = false;
                }
            }
            2 if !oracle.spaces.is_empty() => {
                let at = random.below(oracle.spaces.len() as u64) as usize;
                let (&id, _) = oracle.spaces.iter().nth(at).expect("there is one");
                if random.chance(2) {
                    placer.release(id);
                } else {
                    placer.remove(id);
                    oracle.spaces.remove(&id);
                }
            }
            3..=6 => {
                let demand = demand(&mut random);
                let id = placer.add(&format!("space-{step}"), demand.clone());
                oracle.spaces.insert(id, demand);
            }
            _ => {
                for id in oracle.spaces.keys().copied().collect::<Vec<_>>() {
                    trace.push(judged(&mut placer, &oracle, id, seed));
                }
            }
        }
        sums(&placer, &oracle, seed);
    }
    trace
}

/// Places a space, and holds the decision against the oracle's.
fn judged(placer: &mut Placer, oracle: &Oracle, id: SpaceId, seed: u64) -> Option<String> {
    if placer.host_of(id).is_some() {
        return None;
    }
    let (unit, bound) = oracle.unit(placer, id);
    let fitting: Vec<HostId> = oracle
        .hosts
        .keys()
        .copied()
        .filter(|&host| bound.is_none_or(|bound| bound == host) && oracle.takes(placer, host, &unit))
        .collect();
    let chosen = placer.place(id);
    let explanation = placer.explain(id);
    match chosen {
        Some(host) => assert!(fitting.contains(&host), "seed {seed}: {explanation}"),
        None => assert!(fitting.is_empty(), "seed {seed}: {fitting:?} would do; {explanation}"),
    }
    assert!(unit.iter().all(|&member| placer.host_of(member) == chosen), "seed {seed}: a group as a whole");
    let excluded: u32 = explanation.excluded.iter().map(|(_, hosts)| hosts).sum();
    let fixed: u32 =
        explanation.excluded.iter().filter(|(rule, _)| *rule < Rule::Dead).map(|(_, hosts)| hosts).sum();
    assert_eq!(explanation.hosts as usize, oracle.hosts.len());
    assert_eq!(explanation.eligible + fixed, explanation.hosts, "seed {seed}: {explanation}");
    if chosen.is_none() {
        assert_eq!(excluded, explanation.hosts, "seed {seed}: every host is accounted for: {explanation}");
        assert!(explanation.remedy.is_some());
    } else {
        assert_eq!(
            explanation.asked + fixed,
            explanation.outdone() + 1 + excluded,
            "seed {seed}: each one asked was taken, excluded or outdone: {explanation}"
        );
        assert_eq!(explanation.remedy, None);
    }
    Some(explanation.to_string())
}

/// What the placer believes hosts' spaces take is what they take.
fn sums(placer: &Placer, oracle: &Oracle, seed: u64) {
    for &host in oracle.hosts.keys() {
        let here = oracle.spaces.iter().filter(|(space, _)| placer.host_of(**space) == Some(host));
        let sum = here.fold(Resources::default(), |sum, (_, demand)| Resources {
            memory: sum.memory + demand.resources.memory,
            cpu: sum.cpu + demand.resources.cpu,
            messages: sum.messages + demand.resources.messages,
        });
        assert_eq!(placer.used(host), sum, "seed {seed}");
    }
}

#[test]
fn every_decision_is_the_oracles() {
    let mut placed = [0_usize; 2];
    for seed in 1..=300 {
        for decision in live(seed, 80).iter().flatten() {
            placed[usize::from(decision.starts_with("no host"))] += 1;
        }
    }
    assert!(placed[0] > 3000 && placed[1] > 3000, "both ends are met often: {placed:?}");
}

#[test]
fn the_same_seed_gives_the_same_decisions() {
    for seed in 1..=20 {
        assert_eq!(live(seed, 120), live(seed, 120));
    }
}

fn plain(name: &str, memory: u64) -> Host {
    let capacity = Resources { memory, cpu: 1000, messages: 1000 };
    Host { name: name.into(), region: "here".into(), capacity, ..Host::default() }
}

fn of(memory: u64) -> Demand {
    Demand { resources: Resources { memory, ..Resources::default() }, ..Demand::default() }
}

fn refusal(hosts: Vec<Host>, demand: Demand) -> String {
    let mut placer = Placer::new(1);
    for host in hosts {
        placer.describe(host);
    }
    let space = placer.add("space", demand);
    assert_eq!(placer.place(space), None);
    placer.explain(space).to_string()
}

#[test]
fn a_refusal_names_rule_count_and_remedy() {
    let needs = |kind, name: &str| Demand { needs: [Feature::new(kind, name)].into(), ..Demand::default() };
    assert_eq!(refusal(Vec::new(), of(1)), "no host fits; 0 of 0 eligible hosts asked; start a host");
    assert_eq!(
        refusal(vec![plain("a", 10), plain("b", 20)], of(21)),
        "no host fits; 2 of 2 eligible hosts asked; memory: 2 excluded; needs 21 bytes of memory, the most free is 20"
    );
    assert_eq!(
        refusal(vec![plain("a", 10)], needs(FeatureKind::Sensor, "lidar")),
        "no host fits; 0 of 0 eligible hosts asked; sensor: 1 excluded; no host offers sensor `lidar`: attach one, or \
         take the need away"
    );
    assert_eq!(
        refusal(vec![plain("a", 10)], Demand { regions: ["north".into()].into(), ..Demand::default() }),
        "no host fits; 0 of 0 eligible hosts asked; region: 1 excluded; no host is in north: start one there, or allow \
         another region"
    );
    let draining = Host { draining: true, ..plain("a", 10) };
    assert!(
        refusal(vec![draining], of(1))
            .ends_with("draining: 1 excluded; the eligible hosts take no more spaces: end the drain of one")
    );
}

#[test]
fn a_host_at_the_spaces_location_is_preferred() {
    let mut placer = Placer::new(7);
    for name in 0..100 {
        let location = (name % 50 == 0).then(|| "gate".to_owned());
        placer.describe(Host { location, ..plain(&format!("h{name}"), 100) });
    }
    for name in 0..4 {
        let space = placer.add(&format!("s{name}"), Demand { location: Some("gate".into()), ..of(50) });
        let host = placer.place(space).expect("there is room");
        assert_eq!(placer.description(host).location.as_deref(), Some("gate"));
        assert_eq!(placer.explain(space).choice.map(|choice| choice.reason), Some(Reason::Location));
    }
    let space = placer.add("last", Demand { location: Some("gate".into()), ..of(50) });
    let host = placer.place(space).expect("elsewhere there is room");
    assert_eq!(placer.description(host).location, None);
}

#[test]
fn a_placed_space_tells_when_its_host_no_longer_does() {
    let mut placer = Placer::new(1);
    let sensor = Feature::new(FeatureKind::Sensor, "heat");
    let host = Host { offers: [sensor.clone()].into(), ..plain("a", 10) };
    let id = placer.describe(host.clone());
    let space = placer.add("s", Demand { needs: [sensor].into(), ..of(5) });
    assert_eq!(placer.place(space), Some(id));
    assert_eq!(placer.violated(space), None);
    placer.describe(Host { offers: [].into(), ..host.clone() });
    assert_eq!(placer.violated(space), Some(Rule::Sensor));
    placer.describe(Host { draining: true, ..host.clone() });
    assert_eq!(placer.violated(space), Some(Rule::Draining));
    placer.describe(Host { capacity: Resources { memory: 4, ..host.capacity }, ..host.clone() });
    assert_eq!(placer.violated(space), Some(Rule::Memory));
    placer.describe(host);
    assert_eq!(placer.violated(space), None);
}
