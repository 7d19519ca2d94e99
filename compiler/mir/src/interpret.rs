//! Runs MIR: initial values of state, `test` blocks, and the oracle that machine code is compared with.
//!
//! Memory is bytes. Every local, global and datum is an allocation of its own; an address is the allocation's
//! number in the upper half and an offset in the lower, so that an access outside an allocation is found.

mod host;

use crate::ir::{
    Argument, Base, BinaryOperator, Constant, Fault, Function, FunctionId, Global, LocalKind, Operand, Place,
    Program, Rvalue, Statement, Step, Terminator, Type, TypeId, UnaryOperator,
};
use crate::layout::{self, TAG_BYTES};
use compiler_syntax::span::Span;
use host::Early;
pub use host::{Host, Message, NoHost};

/// Calls may nest this deep.
const DEPTH_MAX: usize = 200;

/// Why a run ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The program trapped.
    Trap {
        /// With what.
        fault: Fault,
        /// Where.
        span: Span,
    },
    /// It took more steps than allowed.
    Fuel,
    /// Calls nested too deep.
    Depth,
    /// It needs something that only a running component has.
    Refused {
        /// What.
        what: &'static str,
    },
}

/// Runs a function without parameters and gives the bytes of its result.
pub fn evaluate(program: &Program, function: FunctionId, fuel: u64) -> Result<Vec<u8>, Stop> {
    let mut host = Early;
    let mut interpreter = Interpreter::new(program, &mut host, fuel);
    interpreter.call(function, &[])
}

/// A running program.
pub struct Interpreter<'p, 'h> {
    program: &'p Program,
    host: &'h mut dyn Host,
    fuel: u64,
    memory: Vec<Vec<u8>>,
    /// Allocations below this one are globals, data and windows.
    first_local: usize,
    depth: usize,
    /// Whether the state is within [`BYTES_MAX`]; otherwise nothing runs.
    fits: bool,
}

struct Frame<'p> {
    function: &'p Function,
    /// Address of each local's memory, or of what it refers to.
    addresses: Vec<u64>,
}

/// Bytes that the state, or one local, may take: more than an image can hold does not run.
const BYTES_MAX: u64 = sci::limits::SLAB_IMAGE_BYTES_MAX;
/// Bytes of the window that each capability has here.
const WINDOW_BYTES: usize = 4096;
/// What a program that goes beyond [`BYTES_MAX`] needs.
const TOO_MUCH: &str = "more memory than an image can have";

impl<'p, 'h> Interpreter<'p, 'h> {
    /// Sets a program up with its state's initial values.
    pub fn new(program: &'p Program, host: &'h mut dyn Host, fuel: u64) -> Self {
        let size = |global: &Global| layout::of(program, global.ty).size;
        let state_bytes = program.globals.iter().fold(0, |sum: u64, global| sum.saturating_add(size(global)));
        let fits = state_bytes <= BYTES_MAX;
        let mut memory = Vec::new();
        for global in &program.globals {
            let zeros = || vec![0; if fits { size(global) as usize } else { 0 }];
            memory.push(if global.initial.is_empty() { zeros() } else { global.initial.clone() });
        }
        memory.extend(program.data.iter().map(|data| data.bytes.clone()));
        let windows = program.component.as_ref().map_or(0, |component| component.capabilities.len());
        memory.extend((0..windows).map(|_| vec![0; WINDOW_BYTES]));
        let first_local = memory.len();
        Self { program, host, fuel, memory, first_local, depth: 0, fits }
    }

    /// The bytes of a state variable.
    pub fn global(&self, index: usize) -> &[u8] {
        &self.memory[index]
    }

