//! What a Guest ABI function answers instead of a result.

macro_rules! codes {
    ($($number:literal $variant:ident $name:literal $doc:literal;)+) => {
        /// A negative result. The table only grows; a guest treats a code that it does not know as a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum ErrorCode { $(#[doc = $doc] $variant = $number),+ }
        impl ErrorCode {
            /// Every code, by number from -1 down.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable kebab-case name.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
            /// What it means, one sentence.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => $doc),+ } }
            /// The code of a result, if there is one.
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    -1 Invalid "invalid" "An argument is outside what the function accepts: an empty key or name, an unknown mode, a time that is too long, a handle that was never given.";
    -2 Fault "fault" "A pointer and its length leave the guest's memory.";
    -3 NotFound "not-found" "Nothing is there under this key, name or id.";
    -4 Denied "denied" "The capability is held, but not for this: no path leads there, or a blob is open the other way.";
    -5 Unsupported "unsupported" "The function is in the table, but not in this host.";
    -6 TooLarge "too-large" "A length is beyond its limit, or a value is too large for this function.";
    -7 Quota "quota" "The space's quota is used up, or the storage is full.";
    -8 Busy "busy" "Another space holds it.";
    -9 Closed "closed" "The other side is gone, or the handle was closed.";
    -10 Io "io" "Storage, a device or a service outside failed.";
    -11 WouldBlock "would-block" "Nothing is waiting, or there is no room now.";
    -12 Expired "expired" "The lease has ended.";
    -13 Malformed "malformed" "Text is not UTF-8, or what should be JSON is not.";
}

impl ErrorCode {
    /// The result that states it.
    pub const fn number(self) -> i32 {
        self as i32
    }
}
