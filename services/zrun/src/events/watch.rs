//! What an event is recognized by, as a specification says it: a condition, or a module.

use super::{Program, Recognizer};
use alloc::string::String;
use sci::guest::ErrorCode;
use services_topology::name::Name;

/// What an event is recognized by.
#[derive(Clone, Debug)]
pub enum Watch {
    /// A condition.
    Condition(Recognizer),
    /// A module.
    Module(Program),
}

impl Watch {
    /// Of a specification, for an event.
    pub fn read(event: &str, spec: &str) -> Result<Self, ErrorCode> {
        match Program::read(spec) {
            Some(program) => program.map(Self::Module),
            None => Recognizer::read(event, spec).map(Self::Condition),
        }
    }

    /// Of a specification, for an event that a space may emit, over a sensor that is there for it.
    pub fn admit(
        event: &str,
        spec: &str,
        declared: &[String],
        is_there: impl FnOnce(&str) -> bool,
    ) -> Result<Self, ErrorCode> {
        let watch = Self::read(event, spec)?;
        Name::new(event).ok_or(ErrorCode::Invalid)?;
        if !declared.iter().any(|one| one == event) {
            return Err(ErrorCode::Denied);
        }
        if is_there(watch.sensor()) { Ok(watch) } else { Err(ErrorCode::NotFound) }
    }

    /// The sensor that it watches.
    pub fn sensor(&self) -> &str {
        match self {
            Self::Condition(recognizer) => recognizer.sensor(),
            Self::Module(program) => program.sensor(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_declared_and_sensors_are_there() {
        let module = r#"{"sensor":"oven","module":"knock"}"#;
        let condition = r#"{"sensor":"oven","when":{"above":1}}"#;
        let declared = [String::from("hot")];
        let admit = |event: &str, spec: &str, is_there: bool| {
            Watch::admit(event, spec, &declared, |sensor| is_there && sensor == "oven")
        };
        assert!(matches!(admit("hot", module, true), Ok(Watch::Module(_))));
        assert!(matches!(admit("hot", condition, true), Ok(Watch::Condition(_))));
        for spec in [module, condition] {
            assert_eq!(admit("hot", spec, false).err(), Some(ErrorCode::NotFound));
            assert_eq!(admit("cold", spec, true).err(), Some(ErrorCode::Denied));
            assert_eq!(admit("No Name", spec, true).err(), Some(ErrorCode::Invalid));
        }
        assert_eq!(admit("hot", "{", true).err(), Some(ErrorCode::Malformed));
    }
}
