//! The system link: instances wired, priorities ordered, every authority listed.

pub mod application;
mod error;
pub mod guest;
mod store;

pub use error::Error;

use compiler_check::{Grant, GrantKind, System};
use sci::bundle::grant;
use sci::header::Kind;
use sci::image::Image;
use sci::manifest::{Required, Restart};
use sci::write::{GrantData, ImageData, InstanceData};
use std::collections::{BTreeMap, BTreeSet};

/// Priority of components that nobody calls.
const LOWEST_PRIORITY: u8 = 16;
/// Priority of the console: above everything but root.
const CONSOLE_PRIORITY: u8 = 240;
/// The UART that the console drives: its ports and their number.
const CONSOLE_PORTS: (u32, u32) = (0x3f8, 8);
/// Its interrupt line.
const CONSOLE_LINE: u32 = 4;

/// What a system is linked from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// Components of the project: package path and image.
    pub components: &'i [(String, Vec<u8>)],
    /// The OS components: name and image. `root` is needed, `console` is used if it is there.
    pub os: &'i [(&'i str, &'i [u8])],
    /// The `system` block; without one every component runs once.
    pub system: Option<&'i System>,
}

/// A linked system.
#[derive(Clone, Debug)]
pub struct Linked {
    /// File stem.
    pub name: String,
    /// Images; root first.
    pub images: Vec<ImageData>,
    /// Instances, providers first.
    pub instances: Vec<InstanceData>,
    /// What root gives to whoever is connected to it.
    pub data: Vec<u8>,
    /// Every authority in the system.
    pub authorities: Vec<Granted>,
}

/// One capability that an instance gets, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The instance.
    pub instance: String,
    /// Its component's file stem.
    pub component: String,
    /// The capability's name.
    pub capability: String,
    /// Where it comes from: `counting.counter`, `ports 0x3f8, 8 of them`.
    pub source: String,
}

/// One instance on the way.
struct Planned<'i> {
    name: String,
    image: usize,
    parsed: Image<'i>,
    priority: Option<u8>,
    restart: u32,
    /// It is started when someone asks root for it.
    held: bool,
    /// The run ends without it.
    attends: bool,
    /// Capabilities that it does without.
    lacks: BTreeSet<u32>,
    grants: Vec<GrantData>,
    parameters: Vec<(u32, u64)>,
    /// Servers that it calls.
    calls: BTreeSet<usize>,
}

/// Links a system.
pub fn link(input: &Input<'_>) -> Result<Linked, Error> {
    let (mut images, mut planned) = start(input)?;
    let has_console = !planned.is_empty();
    let first_component = images.len();
    for (_, bytes) in input.components {
        let image = verify("component", bytes)?;
        images.push(ImageData {
            name: file_stem(image.manifest().identity.name),
            bytes: bytes.clone(),
            library: None,
        });
    }
    let name = match input.system {
        Some(system) => {
            declared(input, system, first_component, &mut planned)?;
            system.name.clone()
        }
        None => {
            for (at, (_, bytes)) in input.components.iter().enumerate() {
                let stem = images[first_component + at].name.clone();
                let instance = plan(&stem, bytes, first_component + at)?;
                // A library runs in the realms of those that it serves.
                if instance.parsed.header().kind == Kind::Component {
                    planned.push(instance);
                }
            }
            "system".to_owned()
        }
    };
    connect_the_rest(&mut planned, has_console)?;
    finish(images, &planned, name)
}

/// What every system begins with: root, and the console if it is there.
fn start<'i>(input: &Input<'i>) -> Result<(Vec<ImageData>, Vec<Planned<'i>>), Error> {
    let root = input.os.iter().find(|(name, _)| *name == "root").ok_or(Error::NoRoot)?;
    let mut images = vec![ImageData { name: "root".into(), bytes: root.1.to_vec(), library: None }];
    let mut planned = Vec::new();
    let console = input.os.iter().find(|(name, _)| *name == "console");
    if let Some((name, bytes)) = console {
        let mut instance = plan(name, bytes, images.len())?;
        grant_console(&mut instance);
        images.push(ImageData { name: (*name).into(), bytes: bytes.to_vec(), library: None });
        planned.push(instance);
    }
    Ok((images, planned))
}

