//! Packages as the parent wants them: verified, judged, compiled.

use std::collections::BTreeMap;
use std::path::Path;

use compiler_driver::keys::Key;
use sci::digest::{Hasher, sha256};
use sci::guest::GuestCapability;
use services_mex::layout::MODULE;
use services_topology::space::{self, ChatModel, Device, Role};
use services_zhost::{ANSWERS, Application, Content, Image, Loader, Problem, StandIn};
use services_zrms::verdict::{Level, Verdict};
use services_zrun::linux::{Shape, Wave};

use crate::arguments::VERSION;
use crate::commands::mex::judge::{self, Judged};
use crate::report::Failure;
use crate::session;

/// What packages are called in reports: where they came from is not known any more.
const NAME: &str = "package";

/// Verifies packages by the user's policy, and signs what it finds.
pub struct Packages {
    key: Key,
}

impl Packages {
    /// With the user's own key.
    pub fn open() -> Result<Self, Failure> {
        Ok(Self { key: session::key()? })
    }

    /// A package of a file that is to run, or why it is not.
    pub fn application(&self, file: &Path, bytes: &[u8]) -> Result<Application, Failure> {
        let judged = judge::judge(file, bytes, false)?;
        let trust = judge::trust(&judged, file, None)?;
        let package = sha256(bytes);
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let verdict = Verdict {
            package,
            level: Level::Semantic,
            policy: trust.policy,
            verifier: VERSION.to_owned(),
            time: time.as_millis() as u64,
        };
        let verdict = verdict
            .sign(self.key.seed(), true)
            .map_err(|error| Failure::new(crate::report::Exit::System, "io", error.to_string()))?;
        Ok(Application {
            trust: trust.standing,
            package,
            verdict,
            contents: contents(&judged),
            recognizers: judged.recognizers.clone(),
            world: judged.contents.world,
            graph: judged.graph,
        })
    }
}

impl Loader for Packages {
    fn load(&self, package: &[u8]) -> Result<Application, Problem> {
        self.application(Path::new(NAME), package).map_err(|failure| {
            let problem = Problem::new(failure.id(), failure.message());
            match failure.remedy() {
                Some(remedy) => problem.help(remedy),
                None => problem,
            }
        })
    }

    fn keys(&self) -> Vec<sci::sign::PublicKey> {
        vec![self.key.public().bytes]
    }
}

/// What is simulated where a machine has no such device.
fn stand_in(device: &Device) -> Option<StandIn> {
    let wave = match device.stand_in? {
        space::StandIn::Actuator => None,
        space::StandIn::Sensor(space::Wave {
            shape,
            range,
            period_milliseconds,
            every_milliseconds,
            seed,
        }) => {
            let shape = match shape {
                space::Shape::Sine => Shape::Sine,
                space::Shape::Ramp => Shape::Ramp,
                space::Shape::Square => Shape::Square,
                space::Shape::Walk => Shape::Walk,
            };
            let period = u32::try_from(period_milliseconds).unwrap_or(u32::MAX);
            Some(Wave::new(shape, range.into(), period, every_milliseconds, seed.into()))
        }
    };
    Some(StandIn { id: device.id.value.to_string(), kind: device.kind.to_string(), wave })
}

/// What each space is made of.
pub fn contents(judged: &Judged<'_>) -> BTreeMap<String, Content> {
    let of = |node: &services_topology::graph::Node| {
        let name = node.name.as_str();
        let folder = format!("spaces/{name}/");
        let mut hasher = Hasher::new();
        // Its place in the graph, but for what others do with it.
        hasher.update(
            format!("{:?}", (&node.kind, &node.grant, &node.namespace, &node.placement, &node.restart))
                .as_bytes(),
        );
        let mut content = Content::default();
        for entry in judged.package.archive().entries() {
            let Some(file) = entry.name().strip_prefix(&folder) else { continue };
            hasher.update(&(file.len() as u64).to_le_bytes());
            hasher.update(file.as_bytes());
            hasher.update(entry.sha256());
            if node.kind == sci::guest::SpaceType::Ui && file != MODULE {
                content.files.insert(file.to_owned(), entry.content().into_owned());
            } else if file == ANSWERS {
                content.answers = entry.content().into_owned();
            }
        }
        if node.grant.mask() & GuestCapability::EventsRegisterRecognizer.bit() != 0 {
            for (name, image) in &judged.recognizers {
                hasher.update(format!("recognizers/{name} {}", image.len()).as_bytes());
                hasher.update(image);
            }
        }
        content.image = judged.guests.get(&node.name).map(|(image, _)| Image::Held(image.clone()));
        let manifest = judged.contents.spaces.get(&node.name).and_then(|facts| facts.manifest.as_ref());
        if let Some(Role::Data(persistence)) = manifest.map(|manifest| &manifest.role) {
            content.quota = persistence.quota_bytes;
            content.ephemeral = persistence.ephemeral;
        }
        if let Some(Role::Io(devices)) = manifest.map(|manifest| &manifest.role) {
            let all = devices.sensors.iter().chain(&devices.actuators);
            content.devices = all.clone().map(|device| device.id.value.to_string()).collect();
            content.stand_ins = all.filter_map(stand_in).collect();
        }
        match manifest.map(|manifest| &manifest.role) {
            Some(Role::Call(services)) => content.own.services.clone_from(services),
            Some(Role::Chat(chat)) => {
                if let ChatModel::Own { name, model } = &chat.model {
                    content.own.model = Some((name.value.to_string(), model.clone()));
                }
                content.own.embedding.clone_from(&chat.embedding);
            }
            _ => {}
        }
        let events = manifest.map(|manifest| &manifest.events).into_iter().flatten();
        content.events = events.map(|event| event.value.to_string()).collect();
        content.hash = hasher.finish();
        (name.to_owned(), content)
    };
    judged.graph.spaces.iter().map(of).collect()
}
