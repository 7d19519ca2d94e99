//! A client in Rust, of a server in `.in`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use space::{Authority, Component, Fault, client};

space_guest::component!(Client);

/// Ends as soon as it has started.
pub struct Client;

/// Something behind a table of functions: its addresses are relocated.
trait Shape {
    fn area(&self) -> u64;
}

struct Square(u64);
struct Line;

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

impl Shape for Line {
    fn area(&self) -> u64 {
        0
    }
}

fn areas(console: &client::DebugConsole) {
    let shapes: [Box<dyn Shape>; 3] = [Box::new(Square(5)), Box::new(Line), Box::new(Square(4))];
    let sum: u64 = shapes.iter().map(|shape| shape.area()).sum();
    console.write(&format!("areas {sum}\n"));
}

/// What is freed is used again: far more than the heap is allocated in all.
fn allocations() -> usize {
    let mut kept: BTreeMap<u32, String> = BTreeMap::new();
    for round in 0..2000_u32 {
        kept.insert(round % 61, format!("{round:0width$}", width = (round % 97) as usize));
        if round % 3 == 0 {
            kept.remove(&(round % 59));
        }
    }
    kept.values().map(String::len).sum()
}

impl Component for Client {
    fn start(authority: Authority) -> Self {
        let Authority { console, shouter, time } = authority;
        let mut text = *b"shout";
        let changed = shouter.shout(&mut text);
        console.write(&format!("{changed} {}\n", core::str::from_utf8(&text).unwrap_or("?")));
        console.write(&format!("{:?} {:?}\n", shouter.divide(-9, 3), shouter.divide(1, 0)));
        match shouter.divide(1, 0) {
            Err(Fault::ByZero(what)) => console.write(&format!("by zero: {what}\n")),
            other => console.write(&format!("{other:?}\n")),
        }
        areas(&console);
        console.write(&format!("strings of {} bytes\n", allocations()));
        console.write(if time.now() > 0 { "time goes\n" } else { "time stands\n" });
        Self
    }
}
