//! Applications on the nanokernel: verified here, placed, connected and watched there.

use std::borrow::Cow;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use boot::{Ending, FaultLine};
use compiler_driver::guest::{self as driver, Application as System, GuestSystem};
use compiler_driver::keys::Key;
use sci::bundle::Bundle;
use sci::guest::GuestCapability;
use sci::layout::PAGE;
use sci::status::Fault;
use services_store_component::{Configuration as StoreConfiguration, Seat as StoreSeat};
use services_topology::agent::AgentBody;
use services_topology::graph::Node;
use services_zdesk::{Desk, Source};
use services_zhost::application::MEMORY_BYTES;
use services_zhost::host::read_devices;
use services_zhost::machine::{Machine, Requests};
use services_zhost::{Application, Content, Problem};
use services_zmesh_component::{
    Agents, Configuration as Mesh, Devices, END, FUNCTION_MILLISECONDS, Package as Modules, Seat as MeshSeat,
    Sensor,
};
use services_zrms::place::{Feature, FeatureKind, Host, Resources};
use services_zrms_component::{Configuration as ControlConfiguration, Seat};
use services_zrun::Grants;
use services_zrun::launch::{Launch, Texts};

use crate::arguments::BootArguments;
use crate::commands::agents::tell;
use crate::commands::apps::{self, Packages, parent, up};
use crate::commands::boot::disk::{self, Disk};
use crate::commands::boot::guest;
use crate::commands::mex::judge;
use crate::commands::system;
use crate::print;
use crate::report::{Exit, Failure, say};
use crate::session;

/// The machine, as control knows it.
const HOST: &str = "nanokernel";
/// Bytes of memory that spaces may reserve there.
const MEMORY_OF_SPACES: u64 = 896 << 20;
/// The component that decides there.
const CONTROL: &str = "Zrms";
/// How long a space may take there for a function.
const FUNCTION_TIME: Duration = Duration::from_millis(FUNCTION_MILLISECONDS);
/// Thousandths of its CPU.
const CPU: u32 = 1000;
/// Spaces that a machine runs: each has a channel to the console.
const SPACES_MAX: usize = 60;
/// The most that one space's memory grows to.
const GROWTH_BYTES_MAX: u64 = 512 << 20;

/// Whether a path names an application: a package, a topology, or its folder.
pub fn is_one(path: &Path) -> bool {
    up::is_package(path)
        || path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
        || path.join("topology.yaml").is_file()
}

/// An application that is ready to boot.
pub struct Loaded {
    /// What is known of it.
    pub application: Application,
    /// Its boot module.
    pub module: Vec<u8>,
    /// The disk that its machine has.
    pub disk: Option<Disk>,
    /// Who makes what its spaces ask of services and models.
    pub requests: Requests,
}

/// Makes an application ready.
pub fn load(arguments: &BootArguments) -> Result<Loaded, Failure> {
    let what = &arguments.what;
    let package = up::package(what)?;
    let application = Packages::open()?.application(what, &package)?;
    let modules = judge::modules(what, &package)?;
    let key = session::key()?;
    let stores = seats(&application).iter().any(StoreSeat::stores) || has_models(&application);
    let disk = disk::open(arguments, application.name(), stores)?;
    let requests = Requests::new(&application, &parent::home()?, Box::new(tell));
    let requests = requests.map_err(|error| apps::failure(&Problem::new("agents", error)))?;
    let module = bundle(&application, modules, &key, disk.is_some(), &requests);
    let module = module.map_err(|failure| failure.at(what.display().to_string()))?;
    Ok(Loaded { application, module, disk, requests })
}

/// An application that is watched while it runs: the desk shows it.
pub struct Watched {
    machine: Arc<Machine>,
    _desk: Desk,
}

impl Watched {
    /// Serves the desk, and says where; the machine's line is to come over the channel.
    pub fn begin(
        application: Application,
        requests: Requests,
        port: Option<u16>,
    ) -> Result<(Self, Sender<UnixStream>), Failure> {
        let (line, comes) = mpsc::channel();
        let machine = Machine::new(application, requests, comes);
        let source: Arc<dyn Source> = Arc::<Machine>::clone(&machine);
        let desk = parent::serve_desk(port, source)?;
        let url = desk.url().map_err(|error| parent::no_desk(&error))?;
        print::text(&format!("desk: {url}\n"))?;
        Ok((Self { machine, _desk: desk }, line))
    }

