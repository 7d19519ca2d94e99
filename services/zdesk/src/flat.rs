//! The state as one table of keys and JSON, so that a stream carries only what changed.

use crate::view::Snapshot;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Keys and the JSON of their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flat(BTreeMap<String, String>);

#[derive(Serialize)]
struct Head<'a> {
    name: &'a str,
    state: crate::view::State,
    reason: &'a str,
    remarks: &'a [String],
    models: &'a [crate::view::Model],
    world: Option<&'a crate::view::World>,
}

/// Something of an application.
#[derive(Serialize)]
struct Of<'a, T> {
    app: &'a str,
    #[serde(flatten)]
    item: &'a T,
}

#[derive(Serialize)]
struct Dead<'a> {
    app: &'a str,
    letters: &'a [crate::view::DeadLetter],
}

impl Flat {
    /// A snapshot as a table.
    pub fn new(snapshot: &Snapshot) -> Result<Self, serde_json::Error> {
        let mut table = BTreeMap::new();
        for app in &snapshot.applications {
            let name = &app.name;
            let head = Head {
                name,
                state: app.state,
                reason: &app.reason,
                remarks: &app.remarks,
                models: &app.models,
                world: app.world.as_ref(),
            };
            table.insert(format!("app/{name}"), serde_json::to_string(&head)?);
            let dead = Dead { app: name, letters: &app.dead };
            table.insert(format!("dead/{name}"), serde_json::to_string(&dead)?);
            for space in &app.spaces {
                table.insert(
                    format!("space/{name}/{}", space.name),
                    serde_json::to_string(&Of { app: name, item: space })?,
                );
            }
            for path in &app.paths {
                table.insert(
                    format!("path/{name}/{}/{}", path.from, path.name),
                    serde_json::to_string(&Of { app: name, item: path })?,
                );
            }
        }
        Ok(Self(table))
    }

    /// What makes this one of an earlier one, as JSON; none where they are the same.
    pub fn since(&self, earlier: &Self) -> Result<Option<String>, serde_json::Error> {
        let mut set = String::new();
        for (key, value) in self.0.iter().filter(|(key, value)| earlier.0.get(*key) != Some(value)) {
            let comma = if set.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(set, "{comma}{}:{value}", serde_json::to_string(key)?);
        }
        let gone: Vec<&String> = earlier.0.keys().filter(|key| !self.0.contains_key(*key)).collect();
        if set.is_empty() && gone.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!("{{\"set\":{{{set}}},\"gone\":{}}}", serde_json::to_string(&gone)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Application, Path};
    use serde_json::{Value, json};

    fn snapshot(sent: &[u64]) -> Flat {
        let path =
            |(at, sent): (usize, &u64)| Path { name: format!("p{at}"), sent: *sent, ..Path::default() };
        let paths = sent.iter().enumerate().map(path).collect();
        let app = Application { name: "a\"b".into(), paths, ..Application::default() };
        Flat::new(&Snapshot { applications: vec![app] }).unwrap()
    }

    #[test]
    fn only_what_changed_is_said() {
        let (empty, one, two) = (Flat::default(), snapshot(&[1, 2]), snapshot(&[1, 3, 4]));
        let told = |flat: &Flat, earlier| -> Option<Value> {
            flat.since(earlier).unwrap().map(|text| serde_json::from_str(&text).unwrap())
        };
        assert_eq!(told(&one, &one), None);
        assert_eq!(told(&one, &empty).unwrap()["set"].as_object().unwrap().len(), 4);
        let delta = told(&two, &one).unwrap();
        let keys: Vec<&String> = delta["set"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["path/a\"b//p1", "path/a\"b//p2"]);
        assert_eq!(delta["gone"], json!([]));
        assert_eq!(told(&one, &two).unwrap()["gone"], json!(["path/a\"b//p2"]));
        assert_eq!(told(&empty, &one).unwrap()["gone"].as_array().unwrap().len(), 4);
    }
}
