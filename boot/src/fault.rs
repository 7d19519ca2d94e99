//! The kernel's fault lines: behind [`KERNEL_LINE`], `space: fault realm=hello generation=1 fault=overflow offset=0x40001020 …`.

use sci::layout::KERNEL_LINE;
use sci::status::Fault;

/// What the kernel says when a component stops on a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultLine {
    /// The component's name.
    pub realm: String,
    /// How often it had been started.
    pub generation: u64,
    /// What it did.
    pub fault: Fault,
    /// Where its code was, from the slab's base.
    pub offset: u64,
    /// The address touched, where there is one.
    pub address: u64,
    /// Exit code, call number or status.
    pub detail: u64,
    /// The instance's number in the bundle; root's is 0 too.
    pub instance: u32,
}

impl FaultLine {
    /// Reads a console line, if it is one of these.
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.trim_end().strip_prefix(char::from(KERNEL_LINE))?.strip_prefix("space: fault ")?;
        let field = |name: &str| {
            rest.split(' ')
                .find_map(|word| word.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, value)| value)
        };
        let hex = |name| u64::from_str_radix(field(name)?.strip_prefix("0x")?, 16).ok();
        let name = field("fault")?;
        Some(Self {
            realm: field("realm")?.to_owned(),
            generation: field("generation")?.parse().ok()?,
            fault: Fault::ALL.iter().copied().find(|fault| fault.name() == name)?,
            offset: hex("offset")?,
            address: hex("address")?,
            detail: hex("detail")?,
            instance: field("instance")?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_line_is_read_whole_or_not_at_all() {
        let line = "\x1espace: fault realm=hello generation=2 fault=overflow offset=0x3ffe1010 address=0x0 instance=3 detail=0x7\r";
        let read = FaultLine::parse(line).unwrap();
        assert_eq!(read.realm, "hello");
        assert_eq!((read.generation, read.fault, read.detail, read.instance), (2, Fault::Overflow, 7, 3));
        assert_eq!(read.offset, 0x3ffe_1010);
        let forged = &line[1..];
        for other in
            ["", "\x1espace: fault", "hello", "\x1espace: fault realm=a generation=1 fault=none", forged]
        {
            assert_eq!(FaultLine::parse(other), None, "{other}");
        }
    }
}
