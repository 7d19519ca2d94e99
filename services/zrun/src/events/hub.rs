//! Who declares, recognizes and receives which events.

use crate::devices::Reading;
use crate::events::{Modules, Package, RECOGNIZERS_MAX, Recognized, Recognizer, Seen, Watch};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use services_topology::name::Name;

/// Events that a space may ask for.
const SUBSCRIPTIONS_MAX: usize = 64;

/// An event on its way to one space: a message whose sender is `from` and whose path is
/// [`EVENTS`](sci::guest::EVENTS) and `event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The space that gets it.
    pub to: u32,
    /// The name of the space that emitted it.
    pub from: String,
    /// Its name.
    pub event: String,
    /// What it says.
    pub payload: Vec<u8>,
}

#[derive(Debug)]
struct Member {
    name: String,
    /// Events that it declares; where nothing is stated, any.
    declared: Option<BTreeSet<String>>,
    subscriptions: BTreeSet<String>,
    recognizers: BTreeMap<String, Recognizer>,
}

impl Member {
    fn declares(&self, event: &str) -> bool {
        self.declared.as_ref().is_none_or(|declared| declared.contains(event))
    }
}

/// The events of the spaces of a topology, which have numbers of the caller's.
#[derive(Debug, Default)]
pub struct Hub {
    members: BTreeMap<u32, Member>,
    modules: Modules<u32>,
}

impl Hub {
    /// One whose spaces may have modules of a package recognize, so many at once.
    pub fn with(package: Package, most: usize) -> Self {
        Self { modules: Modules::new(package, most), ..Self::default() }
    }

    /// A space comes, with the events that it declares.
    pub fn join(&mut self, space: u32, name: &str, declared: Option<Vec<String>>) {
        let declared = declared.map(|events| events.into_iter().collect());
        let (subscriptions, recognizers) = (BTreeSet::new(), BTreeMap::new());
        self.members.insert(space, Member { name: name.into(), declared, subscriptions, recognizers });
    }

    /// A space is gone.
    pub fn leave(&mut self, space: u32) {
        self.members.remove(&space);
        self.modules.forget(&space, None);
    }

    fn declaring(&mut self, space: u32, event: &str) -> Result<&mut Member, ErrorCode> {
        Name::new(event).ok_or(ErrorCode::Invalid)?;
        let member = self.members.get_mut(&space).ok_or(ErrorCode::Closed)?;
        if member.declares(event) { Ok(member) } else { Err(ErrorCode::Denied) }
    }

    /// Gives a space a recognizer of an event; it replaces another one.
    pub fn register(&mut self, space: u32, event: &str, watch: Watch) -> Result<(), ErrorCode> {
        let modules = self.modules.count(&space, event);
        let member = self.declaring(space, event)?;
        let conditions = member.recognizers.keys().filter(|one| *one != event).count();
        if conditions + modules >= RECOGNIZERS_MAX {
            return Err(ErrorCode::Quota);
        }
        match watch {
            Watch::Condition(recognizer) => {
                member.recognizers.insert(event.into(), recognizer);
                self.modules.forget(&space, Some(event));
            }
            Watch::Module(program) => {
                self.modules.start(space, event, program)?;
                if let Some(member) = self.members.get_mut(&space) {
                    member.recognizers.remove(event);
                }
            }
        }
        Ok(())
    }

    /// Gives a space the events of a name from now on.
    pub fn follow(&mut self, space: u32, event: &str) -> Result<(), ErrorCode> {
        Name::new(event).ok_or(ErrorCode::Invalid)?;
        if !self.members.values().any(|member| member.declares(event)) {
            return Err(ErrorCode::NotFound);
        }
        let member = self.members.get_mut(&space).ok_or(ErrorCode::Closed)?;
        if member.subscriptions.len() == SUBSCRIPTIONS_MAX && !member.subscriptions.contains(event) {
            return Err(ErrorCode::Quota);
        }
        member.subscriptions.insert(event.into());
        Ok(())
    }

    /// A space emits an event; who gets it.
    pub fn raise(&mut self, space: u32, event: &str, payload: &[u8]) -> Result<Vec<Delivery>, ErrorCode> {
        let from = self.declaring(space, event)?.name.clone();
        Ok(self.deliveries(&from, event, payload))
    }

    /// A sensor has measured; the events that follow from it, and who gets them.
    pub fn feed(&mut self, sensor: &str, reading: &Reading) -> Vec<Delivery> {
        self.modules.feed(sensor, reading);
        let mut events = Vec::new();
        for member in self.members.values_mut() {
            for (event, recognizer) in &mut member.recognizers {
                if recognizer.sensor() == sensor
                    && let Some(payload) = recognizer.feed(reading)
                {
                    events.push((member.name.clone(), event.clone(), payload));
                }
            }
        }
        events.iter().flat_map(|(from, event, payload)| self.deliveries(from, event, payload)).collect()
    }