    /// Calls a function with scalar arguments, each as its little-endian bytes; gives the bytes of the result.
    pub fn call(&mut self, function: FunctionId, arguments: &[Vec<u8>]) -> Result<Vec<u8>, Stop> {
        if !self.fits {
            return Err(Stop::Refused { what: TOO_MUCH });
        }
        let mark = self.memory.len();
        let addresses = arguments.iter().map(|argument| self.allocate_bytes(argument.clone())).collect();
        self.depth = 0;
        let result = self.run(function, addresses);
        let bytes = result.map(|address| {
            let callee = &self.program.functions[function.index()];
            let size = layout::of(self.program, callee.returns).size as usize;
            address.map_or_else(Vec::new, |address| self.bytes(address, size).to_vec())
        });
        self.memory.truncate(mark.max(self.first_local));
        bytes
    }

    fn allocate_bytes(&mut self, bytes: Vec<u8>) -> u64 {
        self.memory.push(bytes);
        ((self.memory.len() - 1) as u64) << 32
    }

    fn allocate(&mut self, ty: TypeId) -> Result<u64, Stop> {
        let size = layout::of(self.program, ty).size;
        if size > BYTES_MAX {
            return Err(Stop::Refused { what: TOO_MUCH });
        }
        Ok(self.allocate_bytes(vec![0; size as usize]))
    }

    fn bytes(&self, address: u64, len: usize) -> &[u8] {
        let (allocation, offset) = ((address >> 32) as usize, address as u32 as usize);
        &self.memory[allocation][offset..offset + len]
    }

