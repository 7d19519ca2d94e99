//! The format under test: rules, hostile files, golden bytes, round trips, mutations, and the normative page.
#![allow(clippy::pedantic, dead_code, reason = "tables of cases; each file uses a part of the samples")]
#![forbid(unsafe_code)]

mod boundaries;
mod flip;
mod fuzz;
mod golden;
mod hostile_bundle;
mod hostile_image;
mod random;
mod round_trip;
mod rules;
mod sample;
mod tables;