    /// Whether a module has something to look at.
    pub fn is_due(&self) -> bool {
        self.modules.is_due()
    }

    /// Has modules look at what waits for them: who gets which events, and what is to be said of those that ended.
    pub fn look(&mut self) -> (Vec<Delivery>, Vec<String>) {
        let (mut deliveries, mut ended) = (Vec::new(), Vec::new());
        for seen in self.modules.look() {
            match seen {
                Seen::Event(Recognized { space, event, payload }) => {
                    let from = self.members.get(&space).map(|member| member.name.clone());
                    deliveries.extend(self.deliveries(&from.unwrap_or_default(), &event, &payload));
                }
                Seen::Ended(_, says) => ended.push(says),
            }
        }
        (deliveries, ended)
    }

    fn deliveries(&self, from: &str, event: &str, payload: &[u8]) -> Vec<Delivery> {
        let followers = self.members.iter().filter(|(_, member)| member.subscriptions.contains(event));
        let delivery =
            |to: u32| Delivery { to, from: from.into(), event: event.into(), payload: payload.into() };
        followers.map(|(to, _)| delivery(*to)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hub() -> Hub {
        let mut hub = Hub::default();
        hub.join(1, "probe", Some(["hot", "cold"].map(String::from).to_vec()));
        hub.join(2, "panel", Some(Vec::new()));
        hub
    }

    fn recognizer() -> Watch {
        Watch::read("hot", r#"{"sensor":"oven","when":{"above":200}}"#).unwrap()
    }

    #[test]
    fn events_reach_whoever_asked_for_them() {
        let mut hub = hub();
        assert_eq!(hub.raise(1, "hot", b"x"), Ok(Vec::new()));
        assert_eq!((hub.follow(2, "hot"), hub.follow(1, "hot")), (Ok(()), Ok(())));
        let delivery =
            |to| Delivery { to, from: "probe".into(), event: "hot".into(), payload: b"x".to_vec() };
        assert_eq!(hub.raise(1, "hot", b"x"), Ok([delivery(1), delivery(2)].to_vec()));
        assert_eq!(hub.raise(1, "cold", b"x"), Ok(Vec::new()));
        hub.leave(1);
        assert_eq!(hub.raise(1, "hot", b"x"), Err(ErrorCode::Closed));
    }

    #[test]
    fn a_recognizer_emits_for_its_space() {
        let mut hub = hub();
        hub.register(1, "hot", recognizer()).unwrap();
        hub.follow(2, "hot").unwrap();
        let reading = |value: f64| Reading { number: 1, time: 1, value: json!(value) };
        assert_eq!(hub.feed("fridge", &reading(300.0)), []);
        assert_eq!(hub.feed("oven", &reading(100.0)), []);
        let told = hub.feed("oven", &reading(300.0));
        assert_eq!((told.len(), told[0].to, told[0].from.as_str()), (1, 2, "probe"));
    }

    #[test]
    fn only_what_is_declared_is_emitted() {
        let mut hub = hub();
        assert_eq!(hub.raise(2, "hot", b""), Err(ErrorCode::Denied));
        assert_eq!(hub.register(2, "hot", recognizer()), Err(ErrorCode::Denied));
        assert_eq!(hub.follow(1, "rain"), Err(ErrorCode::NotFound));
        for name in ["", "Hot", "a b", "@hot"] {
            assert_eq!(
                (hub.raise(1, name, b""), hub.follow(1, name)),
                (Err(ErrorCode::Invalid), Err(ErrorCode::Invalid))
            );
        }
    }

    #[test]
    fn a_space_has_so_many_and_no_more() {
        let mut hub = Hub::default();
        hub.join(1, "any", None);
        for number in 0..SUBSCRIPTIONS_MAX {
            assert_eq!(hub.follow(1, &format!("e{number}")), Ok(()));
        }
        assert_eq!((hub.follow(1, "more"), hub.follow(1, "e0")), (Err(ErrorCode::Quota), Ok(())));
        for number in 0..RECOGNIZERS_MAX {
            assert_eq!(hub.register(1, &format!("e{number}"), recognizer()), Ok(()));
        }
        assert_eq!(hub.register(1, "more", recognizer()), Err(ErrorCode::Quota));
        assert_eq!(hub.register(1, "e0", recognizer()), Ok(()), "it replaces the other");
    }
}
