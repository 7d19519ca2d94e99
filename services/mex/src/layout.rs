//! Which files a package has, and where.

use crate::MANIFEST;
use crate::archive::{Archive, Entry};
use crate::manifest::{Manifest, TOPOLOGY};
use crate::record;
use crate::rule::{Refusal, Rule};
use sci::guest::SpaceType;
use std::collections::{BTreeMap, BTreeSet};

/// A space's module.
pub const MODULE: &str = "core.wasm";
/// A space's own manifest.
pub const SPACE: &str = "space.yaml";
/// A user interface's page.
pub const PAGE: &str = "index.html";
/// The world's layout.
pub const WORLD: &str = "world/layout.yaml";

/// The folder of modules that recognize events.
pub const RECOGNIZERS: &str = "recognizers";

/// What a module of WebAssembly begins with: its magic and version 1.
const MODULE_BEGINS: &[u8] = b"\0asm\x01\0\0\0";

/// Files that spaces of a type have, and files that they do not have.
pub fn files_of(kind: SpaceType) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        SpaceType::Ui => (&[PAGE], &[MODULE]),
        SpaceType::Io | SpaceType::Data | SpaceType::Chat | SpaceType::Call => (&[MODULE, SPACE], &[PAGE]),
    }
}

fn is_in(folder: &str, name: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Folder and file of a name in `spaces`.
fn in_space(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("spaces/")?.split_once('/')
}

/// The module that recognizes events which a file of a package is: its name.
pub fn recognizer(file: &str) -> Option<&str> {
    file.strip_prefix(RECOGNIZERS)?.strip_prefix('/')?.strip_suffix(".wasm")
}

/// Checks what holds whatever the types of spaces.
pub fn check(archive: &Archive<'_>, manifest: &Manifest, refusals: &mut Vec<Refusal>) {
    let listed: BTreeSet<&str> = manifest.spaces.iter().map(String::as_str).collect();
    let mut found = BTreeSet::new();
    for entry in archive.entries() {
        let name = entry.name();
        let mut refuse = |rule: Rule, detail: String| refusals.push(rule.in_file(name, None, detail));
        if let Some((space, _)) = in_space(name) {
            if !listed.contains(space) && found.insert(space) {
                refuse(Rule::LayoutUnlisted, format!("the manifest lists no space `{space}`"));
            }
            found.insert(space);
        } else if name.starts_with("world/") {
            if name != WORLD {
                refuse(Rule::LayoutWorld, "it is another file".to_owned());
            }
        } else if ![MANIFEST, TOPOLOGY].contains(&name) && !is_in(RECOGNIZERS, name) {
            refuse(Rule::LayoutPlace, "it is in none of these places".to_owned());
        }
        check_content(entry, &mut refuse);
    }
    if archive.entry(TOPOLOGY).is_none() {
        refusals.push(Rule::LayoutTopology.in_file(TOPOLOGY, None, "it is missing"));
    }
    for space in listed.difference(&found) {
        let folder = format!("spaces/{space}");
        refusals.push(Rule::LayoutAbsent.in_file(&folder, None, "there are no files"));
    }
}

/// What a file must not be, whatever it is called, and what a module must be.
fn check_content(entry: &Entry<'_>, refuse: &mut impl FnMut(Rule, String)) {
    let is_module = in_space(entry.name()).is_some_and(|(_, file)| file == MODULE);
    if [record::LOCAL, record::END].iter().any(|magic| entry.begins_with(magic)) {
        refuse(Rule::LayoutNested, "it begins as one".to_owned());
    } else if is_module && !entry.begins_with(MODULE_BEGINS) {
        refuse(Rule::LayoutModule, "it does not begin as one".to_owned());
    }
}

/// Checks the spaces of a topology against the manifest's, and each one's files against its type.
pub fn check_types(archive: &Archive<'_>, manifest: &Manifest, types: &[(&str, SpaceType)]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let types: BTreeMap<&str, SpaceType> = types.iter().copied().collect();
    let listed: BTreeSet<&str> = manifest.spaces.iter().map(String::as_str).collect();
    for space in types.keys().filter(|space| !listed.contains(*space)) {
        let detail = format!("the topology has a space `{space}`, the manifest has none");
        refusals.push(Rule::LayoutTypes.in_file(MANIFEST, None, detail));
    }
    for space in listed {
        let Some(kind) = types.get(space) else {
            let detail = format!("the manifest has a space `{space}`, the topology has none");
            refusals.push(Rule::LayoutTypes.in_file(TOPOLOGY, None, detail));
            continue;
        };
        let (required, forbidden) = files_of(*kind);
        let mut judge = |files: &[&str], rule: Rule, wanted: bool, says: &str| {
            for path in files.iter().map(|file| format!("spaces/{space}/{file}")) {
                if archive.entry(&path).is_some() != wanted {
                    let detail = format!("`{space}` is of type {}, which {says} it", kind.name());
                    refusals.push(rule.in_file(&path, None, detail));
                }
            }
        };
        judge(required, Rule::LayoutRequired, true, "requires");
        judge(forbidden, Rule::LayoutForbidden, false, "forbids");
    }
    refusals
}
