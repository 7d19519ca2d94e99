//! Host functions that a guest imports.

use super::activation::Activation;

/// What the guest passed to a host function, and what it gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Registers {
    /// rdi, rsi, rdx, rcx, r8, r9.
    pub ints: [u64; 6],
    /// xmm0 to xmm7.
    pub floats: [[u8; 16]; 8],
    /// Zero until the host function sets them.
    pub results: Results,
}

/// What a host passes to a guest function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Arguments {
    /// rdi, rsi, rdx, rcx, r8, r9.
    pub ints: [u64; 6],
    /// xmm0 to xmm7.
    pub floats: [[u8; 16]; 8],
}

/// What a function returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Results {
    /// rax and rdx.
    pub ints: [u64; 2],
    /// xmm0 and xmm1.
    pub floats: [[u8; 16]; 2],
}

/// A host function that takes its arguments from memory. It runs on the thread's stack, and may call guests.
pub type HostFunction = dyn Fn(&Activation, &mut Registers) + Send + Sync;

/// A host function whose signature has integers only: it takes them from registers, and gives at most one.
pub type HostIntegers = dyn Fn(&Activation, &[u64; 6]) -> u64 + Send + Sync;

/// What an entry's data points to: one word, other than a function object's two.
pub(super) struct Shared(Box<HostFunction>);

/// The same for an entry of [`Imports::push_integers`].
struct SharedIntegers(Box<HostIntegers>);

/// An import as the gate sees it.
#[derive(Debug)]
#[repr(C)]
pub(super) struct HostEntry {
    /// What the gate calls.
    pub(super) code: *const (),
    /// The host function's own.
    pub(super) data: *mut (),
}

/// Host functions by import number, shared by the instances that are linked to them.
#[derive(Default)]
pub struct Imports {
    entries: Vec<HostEntry>,
    /// What entries point to.
    #[expect(
        clippy::vec_box,
        reason = "an entry holds the address of a boxed function, which must not move"
    )]
    functions: Vec<Box<Shared>>,
    #[expect(clippy::vec_box, reason = "as above")]
    integers: Vec<Box<SharedIntegers>>,
}

// SAFETY: entries are read only; the functions are `Send + Sync`, and `push_typed` demands as much.
unsafe impl Send for Imports {}
// SAFETY: as above.
unsafe impl Sync for Imports {}

impl Imports {
    /// No host functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function as the next import.
    pub fn push(&mut self, function: Box<HostFunction>) {
        let function = Box::new(Shared(function));
        let data = (&raw const *function).cast_mut().cast();
        self.entries.push(HostEntry { code: super::gate::spill(), data });
        self.functions.push(function);
    }

    /// Adds a function as the next import whose signature has integers only, and at most six parameters.
    pub fn push_integers(&mut self, function: Box<HostIntegers>) {
        let function = Box::new(SharedIntegers(function));
        let data = (&raw const *function).cast_mut().cast();
        self.entries.push(HostEntry { code: call_integers as *const (), data });
        self.integers.push(function);
    }

    /// Adds a function that receives the guest's registers unchanged; it finds its instance by
    /// [`Activation::with_current`] and `data` by [`Activation::import_data`].
    ///
    /// # Safety
    /// `code` is an `extern "sysv64"` function of the import's signature, and does not unwind. It may use `data` from
    /// every thread that runs a guest.
    pub unsafe fn push_typed(&mut self, code: *const (), data: *mut ()) {
        self.entries.push(HostEntry { code, data });
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The table for the gate.
    pub(super) fn table(&self) -> *const HostEntry {
        self.entries.as_ptr()
    }
}

impl std::fmt::Debug for Imports {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Imports").field("entries", &self.entries).finish_non_exhaustive()
    }
}

/// What the gate's stub calls for an entry of [`Imports::push`]. A panic ends the process here: guest frames cannot
/// be unwound.
pub(super) extern "sysv64" fn call_function(registers: &mut Registers, function: &Shared) {
    Activation::with_current(|activation| (function.0)(activation, registers));
}

/// What the gate calls for an entry of [`Imports::push_integers`]: the guest's registers, whatever those hold that
/// the signature does not name. A panic ends the process here, too.
extern "sysv64" fn call_integers(one: u64, two: u64, three: u64, four: u64, five: u64, six: u64) -> u64 {
    let called = Activation::with_current(|activation| {
        let function: *const SharedIntegers = activation.import_data().cast_const().cast();
        // SAFETY: entries with this code have such data, which lives as long as the imports that the activation holds.
        let function = unsafe { &*function };
        (function.0)(activation, &[one, two, three, four, five, six])
    });
    called.unwrap_or_default()
}