    fn store(&mut self, address: u64, bytes: &[u8]) {
        let (allocation, offset) = ((address >> 32) as usize, address as u32 as usize);
        self.memory[allocation][offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Runs a function whose parameters lie at the addresses; gives the address of its result.
    fn run(&mut self, id: FunctionId, parameters: Vec<u64>) -> Result<Option<u64>, Stop> {
        if self.depth == DEPTH_MAX {
            return Err(Stop::Depth);
        }
        self.depth += 1;
        let program = self.program;
        let function = &program.functions[id.index()];
        let mut addresses = parameters;
        for local in &function.locals[addresses.len()..] {
            let address = self.allocate(local.ty)?;
            addresses.push(address);
        }
        let frame = Frame { function, addresses };
        let mut block = 0;
        loop {
            let current = &function.blocks[block];
            for (statement, span) in &current.statements {
                self.spend()?;
                self.statement(&frame, statement, *span)?;
            }
            self.spend()?;
            match &current.end {
                Terminator::Goto(next) => block = next.index(),
                Terminator::Branch { condition, then, otherwise } => {
                    let taken = self.scalar(&frame, condition) != 0;
                    block = if taken { then.index() } else { otherwise.index() };
                }
                Terminator::Switch { value, arms, otherwise } => {
                    let value = self.scalar(&frame, value);
                    let arm = arms.iter().find(|(case, _)| *case == value);
                    block = arm.map_or(otherwise.index(), |(_, next)| next.index());
                }
                Terminator::Return => break,
                Terminator::Trap(fault) => return Err(Stop::Trap { fault: *fault, span: current.end_span }),
            }
        }
        self.depth -= 1;
        Ok(function.result.map(|local| frame.addresses[local.index()]))
    }

    fn spend(&mut self) -> Result<(), Stop> {
        self.fuel = self.fuel.checked_sub(1).ok_or(Stop::Fuel)?;
        Ok(())
    }

    fn place(&self, frame: &Frame<'_>, place: &Place) -> (u64, TypeId) {
        let (mut address, mut ty) = match place.base {
            Base::Local(local) => (frame.addresses[local.index()], frame.function.locals[local.index()].ty),
            Base::Global(global) => ((u64::from(global.0)) << 32, self.program.globals[global.index()].ty),
            Base::Data(data, ty) => (self.data_address(data.index()), ty),
        };
        for step in &place.path {
            (address, ty) = self.step(frame, address, ty, step);
        }
        (address, ty)
    }

    fn data_address(&self, index: usize) -> u64 {
        ((self.program.globals.len() + index) as u64) << 32
    }

    fn step(&self, frame: &Frame<'_>, address: u64, ty: TypeId, step: &Step) -> (u64, TypeId) {
        match (step, self.program.type_of(ty)) {
            (Step::Field(field), Type::Struct { fields, .. }) => {
                (address + layout::field_offset(self.program, ty, *field), fields[*field as usize].1)
            }
            (Step::Payload(variant, field), Type::Enum { variants, .. }) => (
                address + layout::payload_offset(self.program, ty, *variant, *field),
                variants[*variant as usize].fields[*field as usize],
            ),
            (Step::Index(local), _) => {
                let index = self.read_u64(frame.addresses[local.index()]);
                self.element(address, ty, index)
            }
            (Step::ConstantIndex(index), _) => self.element(address, ty, *index),
            (step, ty) => panic!("step {step:?} does not fit {ty:?}"),
        }
    }

    fn element(&self, address: u64, ty: TypeId, index: u64) -> (u64, TypeId) {
        match self.program.type_of(ty) {
            Type::Array(element, _) => (address + index * layout::of(self.program, *element).size, *element),
            Type::Slice(element) => {
                (self.read_u64(address) + index * layout::of(self.program, *element).size, *element)
            }
            ty => panic!("{ty:?} has no elements"),
        }
    }

    fn read_u64(&self, address: u64) -> u64 {
        self.read(address, 8)
    }

    fn read(&self, address: u64, size: usize) -> u64 {
        let mut word = [0; 8];
        word[..size].copy_from_slice(self.bytes(address, size));
        u64::from_le_bytes(word)
    }

    fn operand_type(&self, frame: &Frame<'_>, operand: &Operand) -> Option<TypeId> {
        match operand {
            Operand::Copy(place) | Operand::Move(place) => {
                Some(self.program.place_type(frame.function, place))
            }
            Operand::Constant(Constant::Int(_, ty) | Constant::Float(_, ty) | Constant::Slice(_, _, ty)) => {
                Some(*ty)
            }
            Operand::Constant(_) => None,
        }
    }

    /// The bytes of an operand's value.
    fn value(&self, frame: &Frame<'_>, operand: &Operand) -> Vec<u8> {
        match operand {
            Operand::Copy(place) | Operand::Move(place) => {
                let (address, ty) = self.place(frame, place);
                self.bytes(address, layout::of(self.program, ty).size as usize).to_vec()
            }
            Operand::Constant(constant) => self.constant(*constant),
        }
    }

    fn constant(&self, constant: Constant) -> Vec<u8> {
        match constant {
            Constant::Unit => Vec::new(),
            Constant::Bool(value) => vec![u8::from(value)],
            Constant::Int(bits, ty) | Constant::Float(bits, ty) => {
                bits.to_le_bytes()[..layout::of(self.program, ty).size as usize].to_vec()
            }
            Constant::Slice(data, len, _) => slice(self.data_address(data.index()), len),
        }
    }

    /// A scalar's bits, upper bits zero.
    fn scalar(&self, frame: &Frame<'_>, operand: &Operand) -> u64 {
        let bytes = self.value(frame, operand);
        let mut word = [0; 8];
        let size = bytes.len().min(8);
        word[..size].copy_from_slice(&bytes[..size]);
        u64::from_le_bytes(word)
    }

    fn view(&self, frame: &Frame<'_>, operand: &Operand) -> (u64, u64) {
        let bytes = self.value(frame, operand);
        let mut words = [[0; 8]; 2];
        words[0].copy_from_slice(&bytes[..8]);
        words[1].copy_from_slice(&bytes[8..16]);
        (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]))
    }

