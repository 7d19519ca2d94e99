//! What is run: kernels in C of this repository, and real modules linked with a driver.

use crate::engine::Failure;
use compiler_driver::guest::{Guest, Input};
use std::fs;
use std::path::{Path, PathBuf};

/// Kernels, and the rounds that take gcc's code some 25 ms.
const KERNELS: &[(&str, u32)] = &[
    ("matmul", 26),
    ("jacobi", 500),
    ("seidel", 200),
    ("lu", 120),
    ("cholesky", 120),
    ("floyd_warshall", 25),
    ("nbody", 120_000),
    ("fft", 100),
    ("mandelbrot", 700),
    ("sieve", 80),
    ("crc32", 170),
    ("sha256", 100_000),
    ("quicksort", 4),
    ("levenshtein", 29),
    ("hashmap", 17),
    ("base64", 440),
    ("interpreter", 16_000_000),
    ("queens", 1_300),
    ("dispatch", 4_600),
];

/// A real module: its rounds, its file among the fetched packages, its shim, and the name it imports that by.
struct Real {
    name: &'static str,
    rounds: u32,
    file: &'static str,
    shim: &'static str,
    shim_name: &'static str,
}

const REAL: &[Real] = &[
    Real {
        name: "argon2",
        rounds: 10,
        file: "argon2-browser/dist/argon2.wasm",
        shim: "tests/modules/link/argon2/shim.wat",
        shim_name: "a",
    },
    Real {
        name: "lz4",
        rounds: 40,
        file: "lz4-wasm/lz4_wasm_bg.wasm",
        shim: "tests/bench/wasm/modules/lz4-shim.wat",
        shim_name: "./lz4_wasm_bg.js",
    },
    Real {
        name: "source-map",
        rounds: 10,
        file: "source-map/lib/mappings.wasm",
        shim: "tests/bench/wasm/modules/source-map-shim.wat",
        shim_name: "env",
    },
    Real {
        name: "sqlite",
        rounds: 4,
        file: "sql.js/dist/sql-wasm.wasm",
        shim: "tests/modules/link/sqlite/shim.wat",
        shim_name: "a",
    },
];

/// A program.
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Rounds of one run.
    pub rounds: u32,
    /// The module: it exports `run` and imports nothing.
    pub module: PathBuf,
    /// The same in C, if that is there.
    pub source: Option<PathBuf>,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn assemble(path: &Path) -> Result<Vec<u8>, Failure> {
    wat::parse_file(path).map_err(|error| error.to_string())
}

/// The kernels.
pub fn kernels() -> Vec<Program> {
    let folder = root().join("tests/bench/wasm");
    let kernel = |(name, rounds): &(&'static str, u32)| Program {
        name,
        rounds: *rounds,
        module: folder.join(format!("{name}.wasm")),
        source: Some(folder.join(format!("{name}.c"))),
    };
    KERNELS.iter().map(kernel).collect()
}

/// The real modules that were fetched, each linked to one module in `folder`.
pub fn real(folder: &Path) -> Result<Vec<Program>, Failure> {
    let fetched =
        std::env::var_os("SPACE_MODULES").map_or_else(|| root().join("target/modules"), PathBuf::from);
    let mut programs = Vec::new();
    for real in REAL {
        let file = fetched.join("node_modules").join(real.file);
        if !file.exists() {
            println!("MISSING: {}, run tests/modules/fetch; its figures are left out", real.file);
            continue;
        }
        let driver = root().join("tests/bench/wasm/modules").join(format!("{}.wat", real.name));
        let (driver, library, shim) = (assemble(&driver)?, read(&file)?, assemble(&root().join(real.shim))?);
        let linked = [
            Input { name: "lib", file: "lib.wasm", bytes: &library },
            Input { name: real.shim_name, file: "shim.wasm", bytes: &shim },
        ];
        let main = Input { name: "driver", file: "driver.wasm", bytes: &driver };
        let module = folder.join(format!("{}.wasm", real.name));
        let merged = Guest::new(main, &linked);
        let merged = merged.merged().map_err(|error| format!("{}: {error}", real.name))?;
        fs::write(&module, merged).map_err(|error| format!("{}: {error}", module.display()))?;
        programs.push(Program { name: real.name, rounds: real.rounds, module, source: None });
    }
    Ok(programs)
}
