//! Trust policies: which are refused, and which packages they refuse.

use crate::sample::{self, SOURCE, borrowed, files, only};
use ed25519_dalek::SigningKey;
use sci::guest::GuestCapability;
use services_mex::trust::{Policy, Rotation, Standing};
use services_mex::{Manifest, Moment, Package, PublicKey, Refusal, base64, write_package};
use std::collections::BTreeSet;

/// Seeds of the keys: the publisher's, the one that follows it, another publisher's, nobody's.
const OWN: [u8; 32] = [7; 32];
const NEXT: [u8; 32] = [8; 32];
const OTHER: [u8; 32] = [9; 32];
const STRANGER: [u8; 32] = [10; 32];

const NOW: &str = "2026-11-21T12:00:00Z";

fn key(seed: &[u8; 32]) -> PublicKey {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn policy() -> String {
    let (own, other) = (base64(&key(&OWN)), base64(&key(&OTHER)));
    format!(
        "\
apiVersion: samoza/v1
kind: TrustPolicy
profile: release
publishers:
  - name: samoza-research
    keys:
      - key: {own}
        notBefore: 2026-01-01T00:00:00Z
        notAfter: 2027-01-01T00:00:00Z
    packages: [my-app]
    capabilities: [sys.log, data.read]
    minimumVersions:
      - package: my-app
        version: 1.0.0
  - name: other
    keys:
      - key: {other}
        notBefore: 2026-01-01T00:00:00Z
        notAfter: 2027-01-01T00:00:00Z
    packages: all
    capabilities: all
seen:
  - publisher: samoza-research
    package: my-app
    version: 1.1.0
"
    )
}

/// A rotation's entry in a policy.
fn rotated(rotation: &Rotation, seed: &[u8; 32]) -> String {
    let signature = base64(&rotation.sign(seed));
    let fields = rotation.text().replace('\n', "\n    ");
    format!("  - {fields}signature: {signature}\n")
}

fn rotation(from: &[u8; 32], to: &[u8; 32], not_before: &str) -> Rotation {
    Rotation {
        publisher: "samoza-research".to_owned(),
        from: key(from),
        to: key(to),
        not_before: at(not_before),
        not_after: at("2027-06-01T00:00:00Z"),
    }
}

fn with_rotation() -> String {
    policy() + "rotations:\n" + &rotated(&rotation(&OWN, &NEXT, "2026-06-01T00:00:00Z"), &OWN)
}

fn revoked(text: &str, seed: &[u8; 32], expires: &str) -> String {
    format!("{text}revoked:\n  - key: {}\n    expires: {expires}\n", base64(&key(seed)))
}

fn manifest(source: &str, seed: Option<&[u8; 32]>) -> Manifest {
    let bytes = write_package(source, &borrowed(&files()), seed).unwrap();
    Package::read(&bytes).unwrap().manifest().clone()
}

type PolicyCase = (&'static str, &'static str, fn(&str) -> String);

const POLICIES: &[PolicyCase] = &[
    ("no kind", "missing-key", |text| text.replace("kind: TrustPolicy\n", "")),
    ("no profile", "missing-key", |text| text.replace("profile: release\n", "")),
    ("another profile", "unknown-word", |text| text.replace("release", "none")),
    ("an unknown key", "unknown-key", |text| format!("{text}trustAll: true\n")),
    ("an alias", "yaml-alias", |text| text.replace("packages: all", "packages: *all")),
    ("a publisher twice", "policy-publisher-twice", |text| {
        text.replace(
            "seen:",
            "  - name: other\n    keys: []\n    packages: all\n    capabilities: all\nseen:",
        )
    }),
    ("a key of two publishers", "policy-key-twice", |text| {
        text.replace(&base64(&key(&OTHER)), &base64(&key(&OWN)))
    }),
    ("a key that is no Base64", "policy-base64", |text| text.replace(&base64(&key(&OWN)), "abc")),
    ("a key of small order", "policy-key", |text| text.replace(&base64(&key(&OWN)), &base64(&[0; 32]))),
    ("a key that ends before it begins", "policy-window", |text| text.replace("2027-01-01", "2025-01-01")),
    ("a key that ends when it begins", "policy-window", |text| text.replace("2027-01-01", "2026-01-01")),
    ("a time that is none", "manifest-time", |text| text.replace("2027-01-01T00:00:00Z", "never")),
    ("an unknown capability", "policy-capability", |text| text.replace("sys.log", "sys.everything")),
    ("all capabilities in another word", "unknown-word", |text| {
        text.replace("capabilities: all", "capabilities: every")
    }),
    ("no capabilities", "missing-key", |text| text.replace("    capabilities: all\n", "")),
    ("a version that is none", "manifest-version", |text| text.replace("1.0.0", "one")),
    ("two lowest versions", "policy-version-twice", |text| {
        text.replace(
            "        version: 1.0.0\n",
            "        version: 1.0.0\n      - package: my-app\n        version: 2.0.0\n",
        )
    }),
    ("two highest versions", "policy-version-twice", |text| {
        format!("{text}  - publisher: samoza-research\n    package: my-app\n    version: 0.1.0\n")
    }),
    ("a rotation that a stranger signed", "policy-rotation-signature", |text| {
        format!("{text}rotations:\n{}", rotated(&rotation(&OWN, &NEXT, "2026-06-01T00:00:00Z"), &STRANGER))
    }),
    ("a rotation that the new key signed", "policy-rotation-signature", |text| {
        format!("{text}rotations:\n{}", rotated(&rotation(&OWN, &NEXT, "2026-06-01T00:00:00Z"), &NEXT))
    }),
    ("a rotation that was prolonged", "policy-rotation-signature", |text| {
        let entry = rotated(&rotation(&OWN, &NEXT, "2026-06-01T00:00:00Z"), &OWN);
        format!("{text}rotations:\n{}", entry.replace("2027-06-01", "2037-06-01"))
    }),
    ("a rotation of a stranger's key", "policy-rotation-origin", |text| {
        format!(
            "{text}rotations:\n{}",
            rotated(&rotation(&STRANGER, &NEXT, "2026-06-01T00:00:00Z"), &STRANGER)
        )
    }),
    ("a rotation of another publisher's key", "policy-rotation-origin", |text| {
        format!("{text}rotations:\n{}", rotated(&rotation(&OTHER, &NEXT, "2026-06-01T00:00:00Z"), &OTHER))
    }),
    ("a rotation after the old key's end", "policy-rotation-origin", |text| {
        format!("{text}rotations:\n{}", rotated(&rotation(&OWN, &NEXT, "2027-02-01T00:00:00Z"), &OWN))
    }),
    ("two rotations of one key", "policy-rotation-twice", |text| {
        let first = rotated(&rotation(&OWN, &NEXT, "2026-06-01T00:00:00Z"), &OWN);
        format!(
            "{text}rotations:\n{first}{}",
            rotated(&rotation(&OWN, &STRANGER, "2026-07-01T00:00:00Z"), &OWN)
        )
    }),
    ("a rotation to a key that is another's", "policy-key-twice", |text| {
        format!("{text}rotations:\n{}", rotated(&rotation(&OWN, &OTHER, "2026-06-01T00:00:00Z"), &OWN))
    }),
    ("a rotation to the same key", "policy-key-twice", |text| {
        format!("{text}rotations:\n{}", rotated(&rotation(&OWN, &OWN, "2026-06-01T00:00:00Z"), &OWN))
    }),
    ("a revocation that ends before the key", "policy-revocation", |text| {
        revoked(text, &OWN, "2026-12-01T00:00:00Z")
    }),
    ("a revocation that ends with the key", "policy-revocation", |text| {
        revoked(text, &OWN, "2027-01-01T00:00:00Z")
    }),
    ("a revocation that ends before the key that follows", "policy-revocation", |_| {
        revoked(&with_rotation(), &OWN, "2027-02-01T00:00:00Z")
    }),
];

pub const COUNT: usize = POLICIES.len();

/// A policy with every key that there is.
pub fn with_everything() -> String {
    revoked(&with_rotation(), &STRANGER, "2030-01-01T00:00:00Z")
}

/// The hostile policies.
pub fn all() -> Vec<String> {
    POLICIES.iter().map(|(_, _, change)| change(&policy())).collect()
}

#[test]
fn hostile_policies_are_refused_by_their_rule() {
    let wrong = POLICIES.iter().filter_map(|(what, rule, change)| {
        let changed = change(&policy());
        assert_ne!(changed, policy(), "{what}: nothing was changed");
        match Policy::read(changed.as_bytes()) {
            Ok(_) => Some(format!("{what}: accepted")),
            Err(refusals) => only(what, rule, &refusals),
        }
    });
    sample::none(&wrong.collect::<Vec<_>>());
}

/// What a policy says about a package: the rules by which it is refused, none if it is trusted.
struct Judged {
    what: &'static str,
    policy: String,
    manifest: Manifest,
    capabilities: &'static [GuestCapability],
    now: &'static str,
    wanted: &'static [&'static str],
}

