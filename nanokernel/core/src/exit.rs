//! How a run ends: the byte written to the exit device, one table for kernel, host and documentation.
//!
//! QEMU's exit status is `byte << 1 | 1`, so every byte lies below 0x80 and success is not 0, which is what a
//! triple fault answers.

/// Byte of a run that ended as it should.
pub const SUCCESS: u8 = 0x11;
/// First byte of the codes that root chose itself.
pub const ROOT_FIRST: u8 = 0x40;
/// Largest code of root that keeps its own byte.
pub const ROOT_CODE_MAX: u32 = 0x3d;

/// Why the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Root stopped the machine with this code; 0 is success.
    Root(u32),
    /// Root faulted.
    RootFaulted,
    /// Root ended without stopping the machine.
    RootEnded,
    /// The CPU lacks a feature that isolation rests on.
    CpuRefused,
    /// The memory map does not hold kernel, module and a free frame.
    MemoryMap,
    /// There is no boot module.
    NoModule,
    /// The boot module is not a bundle that the policy page trusts.
    BundleRefused,
    /// The bundle's image 0 was not admitted.
    RootRefused,
    /// Root requires an interface that the kernel does not serve.
    RootRequires,
    /// No frame was left to start root.
    Exhausted,
    /// No thread can ever run again.
    Stuck,
    /// A boot verification failed.
    CheckFailed,
    /// The kernel contradicted itself.
    Panic,
}

impl Exit {
    /// The byte for the exit device.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Root(0) => SUCCESS,
            Self::Root(code) if code <= ROOT_CODE_MAX => ROOT_FIRST + code as u8,
            Self::Root(_) => 0x7e,
            Self::RootFaulted => 0x12,
            Self::RootEnded => 0x13,
            Self::CpuRefused => 0x14,
            Self::MemoryMap => 0x15,
            Self::NoModule => 0x16,
            Self::BundleRefused => 0x17,
            Self::RootRefused => 0x18,
            Self::RootRequires => 0x19,
            Self::Exhausted => 0x1a,
            Self::Stuck => 0x1b,
            Self::CheckFailed => 0x1c,
            Self::Panic => 0x7f,
        }
    }

    /// What QEMU's exit status means, if it is one of these.
    pub const fn from_status(status: i32) -> Option<Self> {
        if status < 0 || status > 0xff || status & 1 == 0 {
            return None;
        }
        match (status >> 1) as u8 {
            SUCCESS => Some(Self::Root(0)),
            0x12 => Some(Self::RootFaulted),
            0x13 => Some(Self::RootEnded),
            0x14 => Some(Self::CpuRefused),
            0x15 => Some(Self::MemoryMap),
            0x16 => Some(Self::NoModule),
            0x17 => Some(Self::BundleRefused),
            0x18 => Some(Self::RootRefused),
            0x19 => Some(Self::RootRequires),
            0x1a => Some(Self::Exhausted),
            0x1b => Some(Self::Stuck),
            0x1c => Some(Self::CheckFailed),
            0x7f => Some(Self::Panic),
            byte @ 0x41..=0x7d => Some(Self::Root((byte - ROOT_FIRST) as u32)),
            0x7e => Some(Self::Root(u32::MAX)),
            _ => None,
        }
    }

    /// One clause, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Root(0) => "the system finished",
            Self::Root(_) => "root stopped the machine with an error",
            Self::RootFaulted => "root faulted",
            Self::RootEnded => "root ended without stopping the machine",
            Self::CpuRefused => "the CPU lacks NX, SMEP, SMAP or UMIP",
            Self::MemoryMap => "the memory map does not hold the system",
            Self::NoModule => "there is no boot module",
            Self::BundleRefused => "the bundle was refused",
            Self::RootRefused => "the root image was refused",
            Self::RootRequires => "root requires what the kernel does not serve",
            Self::Exhausted => "memory was exhausted before root ran",
            Self::Stuck => "no component can ever run again",
            Self::CheckFailed => "a boot verification failed",
            Self::Panic => "the kernel panicked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_survives_the_device() {
        let fixed = [
            Exit::RootFaulted,
            Exit::RootEnded,
            Exit::CpuRefused,
            Exit::MemoryMap,
            Exit::NoModule,
            Exit::BundleRefused,
            Exit::RootRefused,
            Exit::RootRequires,
            Exit::Exhausted,
            Exit::Stuck,
            Exit::CheckFailed,
            Exit::Panic,
        ];
        for exit in fixed.into_iter().chain((0..=ROOT_CODE_MAX).map(Exit::Root)) {
            assert!(exit.byte() < 0x80);
            assert_eq!(Exit::from_status(i32::from(exit.byte()) << 1 | 1), Some(exit));
            assert!(!exit.meaning().is_empty());
        }
        assert_eq!(Exit::from_status(0), None, "a triple fault");
        assert_eq!(Exit::from_status(1), None, "QEMU's own error");
    }
}
