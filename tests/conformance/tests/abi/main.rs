//! Every function of the Guest ABI that a host may lack, called by guests: what it does, and each way in which it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod agents;
mod arguments;
mod audio;
mod cache;
mod devices;
mod events;

use services_zrun::linux::BackEnds;

/// Every back end.
fn everything() -> BackEnds {
    BackEnds {
        audio: audio::silence().audio,
        agents: agents::none().agents,
        ..events::back_ends(&devices::rack())
    }
}
