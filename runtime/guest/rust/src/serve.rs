//! Serving: the receive loop, and what a method finds in a message.
//!
//! A message is read as if its sender were hostile: what does not fit the interface is answered with `malformed`,
//! and what lies in the window is copied before anything looks at it.

use crate::abi::{self, Status, badge};
use crate::message::{Failure, Frame, Plain, Window, Word};
use crate::start::StartPage;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Who carries out a component's methods: generated for each component.
pub trait Serve {
    /// Carries out a message, and says what the sender gets.
    fn message(&mut self, message: &mut Message<'_>) -> Result<(), Status>;
    /// Interrupts or signals have arrived, as bits.
    fn notified(&mut self, bits: u64);
}

/// A message that was received, and the answer in the making.
pub struct Message<'p> {
    page: &'p StartPage,
    badge: u64,
    method: u64,
    words: [u64; 6],
    answer: [u64; 6],
}

impl Message<'_> {
    /// Which export it came through, and the number of the method.
    pub fn target(&self) -> (u64, u64) {
        (self.badge >> badge::EXPORT_SHIFT, self.method & abi::frame::METHOD_MASK)
    }

    /// A scalar argument.
    pub fn scalar<T: Word>(&self, word: usize) -> Result<T, Status> {
        self.words.get(word).and_then(|word| T::from_word(*word)).ok_or(Status::Malformed)
    }

    /// An argument in the window.
    pub fn values<T: Plain>(&self, word: usize) -> Result<Vec<T>, Status> {
        let (window, offset, bytes) = self.range(word)?;
        if !bytes.is_multiple_of(size_of::<T>() as u64) || bytes > abi::WINDOW_BYTES_MAX {
            return Err(Status::Malformed);
        }
        let count = bytes as usize / size_of::<T>();
        let mut values = Vec::new();
        // A client must not be able to stop the component by lending more than there is room for.
        values.try_reserve_exact(count).map_err(|_| Status::Quota)?;
        values.resize(count, T::default());
        if window.take(offset, &mut values) { Ok(values) } else { Err(Status::Malformed) }
    }

    /// A text argument.
    pub fn text(&self, word: usize) -> Result<String, Status> {
        String::from_utf8(self.values(word)?).map_err(|_| Status::Malformed)
    }

    /// Puts an argument that the method changed back into the window.
    pub fn give_back<T: Plain>(&self, word: usize, values: &[T]) -> Result<(), Status> {
        let (window, offset, _) = self.range(word)?;
        if window.put(offset, values) { Ok(()) } else { Err(Status::Malformed) }
    }

    fn range(&self, word: usize) -> Result<(Window, u64, u64), Status> {
        let client = self.badge & badge::CLIENT_MASK;
        let window = self.page.client_window(client).ok_or(Status::Malformed)?;
        let lease = self.words.get(word).copied().unwrap_or_default();
        Ok((Window::new(window), lease & 0xffff_ffff, lease >> 32))
    }

    /// Answers a method that declares no error, or succeeded where that is `Status`.
    pub fn answer(&mut self, value: impl Word) {
        self.answer[0] = value.to_word();
    }

    /// Answers a method with an error of its own.
    pub fn answer_failure<T: Word, E: Failure>(&mut self, result: Result<T, E>) {
        let [number, rest @ ..] = &mut self.answer;
        match result {
            Ok(value) => rest[0] = value.to_word(),
            Err(error) => *number = error.encode(rest).wrapping_add(1),
        }
    }
}

/// The client whose message is carried out, and whether its reply is kept.
static CLIENT: AtomicU64 = AtomicU64::new(0);
static KEPT: AtomicBool = AtomicBool::new(false);

/// The number of the client whose message is carried out: the launcher counts a component's clients from 0, in the order
/// in which it connects them.
pub fn client() -> u64 {
    CLIENT.load(Ordering::Relaxed)
}

/// Keeps the reply to the message that is carried out: its sender waits until it is answered, while others are served.
/// What the method itself answers is not sent. A client that calls again while its reply is kept gets `busy`.
pub fn keep() -> Owed {
    KEPT.store(true, Ordering::Relaxed);
    Owed { client: client() }
}

/// A reply that a client waits for.
#[derive(Debug)]
pub struct Owed {
    client: u64,
}

impl Owed {
    /// Answers a method that declares no error, or succeeded where that is `Status`. A client that is gone gets nothing.
    pub fn answer(self, value: impl Word) {
        let mut frame = Frame::default();
        frame.words[0] = value.to_word();
        // Within the method that kept it, it is still the current one.
        let is_current = KEPT.load(Ordering::Relaxed) && client() == self.client;
        let reply = if is_current { 0 } else { self.client + 1 };
        // SAFETY: the gate reads this frame, which nobody else refers to.
        unsafe { abi::ipc_reply(reply, &raw mut frame) };
    }
}

/// Receives and answers for ever.
pub fn serve(page: &StartPage, server: &mut impl Serve) -> ! {
    let mut frame = Frame::default();
    // SAFETY: the gate reads and writes this frame, which nobody else refers to.
    unsafe { abi::ipc_recv(&raw mut frame) };
    loop {
        if frame.badge >> badge::EXPORT_SHIFT == badge::EXPORT_NOTIFICATION {
            server.notified(frame.words[0]);
            // SAFETY: as above.
            unsafe { abi::ipc_recv(&raw mut frame) };
            continue;
        }
        let (badge, method, words) = (frame.badge, frame.method, frame.words);
        CLIENT.store(badge & badge::CLIENT_MASK, Ordering::Relaxed);
        let mut message = Message { page, badge, method, words, answer: [0; 6] };
        let done = server.message(&mut message);
        frame = Frame::default();
        if KEPT.swap(false, Ordering::Relaxed) {
            // SAFETY: as above. A message that is not answered leaves its reply kept.
            unsafe { abi::ipc_recv(&raw mut frame) };
            continue;
        }
        match done {
            Ok(()) => frame.words = message.answer,
            Err(status) => frame.status = status.number(),
        }
        // SAFETY: as above.
        unsafe { abi::ipc_reply_recv(&raw mut frame) };
    }
}
