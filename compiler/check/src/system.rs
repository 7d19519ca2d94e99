//! `system` blocks: which instances there are, what each is granted, how they are connected.

use crate::constants::scaled;
use crate::types::find;
use crate::world::{ComponentDef, Def, SystemDef, World};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{Fact, FactArgument, FactKind, FactOperator, Literal, Name, Path};
use sci::layout::PAGE;
use sci::limits::WINDOW_BYTES_MAX;

/// What `memory()` grants where it states no amount, in bytes.
const MEMORY_BYTES: u64 = 1 << 20;
/// The most that it may state.
const MEMORY_BYTES_MAX: u64 = 1 << 40;

/// Whether a capability's window can have so many bytes.
fn is_window(bytes: u64) -> bool {
    (1..=u64::from(WINDOW_BYTES_MAX)).contains(&bytes)
}

/// A system as source describes it.
#[derive(Clone, Debug)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Instances in order.
    pub instances: Vec<Instance>,
    /// Connections in order.
    pub connections: Vec<Connection>,
    /// Where it is declared.
    pub span: Span,
}

/// One instance of a component.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its name in the system.
    pub name: String,
    /// Dotted path of its component's package; empty for the root package.
    pub package: String,
    /// Priority, if the system sets it.
    pub priority: Option<u8>,
    /// Restart policy, if the system sets it: `never`, `on-fault`, `always`.
    pub restart: Option<String>,
    /// What it is granted besides connections.
    pub grants: Vec<Grant>,
    /// Parameters by name.
    pub parameters: Vec<(String, u64)>,
    /// Where it is declared.
    pub span: Span,
}

/// A grant of a kernel object.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The capability's index in the component.
    pub capability: u32,
    /// What is granted.
    pub kind: GrantKind,
    /// Where it is written.
    pub span: Span,
}

/// What can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// I/O ports: the first and their number.
    Ports(u16, u16),
    /// An interrupt line.
    Interrupt(u32),
    /// The right to make Memory, and how many pages of it may exist at one time.
    Memory(u32),
    /// Time.
    Clock,
    /// A notification of its own.
    Notification,
    /// The machine itself.
    Machine,
    /// The boot bundle's tables, for reading.
    Bundle,
    /// The right to admit the bundle's images.
    Images,
    /// The right to make realms.
    Realms,
    /// A device's registers: the number of their first page, and bytes.
    Registers(u32, u32),
    /// Pages of its own, in bytes.
    Pages(u32),
}

/// A connection from a capability to an export.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Index of the client's instance.
    pub client: u32,
    /// The capability's index in the client's component.
    pub capability: u32,
    /// Index of the server's instance.
    pub server: u32,
    /// The export's number in the server's component.
    pub export: u32,
    /// Where it is written.
    pub span: Span,
}

/// Reads the `system` blocks of the project.
pub(crate) fn systems(world: &World, diagnostics: &mut Vec<Diagnostic>) -> Vec<System> {
    let mut systems: Vec<System> = Vec::new();
    for def in &world.systems {
        if let Some(first) = systems.first() {
            diagnostics.push(
                Diagnostic::error("second-system", def.span, "a project has one system")
                    .also(first.span, "the first one")
                    .help("put the other system into a project of its own"),
            );
            continue;
        }
        systems.push(Reader { world, def, diagnostics }.read());
    }
    systems
}

