//! `space.yaml`.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use sci::guest::SpaceType;
use services_yaml::{Fields, Node, Value, shown};

use crate::name::{HeaderName, HeaderValue};
use crate::read::Reader;
use crate::rules;
use crate::space::{
    Chat, ChatModel, Device, Devices, Embedding, Method, Persistence, Role, Service, ServiceLimits, Shape,
    SpaceManifest, StandIn, Wave,
};
use crate::violation::Violation;

/// Sections and the type that has them.
const SECTIONS: &[(&str, SpaceType)] = &[
    ("sensors", SpaceType::Io),
    ("actuators", SpaceType::Io),
    ("persistence", SpaceType::Data),
    ("model", SpaceType::Chat),
    ("embedding", SpaceType::Chat),
    ("service", SpaceType::Call),
];

/// Headers that are not written out: they carry keys, or HTTP sets them.
const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
];

/// The header that carries a key where nothing is said.
const KEY_HEADER: &str = "authorization";
/// Requests in a minute.
const PER_MINUTE_MAX: u32 = 1_000_000;
/// The key of what stands in for a device. The format has none: it is an extension.
const STAND_IN: &str = "x-simulated";
/// The key of how alike questions must be, and its digits after the point.
const SIMILARITY: &str = "x-similarity";
const SIMILARITY_DIGITS: usize = 3;
/// Milliseconds of a simulated sensor where nothing is said.
const PERIOD: u64 = 10_000;
const EVERY: u64 = 1_000;

impl Reader {
    pub(super) fn space(&mut self, root: &Node) -> Option<SpaceManifest> {
        let mut fields = self.file(root, "Space")?;
        let name = self.named(&mut fields);
        let type_node = fields.required("type", &mut self.errors);
        let kind = type_node.and_then(|node| self.space_type(node));
        let capabilities = fields.optional("capabilities").and_then(|node| self.capabilities(node));
        let events = self.each(fields.optional("events"), Self::name);
        let role = self.role(&mut fields, root, kind);
        fields.finish(&mut self.errors);
        let own = name.as_ref().map(|name| name.value.as_str().to_owned());
        self.settle(own.as_deref(), 0);
        let kind_place = self.place(type_node?.place);
        Some(SpaceManifest { name: name?, role: role?, kind_place, capabilities, events })
    }

    /// The section of the type; sections of others are refused.
    fn role(&mut self, fields: &mut Fields<'_>, root: &Node, kind: Option<SpaceType>) -> Option<Role> {
        let found: Vec<Option<&Node>> = SECTIONS.iter().map(|(key, _)| fields.optional(key)).collect();
        let kind = kind?;
        for ((key, owner), node) in SECTIONS.iter().zip(&found) {
            if let Some(node) = node.filter(|_| *owner != kind) {
                let message = format!("`{key}:` belongs to {} spaces; this is {}", owner.name(), kind.name());
                self.add(Violation::new(rules::SECTION_OF_ANOTHER_TYPE, &self.place(node.place), message));
            }
        }
        let [sensors, actuators, persistence, model, embedding, service] = found[..] else { return None };
        let (there, wanted) = match kind {
            SpaceType::Ui => (true, ""),
            SpaceType::Io => (sensors.or(actuators).is_some(), "`sensors:` or `actuators:`"),
            SpaceType::Data => (persistence.is_some(), "`persistence:`"),
            SpaceType::Chat => (model.is_some(), "`model:`"),
            SpaceType::Call => (service.is_some(), "`service:`"),
        };
        if !there {
            let message = format!("{} spaces have {wanted}", kind.name());
            self.add(
                Violation::new(rules::SECTION_MISSING, &self.place(root.place), message)
                    .remedy(format!("add {wanted}")),
            );
            return None;
        }
        Some(match kind {
            SpaceType::Ui => Role::Ui,
            SpaceType::Io => Role::Io(Devices {
                sensors: self.each(sensors, |reader, node| reader.device(node, Self::simulated_sensor)),
                actuators: self.each(actuators, |reader, node| reader.device(node, Self::simulated_actuator)),
            }),
            SpaceType::Data => Role::Data(self.persistence(persistence?)?),
            SpaceType::Chat => {
                let model = self.chat_model(model?);
                let embedding = embedding.and_then(|node| self.embedding(node));
                Role::Chat(Box::new(Chat { model: model?, embedding }))
            }
            SpaceType::Call => {
                let service = service?;
                // One binding may stand alone.
                Role::Call(match service.value {
                    Value::Mapping(_) => self.service(service).into_iter().collect(),
                    _ => self.each(Some(service), Self::service),
                })
            }
        })
    }

