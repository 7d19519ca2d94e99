//! Every bound of the image format and of the Guest ABI, one name each.

/// Bytes of an encoded manifest.
pub const MANIFEST_BYTES_MAX: u32 = 16 * 1024;
/// Sections of an image.
pub const SECTIONS_MAX: u32 = 16;
/// Bytes of an image file.
pub const IMAGE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of a name: component, interface, method, module, item.
pub const NAME_BYTES_MAX: u32 = 255;
/// Capabilities that one component may require.
pub const CAPABILITIES_MAX: u32 = 64;
/// Interfaces that one component may export.
pub const EXPORTS_MAX: u32 = 32;
/// Methods of one interface: a capability's mask is one 64-bit word.
pub const METHODS_MAX: u32 = 64;
/// Imported function slots of one image.
pub const IMPORTS_MAX: u32 = 256;
/// Base-relative relocations of one image.
pub const RELOCATIONS_MAX: u32 = 1 << 20;
/// Clients whose windows one server may hold.
pub const CLIENTS_MAX: u32 = 64;
/// Parameters handed to a component at start.
pub const PARAMETERS_MAX: u32 = 64;
/// Bytes of one channel's window.
pub const WINDOW_BYTES_MAX: u32 = 64 * 1024;
/// Capabilities that one message may carry.
pub const MESSAGE_CAPABILITIES_MAX: usize = 2;
/// Words that one message carries in registers: arguments, each a scalar or a range of the window.
pub const MESSAGE_WORDS: usize = 6;
/// Bytes of a component's stack.
pub const STACK_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of a component's image in its slab, state and stack included.
pub const SLAB_IMAGE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Images in one bundle.
pub const BUNDLE_IMAGES_MAX: u32 = 256;
/// Instances in one system graph.
pub const INSTANCES_MAX: u32 = 256;
/// Grants in one system graph.
pub const GRANTS_MAX: u32 = 4096;
/// Trusted public keys on one policy page.
pub const POLICY_KEYS_MAX: u32 = 32;
/// Priorities run from 0, lowest, to this one.
pub const PRIORITY_MAX: u8 = 255;
/// Capability slots that one realm may hold.
pub const REALM_CAPABILITY_SLOTS_MAX: u32 = 1024;
/// Threads of one realm.
pub const REALM_THREADS_MAX: u32 = 16;
/// Mappings of one realm besides its image's own.
pub const REALM_MAPPINGS_MAX: u32 = 1024;
/// Parameters in one system graph.
pub const BUNDLE_PARAMETERS_MAX: u32 = 4096;
/// Bytes of a bundle's names.
pub const BUNDLE_NAMES_BYTES_MAX: u32 = 1 << 20;

const _: () =
    assert!(CAPABILITIES_MAX <= u64::BITS && PARAMETERS_MAX <= u64::BITS && METHODS_MAX <= u64::BITS);

/// Bounds of the Guest ABI. They may be raised, never lowered: a guest compiled today relies on them.
pub mod guest {
    /// A bound, for documentation.
    #[derive(Clone, Copy, Debug)]
    pub struct Limit {
        /// Name of the constant.
        pub name: &'static str,
        /// The bound.
        pub value: u32,
        /// What it bounds.
        pub summary: &'static str,
    }

    macro_rules! limits {
        ($($name:ident = $value:expr, $summary:literal;)+) => {
            $(#[doc = $summary] pub const $name: u32 = $value;)+
            /// Every bound.
            pub const ALL: &[Limit] =
                &[$(Limit { name: stringify!($name), value: $name, summary: $summary }),+];
        };
    }

    limits! {
        MESSAGE_BYTES_MAX = 64 * 1024, "Bytes of a message or an event.";
        VALUE_BYTES_MAX = 64 * 1024, "Bytes of a value; what is larger is a blob.";
        KEY_BYTES_MAX = 512, "Bytes of a key.";
        NAME_BYTES_MAX = 255, "Bytes of a name: destination, agent, event, sensor, actuator, function.";
        LOG_LINE_BYTES_MAX = 4096, "Bytes of a log line.";
        JSON_BYTES_MAX = 16 * 1024, "Bytes of a specification, of options, of an action.";
        INPUT_BYTES_MAX = 64 * 1024, "Bytes of what an agent or the intelligence cache is asked.";
        RESULT_BYTES_MAX = 1024 * 1024, "Bytes of a result that the host keeps.";
        CHUNK_BYTES_MAX = 64 * 1024, "Bytes of a blob or of sound that one call takes or gives.";
        OPEN_BLOBS_MAX = 16, "Blobs that a space may have open.";
        SLEEP_MILLISECONDS_MAX = 24 * 60 * 60 * 1000, "Milliseconds of one `sys.sleep`.";
        LEASE_MILLISECONDS_MAX = 60 * 1000, "Milliseconds for which an actuator is locked.";
        WASI_IOVECS_MAX = 1024, "Buffers of one `fd_write`.";
        WASI_SUBSCRIPTIONS_MAX = 64, "Subscriptions of one `poll_oneoff`.";
    }
}

/// Bounds of WebAssembly modules: what the compiler takes.
pub mod wasm {
    /// Bytes of a module.
    pub const MODULE_BYTES_MAX: u64 = 64 * 1024 * 1024;
    /// Bytes of one function's body.
    pub const FUNCTION_BYTES_MAX: u64 = 1024 * 1024;
    /// Types.
    pub const TYPES_MAX: u64 = 16_384;
    /// Functions, imported ones among them.
    pub const FUNCTIONS_MAX: u64 = 200_000;
    /// Imports.
    pub const IMPORTS_MAX: u64 = 4_096;
    /// Exports.
    pub const EXPORTS_MAX: u64 = 100_000;
    /// Globals.
    pub const GLOBALS_MAX: u64 = 16_384;
    /// Tables.
    pub const TABLES_MAX: u64 = 64;
    /// Elements that a table has at its beginning.
    pub const TABLE_ELEMENTS_MAX: u64 = 10_000_000;
    /// Elements up to which a table that grows may grow, if its own maximum is not lower.
    pub const TABLE_GROWTH_ELEMENTS: u64 = 1 << 20;
    /// Bytes of an element of a table.
    pub const TABLE_ELEMENT_BYTES: u64 = 4;
    /// Memories.
    pub const MEMORIES_MAX: u64 = 64;
    /// Segments of elements, and of data.
    pub const SEGMENTS_MAX: u64 = 100_000;
    /// Bytes of a memory's initial content that an image carries.
    pub const CONTENT_BYTES_MAX: u64 = 32 * 1024 * 1024;
    /// Bytes of a guest's stack.
    pub const STACK_BYTES: u64 = 2 * 1024 * 1024;

    /// Elements that a table which grows may have, by how many it begins with and its own maximum.
    #[must_use]
    pub const fn table_capacity(minimum: u64, maximum: Option<u64>) -> u64 {
        let most = match maximum {
            Some(maximum) if maximum < TABLE_GROWTH_ELEMENTS => maximum,
            _ => TABLE_GROWTH_ELEMENTS,
        };
        if most < minimum { minimum } else { most }
    }
}
