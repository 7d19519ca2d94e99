//! What a module says, in the numbers of the result.

use crate::error::{Error, Reason};
use crate::item::{Item, Kind};
use crate::link::Program;
use crate::module::Module;
use crate::numbers::Numbers;
use sci::limits::wasm;
use std::collections::{BTreeSet, HashMap, HashSet};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{Encode, Instruction};
use wasmparser::{ConstExpr, DataSectionReader, ElementSectionReader, Operator};

pub(crate) type Refused = reencode::Error<Error>;

/// The error of a module that could not be written anew.
pub(crate) fn refused(error: Refused, module: &Module<'_>) -> Error {
    let why = match error {
        reencode::Error::UserError(error) => return error,
        reencode::Error::ParseError(error) => error.into(),
        other => compiler_wasm::Error::Invalid { offset: 0, message: other.to_string() },
    };
    Reason::Module(why).of(module.file)
}

/// Rewrites what a module says into the numbers of the result.
pub(crate) struct Rewriter<'p, 'm> {
    pub program: &'p Program<'m>,
    pub numbers: &'p Numbers<'p>,
    /// Functions to which code refers by `ref.func`.
    pub referenced: BTreeSet<u32>,
    /// The module being written.
    module: usize,
    /// Segments of the modules written before.
    elements: u32,
    data: u32,
    /// First values of the globals that modules define, written.
    values: HashMap<Item, Vec<u8>>,
    /// Bytes that took the place of a global's name.
    expanded: u64,
}

impl<'p, 'm> Rewriter<'p, 'm> {
    pub(crate) fn new(program: &'p Program<'m>, numbers: &'p Numbers<'p>) -> Result<Self, Error> {
        let mut rewriter = Self {
            program,
            numbers,
            referenced: BTreeSet::new(),
            module: 0,
            elements: 0,
            data: 0,
            values: HashMap::new(),
            expanded: 0,
        };
        let mut begun = HashSet::new();
        for module in 0..program.modules.len() {
            for index in program.modules[module].defined(Kind::Global) {
                rewriter.find_value(Item { module, kind: Kind::Global, index }, &mut begun)?;
            }
        }
        Ok(rewriter)
    }

    /// Goes on with another module.
    pub(crate) fn enter(&mut self, module: usize) {
        self.module = module;
        let written = self.program.order.iter().take_while(|number| **number != module);
        let modules = written.map(|number| &self.program.modules[*number]);
        let (mut elements, mut data) = (0, 0);
        for module in modules {
            elements += module.elements.as_ref().map_or(0, ElementSectionReader::count);
            data += module.data.as_ref().map_or(0, DataSectionReader::count);
        }
        (self.elements, self.data) = (elements, data);
    }

    /// The first value of a global that the module defines.
    pub(crate) fn initial(&self, index: u32) -> wasm_encoder::ConstExpr {
        let value = &self.values[&self.item(Kind::Global, index)];
        wasm_encoder::ConstExpr::raw(value.iter().copied())
    }

    fn item(&self, kind: Kind, index: u32) -> Item {
        Item { module: self.module, kind, index }
    }

    fn number(&self, kind: Kind, index: u32) -> u32 {
        self.numbers.number(self.item(kind, index))
    }

    /// Finds the first value of a global, after those that it follows from.
    fn find_value(&mut self, global: Item, begun: &mut HashSet<Item>) -> Result<(), Error> {
        let mut stack = vec![global];
        while let Some(top) = stack.last().copied() {
            let Some(initial) = self.initializer(top).filter(|_| !self.values.contains_key(&top)) else {
                stack.pop();
                continue;
            };
            begun.insert(top);
            let of = &self.program.modules[top.module];
            if let Some(need) = self.next_need(top.module, initial) {
                if begun.contains(&need) {
                    return Err(Reason::Initializer { global: top.index }.of(of.file));
                }
                stack.push(need);
                continue;
            }
            self.module = top.module;
            let value = self.expression(initial).map_err(|error| refused(error, of))?;
            self.values.insert(top, value);
            stack.pop();
        }
        Ok(())
    }

    fn initializer(&self, global: Item) -> Option<&'p ConstExpr<'m>> {
        let module = &self.program.modules[global.module];
        let number = global.index.checked_sub(module.imported[Kind::Global])?;
        module.initial.get(number as usize)
    }

    /// A global whose value an expression names, and which has one that is not known yet.
    fn next_need(&self, module: usize, expression: &ConstExpr<'_>) -> Option<Item> {
        let named = expression.get_operators_reader().into_iter().flatten().filter_map(|operator| {
            let Operator::GlobalGet { global_index: index } = operator else { return None };
            Some(self.program.resolve(Item { module, kind: Kind::Global, index }))
        });
        let mut needs =
            named.filter(|item| self.initializer(*item).is_some() && !self.values.contains_key(item));
        needs.next()
    }

    /// An expression without its end. A global that a module defines is named by its value: an expression may only name
    /// globals that are imported.
    fn expression(&mut self, expression: &ConstExpr<'_>) -> Result<Vec<u8>, Refused> {
        let mut bytes = Vec::new();
        for operator in expression.get_operators_reader() {
            match operator? {
                Operator::End => {}
                Operator::GlobalGet { global_index } => {
                    let item = self.program.resolve(self.item(Kind::Global, global_index));
                    let Some(value) = self.values.get(&item) else {
                        Instruction::GlobalGet(self.numbers.number(item)).encode(&mut bytes);
                        continue;
                    };
                    self.expanded += value.len() as u64;
                    if self.expanded > wasm::MODULE_BYTES_MAX {
                        let file = self.program.modules[self.module].file;
                        let reason = Reason::TooLarge { limit: wasm::MODULE_BYTES_MAX };
                        return Err(reencode::Error::UserError(reason.of(file)));
                    }
                    bytes.extend_from_slice(value);
                }
                operator => reencode::utils::instruction(self, operator)?.encode(&mut bytes),
            }
        }
        Ok(bytes)
    }
}

impl Reencode for Rewriter<'_, '_> {
    type Error = Error;

    fn type_index(&mut self, ty: u32) -> Result<u32, Refused> {
        Ok(self.numbers.type_number(&self.program.modules[self.module].types[ty as usize]))
    }

    fn function_index(&mut self, index: u32) -> Result<u32, Refused> {
        Ok(self.number(Kind::Function, index))
    }

    fn table_index(&mut self, index: u32) -> Result<u32, Refused> {
        Ok(self.number(Kind::Table, index))
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Refused> {
        Ok(self.number(Kind::Memory, index))
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Refused> {
        Ok(self.number(Kind::Global, index))
    }

    fn element_index(&mut self, index: u32) -> Result<u32, Refused> {
        Ok(self.elements + index)
    }

    fn data_index(&mut self, index: u32) -> Result<u32, Refused> {
        Ok(self.data + index)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Refused> {
        if let Operator::RefFunc { function_index } = operator {
            let number = self.number(Kind::Function, function_index);
            self.referenced.insert(number);
        }
        reencode::utils::instruction(self, operator)
    }

    fn const_expr(&mut self, expression: ConstExpr<'_>) -> Result<wasm_encoder::ConstExpr, Refused> {
        Ok(wasm_encoder::ConstExpr::raw(self.expression(&expression)?))
    }
}
