//! What lies in the folder of the state, and who has it: for `space doctor`.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use services_zhost::Home;
use services_zhost::question::{Answer, Question};

use super::parent::{self, PORT};
use crate::report::Failure;

/// Bytes of a disk below which spaces that store cannot go on for long.
const FREE_LEAST: u64 = 1 << 20;
/// Files below a folder that are counted.
const FILES_MAX: usize = 1_000_000;

/// Bytes that are free on the disk of a folder that is there.
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What to do where the disk of the state is full.
pub fn full(home: &Home) -> Option<String> {
    free(home.folder()).filter(|free| *free < FREE_LEAST)?;
    let folder = home.folder().display();
    Some(format!("the disk of {folder} is full: free some space; `space doctor` says what lies there"))
}

/// Bytes of all files below a folder, or of a file.
fn bytes(path: &Path) -> u64 {
    let (mut sum, mut left) = (0, FILES_MAX);
    let mut paths = vec![path.to_owned()];
    while let Some(path) = paths.pop() {
        let Ok(about) = path.symlink_metadata() else { continue };
        if about.is_dir() {
            paths.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else {
            sum += about.len();
        }
        left -= 1;
        if left == 0 {
            break;
        }
    }
    sum
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x0010_0000 => format!("{} KiB", bytes >> 10),
        0x0010_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

/// What was found: how it is, and what to do if that is wrong.
pub type Found = Result<String, (String, String)>;

/// Where the state is, and how much there is of what.
pub fn folder(home: &Home) -> String {
    let folder = home.folder();
    let parts = ["applications", "packages", "cache", "zrms.redb"].map(|name| {
        let bytes = bytes(&folder.join(name));
        format!("{name} {}", size(bytes))
    });
    format!("{} in {}: {}", size(bytes(folder)), folder.display(), parts.join(", "))
}

/// What each application has there.
pub fn applications(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.folder().join("applications")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let line = |name: String| {
        let folder = home.application(&name);
        let of = |part: &str| size(bytes(&folder.join(part)));
        let log = size(bytes(&folder.join("log")) + bytes(&folder.join("log.old")));
        format!("{name}: stored {}, messages {}, log {log}", of("data"), of("messages"))
    };
    names.into_iter().map(line).collect()
}

/// How much of the disk is free.
pub fn disk(home: &Home) -> Found {
    // The first command makes the folder.
    let there = home.folder().ancestors().find(|folder| folder.is_dir());
    match there.and_then(free) {
        None => Ok("not known".to_owned()),
        Some(free) if free < FREE_LEAST => Err((
            format!("{} free", size(free)),
            "free some space: `space down --purge` removes what an application stored, `space cache clear` what \
             can be made again"
                .to_owned(),
        )),
        Some(free) => Ok(format!("{} free", size(free))),
    }
}

/// Who is the parent.
pub fn parent(home: &Home) -> Found {
    let left = fs::read_to_string(home.process_file()).unwrap_or_default();
    let left = left.trim();
    match (home.process(), parent::ask(&Question::Snapshot)) {
        (_, Err(failure)) => Err(wrong(&failure)),
        (Some(process), Ok(Some(_))) => Ok(format!("process {process} runs the applications of this folder")),
        (Some(process), Ok(None)) => Ok(format!("process {process} begins, or ends")),
        (None, _) if left.is_empty() => Ok("none runs; `space up` starts it".to_owned()),
        (None, _) => Ok(format!(
            "none runs; process {left} was one and was killed: `space up` goes on with what it ran"
        )),
    }
}

fn wrong(failure: &Failure) -> (String, String) {
    (failure.message(), failure.remedy().unwrap_or("`space explain` says more").to_owned())
}

/// Whether the desk gets its usual port.
pub fn port(home: &Home) -> String {
    let is_free = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).is_ok();
    match (is_free, home.process()) {
        (true, _) => format!("{PORT} is free for the desk"),
        (false, Some(_)) => match parent::ask(&Question::Desk) {
            Ok(Some(Answer::Desk(url))) if url.contains(&format!(":{PORT}/")) => {
                format!("{PORT} has the desk")
            }
            Ok(Some(Answer::Desk(url))) => {
                let desk = url.split_once("/?").map_or(url.as_str(), |(desk, _)| desk);
                format!("{PORT} is taken by another program, the desk is at {desk}")
            }
            _ => format!("{PORT} is taken: by the desk, or by another program"),
        },
        (false, None) => {
            format!("{PORT} is taken by another program: the desk takes one that is free, or `--port`")
        }
    }
}