/// Orders the instances and numbers them.
fn finish(images: Vec<ImageData>, planned: &[Planned<'_>], name: String) -> Result<Linked, Error> {
    let priorities = priorities(planned)?;
    let mut order: Vec<usize> = (0..planned.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(priorities[*at]), *at));
    let instances = number(planned, &priorities, &order);
    let authorities = order.iter().flat_map(|at| authorities(planned, *at)).collect();
    Ok(Linked { name, images, instances, data: Vec::new(), authorities })
}

fn verify<'i>(name: &str, bytes: &'i [u8]) -> Result<Image<'i>, Error> {
    Image::verify(bytes).map_err(|error| Error::Image { name: name.to_owned(), error })
}

fn plan<'i>(name: &str, bytes: &'i [u8], image: usize) -> Result<Planned<'i>, Error> {
    let parsed = verify(name, bytes)?;
    let restart = match parsed.manifest().restart {
        Restart::Never => 0,
        Restart::OnFault => 1,
        Restart::Always => 2,
    };
    Ok(Planned {
        name: name.to_owned(),
        image,
        parsed,
        priority: parsed.manifest().schedule.priority,
        restart,
        held: false,
        attends: false,
        lacks: BTreeSet::new(),
        grants: Vec::new(),
        parameters: Vec::new(),
        calls: BTreeSet::new(),
    })
}

/// The kebab-case stem of a component's name: `KeyValue` is `key-value`.
pub fn file_stem(name: &str) -> String {
    let mut stem = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() {
            if at > 0 && !stem.ends_with('-') {
                stem.push('-');
            }
            stem.push(letter.to_ascii_lowercase());
        } else {
            stem.push(letter);
        }
    }
    stem
}

fn grant_console(instance: &mut Planned<'_>) {
    instance.priority = Some(CONSOLE_PRIORITY);
    instance.restart = 1;
    for (slot, required) in instance.parsed.manifest().required.iter().enumerate() {
        let (kind, a, b) = match required.interface {
            "PortRange" => (grant::PORTS, CONSOLE_PORTS.0, CONSOLE_PORTS.1),
            "Interrupt" => (grant::INTERRUPT, CONSOLE_LINE, 0),
            _ => continue,
        };
        instance.grants.push(GrantData {
            capability: slot as u32,
            kind,
            mask: required.methods,
            a,
            b,
            window: 0,
        });
    }
}

fn declared<'i>(
    input: &Input<'i>,
    system: &System,
    first_component: usize,
    planned: &mut Vec<Planned<'i>>,
) -> Result<(), Error> {
    let offset = planned.len();
    for instance in &system.instances {
        let Some(at) = input.components.iter().position(|(package, _)| *package == instance.package) else {
            continue;
        };
        let mut made = plan(&instance.name, &input.components[at].1, first_component + at)?;
        made.priority = instance.priority.or(made.priority);
        if let Some(restart) = &instance.restart {
            made.restart = match restart.as_str() {
                "always" => 2,
                "on-fault" => 1,
                _ => 0,
            };
        }
        let grants: Vec<GrantData> = instance.grants.iter().map(|one| granted(one, &made)).collect();
        made.grants = grants;
        for (name, value) in &instance.parameters {
            if let Some(index) = made.parsed.manifest().parameters.iter().position(|known| known.name == name)
            {
                made.parameters.push((index as u32, *value));
            }
        }
        planned.push(made);
    }
    for connection in &system.connections {
        let (client, server) = (offset + connection.client as usize, offset + connection.server as usize);
        channel(planned, client, connection.capability, server, connection.export);
    }
    Ok(())
}

