//! Functions: locals, blocks, statements, places, values.

use super::scan::{Error, Scanner};
use crate::ir::{
    Argument, Authority, Base, Block, BlockId, CapabilityId, Constant, DataId, Fault, Function, GlobalId,
    Local, LocalDeclaration, LocalKind, Operand, Place, Rvalue, Statement, Step, Terminator,
};
use crate::print::{BINARY, UNARY};

/// A line of a block.
enum Line {
    Statement(Statement),
    End(Terminator),
}

impl Scanner<'_> {
    pub(super) fn function(&mut self) -> Result<Function, Error> {
        let name = self.string()?;
        self.expect("parameters")?;
        let parameters = self.small()?;
        self.expect("->")?;
        let returns = self.type_id()?;
        let result = if self.eat("in") { Some(self.local()?) } else { None };
        let depth = if self.eat("depth") { Some(self.small()?) } else { None };
        let span = self.span()?;
        self.expect("{")?;
        let mut locals = Vec::new();
        while self.at_sign(b'_') {
            self.numbered('_', locals.len())?;
            locals.push(self.declaration()?);
        }
        let mut blocks = Vec::new();
        while !self.eat("}") {
            self.expect(&format!("b{}", blocks.len()))?;
            self.expect(":")?;
            blocks.push(self.block()?);
        }
        Ok(Function { name, parameters, returns, result, locals, blocks, depth, span })
    }

    fn declaration(&mut self) -> Result<LocalDeclaration, Error> {
        let name = self.string()?;
        self.expect(":")?;
        let kind = match self.word() {
            Some("value") => LocalKind::Value,
            Some("reference") => LocalKind::Reference { mutable: false },
            Some("inout") => LocalKind::Reference { mutable: true },
            _ => return Err(self.error("`value`, `reference` or `inout`")),
        };
        let ty = self.type_id()?;
        Ok(LocalDeclaration { name, ty, kind, span: self.span()? })
    }

    fn block(&mut self) -> Result<Block, Error> {
        let mut statements = Vec::new();
        loop {
            let line = self.line()?;
            let span = self.span()?;
            match line {
                Line::Statement(statement) => statements.push((statement, span)),
                Line::End(end) => return Ok(Block { statements, end, end_span: span }),
            }
        }
    }

    fn line(&mut self) -> Result<Line, Error> {
        let Some(word) = self.word() else {
            let place = self.place()?;
            self.expect("=")?;
            return Ok(Line::Statement(Statement::Assign(place, self.rvalue()?)));
        };
        Ok(match word {
            "goto" => Line::End(Terminator::Goto(self.block_id()?)),
            "branch" => Line::End(Terminator::Branch {
                condition: self.operand()?,
                then: self.block_id()?,
                otherwise: self.block_id()?,
            }),
            "switch" => Line::End(self.switch()?),
            "return" => Line::End(Terminator::Return),
            "trap" => Line::End(Terminator::Trap(self.fault()?)),
            "zero" => Line::Statement(Statement::Zero(self.place()?)),
            "set-tag" => Line::Statement(Statement::SetTag(self.place()?, self.small()?)),
            "set-tag-from" => Line::Statement(Statement::SetTagFrom(self.place()?, self.operand()?)),
            "check" => {
                let condition = self.operand()?;
                self.expect("else")?;
                Line::Statement(Statement::Check(condition, self.fault()?))
            }
            "call" => Line::Statement(self.call()?),
            "system" => Line::Statement(self.system()?),
            "invoke" => Line::Statement(self.invoke()?),
            "receive" => Line::Statement(self.receive()?),
            _ => return Err(self.error("a statement")),
        })
    }

    fn switch(&mut self) -> Result<Terminator, Error> {
        let value = self.operand()?;
        self.expect("{")?;
        let mut arms = Vec::new();
        while !self.eat("else") {
            let case = self.number()?;
            self.expect("=>")?;
            arms.push((case, self.block_id()?));
            self.expect(",")?;
        }
        let otherwise = self.block_id()?;
        self.expect("}")?;
        Ok(Terminator::Switch { value, arms, otherwise })
    }

    fn call(&mut self) -> Result<Statement, Error> {
        let function = self.function_id()?;
        self.expect("(")?;
        let arguments = self.list(")", |scanner| {
            if scanner.eat("&") {
                scanner.place().map(Argument::Reference)
            } else {
                scanner.operand().map(Argument::Value)
            }
        })?;
        let destination = if self.eat("->") { Some(self.place()?) } else { None };
        Ok(Statement::Call { destination, function, arguments })
    }

    fn system(&mut self) -> Result<Statement, Error> {
        let call = self.small()?;
        let arguments = self.operands()?;
        self.expect("->")?;
        let status = self.place()?;
        self.expect(",")?;
        let value = self.place()?;
        Ok(Statement::System { call, arguments, status, value, authority: self.authority()? })
    }

    fn invoke(&mut self) -> Result<Statement, Error> {
        let capability = self.operand()?;
        self.expect("method")?;
        let method = self.small()?;
        let words = self.operands()?;
        self.expect("->")?;
        let status = self.place()?;
        let results = self.places()?;
        Ok(Statement::Invoke { capability, method, words, status, results, authority: self.authority()? })
    }

    fn receive(&mut self) -> Result<Statement, Error> {
        let reply = if self.eat("answering") { Some((self.operand()?, self.operands()?)) } else { None };
        self.expect("->")?;
        let badge = self.place()?;
        self.expect(",")?;
        let method = self.place()?;
        Ok(Statement::Receive { reply, badge, method, words: self.places()? })
    }

    fn authority(&mut self) -> Result<Option<Authority>, Error> {
        if !self.eat("uses") {
            return Ok(None);
        }
        let capability = if self.eat("none") { None } else { Some(CapabilityId(self.small()?)) };
        let interface = self.string()?;
        Ok(Some(Authority { capability, interface, method: self.small()? }))
    }

    fn operands(&mut self) -> Result<Vec<Operand>, Error> {
        self.expect("(")?;
        self.list(")", Self::operand)
    }

    fn places(&mut self) -> Result<Vec<Place>, Error> {
        self.expect("(")?;
        self.list(")", Self::place)
    }

    fn fault(&mut self) -> Result<Fault, Error> {
        let word = self.word();
        let fault = Fault::ALL.iter().find(|fault| word == Some(fault.name()));
        fault.copied().ok_or_else(|| self.error("a fault"))
    }

    fn local(&mut self) -> Result<Local, Error> {
        self.index('_').map(Local)
    }

    fn block_id(&mut self) -> Result<BlockId, Error> {
        self.index('b').map(BlockId)
    }

    fn place(&mut self) -> Result<Place, Error> {
        let base = if self.at_sign(b'$') {
            Base::Global(GlobalId(self.index('$')?))
        } else if self.at_sign(b'@') {
            let data = DataId(self.index('@')?);
            self.expect(":")?;
            Base::Data(data, self.type_id()?)
        } else {
            Base::Local(self.local()?)
        };
        let mut path = Vec::new();
        loop {
            if self.eat(".") {
                path.push(Step::Field(self.small()?));
            } else if self.eat("!") {
                let variant = self.small()?;
                self.expect(".")?;
                path.push(Step::Payload(variant, self.small()?));
            } else if self.eat("[") {
                path.push(if self.at_sign(b'_') {
                    Step::Index(self.local()?)
                } else {
                    Step::ConstantIndex(self.number()?)
                });
                self.expect("]")?;
            } else {
                return Ok(Place { base, path });
            }
        }
    }

    fn operand(&mut self) -> Result<Operand, Error> {
        if self.at_digit() {
            let bits = self.number()?;
            self.expect(":")?;
            return Ok(Operand::Constant(Constant::Int(bits, self.type_id()?)));
        }
        let Some(word) = self.word() else { return self.place().map(Operand::Copy) };
        self.operand_after(word)
    }

    /// The operand that begins with a word.
    fn operand_after(&mut self, word: &str) -> Result<Operand, Error> {
        Ok(Operand::Constant(match word {
            "move" => return self.place().map(Operand::Move),
            "unit" => Constant::Unit,
            "true" => Constant::Bool(true),
            "false" => Constant::Bool(false),
            "float" => {
                let bits = self.number()?;
                self.expect(":")?;
                Constant::Float(bits, self.type_id()?)
            }
            "view" => {
                let data = DataId(self.index('@')?);
                let length = self.number()?;
                self.expect(":")?;
                Constant::Slice(data, length, self.type_id()?)
            }
            _ => return Err(self.error("a value")),
        }))
    }

    fn rvalue(&mut self) -> Result<Rvalue, Error> {
        if self.at_digit() {
            return self.operand().map(Rvalue::Use);
        }
        let Some(word) = self.word() else { return self.operand().map(Rvalue::Use) };
        if let Some((operator, _)) = BINARY.iter().find(|(_, name)| *name == word) {
            let left = self.operand()?;
            self.expect(",")?;
            return Ok(Rvalue::Binary(*operator, left, self.operand()?));
        }
        if let Some((operator, _)) = UNARY.iter().find(|(_, name)| *name == word) {
            return Ok(Rvalue::Unary(*operator, self.operand()?));
        }
        Ok(match word {
            "convert" => {
                let operand = self.operand()?;
                self.expect("to")?;
                Rvalue::Convert(operand, self.type_id()?)
            }
            "truncate" => {
                let operand = self.operand()?;
                self.expect("to")?;
                Rvalue::Truncate(operand, self.type_id()?)
            }
            "from-bytes" => {
                let operand = self.operand()?;
                self.expect("to")?;
                Rvalue::FromBytes(operand, self.type_id()?)
            }
            "part" => {
                let place = self.place()?;
                self.expect("from")?;
                let from = self.operand()?;
                self.expect("to")?;
                Rvalue::View(place, from, self.operand()?)
            }
            "tag-of" => Rvalue::Tag(self.place()?),
            "length" => Rvalue::Length(self.place()?),
            "as-bytes" => Rvalue::AsBytes(self.operand()?),
            "capability" => Rvalue::Capability(CapabilityId(self.small()?)),
            "handle" => Rvalue::Handle(CapabilityId(self.small()?)),
            "handle-of" => Rvalue::HandleOf(self.operand()?),
            "window" => Rvalue::Window(self.operand()?),
            "client-window" => Rvalue::ClientWindow(self.operand()?),
            "parameter" => Rvalue::Parameter(self.small()?),
            word => Rvalue::Use(self.operand_after(word)?),
        })
    }
}
