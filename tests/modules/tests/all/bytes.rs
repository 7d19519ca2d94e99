//! Codecs.

use crate::{digest, open, sample, surroundings};
use tests_modules::bindgen::{self, Objects};

#[test]
fn lz4_gives_back_what_it_took() {
    let Some(guest) = open("lz4-wasm/lz4_wasm_bg.wasm", &surroundings()) else { return };
    let input = sample(100_000);
    let packed = bindgen::bytes(&guest, "compress", &input, &[]).expect("compresses");
    assert!(packed.len() < input.len() / 2, "{}", packed.len());
    let output = bindgen::bytes(&guest, "decompress", &packed, &[]).expect("decompresses");
    assert!(output == input);
}

/// What the host keeps for the codec.
#[derive(Clone, Debug, PartialEq)]
enum Object {
    Options,
    Text(String),
}

#[test]
fn brotli_gives_what_it_gives_elsewhere() {
    let objects = Objects::default();
    let [options, texts, errors, dropped] = std::array::from_fn(|_| objects.clone());
    let from = |name: &str| format!("__wbindgen_placeholder__.{name}");
    let surroundings = surroundings()
        .serve(&from("__wbindgen_is_undefined"), |_, _| Ok(0))
        .serve(&from("__wbindgen_is_object"), |_, _| Ok(1))
        .serve(&from("__wbindgen_json_serialize"), move |guest, words| {
            assert_eq!(options.get(words[1]), Some(Object::Options));
            let text = br#"{"quality":9}"#;
            let at = bindgen::pass(guest, text)?;
            guest.set_word(words[0], at)?;
            guest.set_word(words[0] + 4, text.len() as u64)?;
            Ok(0)
        })
        .serve(&from("__wbindgen_string_new"), move |guest, words| {
            Ok(texts.add(Object::Text(guest.text(words[0], words[1])?)))
        })
        .serve(&from("__wbindgen_error_new"), move |guest, words| {
            Ok(errors.add(Object::Text(guest.text(words[0], words[1])?)))
        })
        .serve(&from("__wbindgen_object_drop_ref"), move |_, words| {
            dropped.take(words[0]);
            Ok(0)
        });
    let Some(guest) = open("brotli-wasm/pkg.node/brotli_wasm_bg.wasm", &surroundings) else { return };
    let input = sample(100_000);
    let options = objects.add(Object::Options);
    let packed = bindgen::bytes(&guest, "compress", &input, &[options]).expect("compresses");
    assert_eq!((packed.len(), digest(&packed).as_str()), (BROTLI_BYTES, BROTLI_DIGEST));
    let output = bindgen::bytes(&guest, "decompress", &packed, &[]).expect("decompresses");
    assert!(output == input);

    let at = bindgen::pass(&guest, &packed[1..]).expect("passes");
    let [_, _, error, failed] =
        bindgen::call(&guest, "decompress", &[at, packed.len() as u64 - 1]).expect("calls");
    assert_eq!(failed, 1);
    assert!(matches!(objects.get(error), Some(Object::Text(text)) if text.contains("Brotli")));
}

const BROTLI_BYTES: usize = 15_953;
const BROTLI_DIGEST: &str = "7b3a57cdfd58ef61d01a619d1361c801e46bb11ebd0f31911af456fbf7e0caf4";
