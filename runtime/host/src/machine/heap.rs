//! What the allocator keeps.

/// Gives freed memory back to the system, which GNU's allocator keeps where something in use lies behind it: worth it
/// after work that took much more than it left. Other allocators do so by themselves.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: nothing in use is touched, and any thread may call it (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}
