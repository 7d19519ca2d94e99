//! What boots: the kernel and the OS components, embedded, and the runners that start them in QEMU or on this host.
//!
//! | module | does |
//! |---|---|
//! | [`qemu`] | finds QEMU, makes its command line |
//! | [`run`] | starts it, relays the console, says how the run ended |
//! | [`linux`] | the same on this host, without QEMU |
//! | [`fault`] | reads the kernel's fault lines |
#![forbid(unsafe_code)]

pub mod fault;
pub mod linux;
pub mod qemu;
pub mod run;

pub use fault::FaultLine;
pub use linux::LinuxRun;
pub use qemu::{Machine, Qemu};
pub use run::{Ending, Error, Run, Stop};

/// The kernel: one ELF64 with a multiboot1 and a PVH entry.
pub static KERNEL: &[u8] = include_bytes!(env!("SPACE_KERNEL_FILE"));

/// The OS components, unsigned, by name.
pub static OS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/os.rs"));

/// The component that hosts a guest, and the same with memory for modules that recognize.
const HOST: &str = "zrun";
const HOST_OF_MODULES: &str = "zalone";

/// The OS components for a guest that is alone and has modules which recognize.
pub fn os_with_modules() -> Vec<(&'static str, &'static [u8])> {
    let large = OS.iter().find(|(name, _)| *name == HOST_OF_MODULES);
    let chosen = |(name, bytes): &(&'static str, &'static [u8])| match large {
        Some((_, large)) if *name == HOST => (*name, *large),
        _ => (*name, *bytes),
    };
    OS.iter().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::{OS, os_with_modules};
    use sci::guest::{FUNCTIONS, WASI_FUNCTIONS, WASI_MODULE};
    use sci::header::Kind;
    use sci::image::Image;
    use sci::layout::LIBRARY_STACK_BYTES;
    use sci::linkage::{RUNTIME_FUNCTIONS, RUNTIME_MODULE};

    fn image(name: &str) -> Image<'static> {
        let (_, bytes) = OS.iter().find(|(known, _)| *known == name).expect("it is embedded");
        Image::verify(bytes).expect("it is right")
    }

    #[test]
    fn a_guests_library_offers_what_guests_may_import() {
        let image = image("shim");
        let manifest = image.manifest();
        let names = |module: &str, item: &str| format!("{module}.{item}");
        let mut expected: Vec<String> =
            FUNCTIONS.iter().map(|function| names(function.module, function.item)).collect();
        expected.extend(WASI_FUNCTIONS.iter().map(|function| names(WASI_MODULE, function.item)));
        expected.extend(RUNTIME_FUNCTIONS.iter().map(|function| names(RUNTIME_MODULE, function.name)));
        expected.push(names(RUNTIME_MODULE, "start"));
        expected.sort();
        assert_eq!(image.header().kind, Kind::Library);
        assert_eq!(manifest.exports.iter().map(|export| export.item).collect::<Vec<_>>(), expected);
        assert_eq!(manifest.memory.stack_bytes, LIBRARY_STACK_BYTES);
        let required: Vec<(&str, &str)> =
            manifest.required.iter().map(|one| (one.name, one.interface)).collect();
        let wanted = [
            ("host", "space.zrun.Host"),
            ("memory", "Memory"),
            ("clock", "Clock"),
            ("timer", "Notification"),
        ];
        assert_eq!(required, wanted);
    }

    #[test]
    fn a_guests_host_serves_the_interface_that_its_library_requires() {
        let library = image("shim");
        for (os, heap) in [(OS.to_vec(), 12 << 20), (os_with_modules(), 46 << 20)] {
            let (_, bytes) = os.iter().find(|(known, _)| *known == "zrun").expect("it is there");
            serves(&Image::verify(bytes).expect("it is right"), &library, heap);
        }
    }

    fn serves(host: &Image<'_>, library: &Image<'_>, heap: u64) {
        assert!((heap..heap + (1 << 20)).contains(&host.manifest().memory.state_bytes));
        let exported = host.manifest().exported.get(0).expect("it exports one");
        let required = library.manifest().required.get(0).expect("it requires one");
        assert_eq!((exported.interface, exported.hash), (required.interface, required.hash));
        assert_eq!(host.header().kind, Kind::Component);
        let parameters: Vec<&str> =
            host.manifest().parameters.iter().map(|parameter| parameter.name).collect();
        let told = ["grants", "epoch", "seed0", "seed1", "seed2", "seed3", "together", "agents", "kept"];
        assert_eq!(parameters[..told.len()], told);
        let of_itself = |parameter: &&str| parameter.starts_with("name") || parameter.starts_with("devices");
        assert!(parameters[told.len()..].iter().all(of_itself));
    }
}
