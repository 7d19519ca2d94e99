//! `space sign`

use std::path::Path;

use compiler_driver::keys::Store;
use compiler_driver::{files, images};

use crate::commands::verify;
use crate::print;
use crate::report::{Exit, Failure};

/// Signs an image in place of any signature it has.
pub fn run(file: &Path, key: &str, output: Option<&Path>) -> Result<(), Failure> {
    let key = Store::open()?.load(key)?;
    let bytes = verify::read(file)?;
    if images::is_bundle(&bytes) {
        return Err(Failure::new(Exit::Usage, "not-an-image", "a bundle is signed when it is built")
            .at(file.display().to_string())
            .help("sign its images, `build/<component>.sci`, one by one"));
    }
    // What its sections hold must be what its manifest says before anyone vouches for it.
    let checked = sci::image::Image::verify(&bytes).and_then(|image| sci::digest::check_sections(&image));
    let signed = checked
        .and_then(|()| images::sign(&bytes, &key))
        .map_err(|refusal| verify::refused(file, &refusal))?;
    let output = output.unwrap_or(file);
    files::replace(output, &signed)?;
    print::text(&format!("{}: signed by {} {}\n", output.display(), key.name, key.public().short()))
}