/// The sample package under the sample policy, signed by this key.
fn judged(what: &'static str, seed: Option<&[u8; 32]>, wanted: &'static [&'static str]) -> Judged {
    let manifest = manifest(SOURCE, seed);
    Judged { what, policy: policy(), manifest, capabilities: &[GuestCapability::SysLog], now: NOW, wanted }
}

fn cases() -> Vec<Judged> {
    let of = |source: &str, seed: &[u8; 32]| manifest(source, Some(seed));
    let unsealed = Manifest::read(SOURCE.as_bytes()).unwrap();
    let own = || judged("", Some(&OWN), &[]);
    vec![
        Judged { what: "right", ..own() },
        Judged {
            what: "as old as the newest",
            manifest: of(&SOURCE.replace("1.2.0", "1.1.0"), &OWN),
            ..own()
        },
        Judged { what: "first moment", now: "2026-01-01T00:00:00Z", ..own() },
        Judged { what: "last moment", now: "2027-01-01T00:00:00Z", ..own() },
        judged("unsigned", None, &["trust-unsigned"]),
        Judged {
            what: "unsealed",
            manifest: unsealed,
            wanted: &["trust-unsealed", "trust-unsigned"],
            ..own()
        },
        judged("a stranger's key", Some(&STRANGER), &["trust-key"]),
        judged("another publisher's key", Some(&OTHER), &["trust-key"]),
        Judged {
            what: "an unknown publisher",
            manifest: of(&SOURCE.replace("samoza-research", "samoza-researck"), &STRANGER),
            wanted: &["trust-publisher"],
            ..own()
        },
        Judged { what: "too early", now: "2025-12-31T23:59:59Z", wanted: &["trust-early"], ..own() },
        Judged { what: "too late", now: "2027-01-01T00:00:01Z", wanted: &["trust-late"], ..own() },
        Judged {
            what: "another package",
            manifest: of(&SOURCE.replace("my-app", "my-other"), &OWN),
            wanted: &["trust-package"],
            ..own()
        },
        Judged {
            what: "a capability more",
            capabilities: &[GuestCapability::SysLog, GuestCapability::ActuatorsCommand],
            wanted: &["trust-capability"],
            ..own()
        },
        Judged {
            what: "an older version",
            manifest: of(&SOURCE.replace("1.2.0", "1.0.9"), &OWN),
            wanted: &["trust-rollback"],
            ..own()
        },
        Judged {
            what: "a preview of the version seen",
            manifest: of(&SOURCE.replace("1.2.0", "1.1.0-rc.1"), &OWN),
            wanted: &["trust-rollback"],
            ..own()
        },
        Judged {
            what: "below the lowest",
            manifest: of(&SOURCE.replace("1.2.0", "0.9.0"), &OWN),
            wanted: &["trust-minimum", "trust-rollback"],
            ..own()
        },
    ]
}

/// What revocations and rotations say.
fn cases_of_keys() -> Vec<Judged> {
    let own = || judged("", Some(&OWN), &[]);
    vec![
        Judged {
            what: "a revoked key",
            policy: revoked(&policy(), &OWN, "2027-01-01T00:00:01Z"),
            wanted: &["trust-revoked"],
            ..own()
        },
        Judged {
            what: "a revoked key after its end",
            policy: revoked(&policy(), &OWN, "2027-01-01T00:00:01Z"),
            now: "2027-01-01T00:00:01Z",
            wanted: &["trust-late"],
            ..own()
        },
        Judged { what: "a key rotated out", policy: with_rotation(), wanted: &["trust-rotated"], ..own() },
        Judged {
            what: "a key before its rotation",
            policy: with_rotation(),
            now: "2026-05-31T23:59:59Z",
            ..own()
        },
        Judged {
            what: "a key at the moment of its rotation",
            policy: with_rotation(),
            now: "2026-06-01T00:00:00Z",
            wanted: &["trust-rotated"],
            ..own()
        },
        Judged {
            policy: with_rotation(),
            now: "2026-06-01T00:00:00Z",
            ..judged("the key that follows, at the moment of the rotation", Some(&NEXT), &[])
        },
        Judged { policy: with_rotation(), ..judged("the key that follows", Some(&NEXT), &[]) },
        Judged {
            policy: with_rotation(),
            now: "2026-05-31T23:59:59Z",
            ..judged("the key that follows, too early", Some(&NEXT), &["trust-early"])
        },
        Judged {
            policy: with_rotation(),
            now: "2027-06-01T00:00:01Z",
            ..judged("the key that follows, too late", Some(&NEXT), &["trust-late"])
        },
        Judged {
            policy: revoked(&with_rotation(), &OWN, "2028-01-01T00:00:00Z"),
            ..judged("the key that follows a revoked one", Some(&NEXT), &["trust-revoked"])
        },
        Judged {
            policy: revoked(&with_rotation(), &NEXT, "2028-01-01T00:00:00Z"),
            ..judged("a revoked key that follows", Some(&NEXT), &["trust-revoked"])
        },
    ]
}

fn ids(refusals: &[Refusal]) -> BTreeSet<&str> {
    refusals.iter().map(Refusal::id).collect()
}

#[test]
fn a_release_policy_refuses_by_rule() {
    for case in cases().into_iter().chain(cases_of_keys()) {
        let policy = Policy::read(case.policy.as_bytes()).unwrap();
        match policy.judge(&case.manifest, case.capabilities, at(case.now)) {
            Ok(standing) => {
                assert!(case.wanted.is_empty(), "{}: accepted", case.what);
                assert!(matches!(standing, Standing::Trusted { .. }), "{}", case.what);
            }
            Err(refusals) => {
                assert_eq!(ids(&refusals), case.wanted.iter().copied().collect(), "{}", case.what);
            }
        }
    }
}

/// What a development policy lets run, and says.
const MISSING: [&str; 4] = ["trust-unsealed", "trust-unsigned", "trust-publisher", "trust-key"];

#[test]
fn a_development_policy_runs_what_nobody_speaks_against() {
    let mut ran = BTreeSet::new();
    for case in cases().into_iter().chain(cases_of_keys()) {
        let policy = Policy::read(case.policy.replace("release", "development").as_bytes()).unwrap();
        let wanted: BTreeSet<&str> = case.wanted.iter().copied().collect();
        match policy.judge(&case.manifest, case.capabilities, at(case.now)) {
            Ok(Standing::Trusted { .. }) => assert!(wanted.is_empty(), "{}", case.what),
            Ok(Standing::Development(missing)) => {
                assert_eq!(ids(&missing), wanted, "{}", case.what);
                assert!(wanted.iter().all(|rule| MISSING.contains(rule)), "{}", case.what);
                ran.extend(wanted);
            }
            Err(refusals) => {
                assert_eq!(ids(&refusals), wanted, "{}", case.what);
                // A key that is known to be another's is spoken against.
                let is_known = case.what == "another publisher's key";
                assert!(is_known || wanted.iter().all(|rule| !MISSING.contains(rule)), "{}", case.what);
            }
        }
    }
    assert_eq!(ran, MISSING.into_iter().collect());
}

#[test]
fn what_was_seen_is_never_undercut() {
    let mut policy = Policy::read(policy().as_bytes()).unwrap();
    let newest = |policy: &Policy, source: &str| {
        let manifest = manifest(source, Some(&OWN));
        match policy.judge(&manifest, &[], at(NOW)) {
            Ok(Standing::Trusted { is_newest, .. }) => Some(is_newest),
            _ => None,
        }
    };
    assert_eq!(newest(&policy, SOURCE), Some(true));
    policy.see("samoza-research", "my-app", &semver::Version::new(1, 2, 0));
    assert_eq!(newest(&policy, SOURCE), Some(false));
    policy.see("samoza-research", "my-app", &semver::Version::new(1, 0, 0));
    assert_eq!(policy.seen("samoza-research", "my-app"), Some(&semver::Version::new(1, 2, 0)));
    assert_eq!(newest(&policy, &SOURCE.replace("1.2.0", "1.1.9")), None);
    // Metadata of a build are no order: the same version, built again.
    assert_eq!(newest(&policy, &SOURCE.replace("1.2.0", "1.2.0+again")), Some(false));
}

#[test]
fn versions_are_ordered_as_semantic_versions() {
    let ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.9",
        "1.0.10",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ];
    let base = policy().replace("1.0.0\n", "0.0.0\n");
    for pair in ordered.windows(2) {
        let policy = Policy::read(base.replace("1.1.0", pair[1]).as_bytes()).unwrap();
        let judge = |version: &str| {
            policy.judge(&manifest(&SOURCE.replace("1.2.0", version), Some(&OWN)), &[], at(NOW))
        };
        assert_eq!(ids(&judge(pair[0]).unwrap_err()), BTreeSet::from(["trust-rollback"]), "{pair:?}");
        assert!(judge(pair[1]).is_ok(), "{pair:?}");
    }
}
