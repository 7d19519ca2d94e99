//! The store in a file: compare-and-set, what lasts, and damage.

#[allow(dead_code, reason = "each test file has its own copy of this module")]
mod site;

use services_zrms::control::{Control, State};
use services_zrms::store::{Disk, InMemory, Store, StoreError, Versioned};
use site::{Site, config, host, space, submission};
use std::path::PathBuf;

/// A file that is gone with its test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("zrms-{name}-{}", std::process::id()));
        std::fs::remove_file(&path).ok();
        Self(path)
    }

    fn open(&self) -> Disk {
        Disk::open(&self.0).expect("the store opens")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn rules(store: &mut dyn Store) {
    assert_eq!(store.get("a"), Ok(None));
    assert_eq!(store.put("a", 1, b"x"), Err(StoreError::Conflict("a".into())));
    assert_eq!(store.put("a", 0, b"x"), Ok(1));
    assert_eq!(store.put("a", 0, b"y"), Err(StoreError::Conflict("a".into())));
    assert_eq!(store.put("b/1", 0, b"y"), Ok(2));
    assert_eq!(store.put("a", 1, b"z"), Ok(3));
    assert_eq!(store.put("b/0", 0, b""), Ok(4));
    assert_eq!(store.get("a"), Ok(Some(Versioned { version: 3, value: b"z".to_vec() })));
    assert_eq!(store.keys("b/"), Ok(vec!["b/0".to_owned(), "b/1".to_owned()]));
    assert_eq!(store.changes(0), Ok(vec![(2, "b/1".into()), (3, "a".into()), (4, "b/0".into())]));
    assert_eq!(store.changes(3), Ok(vec![(4, "b/0".into())]));
    assert_eq!(store.changes(u64::MAX), Ok(Vec::new()));
}

#[test]
fn both_stores_keep_the_same_rules() {
    rules(&mut InMemory::default());
    let file = Temporary::new("rules");
    rules(&mut file.open());
    let mut again = file.open();
    assert_eq!(again.get("a"), Ok(Some(Versioned { version: 3, value: b"z".to_vec() })));
    assert_eq!(again.put("a", 3, b"w"), Ok(5));
}

/// Each bit flip somewhere in the file: the store opens with what was written, or refuses. Silence is the only wrong
/// answer.
#[test]
fn damage_is_refused_and_never_read() {
    let file = Temporary::new("damage");
    let values: Vec<(String, Vec<u8>)> = (0..16_u8).map(|at| (format!("key-{at}"), vec![at; 300])).collect();
    {
        let mut store = file.open();
        for (key, value) in &values {
            store.put(key, 0, value).expect("there is room");
        }
    }
    let clean = std::fs::read(&file.0).expect("the file is there");
    let (mut named, mut refused) = (0, 0);
    let used: Vec<usize> = (0..clean.len()).filter(|&at| clean[at] != 0).collect();
    for at in used.iter().copied().step_by(used.len() / 250) {
        let mut bytes = clean.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&file.0, &bytes).expect("the file can be written");
        let mut read = None;
        // redb ends in a panic for some damage to its own pages, also when it closes: that is loud, too.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut store = Disk::open(&file.0).map_err(|error| error.to_string())?;
            let keys = store.keys("").map_err(|error| error.to_string())?;
            read = Some(keys.into_iter().map(|key| (store.get(&key), key)).collect::<Vec<_>>());
            Ok::<(), String>(())
        }));
        if let Some(read) = read {
            assert_eq!(read.len(), values.len(), "byte {at}");
            for (found, key) in read {
                let written = values.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
                assert_eq!(found.ok().flatten().map(|found| found.value), written, "byte {at}");
            }
        } else if let Ok(Err(error)) = opened
            && error.contains("`key-")
        {
            named += 1;
        } else {
            refused += 1;
        }
    }
    assert!(named > 20, "{named} flips were refused by the value's name, {refused} otherwise");
}

#[test]
fn what_zrms_acknowledged_is_in_the_file() {
    let file = Temporary::new("control");
    let mut site = Site::new(host("h", 100));
    let mut control = Control::open(file.open(), config(1), 0).expect("the store works");
    assert_eq!(control.submit("app", &submission(1, vec![space("a", 1)])), Ok(1));
    let mut now = 0;
    let mut run = |control: &mut Control<Disk>, site: &mut Site| {
        for _ in 0..5 {
            now += 100;
            site.live(now);
            control.report(site.report()).expect("it is new");
            for action in control.step(now).expect("the store works") {
                site.follow(&action, now).expect("it is not stale");
            }
        }
    };
    run(&mut control, &mut site);
    let before = control.status("app").expect("it is known");
    assert_eq!(before.state, State::Running);
    drop(control);
    let mut control = Control::open(file.open(), config(1), 0).expect("the store works");
    assert_eq!(control.history("app").map(<[_]>::len), Ok(1));
    run(&mut control, &mut site);
    let after = control.status("app").expect("it is known");
    assert_eq!((after.state, site.starts.len()), (State::Running, 1));
    assert_eq!(after.spaces[0].host, before.spaces[0].host);
    control.stop("app").expect("the store works");
    drop(control);
    let mut control = Control::open(file.open(), config(1), 0).expect("the store works");
    for _ in 0..2 {
        run(&mut control, &mut site);
    }
    assert_eq!(control.status("app").map(|status| status.state), Ok(State::Stopped));
}