fn granted(one: &Grant, instance: &Planned<'_>) -> GrantData {
    let mask = instance
        .parsed
        .manifest()
        .required
        .get(one.capability as usize)
        .map_or(0, |required| required.methods);
    let (kind, a, b) = match one.kind {
        GrantKind::Ports(first, count) => (grant::PORTS, u32::from(first), u32::from(count)),
        GrantKind::Interrupt(line) => (grant::INTERRUPT, line, 0),
        GrantKind::Memory(pages) => (grant::MEMORY, pages, 0),
        GrantKind::Clock => (grant::CLOCK, 0, 0),
        GrantKind::Notification => (grant::NOTIFICATION, 0, 0),
        GrantKind::Machine => (grant::MACHINE, 0, 0),
        GrantKind::Bundle => (grant::BUNDLE, 0, 0),
        GrantKind::Images => (grant::IMAGES, 0, 0),
        GrantKind::Realms => (grant::REALMS, 0, 0),
        GrantKind::Registers(first, _) => (grant::REGISTERS, first, 0),
        GrantKind::Pages(_) => (grant::PAGES, 0, 0),
    };
    let window = match one.kind {
        GrantKind::Registers(_, bytes) | GrantKind::Pages(bytes) => bytes,
        _ => 0,
    };
    GrantData { capability: one.capability, kind, mask, a, b, window }
}