    fn statement(&mut self, frame: &Frame<'_>, statement: &Statement, span: Span) -> Result<(), Stop> {
        match statement {
            Statement::Assign(place, value) => {
                let bytes = self.rvalue(frame, place, value, span)?;
                let (address, _) = self.place(frame, place);
                self.store(address, &bytes);
            }
            Statement::Zero(place) => {
                let (address, ty) = self.place(frame, place);
                let zeros = vec![0; layout::of(self.program, ty).size as usize];
                self.store(address, &zeros);
            }
            Statement::SetTag(place, tag) => {
                let (address, _) = self.place(frame, place);
                self.store(address, &tag.to_le_bytes());
            }
            Statement::SetTagFrom(place, tag) => {
                let tag = self.scalar(frame, tag) as u32;
                let (address, _) = self.place(frame, place);
                self.store(address, &tag.to_le_bytes());
            }
            Statement::Check(condition, fault) => {
                if self.scalar(frame, condition) == 0 {
                    return Err(Stop::Trap { fault: *fault, span });
                }
            }
            Statement::Call { destination, function, arguments } => {
                self.call_statement(frame, destination.as_ref(), *function, arguments)?;
            }
            Statement::System { call, arguments, status, value, .. } => {
                let arguments: Vec<u64> =
                    arguments.iter().map(|operand| self.scalar(frame, operand)).collect();
                let (answer, result) = self.host.system(*call, &arguments)?;
                self.set(frame, status, answer);
                self.set(frame, value, result);
            }
            Statement::Invoke { capability, method, words, status, results, .. } => {
                let capability = self.scalar(frame, capability);
                let words = words.iter().map(|operand| self.scalar(frame, operand)).collect();
                let window = self.window_allocation(capability);
                let message =
                    Message { capability, method: *method, words, window: &mut self.memory[window] };
                let (answer, given) = self.host.invoke(message)?;
                self.set(frame, status, answer);
                for (place, word) in results.iter().zip(given) {
                    self.set(frame, place, word);
                }
            }
            Statement::Receive { .. } => return Err(Stop::Refused { what: "a message" }),
        }
        Ok(())
    }

    fn window_allocation(&self, capability: u64) -> usize {
        self.program.globals.len() + self.program.data.len() + capability as usize
    }

    fn set(&mut self, frame: &Frame<'_>, place: &Place, value: u64) {
        let (address, _) = self.place(frame, place);
        self.store(address, &value.to_le_bytes());
    }

    fn call_statement(
        &mut self,
        frame: &Frame<'_>,
        destination: Option<&Place>,
        function: FunctionId,
        arguments: &[Argument],
    ) -> Result<(), Stop> {
        let callee = &self.program.functions[function.index()];
        let mark = self.memory.len();
        let mut addresses = Vec::new();
        for (argument, local) in arguments.iter().zip(&callee.locals) {
            let address = match (argument, local.kind) {
                (Argument::Reference(place), LocalKind::Reference { .. }) => self.place(frame, place).0,
                (Argument::Value(operand), _) => {
                    let bytes = self.value(frame, operand);
                    self.allocate_bytes(bytes)
                }
                (Argument::Reference(place), LocalKind::Value) => {
                    let (address, ty) = self.place(frame, place);
                    let bytes = self.bytes(address, layout::of(self.program, ty).size as usize).to_vec();
                    self.allocate_bytes(bytes)
                }
            };
            addresses.push(address);
        }
        let result = self.run(function, addresses)?;
        if let (Some(place), Some(result)) = (destination, result) {
            let size = layout::of(self.program, callee.returns).size as usize;
            let bytes = self.bytes(result, size).to_vec();
            let (address, _) = self.place(frame, place);
            self.store(address, &bytes);
        }
        self.memory.truncate(mark);
        Ok(())
    }

