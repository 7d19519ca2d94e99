//! What a component written in Rust stands on: its entry, panics, heap, messages, and the kernel's calls.
//!
//! `space build` writes this crate to `build/space-guest` of a project, and beside it the bindings that
//! [`component!`] brings in: client types for what the component block requires, traits for what it exports.
//!
//! | module | does |
//! |---|---|
//! | [`abi`] | numbers and calls, generated from the tables of `sci` |
//! | [`message`] | the frame, what a client sends and what it gets |
//! | [`serve`] | the receive loop and what a server reads and answers |
//! | [`start`] | the start page: handles, windows, parameters |
//! | [`heap`] | the allocator over the component's own memory |
//! | [`panic`] | a panic's words on the console, its place in the fault |
//! | [`memory`] | the functions on memory that compiled code calls |
//! | [`view`] | memory that is shared with a device, and its registers |
#![no_std]
#![no_builtins]

extern crate alloc;

pub mod abi;
pub mod heap;
pub mod memory;
pub mod message;
pub mod panic;
pub mod serve;
pub mod start;
pub mod view;

pub use abi::Status;
pub use heap::Heap;
pub use message::{Call, Capability, Plain, Word, bytes_in_words};
pub use serve::{Message, Owed, Serve, client, keep};
pub use start::{StartPage, nanoseconds, ticks_a_second, ticks_at_boot};
pub use view::{View, fence};

use abi::thread_operation;

/// Ends the component; 0 is success.
pub fn exit(code: u64) -> ! {
    // SAFETY: the call passes no memory.
    unsafe { abi::thread_control(0, thread_operation::EXIT, code, 0) };
    stop()
}

/// Where no kernel call comes back from.
pub(crate) fn stop() -> ! {
    // SAFETY: an undefined instruction ends the component, whatever its state.
    unsafe { core::arch::asm!("ud2", options(noreturn, nomem, nostack)) }
}

/// Makes the crate a component: brings in the module `space` that `space build` generated from `component.in`, the
/// heap, and the entry that starts the type named, which implements `space::Component`.
#[macro_export]
macro_rules! component {
    ($component:ty) => {
        $crate::library!();

        /// Where the main thread begins.
        #[unsafe(no_mangle)]
        extern "C" fn _start(page: &'static $crate::StartPage) -> ! {
            $crate::panic::prepare(page, space::CONSOLE);
            space::run::<$component>(page)
        }
    };
}

/// Makes the crate a library: brings in the module `space` and the heap. It offers its functions whose exported names
/// are `module.item`, and runs in the realm, on the stack and with the capabilities of whoever calls them.
#[macro_export]
macro_rules! library {
    () => {
        /// What `component.in` says, for Rust.
        #[allow(dead_code, reason = "the crate uses what it needs of it")]
        pub mod space {
            include!(env!("SPACE_BINDINGS"));
        }

        #[global_allocator]
        static HEAP: $crate::Heap<{ space::HEAP_BYTES }> = $crate::Heap::new();
    };
}