fn channel(planned: &mut [Planned<'_>], client: usize, capability: u32, server: usize, export: u32) {
    let Some(required) = planned[client].parsed.manifest().required.get(capability as usize) else { return };
    let offered =
        planned[server].parsed.manifest().exported.get(export as usize).map_or(0, |one| one.window_bytes);
    planned[client].grants.push(GrantData {
        capability,
        kind: grant::CHANNEL,
        mask: required.methods,
        a: server as u32,
        b: export,
        window: required.window_bytes.max(offered),
    });
    planned[client].calls.insert(server);
}

/// Connects what no line of the system names: the console, and in a default system the one provider there is.
fn connect_the_rest(planned: &mut [Planned<'_>], has_console: bool) -> Result<(), Error> {
    for client in 0..planned.len() {
        let required: Vec<Required<'_>> = planned[client].parsed.manifest().required.iter().collect();
        for (slot, required) in required.iter().enumerate() {
            let slot = slot as u32;
            if planned[client].grants.iter().any(|one| one.capability == slot) {
                continue;
            }
            if required.methods == 0 || planned[client].lacks.contains(&slot) {
                continue;
            }
            let providers: Vec<(usize, u32)> = providers(planned, client, required);
            match providers.as_slice() {
                [(server, export)] => channel(planned, client, slot, *server, *export),
                [] if required.interface == "DebugConsole" && !has_console => {
                    planned[client].grants.push(GrantData {
                        capability: slot,
                        kind: grant::KERNEL_CONSOLE,
                        mask: required.methods,
                        a: 0,
                        b: 0,
                        window: required.window_bytes,
                    });
                }
                [] => {
                    return Err(Error::MissingProvider {
                        client: planned[client].name.clone(),
                        capability: required.name.to_owned(),
                        interface: required.interface.to_owned(),
                    });
                }
                several => {
                    let names: Vec<&str> =
                        several.iter().map(|(server, _)| planned[*server].name.as_str()).collect();
                    return Err(Error::SeveralProviders {
                        client: planned[client].name.clone(),
                        capability: required.name.to_owned(),
                        providers: names.join(", "),
                    });
                }
            }
        }
    }
    let mut clients: BTreeMap<usize, u32> = BTreeMap::new();
    for one in planned.iter().flat_map(|instance| &instance.grants).filter(|one| one.kind == grant::CHANNEL) {
        *clients.entry(one.a as usize).or_default() += 1;
    }
    match clients.into_iter().find(|(_, count)| *count > sci::limits::CLIENTS_MAX) {
        None => Ok(()),
        Some((server, _)) => Err(Error::TooManyClients {
            server: planned[server].name.clone(),
            limit: sci::limits::CLIENTS_MAX,
        }),
    }
}

fn providers(planned: &[Planned<'_>], client: usize, required: &Required<'_>) -> Vec<(usize, u32)> {
    let mut found = Vec::new();
    for (server, instance) in planned.iter().enumerate() {
        for (export, offered) in instance.parsed.manifest().exported.iter().enumerate() {
            if server != client && offered.hash == required.hash {
                found.push((server, export as u32));
            }
        }
    }
    // The system's console is the first instance; a component that offers one too must be connected by name.
    if required.interface == "DebugConsole" && found.first().is_some_and(|(server, _)| *server == 0) {
        found.truncate(1);
    }
    found
}

/// A priority for each instance, so that every call goes to a strictly higher one.
fn priorities(planned: &[Planned<'_>]) -> Result<Vec<u8>, Error> {
    let mut result: Vec<u8> =
        planned.iter().map(|instance| instance.priority.unwrap_or(LOWEST_PRIORITY)).collect();
    // Each round lifts servers above their clients; more rounds than instances mean a cycle.
    for round in 0..=planned.len() {
        let mut changed = false;
        for (client, instance) in planned.iter().enumerate() {
            for server in &instance.calls {
                if result[*server] > result[client] {
                    continue;
                }
                if planned[*server].priority.is_some() {
                    return Err(Error::PriorityOrder {
                        client: instance.name.clone(),
                        low: result[client],
                        server: planned[*server].name.clone(),
                        high: result[*server],
                    });
                }
                if round == planned.len() || result[client] >= CONSOLE_PRIORITY - 1 {
                    return Err(Error::CallCycle { instance: instance.name.clone() });
                }
                result[*server] = result[client] + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(result)
}

/// Instances in start order, with servers numbered by it.
fn number(planned: &[Planned<'_>], priorities: &[u8], order: &[usize]) -> Vec<InstanceData> {
    let place = |server: u32| order.iter().position(|at| *at == server as usize).unwrap_or_default() as u32;
    order
        .iter()
        .map(|at| {
            let instance = &planned[*at];
            let grants =
                instance
                    .grants
                    .iter()
                    .map(|one| {
                        if one.kind == grant::CHANNEL { GrantData { a: place(one.a), ..*one } } else { *one }
                    })
                    .collect();
            let manifest = instance.parsed.manifest();
            InstanceData {
                name: instance.name.clone(),
                image: instance.image as u32,
                priority: priorities[*at],
                restart: instance.restart,
                serves: instance.attends
                    || !manifest.exported.is_empty()
                    || manifest
                        .entries
                        .iter()
                        .any(|entry| matches!(entry.kind, sci::manifest::EntryKind::Interrupt(_))),
                held: instance.held,
                grants,
                parameters: instance.parameters.clone(),
            }
        })
        .collect()
}

fn authorities(planned: &[Planned<'_>], at: usize) -> Vec<Granted> {
    let instance = &planned[at];
    let manifest = instance.parsed.manifest();
    let required = |one: &GrantData| manifest.required.get(one.capability as usize);
    let one = |one: &GrantData| {
        let required = required(one)?;
        let source = match one.kind {
            grant::CHANNEL => {
                let server = &planned[one.a as usize];
                let export = server.parsed.manifest().exported.get(one.b as usize);
                format!("{}.{}", server.name, export.map_or("", |known| known.name))
            }
            grant::PORTS => format!("ports {:#x}, {} of them", one.a, one.b),
            grant::INTERRUPT => format!("interrupt {}", one.a),
            grant::REGISTERS => format!("registers {:#x}, {} bytes", u64::from(one.a) << 12, one.window),
            kind => grant::KIND_NAMES.get(kind as usize).copied().unwrap_or("unknown").to_owned(),
        };
        Some(Granted {
            instance: instance.name.clone(),
            component: file_stem(manifest.identity.name),
            capability: required.name.to_owned(),
            source,
        })
    };
    instance.grants.iter().filter_map(one).collect()
}
