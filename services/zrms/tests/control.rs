//! What becomes of topologies: states and reasons, updates by difference, rollback, restarts, moves, fences.

mod site;

use services_zrms::action::{Action, Address, InstanceState, Order, Refusal};
use services_zrms::control::{Control, ControlError, ReportError, SpaceStatus, State, Submission};
use services_zrms::place::{Demand, Feature, FeatureKind};
use services_zrms::restart::{RestartPolicy, When};
use services_zrms::store::{InMemory, Store, StoreError, Versioned};
use services_zrms::verdict::{Level, Verdict, VerdictError};
use site::{Site, config, host, space, submission};

/// zrms and its hosts, with messages that arrive.
struct World {
    control: Control<InMemory>,
    sites: Vec<Site>,
    now: u64,
    /// Hosts that say nothing and hear nothing.
    cut: Vec<usize>,
}

impl World {
    fn new(sites: Vec<Site>) -> Self {
        let control = Control::open(InMemory::default(), config(1), 0).expect("the store works");
        let mut world = Self { control, sites, now: 0, cut: Vec::new() };
        world.run(100);
        world
    }

    /// Lets time pass, in steps of 100 ms.
    fn run(&mut self, time: u64) {
        let until = self.now + time;
        while self.now < until {
            self.now += 100;
            for (at, site) in self.sites.iter_mut().enumerate() {
                site.live(self.now);
                if !self.cut.contains(&at) {
                    self.control.report(site.report()).expect("reports come in order");
                }
            }
            for action in self.control.step(self.now).expect("the store works") {
                self.deliver(&action);
            }
        }
    }

    fn deliver(&mut self, action: &Action) {
        let now = self.now;
        let to = self.sites.iter_mut().enumerate().find(|(_, site)| site.host.name == action.host);
        if let Some((at, site)) = to
            && !self.cut.contains(&at)
        {
            site.follow(action, now).expect("nothing stale is sent to a host that answers");
        }
    }

    fn state(&self, topology: &str) -> (State, String) {
        let status = self.control.status(topology).expect("it is known");
        (status.state, status.reason)
    }

    fn space(&self, space: &str) -> SpaceStatus {
        let status = self.control.status("app").expect("it is known");
        status.spaces.into_iter().find(|status| status.name == space).expect("it is a space of it")
    }

    fn site_of(&mut self, space: &str) -> &mut Site {
        let host = self.space(space).host.expect("it has a host").0;
        self.sites.iter_mut().find(|site| site.host.name == host).expect("it is one of ours")
    }

    fn end(&mut self, space: &str, failed: bool) {
        let site = self.site_of(space);
        let running = site.running.get_mut(&address(space)).expect("it runs");
        running.state = InstanceState::Ended { failed, reason: "trap".into() };
    }

    fn starts(&self) -> usize {
        self.sites.iter().map(|site| site.starts.len()).sum()
    }
}

fn address(space: &str) -> Address {
    Address { topology: "app".into(), space: space.into() }
}

fn two() -> Submission {
    submission(1, vec![space("a", 1), space("b", 1)])
}

fn sites(count: usize) -> Vec<Site> {
    (0..count).map(|at| Site::new(host(&format!("h{at}"), 100))).collect()
}

#[test]
fn a_topology_runs_stops_and_runs_again() {
    let mut world = World::new(sites(2));
    assert_eq!(world.control.submit("app", &two()), Ok(1));
    assert_eq!(world.state("app").0, State::Pending);
    world.run(300);
    assert_eq!(world.state("app"), (State::Running, "all of it runs".into()));
    assert!(world.space("a").explanation.expect("it was placed").choice.is_some());
    assert_eq!(world.control.submit("app", &two()), Ok(1), "the same once more is the same");
    world.run(300);
    assert_eq!(world.starts(), 2);
    world.control.stop("app").unwrap();
    world.run(100);
    let (state, reason) = world.state("app");
    assert_eq!(
        (state, reason.as_str()),
        (State::Degraded, "`a` is degraded: it is being stopped: the topology is stopped")
    );
    world.run(600);
    assert_eq!(world.state("app"), (State::Stopped, "it was stopped".into()));
    world.control.resume("app").unwrap();
    world.run(300);
    assert_eq!((world.state("app").0, world.starts()), (State::Running, 4));
}

