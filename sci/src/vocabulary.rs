//! The capability vocabulary: interfaces that exist without being declared in `.in` source.
//!
//! A right is a method: bit *i* of a capability's mask is method *i* of its interface. Compiler checks,
//! validators, the kernel's dispatch and the reference pages all read this table.

/// Type of one argument or result of a method in this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An unsigned integer of the given bits.
    Unsigned(u8),
    /// UTF-8 text, lent for reading.
    Text,
    /// Bytes, lent for reading.
    Bytes,
    /// Bytes, lent for writing.
    BytesMut,
    /// As a result a new linear handle to the named interface with all its methods; as an argument a borrowed one.
    Handle(&'static str),
    /// Any capability of the caller's, borrowed: its handle travels.
    Any,
}

/// Who carries a method out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// A message to whoever serves the endpoint: a component, or the kernel in its place.
    Message,
    /// A system call by name, the capability's handle as first argument, the given constants inserted by the table's user.
    Kernel(&'static str),
    /// Generated code alone, from the start page: no call.
    Inline,
}

/// One argument of a method.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub shape: Shape,
}

/// One method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Its name; also the right's name.
    pub name: &'static str,
    /// Arguments after the capability itself.
    pub arguments: &'static [Argument],
    /// Result, if it has one.
    pub result: Option<Shape>,
    /// Whether the method answers `! Status`: a status that is not `ok` comes back as an error value.
    pub fallible: bool,
    /// Who carries it out.
    pub served: Served,
    /// Constant that the system call gets as its second argument (its operation), where it has one.
    pub operation: Option<u64>,
    /// Whether its results depend on more than the component's own inputs.
    pub nondeterministic: bool,
    /// One sentence.
    pub summary: &'static str,
}

/// One interface.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// Its name, as source and manifests write it.
    pub name: &'static str,
    /// Its number: the object type that `cap_query` answers.
    pub number: u8,
    /// Methods; the index is the right's bit.
    pub methods: &'static [Method],
    /// One sentence.
    pub summary: &'static str,
}

impl Interface {
    /// Number of the named method.
    pub fn method(&self, name: &str) -> Option<u32> {
        self.methods.iter().position(|method| method.name == name).map(|index| index as u32)
    }

    /// The mask that has every method.
    pub fn full_mask(&self) -> u64 {
        self.methods.iter().enumerate().fold(0, |mask, (index, _)| mask | 1 << index)
    }
}

macro_rules! arguments {
    ($($name:ident: $shape:expr),*) => { &[$(Argument { name: stringify!($name), shape: $shape }),*] };
}

macro_rules! interfaces {
    ($($number:literal $name:ident $summary:literal { $($method:literal ($($argument:ident: $shape:expr),*) $(-> $result:expr)? , $fallible:ident, $served:expr $(, op($operation:expr))? $(, nondet $nondet:tt)? ; $doc:literal)* })+) => {
        /// Every interface of the vocabulary, by number.
        pub const INTERFACES: &[Interface] = &[$(Interface {
            name: stringify!($name), number: $number, summary: $summary,
            methods: &[$(Method {
                name: $method,
                arguments: arguments!($($argument: $shape),*),
                result: interfaces!(@result $($result)?),
                fallible: interfaces!(@fallible $fallible),
                served: $served,
                operation: interfaces!(@operation $($operation)?),
                nondeterministic: interfaces!(@nondet $($nondet)?),
                summary: $doc,
            }),*],
        }),+];
    };
    (@result) => { None };
    (@result $result:expr) => { Some($result) };
    (@fallible fallible) => { true };
    (@fallible total) => { false };
    (@operation) => { None };
    (@operation $operation:expr) => { Some($operation) };
    (@nondet) => { false };
    (@nondet $bang:tt) => { true };
}

use crate::syscall::{
    irq_operation as irq, port_operation as port, query, realm_operation as realm, thread_operation as thread,
};
use Served::{Inline, Kernel, Message};
use Shape::{Any, Bytes, BytesMut, Handle, Text, Unsigned};

