//! Random well-formed MIR: every kind of place, value and statement, chosen by type.
//!
//! Only what the language leaves undefined is left out: a view does not outlive what it points into, read-only
//! memory is not written, and every local begins as zero bytes.

use compiler_mir::ir::{
    Argument, Base, BinaryOperator as Op, Block, BlockId, Capability, CapabilityId, Component, Constant,
    Data, DataId, Facts, Fault, Function, FunctionId, Global, GlobalId, Local, LocalDeclaration, LocalKind,
    Operand, Place, Program, Rvalue, Statement, Step, Terminator, Type, TypeId, UnaryOperator, Variant,
};
use compiler_mir::layout;
use compiler_syntax::span::Span;

/// A stream of numbers that its seed decides (Steele, Lea and Flood, "SplitMix", 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

const BOOL: TypeId = TypeId(1);
const U8: TypeId = TypeId(2);
const U32: TypeId = TypeId(4);
const U64: TypeId = TypeId(5);
/// `bool`, the integers and the floats.
const SCALARS: std::ops::RangeInclusive<u32> = 1..=11;
const BYTES: TypeId = TypeId(12);
const WORDS: TypeId = TypeId(13);
const AGGREGATES: std::ops::RangeInclusive<u32> = 14..=19;
const TABLE: TypeId = TypeId(14);

fn types() -> Vec<Type> {
    let mut types = vec![Type::Unit, Type::Bool];
    for signed in [false, true] {
        types.extend([8, 16, 32, 64].map(|bits| Type::Int { signed, bits }));
    }
    types.extend([Type::Float { bits: 32 }, Type::Float { bits: 64 }]);
    let field = |name: &str, ty: u32| (name.to_owned(), TypeId(ty));
    let variant = |name: &str, fields: &[u32]| Variant {
        name: name.to_owned(),
        fields: fields.iter().map(|ty| TypeId(*ty)).collect(),
    };
    types.extend([
        Type::Slice(U8),
        Type::Slice(U32),
        Type::Array(U32, 6),
        Type::Struct {
            name: "s".into(),
            fields: vec![field("a", 2), field("b", 5), field("c", 10), field("d", 3)],
        },
        Type::Enum {
            name: "e".into(),
            variants: vec![variant("none", &[]), variant("number", &[9]), variant("both", &[2, 15])],
        },
        Type::Array(TypeId(15), 3),
        Type::Struct { name: "t".into(), fields: vec![field("e", 16), field("w", 13), field("f", 11)] },
        Type::Array(U8, 150),
    ]);
    types
}

/// A random program whose main function takes nothing; state is what it shows.
pub fn program(seed: u64) -> Program {
    let mut random = Random(seed);
    let types = types();
    let data = Data { bytes: (0..40).map(|at| (at * 37) as u8).collect(), align: 8 };
    let mut program = Program { types, data: vec![data], ..Program::default() };
    for ty in SCALARS.chain([14, 15, 16, 17, 19]).map(TypeId) {
        let size = layout::of(&program, ty).size;
        let initial = if ty != BOOL && random.percent(50) {
            (0..size).map(|_| random.next() as u8).collect()
        } else {
            Vec::new()
        };
        program.globals.push(Global { name: "g".into(), ty, initial, span: Span::default() });
    }
    program.component = Some(component());
    let count = 1 + random.below(5);
    let declared: Vec<Function> = (0..count).map(|at| declare(&mut random, at == 0)).collect();
    program.functions = declared;
    for at in 0..count {
        let mut writer =
            Writer { random: &mut random, program: &program, at, statements: Vec::new(), locals: Vec::new() };
        let (locals, blocks) = writer.body();
        program.functions[at].locals = locals;
        program.functions[at].blocks = blocks;
    }
    program
}

fn component() -> Component {
    let capability = |name: &str| Capability {
        name: name.to_owned(),
        interface: "peer".into(),
        hash: [1; 32],
        declared: 0xff,
        used: 0xff,
        message: true,
        window_bytes: 4096,
        span: Span::default(),
    };
    Component {
        package: "test".into(),
        name: "Test".into(),
        version: "0.0.0".into(),
        capabilities: vec![capability("one"), capability("two")],
        exports: Vec::new(),
        main: FunctionId(0),
        entries: Vec::new(),
        facts: Facts { parameters: vec![("p".into(), 77), ("q".into(), 1 << 40)], ..Facts::default() },
        span: Span::default(),
    }
}