    fn device(&mut self, node: &Node, simulated: fn(&mut Self, &Node) -> Option<StandIn>) -> Option<Device> {
        let mut fields = node.fields(&mut self.errors)?;
        let id = fields.required("id", &mut self.errors).and_then(|node| self.name(node));
        let kind = fields.required("type", &mut self.errors).and_then(|node| self.kind(node));
        let description = fields.optional("description").and_then(|node| self.prose(node));
        let stand_in = fields.optional(STAND_IN).and_then(|node| simulated(self, node));
        fields.finish(&mut self.errors);
        Some(Device { id: id?, kind: kind?.value, description, stand_in })
    }

    fn simulated_sensor(&mut self, node: &Node) -> Option<StandIn> {
        let words: Vec<(&str, Shape)> = Shape::ALL.iter().map(|shape| (shape.word(), *shape)).collect();
        let mut fields = node.fields(&mut self.errors)?;
        let shape = fields.required("shape", &mut self.errors);
        let shape = shape.and_then(|node| node.word(&words, &mut self.errors));
        let range = fields.required("range", &mut self.errors).and_then(|node| self.span(node, "range"));
        let period = fields.optional("period").and_then(|node| self.duration(node));
        let every = fields.optional("every").and_then(|node| self.duration(node));
        let seed = fields.optional("seed").and_then(|node| self.count(node, 0, u32::MAX));
        fields.finish(&mut self.errors);
        Some(StandIn::Sensor(Wave {
            shape: shape?,
            range: range?,
            period_milliseconds: period.unwrap_or(PERIOD),
            every_milliseconds: every.unwrap_or(EVERY),
            seed: seed.unwrap_or_default(),
        }))
    }

    fn simulated_actuator(&mut self, node: &Node) -> Option<StandIn> {
        node.boolean(&mut self.errors)?.then_some(StandIn::Actuator)
    }

    fn persistence(&mut self, node: &Node) -> Option<Persistence> {
        let mut fields = node.fields(&mut self.errors)?;
        let quota_bytes = fields.optional("quota").and_then(|node| self.size(node));
        let ephemeral = fields.optional("ephemeral").and_then(|node| node.boolean(&mut self.errors));
        fields.finish(&mut self.errors);
        Some(Persistence { quota_bytes, ephemeral: ephemeral.unwrap_or_default() })
    }

    fn embedding(&mut self, node: &Node) -> Option<Embedding> {
        let mut fields = node.fields(&mut self.errors)?;
        let model = self.model_fields(&mut fields);
        let similarity = fields.optional(SIMILARITY).and_then(|node| {
            let thousandths = self.amount(node, SIMILARITY_DIGITS)?;
            if !(1..=1000).contains(&thousandths) {
                self.wrong(rules::MALFORMED_AMOUNT, node, "it is not a number from 0.001 to 1");
            }
            u32::try_from(thousandths).ok()
        });
        fields.finish(&mut self.errors);
        let similarity_thousandths = similarity.unwrap_or(Embedding::SIMILARITY_THOUSANDTHS);
        Some(Embedding { model: model?, similarity_thousandths })
    }

