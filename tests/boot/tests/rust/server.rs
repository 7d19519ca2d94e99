//! A server in Rust, for a client in `.in`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};
use space::{Authority, Component, Order, Parameters, Problem, export};
use space_guest::Status;

space_guest::component!(Server);

/// What the messages work on.
pub struct Server {
    lines: Vec<String>,
    limit: u64,
}

impl Component for Server {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        authority.console.write("rust server is up\n");
        Self { lines: Vec::new(), limit: parameters.limit }
    }
}

impl export::Store for Server {
    fn add(&mut self, line: &str) -> Result<u32, Problem> {
        if line.is_empty() {
            return Err(Problem::Empty);
        }
        if line.len() as u64 > self.limit {
            return Err(Problem::TooLong(line.len() as u64, -1));
        }
        self.lines.push(line.into());
        Ok(self.lines.len() as u32)
    }

    fn digest(&mut self, of: &str, into: &mut [u8]) -> bool {
        let digest = Sha256::digest(of.as_bytes());
        let fits = into.len() >= digest.len();
        if fits {
            into[..digest.len()].copy_from_slice(&digest);
        }
        fits
    }

    fn sum(&mut self, numbers: &[i32], order: Order) -> i64 {
        let sum: i64 = numbers.iter().copied().map(i64::from).sum();
        if order == Order::Down { -sum } else { sum }
    }

    fn clear(&mut self, sure: bool) -> Result<(), Status> {
        if !sure {
            return Err(Status::Busy);
        }
        self.lines.clear();
        Ok(())
    }
}
