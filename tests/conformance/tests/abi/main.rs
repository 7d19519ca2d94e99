//! Every function of the Guest ABI that a host may lack, called by guests: what it does, and each way in which it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod arguments;
mod cache;

use services_zrun::linux::BackEnds;

/// Every back end.
fn everything() -> BackEnds {
    BackEnds::default()
}
