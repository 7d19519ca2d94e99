//! Every operator and every conversion at edge values: machine code against the interpreter.
//!
//! Each function takes its operands by reference, so that floats and integers pass alike; a second form has one
//! operand as a constant, which the code generator folds into instructions.

use compiler_codegen::Options;
use compiler_mir::interpret::{Interpreter, NoHost, Stop};
use compiler_mir::ir::{
    BinaryOperator as Op, Block, Constant, Function, FunctionId, Local, LocalDeclaration, LocalKind, Operand,
    Place, Program, Rvalue, Statement, Terminator, Type, TypeId, UnaryOperator,
};
use compiler_mir::layout;
use compiler_syntax::span::Span;
use tests_oracle::compare::{Outcome, word};
use tests_oracle::native::{Code, End};

const OPERATORS: [Op; 19] = [
    Op::Add,
    Op::Subtract,
    Op::Multiply,
    Op::AddWrap,
    Op::SubtractWrap,
    Op::MultiplyWrap,
    Op::Divide,
    Op::Remainder,
    Op::And,
    Op::Or,
    Op::Xor,
    Op::ShiftLeft,
    Op::ShiftRight,
    Op::Equal,
    Op::NotEqual,
    Op::Less,
    Op::LessEqual,
    Op::Greater,
    Op::GreaterEqual,
];

fn is_comparison(op: Op) -> bool {
    matches!(op, Op::Equal | Op::NotEqual | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual)
}

fn is_shift(op: Op) -> bool {
    matches!(op, Op::ShiftLeft | Op::ShiftRight)
}

fn applies(op: Op, ty: &Type) -> bool {
    match ty {
        Type::Int { .. } => true,
        Type::Float { .. } => {
            is_comparison(op) || matches!(op, Op::Add | Op::Subtract | Op::Multiply | Op::Divide)
        }
        _ => is_comparison(op) || matches!(op, Op::And | Op::Or | Op::Xor),
    }
}

fn scalars() -> Vec<Type> {
    let mut types = vec![Type::Bool];
    for bits in [8, 16, 32, 64] {
        types.extend([Type::Int { signed: false, bits }, Type::Int { signed: true, bits }]);
    }
    types.extend([Type::Float { bits: 32 }, Type::Float { bits: 64 }]);
    types
}

/// Edge values of a type, as bits.
fn edges(ty: &Type) -> Vec<u64> {
    let mut values = match ty {
        Type::Bool => vec![0, 1],
        Type::Int { bits, .. } => {
            let mask = u64::MAX >> (64 - bits);
            let top = 1u64 << (bits - 1);
            let small = [0, 1, 2, 3, 7, 10, 31, 32, 63, 64, 100];
            let near = [top - 2, top - 1, top, top + 1, mask, mask - 1, mask - 9, mask / 3];
            small.iter().chain(&near).map(|value| value & mask).collect()
        }
        Type::Float { bits: 32 } => floats().map(|value| u64::from((value as f32).to_bits())).collect(),
        _ => floats().map(f64::to_bits).collect(),
    };
    values.sort_unstable();
    values.dedup();
    values
}

fn floats() -> impl Iterator<Item = f64> {
    let mut values = vec![
        0.0,
        0.5,
        0.999_999,
        1.0,
        1.5,
        2.0,
        3.0,
        1e-310,
        1e-40,
        1e30,
        1e300,
        f64::INFINITY,
        f64::NAN,
        f64::MAX,
        f64::from(f32::MAX),
        f64::from(f32::MIN_POSITIVE),
    ];
    for bits in [7, 8, 15, 16, 31, 32, 63, 64] {
        let power = 2f64.powi(bits);
        values.extend([
            power - 1.0,
            power - 0.5,
            power,
            power + 0.5,
            power + 1.0,
            power * (1.0 - f64::EPSILON),
        ]);
    }
    values.into_iter().flat_map(|value| [value, -value])
}

fn int(program: &mut Program, value: u64, ty: &Type) -> Operand {
    let id = program.intern(ty.clone());
    Operand::Constant(match ty {
        Type::Bool => Constant::Bool(value == 1),
        Type::Float { .. } => Constant::Float(value, id),
        _ => Constant::Int(value, id),
    })
}

