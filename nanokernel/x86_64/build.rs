//! Tells the linker where the kernel lies. Only the kernel binary is linked in this way.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    println!("cargo:rerun-if-changed=src/boot.s");
    println!("cargo:rerun-if-changed=src/entry.s");
    if std::env::var_os("CARGO_FEATURE_BARE").is_none() {
        return;
    }
    let directory = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    let script = format!("-Wl,-T{directory}/link.ld");
    for argument in [
        "-nostdlib",
        "-nostartfiles",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        "-Wl,-zmax-page-size=4096",
        &script,
    ] {
        println!("cargo:rustc-link-arg-bin=nanokernel={argument}");
    }
}
