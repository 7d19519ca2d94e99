//! A renderer of SVG.

use crate::{digest, open, surroundings};
use space_host::Trap;
use tests_modules::bindgen::{self, Objects};
use tests_modules::guest::Guest;

const PICTURE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><defs><linearGradient id="g"><stop offset="0" stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient></defs><rect width="64" height="48" fill="url(#g)"/><circle cx="32" cy="24" r="15.5" fill="#fff" fill-opacity=".6" stroke="#000" stroke-width="2.5"/><path d="M4 40 C 20 0 44 0 60 40" fill="none" stroke="#0a0" stroke-width="3" transform="rotate(7 32 24)"/></svg>"##;

/// What the host keeps for the renderer.
#[derive(Clone, Debug)]
enum Object {
    Text(String),
    /// The guest's memory, and its bytes.
    Memory,
    Bytes(Vec<u8>),
}

/// The renderer, and its objects.
fn renderer() -> Option<(Guest, Objects<Object>)> {
    let objects = Objects::default();
    let [texts, memories, buffers, views, copies, dropped, errors] = std::array::from_fn(|_| objects.clone());
    let surroundings = surroundings()
        .serve("wbg.__wbindgen_string_get", move |guest: &Guest, words: &[u64]| {
            let Some(Object::Text(text)) = texts.get(words[1]) else {
                return Err(Trap::Host("a text was expected".into()));
            };
            let at = bindgen::pass(guest, text.as_bytes())?;
            guest.set_word(words[0] + 4, text.len() as u64)?;
            guest.set_word(words[0], at)?;
            Ok(0)
        })
        .serve("wbg.__wbg_instanceof_Uint8Array_2b3bbecd033d19f6", |_, _| Ok(0))
        .serve("wbg.__wbindgen_memory", move |_, _| Ok(memories.add(Object::Memory)))
        .serve("wbg.__wbg_buffer_12d079cc21e14bdb", move |_, _| Ok(buffers.add(Object::Memory)))
        .serve("wbg.__wbg_newwithbyteoffsetandlength_aa4a17c33a06e5cb", move |guest, words| {
            Ok(views.add(Object::Bytes(guest.read(words[1], words[2])?)))
        })
        .serve("wbg.__wbg_new_63b92bc8671ed464", move |_, words| {
            let bytes = copies.get(words[0]).ok_or_else(|| Trap::Host("bytes were expected".into()))?;
            Ok(copies.add(bytes))
        })
        .serve("wbg.__wbindgen_object_drop_ref", move |_, words| {
            dropped.take(words[0]);
            Ok(0)
        })
        .serve("wbg.__wbg_new_28c511d9baebfa89", move |guest, words| {
            Ok(errors.add(Object::Text(guest.text(words[0], words[1])?)))
        });
    let guest = open("@resvg/resvg-wasm/index_bg.wasm", &surroundings)?;
    Some((guest, objects))
}

fn bytes(objects: &Objects<Object>, number: u64) -> Vec<u8> {
    match objects.take(number) {
        Some(Object::Bytes(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pixels_are_what_they_are_elsewhere_and_errors_are_objects() {
    let Some((guest, objects)) = renderer() else { return };
    let text = objects.add(Object::Text(PICTURE.into()));
    let [picture, _, failed] = bindgen::call(&guest, "resvg_new", &[text, 0, 0, 0]).expect("reads");
    assert_eq!(failed, 0);
    let [image, _, failed] = bindgen::call(&guest, "resvg_render", &[picture]).expect("renders");
    assert_eq!(failed, 0);
    let size = ["renderedimage_width", "renderedimage_height"]
        .map(|name| guest.call(name, &[image]).expect("a size"));
    assert_eq!(size, [64, 48]);
    let pixels = bytes(&objects, guest.call("renderedimage_pixels", &[image]).expect("pixels"));
    assert_eq!((pixels.len(), digest(&pixels).as_str()), (64 * 48 * 4, PIXELS));
    let [png, _, failed] = bindgen::call(&guest, "renderedimage_asPng", &[image]).expect("packs");
    assert_eq!(failed, 0);
    let png = bytes(&objects, png);
    assert_eq!((png.len(), digest(&png).as_str()), (PNG_BYTES, PNG));

    let text = objects.add(Object::Text("<svg".into()));
    let [_, error, failed] = bindgen::call(&guest, "resvg_new", &[text, 0, 0, 0]).expect("ends");
    assert_eq!(failed, 1);
    assert!(matches!(objects.get(error), Some(Object::Text(text)) if text.contains("SVG")));
}

const PIXELS: &str = "9d44e15a9361ad8b132aa87bd27b8338042cd4fc5c4cebd80062e15fcd13e67c";
const PNG_BYTES: usize = 2_483;
const PNG: &str = "36e66a8d732e0120420983432fc391aecbaaf5a324747a0aae888d19d43a16e5";