/// A function that gives what the value of its reference parameters makes.
fn function(
    program: &mut Program,
    name: String,
    parameters: &[&Type],
    returns: &Type,
    value: Rvalue,
) -> FunctionId {
    let result = program.intern(returns.clone());
    let mut locals: Vec<LocalDeclaration> = parameters
        .iter()
        .map(|ty| LocalDeclaration {
            name: String::new(),
            ty: program.intern((*ty).clone()),
            kind: LocalKind::Reference { mutable: false },
            span: Span::default(),
        })
        .collect();
    let last = Local(locals.len() as u32);
    locals.push(LocalDeclaration {
        name: String::new(),
        ty: result,
        kind: LocalKind::Value,
        span: Span::default(),
    });
    program.functions.push(Function {
        name,
        parameters: parameters.len() as u32,
        returns: result,
        result: Some(last),
        locals,
        blocks: vec![Block {
            statements: vec![(Statement::Assign(Place::local(last), value), Span::default())],
            end: Terminator::Return,
            end_span: Span::default(),
        }],
        depth: None,
        span: Span::default(),
    });
    FunctionId(program.functions.len() as u32 - 1)
}

fn parameter(at: u32) -> Operand {
    Operand::Copy(Place::local(Local(at)))
}

/// One function and the operands to call it with, each with its size in bytes.
struct Case {
    function: FunctionId,
    calls: Vec<Vec<(u64, usize)>>,
}

fn size(program: &mut Program, ty: &Type) -> usize {
    let id: TypeId = program.intern(ty.clone());
    layout::of(program, id).size as usize
}

/// Runs every case both ways; gives the number of calls and what differs.
fn run(program: &Program, cases: &[Case], optimize: bool) -> (usize, Vec<String>) {
    let roots: Vec<FunctionId> = cases.iter().map(|case| case.function).collect();
    let output = compiler_codegen::compile(
        &compiler_core::mir::unit(program, &roots).expect("the table is well-formed"),
        Options { optimize, one_nan: true },
    )
    .expect("the table compiles");
    let code = Code::new(&output).expect("the code is mapped");
    let mut calls = 0;
    let mut different = Vec::new();
    for case in cases {
        let function = &program.functions[case.function.index()];
        let compiled =
            output.functions.iter().find(|one| one.id.0 == case.function.0).expect("it is compiled");
        let returns = program.type_of(function.returns);
        let bytes = layout::of(program, function.returns).size as u32;
        for operands in &case.calls {
            calls += 1;
            let wanted = interpret(program, case.function, operands);
            let words: Vec<u64> = operands.iter().map(|(value, _)| *value).collect();
            let pointers: Vec<u64> = words.iter().map(|word| &raw const *word as u64).collect();
            let native = match code.call(compiled.offset, &pointers).expect("the code runs") {
                End::Returned { integer, float } => {
                    let register = if matches!(returns, Type::Float { .. }) { float } else { integer };
                    Outcome::Value(register & (u64::MAX >> (64 - 8 * bytes)))
                }
                End::Trapped { fault, .. } => Outcome::Trap(fault),
                End::Signal { number, offset } => Outcome::Unexplained { signal: number, offset },
            };
            if wanted != native {
                different.push(format!(
                    "{} {words:x?}: interpreted {wanted:x?}, native {native:x?}",
                    function.name
                ));
            }
        }
    }
    (calls, different)
}

fn interpret(program: &Program, function: FunctionId, operands: &[(u64, usize)]) -> Outcome {
    let mut host = NoHost;
    let arguments: Vec<Vec<u8>> =
        operands.iter().map(|(value, size)| value.to_le_bytes()[..*size].to_vec()).collect();
    match Interpreter::new(program, &mut host, 100).call(function, &arguments) {
        Ok(bytes) => Outcome::Value(word(&bytes)),
        Err(Stop::Trap { fault, .. }) => Outcome::Trap(fault),
        Err(stop) => panic!("a table function cannot end with {stop:?}"),
    }
}

