//! `space inspect`: everything that an image or bundle says of itself. It proves nothing: see `space verify`.

use std::path::Path;

use compiler_driver::files::hex;
use compiler_driver::images;
use sci::bundle::{Bundle, grant, instance};
use sci::guest::Resolved;
use sci::header::Kind;
use sci::image::Image;
use sci::manifest::{Checkpoint, Class, Determinism, EntryKind, Import, Restart, Tag};
use sci::section::SectionKind;
use sci::sign::Envelope;
use sci::vocabulary;
use serde_json::{Map, Value, json};

use crate::commands::verify;
use crate::print;
use crate::report::Failure;

/// Prints a file's content.
pub fn run(file: &Path, as_json: bool) -> Result<(), Failure> {
    let bytes = verify::read(file)?;
    let value = if images::is_bundle(&bytes) {
        let module = images::boot_module(&bytes, &[]);
        let bundle = Bundle::read(&module).map_err(|refusal| verify::refused(file, &refusal))?;
        describe_bundle(&bundle)
    } else {
        let image = Image::verify(&bytes).map_err(|refusal| verify::refused(file, &refusal))?;
        describe_image(&image)
    };
    if as_json {
        return print::json(&value);
    }
    let mut text = String::new();
    readable(&value, 0, &mut text);
    print::text(&text)
}

fn describe_image(image: &Image<'_>) -> Value {
    let manifest = image.manifest();
    let memory = &manifest.memory;
    json!({
        "format": "sci",
        "format_version": sci::header::FORMAT_VERSION,
        "kind": format!("{:?}", image.header().kind).to_lowercase(),
        "bytes": image.bytes().len(),
        "digest": hex(&sci::digest::image_digest(image)),
        "identity": {
            "package": manifest.identity.package,
            "name": manifest.identity.name,
            "version": manifest.identity.version,
        },
        "capabilities": {"required": required(image), "exported": exported(image)},
        "entries": manifest.entries.iter().map(|entry| json!({
            "name": entry.name,
            "kind": entry_kind(entry.kind),
            "offset": entry.offset,
            "stack_bytes": entry.stack_bytes,
        })).collect::<Vec<_>>(),
        "slots": manifest.imports.iter().map(|import| json!({
            "module": import.module,
            "item": import.item,
            "signature": import.signature,
            "capability": import.capability.map_or_else(|| guest_capability(image, &import), |slot| json!(slot)),
            "offset": import.offset,
        })).collect::<Vec<_>>(),
        "functions": manifest.exports.iter().map(|export| json!({
            "item": export.item,
            "offset": export.offset,
            "stack_bytes": export.stack_bytes,
        })).collect::<Vec<_>>(),
        "memory": {
            "stack": {"bytes": memory.stack_bytes, "known": tag(memory.stack_tag)},
            "state_bytes": memory.state_bytes,
            "arena_bytes": memory.arena_bytes,
            "buffer_bytes": memory.buffer_bytes,
            "pool": {
                "threads": memory.pool.threads,
                "capabilities": memory.pool.capabilities,
                "mappings": memory.pool.mappings,
            },
        },
        "schedule": {
            "class": match manifest.schedule.class {
                Class::Application => "application",
                Class::Driver => "driver",
            },
            "priority": manifest.schedule.priority,
            "passive": manifest.schedule.passive,
            "callees": manifest.schedule.callees.iter().collect::<Vec<u32>>(),
        },
        "restart": match manifest.restart {
            Restart::Never => "never",
            Restart::OnFault => "on-fault",
            Restart::Always => "always",
        },
        "checkpoint": match manifest.checkpoint {
            Checkpoint::None => "none",
            Checkpoint::OnRequest => "on-request",
        },
        "determinism": determinism(&manifest.deterministic),
        "parameters": manifest.parameters.iter().map(|parameter| json!({
            "name": parameter.name,
            "default": parameter.default,
        })).collect::<Vec<_>>(),
        "provenance": {
            "compiler": manifest.provenance.compiler,
            "front_end": manifest.provenance.front_end,
            "flags": manifest.provenance.flags,
            "sources_root": hex(&manifest.provenance.sources),
            "sources": sci::tables::sources(image.bytes_of(SectionKind::Sources)).map(|(name, hash)| json!({
                "name": name,
                "sha256": hex(&hash),
            })).collect::<Vec<_>>(),
        },
        "sections": sections(image),
        "signature": signature(image.envelope()),
    })
}