    fn rvalue(
        &mut self,
        frame: &Frame<'_>,
        place: &Place,
        value: &Rvalue,
        span: Span,
    ) -> Result<Vec<u8>, Stop> {
        let target = self.program.place_type(frame.function, place);
        let word = |value: u64| value.to_le_bytes().to_vec();
        Ok(match value {
            Rvalue::Use(operand) => self.value(frame, operand),
            Rvalue::Unary(operator, operand) => {
                let ty = self.operand_type(frame, operand);
                let bits = self.scalar(frame, operand);
                self.unary(*operator, bits, ty.unwrap_or(target), span)?
            }
            Rvalue::Binary(operator, left, right) => {
                let ty = self.operand_type(frame, left).or_else(|| self.operand_type(frame, right));
                let (left, right) = (self.scalar(frame, left), self.scalar(frame, right));
                crate::arithmetic::binary(ty.map(|ty| self.program.type_of(ty)), *operator, left, right)
                    .map(|(bits, size)| bits.to_le_bytes()[..size].to_vec())
                    .map_err(|fault| Stop::Trap { fault, span })?
            }
            Rvalue::Convert(operand, ty) | Rvalue::Truncate(operand, ty) => {
                let from = self.operand_type(frame, operand).map(|ty| self.program.type_of(ty));
                let bits = self.scalar(frame, operand);
                let to = self.program.type_of(*ty);
                let exact = matches!(value, Rvalue::Convert(..));
                crate::arithmetic::convert(from, to, bits, exact)
                    .map(|(bits, size)| bits.to_le_bytes()[..size].to_vec())
                    .map_err(|fault| Stop::Trap { fault, span })?
            }
            Rvalue::Tag(place) => {
                let (address, _) = self.place(frame, place);
                self.bytes(address, TAG_BYTES as usize).to_vec()
            }
            Rvalue::Length(place) => {
                let (address, ty) = self.place(frame, place);
                match self.program.type_of(ty) {
                    Type::Array(_, count) => word(*count),
                    _ => word(self.read_u64(address + 8)),
                }
            }
            Rvalue::View(place, from, to) => {
                let (from, to) = (self.scalar(frame, from), self.scalar(frame, to));
                let (address, ty) = self.place(frame, place);
                let (start, _) = self.element(address, ty, from);
                slice(start, to - from)
            }
            Rvalue::AsBytes(operand) => {
                let (address, len) = self.view(frame, operand);
                let ty = self.operand_type(frame, operand).unwrap_or(target);
                slice(address, len * self.element_size(ty))
            }
            Rvalue::FromBytes(operand, ty) => {
                let (address, len) = self.view(frame, operand);
                slice(address, len / self.element_size(*ty))
            }
            Rvalue::Capability(capability) => word(u64::from(capability.0)),
            Rvalue::Handle(capability) => word(u64::from(capability.0) + 1),
            Rvalue::HandleOf(operand) => word(self.scalar(frame, operand) + 1),
            Rvalue::Window(operand) => {
                let window = self.window_allocation(self.scalar(frame, operand));
                slice((window as u64) << 32, WINDOW_BYTES as u64)
            }
            Rvalue::ClientWindow(_) => return Err(Stop::Refused { what: "a client" }),
            Rvalue::Parameter(index) => {
                let parameters = self.program.component.as_ref().map(|component| &component.facts.parameters);
                let default =
                    parameters.and_then(|list| list.get(*index as usize)).map_or(0, |(_, value)| *value);
                word(self.host.parameter(default)?)
            }
        })
    }

    fn element_size(&self, slice: TypeId) -> u64 {
        match self.program.type_of(slice) {
            Type::Slice(element) => layout::of(self.program, *element).size.max(1),
            _ => 1,
        }
    }

    fn unary(&self, operator: UnaryOperator, bits: u64, ty: TypeId, span: Span) -> Result<Vec<u8>, Stop> {
        let ty = self.program.type_of(ty);
        let size = match ty {
            Type::Int { bits, .. } | Type::Float { bits } => usize::from(*bits) / 8,
            _ => 1,
        };
        let value = match (operator, ty) {
            (UnaryOperator::Not, Type::Int { .. }) => !bits,
            (UnaryOperator::Not, _) => bits ^ 1,
            (UnaryOperator::Negate, Type::Float { bits: 32 }) => {
                u64::from((-f32::from_bits(bits as u32)).to_bits())
            }
            (UnaryOperator::Negate, Type::Float { .. }) => (-f64::from_bits(bits)).to_bits(),
            (UnaryOperator::Negate, _) => {
                let (negated, _) = crate::arithmetic::binary(Some(ty), BinaryOperator::Subtract, 0, bits)
                    .map_err(|fault| Stop::Trap { fault, span })?;
                negated
            }
        };
        Ok(value.to_le_bytes()[..size].to_vec())
    }
}

fn slice(address: u64, len: u64) -> Vec<u8> {
    [address.to_le_bytes(), len.to_le_bytes()].concat()
}
