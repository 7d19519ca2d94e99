//! The oracle: random programs run twice, by the MIR interpreter and as machine code, and compared.
//!
//! [`generate`] writes well-typed `.in` source from a seed, [`front`] compiles it to MIR, [`native`] runs machine
//! code in this process and says how it ended, and [`compare`] holds the two against each other.

pub mod compare;
pub mod coverage;
pub mod front;
pub mod generate;
pub mod native;
pub mod random;