fn required(image: &Image<'_>) -> Vec<Value> {
    let one = |required: sci::manifest::Required<'_>| {
        let place = format!("{}:{}:{}", required.place.file, required.place.line, required.place.column);
        json!({
            "name": required.name,
            "interface": required.interface,
            "interface_hash": hex(&required.hash),
            "methods": methods(required.interface, required.methods),
            "declared": methods(required.interface, required.declared),
            "message": required.message,
            "window_bytes": required.window_bytes,
            "place": place,
        })
    };
    image.manifest().required.iter().map(one).collect()
}

fn exported(image: &Image<'_>) -> Vec<Value> {
    let one = |exported: sci::manifest::Exported<'_>| {
        json!({
            "name": exported.name,
            "interface": exported.interface,
            "interface_hash": hex(&exported.hash),
            "methods": methods(exported.interface, exported.methods),
            "capabilities": bits(exported.capabilities),
            "window_bytes": exported.window_bytes,
        })
    };
    image.manifest().exported.iter().map(one).collect()
}

/// What a guest must be granted for an import: the table knows it, not the image.
fn guest_capability(image: &Image<'_>, import: &Import<'_>) -> Value {
    let known = (image.header().kind == Kind::Guest).then(|| sci::guest::resolve(import.module, import.item));
    match known {
        Some(Resolved::Abi(function)) => {
            let names = function.capabilities.iter().map(|capability| capability.name());
            let names: Vec<&str> = names.collect();
            if names.is_empty() { Value::Null } else { json!(names.join(" or ")) }
        }
        _ => Value::Null,
    }
}

fn sections(image: &Image<'_>) -> Vec<Value> {
    let one = |section: sci::section::Section| {
        json!({
            "name": section.kind.name(),
            "file_offset": section.file_offset,
            "file_bytes": section.file_bytes,
            "memory_offset": section.memory_offset,
            "memory_bytes": section.memory_bytes,
            "sha256": sci::digest::stated_hash(image, &section).map(|hash| hex(&hash)),
        })
    };
    image.sections().map(one).collect()
}

fn signature(envelope: &[u8]) -> Value {
    match Envelope::read(envelope, 0) {
        Ok(envelope) => json!({
            "algorithm": "ed25519",
            "development": envelope.development,
            "key": hex(&envelope.key),
        }),
        Err(_) => Value::Null,
    }
}

fn entry_kind(kind: EntryKind) -> String {
    match kind {
        EntryKind::Start => "start".to_owned(),
        EntryKind::Begin => "begin".to_owned(),
        EntryKind::Method(export, method) => format!("method {method} of export {export}"),
        EntryKind::Interrupt(bit) => format!("interrupt {bit}"),
    }
}

const fn tag(tag: Tag) -> &'static str {
    match tag {
        Tag::Exact => "exact",
        Tag::Declared => "declared",
        Tag::Measured => "measured",
    }
}

fn determinism(stated: &Determinism<'_>) -> Value {
    match stated {
        Determinism::None => json!("none"),
        Determinism::Yes => json!("yes"),
        Determinism::Replay(list) => {
            json!({"replay": list.iter().map(|(slot, method)| json!([slot, method])).collect::<Vec<_>>()})
        }
    }
}

/// Names of the methods of a mask; numbers where the vocabulary does not have the interface.
fn methods(interface: &str, mask: u64) -> Vec<Value> {
    let known = vocabulary::by_name(interface);
    bits(mask)
        .into_iter()
        .map(|bit| match known.and_then(|interface| interface.methods.get(bit as usize)) {
            Some(method) => json!(method.name),
            None => json!(bit),
        })
        .collect()
}

fn bits(mask: u64) -> Vec<u64> {
    (0..64).filter(|bit| mask >> bit & 1 == 1).collect()
}

