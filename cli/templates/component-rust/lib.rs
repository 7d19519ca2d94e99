//! %Name%: a component of Space in Rust.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use space::{Authority, Component};

space_guest::component!(%Name%);

/// The component's state; it has none yet.
pub struct %Name%;

impl Component for %Name% {
    fn start(authority: Authority) -> Self {
        let squares: u32 = (1..=6).map(|number| number * number).sum();
        authority.console.write(&format!("hello from %name%: {squares}\n"));
        Self
    }
}
