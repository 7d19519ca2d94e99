//! What the desk shows in tests, all of it in memory.

use services_zdesk::view::{
    Action, Application, Bucket, Capability, DeadLetter, Delivery, Kind, Location, LogLine, Path, Refusal,
    Snapshot, Source, Space, State, Tapped, UiFile, Way, World,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard};

type Key = (String, String);

/// What happened, and what is there.
#[derive(Default)]
pub struct Inner {
    pub snapshot: Snapshot,
    pub files: BTreeMap<(String, String, String), UiFile>,
    pub grants: BTreeMap<Key, Vec<String>>,
    pub logs: BTreeMap<Key, Vec<LogLine>>,
    pub inbox: BTreeMap<Key, VecDeque<Delivery>>,
    pub taps: Vec<(String, SyncSender<Tapped>)>,
    pub emitted: Vec<(Key, String, Vec<u8>)>,
    pub violations: Vec<(Key, String)>,
    pub actions: Vec<(Key, Action)>,
    pub events: Vec<(Key, String)>,
}

#[derive(Default)]
pub struct Fake(Mutex<Inner>);

fn key(app: &str, space: &str) -> Key {
    (app.into(), space.into())
}

impl Fake {
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no test fails while it holds this")
    }

    /// Adds an application with the spaces `name:kind` and the paths `from>to:name`.
    pub fn application(&self, name: &str, spaces: &[(&str, Kind)], paths: &[(&str, &str, &str)]) {
        let spaces = spaces.iter().map(|(space, kind)| self::space(space, *kind)).collect();
        let paths = paths.iter().map(|(from, to, path)| self::path(from, to, path)).collect();
        let (state, reason) = (State::Running, "all of it runs".into());
        let app = Application { name: name.into(), state, reason, spaces, paths, ..Application::default() };
        self.inner().snapshot.applications.push(app);
    }

    /// Makes a UI space with a page.
    pub fn ui(&self, app: &str, space: &str, grants: &[&str], files: &[(&str, &str, &str)]) {
        let mut inner = self.inner();
        inner.grants.insert(key(app, space), grants.iter().map(|name| (*name).into()).collect());
        for (path, mime, text) in files {
            let file = UiFile { mime: (*mime).into(), bytes: text.as_bytes().to_vec() };
            inner.files.insert((app.into(), space.into(), (*path).into()), file);
        }
    }

    pub fn deliver(&self, app: &str, space: &str, way: Way, body: &[u8]) {
        let mut inner = self.inner();
        let inbox = inner.inbox.entry(key(app, space)).or_default();
        let id = 1 + inbox.len() as u64;
        inbox.push_back(Delivery {
            way,
            from: "sensor#1".into(),
            id,
            time: 1_700_000_000_000,
            body: body.into(),
        });
    }

    pub fn log_line(&self, app: &str, space: &str, text: &str) {
        let mut inner = self.inner();
        let lines = inner.logs.entry(key(app, space)).or_default();
        let number = 1 + lines.len() as u64;
        lines.push(LogLine { number, time: 1_700_000_000_000, text: text.into() });
    }

    pub fn tapped(&self, path: &str, id: u64, body: &[u8]) {
        let message = Tapped {
            missed: 0,
            is_answer: false,
            id,
            from: "sensor#1".into(),
            time: 1_700_000_000_000,
            body: body.into(),
        };
        let inner = self.inner();
        for (_, sender) in inner.taps.iter().filter(|(tapped, _)| tapped == path) {
            // A page that is gone hears nothing.
            let _ = sender.try_send(message.clone());
        }
    }
}

pub fn space(name: &str, kind: Kind) -> Space {
    Space {
        name: name.into(),
        kind,
        state: State::Running,
        reason: "it runs".into(),
        next_retry: None,
        instance: Some(1),
        restarts: 0,
        attempts: 0,
        failure: None,
        host: Some("host-1".into()),
        placement: "on `host-1`: the least load of those asked, 12 % with it; 1 of 1 eligible hosts asked"
            .into(),
        memory: Some(1 << 20),
        memory_max: 64 << 20,
        waiting: 0,
        capabilities: vec![
            Capability { name: "sys.log".into(), granted: true, used: Some(4), refused: 0 },
            Capability { name: "net.emit_to".into(), granted: true, used: Some(0), refused: 0 },
        ],
        cache: None,
    }
}

