//! Object tables: a power of two of entries, reached by masked indices, so that no index can panic.
//!
//! An id that is out of range names some other entry, never memory outside; ids come from the kernel itself,
//! user input is compared with a bound first.

/// `N` entries, `N` a power of two.
#[derive(Clone, Copy, Debug)]
pub struct Table<T, const N: usize>([T; N]);

impl<T: Copy, const N: usize> Table<T, N> {
    /// Entries that are all `value`.
    pub const fn new(value: T) -> Self {
        const { assert!(N.is_power_of_two(), "indices are masked") };
        Self([value; N])
    }
}

impl<T, const N: usize> Table<T, N> {
    /// The entry of an index.
    #[inline]
    pub const fn at(&self, index: usize) -> &T {
        &self.0[index & (N - 1)]
    }

    /// The entry of an index, to change.
    #[inline]
    pub const fn at_mut(&mut self, index: usize) -> &mut T {
        &mut self.0[index & (N - 1)]
    }

    /// Every entry with its index.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().enumerate()
    }
}

/// Realms that exist at one time, and as many threads and endpoints; index 0 is none.
pub const REALMS: usize = 256;
/// Capability slots of all realms.
pub const CAPABILITIES: usize = 32 * 1024;
/// Memory objects.
pub const MEMORIES: usize = 1024;
/// Mappings of Memory objects.
pub const MAPPINGS: usize = 2048;
/// Notifications.
pub const NOTIFICATIONS: usize = 256;
/// Admitted images.
pub const IMAGES: usize = 256;
/// Interrupt lines.
pub const LINES: usize = 64;