interfaces! {
    1 DebugConsole "Text out and in, for people." {
        "write" (text: Text), total, Message; "Writes the text."
        "read" (into: BytesMut) -> Unsigned(32), total, Message, nondet !; "Reads what has arrived; 0 when nothing has."
        "flush" (), total, Message; "Returns when everything written has left the machine."
    }
    2 Image "Images of the boot bundle." {
        "admit" (index: Unsigned(32)) -> Handle("Program"), fallible, Kernel("image_admit"); "Checks the bundle's image of that number and admits it."
    }
    3 Program "An admitted image." {
        "query" () -> Unsigned(64), total, Kernel("cap_query"); "Tells what the capability is."
    }
    4 Realm "The right to make realms." {
        "create" (image: Handle("Program"), tag: Unsigned(32), priority: Unsigned(8)) -> Handle("Child"), fallible, Kernel("realm_create"); "Makes a realm from an admitted image; its faults come to the caller's inbox under the tag."
    }
    5 Child "A realm that its holder supervises." {
        "grant" (index: Unsigned(32), handle: Any, mask: Unsigned(64)), fallible, Kernel("realm_control"), op(realm::GRANT); "Installs a capability that the caller holds, attenuated to the mask."
        "connect" (index: Unsigned(32), server: Any, export: Unsigned(32)) -> Unsigned(32), fallible, Kernel("realm_control"), op(realm::CONNECT); "Connects a required interface to a server's export; answers the client number."
        "window" (index: Unsigned(32), memory: Any, bytes: Unsigned(32)), fallible, Kernel("realm_control"), op(realm::WINDOW); "Maps a channel's window on the client's side."
        "client-window" (client: Unsigned(32), memory: Any, bytes: Unsigned(32)), fallible, Kernel("realm_control"), op(realm::CLIENT_WINDOW); "Maps a channel's window on the server's side."
        "parameter" (index: Unsigned(32), value: Unsigned(64)), fallible, Kernel("realm_control"), op(realm::PARAMETER); "Sets a parameter before the start."
        "start" (), fallible, Kernel("realm_control"), op(realm::START); "Starts the component."
        "kill" (), fallible, Kernel("realm_control"), op(realm::KILL); "Stops the component and takes its memory back."
        "reset" (), fallible, Kernel("realm_control"), op(realm::RESET); "Puts the component back to its first state, one generation later."
        "state" () -> Unsigned(32), total, Kernel("realm_control"), op(realm::STATE), nondet !; "Tells whether it is new, running, faulted, ended or killed."
        "notification" (index: Unsigned(32), bit: Unsigned(64)), fallible, Kernel("realm_control"), op(realm::NOTIFICATION); "Makes a notification of its own; signals reach its inbox as the bit, with 64 they are only waited for."
        "quota" (pages: Unsigned(64)), fallible, Kernel("realm_control"), op(realm::QUOTA); "Sets how many pages the memory that it makes may have at one time."
    }
    6 Memory "Pages." {
        "view" () -> Bytes, total, Inline; "The pages that are mapped as this capability's window."
        "create" (bytes: Unsigned(64)) -> Handle("Memory"), fallible, Kernel("mem_create"); "Makes zeroed pages from the caller's quota."
        "device" (bytes: Unsigned(64), address: Unsigned(64)) -> Handle("Memory"), fallible, Kernel("mem_create"); "The registers of a device at a physical address, which no other Memory has."
        "address" (offset: Unsigned(64)) -> Unsigned(64), fallible, Kernel("cap_query"), op(query::ADDRESS), nondet !; "The physical address behind an offset, for a device; whoever may give one reaches all memory through it."
    }
    7 PortRange "A range of I/O ports." {
        "read8" (port: Unsigned(16)) -> Unsigned(8), total, Kernel("port_access"), op(port::READ_8), nondet !; "Reads a byte; the port counts from the range's first."
        "write8" (port: Unsigned(16), value: Unsigned(8)), total, Kernel("port_access"), op(port::WRITE_8); "Writes a byte."
        "read16" (port: Unsigned(16)) -> Unsigned(16), total, Kernel("port_access"), op(port::READ_16), nondet !; "Reads two bytes."
        "write16" (port: Unsigned(16), value: Unsigned(16)), total, Kernel("port_access"), op(port::WRITE_16); "Writes two bytes."
        "read32" (port: Unsigned(16)) -> Unsigned(32), total, Kernel("port_access"), op(port::READ_32), nondet !; "Reads four bytes."
        "write32" (port: Unsigned(16), value: Unsigned(32)), total, Kernel("port_access"), op(port::WRITE_32); "Writes four bytes."
        "range" (first_and_count: Unsigned(64)) -> Handle("PortRange"), fallible, Kernel("cap_mint"), op(u64::MAX); "A narrower range: first port in bits 0-15, count in bits 16-31."
    }
    8 Interrupt "An interrupt line." {
        "bind" (bits: Unsigned(64)), fallible, Kernel("irq_control"), op(irq::BIND); "Delivers the interrupt to the caller's inbox as these notification bits."
        "ack" (), total, Kernel("irq_control"), op(irq::ACKNOWLEDGE); "Unmasks the line after it was handled."
        "mask" (), total, Kernel("irq_control"), op(irq::MASK); "Masks the line."
        "line" (number: Unsigned(64)) -> Handle("Interrupt"), fallible, Kernel("cap_mint"), op(u64::MAX); "The line of that number, from the right to all lines."
    }
    9 Notification "A word of event bits." {
        "signal" (bits: Unsigned(64)), total, Kernel("notify_signal"); "Sets bits and wakes the receiver."
        "wait" (mask: Unsigned(64), wake: Unsigned(64)) -> Unsigned(64), total, Kernel("notify_wait"), nondet !; "Waits for one of the bits or the time; answers the bits taken."
    }
    10 Clock "Time." {
        "now" () -> Unsigned(64), total, Kernel("thread_control"), op(thread::TIME), nondet !; "The time-stamp counter."
    }
    11 Supervisor "What the kernel tells the maker of a realm." {
        "ended" (tag: Unsigned(32), fault: Unsigned(32), offset: Unsigned(64), address: Unsigned(64), detail: Unsigned(64)), total, Message; "A realm stopped: its tag, the fault's number, the code offset from the slab's base, the address touched, and the exit code or call number."
    }
    12 Machine "The machine itself." {
        "stop" (code: Unsigned(32)), total, Kernel("thread_control"), op(thread::STOP); "Ends the run; 0 is success."
    }
}

