//! An application as a package: its topology, and the files of each space, from the package's own layout, from a
//! package with the space alone (`mex:`), or from a folder (`build:`). No guest is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sci::guest::SpaceType;
use services_mex::layout::{MODULE, PAGE, RECOGNIZERS, SPACE, WORLD};
use services_mex::limits::{ARCHIVE_BYTES_MAX, FILE_BYTES_MAX};
use services_mex::{Cause, Contents, MANIFEST, Moment, Package, Refusal, Rule, TOPOLOGY, write_package};
use services_topology::check::{Application, Mode, SpaceFacts, check, check_alone};
use services_topology::name::Name;
use services_topology::place::{Located, Place};
use services_topology::topology::{Source, Space, Topology};
use services_topology::violation::Violation;
use services_topology::{read, rules, write};

use super::folder::{Files, Folder};
use super::judge::{self, Judged};
use super::{module, refused, violated};
use crate::report::{Exit, Failure};

/// A folder whose files all belong to the package.
const ASSETS: &str = "assets";
/// What a manifest says that nobody wrote. A clock would make each package another one: its files are of 1980, too.
const VERSION: &str = "0.1.0";
const PUBLISHER: &str = "unknown";
const CREATED: Moment = Moment(315_532_800);

/// A package that was made.
pub struct Packed {
    /// It, sealed and not signed.
    pub bytes: Vec<u8>,
    /// The packages that it was made of.
    pub packages: Vec<PathBuf>,
}

/// Packs a folder with a `topology.yaml`, or a topology by its file, and holds the package against every rule but
/// trust. The same files give the same bytes. What is wrong is reported at its place in the sources.
pub fn pack(path: &Path) -> Result<Packed, Failure> {
    let (folder, file) = topology_of(path)?;
    let text = folder.read(&file, FILE_BYTES_MAX)?;
    let mut topology = read::topology(&text, &file).map_err(|wrong| violated(folder.root(), wrong))?;
    // Before files are looked for that a wrong topology asks for.
    let violations = check_alone(&topology);
    if !violations.is_empty() {
        return Err(violated(folder.root(), violations));
    }
    if topology.spaces.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "no-package",
            "the topology has no spaces: there is nothing to run",
        )
        .at(super::place(folder.root(), &file))
        .help("write one under `spaces:`; `docs/first-application.md` begins with one"));
    }
    let is_loose = topology.spaces.iter().any(|space| space.source.is_some());
    let mut files = Files::default();
    folder.take(WORLD, WORLD.to_owned(), &mut files)?;
    folder.take_all(RECOGNIZERS, RECOGNIZERS, &mut files)?;
    let mut packing = Packing { folder: &folder, files, facts: BTreeMap::new(), packages: Vec::new() };
    for space in &mut topology.spaces {
        packing.space(space)?;
    }
    let Packing { mut files, facts, packages, .. } = packing;
    let text = if is_loose { write::topology(&topology).into_bytes() } else { text };
    files.put(TOPOLOGY.to_owned(), text)?;
    let world = files.get(WORLD).map(|text| read::world(text, WORLD));
    let world = world.transpose().map_err(|wrong| violated(folder.root(), wrong))?;
    let application = Application { topology: &topology, world: world.as_ref(), spaces: &facts };
    let violations = check(application, Mode { packaged: true, strict: false });
    if !violations.is_empty() {
        return Err(violated(folder.root(), violations));
    }
    let bytes = write_package(&manifest(&folder, &file, &topology)?, &files.each(), None)
        .map_err(|refusals| refused(folder.root(), refusals.into_iter().map(of_sources).collect()))?;
    let mut judged = judge::read(folder.root(), &bytes)?;
    judged.contents = Contents { topology, world, spaces: facts };
    judge::semantic(folder.root(), judged, false)?;
    Ok(Packed { bytes, packages })
}

/// What is refused of a package, where it is wrong in the sources: a folder in it is there for a space of the topology.
fn of_sources(mut refusal: Refusal) -> Refusal {
    if let Cause::Rule(Rule::LayoutUnlisted, _) = refusal.cause {
        refusal.place = services_mex::Place::File { name: MANIFEST.to_owned(), place: None };
    }
    refusal
}

