//! `space verify`

use std::io;
use std::path::Path;

use compiler_driver::build::OUTPUT_BYTES_MAX;
use compiler_driver::files::{self, hex};
use compiler_driver::keys::{PublicKey, Store};
use compiler_driver::{Error, images};
use sci::contract::RULES;
use sci::error::ErrorKind;

use crate::print;
use crate::report::{Exit, Failure, say};

/// Checks structure, contract, hashes, signature and trust.
pub fn run(file: &Path, key: Option<&Path>) -> Result<(), Failure> {
    let bytes = read(file)?;
    let trusted = trusted(key)?;
    let refuse = |refusal: sci::error::Error| refused(file, &refusal);
    let (what, envelope) = if images::is_bundle(&bytes) {
        let module = images::boot_module(&bytes, &trusted);
        let (bundle, envelope) =
            images::verify_module(&module).map_err(|refusal| in_file(refuse, refusal))?;
        (format!("bundle of {} images", bundle.image_count()), envelope)
    } else {
        let (image, envelope) = images::verify_image(&bytes, &trusted).map_err(refuse)?;
        (format!("image of {}", image.manifest().identity.name), envelope)
    };
    let key = if envelope.development { "development key" } else { "release key" };
    print::text(&format!(
        "{}: {what}; {} contract rules hold, hashes fit, signed by the {key} {}\n",
        file.display(),
        RULES.len(),
        hex(&envelope.key[..8])
    ))
}

/// The keys that are trusted: the one given, or one's own.
pub fn trusted(key: Option<&Path>) -> Result<Vec<PublicKey>, Failure> {
    match key {
        Some(path) => Ok(vec![PublicKey::read(path)?]),
        None => {
            let (keys, wrong) = Store::open()?.list()?;
            // A key that cannot be read vouches for nothing; the others still do.
            for error in wrong {
                say(&format!("warning[{}]: {error}\n", error.id()));
            }
            Ok(keys.iter().map(compiler_driver::keys::Key::public).collect())
        }
    }
}

/// An image's or bundle's bytes, within the format's limit.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    files::read(file, OUTPUT_BYTES_MAX).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Failure::new(Exit::Usage, "no-file", format!("there is no file {}", file.display()))
                .help("`space build` leaves images in `build/`")
        }
        Error::TooLarge { limit, .. } => {
            Failure::new(Exit::Image, "limit", format!("the file has more than {limit} bytes"))
                .at(file.display().to_string())
        }
        other => other.into(),
    })
}

/// A file that is not what it claims to be.
pub fn refused(file: &Path, refusal: &sci::error::Error) -> Failure {
    let (id, help) = describe(refusal.kind);
    let failure = Failure::new(Exit::Image, id, refusal.kind.to_string()).at(format!(
        "{} at offset {:#x}",
        file.display(),
        refusal.offset
    ));
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// A bundle's errors count from the policy page, which the file does not have.
fn in_file(refuse: impl Fn(sci::error::Error) -> Failure, refusal: sci::error::Error) -> Failure {
    let offset = refusal.offset.saturating_sub(sci::layout::PAGE);
    refuse(sci::error::Error::new(refusal.kind, offset))
}

/// Id and next step of each kind of refusal.
pub fn describe(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    const FETCH: Option<&str> = Some("the file was damaged or changed: build or fetch it anew");
    match kind {
        ErrorKind::Truncated => ("truncated", FETCH),
        ErrorKind::Magic => {
            ("not-an-image", Some("images end in `.sci`, bundles in `.bundle`; `space build` makes both"))
        }
        ErrorKind::Version => {
            ("format-version", Some("it was made by another version of space: build it anew"))
        }
        ErrorKind::Machine => ("machine", Some("it was made for another machine: build it anew")),
        ErrorKind::Limit => ("limit", FETCH),
        ErrorKind::Reserved => ("reserved", FETCH),
        ErrorKind::Value => ("value", FETCH),
        ErrorKind::NotCanonical => ("not-canonical", FETCH),
        ErrorKind::Manifest => ("manifest", FETCH),
        ErrorKind::Tiling => ("tiling", FETCH),
        ErrorKind::Padding => ("padding", FETCH),
        ErrorKind::Contract(_) => ("contract", Some("`space explain` with the rule's id says more")),
        ErrorKind::Hash => ("hash", FETCH),
        ErrorKind::Unsigned => ("unsigned", Some("`space sign` signs it with one of your keys")),
        ErrorKind::Signature => ("signature", FETCH),
        ErrorKind::Untrusted => {
            ("untrusted", Some("if you trust who made it: `space verify --key <public key file>`"))
        }
        ErrorKind::DevelopmentKey => {
            ("development-key", Some("sign it with a release key: `space sign --key <name>`"))
        }
        ErrorKind::Digest => ("digest", FETCH),
        _ => ("refused-image", None),
    }
}
