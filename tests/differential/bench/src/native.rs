//! Native peers: C by gcc, and modules by wasm2c and gcc. Each program is a process that answers `run` like a worker.

use crate::child::Peer;
use crate::engine::Failure;
use crate::programs::Program;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where wasm2c keeps its runtime.
const WASM2C_RUNTIME: &str = "/usr/share/wabt/wasm2c/wasm-rt-impl.c";

const FLAGS: &[&str] = &["-O2", "-ffp-contract=off", "-fno-math-errno", "-w"];

/// The loop around `run`, which the includes before it declare.
const MAIN: &str = r#"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int main(void) {
    uint32_t program, rounds;
    BEGIN;
    while (scanf(" run %" SCNu32 " %" SCNu32, &program, &rounds) == 2) {
        uint64_t start = now(), sum = RUN(rounds);
        printf("%" PRIu64 " %" PRIu64 "\n", now() - start, sum);
        fflush(stdout);
    }
    return 0;
}
"#;

/// Whether a program can be started.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Whether wasm2c and its runtime are there.
pub fn has_wasm2c() -> bool {
    has("wasm2c") && Path::new(WASM2C_RUNTIME).exists()
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {said}")) }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A kernel's source by gcc.
pub fn gcc(program: &Program, folder: &Path) -> Result<Option<Peer>, Failure> {
    let Some(source) = &program.source else { return Ok(None) };
    let (main, made) = (folder.join("gcc-main.c"), folder.join(format!("{}.gcc", program.name)));
    let before =
        "#include <stdint.h>\nuint64_t run(uint32_t);\n#define BEGIN\n#define RUN(rounds) run(rounds)\n";
    write(&main, &format!("{before}{MAIN}"))?;
    succeed(Command::new("gcc").args(FLAGS).arg("-o").arg(&made).arg(source).arg(&main).arg("-lm"))?;
    Peer::start(program.name, &mut Command::new(made)).map(Some)
}

/// A module's translation to C; its header is beside it.
fn translate(program: &Program, folder: &Path) -> Result<PathBuf, Failure> {
    let source = folder.join(format!("{}.wasm2c.c", program.name));
    succeed(Command::new("wasm2c").args(["-n", "kernel", "-o"]).arg(&source).arg(&program.module))?;
    Ok(source)
}

/// A module by wasm2c and gcc.
pub fn wasm2c(program: &Program, folder: &Path) -> Result<Peer, Failure> {
    let source = translate(program, folder)?;
    let (main, made) = (folder.join("wasm2c-main.c"), folder.join(format!("{}.wasm2c", program.name)));
    let before = format!(
        "#include \"{}.wasm2c.h\"\nstatic Z_kernel_instance_t instance;\n\
         #define BEGIN wasm_rt_init(); Z_kernel_init_module(); Z_kernel_instantiate(&instance)\n\
         #define RUN(rounds) Z_kernelZ_run(&instance, rounds)\n",
        program.name
    );
    write(&main, &format!("{before}{MAIN}"))?;
    let runtime = Path::new(WASM2C_RUNTIME);
    let mut command = Command::new("gcc");
    command.args(FLAGS).arg("-I").arg(folder).arg("-I").arg(runtime.parent().unwrap_or(runtime));
    succeed(command.arg("-o").arg(&made).arg(source).arg(&main).arg(runtime).arg("-lm"))?;
    Peer::start(program.name, &mut Command::new(made))
}
