//! What a space may be granted.

macro_rules! capabilities {
    ($($number:literal $variant:ident $name:literal $doc:literal;)+) => {
        /// A capability of a space, by the name that topologies and packages use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum GuestCapability { $(#[doc = $doc] $variant = $number),+ }
        impl GuestCapability {
            /// Every capability, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The name.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
            /// What its holder may do, one sentence.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => $doc),+ } }
        }
    };
}

capabilities! {
    0 SysLog "sys.log" "Write to the space's log.";
    1 SysSleep "sys.sleep" "Wait.";
    2 SysYield "sys.yield" "Let others run.";
    3 NetEmitTo "net.emit_to" "Send messages along the space's outgoing paths, and to itself.";
    4 NetRecvNext "net.recv_next" "Receive messages.";
    5 DataRead "data.read" "Read values and blobs of the space's namespace.";
    6 DataWrite "data.write" "Write values and blobs of the space's namespace.";
    7 DataList "data.list" "List keys of the space's namespace.";
    8 DataDelete "data.delete" "Delete keys of the space's namespace.";
    9 AgentInvokeDf "agent.invoke_df" "Call deterministic functions.";
    10 AgentInvokeAf "agent.invoke_af" "Call agentic functions.";
    11 AgentInvokeLlm "agent.invoke_llm" "Call language models.";
    12 EventsRegisterRecognizer "events.register_recognizer" "Register recognizers, and emit their events.";
    13 EventsSubscribe "events.subscribe" "Receive events.";
    14 IcLookup "ic.lookup" "Look answers up in the intelligence cache.";
    15 IcStore "ic.store" "Store answers in the intelligence cache.";
    16 SensorsSubscribe "sensors.subscribe" "Subscribe to sensors.";
    17 SensorsRead "sensors.read" "Read sensors.";
    18 ActuatorsLock "actuators.lock" "Lock actuators.";
    19 ActuatorsCommand "actuators.command" "Command actuators that the space has locked.";
    20 ActuatorsRelease "actuators.release" "Release actuators that the space has locked.";
    21 AudioCapture "audio.capture" "Hear the microphone.";
    22 AudioPlayback "audio.playback" "Play on the speaker.";
    23 NodeInfo "node.info" "Learn about the machine that runs the space.";
    24 Clock "x-space.clock" "Tell the time.";
    25 Random "x-space.random" "Draw random numbers that nobody can predict.";
}

impl GuestCapability {
    /// Capabilities of `samoza/v1`; those above are ours.
    const STANDARD: u8 = 24;

    /// The capability of a name, if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|capability| capability.name() == name)
    }

    /// The number of its bit.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its bit in a mask of capabilities.
    pub const fn bit(self) -> u64 {
        1 << self.number()
    }

    /// Whether it is none of `samoza/v1`: a strict validation refuses it.
    pub const fn is_extension(self) -> bool {
        self.number() >= Self::STANDARD
    }
}

const _: () = {
    let mut at = 0;
    while at < GuestCapability::ALL.len() {
        assert!(GuestCapability::ALL[at].number() as usize == at, "numbers are indices");
        at += 1;
    }
    assert!(GuestCapability::ALL.len() <= u64::BITS as usize, "a mask of capabilities is one word");
};