    /// Takes what the console printed.
    pub fn said(&self, bytes: &[u8]) {
        self.machine.said(bytes);
    }
}

/// A guest's space, with what it is told.
struct Guest<'a> {
    node: &'a Node,
    image: Cow<'a, [u8]>,
    host: Vec<(&'static str, u64)>,
    words: Vec<u64>,
    memory_pages: u32,
}

/// The spaces with hosts, in the order of these, as the store knows them.
fn seats(application: &Application) -> Vec<StoreSeat> {
    let has_host = |node: &&Node| {
        application.contents.get(node.name.as_str()).is_some_and(|content| content.image.is_some())
    };
    let seat = |node: &Node| StoreSeat { name: node.name.to_string(), grants: node.grant.mask() };
    application.graph.spaces.iter().filter(has_host).map(seat).collect()
}

/// Whether it has models, whose budgets are to outlive the machine.
fn has_models(application: &Application) -> bool {
    let is_model = |body: &AgentBody<_>| matches!(body, AgentBody::Model(_));
    application.graph.agents.values().any(is_model)
        || application.contents.values().any(|content| content.own.model.is_some())
}

fn bundle(
    application: &Application,
    modules: Modules,
    key: &Key,
    has_disk: bool,
    requests: &Requests,
) -> Result<Vec<u8>, Failure> {
    let epoch = guest::epoch();
    let mut guests = Vec::new();
    for node in &application.graph.spaces {
        let content = application.contents.get(node.name.as_str());
        if let Some(image) = content.and_then(|content| content.image.as_ref()) {
            let image = image.bytes().map_err(|error| Failure::new(Exit::Io, "io", error.to_string()))?;
            guests.push(space(node, image, epoch)?);
        }
    }
    if guests.is_empty() {
        return Err(Failure::new(Exit::Refused, "no-guests", "no space of the application has a module")
            .help("a user interface alone has nothing to boot: `space up` shows it"));
    }
    if guests.len() > SPACES_MAX {
        let message = format!("{} spaces have modules; one machine runs at most {SPACES_MAX}", guests.len());
        return Err(
            Failure::new(Exit::Refused, "too-many-spaces", message).help("`space up` runs them on this host")
        );
    }
    let systems: Vec<GuestSystem<'_>> = guests
        .iter()
        .map(|guest| GuestSystem {
            name: guest.node.name.as_str(),
            image: &guest.image,
            host: &guest.host,
            words: &guest.words,
            memory_pages: guest.memory_pages,
            devices: None,
            agents: None,
        })
        .collect();
    let verdict = application.verdict.to_bytes().map_err(|error| {
        Failure::new(Exit::System, "io", format!("the package's verdict cannot be written: {error}"))
    })?;
    let names = || application.graph.spaces.iter().map(|node| node.name.to_string());
    let number = |name: &str| guests.iter().position(|guest| guest.node.name.as_str() == name);
    let control = ControlConfiguration {
        topology: application.name().to_owned(),
        package: application.package,
        verdict,
        keys: vec![key.public().bytes],
        spaces: application.specs(),
        seats: names().map(|name| Seat { guest: number(&name).map(|at| at as u32), name }).collect(),
        host: host(),
    };
    let mut devices = devices(application)?;
    devices.all.modules = modules;
    let mesh_seat = |node: &Node| MeshSeat {
        name: node.name.to_string(),
        grants: node.grant.mask(),
        is_interface: number(node.name.as_str()).is_none(),
        devices: application
            .contents
            .get(node.name.as_str())
            .map(|content| content.devices.iter().filter(|id| devices.is_for(content, id)).cloned().collect())
            .unwrap_or_default(),
    };
    let mesh = Mesh {
        topology: application.name().to_owned(),
        declaration: application.declaration_with_calls(1, END, FUNCTION_TIME),
        seats: application.graph.spaces.iter().map(mesh_seat).collect(),
        devices: devices.all,
        agents: agents(application, requests),
        runs: false,
    };
    let store =
        has_disk.then(|| StoreConfiguration { seats: seats(application), book: END.to_owned() }.to_bytes());
    let system = System {
        name: application.name(),
        guests: &systems,
        control: &control.to_bytes(),
        mesh: &mesh.to_bytes(),
        store: store.as_deref(),
        epoch,
    };
    let signed = driver::application(&system, boot::OS, key)?;
    Ok(compiler_driver::images::boot_module(&signed, &[key.public()]))
}

