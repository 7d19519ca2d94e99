//! What is seen of a machine from outside.

use super::{Host, lock};
use crate::run::{Look, Run};
use crate::shown::{self, Watch, dead_letter, delivery, kind, mime, path, state, world};
use sci::guest::{ErrorCode, GuestCapability, SpaceType};
use services_topology::agent::AgentBody;
use services_topology::name::Name;
use services_zdesk::view::{
    Action, Application, Cache, Capability, Delivery, Failure, LogLine, Model, Refusal, Snapshot, Source,
    Space, Tapped, UiFile,
};
use services_zmesh_component::window::{Letter, Passed};
use services_zrms::control::{SpaceStatus, TopologyStatus};
use services_zrun::Counts;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

/// Dead letters that are shown of an application.
const DEAD_MAX: usize = 32;
/// What a space's own process does for it, of which nobody else hears.
const UNCOUNTED: [GuestCapability; 2] = [GuestCapability::SysSleep, GuestCapability::SysYield];
/// How often a path is looked at.
const LOOK: Duration = Duration::from_millis(50);

fn space(look: &Look<'_>, status: SpaceStatus, cache: Option<Counts>) -> Option<Space> {
    let node = look.application().node(&status.name)?;
    let used = look.used(&status.name);
    let past = look.past(&status.name);
    let capability = |capability: GuestCapability| Capability {
        name: capability.name().to_owned(),
        granted: true,
        used: (!UNCOUNTED.contains(&capability)).then(|| used.get(capability.name()).copied().unwrap_or(0)),
        refused: 0,
    };
    Some(Space {
        kind: kind(node.kind),
        state: state(status.state),
        reason: status.reason,
        next_retry: status.next_retry,
        instance: status.host.as_ref().map(|(_, epoch)| *epoch),
        restarts: past.starts.saturating_sub(1),
        attempts: u64::from(status.attempts),
        failure: past.failure.map(|(time, reason)| Failure { time, reason }),
        host: status.host.map(|(host, _)| host),
        placement: status.explanation.map(|explanation| explanation.to_string()).unwrap_or_default(),
        memory: Some(look.memory(&status.name)),
        memory_max: node.placement.resources.memory_bytes.unwrap_or(crate::application::MEMORY_BYTES),
        waiting: look.waiting(&status.name) as u64,
        capabilities: node.grant.iter().map(capability).collect(),
        cache: cache.map(|Counts { hits, near, misses, dropped }| Cache { hits, near, misses, dropped }),
        name: status.name,
    })
}

fn model(run: &Run, name: &str, body: &AgentBody<Name>) -> Option<Model> {
    let AgentBody::Model(model) = body else { return None };
    Some(shown::model(name, model, run.spent(name)))
}

fn application(run: &Run, look: &Look<'_>, status: TopologyStatus) -> Application {
    let graph = &look.application().graph;
    let skipped = look.dead().iter().count().saturating_sub(DEAD_MAX);
    Application {
        name: look.application().name().to_owned(),
        state: state(status.state),
        reason: status.reason,
        revision: look.revision(),
        remarks: vec![look.application().trust.clone()],
        models: graph.agents.iter().filter_map(|(name, body)| model(run, name.as_str(), body)).collect(),
        spaces: status
            .spaces
            .into_iter()
            .filter_map(|status| {
                let cache = run.cache(&status.name);
                space(look, status, cache)
            })
            .collect(),
        paths: graph
            .paths
            .iter()
            .map(|edge| {
                let (from, name) = (edge.from.as_str(), edge.name.as_str());
                path(&look.path(from, name), from, name, edge.to.as_str())
            })
            .collect(),
        dead: look.dead().iter().skip(skipped).map(dead_letter).collect(),
        world: look.application().world.as_ref().map(world),
    }
}

fn refusal((code, says): (ErrorCode, String)) -> Refusal {
    Refusal::new(code.name(), says)
}

impl Source for Host {
    fn snapshot(&self) -> Snapshot {
        let control = lock(&self.control);
        let names: Vec<String> = control.topologies().map(str::to_owned).collect();
        let statuses: Vec<_> = names
            .into_iter()
            .filter_map(|name| control.status(&name).ok().map(|status| (name, status)))
            .collect();
        drop(control);
        let applications = statuses.into_iter().map(|(name, status)| match self.run(&name) {
            Ok(run) => run.look(|look| application(&run, look, status)),
            Err(_) => Application {
                name,
                state: state(status.state),
                reason: status.reason,
                ..Application::default()
            },
        });
        Snapshot { applications: applications.collect() }
    }

    fn logs(&self, app: &str, space: &str, after: u64) -> Vec<LogLine> {
        let Ok(run) = self.run(app) else { return Vec::new() };
        let entries = run.book().after(after, Some(space), Duration::ZERO);
        let lines =
            entries.into_iter().map(|one| LogLine { number: one.number, time: one.time, text: one.text });
        lines.collect()
    }

    fn tap(&self, app: &str, from: &str, path: &str) -> Option<Receiver<Tapped>> {
        let run = self.run(app).ok()?;
        let tap = run.tap(from, path).ok()?;
        let (mut watch, receiver) = Watch::new();
        thread::spawn(move || {
            while !run.is_over() {
                for seen in run.observe(tap) {
                    if !watch.pass(Passed::from(&seen)) {
                        return run.untap(tap);
                    }
                }
                thread::sleep(LOOK);
            }
        });
        Some(receiver)
    }

    fn act(&self, app: &str, space: &str, action: Action) -> Result<(), Refusal> {
        Self::act(self, app, space, action).map_err(|problem| Refusal::new("invalid", problem.message))
    }

    fn grants(&self, app: &str, space: &str) -> Option<Vec<String>> {
        let run = self.run(app).ok()?;
        let runs = run.standings().iter().any(|(name, _, standing)| name == space && !standing.has_ended());
        let application = run.application();
        let node = application.node(space).filter(|node| runs && node.kind == SpaceType::Ui)?;
        Some(node.grant.iter().map(|capability| capability.name().to_owned()).collect())
    }

    fn file(&self, app: &str, space: &str, path: &str) -> Option<UiFile> {
        let application = self.run(app).ok()?.application();
        let bytes = application.contents.get(space)?.files.get(path)?.clone();
        Some(UiFile { mime: mime(path).to_owned(), bytes })
    }

    fn emit(&self, app: &str, space: &str, to: &str, body: Vec<u8>) -> Result<u64, Refusal> {
        let run = self.run(app).map_err(|problem| Refusal::new("closed", problem.message))?;
        run.emit(space, to, &body).map_err(refusal)
    }

    fn next(&self, app: &str, space: &str) -> Option<Delivery> {
        let message = self.run(app).ok()?.next_shown(space)?;
        Some(delivery(Letter::from(&message)))
    }

    fn log(&self, app: &str, space: &str, line: &str) {
        if let Ok(run) = self.run(app) {
            run.book().line(space, line);
        }
    }

    fn subscribe(&self, app: &str, space: &str, event: &str) -> Result<(), Refusal> {
        let run = self.run(app).map_err(|problem| Refusal::new("closed", problem.message))?;
        run.subscribe(space, event).map_err(refusal)
    }

    fn violated(&self, app: &str, space: &str, capability: &str) {
        if let Ok(run) = self.run(app) {
            let reason = format!("it used `{capability}`, which it does not hold: its page was closed");
            run.kill(space, &reason);
        }
    }
}