fn check(program: &Program, cases: &[Case], what: &str) {
    for optimize in [false, true] {
        let (calls, different) = run(program, cases, optimize);
        println!("{what}, optimize {optimize}: {} functions, {calls} calls", cases.len());
        let shown: Vec<&String> = different.iter().take(40).collect();
        assert!(different.is_empty(), "{} of {calls} calls differ: {shown:#?}", different.len());
    }
}

#[test]
fn every_operator_agrees_at_edge_values() {
    let mut program = Program::default();
    let mut cases = Vec::new();
    for ty in scalars() {
        let bytes = size(&mut program, &ty);
        for op in OPERATORS.into_iter().filter(|op| applies(*op, &ty)) {
            let amount = Type::Int { signed: false, bits: 32 };
            let right = if is_shift(op) { &amount } else { &ty };
            let right_bytes = size(&mut program, right);
            let returns = if is_comparison(op) { &Type::Bool } else { &ty };
            let (lefts, rights) = (edges(&ty), edges(right));
            let name = format!("{op:?} {ty:?}");
            let value = Rvalue::Binary(op, parameter(0), parameter(1));
            let id = function(&mut program, name.clone(), &[&ty, right], returns, value);
            let mut calls = Vec::new();
            for a in &lefts {
                calls.extend(rights.iter().map(|b| vec![(*a, bytes), (*b, right_bytes)]));
            }
            cases.push(Case { function: id, calls });
            for b in rights.iter().step_by(if matches!(ty, Type::Float { .. }) { 5 } else { 1 }) {
                let constant = int(&mut program, *b, right);
                let value = Rvalue::Binary(op, parameter(0), constant);
                let id = function(&mut program, format!("{name} by {b:#x}"), &[&ty], returns, value);
                let calls = lefts.iter().map(|a| vec![(*a, bytes)]).collect();
                cases.push(Case { function: id, calls });
            }
            for a in lefts.iter().step_by(if matches!(ty, Type::Float { .. }) { 5 } else { 2 }) {
                let constant = int(&mut program, *a, &ty);
                let value = Rvalue::Binary(op, constant, parameter(0));
                let id = function(&mut program, format!("{name} of {a:#x}"), &[right], returns, value);
                let calls = rights.iter().map(|b| vec![(*b, right_bytes)]).collect();
                cases.push(Case { function: id, calls });
            }
        }
    }
    check(&program, &cases, "binary operators");
}

#[test]
fn every_unary_operator_agrees_at_edge_values() {
    let mut program = Program::default();
    let mut cases = Vec::new();
    for ty in scalars() {
        let bytes = size(&mut program, &ty);
        for op in [UnaryOperator::Negate, UnaryOperator::Not] {
            let applies = match (op, &ty) {
                (UnaryOperator::Negate, Type::Int { signed, .. }) => *signed,
                (UnaryOperator::Negate, other) => matches!(other, Type::Float { .. }),
                (UnaryOperator::Not, other) => !matches!(other, Type::Float { .. }),
            };
            if applies {
                let value = Rvalue::Unary(op, parameter(0));
                let id = function(&mut program, format!("{op:?} {ty:?}"), &[&ty], &ty, value);
                let calls = edges(&ty).into_iter().map(|a| vec![(a, bytes)]).collect();
                cases.push(Case { function: id, calls });
            }
        }
    }
    check(&program, &cases, "unary operators");
}

#[test]
fn every_conversion_agrees_at_edge_values() {
    let mut program = Program::default();
    let mut cases = Vec::new();
    for from in scalars() {
        let bytes = size(&mut program, &from);
        for to in scalars().into_iter().filter(|to| *to != Type::Bool) {
            let target = program.intern(to.clone());
            let integers = !matches!(from, Type::Float { .. }) && !matches!(to, Type::Float { .. });
            let mut values = Vec::new();
            if from != Type::Bool {
                values.push(("Convert", Rvalue::Convert(parameter(0), target)));
            }
            if integers {
                values.push(("Truncate", Rvalue::Truncate(parameter(0), target)));
            }
            for (name, value) in values {
                let id = function(&mut program, format!("{name} {from:?} to {to:?}"), &[&from], &to, value);
                let calls = edges(&from).into_iter().map(|a| vec![(a, bytes)]).collect();
                cases.push(Case { function: id, calls });
            }
        }
    }
    check(&program, &cases, "conversions");
}