/// What spaces may invoke there.
fn agents(application: &Application, requests: &Requests) -> Agents {
    let graph = &application.graph;
    let own = |(at, node): (usize, &Node)| {
        let content = application.contents.get(node.name.as_str())?;
        Some((at as u32, content.own.clone()))
    };
    Agents {
        agents: graph.agents.iter().map(|(name, body)| (name.to_string(), body.clone())).collect(),
        secrets: requests.secrets().map(str::to_owned).collect(),
        own: graph.spaces.iter().enumerate().filter_map(own).collect(),
    }
}

/// What is simulated there: what the operator describes so, and what the application says of the rest.
struct Simulated {
    all: Devices,
    /// Ids of those that the application brings.
    brought: Vec<String>,
}

impl Simulated {
    /// Whether a space has a device: of what is simulated for an application only what it knows to be.
    fn is_for(&self, content: &Content, id: &String) -> bool {
        content.stand_ins.iter().any(|one| one.id == *id) || !self.brought.contains(id)
    }
}

fn devices(application: &Application) -> Result<Simulated, Failure> {
    let described = read_devices(&parent::home()?).map_err(|problem| apps::failure(&problem))?;
    let simulation = described.simulation().map_err(|error| Problem::new("devices", error.to_string()));
    let mut all = simulation.map_err(|problem| apps::failure(&problem))?;
    let mut brought = Vec::new();
    for one in application.contents.values().flat_map(|content| &content.stand_ins) {
        let is_there =
            all.actuators.contains(&one.id) || all.sensors.iter().any(|sensor| sensor.id == one.id);
        if is_there {
            continue;
        }
        brought.push(one.id.clone());
        match &one.wave {
            Some(wave) => {
                all.sensors.push(Sensor { id: one.id.clone(), kind: one.kind.clone(), wave: wave.clone() });
            }
            None => all.actuators.push(one.id.clone()),
        }
    }
    Ok(Simulated { all, brought })
}

/// What a guest and its host are told.
fn space<'a>(node: &'a Node, image: Cow<'a, [u8]>, epoch: u64) -> Result<Guest<'a>, Failure> {
    let name = node.name.as_str();
    let grants = Grants::of(node.grant.mask());
    let mut host = guest::host(grants, epoch)?;
    host.push(("together", 1));
    host.extend(guest::name(name));
    let texts = Texts { name: name.to_owned(), arguments: Vec::new(), environment: Vec::new() };
    let words = guest::words(&Launch { grants, fuel: None, texts })?;
    let memory = node.placement.resources.memory_bytes.unwrap_or(MEMORY_BYTES).min(GROWTH_BYTES_MAX);
    Ok(Guest { node, image, host, words, memory_pages: (memory / PAGE) as u32 })
}

/// Judges how an application's run ended. That its guests ended was said by the component that watches them; which trap it
/// was, and where, is in tables that only this side has.
pub fn conclude(ending: Ending, mut faults: Vec<FaultLine>, module: &[u8]) -> Result<(), Failure> {
    let mut told = Vec::new();
    if let Ok(bundle) = Bundle::read(module) {
        faults.retain(|line| match guest::end(line, &bundle) {
            Some(end) => {
                told.push(format!("{}: {}\n", bundle.instance_name(line.instance), end.message()));
                false
            }
            None => true,
        });
    }
    for line in told {
        say(&line);
    }
    let is_over = |line: &FaultLine| line.fault == Fault::Exit && line.realm == CONTROL && line.detail == 1;
    if faults.last().is_some_and(is_over) {
        return Err(Failure::new(Exit::Fault, "space-failed", "nothing runs any more, and a space failed")
            .help("the lines of `zrms` above say which and why"));
    }
    system::conclude(ending, faults, module)
}

/// What the machine offers.
fn host() -> Host {
    let capabilities = GuestCapability::ALL.iter();
    Host {
        name: HOST.to_owned(),
        region: HOST.to_owned(),
        location: None,
        offers: capabilities.map(|one| Feature::new(FeatureKind::Capability, one.name())).collect(),
        capacity: Resources { memory: MEMORY_OF_SPACES, cpu: CPU, messages: u32::MAX },
        draining: false,
    }
}
