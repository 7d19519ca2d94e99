//! What a system call may answer, and what stops a thread.
//!
//! A *status* is what can befall a correct component; a *fault* is what no correct image can do. Statuses
//! come back in `rax`; faults become messages to the supervisor.

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $value:literal, $text:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u64)]
        pub enum $name { $($(#[doc = $doc])+ $variant = $value),+ }
        impl $name {
            /// Every code, in numeric order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable kebab-case name.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
            /// What the code means, one sentence, for documentation.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => concat!($($doc),+)),+ } }
            /// The code of a number, if there is one.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($value => Some(Self::$variant),)+ _ => None }
            }
            /// The number that travels in a register.
            pub const fn number(self) -> u64 { self as u64 }
        }
    };
}

codes! {
    /// What a call answers in `rax`.
    Status {
        /// The call did what it says.
        Ok = 0, "ok";
        /// The capability was revoked.
        Revoked = 1, "revoked";
        /// The capability's lease has ended.
        Expired = 2, "expired";
        /// A call goes only to a component of strictly higher priority.
        Priority = 3, "priority";
        /// The caller's remaining budget is below the method's bound.
        Budget = 4, "budget";
        /// The object is in a state that does not allow this now.
        Busy = 5, "busy";
        /// The server died; the frame holds the generation that died.
        PeerGone = 6, "peer-gone";
        /// A quota or a fixed pool is exhausted.
        Quota = 7, "quota";
        /// The call is in the table but not in this kernel.
        Unsupported = 8, "unsupported";
        /// An argument is outside what the call accepts.
        Argument = 9, "argument";
        /// Admission refused the image; the value is the contract rule's number.
        Refused = 10, "refused";
        /// The launcher lacks authority that it would have to pass on.
        Authority = 11, "authority";
        /// Nothing is there: no such image, no message waiting.
        Absent = 12, "absent";
        /// The server's answer does not follow its interface.
        Malformed = 13, "malformed";
    }
}

codes! {
    /// Why a thread was stopped: word 1 of the message to its supervisor.
    Fault {
        /// The thread ended by itself: its start function returned.
        Exit = 0, "exit";
        /// An integer operation overflowed.
        Overflow = 1, "overflow";
        /// An index lies outside its array or slice.
        Bounds = 2, "bounds";
        /// A division by zero, or the one quotient that does not fit.
        Division = 3, "division";
        /// A conversion's value does not fit the target type.
        Conversion = 4, "conversion";
        /// An `assert` did not hold.
        Assertion = 5, "assertion";
        /// Code that the compiler proved unreachable was reached.
        Unreachable = 6, "unreachable";
        /// A generational id names an element that is gone.
        StaleId = 7, "stale-id";
        /// A value does not fit the buffer or window it must go through.
        Capacity = 8, "capacity";
        /// A peer's message does not follow the interface.
        Message = 9, "message";
        /// A call failed, because its server stopped or the kernel refused it, and its method declares no error to say so.
        CallFailed = 10, "call-failed";
        /// A guest's access outside its linear memory.
        MemoryBounds = 11, "memory-bounds";
        /// A guest's access outside its table.
        TableBounds = 12, "table-bounds";
        /// A guest's call of a null reference.
        NullElement = 13, "null-element";
        /// A guest's call of a function of another type than it expects.
        TypeMismatch = 14, "type-mismatch";
        /// A guest's fuel is used up.
        OutOfFuel = 15, "out-of-fuel";
        /// A read of memory that the realm may not read.
        ReadFault = 16, "read-fault";
        /// A write to memory that the realm may not write.
        WriteFault = 17, "write-fault";
        /// An instruction fetch from memory that is not an admitted image's text.
        ExecuteFault = 18, "execute-fault";
        /// The stack's guard page was touched.
        StackOverflow = 19, "stack-overflow";
        /// A privileged instruction, port access, or system register.
        Privileged = 20, "privileged";
        /// An undefined instruction.
        Undefined = 21, "undefined-instruction";
        /// An alignment check, debug trap, breakpoint or other exception.
        Exception = 22, "exception";
        /// A floating-point or SIMD exception.
        Float = 23, "float";
        /// An interrupt instruction: `int n`.
        SoftwareInterrupt = 24, "software-interrupt";
        /// A Rust component panicked; the fault's address says where.
        Panic = 25, "panic";
        /// A handle that the realm never held.
        ForgedHandle = 32, "forged-handle";
        /// A capability of another type than the call needs.
        WrongObject = 33, "wrong-object";
        /// A method outside the capability's mask.
        MethodMask = 34, "method-mask";
        /// A pointer or length outside the realm's memory.
        BadPointer = 35, "bad-pointer";
        /// A `syscall` instruction outside the gate.
        OutsideGate = 36, "outside-gate";
        /// A call number that is not in the table.
        UnknownCall = 37, "unknown-call";
        /// A reply where none is owed, or a receive by a thread without an inbox.
        NoReply = 38, "no-reply";
        /// The supervisor stopped the component, or on Linux someone its process.
        Killed = 48, "killed";
    }
}

impl Fault {
    /// What the code means, in the words that WebAssembly's authors know.
    pub const fn guest_meaning(self) -> &'static str {
        match self {
            Self::MemoryBounds => "out of bounds memory access",
            Self::TableBounds => "out of bounds table access",
            Self::NullElement => "uninitialized element",
            Self::TypeMismatch => "indirect call type mismatch",
            Self::Division => "integer divide by zero",
            Self::Overflow => "integer overflow",
            Self::Conversion => "invalid conversion to integer",
            Self::StackOverflow => "call stack exhausted",
            Self::Unreachable => "unreachable executed",
            Self::OutOfFuel => "all fuel consumed",
            fault => fault.name(),
        }
    }
}
