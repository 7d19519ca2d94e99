//! `topology.yaml`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use sci::guest::SpaceType;
use services_yaml::{Fields, Node};

use crate::place::Located;
use crate::read::Reader;
use crate::rules;
use crate::topology::{Path, Placement, Resources, Restart, RestartPolicy, Source, Space, Topology};
use crate::violation::Violation;

/// Digits of thousandths.
const THOUSANDTHS: usize = 3;
/// Starts within a window.
const ATTEMPTS_MAX: u32 = 1000;
/// Messages that wait.
const QUEUE_MAX: u32 = 1_000_000;

impl Reader {
    pub(super) fn topology(&mut self, root: &Node) -> Option<Topology> {
        let mut fields = self.file(root, "Topology")?;
        let metadata = fields.required("metadata", &mut self.errors);
        let metadata = metadata.and_then(|node| node.fields(&mut self.errors));
        let (name, owner, description) = metadata.map_or((None, None, None), |mut metadata| {
            let name = metadata.required("name", &mut self.errors).and_then(|node| self.name(node));
            let owner = metadata.optional("owner").and_then(|node| self.prose(node));
            let description = metadata.optional("description").and_then(|node| self.prose(node));
            metadata.finish(&mut self.errors);
            (name, owner, description)
        });
        self.settle(None, 0);
        let spaces = fields.required("spaces", &mut self.errors);
        let spaces = self.each(spaces, Self::topology_space);
        let paths = self.each(fields.optional("paths"), Self::path);
        let agents = self.each(fields.optional("agents"), Self::agent);
        fields.finish(&mut self.errors);
        Some(Topology { name: name?, owner, description, spaces, paths, agents })
    }

    /// One space; what is wrong with it is reported under its name.
    fn topology_space(&mut self, node: &Node) -> Option<Space> {
        self.settle(None, 0);
        let from = self.list.len();
        let mut fields = node.fields(&mut self.errors)?;
        let name = fields.required("name", &mut self.errors).and_then(|node| self.name(node));
        let space = self.space_fields(&mut fields, name.clone());
        fields.finish(&mut self.errors);
        let name = name.map(|name| name.value.as_str().to_owned());
        self.settle(name.as_deref(), from);
        space
    }

    fn space_fields(
        &mut self,
        fields: &mut Fields<'_>,
        name: Option<Located<crate::name::Name>>,
    ) -> Option<Space> {
        let kind = fields.required("type", &mut self.errors).and_then(|node| self.space_type(node));
        let capabilities = fields.optional("capabilities").and_then(|node| self.capabilities(node));
        let path = fields.optional("path");
        let namespace = path.and_then(|node| self.namespace(node));
        if let (Some(node), Some(kind)) = (path, kind.filter(|kind| *kind != SpaceType::Data)) {
            let message = alloc::format!("`path:` on a space of type {}", kind.name());
            self.add(Violation::new(rules::NAMESPACE_NOT_DATA, &self.place(node.place), message));
        }
        let source = self.source(fields);
        let placement = fields.optional("placement").and_then(|node| self.placement(node));
        let restart = fields.optional("restart").and_then(|node| self.restart(node));
        Some(Space {
            name: name?,
            kind: kind?,
            capabilities,
            namespace,
            source,
            placement: placement.unwrap_or_default(),
            restart: restart.unwrap_or_default(),
        })
    }

    pub(super) fn space_type(&mut self, node: &Node) -> Option<SpaceType> {
        let words: Vec<(&str, SpaceType)> = SpaceType::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
        node.word(&words, &mut self.errors)
    }

    fn source(&mut self, fields: &mut Fields<'_>) -> Option<Located<Source>> {
        let (mex, build) = (fields.optional("mex"), fields.optional("build"));
        if let (Some(_), Some(build)) = (mex, build) {
            self.wrong(rules::TWO_SOURCES, build, "`mex:` and `build:` in one space");
        }
        let mut read = |node: Option<&Node>, make: fn(String) -> Source| {
            let node = node?;
            self.relative(node).map(|text| self.at(node, make(text)))
        };
        let mex = read(mex, Source::Package);
        let build = read(build, Source::Folder);
        mex.or(build)
    }

    fn placement(&mut self, node: &Node) -> Option<Placement> {
        let mut fields = node.fields(&mut self.errors)?;
        let resources = fields.optional("resources").and_then(|node| self.resources(node));
        let region = fields.optional("region").and_then(|node| self.name(node));
        let placement = Placement {
            resources: resources.unwrap_or_default(),
            region: region.map(|region| region.value),
            sensors: self.each(fields.optional("sensors"), Self::kind),
            displays: self.each(fields.optional("displays"), Self::name),
            affinity: self.each(fields.optional("affinity"), Self::name),
            anti_affinity: self.each(fields.optional("antiAffinity"), Self::name),
            location: fields.optional("location").and_then(|node| self.location(node)),
        };
        fields.finish(&mut self.errors);
        Some(placement)
    }

    fn resources(&mut self, node: &Node) -> Option<Resources> {
        let mut fields = node.fields(&mut self.errors)?;
        let cpu = fields.optional("cpu").and_then(|node| self.amount(node, THOUSANDTHS));
        let resources = Resources {
            cpu_thousandths: cpu.and_then(|cpu| u32::try_from(cpu).ok()),
            memory_bytes: fields.optional("memory").and_then(|node| self.size(node)),
            storage_bytes: fields.optional("storage").and_then(|node| self.size(node)),
            queue_messages: fields.optional("queue").and_then(|node| self.count(node, 1, QUEUE_MAX)),
        };
        fields.finish(&mut self.errors);
        Some(resources)
    }

    fn restart(&mut self, node: &Node) -> Option<Restart> {
        let mut fields = node.fields(&mut self.errors)?;
        let words: Vec<(&str, RestartPolicy)> =
            RestartPolicy::ALL.iter().map(|policy| (policy.word(), *policy)).collect();
        let policy = fields.optional("policy").and_then(|node| node.word(&words, &mut self.errors));
        let attempts = fields.optional("attempts").and_then(|node| self.count(node, 1, ATTEMPTS_MAX));
        let mut duration = |key| fields.optional(key).and_then(|node: &Node| self.duration(node));
        let (window, backoff, most) = (duration("window"), duration("backoff"), duration("backoffMax"));
        fields.finish(&mut self.errors);
        let usual = Restart::default();
        let restart = Restart {
            policy: policy.unwrap_or(usual.policy),
            attempts: attempts.unwrap_or(usual.attempts),
            window_milliseconds: window.unwrap_or(usual.window_milliseconds),
            backoff_milliseconds: backoff.unwrap_or(usual.backoff_milliseconds),
            backoff_most_milliseconds: most.unwrap_or(usual.backoff_most_milliseconds),
        };
        if restart.backoff_milliseconds > restart.backoff_most_milliseconds {
            let (first, most) = (restart.backoff_milliseconds, restart.backoff_most_milliseconds);
            let message = alloc::format!("the first wait is {first} ms, the longest {most} ms");
            self.add(Violation::new(rules::RESTART_CONTRADICTS, &self.place(node.place), message));
        }
        Some(restart)
    }

    fn path(&mut self, node: &Node) -> Option<Path> {
        let mut fields = node.fields(&mut self.errors)?;
        let mut name = |key| fields.required(key, &mut self.errors);
        let (from, to, name) = (name("from"), name("to"), name("name"));
        fields.finish(&mut self.errors);
        let from = from.and_then(|node| self.name(node));
        let to = to.and_then(|node| self.name(node));
        let name = name.and_then(|node| self.name(node));
        Some(Path { name: name?, from: from?, to: to? })
    }
}
