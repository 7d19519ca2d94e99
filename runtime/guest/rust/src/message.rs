//! Messages: the frame that the gate loads and stores, and what a client puts into it and its window.

use crate::abi::{self, Status};
use crate::view::View;
use alloc::vec::Vec;

/// The message frame. The gate reads and writes it; nothing else of a message lies outside the window.
#[repr(C, align(16))]
#[derive(Default)]
pub struct Frame {
    /// Payload.
    pub words: [u64; 6],
    /// Method number.
    pub method: u64,
    /// Status of the reply.
    pub status: u64,
    /// Badge that the sender used.
    pub badge: u64,
    /// Generation of the peer.
    pub generation: u64,
    /// Handles that travel along: none, since no interface carries any yet.
    pub capabilities: [u64; 2],
    /// How many handles are taken: none, so that no peer fills the component's slots.
    pub accepts: u64,
    reserved: [u64; 3],
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<Frame>() as u64 == abi::frame::BYTES);
    assert!(offset_of!(Frame, method) as u64 == abi::frame::METHOD);
    assert!(offset_of!(Frame, status) as u64 == abi::frame::STATUS);
    assert!(offset_of!(Frame, badge) as u64 == abi::frame::BADGE);
    assert!(offset_of!(Frame, generation) as u64 == abi::frame::GENERATION);
    assert!(offset_of!(Frame, capabilities) as u64 == abi::frame::CAPABILITIES);
    assert!(offset_of!(Frame, accepts) as u64 == abi::frame::ACCEPTS);
};

/// A value that one word of a message carries.
pub trait Word: Copy {
    /// As a word.
    fn to_word(self) -> u64;
    /// Of a word, if a value has it.
    fn from_word(word: u64) -> Option<Self>;
}

macro_rules! words {
    ($($number:ty),+) => { $(
        impl Word for $number {
            fn to_word(self) -> u64 {
                self as u64
            }
            fn from_word(word: u64) -> Option<Self> {
                let value = word as Self;
                (value.to_word() == word).then_some(value)
            }
        }
    )+ };
}

words!(u8, u16, u32, u64, i8, i16, i32, i64);

impl Word for bool {
    fn to_word(self) -> u64 {
        self.into()
    }
    fn from_word(word: u64) -> Option<Self> {
        (word < 2).then_some(word == 1)
    }
}

impl Word for () {
    fn to_word(self) -> u64 {
        0
    }
    fn from_word(_: u64) -> Option<Self> {
        Some(())
    }
}

/// Bytes that a peer gives as little-endian words, each by its offset, a multiple of 8.
pub fn bytes_in_words(bytes: u64, mut word: impl FnMut(u64) -> u64) -> Vec<u8> {
    let mut all: Vec<u8> = (0..bytes.div_ceil(8)).flat_map(|at| word(8 * at).to_le_bytes()).collect();
    all.truncate(bytes as usize);
    all
}

/// A value that any bytes are, so that slices of it travel through a window.
///
/// # Safety
/// Every pattern of bits is a value, and none of its bytes is padding.
pub unsafe trait Plain: Copy + Default {}

macro_rules! plain {
    // SAFETY: numbers have every pattern of bits and no padding.
    ($($number:ty),+) => { $( unsafe impl Plain for $number {} )+ };
}

plain!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

/// An error of an interface's own, with what its variants carry.
pub trait Failure: Sized {
    /// The variant's number, from 0; what it carries goes into the words.
    fn encode(&self, words: &mut [u64]) -> u64;
    /// Of a variant's number and words.
    fn decode(number: u64, words: &[u64]) -> Option<Self>;
}

/// Memory that is shared with a peer: an address and bytes, empty where there is none.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    address: u64,
    bytes: u64,
}

impl Window {
    pub(crate) const fn new((address, bytes): (u64, u64)) -> Self {
        Self { address, bytes }
    }

    pub(crate) const fn bytes(self) -> u64 {
        self.bytes
    }

    pub(crate) const fn address(self) -> u64 {
        self.address
    }

    /// The address of a range that lies within.
    pub(crate) fn place(self, offset: u64, bytes: usize) -> Option<*mut u8> {
        let fits = offset.checked_add(bytes as u64).is_some_and(|end| end <= self.bytes);
        fits.then(|| core::ptr::with_exposed_provenance_mut((self.address + offset) as usize))
    }

    /// Copies values in; says whether they fit.
    pub(crate) fn put<T: Plain>(self, offset: u64, values: &[T]) -> bool {
        let Some(place) = self.place(offset, size_of_val(values)) else { return false };
        // SAFETY: the launcher mapped the window, apart from everything that Rust knows of; the range lies in it.
        unsafe { crate::memory::memcpy(place, values.as_ptr().cast(), size_of_val(values)) };
        true
    }

