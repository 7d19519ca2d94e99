//! What needs the nanokernel: the realm, its first thread, and the functions that guests call.

pub(crate) mod calls;
mod channel;
mod enter;
pub(crate) mod owed;
mod realm;
mod start;
mod state;
