//! Every bound of the desk.

use std::time::Duration;

/// Bytes of a message of a UI space.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a line that a UI space logs.
pub const LOG_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a name in a request.
pub const NAME_BYTES_MAX: usize = 256;
/// Bytes of a request's body: a message as hexadecimal digits, and what is around it.
pub const BODY_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX + 4 * 1024;
/// Messages that a UI space may send in a second, and at once.
pub const MESSAGES_A_SECOND: u32 = 200;
/// Tickets that wait for their use. The oldest goes first.
pub const TICKETS_MAX: usize = 16;
/// Sessions. The one that was used least lately goes first.
pub const SESSIONS_MAX: usize = 32;
/// Frames of one session.
pub const FRAMES_MAX: usize = 64;
/// Streams of one session.
pub const STREAMS_MAX: usize = 16;
/// Messages that wait for one frame; as long as there are so many, no more are taken for its space.
pub const FRAME_QUEUE_MAX: usize = 256;
/// Answers that one frame waits for.
pub const ASKED_MAX: usize = 1024;
/// A frame whose page has no stream for so long holds no other frame back: it misses messages.
pub const FRAME_LATE: Duration = Duration::from_secs(2);
/// A frame whose page has no stream for so long is closed.
pub const FRAME_SILENCE: Duration = Duration::from_secs(10);
/// How often the state is looked at.
pub const STATE_PERIOD: Duration = Duration::from_millis(500);
/// How often messages are looked for while a page shows a UI space, or taps a path.
pub const MESSAGE_PERIOD: Duration = Duration::from_millis(25);
/// Messages of a tap that one event carries.
pub const TAP_BATCH_MAX: usize = 100;
/// Bytes of a tapped message that are shown.
pub const TAP_BYTES_SHOWN: usize = 4 * 1024;
/// How often a page without frames looks for news of its frames.
pub const IDLE_PERIOD: Duration = Duration::from_millis(100);