    /// Copies values out; says whether they lie within.
    pub(crate) fn take<T: Plain>(self, offset: u64, values: &mut [T]) -> bool {
        let Some(place) = self.place(offset, size_of_val(values)) else { return false };
        // SAFETY: as for `put`; whatever the peer wrote there is a value of `T`.
        unsafe { crate::memory::memcpy(values.as_mut_ptr().cast(), place, size_of_val(values)) };
        true
    }
}

/// A capability: the handle that the kernel knows, and the window of its channel. Only the kernel makes one; it is
/// moved, never copied.
pub struct Capability {
    handle: u64,
    window: Window,
}

impl Capability {
    pub(crate) const fn new(handle: u64, window: (u64, u64)) -> Self {
        Self { handle, window: Window::new(window) }
    }

    /// One that a kernel call made.
    pub const fn made(handle: u64) -> Self {
        Self::new(handle, (0, 0))
    }

    /// The handle, for a kernel call. Outside this component it means nothing.
    pub const fn handle(&self) -> u64 {
        self.handle
    }

    /// Its window, where that is memory of its own and no channel's.
    pub const fn view(&self) -> View {
        View::new(self.window)
    }

    /// Gives the capability up.
    pub fn close(self) {
        // SAFETY: the call passes no memory.
        unsafe { abi::cap_drop(self.handle) };
    }
}

impl AsRef<Self> for Capability {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What is lent to a server for writing, until it is taken back from the answer.
pub struct Lease(u64);

/// A message in the making.
pub struct Call<'c> {
    to: &'c Capability,
    frame: Frame,
    words: usize,
    end: u64,
}

impl<'c> Call<'c> {
    /// A call of a method.
    pub fn new(to: &'c Capability, method: u8) -> Self {
        let frame = Frame { method: method.into(), ..Frame::default() };
        Self { to, frame, words: 0, end: 0 }
    }

    fn word(&mut self, word: u64) {
        self.frame.words[self.words] = word;
        self.words += 1;
    }

    /// Adds a scalar.
    pub fn scalar(&mut self, value: impl Word) {
        self.word(value.to_word());
    }

    /// Adds values, which the server reads in the window.
    #[track_caller]
    pub fn lend<T: Plain>(&mut self, values: &[T]) -> Lease {
        let start = self.end;
        assert!(self.to.window.put(start, values), "an argument does not fit the channel's window");
        let bytes = size_of_val(values) as u64;
        self.end = (start + bytes).next_multiple_of(8);
        self.word(bytes << 32 | start);
        Lease(start)
    }

    /// Sends the message and waits for the answer.
    pub fn send(mut self) -> Answer<'c> {
        // SAFETY: the gate reads and writes this frame, which nobody else refers to.
        let answer = unsafe { abi::ipc_call(self.to.handle, &raw mut self.frame) };
        Answer { to: self.to, status: answer.status, words: self.frame.words }
    }
}

/// What a server answered.
pub struct Answer<'c> {
    to: &'c Capability,
    status: u64,
    words: [u64; 6],
}

impl Answer<'_> {
    /// Copies back what the server wrote into a lease.
    pub fn take_back<T: Plain>(&self, lease: &Lease, values: &mut [T]) {
        self.to.window.take(lease.0, values);
    }

    /// The result of a method that declares no error.
    #[track_caller]
    pub fn total<T: Word>(self) -> T {
        succeeded(self.status);
        value(&self.words)
    }

    /// The result of a method whose error is `Status`.
    #[track_caller]
    pub fn status<T: Word>(self) -> Result<T, Status> {
        status(self.status).map(|()| value(&self.words))
    }

    /// The result of a method with an error of its own.
    #[track_caller]
    pub fn failure<T: Word, E: Failure>(self) -> Result<T, E> {
        succeeded(self.status);
        let [number, rest @ ..] = &self.words;
        match number.checked_sub(1) {
            None => Ok(value(rest)),
            Some(number) => match E::decode(number, rest) {
                Some(error) => Err(error),
                None => panic!("the answer does not follow the interface"),
            },
        }
    }
}

#[track_caller]
fn value<T: Word>(words: &[u64]) -> T {
    match words.first().and_then(|word| T::from_word(*word)) {
        Some(value) => value,
        None => panic!("the answer does not follow the interface"),
    }
}

/// The result of a kernel call that always succeeds for a correct component.
#[track_caller]
pub fn total<T: Word>(answer: abi::Answer) -> T {
    succeeded(answer.status);
    value(&[answer.value])
}

/// The result of a kernel call that may fail.
#[track_caller]
pub fn fallible<T: Word>(answer: abi::Answer) -> Result<T, Status> {
    status(answer.status).map(|()| value(&[answer.value]))
}

fn status(number: u64) -> Result<(), Status> {
    match Status::from_number(number) {
        Some(Status::Ok) => Ok(()),
        Some(status) => Err(status),
        None => Err(Status::Malformed),
    }
}

#[track_caller]
fn succeeded(number: u64) {
    if let Err(status) = status(number) {
        panic!("the call failed: {}", status.name());
    }
}
