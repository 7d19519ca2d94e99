//! A program of Go: its runtime, scheduler and collector, on a host of JavaScript values.

use crate::{compile, surroundings};
use tests_modules::gojs::{Ended, Go};

/// Runs the program on its own store.
fn run(image: &[u8], arguments: &[&str], input: &str) -> Ended {
    let go = Go::default();
    let guest = go.serve(surroundings()).instantiate(image).expect("instantiates");
    go.run(&guest, arguments, input).expect("runs")
}

#[test]
fn esbuild_says_its_version_and_transforms() {
    let Some(image) = compile("esbuild-wasm/esbuild.wasm") else { return };
    let version = run(&image, &["esbuild", "--version"], "");
    assert_eq!(version, Ended { code: Some(0), output: "0.28.2\n".into(), error: String::new() });
    let source = "let x: number = 1 + 2; export default () => x ?? 3\n";
    let made = run(&image, &["esbuild", "--loader=ts", "--minify"], source);
    assert_eq!(
        made,
        Ended { code: Some(0), output: "let e=3;export default()=>e??3;\n".into(), error: String::new() }
    );
    let broken = run(&image, &["esbuild", "--loader=js"], "let = = 3");
    assert_eq!((broken.code, broken.output.as_str()), (Some(1), ""));
    assert!(broken.error.contains("[ERROR] Unexpected \"=\""), "{}", broken.error);
}