/// The folder of an application, and the name of the topology in it.
fn topology_of(path: &Path) -> Result<(Folder, String), Failure> {
    let none = |message: String| {
        Failure::new(Exit::Usage, "no-package", message)
            .help("name a folder with a `topology.yaml`, or a topology: see `docs/mex.md`")
    };
    if path.is_dir() {
        let folder = Folder::new(path);
        return if folder.has_file(TOPOLOGY) {
            Ok((folder, TOPOLOGY.to_owned()))
        } else {
            Err(none(format!("there is no {}", path.join(TOPOLOGY).display())))
        };
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(name), true) = (name, path.is_file()) else {
        return Err(none(format!("there is no folder and no file {}", path.display())));
    };
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    Ok((Folder::new(above.unwrap_or(Path::new("."))), name.to_owned()))
}

/// The text of the manifest: the one beside the topology, or what the topology says.
fn manifest(folder: &Folder, file: &str, topology: &Topology) -> Result<String, Failure> {
    if file == TOPOLOGY && folder.has_file(MANIFEST) {
        return String::from_utf8(folder.read(MANIFEST, FILE_BYTES_MAX)?).map_err(|_| {
            Failure::new(Exit::Image, "not-utf8", "the manifest is not UTF-8").at(folder
                .root()
                .join(MANIFEST)
                .display()
                .to_string())
        });
    }
    let owner = topology.owner.as_deref().and_then(Name::new);
    let publisher = owner.as_ref().map_or(PUBLISHER, Name::as_str);
    // Names are quoted: some are no text to YAML otherwise.
    let mut text = format!(
        "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: \"{}\"\n  version: {VERSION}\n  \
         publisher: \"{publisher}\"\n  created: {CREATED}\nspec:\n  topology: {TOPOLOGY}\n  spaces:\n",
        topology.name.value,
    );
    for space in &topology.spaces {
        text += &format!("    - \"{}\"\n", space.name.value);
    }
    Ok(text)
}

/// A package in the making.
struct Packing<'f> {
    folder: &'f Folder,
    files: Files,
    /// What the spaces say of themselves.
    facts: BTreeMap<Name, SpaceFacts>,
    packages: Vec<PathBuf>,
}