    /// The name of an agent, or a model written out.
    fn chat_model(&mut self, node: &Node) -> Option<ChatModel> {
        let Value::Mapping(_) = node.value else { return self.name(node).map(ChatModel::Agent) };
        let mut fields = node.fields(&mut self.errors)?;
        let name = fields.required("name", &mut self.errors).and_then(|node| self.name(node));
        let model = self.model_fields(&mut fields);
        fields.finish(&mut self.errors);
        Some(ChatModel::Own { name: name?, model: model? })
    }

    pub(super) fn service(&mut self, node: &Node) -> Option<Service> {
        let mut fields = node.fields(&mut self.errors)?;
        let name = fields.required("name", &mut self.errors).and_then(|node| self.name(node));
        let url = fields.required("url", &mut self.errors).and_then(|node| self.url(node));
        let words: Vec<(&str, Method)> = Method::ALL.iter().map(|method| (method.word(), *method)).collect();
        let methods = fields.required("methods", &mut self.errors);
        let methods = self.each(methods, |reader, node| node.word(&words, &mut reader.errors));
        let headers = fields.optional("headers").map(|node| self.headers(node)).unwrap_or_default();
        let key = fields.optional("key").and_then(|node| self.secret(node));
        let header = fields.optional("keyHeader").map_or_else(
            || HeaderName::new(KEY_HEADER),
            |node| {
                let text = node.string(&mut self.errors)?;
                let header = HeaderName::new(&text.to_ascii_lowercase());
                if header.is_none() {
                    self.wrong(
                        rules::MALFORMED_HEADER,
                        node,
                        format!("`{}` is no name of a header", shown(text)),
                    );
                }
                header
            },
        );
        let limits = fields.optional("limits").and_then(|node| self.service_limits(node));
        fields.finish(&mut self.errors);
        Some(Service {
            name: name?,
            url: url?,
            methods,
            headers,
            key: key.zip(header),
            limits: limits.unwrap_or_default(),
        })
    }

    fn headers(&mut self, node: &Node) -> Vec<(HeaderName, HeaderValue)> {
        let entries = node.entries(&mut self.errors).unwrap_or_default();
        let mut headers = Vec::new();
        let mut names = BTreeSet::new();
        for entry in entries {
            let place = self.place(entry.key.place);
            let key = entry.key.text.to_ascii_lowercase();
            let Some(text) = entry.value.string(&mut self.errors) else { continue };
            if RESERVED.contains(&key.as_str()) {
                let message = format!("the header `{key}` is written out");
                self.add(Violation::new(rules::HEADER_HOLDS_KEY, &place, message));
            } else if !names.insert(key.clone()) {
                let message = format!("the header `{}` is there twice", shown(&key));
                self.add(Violation::new(rules::MALFORMED_HEADER, &place, message));
            } else if let (Some(name), Some(value)) = (HeaderName::new(&key), HeaderValue::new(text)) {
                headers.push((name, value));
            } else {
                let message = format!("the header `{}` is not well-formed", shown(&entry.key.text));
                self.add(Violation::new(rules::MALFORMED_HEADER, &place, message));
            }
        }
        headers
    }

    fn service_limits(&mut self, node: &Node) -> Option<ServiceLimits> {
        let usual = ServiceLimits::default();
        let mut fields = node.fields(&mut self.errors)?;
        let request = fields.optional("request").and_then(|node| self.size(node));
        let response = fields.optional("response").and_then(|node| self.size(node));
        let timeout = fields.optional("timeout").and_then(|node| self.duration(node));
        let per_minute = fields.optional("perMinute").and_then(|node| self.count(node, 1, PER_MINUTE_MAX));
        fields.finish(&mut self.errors);
        Some(ServiceLimits {
            request_bytes: request.unwrap_or(usual.request_bytes),
            response_bytes: response.unwrap_or(usual.response_bytes),
            timeout_milliseconds: timeout.unwrap_or(usual.timeout_milliseconds),
            per_minute: per_minute.unwrap_or(usual.per_minute),
        })
    }
}
