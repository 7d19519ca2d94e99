//! Signing what the compiler made, and putting together what boots.

use sci::bundle::{Bundle, Policy};
use sci::error::{Error as Refusal, ErrorKind};
use sci::image::Image;
use sci::sign::Envelope;
use sci::write::{self, Signer};

use crate::LinkedSystem;
use crate::keys::{Key, Kind, PublicKey};

/// A signed image.
pub fn sign(image: &[u8], key: &Key) -> Result<Vec<u8>, Refusal> {
    write::sign_image(image, key.seed(), key.kind == Kind::Development)
}

/// A signed image of a guest; what the compiler made is refused only if the compiler is wrong.
pub fn sign_image(image: &[u8], key: &Key) -> Result<Vec<u8>, crate::Error> {
    sign(image, key).map_err(|refusal| crate::Error::Image { name: "the guest".into(), refusal })
}

/// A signed bundle, without the policy page.
pub fn bundle(system: &LinkedSystem, key: &Key) -> Result<Vec<u8>, Refusal> {
    let signer = Signer { seed: key.seed(), development: key.kind == Kind::Development };
    write::bundle_with(&system.images, &system.instances, &system.data, Some(signer))
}

/// What the machine boots: a policy page that trusts the given keys, then the bundle.
pub fn boot_module(bundle: &[u8], keys: &[PublicKey]) -> Vec<u8> {
    let trusted: Vec<_> = keys.iter().map(|key| (key.bytes, key.kind == Kind::Development)).collect();
    let mut module = write::policy(true, &trusted);
    module.extend_from_slice(bundle);
    module
}

/// Checks structure, contract, hashes and signature of an image, and that one of the keys made it.
pub fn verify_image<'a>(bytes: &'a [u8], keys: &[PublicKey]) -> Result<(Image<'a>, Envelope), Refusal> {
    let image = Image::verify(bytes)?;
    let envelope = sci::sign::check_image(&image)?;
    if keys.iter().all(|key| key.bytes != envelope.key) {
        return Err(Refusal::new(ErrorKind::Untrusted, u64::from(image.header().envelope)));
    }
    Ok((image, envelope))
}

/// Checks a boot module as the kernel will, and every image in it besides.
pub fn verify_module(module: &[u8]) -> Result<(Bundle<'_>, Envelope), Refusal> {
    let bundle = Bundle::read(module)?;
    let envelope = bundle.check_signature(&Policy::read(module)?)?;
    for index in 0..bundle.image_count() {
        let Some(entry) = bundle.image(index) else { continue };
        let start = sci::layout::PAGE + u64::from(entry.offset);
        let within = |error: Refusal| Refusal::new(error.kind, start + error.offset);
        let image = Image::verify(entry.bytes).map_err(within)?;
        sci::digest::check_sections(&image).map_err(within)?;
        if sci::digest::image_digest(&image) != entry.digest {
            return Err(Refusal::new(ErrorKind::Digest, start));
        }
    }
    Ok((bundle, envelope))
}

/// An image as an ELF file for debuggers, with symbols and line numbers.
pub fn to_elf(image: &[u8]) -> Result<Vec<u8>, compiler_link::elf::Error> {
    compiler_link::elf::to_elf(image)
}

/// Whether bytes begin like a bundle rather than an image.
pub fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(&sci::bundle::BUNDLE_MAGIC)
}
