//! The component: capabilities, exports, entries, facts.

use super::scan::{Error, Scanner};
use crate::ir::{Capability, Component, Entry, EntryKind, Export, Facts};
use crate::print::DETERMINISM;

impl Scanner<'_> {
    pub(super) fn component(&mut self) -> Result<Component, Error> {
        let name = self.string()?;
        self.expect("of")?;
        let package = self.string()?;
        self.expect("version")?;
        let version = self.string()?;
        self.expect("main")?;
        let main = self.function_id()?;
        let span = self.span()?;
        let mut component = Component {
            package,
            name,
            version,
            capabilities: Vec::new(),
            exports: Vec::new(),
            main,
            entries: Vec::new(),
            facts: Facts::default(),
            span,
        };
        self.expect("{")?;
        while !self.eat("}") {
            match self.word() {
                Some("capability") => component.capabilities.push(self.capability()?),
                Some("export") => component.exports.push(self.export()?),
                Some("entry") => component.entries.push(self.entry()?),
                Some(word) => self.fact(word, &mut component.facts)?,
                None => return Err(self.error("a part of the component")),
            }
        }
        Ok(component)
    }

    fn hash(&mut self) -> Result<[u8; 32], Error> {
        let error = self.error("a hash of 32 bytes");
        self.hex()?.try_into().map_err(|_| error)
    }

    fn capability(&mut self) -> Result<Capability, Error> {
        let name = self.string()?;
        self.expect(":")?;
        let interface = self.string()?;
        let hash = self.hash()?;
        self.expect("declared")?;
        let declared = self.number()?;
        self.expect("used")?;
        let used = self.number()?;
        let message = match self.word() {
            Some("endpoint") => true,
            Some("object") => false,
            _ => return Err(self.error("`endpoint` or `object`")),
        };
        self.expect("window")?;
        let window_bytes = self.small()?;
        let span = self.span()?;
        Ok(Capability { name, interface, hash, declared, used, message, window_bytes, span })
    }

    fn export(&mut self) -> Result<Export, Error> {
        let name = self.string()?;
        self.expect(":")?;
        let interface = self.string()?;
        let hash = self.hash()?;
        self.expect("{")?;
        let methods = self.list("}", |scanner| Ok((scanner.string()?, scanner.function_id()?)))?;
        let (method_names, methods) = methods.into_iter().unzip();
        self.expect("window")?;
        let window_bytes = self.small()?;
        let span = self.span()?;
        Ok(Export { name, interface, hash, methods, method_names, window_bytes, span })
    }

    fn entry(&mut self) -> Result<Entry, Error> {
        let name = self.string()?;
        let function = self.function_id()?;
        let kind = match self.word() {
            Some("start") => EntryKind::Start,
            Some("method") => EntryKind::Method(self.small()?, self.small()?),
            Some("interrupt") => EntryKind::Interrupt(self.small()?),
            _ => return Err(self.error("`start`, `method` or `interrupt`")),
        };
        Ok(Entry { name, function, kind })
    }

    fn fact(&mut self, word: &str, facts: &mut Facts) -> Result<(), Error> {
        match word {
            "deterministic" => {
                let value = self.word();
                let known = DETERMINISM.iter().find(|(_, name)| Some(*name) == value);
                facts.deterministic = known.ok_or_else(|| self.error("`none`, `yes` or `replay`"))?.0;
            }
            "checkpoint" => facts.checkpoint = Some(self.string()?),
            "priority" => facts.priority = Some(self.small()?),
            "restart" => facts.restart = Some(self.string()?),
            "arena" => facts.arena_bytes = self.number()?,
            "parameter" => {
                let name = self.string()?;
                facts.parameters.push((name, self.number()?));
            }
            "fact" => {
                let key = self.string()?;
                facts.others.push((key, self.string()?));
            }
            _ => return Err(self.error("a part of the component")),
        }
        Ok(())
    }
}
