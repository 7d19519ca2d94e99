//! `space sci to-elf`

use std::path::Path;

use compiler_driver::{files, images};

use crate::commands::verify;
use crate::print;
use crate::report::{Exit, Failure};

/// Writes an image as an ELF file, for programs that read nothing else.
pub fn run(file: &Path, output: Option<&Path>) -> Result<(), Failure> {
    let bytes = verify::read(file)?;
    if images::is_bundle(&bytes) {
        return Err(Failure::new(Exit::Usage, "not-an-image", "a bundle holds several images")
            .at(file.display().to_string())
            .help("name one of them: `build/<component>.sci`"));
    }
    let image = sci::image::Image::verify(&bytes).map_err(|refusal| verify::refused(file, &refusal))?;
    let elf = images::to_elf(image.bytes()).map_err(|error| {
        Failure::new(Exit::Image, "no-elf", error.to_string()).at(file.display().to_string())
    })?;
    let beside = file.with_extension("elf");
    let output = output.unwrap_or(&beside);
    if files::same(file, output) {
        return Err(Failure::new(Exit::Usage, "same-file", "the ELF file would replace the image")
            .at(file.display().to_string())
            .help("name another file with `--output`"));
    }
    files::replace(output, &elf)?;
    print::text(&format!("{}  {} bytes\n", output.display(), elf.len()))
}