fn declare(random: &mut Random, main: bool) -> Function {
    let local = |ty, kind| LocalDeclaration { name: String::new(), ty, kind, span: Span::default() };
    let mut locals = Vec::new();
    if !main {
        for _ in 0..random.below(5) {
            let scalar = TypeId(random.pick(&SCALARS.chain([12, 13]).collect::<Vec<_>>()));
            let any = TypeId(random.pick(&SCALARS.chain([14, 15, 16, 17, 19]).collect::<Vec<_>>()));
            let mutable = random.percent(50);
            let reference = local(any, LocalKind::Reference { mutable });
            locals.push(if random.percent(50) { local(scalar, LocalKind::Value) } else { reference });
        }
    }
    let parameters = locals.len() as u32;
    let returns = if main || random.percent(20) {
        TypeId(0)
    } else {
        TypeId(random.pick(&SCALARS.chain([14, 15, 16, 17, 19]).collect::<Vec<_>>()))
    };
    let result = (returns != TypeId(0)).then_some(Local(parameters));
    locals.extend(result.map(|_| local(returns, LocalKind::Value)));
    let name = format!("f{}", random.below(1000));
    Function {
        name,
        parameters,
        returns,
        result,
        locals,
        blocks: Vec::new(),
        depth: None,
        span: Span::default(),
    }
}

fn number(value: u64, ty: TypeId) -> Operand {
    Operand::Constant(Constant::Int(value, ty))
}

/// A function in the making.
struct Writer<'w> {
    random: &'w mut Random,
    program: &'w Program,
    at: usize,
    locals: Vec<LocalDeclaration>,
    statements: Vec<(Statement, Span)>,
}

