//! Every bound of the mesh; bytes of a message and of an address are bounds of the Guest ABI.

pub use sci::limits::guest::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX as ADDRESS_BYTES_MAX};

/// Letters of a name: topology, host, space, path.
pub const NAME_LETTERS_MAX: usize = 63;
/// Spaces of a topology.
pub const SPACES_MAX: usize = 16_384;
/// Paths of a topology.
pub const PATHS_MAX: usize = 65_536;
/// Hosts that one topology runs on, besides this one.
pub const PEERS_MAX: usize = 16_384;

/// Messages that wait on a path, each way, unless it says otherwise.
pub const PATH_MESSAGES: u32 = 256;
/// The most that it may say.
pub const PATH_MESSAGES_MAX: u32 = 65_536;
/// Bytes that wait on a path, each way, unless it says otherwise.
pub const PATH_BYTES: u32 = 1024 * 1024;
/// The most that it may say; the least is one message.
pub const PATH_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Bytes that one host holds for a topology.
pub const MESH_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How often a message is given again after its receiver ended with it, unless its path says otherwise.
pub const REDELIVERIES: u32 = 3;
/// The most that it may say.
pub const REDELIVERIES_MAX: u32 = 16;

/// Answers to one message.
pub const ANSWERS_MAX: u32 = 16;
/// Nanoseconds after its processing in which a message may still be answered.
pub const ANSWER_NANOSECONDS: u64 = 60_000_000_000;
/// Messages that a space may still answer; the oldest is forgotten first.
pub const ANSWERABLE_MAX: usize = 1024;

/// Events that a topology declares.
pub const EVENTS_DECLARED_MAX: usize = 65_536;
/// Events that wait for a subscriber.
pub const EVENTS_MAX: usize = 256;
/// Their bytes.
pub const EVENT_BYTES_MAX: u64 = 1024 * 1024;

/// Dead letters that are kept; the oldest goes first.
pub const DEAD_LETTERS_MAX: usize = 1024;
/// Taps of one topology.
pub const TAPS_MAX: usize = 64;
/// Messages that wait in a tap.
pub const TAP_MESSAGES_MAX: usize = 1024;
/// Bytes that wait in a tap.
pub const TAP_BYTES_MAX: usize = 1024 * 1024;
/// Seconds over which a rate is taken.
pub const RATE_SECONDS: usize = 10;

/// Nanoseconds until a frame that was not answered is sent again, the first time; they double.
pub const RETRY_NANOSECONDS: u64 = 50_000_000;
/// And at most.
pub const RETRY_NANOSECONDS_MAX: u64 = 5_000_000_000;
/// Streams of one path that a receiver follows: the hosts that its sender was on and still has messages on.
pub const STREAMS_MAX: usize = 8;
/// Bytes of a frame: a message, names and numbers.
pub const FRAME_BYTES_MAX: usize = MESSAGE_BYTES_MAX as usize + 1024;

/// Bytes of a journal below which it is not begun anew, beside the bytes of its image.
pub const JOURNAL_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of records that are still to be written while the journal has no room; beyond, it must be begun anew.
pub const OWED_BYTES_MAX: usize = 1024 * 1024;