#[test]
fn only_what_changed_is_started_anew_and_rollback_brings_it_back() {
    let mut world = World::new(sites(2));
    world.control.submit("app", &two()).unwrap();
    world.run(300);
    let changed = submission(2, vec![space("a", 1), space("b", 2), space("c", 1)]);
    assert_eq!(world.control.submit("app", &changed), Ok(2));
    world.run(1000);
    assert_eq!(world.state("app").0, State::Running);
    let starts = |world: &World, name: &str| {
        let all = world.sites.iter().flat_map(|site| &site.starts);
        all.filter(|(space, _)| space.space == name).count()
    };
    assert_eq!((starts(&world, "a"), starts(&world, "b"), starts(&world, "c")), (1, 2, 1));
    assert_eq!(world.site_of("b").running[&address("b")].hash, [2; 32]);
    assert_eq!(world.control.rollback("app", 9), Err(ControlError::Revision("app".into(), 9)));
    assert_eq!(world.control.rollback("app", 1), Ok(3));
    world.run(1000);
    assert_eq!((starts(&world, "a"), starts(&world, "b"), starts(&world, "c")), (1, 3, 1));
    assert_eq!(world.site_of("b").running[&address("b")].hash, [1; 32]);
    let status = world.control.status("app").unwrap();
    assert_eq!((status.state, status.revision, status.spaces.len()), (State::Running, 3, 2));
    let history = world.control.history("app").unwrap();
    assert_eq!(
        history.iter().map(|revision| (revision.number, revision.of)).collect::<Vec<_>>(),
        [(1, None), (2, None), (3, Some(1))]
    );
}

#[test]
fn a_stop_leaves_the_space_its_deadline() {
    let mut world = World::new(sites(1));
    world.control.submit("app", &submission(1, vec![space("a", 1)])).unwrap();
    world.run(300);
    world.control.stop("app").unwrap();
    world.run(300);
    assert_eq!(world.sites[0].running[&address("a")].state, InstanceState::Running, "it has 300 ms");
    world.run(300);
    assert_eq!(world.state("app").0, State::Stopped);
}

#[test]
fn failures_back_off_and_give_up_and_a_restart_begins_anew() {
    let mut world = World::new(sites(1));
    world.control.submit("app", &submission(1, vec![space("a", 1)])).unwrap();
    world.run(300);
    for attempt in 1..=3 {
        world.end("a", true);
        world.run(100);
        let status = world.space("a");
        assert_eq!(
            (status.state, status.reason.as_str(), status.attempts),
            (State::Pending, "trap", attempt)
        );
        assert!(status.next_retry.is_some_and(|retry| retry <= 100 << (attempt - 1)), "{status:?}");
        world.run(800);
        assert_eq!(world.space("a").state, State::Running);
    }
    world.end("a", true);
    world.run(5000);
    assert_eq!(
        world.state("app"),
        (State::Failed, "`a` is failed: given up after 3 starts again: trap".into())
    );
    assert_eq!(world.starts(), 4);
    world.control.restart("app", "a").unwrap();
    world.run(300);
    assert_eq!((world.space("a").state, world.space("a").attempts), (State::Running, 0));
}

#[test]
fn a_stable_time_forgets_earlier_failures() {
    let mut world = World::new(sites(1));
    world.control.submit("app", &submission(1, vec![space("a", 1)])).unwrap();
    for _ in 0..6 {
        world.run(3000);
        assert_eq!((world.space("a").state, world.space("a").attempts), (State::Running, 0));
        world.end("a", true);
    }
}

#[test]
fn the_policy_says_which_ends_are_final() {
    let with = |name: &str, when| {
        let spec = space(name, 1);
        services_zrms::control::SpaceSpec { restart: RestartPolicy { when, ..spec.restart }, ..spec }
    };
    let spaces = vec![
        with("always", When::Always),
        with("failure", When::OnFailure),
        with("never", When::Never),
        with("once", When::Never),
    ];
    let mut world = World::new(sites(1));
    world.control.submit("app", &submission(1, spaces)).unwrap();
    world.run(300);
    for (space, failed) in [("always", false), ("failure", false), ("never", true), ("once", false)] {
        world.end(space, failed);
    }
    world.run(1000);
    let states = ["always", "failure", "never", "once"].map(|space| world.space(space).state);
    assert_eq!(states, [State::Running, State::Stopped, State::Failed, State::Stopped]);
}

#[test]
fn a_dead_host_loses_its_spaces_and_its_old_instances_are_stopped_when_it_is_back() {
    let mut world = World::new(sites(2));
    world.control.submit("app", &two()).unwrap();
    world.run(300);
    let lost = world.space("a").host.unwrap();
    let at = world.sites.iter().position(|site| site.host.name == lost.0).unwrap();
    world.cut.push(at);
    world.run(1000);
    assert_eq!(world.space("a").reason, format!("host `{}` is late", lost.0));
    assert_eq!(world.space("a").state, State::Degraded);
    world.run(2000);
    let now = world.space("a").host.unwrap();
    assert!(now.0 != lost.0 && now.1 > lost.1 && world.space("a").state == State::Running);
    // It was not dead. It still runs what it ran, and is told to end that.
    assert_eq!(world.sites[at].running[&address("a")].epoch, lost.1);
    world.cut.clear();
    world.run(500);
    assert!(matches!(world.sites[at].running[&address("a")].state, InstanceState::Ended { .. }));
    assert_eq!(world.space("a").host.unwrap(), now);
}

