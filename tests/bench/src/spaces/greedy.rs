//! Spaces that exchange messages, beside one that takes what it can get.

use super::application::{Member, Place};
use super::trip::{self, Trips};
use xtask::Failure;

/// Gate: how much slower a round trip may be.
const LOSS_MAX: f64 = 0.10;
/// How often each is measured, in turn.
const TURNS: usize = 5;
/// Trips that take seconds: who is greedy goes last after a moment, which belongs to those that do not count.
const TRIPS: Trips = Trips { warm: 30_000, count: 30_000 };

/// Computes for ever.
const PROCESSOR: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process") (loop $on (br $on)))
  (func (export "on_close")))"#;

/// Takes all the memory that there is for it, and writes to it over and over.
const MEMORY: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process") (local $at i32)
    (loop $on
      (drop (memory.grow (i32.const 16)))
      (local.set $at (i32.const 0))
      (loop $write
        (i32.store (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $write (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))
      (br $on)))
  (func (export "on_close")))"#;

/// Sends without a pause to one who takes nothing.
const MESSAGES: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "flood")
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    (loop $on
      (drop (call $emit (i32.const 0) (i32.const 5) (i32.const 64) (i32.const 1024)))
      (br $on)))
  (func (export "on_close")))"#;

/// Stores without a pause.
const DISK: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "value")
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    (loop $on
      (drop (call $put (i32.const 0) (i32.const 5) (i32.const 64) (i32.const 60000)))
      (br $on)))
  (func (export "on_close")))"#;

/// Takes nothing.
const IDLE: &str = r#"(module (memory (export "memory") 1)
  (func (export "on_init")) (func (export "on_process")) (func (export "on_close")))"#;

/// Prints how much slower messages are beside each.
pub fn run(place: &Place<'_>) -> Result<(), Failure> {
    for (what, module) in
        [("computes", PROCESSOR), ("takes memory", MEMORY), ("sends", MESSAGES), ("stores", DISK)]
    {
        let member = |name: &str, module| Member { name: name.to_owned(), module, rest: "" };
        let mut ratios = Vec::new();
        for _ in 0..TURNS {
            let beside = |module| {
                let others = [member("greedy", module), member("idle", IDLE)];
                trip::spaces(place, TRIPS, others.into(), &[["greedy", "flood", "idle"]])
            };
            ratios.push(beside(module)? / beside(IDLE)?);
        }
        let ratio = trip::median(ratios);
        let word = if ratio <= 1.0 + LOSS_MAX { "holds" } else { "does not hold" };
        println!(
            "a round trip beside a space that {what}: {ratio:.2} x one beside an idle space (gate 1.10: {word})"
        );
    }
    Ok(())
}
