//! Packages as the parent wants them: verified, judged, compiled.

use std::path::Path;

use compiler_driver::keys::Key;
use sci::digest::{Hasher, sha256};
use services_mex::layout::MODULE;
use services_topology::space::Role;
use services_zhost::{Application, Content, Loader, Problem};
use services_zrms::verdict::{Level, Verdict};

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

    fn application(&self, bytes: &[u8]) -> Result<Application, Failure> {
        let file = Path::new(NAME);
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
            graph: judged.graph,
        })
    }
}

impl Loader for Packages {
    fn load(&self, package: &[u8]) -> Result<Application, Problem> {
        self.application(package).map_err(|failure| {
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

/// What each space is made of.
fn contents(judged: &Judged<'_>) -> std::collections::BTreeMap<String, Content> {
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
            }
        }
        content.image = judged.guests.get(&node.name).map(|(image, _)| image.clone());
        let manifest = judged.contents.spaces.get(&node.name).and_then(|facts| facts.manifest.as_ref());
        if let Some(Role::Data(persistence)) = manifest.map(|manifest| &manifest.role) {
            content.quota = persistence.quota_bytes;
            content.ephemeral = persistence.ephemeral;
        }
        if let Some(Role::Io(devices)) = manifest.map(|manifest| &manifest.role) {
            let all = devices.sensors.iter().chain(&devices.actuators);
            content.devices = all.map(|device| device.id.value.to_string()).collect();
        }
        let events = manifest.map(|manifest| &manifest.events).into_iter().flatten();
        content.events = events.map(|event| event.value.to_string()).collect();
        content.hash = hasher.finish();
        (name.to_owned(), content)
    };
    judged.graph.spaces.iter().map(of).collect()
}
