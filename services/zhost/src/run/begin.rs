//! How a space is started: with which bounds, which devices, which image.

use super::house::House;
use super::member::{Member, Standing, Storage};
use super::{Run, effects, milliseconds};
use crate::application::{Content, MEMORY_BYTES, STORAGE_BYTES};
use sci::guest::GuestCapability;
use services_zrun::Grants;
use services_zrun::launch::Texts;
use services_zrun::linux::{Duty, Job, Limits};
use services_zrun::remote::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

impl Run {
    pub(super) fn begin(&self, house: &mut House, space: &str, member: &mut Member) {
        let application = Arc::clone(&house.application);
        let (Some(node), Some(content)) = (application.node(space), application.contents.get(space)) else {
            member.standing = Standing::failed(format!("the package has no space `{space}`"));
            return;
        };
        member.grants = Grants::of(node.grant.mask());
        let Some(image) = &content.image else {
            member.standing = Standing::Running;
            return;
        };
        let image = match image.bytes() {
            Ok(image) => image,
            Err(error) => {
                member.standing = Standing::failed(format!("its image cannot be read: {error}"));
                return;
            }
        };
        member.server = Some(Server::new(member.grants, &mut effects::machine()));
        let stored = node.placement.resources.storage_bytes.or(content.quota);
        member.storage = Storage {
            bytes: stored.unwrap_or(STORAGE_BYTES),
            is_strict: stored.is_some(),
            is_ephemeral: content.ephemeral,
        };
        self.agents.join(space, &application);
        if let Err(why) = self.equip(space, content, member) {
            member.standing = Standing::failed(why);
            return;
        }
        house.last_number = house.last_number.wrapping_add(1);
        let number = house.last_number;
        member.number = Some(number);
        house.numbers.insert(number, space.to_owned());
        let resources = node.placement.resources;
        member.share = resources.cpu_thousandths;
        let job = Job {
            texts: Texts { name: space.to_owned(), arguments: Vec::new(), environment: Vec::new() },
            grants: member.grants.mask(),
            seed: content.hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
            limits: Limits {
                time: None,
                memory_bytes: Some(resources.memory_bytes.unwrap_or(MEMORY_BYTES)),
                fuel: None,
            },
            // What is not stated is a bound of this machine, which a guest may come up against.
            is_strict: resources.memory_bytes.is_some(),
            is_sampled: false,
            keys: self.ways.keys.clone(),
            duty: Duty::Space,
        };
        self.process.start(number, job, &image);
    }

    /// The devices that a space may use: those that it states, and of what is simulated only what it knows to be.
    fn devices(&self, space: &str, content: &Content) -> Vec<String> {
        let rack = &self.ways.rack;
        for one in &content.stand_ins {
            let is_simulated = match &one.wave {
                Some(wave) => rack.stand_in_sensor(&one.id, &one.kind, wave),
                None => rack.stand_in_actuator(&one.id),
            };
            if is_simulated {
                self.book.event(space, &format!("`{}` is simulated: this machine has none", one.id));
            }
        }
        let knows = |id: &String| content.stand_ins.iter().any(|one| one.id == **id);
        content.devices.iter().filter(|id| knows(id) || !rack.is_stand_in(id)).cloned().collect()
    }

    /// Gives a space its devices.
    fn equip(&self, space: &str, content: &Content, member: &mut Member) -> Result<(), String> {
        self.stop_all(self.recognizers.leave(space));
        let devices = self.devices(space, content);
        member.bench = Some(self.ways.rack.for_space(next_bench(), Some(devices.clone())));
        member.devices = devices;
        member.events.clone_from(&content.events);
        let hears = [GuestCapability::AudioCapture, GuestCapability::AudioPlayback];
        if let Some(sounds) = &self.ways.sounds
            && hears.into_iter().any(|capability| member.grants.holds(capability))
        {
            let file = format!("{}-{space}-{}", self.name, member.epoch);
            let sound = sounds.for_space(Box::new(milliseconds), &file);
            member.sound = Some(sound.map_err(|error| format!("its sound cannot be opened: {error}"))?);
        }
        Ok(())
    }
}

/// A number for each start of a space that has devices, whatever its topology.
fn next_bench() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}
