//! The format under test: rules, hostile files, golden bytes, round trips, mutations, and the normative page.
#![forbid(unsafe_code)]

mod hostile_bundle;
mod hostile_image;
mod rules;
mod sample;
