//! Reads the text form of MIR that [`crate::print`] writes.
//!
//! Indices are taken as they stand: a parsed program is well-formed only after [`crate::verify`]. Declarations of
//! one kind are numbered from 0 in order. White space separates words; `;` begins a comment up to the line's end.

mod body;
mod component;
mod scan;

use crate::ir::{Data, Global, Program, Type, TypeId, Variant};
use crate::print::HEAD;
pub use scan::Error;
use scan::Scanner;

/// Reads a program.
pub fn parse(text: &str) -> Result<Program, Error> {
    let rest = text.strip_prefix(HEAD).ok_or_else(|| Error::at_start(HEAD))?;
    let mut scanner = Scanner::new(rest);
    let mut program = Program::default();
    while let Some(word) = scanner.word() {
        match word {
            "type" => {
                scanner.numbered('%', program.types.len())?;
                scanner.expect("=")?;
                let ty = scanner.ty()?;
                program.types.push(ty);
            }
            "data" => {
                scanner.numbered('@', program.data.len())?;
                scanner.expect("align")?;
                let align = scanner.small()?;
                scanner.expect("=")?;
                let bytes = scanner.hex()?;
                program.data.push(Data { bytes, align });
            }
            "global" => {
                scanner.numbered('$', program.globals.len())?;
                let name = scanner.string()?;
                scanner.expect(":")?;
                let ty = scanner.type_id()?;
                let initial = if scanner.eat("=") { scanner.hex()? } else { Vec::new() };
                let span = scanner.span()?;
                program.globals.push(Global { name, ty, initial, span });
            }
            "function" => {
                scanner.numbered('#', program.functions.len())?;
                let function = scanner.function()?;
                program.functions.push(function);
            }
            "component" if program.component.is_none() => program.component = Some(scanner.component()?),
            "test" => {
                let name = scanner.string()?;
                program.tests.push((name, scanner.function_id()?));
            }
            _ => return Err(scanner.error("a declaration")),
        }
    }
    if scanner.at_end() { Ok(program) } else { Err(scanner.error("a declaration")) }
}

impl Scanner<'_> {
    fn ty(&mut self) -> Result<Type, Error> {
        let word = self.word().ok_or_else(|| self.error("a type"))?;
        Ok(match word {
            "unit" => Type::Unit,
            "bool" => Type::Bool,
            "slice" => Type::Slice(self.type_id()?),
            "array" => {
                let element = self.type_id()?;
                Type::Array(element, self.number()?)
            }
            "struct" => {
                let name = self.string()?;
                self.expect("{")?;
                let fields = self.list("}", |scanner| {
                    let name = scanner.string()?;
                    scanner.expect(":")?;
                    Ok((name, scanner.type_id()?))
                })?;
                Type::Struct { name, fields }
            }
            "enum" => {
                let name = self.string()?;
                self.expect("{")?;
                let variants = self.list("}", |scanner| {
                    let name = scanner.string()?;
                    scanner.expect("(")?;
                    let fields = scanner.list(")", Self::type_id)?;
                    Ok(Variant { name, fields })
                })?;
                Type::Enum { name, variants }
            }
            "handle" => {
                let interface = self.string()?;
                Type::Handle { interface, methods: self.number()? }
            }
            scalar => scalar_type(scalar).ok_or_else(|| self.error("a type"))?,
        })
    }

    fn type_id(&mut self) -> Result<TypeId, Error> {
        self.index('%').map(TypeId)
    }
}

fn scalar_type(word: &str) -> Option<Type> {
    let (kind, bits) = word.split_at_checked(1)?;
    let bits = bits.parse().ok()?;
    match kind {
        "i" | "u" => Some(Type::Int { signed: kind == "i", bits }),
        "f" => Some(Type::Float { bits }),
        _ => None,
    }
}