struct Reader<'r> {
    world: &'r World,
    def: &'r SystemDef,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn refuse(&mut self, id: &'static str, span: Span, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::error(id, span, message).help(help));
    }

    fn read(mut self) -> System {
        let mut system = System {
            name: self.def.name.clone(),
            instances: Vec::new(),
            connections: Vec::new(),
            span: self.def.span,
        };
        for fact in &self.def.facts {
            if fact.key.as_str() == "instance" {
                self.instance(fact, &mut system);
            }
        }
        for fact in &self.def.facts {
            match fact.key.as_str() {
                "instance" => {}
                "connect" | "port" => self.connection(fact, &mut system),
                _ => self.refuse(
                    "unknown-fact",
                    fact.key.span,
                    format!("a system has no line `{}`", fact.key.as_str()),
                    "its lines are `instance` and `connect`",
                ),
            }
        }
        if system.instances.is_empty() {
            self.refuse(
                "empty-system",
                self.def.span,
                "the system has no instances",
                "write `instance name: package.Component`",
            );
        }
        self.complete(&system);
        system
    }

    fn component(&self, package: &str) -> Option<&ComponentDef> {
        let at = self.world.packages.iter().position(|known| known.path == package)?;
        let component = self.world.packages[at].component?;
        self.world.components.get(component as usize)
    }

    fn instance(&mut self, fact: &Fact, system: &mut System) {
        let form = "write `instance name: package.Component { … }`";
        let [FactArgument { kind: FactKind::Pair(name, FactOperator::Colon, path), .. }] =
            fact.arguments.as_slice()
        else {
            return self.refuse("bad-fact", fact.span, "an instance is not written like this", form);
        };
        let (FactKind::Word(name), FactKind::Word(path)) = (&name.kind, &path.kind) else {
            return self.refuse("bad-fact", fact.span, "an instance is not written like this", form);
        };
        let Some(package) = self.package_of(path) else { return };
        if let Some(first) = system.instances.iter().find(|known| known.name == name.dotted()) {
            let first = first.span;
            self.diagnostics.push(
                Diagnostic::error(
                    "duplicate-member",
                    name.span,
                    format!("the instance `{}` is declared twice", name.dotted()),
                )
                .also(first, "first declared here")
                .help("give it another name"),
            );
            return;
        }
        let mut instance = Instance {
            name: name.dotted(),
            package,
            priority: None,
            restart: None,
            grants: Vec::new(),
            parameters: Vec::new(),
            span: fact.span,
        };
        for line in fact.block.iter().flatten() {
            self.line(line, &mut instance);
        }
        system.instances.push(instance);
    }

    /// The package of the component that a path names: `counter.Counter`, or `Hello` in the system's own package.
    fn package_of(&mut self, path: &Path) -> Option<String> {
        let (last, head) = path.names.split_last()?;
        let package = head.iter().map(Name::as_str).collect::<Vec<_>>().join(".");
        let package = if package.is_empty() {
            self.world.packages[self.def.package as usize].path.clone()
        } else if let Ok(Def::Package(at)) =
            find(self.world, self.def.package, &Path { names: head.to_vec(), span: path.span })
        {
            self.world.packages[at as usize].path.clone()
        } else {
            package
        };
        match self.component(&package) {
            Some(component) if component.name == last.as_str() => Some(package),
            _ => {
                self.refuse(
                    "unknown-component",
                    path.span,
                    format!("there is no component `{}`", path.dotted()),
                    "name it as `package.Component`; a package is a folder below the project's root",
                );
                None
            }
        }
    }

    fn line(&mut self, fact: &Fact, instance: &mut Instance) {
        match fact.key.as_str() {
            "priority" => {
                instance.priority = crate::facts::integer_argument(fact, self.diagnostics)
                    .filter(|value| *value < 255)
                    .map(|value| value as u8);
                if instance.priority.is_none() {
                    self.refuse(
                        "bad-fact",
                        fact.span,
                        "a priority is a number from 0 to 254",
                        "write `priority 20`",
                    );
                }
            }
            "restart" => {
                let word = match fact.arguments.as_slice() {
                    [FactArgument { kind: FactKind::Word(word), .. }] => word.dotted(),
                    _ => String::new(),
                };
                if matches!(word.as_str(), "never" | "on-fault" | "always") {
                    instance.restart = Some(word);
                } else {
                    self.refuse(
                        "bad-fact",
                        fact.span,
                        "this is not a restart policy",
                        "write never, on-fault or always",
                    );
                }
            }
            "grant" => self.grant(fact, instance),
            "param" => self.parameter(fact, instance),
            _ => self.refuse(
                "unknown-fact",
                fact.key.span,
                format!("an instance has no line `{}`", fact.key.as_str()),
                "its lines are `priority`, `restart`, `grant` and `param`",
            ),
        }
    }

    fn parameter(&mut self, fact: &Fact, instance: &mut Instance) {
        if let [FactArgument { kind: FactKind::Pair(name, FactOperator::Assign, value), .. }] =
            fact.arguments.as_slice()
            && let (FactKind::Word(name), FactKind::Literal(Literal::Integer(integer))) =
                (&name.kind, &value.kind)
        {
            if let Some(value) = scaled(integer, value.span, self.diagnostics) {
                instance.parameters.push((name.dotted(), value as u64));
            }
            return;
        }
        self.refuse("bad-fact", fact.span, "a parameter is not set like this", "write `param name = 12`");
    }

    fn grant(&mut self, fact: &Fact, instance: &mut Instance) {
        let form = "write `grant name = ports(0x3f8, 8)`, `interrupt(4)`, `memory(64KiB)`, `clock()`, `notification()`";
        let [FactArgument { kind: FactKind::Pair(name, FactOperator::Assign, value), .. }] =
            fact.arguments.as_slice()
        else {
            return self.refuse("bad-fact", fact.span, "a grant is not written like this", form);
        };
        let (FactKind::Word(name), FactKind::Call(what, arguments)) = (&name.kind, &value.kind) else {
            return self.refuse("bad-fact", fact.span, "a grant is not written like this", form);
        };
        let numbers: Vec<u64> = arguments
            .iter()
            .filter_map(|argument| match &argument.kind {
                FactKind::Literal(Literal::Integer(integer)) => {
                    scaled(integer, argument.span, self.diagnostics)
                }
                _ => None,
            })
            .filter_map(|value| u64::try_from(value).ok())
            .collect();
        let (kind, interface) = match (what.dotted().as_str(), numbers.as_slice()) {
            ("ports", [first, count]) if *count > 0 && first.saturating_add(*count) <= 1 << 16 => {
                (GrantKind::Ports(*first as u16, *count as u16), "PortRange")
            }
            ("interrupt", [line]) if *line < 256 => (GrantKind::Interrupt(*line as u32), "Interrupt"),
            ("memory", []) => (GrantKind::Memory((MEMORY_BYTES / PAGE) as u32), "Memory"),
            ("memory", [bytes]) if (1..=MEMORY_BYTES_MAX).contains(bytes) => {
                (GrantKind::Memory(bytes.div_ceil(PAGE) as u32), "Memory")
            }
            ("registers", [first, bytes])
                if first.is_multiple_of(PAGE) && (PAGE..1 << 32).contains(first) && is_window(*bytes) =>
            {
                (GrantKind::Registers((first / PAGE) as u32, bytes.next_multiple_of(PAGE) as u32), "Memory")
            }
            ("pages", [bytes]) if is_window(*bytes) => {
                (GrantKind::Pages(bytes.next_multiple_of(PAGE) as u32), "Memory")
            }
            ("clock", []) => (GrantKind::Clock, "Clock"),
            ("notification", []) => (GrantKind::Notification, "Notification"),
            ("machine", []) => (GrantKind::Machine, "Machine"),
            ("bundle", []) => (GrantKind::Bundle, "Memory"),
            ("images", []) => (GrantKind::Images, "Image"),
            ("realms", []) => (GrantKind::Realms, "Realm"),
            _ => return self.refuse("unknown-grant", value.span, "there is no such object to grant", form),
        };
        let Some(capability) = self.capability(&instance.package, &name.dotted(), name.span) else { return };
        let wanted = self.component(&instance.package).map(|c| c.capabilities[capability as usize].interface);
        let wanted = wanted.map(|at| self.world.interfaces[at as usize].name.clone()).unwrap_or_default();
        if wanted != interface {
            return self.refuse(
                "grant-mismatch",
                fact.span,
                format!("`{}` is a {wanted}, not a {interface}", name.dotted()),
                "grant an object of the capability's own interface",
            );
        }
        instance.grants.push(Grant { capability, kind, span: fact.span });
    }

    fn capability(&mut self, package: &str, name: &str, span: Span) -> Option<u32> {
        let component = self.component(package)?;
        let found = component.capabilities.iter().position(|capability| capability.name == name);
        if found.is_none() {
            let message = format!("`{}` has no capability `{name}`", component.name);
            self.refuse("unknown-capability", span, message, "see the `capability` lines of the component");
        }
        found.map(|at| at as u32)
    }

    fn connection(&mut self, fact: &Fact, system: &mut System) {
        let form = "write `connect client.capability -> server.export`";
        let [FactArgument { kind: FactKind::Pair(from, FactOperator::Arrow, to), .. }] =
            fact.arguments.as_slice()
        else {
            return self.refuse("bad-fact", fact.span, "a connection is not written like this", form);
        };
        let (FactKind::Word(from), FactKind::Word(to)) = (&from.kind, &to.kind) else {
            return self.refuse("bad-fact", fact.span, "a connection is not written like this", form);
        };
        if let Some(block) = fact.block.as_ref().and_then(|block| block.first()) {
            self.diagnostics.push(crate::collect::unsupported(block.span, "a fact of a connection"));
        }
        let (Some((client, slot)), Some((server, export))) =
            (self.end(system, from, form), self.end(system, to, form))
        else {
            return;
        };
        let package = system.instances[client as usize].package.clone();
        let Some(capability) = self.capability(&package, &slot, from.span) else { return };
        let Some(server_def) = self.component(&system.instances[server as usize].package) else { return };
        let Some(number) = server_def.exports.iter().position(|known| known.name == export) else {
            let message = format!("`{}` has no export `{export}`", server_def.name);
            return self.refuse(
                "unknown-export",
                to.span,
                message,
                "see the `export` lines of the component",
            );
        };
        let provided = server_def.exports[number].interface;
        let Some(client_def) = self.component(&package) else { return };
        let required = client_def.capabilities[capability as usize].interface;
        let (required, provided) =
            (&self.world.interfaces[required as usize], &self.world.interfaces[provided as usize]);
        if required.hash != provided.hash {
            let message = format!("`{slot}` needs {}, `{export}` is {}", required.name, provided.name);
            return self.refuse(
                "interface-mismatch",
                fact.span,
                message,
                "connect a capability to an export of its interface",
            );
        }
        if let Some(first) =
            system.connections.iter().find(|known| known.client == client && known.capability == capability)
        {
            let first = first.span;
            self.diagnostics.push(
                Diagnostic::error(
                    "second-provider",
                    fact.span,
                    format!("`{}` already has a provider", from.dotted()),
                )
                .also(first, "connected here")
                .help("remove one of the two lines"),
            );
            return;
        }
        system.connections.push(Connection {
            client,
            capability,
            server,
            export: number as u32,
            span: fact.span,
        });
    }

    fn end(&mut self, system: &System, path: &Path, form: &str) -> Option<(u32, String)> {
        let [instance, name] = path.names.as_slice() else {
            self.refuse("bad-fact", path.span, "one end of the connection is not written like this", form);
            return None;
        };
        let Some(at) = system.instances.iter().position(|known| known.name == instance.as_str()) else {
            let message = format!("there is no instance `{}`", instance.as_str());
            self.refuse("unknown-instance", instance.span, message, "declare it with an `instance` line");
            return None;
        };
        Some((at as u32, name.as_str().to_owned()))
    }

    /// Every capability needs a provider; consoles are connected by themselves.
    fn complete(&mut self, system: &System) {
        for (at, instance) in system.instances.iter().enumerate() {
            let Some(component) = self.component(&instance.package) else { continue };
            let mut missing = Vec::new();
            for (slot, capability) in component.capabilities.iter().enumerate() {
                let slot = slot as u32;
                let connected = system
                    .connections
                    .iter()
                    .any(|known| known.client == at as u32 && known.capability == slot);
                let granted = instance.grants.iter().any(|grant| grant.capability == slot);
                let interface = &self.world.interfaces[capability.interface as usize].name;
                if !connected && !granted && interface != "DebugConsole" {
                    missing.push((capability.name.clone(), interface.clone()));
                }
            }
            for (name, interface) in missing {
                self.refuse(
                    "missing-provider",
                    instance.span,
                    format!("nothing provides `{}.{name}`, a {interface}", instance.name),
                    "connect it to an export, or grant it an object",
                );
            }
        }
    }
}
