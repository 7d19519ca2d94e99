//! Addresses, by example and against a model.

use super::{Instance, a, at, declaration, running};
use crate::*;
use sci::guest::ErrorCode;
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn refused(mesh: &mut Mesh, from: &str, to: &str) -> (ErrorCode, String) {
    let error = mesh.emit(a(from), to, b"x", at(0)).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn an_error_says_what_would_be_right() {
    let mut mesh = running(&declaration(&[
        ("ui", "read", "store"),
        ("ui", "write", "store"),
        ("ui", "alarm", "bell"),
        ("store", "log", "bell"),
    ]));
    for (from, to, code, words) in [
        (
            "ui",
            "store",
            ErrorCode::Invalid,
            "several paths of `ui` lead to `store`: name the path, one of `read`, `write`",
        ),
        (
            "ui",
            "stor",
            ErrorCode::NotFound,
            "`ui` has no path `stor`, and there is no space `stor`; its paths are `alarm`, `read`, `write`",
        ),
        (
            "store",
            "ui",
            ErrorCode::Denied,
            "no path of `store` leads to `ui`: declare one in the topology; its paths are `log`",
        ),
        (
            "bell",
            "ui",
            ErrorCode::Denied,
            "no path of `bell` leads to `ui`: declare one in the topology; it has no paths",
        ),
        ("ui", "ui", ErrorCode::Invalid, "`ui` is the sender itself: use `sys.self_emit`"),
        ("ui", "bell#7", ErrorCode::Closed, "`bell#7` does not run; `bell#1` does"),
        (
            "ui",
            "@sender",
            ErrorCode::NotFound,
            "`@sender` is the sender of the message in process, and there is none: take one first",
        ),
    ] {
        assert_eq!(refused(&mut mesh, from, to), (code, words.to_string()), "{from} to {to}");
    }
    for to in
        ["", "#1", "bell#", "bell#01", "bell#+1", "bell#0", "bell#1#1", "Bell", "@self", "bell\n", "@", "a b"]
    {
        let (code, words) = refused(&mut mesh, "ui", to);
        assert!(code == ErrorCode::Invalid && words.contains("is no address"), "{to}: {words}");
    }
    let known = [ErrorCode::Invalid, ErrorCode::NotFound];
    assert!(known.contains(&refused(&mut mesh, "ui", &"x".repeat(10_000)).0));
}

#[test]
fn an_instance_that_waits_to_be_started_is_named() {
    let mut mesh = running(&declaration(&[("ui", "alarm", "bell")]));
    mesh.stop(a("bell"), After::Restart, at(0)).unwrap();
    let (code, words) = refused(&mut mesh, "ui", "bell#1");
    assert_eq!(code, ErrorCode::Closed);
    assert!(
        words.ends_with("no instance of `bell` does now: send to `bell`, which waits for one"),
        "{words}"
    );
}

/// What an address means, as the rules say it, without the mesh's tables.
fn meaning(paths: &[(&str, &str, &str)], from: &str, to: &str) -> Option<String> {
    let own: Vec<_> = paths.iter().filter(|path| path.0 == from).collect();
    let (name, number) = to.split_once('#').map_or((to, None), |(name, number)| (name, Some(number)));
    if number.is_some_and(|number| number != "1") || (name == from && own.iter().all(|path| path.1 != to)) {
        return None;
    }
    if number.is_none()
        && let Some(path) = own.iter().find(|path| path.1 == name)
    {
        return Some(path.1.into());
    }
    let leading: Vec<_> = own.iter().filter(|path| path.2 == name).collect();
    (leading.len() == 1).then(|| leading[0].1.into())
}

#[test]
fn any_graph_routes_as_the_rules_say_and_no_other_way() {
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    let mut random = super::random::Random::new(7);
    let (mut routed, mut refused) = (0, 0);
    for _ in 0..400 {
        // Paths are named like spaces, so that both meanings meet.
        let mut paths: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for _ in 0..random.below(9) {
            let (from, name, to) = (random.pick(&NAMES), random.pick(&NAMES), random.pick(&NAMES));
            if from != to {
                paths.insert((from, name), to);
            }
        }
        let paths: Vec<_> = paths.into_iter().map(|((from, name), to)| (from, name, to)).collect();
        let mut declared = declaration(&paths);
        declared.spaces = NAMES.map(String::from).to_vec();
        let mut mesh = running(&declared);
        for from in NAMES {
            for to in NAMES
                .into_iter()
                .flat_map(|name| [name.to_string(), format!("{name}#1"), format!("{name}#2")])
            {
                let wanted = meaning(&paths, from, &to);
                let sent = mesh.emit(a(from), &to, b"x", at(0));
                assert_eq!(sent.is_ok(), wanted.is_some(), "{paths:?}: {from} to {to}: {sent:?}");
                let mut arrived = Vec::new();
                for space in NAMES {
                    while let Ok(message) = mesh.take(Instance { space, number: 1 }, 9, at(0)) {
                        arrived.push((message.id.space.to_string(), message.path.to_string(), space));
                    }
                }
                let declared = wanted.map(|name| {
                    let path = paths.iter().find(|path| path.0 == from && path.1 == name).unwrap();
                    (from.to_string(), name, path.2)
                });
                routed += usize::from(declared.is_some());
                refused += usize::from(declared.is_none());
                assert_eq!(arrived, declared.into_iter().collect::<Vec<_>>());
            }
        }
    }
    assert!(routed > 1000 && refused > 1000, "{routed} routed, {refused} refused");
}

#[test]
fn a_declaration_is_judged_as_a_whole() {
    let good = declaration(&[("a", "p", "b")]);
    let check = |change: &dyn Fn(&mut Declaration)| {
        let mut declared = good.clone();
        change(&mut declared);
        declared.check().unwrap_err().to_string()
    };
    assert_eq!(good.check(), Ok(()));
    assert!(check(&|d| d.spaces.push("Bad".into())).starts_with("space `Bad`: a name is"));
    assert_eq!(check(&|d| d.spaces.push("a".into())), "space `a` is declared twice");
    assert_eq!(check(&|d| d.paths[0].to = "x".into()), "path `p`: there is no space `x`");
    assert!(check(&|d| d.paths[0].to = "a".into()).contains("leads to itself"));
    assert!(check(&|d| d.paths.push(d.paths[0].clone())).contains("two paths named `p`"));
    assert!(check(&|d| d.paths[0].rules.messages = 0).contains("messages must be from 1 to"));
    assert!(check(&|d| d.paths[0].rules.bytes = 65_535).contains("bytes must be from 65536 to"));
    assert!(check(&|d| d.paths[0].rules.redeliveries = 17).contains("redeliveries must be from 0 to 16"));
    assert!(check(&|d| d.paths[0].name = "@self".into()).starts_with("path `@self`: a name is"));
    assert!(Mesh::new("app", "My Host", 1).is_err() && Mesh::new("", "host", 1).is_err());
}
