//! `space mex`: packages.

mod folder;
pub mod judge;
mod module;
pub mod new;
pub mod pack;

use std::path::Path;

use compiler_driver::files::{self, hex};
use compiler_driver::keys::Store;
use sci::guest::GuestCapability;
use serde_json::{Value, json};
use services_mex::limits::ARCHIVE_BYTES_MAX;
use services_mex::{Package, Refusal, sign_package};
use services_topology::violation::Violation;

use crate::arguments::{MexBuildArguments, MexVerifyArguments};
use crate::print;
use crate::report::{Exit, Failure};
use crate::session;
use judge::Judged;
use pack::Packed;

/// Packs an application, holds the package against every rule but trust, and signs it.
pub fn build(arguments: &MexBuildArguments) -> Result<(), Failure> {
    let path = &arguments.path;
    let Packed { bytes, packages } = pack::pack(path)?;
    let package = parsed(path, &bytes)?;
    let name = format!("{}.mex", package.manifest().name);
    let output = arguments.output.clone().unwrap_or_else(|| name.into());
    if packages.iter().any(|package| files::same(package, &output)) {
        return Err(Failure::new(
            Exit::Usage,
            "package-of-itself",
            "the package is one of those it is made of",
        )
        .at(output.display().to_string())
        .help("write it elsewhere with `-o`"));
    }
    let key = match &arguments.key {
        _ if arguments.unsigned => None,
        Some(name) => Some(Store::open()?.load(name)?),
        None => Some(session::key()?),
    };
    let signed = key.as_ref().map(|key| sign_package(&package, key.seed())).transpose();
    let bytes = signed.map_err(|refusals| refused(path, refusals))?.unwrap_or_else(|| bytes.clone());
    files::replace(&output, &bytes)?;
    let signed = key.map_or("unsigned".to_owned(), |key| format!("signed by {}", key.name));
    print::text(&format!("{}  {} bytes, {signed}\n", output.display(), bytes.len()))
}

/// Holds a package against every rule, and judges whether it is trusted.
pub fn verify(arguments: &MexVerifyArguments) -> Result<(), Failure> {
    let bytes = read(&arguments.file)?;
    let judged = judge::judge(&arguments.file, &bytes, arguments.strict)?;
    let name = arguments.file.display();
    print::text(&format!("{name}: structural and semantic level hold: {}\n", judged.summary()))?;
    let standing = judge::trust(&judged, &arguments.file, arguments.trust.as_deref())?;
    print::text(&format!("{name}: {}\n", standing.standing))
}