impl Writer<'_> {
    fn body(&mut self) -> (Vec<LocalDeclaration>, Vec<Block>) {
        let function = &self.program.functions[self.at];
        self.locals.clone_from(&function.locals);
        for ty in SCALARS.chain([12, 13]).chain(AGGREGATES) {
            self.local(TypeId(ty));
        }
        let count = 1 + self.random.below(6);
        let mut blocks = Vec::new();
        for at in 0..count {
            for _ in 0..=self.random.below(8) {
                self.statement();
            }
            let end = self.end(at, count);
            blocks.push(Block {
                statements: std::mem::take(&mut self.statements),
                end,
                end_span: Span::default(),
            });
        }
        let parameters = function.parameters;
        let zeros = (parameters..self.locals.len() as u32)
            .map(|local| (Statement::Zero(Place::local(Local(local))), Span::default()));
        blocks[0].statements.splice(0..0, zeros);
        (std::mem::take(&mut self.locals), blocks)
    }

    fn local(&mut self, ty: TypeId) -> Local {
        self.locals.push(LocalDeclaration {
            name: String::new(),
            ty,
            kind: LocalKind::Value,
            span: Span::default(),
        });
        Local(self.locals.len() as u32 - 1)
    }

    fn push(&mut self, statement: Statement) {
        let at = self.statements.len() as u32;
        self.statements.push((statement, Span { start: at, end: at + 1, ..Span::default() }));
    }

    fn assign(&mut self, ty: TypeId, value: Rvalue) -> Place {
        let place = Place::local(self.local(ty));
        self.push(Statement::Assign(place.clone(), value));
        place
    }

    fn end(&mut self, at: usize, count: usize) -> Terminator {
        // Mostly onward, so that most programs end.
        let next = |random: &mut Random| {
            BlockId(if at + 1 < count && random.percent(85) {
                at + 1 + random.below(count - at - 1)
            } else {
                random.below(count)
            } as u32)
        };
        if at + 1 == count {
            return Terminator::Return;
        }
        match self.random.below(10) {
            0..4 => Terminator::Goto(next(self.random)),
            4..7 => {
                let (then, otherwise) = (next(self.random), next(self.random));
                Terminator::Branch { condition: self.operand(BOOL), then, otherwise }
            }
            7..9 => {
                let ty = TypeId(1 + self.random.below(9) as u32);
                let bits = 8 * layout::of(self.program, ty).size;
                let mut arms = Vec::new();
                for case in 0..self.random.below(6) as u64 {
                    let case = if bits == 8 || self.random.percent(70) {
                        case
                    } else {
                        u64::MAX >> (64 - bits) ^ case
                    };
                    arms.push((case & if ty == BOOL { 1 } else { u64::MAX }, next(self.random)));
                }
                arms.sort_by_key(|(case, _)| *case);
                arms.dedup_by_key(|(case, _)| *case);
                let otherwise = next(self.random);
                Terminator::Switch { value: self.operand(ty), arms, otherwise }
            }
            _ => Terminator::Return,
        }
    }

    fn scalar(&mut self) -> TypeId {
        TypeId(1 + self.random.below(11) as u32)
    }

    fn any(&mut self) -> TypeId {
        if self.random.percent(60) { self.scalar() } else { TypeId(12 + self.random.below(8) as u32) }
    }

    /// A place of a type; one that may be written if asked.
    fn place(&mut self, ty: TypeId, written: bool) -> Place {
        let mut places = Vec::new();
        for (at, local) in self.locals.iter().enumerate() {
            if !written || local.kind != (LocalKind::Reference { mutable: false }) {
                self.within(&Place::local(Local(at as u32)), local.ty, ty, &mut places);
            }
        }
        // State holds no view.
        for (at, global) in self.program.globals.iter().enumerate() {
            self.within(&Place::global(GlobalId(at as u32)), global.ty, ty, &mut places);
        }
        if !written && matches!(ty, U8 | U32 | U64 | TABLE) {
            places.push(Place { base: Base::Data(DataId(0), ty), path: Vec::new() });
        }
        if matches!(ty, U8 | U32) && self.random.percent(25) {
            return self.element(ty);
        }
        self.random.pick(&places)
    }

    fn within(&self, place: &Place, at: TypeId, wanted: TypeId, found: &mut Vec<Place>) {
        if at == wanted {
            found.push(place.clone());
        }
        match self.program.type_of(at) {
            Type::Struct { fields, .. } => {
                for (field, (_, ty)) in fields.iter().enumerate() {
                    self.within(&place.then(Step::Field(field as u32)), *ty, wanted, found);
                }
            }
            Type::Enum { variants, .. } => {
                for (at, variant) in variants.iter().enumerate() {
                    for (field, ty) in variant.fields.iter().enumerate() {
                        self.within(&place.then(Step::Payload(at as u32, field as u32)), *ty, wanted, found);
                    }
                }
            }
            Type::Array(element, count) => {
                self.within(&place.then(Step::ConstantIndex(count - 1)), *element, wanted, found);
            }
            _ => {}
        }
    }

    /// An element behind a check, of an array or a view.
    fn element(&mut self, ty: TypeId) -> Place {
        let holder = match (ty == U8, self.random.percent(50)) {
            (true, true) => BYTES,
            (true, false) => TypeId(19),
            (false, true) => WORDS,
            (false, false) => TABLE,
        };
        let whole = self.place(holder, true);
        let length = self.assign(U64, Rvalue::Length(whole.clone()));
        let wanted = self.operand(U64);
        let index = if self.random.percent(90) {
            let some = self.assign(U64, Rvalue::Binary(Op::Or, wanted, number(1, U64)));
            self.assign(U64, Rvalue::Binary(Op::Remainder, Operand::Copy(some), number(5, U64)))
        } else {
            self.assign(U64, Rvalue::Use(wanted))
        };
        let inside = Rvalue::Binary(Op::Less, Operand::Copy(index.clone()), Operand::Copy(length));
        let inside = self.assign(BOOL, inside);
        self.push(Statement::Check(Operand::Copy(inside), Fault::Bounds));
        let Base::Local(index) = index.base else { unreachable!("temporaries are locals") };
        whole.then(Step::Index(index))
    }

    fn operand(&mut self, ty: TypeId) -> Operand {
        if self.random.percent(70) {
            return Operand::Copy(self.place(ty, false));
        }
        let bits = 8 * layout::of(self.program, ty).size;
        let edge = self.random.pick(&[0, 1, 2, 3, 7, u64::MAX, u64::MAX >> 1, 1 << 63, 1 << 31, 255, 128]);
        let random = self.random.next();
        let value = if self.random.percent(80) { edge } else { random };
        match self.program.type_of(ty) {
            Type::Bool => Operand::Constant(Constant::Bool(value & 1 == 1)),
            Type::Int { .. } => number(value & u64::MAX >> (64 - bits), ty),
            Type::Float { bits: 32 } => {
                let float =
                    self.random.pick(&[0.0f32, -0.0, 1.5, -3.25, 1e30, f32::NAN, f32::INFINITY, 300.0]);
                Operand::Constant(Constant::Float(u64::from(float.to_bits()), ty))
            }
            Type::Float { .. } => {
                let float =
                    self.random.pick(&[0.0f64, -0.0, 1.5, -3.25, 1e300, f64::NAN, f64::INFINITY, 300.0]);
                Operand::Constant(Constant::Float(float.to_bits(), ty))
            }
            _ => Operand::Copy(self.place(ty, false)),
        }
    }

    fn value(&mut self, ty: TypeId) -> Rvalue {
        let choice = self.random.below(10);
        match self.program.type_of(ty) {
            Type::Bool if choice < 5 => {
                let operator = self.random.pick(&[
                    Op::Equal,
                    Op::NotEqual,
                    Op::Less,
                    Op::LessEqual,
                    Op::Greater,
                    Op::GreaterEqual,
                ]);
                let of = self.scalar();
                Rvalue::Binary(operator, self.operand(of), self.operand(of))
            }
            Type::Bool if choice < 7 => Rvalue::Unary(UnaryOperator::Not, self.operand(ty)),
            Type::Bool if choice < 9 => {
                let operator = self.random.pick(&[Op::And, Op::Or, Op::Xor]);
                Rvalue::Binary(operator, self.operand(ty), self.operand(ty))
            }
            Type::Int { .. } if choice < 4 => self.arithmetic(ty),
            Type::Int { .. } if choice < 6 => {
                let from = TypeId(1 + self.random.below(9) as u32);
                Rvalue::Truncate(self.operand(from), ty)
            }
            Type::Int { .. } if choice < 7 && ty != BOOL => {
                let from = TypeId(2 + self.random.below(10) as u32);
                Rvalue::Convert(self.operand(from), ty)
            }
            Type::Int { .. } if choice < 8 => self.word(ty),
            Type::Float { .. } if choice < 4 => {
                let operator = self.random.pick(&[Op::Add, Op::Subtract, Op::Multiply, Op::Divide]);
                Rvalue::Binary(operator, self.operand(ty), self.operand(ty))
            }
            Type::Float { .. } if choice < 5 => Rvalue::Unary(UnaryOperator::Negate, self.operand(ty)),
            Type::Float { .. } if choice < 8 => {
                let from = TypeId(2 + self.random.below(10) as u32);
                Rvalue::Convert(self.operand(from), ty)
            }
            Type::Slice(_) => self.view(ty),
            _ => Rvalue::Use(self.operand(ty)),
        }
    }

    fn arithmetic(&mut self, ty: TypeId) -> Rvalue {
        let operator = self.random.pick(&[
            Op::Add,
            Op::Subtract,
            Op::Multiply,
            Op::AddWrap,
            Op::SubtractWrap,
            Op::MultiplyWrap,
            Op::AddWrap,
            Op::Divide,
            Op::Remainder,
            Op::And,
            Op::Or,
            Op::Xor,
            Op::ShiftLeft,
            Op::ShiftRight,
        ]);
        match operator {
            Op::ShiftLeft | Op::ShiftRight => {
                let amount = number(self.random.0 % 9, U32);
                Rvalue::Binary(operator, self.operand(ty), amount)
            }
            _ if self.random.percent(10) => Rvalue::Unary(UnaryOperator::Not, self.operand(ty)),
            _ => Rvalue::Binary(operator, self.operand(ty), self.operand(ty)),
        }
    }

    /// What gives a `u64` or `u32` of its own.
    fn word(&mut self, ty: TypeId) -> Rvalue {
        match ty {
            U32 => Rvalue::Tag(self.place(TypeId(16), false)),
            U64 => match self.random.below(4) {
                0 => Rvalue::Parameter(self.random.below(2) as u32),
                1 => Rvalue::Handle(CapabilityId(self.random.below(2) as u32)),
                _ => {
                    let of = TypeId(self.random.pick(&[12, 13, 14, 17, 19]));
                    Rvalue::Length(self.place(of, false))
                }
            },
            _ => Rvalue::Use(self.operand(ty)),
        }
    }

    /// A view into state, a window, or a part of another view.
    fn view(&mut self, ty: TypeId) -> Rvalue {
        match self.random.below(5) {
            0 if ty == BYTES => {
                let capability = self.capability();
                let window = self.assign(BYTES, Rvalue::Window(Operand::Copy(capability.clone())));
                self.push(Statement::Zero(capability));
                Rvalue::Use(Operand::Copy(window))
            }
            1 if ty == BYTES => Rvalue::AsBytes(Operand::Copy(self.place(WORDS, false))),
            1 => {
                let words = Operand::Copy(self.place(WORDS, false));
                let bytes = self.assign(BYTES, Rvalue::AsBytes(words));
                Rvalue::FromBytes(Operand::Copy(bytes), WORDS)
            }
            2 => {
                let from = self.place(ty, false);
                let length = self.assign(U64, Rvalue::Length(from.clone()));
                let half = Rvalue::Binary(Op::Divide, Operand::Copy(length.clone()), number(2, U64));
                let half = self.assign(U64, half);
                Rvalue::View(from, Operand::Copy(half), Operand::Copy(length))
            }
            _ => {
                // The two arrays of state that hold bytes and words are the last and the first of the aggregates.
                let (at, length) = if ty == BYTES { (15, 150) } else { (11, 6) };
                let from = self.random.below(length / 2);
                let to = from + self.random.below(length / 2 + 1);
                Rvalue::View(Place::global(GlobalId(at)), number(from as u64, U64), number(to as u64, U64))
            }
        }
    }

    fn statement(&mut self) {
        match self.random.below(20) {
            0 => {
                let place = self.place(TypeId(16), true);
                let tag = self.random.below(3) as u32;
                self.push(Statement::SetTag(place, tag));
            }
            1 => {
                let place = self.place(TypeId(16), true);
                let some = self.operand(U32);
                let tag = self.assign(U32, Rvalue::Binary(Op::Remainder, some, number(3, U32)));
                self.push(Statement::SetTagFrom(place, Operand::Copy(tag)));
            }
            2 => {
                let ty = self.any();
                let place = self.place(ty, true);
                self.push(Statement::Zero(place));
            }
            3 => self.system(),
            4 => self.invoke(),
            5..9 => self.call(),
            _ => {
                let ty = self.any();
                let value = self.value(ty);
                let place = self.place(ty, true);
                self.push(Statement::Assign(place, value));
            }
        }
    }

    fn system(&mut self) {
        let call = self.random.pick(&[8, 9, 4, 5, 21]);
        let count = sci::syscall::CALLS[call as usize].arguments.len();
        let arguments = (0..count).map(|_| self.operand(U64)).collect();
        let (status, value) = (self.place(U64, true), self.place(U64, true));
        self.push(Statement::System { call, arguments, status, value, authority: None });
    }

    fn invoke(&mut self) {
        let words = (0..self.random.below(7)).map(|_| self.operand(U64)).collect();
        let status = self.place(U64, true);
        let results = (0..self.random.below(7)).map(|_| self.place(U64, true)).collect();
        let method = self.random.below(8) as u8;
        let held = self.capability();
        let capability = Operand::Copy(held.clone());
        self.push(Statement::Invoke { capability, method, words, status, results, authority: None });
        self.push(Statement::Zero(held));
    }

    /// A reference to a capability: opaque, so it must not stay where other statements find it.
    fn capability(&mut self) -> Place {
        let capability = Rvalue::Capability(CapabilityId(self.random.below(2) as u32));
        self.assign(U64, capability)
    }

    /// Calls a later function, so that nothing recurs.
    fn call(&mut self) {
        let later = self.program.functions.len() - self.at - 1;
        if later == 0 {
            return;
        }
        let callee = self.at + 1 + self.random.below(later);
        let declared = &self.program.functions[callee];
        let mut arguments = Vec::new();
        for local in &declared.locals[..declared.parameters as usize] {
            arguments.push(match local.kind {
                LocalKind::Value => Argument::Value(self.operand(local.ty)),
                LocalKind::Reference { mutable } => Argument::Reference(self.place(local.ty, mutable)),
            });
        }
        let wanted = declared.returns != TypeId(0) && self.random.percent(90);
        let destination = wanted.then(|| self.place(declared.returns, true));
        self.push(Statement::Call { destination, function: FunctionId(callee as u32), arguments });
    }
}
