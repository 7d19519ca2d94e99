//! MIR: the typed control-flow graph that every `.in` program becomes.
//!
//! A [`Program`](ir::Program) is whole: every function that the component can reach, monomorphic, with types
//! laid out ([`layout`]) and every check that can trap spelled out as a statement. `compiler-check` builds it,
//! the [`interpret`]er runs it for constants, tests and as the oracle of differential tests, and
//! `compiler-codegen` lowers it to machine code. [`verify`] says what is wrong with a program that is not
//! well-formed; [`print`] and [`parse`] are its text form.
#![forbid(unsafe_code)]

pub mod arithmetic;
pub mod interpret;
pub mod ir;
pub mod layout;
pub mod parse;
pub mod print;
pub mod verify;