/// Names of a bundle's restart policies, by number.
const RESTARTS: [&str; 3] = ["never", "on-fault", "always"];

fn describe_bundle(bundle: &Bundle<'_>) -> Value {
    let images: Vec<Value> = (0..bundle.image_count())
        .filter_map(|index| bundle.image(index))
        .map(|image| {
            json!({
                "name": image.name,
                "offset": image.offset,
                "bytes": image.bytes.len(),
                "digest": hex(&image.digest),
            })
        })
        .collect();
    let instances: Vec<Value> =
        (0..bundle.instance_count()).map(|index| describe_instance(bundle, index)).collect();
    json!({
        "format": "bundle",
        "format_version": sci::bundle::BUNDLE_VERSION,
        "images": images,
        "instances": instances,
        "sha256": hex(&sci::digest::sha256(bundle.signed())),
        "signature": signature(bundle.envelope()),
    })
}

fn describe_instance(bundle: &Bundle<'_>, index: u32) -> Value {
    let field = |offset| bundle.instance_field(index, offset);
    let first = field(instance::FIRST_GRANT);
    let grants: Vec<Value> = (first..first + field(instance::GRANT_COUNT))
        .map(|at| {
            let of = |offset| bundle.grant_field(at, offset);
            let kind = of(grant::KIND);
            let mut value = json!({
                "capability": of(grant::CAPABILITY),
                "kind": grant::KIND_NAMES.get(kind as usize),
                "methods": bits(bundle.grant_mask(at)),
                "window_bytes": of(grant::WINDOW),
            });
            match kind {
                grant::CHANNEL => {
                    value["server"] = json!(bundle.instance_name(of(grant::A)));
                    value["export"] = json!(of(grant::B));
                }
                grant::PORTS => value["ports"] = json!([of(grant::A), of(grant::B)]),
                grant::INTERRUPT => value["line"] = json!(of(grant::A)),
                _ => {}
            }
            value
        })
        .collect();
    json!({
        "name": bundle.instance_name(index),
        "image": bundle.image(field(instance::IMAGE)).map(|image| image.name),
        "priority": field(instance::PRIORITY),
        "restart": RESTARTS.get(field(instance::RESTART) as usize),
        "serves": field(instance::FLAGS) & instance::FLAG_SERVES != 0,
        "grants": grants,
    })
}

/// The same content for people: one line a value, nested by indentation.
fn readable(value: &Value, level: usize, text: &mut String) {
    let indent = "  ".repeat(level);
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let shown = name.replace('_', " ");
                match (one_line(inner), inner.as_u64()) {
                    (_, Some(offset)) if name.ends_with("offset") => {
                        *text += &format!("{indent}{shown}: {offset:#x}\n");
                    }
                    (Some(line), _) => *text += &format!("{indent}{shown}: {line}\n"),
                    (None, _) => {
                        *text += &format!("{indent}{shown}:\n");
                        readable(inner, level + 1, text);
                    }
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| listed(item, level, text)),
        other => *text += &format!("{indent}{other}\n"),
    }
}

/// An item of a list: what names it, then the rest below.
fn listed(item: &Value, level: usize, text: &mut String) {
    let indent = "  ".repeat(level);
    let Value::Object(fields) = item else {
        *text += &format!("{indent}- {}\n", one_line(item).unwrap_or_else(|| item.to_string()));
        return;
    };
    let head = HEADS.iter().find(|head| fields.contains_key(**head));
    let named = head.and_then(|head| one_line(&fields[*head])).unwrap_or_default();
    *text += &format!("{indent}- {named}\n");
    let rest: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| head.is_none_or(|head| name != head))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    readable(&Value::Object(rest), level + 1, text);
}

/// Fields that name an item of a list.
const HEADS: [&str; 3] = ["name", "item", "kind"];

/// A value that fits its name's line.
fn one_line(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("none".to_owned()),
        Value::String(text) if text.is_empty() => Some("none".to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) if items.is_empty() => Some("none".to_owned()),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            Some(items.iter().filter_map(one_line).collect::<Vec<_>>().join(", "))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}