pub fn path(from: &str, to: &str, name: &str) -> Path {
    let bucket = |(at, count)| Bucket { up_to: (at < 5).then(|| 1_000 * 4_u64.pow(at)), count };
    Path {
        from: from.into(),
        name: name.into(),
        to: to.into(),
        sent: 1234,
        taken: 1230,
        queued: 4,
        rate: 12.5,
        latency: (0..6).zip([3, 40, 210, 90, 12, 1]).map(bucket).collect(),
        ..Path::default()
    }
}

pub fn dead_letter(from: &str, reason: &str) -> DeadLetter {
    let (from, reason) = (from.into(), reason.into());
    DeadLetter { from, to: "nowhere".into(), reason, time: 1_700_000_000_000, bytes: 12, times: 3 }
}

/// A world of one row of locations; each face shows the space `ui`.
pub fn world(locations: &[&str], ui: &str) -> World {
    let faces = BTreeMap::from([("north".to_owned(), ui.to_owned())]);
    let location = |id: &&str| Location { id: (*id).into(), faces: faces.clone() };
    let routes = locations.windows(2).map(|pair| [pair[0].to_owned(), pair[1].to_owned()]).collect();
    World { name: "plant".into(), locations: locations.iter().map(location).collect(), routes }
}

impl Source for Fake {
    fn snapshot(&self) -> Snapshot {
        self.inner().snapshot.clone()
    }

    fn logs(&self, app: &str, space: &str, after: u64) -> Vec<LogLine> {
        let inner = self.inner();
        let lines = inner.logs.get(&key(app, space)).into_iter().flatten();
        lines.filter(|line| line.number > after).cloned().collect()
    }

    fn tap(&self, app: &str, from: &str, path: &str) -> Option<Receiver<Tapped>> {
        let mut inner = self.inner();
        let app = inner.snapshot.applications.iter().find(|known| known.name == app)?;
        app.paths.iter().find(|known| known.from == from && known.name == path)?;
        let (sender, receiver) = sync_channel(1024);
        inner.taps.push((path.into(), sender));
        Some(receiver)
    }

    fn act(&self, app: &str, space: &str, action: Action) -> Result<(), Refusal> {
        if space == "missing" {
            return Err(Refusal::new("not-found", "there is no space `missing`"));
        }
        self.inner().actions.push((key(app, space), action));
        Ok(())
    }

    fn grants(&self, app: &str, space: &str) -> Option<Vec<String>> {
        self.inner().grants.get(&key(app, space)).cloned()
    }

    fn file(&self, app: &str, space: &str, path: &str) -> Option<UiFile> {
        self.inner().files.get(&(app.into(), space.into(), path.into())).cloned()
    }

    /// Everything sent to `ask` is answered with the same bytes.
    fn emit(&self, app: &str, space: &str, to: &str, body: Vec<u8>) -> Result<u64, Refusal> {
        let mut inner = self.inner();
        if to == "nowhere" {
            return Err(Refusal::new(
                "denied",
                "no path of `ui` leads to `nowhere`; declare it in the topology",
            ));
        }
        let key = key(app, space);
        inner.emitted.push((key.clone(), to.into(), body.clone()));
        let id = u64::MAX - inner.emitted.len() as u64;
        if to == "ask" {
            let (way, from) = (Way::Answer(id), "store#1".into());
            inner.inbox.entry(key).or_default().push_back(Delivery { way, from, id: 9, time: 0, body });
        }
        Ok(id)
    }

    fn next(&self, app: &str, space: &str) -> Option<Delivery> {
        self.inner().inbox.get_mut(&key(app, space))?.pop_front()
    }

    fn log(&self, app: &str, space: &str, line: &str) {
        self.log_line(app, space, line);
    }

    fn subscribe(&self, app: &str, space: &str, event: &str) -> Result<(), Refusal> {
        self.inner().events.push((key(app, space), event.into()));
        Ok(())
    }

    fn violated(&self, app: &str, space: &str, capability: &str) {
        self.inner().violations.push((key(app, space), capability.into()));
    }
}