impl Packing<'_> {
    /// Takes a space's files, and makes of it what it is inside a package.
    fn space(&mut self, space: &mut Space) -> Result<(), Failure> {
        match space.source.take() {
            None => self.of_layout(space),
            Some(Located { value: Source::Folder(folder), place }) => self.of_folder(space, &folder, &place),
            Some(Located { value: Source::Package(file), place }) => self.of_package(space, &file, &place),
        }
    }

    fn wrong(&self, place: &Place, id: &'static str, space: &Space, message: &str) -> Failure {
        Failure::new(Exit::Usage, id, format!("space `{}`: {message}", space.name.value))
            .at(super::place(self.folder.root(), &place.to_string()))
    }

    /// What lies where the package has it.
    fn of_layout(&mut self, space: &Space) -> Result<(), Failure> {
        let to = format!("spaces/{}", space.name.value);
        if !self.folder.has_folder(&to) {
            let message = format!("it has neither `mex:` nor `build:`, and there is no folder `{to}`");
            return Err(self
                .wrong(space.place(), "space-source", space, &message)
                .help("write `build:` and the folder with its source, or `mex:` and its package"));
        }
        self.folder.take(&format!("{to}/{MODULE}"), format!("{to}/{MODULE}"), &mut self.files)?;
        self.texts(space, &to)
    }

    /// A folder with a source or a page.
    fn of_folder(&mut self, space: &Space, named: &str, place: &Place) -> Result<(), Failure> {
        let below = named.trim_end_matches('/');
        if !self.folder.has_folder(below) {
            return Err(self
                .wrong(place, "space-source", space, &format!("there is no folder `{named}`"))
                .help("make it with `space new space <name> --lang c`, or correct `build:`"));
        }
        if self.folder.has_file(&format!("{below}/{TOPOLOGY}")) {
            return Err(self
                .wrong(place, "space-source", space, &format!("the folder `{named}` has a topology of its own"))
                .help("put the space's source into a folder of its own; of a whole application, name the package with `mex:`"));
        }
        let inner = Folder::new(self.folder.path(below)?);
        let (name, kind) = (&space.name.value, space.kind.name());
        let lacks = |file: &str, remedy: String| {
            let message = format!("there is no `{below}/{file}`");
            Err(self.wrong(place, "space-source", space, &message).help(remedy))
        };
        if space.kind == SpaceType::Ui {
            if !inner.has_file(PAGE) {
                return lacks(
                    PAGE,
                    "write the page there; what it shows and loads is put into `assets`".into(),
                );
            }
        } else {
            if !inner.has_file(SPACE) {
                let remedy = format!(
                    "write `apiVersion: samoza/v1`, `kind: Space`, `metadata: {{name: {name}}}`, `type: {kind}` and \
                     the section of its type into it: see `docs/topology.md`"
                );
                return lacks(SPACE, remedy);
            }
            let module = module::read(&inner, name.as_str())?;
            self.files.put(format!("spaces/{name}/{MODULE}"), module)?;
        }
        self.texts(space, below)
    }

    /// What has the same name in the package as in the folder it is taken from.
    fn texts(&mut self, space: &Space, below: &str) -> Result<(), Failure> {
        let (name, folder) = (&space.name.value, self.folder);
        let to = format!("spaces/{name}");
        for file in [PAGE, SPACE] {
            folder.take(&format!("{below}/{file}"), format!("{to}/{file}"), &mut self.files)?;
        }
        folder.take_all(&format!("{below}/{ASSETS}"), &format!("{to}/{ASSETS}"), &mut self.files)?;
        self.says(name, &format!("{below}/{SPACE}"))
    }

    /// Reads what a space says of itself; `file` is what reports call it.
    fn says(&mut self, name: &Name, file: &str) -> Result<(), Failure> {
        let text = self.files.get(&format!("spaces/{name}/{SPACE}"));
        let manifest = text.map(|text| read::space(text, file)).transpose();
        let manifest = manifest.map_err(|wrong| violated(self.folder.root(), wrong))?;
        self.facts.insert(name.clone(), SpaceFacts { manifest, ..SpaceFacts::default() });
        Ok(())
    }

    /// A package with the space alone.
    fn of_package(&mut self, space: &mut Space, named: &str, place: &Place) -> Result<(), Failure> {
        if !self.folder.has_file(named) {
            return Err(self
                .wrong(place, "space-source", space, &format!("there is no package `{named}`"))
                .help("build it with `space mex build`, or correct `mex:`"));
        }
        let bytes = self.folder.read(named, ARCHIVE_BYTES_MAX)?;
        let path = self.folder.path(named)?;
        let Judged { package, contents, .. } = judge::read(&path, &bytes)?;
        let violations = contents.check(&BTreeMap::new(), false);
        if !violations.is_empty() {
            return Err(violated(&path, violations));
        }
        let topology = &contents.topology;
        let [inner] = &topology.spaces[..] else {
            let names: Vec<&str> = topology.spaces.iter().map(|inner| inner.name.value.as_str()).collect();
            let message = format!("`{named}` has {} spaces: {}", names.len(), names.join(", "));
            return Err(self
                .wrong(place, "space-package", space, &message)
                .help("name a package with this space alone"));
        };
        if !topology.agents.is_empty() || contents.world.is_some() {
            let message = format!("`{named}` has agents or a world, and only its space would be taken");
            return Err(self
                .wrong(place, "space-package", space, &message)
                .help("state them in this topology, and build the package without them"));
        }
        let differs = |of: &str, theirs: &str, own: &str| {
            let message = format!("the {of} is `{own}` here and `{theirs}` in `{named}`");
            let violation = Violation::new(rules::SPACE_DIFFERS, place, message).of(&space.name.value);
            Err(violated(self.folder.root(), vec![violation]))
        };
        if inner.name.value != space.name.value {
            return differs("name", inner.name.value.as_str(), space.name.value.as_str());
        }
        if inner.kind != space.kind {
            return differs("type", inner.kind.name(), space.kind.name());
        }
        if space.capabilities.is_none() {
            space.capabilities.clone_from(&inner.capabilities);
        }
        self.take_package(&package, (space, named, place))?;
        self.packages.push(path);
        self.says(&space.name.value, &format!("{named}: spaces/{}/{SPACE}", space.name.value))
    }

    /// Takes all files of a package that are a space's.
    fn take_package(
        &mut self,
        package: &Package<'_>,
        (space, named, place): (&Space, &str, &Place),
    ) -> Result<(), Failure> {
        for entry in package.archive().entries() {
            let (name, content) = (entry.name(), entry.content());
            if name == MANIFEST || name == TOPOLOGY {
                continue;
            }
            if self.files.put(name.to_owned(), content.to_vec())? {
                let message = format!("`{name}` in `{named}` is another file than the one taken before");
                return Err(self
                    .wrong(place, "space-package", space, &message)
                    .help("give the two files names of their own"));
            }
        }
        Ok(())
    }
}
