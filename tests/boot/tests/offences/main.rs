//! Each offence in a boot of its own: the offender dies of the fault named, or gets the status, and everyone else
//! goes on.

mod admission;
mod healthy;
mod instruction;
mod interrupt;
mod life;
mod message;
mod random;
mod server;
mod source;
mod system;