#[test]
fn a_host_that_starts_anew_gets_its_spaces_again() {
    let mut world = World::new(sites(1));
    world.control.submit("app", &two()).unwrap();
    world.run(300);
    world.sites[0].reboot();
    world.run(500);
    assert_eq!((world.state("app").0, world.starts()), (State::Running, 4));
}

#[test]
fn a_pause_of_zrms_or_a_jump_of_its_clock_kills_no_host() {
    let mut world = World::new(sites(2));
    world.control.submit("app", &two()).unwrap();
    world.run(300);
    for jump in [3_600_000, 10_000] {
        world.now += jump;
        world.run(300);
    }
    world.now -= 3_000_000;
    world.run(300);
    assert_eq!((world.state("app").0, world.starts()), (State::Running, 2));
}

#[test]
fn a_draining_host_is_left_and_a_lone_one_is_not() {
    let mut world = World::new(sites(2));
    world.control.submit("app", &submission(1, vec![space("a", 1)])).unwrap();
    world.run(300);
    let left = world.space("a").host.unwrap().0;
    world.site_of("a").host.draining = true;
    world.run(1000);
    assert!(world.space("a").state == State::Running && world.space("a").host.unwrap().0 != left);
    world.site_of("a").host.draining = true;
    world.run(1000);
    assert_eq!((world.space("a").state, world.starts()), (State::Running, 2), "there is nowhere to go");
    world.sites[0].host.draining = false;
    world.sites[1].host.draining = false;
    world.run(1000);
    assert_eq!(world.starts(), 2);
}

#[test]
fn a_group_moves_as_a_whole() {
    let mut spaces = vec![space("a", 1), space("b", 1), space("c", 1)];
    for spec in &mut spaces {
        spec.demand.together = Some("core".into());
    }
    let mut world = World::new(sites(3));
    world.control.submit("app", &submission(1, spaces)).unwrap();
    world.run(300);
    let left = world.space("a").host.unwrap().0;
    world.site_of("a").host.draining = true;
    world.run(1500);
    let hosts = ["a", "b", "c"].map(|space| world.space(space).host.unwrap().0);
    assert!(hosts.iter().all(|host| *host == hosts[0] && *host != left), "{hosts:?}");
    assert_eq!(world.state("app").0, State::Running);
}

#[test]
fn a_group_whose_host_is_too_full_for_all_of_it_moves() {
    let grouped = |name: &str| {
        let mut spec = space(name, 1);
        spec.demand.together = Some("core".into());
        spec
    };
    let mut world = World::new(vec![Site::new(host("h0", 20))]);
    world.control.submit("app", &submission(1, vec![grouped("a"), space("z", 1)])).unwrap();
    world.run(300);
    world.sites.push(Site::new(host("h1", 20)));
    world.control.submit("app", &submission(2, vec![grouped("a"), grouped("b"), space("z", 1)])).unwrap();
    world.run(2000);
    assert_eq!(world.state("app"), (State::Running, "all of it runs".into()));
    let hosts = ["a", "b", "z"].map(|space| world.space(space).host.unwrap().0);
    assert_eq!(hosts, ["h1", "h1", "h0"]);
}

#[test]
fn what_fits_nowhere_waits_with_its_reason_until_a_host_comes() {
    let mut world = World::new(sites(1));
    let needs = [Feature::new(FeatureKind::Sensor, "lidar")].into();
    let mut wants = space("a", 1);
    wants.demand = Demand { needs, ..wants.demand };
    world.control.submit("app", &submission(1, vec![wants, space("b", 1)])).unwrap();
    world.run(300);
    let status = world.space("a");
    assert_eq!(status.state, State::Pending);
    assert!(
        status.reason.ends_with(
            "sensor: 1 excluded; no host offers sensor `lidar`: attach one, or take the need away"
        )
    );
    assert!(status.next_retry.is_some());
    assert_eq!(world.state("app").0, State::Degraded, "the other runs");
    world.sites[0].host.offers.insert(Feature::new(FeatureKind::Sensor, "lidar"));
    world.run(300);
    assert_eq!(world.state("app").0, State::Running);
}