/// Prints what a package says of itself.
pub fn inspect(file: &Path, as_json: bool) -> Result<(), Failure> {
    let bytes = read(file)?;
    let Judged { package, contents, graph, .. } = judge::read(file, &bytes)?;
    let manifest = package.manifest();
    let files = package.archive().entries().iter();
    let spaces = graph.spaces.iter().map(|space| {
        json!({
            "name": space.name.as_str(),
            "type": space.kind.name(),
            "capabilities": space.grant.iter().map(GuestCapability::name).collect::<Vec<_>>(),
        })
    });
    let paths = contents.topology.paths.iter().map(
        |path| json!({"from": path.from.value.as_str(), "to": path.to.value.as_str(), "name": path.name.value.as_str()}),
    );
    let value = json!({
        "format": "mex",
        "name": manifest.name,
        "version": manifest.version.to_string(),
        "publisher": manifest.publisher,
        "created": manifest.created.to_string(),
        "sealed": package.is_sealed(),
        "key": package.key().map(|key| hex(key)),
        "topology": contents.topology.name.value.as_str(),
        "graph": hex(&graph.hash()),
        "spaces": spaces.collect::<Vec<_>>(),
        "paths": paths.collect::<Vec<_>>(),
        "files": files.map(|entry| json!({
            "name": entry.name(),
            "bytes": entry.size(),
            "sha256": hex(entry.sha256()),
        })).collect::<Vec<_>>(),
    });
    if as_json {
        return print::json(&value);
    }
    let signer = package.key().map_or("nobody".to_owned(), |key| hex(key));
    let rows = [
        ("package", format!("{} {}", manifest.name, manifest.version)),
        ("publisher", manifest.publisher.clone()),
        ("created", manifest.created.to_string()),
        ("signed by", signer),
        ("graph", hex(&graph.hash())),
        (
            "spaces",
            list(&value["spaces"], |it| format!("{} {}{}", text(&it["name"]), text(&it["type"]), held(it))),
        ),
        (
            "paths",
            list(&value["paths"], |it| {
                format!("{} -> {}: {}", text(&it["from"]), text(&it["to"]), text(&it["name"]))
            }),
        ),
        ("files", list(&value["files"], |it| format!("{}  {} bytes", text(&it["name"]), it["bytes"]))),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    print::text(&print::table(&rows))
}

/// What a space is granted.
fn held(space: &Value) -> String {
    let names: Vec<&str> =
        space["capabilities"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

/// Signs a sealed package in place of any signature it has.
pub fn sign(file: &Path, key: &str, output: Option<&Path>) -> Result<(), Failure> {
    let key = Store::open()?.load(key)?;
    let bytes = read(file)?;
    let Judged { package, .. } = judge::read(file, &bytes)?;
    let signed = sign_package(&package, key.seed()).map_err(|refusals| refused(file, refusals))?;
    let output = output.unwrap_or(file);
    files::replace(output, &signed)?;
    print::text(&format!("{}: signed by {} {}\n", output.display(), key.name, key.public().short()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(values: &Value, line: impl Fn(&Value) -> String) -> String {
    let lines = values.as_array().into_iter().flatten().map(line);
    lines.collect::<Vec<_>>().join("\n")
}

/// The bytes of a package.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    files::read(file, ARCHIVE_BYTES_MAX).map_err(|error| match error {
        compiler_driver::Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::new(Exit::Usage, "no-file", format!("there is no file {}", file.display()))
        }
        other => other.into(),
    })
}

/// Prints all but the last failure, which is the command's.
fn several(failures: impl IntoIterator<Item = Failure>) -> Failure {
    let mut failures: Vec<Failure> = failures.into_iter().collect();
    let last = failures.pop();
    failures.iter().for_each(Failure::print);
    last.unwrap_or_else(|| Failure::new(Exit::Image, "package-refused", "the package is refused"))
}

/// What is refused of a package, by every rule that it breaks.
pub fn refused(file: &Path, refusals: Vec<Refusal>) -> Failure {
    several(refusals.into_iter().map(|refusal| of_refusal(Exit::Image, file, &refusal)))
}

/// Where something is: in a file of a folder, as editors open it; in a package, whose name comes first.
fn place(file: &Path, place: &str) -> String {
    let named = Path::new(place.split(':').next().unwrap_or_default());
    let folder = if file.file_name().is_some_and(|name| name == named) { file.parent() } else { Some(file) };
    match folder.filter(|folder| folder.join(named).is_file()) {
        Some(folder) => folder.strip_prefix(".").unwrap_or(folder).join(place).display().to_string(),
        None => format!("{}: {place}", file.display()),
    }
}

fn of_refusal(exit: Exit, file: &Path, refusal: &Refusal) -> Failure {
    Failure::new(exit, refusal.id(), refusal.detail())
        .at(place(file, &refusal.place.to_string()))
        .help(refusal.remedy())
}

/// What is refused of a text, by every rule that it breaks.
pub fn violated(file: &Path, violations: Vec<Violation>) -> Failure {
    several(violations.into_iter().map(|violation| {
        let about = violation.space.map(|space| format!("space `{space}`: ")).unwrap_or_default();
        Failure::new(Exit::Image, violation.rule.id, format!("{about}{}", violation.message))
            .at(place(file, &violation.place.to_string()))
            .help(violation.remedy)
    }))
}

/// What is read of a package whose texts are right.
fn parsed<'p>(file: &Path, bytes: &'p [u8]) -> Result<Package<'p>, Failure> {
    Package::read(bytes).map_err(|refusals| refused(file, refusals))
}