/// The interface of a name, if the vocabulary has it.
pub fn by_name(name: &str) -> Option<&'static Interface> {
    INTERFACES.iter().find(|interface| interface.name == name)
}

/// The interface of a number, if the vocabulary has it.
pub fn by_number(number: u8) -> Option<&'static Interface> {
    INTERFACES.iter().find(|interface| interface.number == number)
}

impl Interface {
    /// Whether messages carry its methods out, rather than the kernel.
    pub fn by_message(&self) -> bool {
        self.methods.iter().any(|method| method.served == Message)
    }
}

/// The text of an interface as it is hashed: one line for each fact that its binary layout depends on.
///
/// The compiler hashes interfaces declared in source by the same lines, so that two declarations agree if and
/// only if their hashes do.
#[derive(Clone, Debug)]
pub struct InterfaceText(crate::digest::Hasher);

impl InterfaceText {
    /// Begins an interface.
    pub fn new(name: &str, version: u64) -> Self {
        let mut text = Self(crate::digest::Hasher::new());
        text.line("interface", name);
        text.0.update(&version.to_le_bytes());
        text
    }

    fn line(&mut self, key: &str, value: &str) {
        self.0.update(key.as_bytes());
        self.0.update(b" ");
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value.as_bytes());
        self.0.update(b"\n");
    }

    /// Begins a method.
    pub fn method(&mut self, name: &str) {
        self.line("method", name);
    }

    /// Adds an argument of the current method.
    pub fn argument(&mut self, name: &str, mode: &str, layout: &str) {
        self.line("argument", name);
        self.line("mode", mode);
        self.line("layout", layout);
    }

    /// States the result of the current method.
    pub fn result(&mut self, layout: &str) {
        self.line("result", layout);
    }

    /// States the error of the current method.
    pub fn error(&mut self, layout: &str) {
        self.line("error", layout);
    }

    /// The hash.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}

/// The hash of an interface of the vocabulary.
pub fn interface_hash(interface: &Interface) -> [u8; 32] {
    let mut text = InterfaceText::new(interface.name, 1);
    for method in interface.methods {
        text.method(method.name);
        for argument in method.arguments {
            let mode = if argument.shape == BytesMut { "inout" } else { "read" };
            text.argument(argument.name, mode, argument.shape.layout());
        }
        text.result(method.result.map_or("()", Shape::layout));
        if method.fallible {
            text.error("Status");
        }
    }
    text.finish()
}

impl Shape {
    /// The shape's name in an interface's text.
    pub const fn layout(self) -> &'static str {
        match self {
            Self::Unsigned(8) => "u8",
            Self::Unsigned(16) => "u16",
            Self::Unsigned(32) => "u32",
            Self::Unsigned(_) => "u64",
            Self::Text => "str",
            Self::Bytes | Self::BytesMut => "[u8]",
            Self::Handle(name) => name,
            Self::Any => "handle",
        }
    }
}
