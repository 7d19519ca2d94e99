//! What modules cost: compile time and image size. `cargo run --release -p tests-modules --example module_figures`.
#![allow(clippy::print_stdout, reason = "the figures are what the example is for")]

use std::time::Instant;

const MODULES: &[&str] = &[
    "lz4-wasm/lz4_wasm_bg.wasm",
    "source-map/lib/mappings.wasm",
    "argon2-browser/dist/argon2.wasm",
    "argon2-browser/dist/argon2-simd.wasm",
    "web-tree-sitter/web-tree-sitter.wasm",
    "tree-sitter-javascript/tree-sitter-javascript.wasm",
    "quickjs-wasi/quickjs.wasm",
    "sql.js/dist/sql-wasm.wasm",
    "brotli-wasm/pkg.node/brotli_wasm_bg.wasm",
    "@resvg/resvg-wasm/index_bg.wasm",
    "esbuild-wasm/esbuild.wasm",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    "pyodide/pyodide.asm.wasm",
    "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm",
    "@duckdb/duckdb-wasm/dist/duckdb-mvp.wasm",
];

fn main() {
    let only = std::env::args().nth(1);
    println!("{:<40} {:>11} {:>11} {:>9}", "module", "bytes", "image", "seconds");
    for path in MODULES {
        if only.as_ref().is_some_and(|only| !path.contains(only.as_str())) {
            continue;
        }
        let Some(module) = tests_modules::find(path) else { continue };
        let name = path.rsplit('/').next().unwrap_or(path);
        let start = Instant::now();
        let made = tests_conformance::image::compile(&module);
        let seconds = start.elapsed().as_secs_f64();
        match made {
            Ok(image) => {
                println!("{name:<40} {:>11} {:>11} {seconds:>9.2}", module.len(), image.len());
            }
            Err(error) => {
                let reason: String = error.to_string().chars().take(120).collect();
                println!("{name:<40} {:>11} {:>11} {seconds:>9.2} {reason}", module.len(), "-");
            }
        }
    }
}