#[test]
fn a_submission_is_refused_by_name_and_needs_a_verdict() {
    let mut world = World::new(sites(1));
    let control = &mut world.control;
    assert_eq!(control.submit("App", &two()), Err(ControlError::Name("App".into())));
    assert_eq!(
        control.submit("app", &submission(1, vec![space("a/b", 1)])),
        Err(ControlError::Name("a/b".into()))
    );
    assert_eq!(control.submit("app", &submission(1, vec![])), Err(ControlError::Empty));
    let twice = submission(1, vec![space("a", 1), space("a", 2)]);
    assert_eq!(control.submit("app", &twice), Err(ControlError::Twice("a".into())));
    let other = Submission { package: [2; 32], ..two() };
    assert_eq!(control.submit("app", &other), Err(VerdictError::Package.into()));
    let verdict =
        Verdict { package: [1; 32], level: Level::Semantic, policy: [0; 32], verifier: "x".into(), time: 0 };
    let foreign = Submission { verdict: verdict.sign(&[1; 32], true).unwrap(), ..two() };
    assert_eq!(control.submit("app", &foreign), Err(VerdictError::Untrusted.into()));
    assert_eq!(control.status("app"), Err(ControlError::Topology("app".into())));
    assert_eq!(control.stop("app"), Err(ControlError::Topology("app".into())));
}

#[test]
fn a_host_refuses_what_is_stale_and_what_has_no_verdict() {
    let mut world = World::new(sites(1));
    world.control.submit("app", &submission(1, vec![space("a", 1)])).unwrap();
    let actions = world.control.step(200).unwrap();
    let [start] = &actions[..] else { panic!("one start: {actions:?}") };
    assert_eq!(world.control.step(300).unwrap(), actions, "repeated until it is seen");
    let mut site = world.sites[0].clone();
    let stop = Action { order: Order::Stop { deadline: 0 }, ..start.clone() };
    site.follow(&stop, 0).unwrap();
    site.follow(start, 0).unwrap();
    assert!(site.starts.is_empty(), "a start that comes after its stop starts nothing");
    let later = Action { epoch: start.epoch + 1, ..start.clone() };
    site.follow(&later, 0).unwrap();
    assert!(matches!(site.follow(&stop, 0), Err(Refusal::Stale { given: 1, seen: 2, .. })));
    site.reboot();
    assert_eq!(site.follow(start, 0), Err(Refusal::Life(1)));
    let mut unproven = Action { life: 2, ..start.clone() };
    if let Order::Start { package, .. } = &mut unproven.order {
        *package = [7; 32];
    }
    assert_eq!(site.follow(&unproven, 0), Err(Refusal::Verdict(address("a"), VerdictError::Package)));
}

#[test]
fn reports_of_the_past_are_refused() {
    let mut world = World::new(sites(1));
    let old = world.sites[0].report();
    let new = world.sites[0].report();
    world.control.report(new.clone()).unwrap();
    assert_eq!(world.control.report(new), Err(ReportError::Stale("h0".into())));
    assert_eq!(world.control.report(old.clone()), Err(ReportError::Stale("h0".into())));
    world.sites[0].reboot();
    world.control.report(world.sites[0].report()).unwrap();
    assert_eq!(world.control.report(old), Err(ReportError::Stale("h0".into())));
}

#[test]
fn a_new_zrms_goes_on_where_the_old_one_was() {
    let mut world = World::new(sites(2));
    world.control.submit("app", &two()).unwrap();
    world.run(300);
    let before = world.control.status("app").unwrap();
    let store =
        std::mem::replace(&mut world.control, Control::open(InMemory::default(), config(1), 0).unwrap())
            .into_store();
    world.control = Control::open(store, config(1), 77).unwrap();
    let bound = |status: services_zrms::control::TopologyStatus| {
        status.spaces.into_iter().map(|space| (space.host, space.explanation)).collect::<Vec<_>>()
    };
    assert_eq!(bound(world.control.status("app").unwrap()), bound(before));
    world.run(1000);
    assert_eq!((world.state("app").0, world.starts()), (State::Running, 2));
}

#[test]
fn whoever_takes_the_store_over_ends_the_other() {
    let store = Shared::default();
    let mut first = Control::open(store.clone(), config(1), 0).expect("the store works");
    first.submit("app", &submission(1, vec![space("a", 1)])).expect("the store works");
    let mut second = Control::open(store, config(1), 0).expect("the store works");
    assert_eq!(first.submit("web", &submission(1, vec![space("a", 1)])), Err(ControlError::Superseded));
    assert_eq!(first.step(100), Err(ControlError::Superseded));
    assert_eq!(second.submit("app", &submission(1, vec![space("a", 1)])), Ok(1));
}

/// A store that two processes have open.
#[derive(Clone, Debug, Default)]
struct Shared(std::rc::Rc<std::cell::RefCell<InMemory>>);

impl Store for Shared {
    fn get(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.0.borrow_mut().get(key)
    }

    fn put(&mut self, key: &str, expected: u64, value: &[u8]) -> Result<u64, StoreError> {
        self.0.borrow_mut().put(key, expected, value)
    }

    fn keys(&mut self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.0.borrow_mut().keys(prefix)
    }

    fn changes(&mut self, after: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.0.borrow_mut().changes(after)
    }
}
