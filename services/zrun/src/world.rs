//! What a space's calls do outside it.

use crate::agents::Agents;
use crate::cache::Cache;
use crate::data::Store;
use crate::devices::{Audio, Devices};
use crate::events::Events;
use crate::mail::Mail;
use alloc::string::String;
use sci::guest::Function;

/// Whether a host may lack what a function needs.
pub(crate) fn is_optional(function: &Function) -> bool {
    matches!(function.module, "ic" | "sensors" | "actuators" | "audio" | "events" | "agent")
}

/// The effects of a space's calls: a machine's, or a simulation's.
pub trait World {
    /// Takes a line of the space's log, without its end.
    fn log(&mut self, line: &str);
    /// Nanoseconds since 1970.
    fn realtime(&mut self) -> u64;
    /// Nanoseconds since some time before.
    fn monotonic(&mut self) -> u64;
    /// Waits; `false` if the space is to end instead.
    fn sleep(&mut self, nanoseconds: u64) -> bool;
    /// Lets others run.
    fn pause(&mut self);
    /// Random bytes that nobody can predict; `false` if there are none.
    fn random(&mut self, bytes: &mut [u8]) -> bool;
    /// The machine, as JSON.
    fn node_info(&mut self) -> String;
    /// The space's values.
    fn store(&mut self) -> &mut dyn Store;
    /// The space's messages.
    fn mail(&mut self) -> &mut dyn Mail;

    /// The space's intelligence cache, where this host has one.
    fn cache(&mut self) -> Option<&mut dyn Cache> {
        None
    }
    /// The space's sensors and actuators, where this host has any.
    fn devices(&mut self) -> Option<&mut dyn Devices> {
        None
    }
    /// The space's microphone and speaker, where this host has any.
    fn audio(&mut self) -> Option<&mut dyn Audio> {
        None
    }
    /// The space's events, where this host has any.
    fn events(&mut self) -> Option<&mut dyn Events> {
        None
    }
    /// The agents that the space may invoke, where this host has any.
    fn agents(&mut self) -> Option<&mut dyn Agents> {
        None
    }

    /// Whether a function of the table is served here: some need a part of the world that a host may lack.
    fn serves(&mut self, function: &Function) -> bool {
        match function.module {
            "ic" => self.cache().is_some(),
            "sensors" | "actuators" => self.devices().is_some(),
            "audio" => self.audio().is_some(),
            "events" => self.events().is_some(),
            "agent" => self.agents().is_some(),
            _ => true,
        }
    }
}
