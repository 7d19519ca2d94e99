//! How a guest ended, for people.

use alloc::string::{String, ToString};
use sci::status::Fault;
use services_zrun::Violation;

/// How a guest's realm stopped, as root tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The fault's number.
    pub fault: u64,
    /// The exit code, or the number of what was called.
    pub detail: u32,
    /// Where it faulted; for a violation the function's number.
    pub place: u64,
}

impl Ending {
    /// Whether it is a failure, and what it is called.
    pub fn told(self) -> (bool, String) {
        match Fault::from_number(self.fault) {
            Some(Fault::Exit) if self.detail == 0 => (false, "it ended".into()),
            Some(Fault::Exit) => (true, alloc::format!("it ended with status {}", self.detail.cast_signed())),
            Some(Fault::MethodMask) => {
                let function = u32::try_from(self.place).ok().and_then(sci::guest::by_number);
                let told = function.map(|function| Violation { function }.to_string());
                (true, told.unwrap_or_else(|| Fault::MethodMask.meaning().into()))
            }
            // Which trap it was is in the guest's tables, which nobody here has.
            Some(Fault::Undefined) => (true, "it trapped".into()),
            Some(fault) => (true, fault.guest_meaning().into()),
            None => (true, alloc::format!("fault {}", self.fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_words() {
        let told = |fault: Fault, detail, place| Ending { fault: fault.number(), detail, place }.told();
        assert_eq!(told(Fault::Exit, 0, 0), (false, "it ended".into()));
        assert_eq!(told(Fault::Exit, u32::MAX, 0), (true, "it ended with status -1".into()));
        let put = sci::guest::by_name("data.put").unwrap();
        assert!(told(Fault::MethodMask, 0, put.number.into()).1.contains("data.put"));
        assert_eq!(told(Fault::MemoryBounds, 0, 0), (true, "out of bounds memory access".into()));
        assert_eq!(told(Fault::Undefined, 0, 0), (true, "it trapped".into()));
        assert_eq!(Ending { fault: 255, detail: 0, place: 0 }.told(), (true, "fault 255".into()));
    }
}
