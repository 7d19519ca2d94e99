//! Wraps machine code into signed images and a boot bundle, for the kernel's own tests: no compiler needed.
//!
//! `raw-bundle OUT [NAME=CODE.bin [:INTERFACE[/MASK[/WINDOW]]]... ]...`: each image's text is its file; the
//! `INTERFACE`s are its required capabilities in order, with all the interface's methods unless a mask is given.
//! An export is written `+INTERFACE/MASK/WINDOW`. The first image is root. Code begins at its first byte.

#[path = "../tests/support/raw.rs"]
mod raw;

use raw::{Raw, Wanted, module};

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let out = arguments.next().expect("the first argument is the bundle to write");
    let mut images = Vec::new();
    while let Some(argument) = arguments.next() {
        let (name, code) = argument.split_once('=').expect("an image is NAME=CODE");
        let code = std::fs::read(code).expect("the code can be read");
        let mut image = Raw { name: name.to_owned(), code, wanted: Vec::new(), exported: Vec::new() };
        while let Some(text) = arguments.next_if(|next| next.starts_with([':', '+'])) {
            let mut parts = text[1..].split('/');
            let one = Wanted {
                interface: parts.next().unwrap_or_default().to_owned(),
                mask: parts.next().map(|mask| mask.parse().expect("a mask is a number")),
                window: parts.next().map_or(0, |window| window.parse().expect("a window is a number")),
            };
            if text.starts_with(':') { image.wanted.push(one) } else { image.exported.push(one) }
        }
        images.push(image);
    }
    std::fs::write(out, module(images)).expect("the bundle can be written");
}
