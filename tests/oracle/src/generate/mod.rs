//! Random well-typed programs as source text.
//!
//! A program has types, constants, state, functions and *entries*: functions of two `u64` that give a checksum of
//! all that they computed. Names end in `q`, so that no name is the beginning of another.

mod call;
mod checksum;
mod expression;
mod statement;
mod types;

use crate::coverage::Coverage;
use crate::random::Random;
use std::fmt::Write;
use types::Ty;

/// A program and how to call it.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The source.
    pub text: String,
    /// Names of the functions to call: two `u64` to `u64`.
    pub entries: Vec<String>,
    /// What it is made of.
    pub coverage: Coverage,
}

/// How large a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Functions that others call.
    pub functions: u64,
    /// Functions to call from outside.
    pub entries: u64,
    /// Statements in a function's outermost block.
    pub statements: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { functions: 2, entries: 2, statements: 5 }
    }
}

/// A variable in scope.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    ty: Ty,
    writable: bool,
}

/// How a parameter is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Read,
    Take,
    Inout,
}

/// A function that others can call.
#[derive(Clone, Debug)]
struct Signature {
    name: String,
    parameters: Vec<(Mode, Ty)>,
    returns: Ty,
    /// The enum of its errors.
    error: Option<usize>,
    /// It calls nothing but helpers, so a loop may call it.
    leaf: bool,
}

/// The program in the making.
struct Generator {
    random: Random,
    coverage: Coverage,
    next_name: u64,
    /// Fields of structs: name and type.
    structs: Vec<Vec<(String, Ty)>>,
    /// Variants of enums: name and payload.
    enums: Vec<Vec<(String, Vec<Ty>)>>,
    /// Tables: name and the struct that they hold.
    tables: Vec<(String, usize)>,
    state: Vec<Variable>,
    constants: Vec<(String, Ty)>,
    functions: Vec<Signature>,
    /// Types whose checksum needs a function.
    summed: Vec<Ty>,
    out: String,
    // Of the function in the making:
    scope: Vec<Variable>,
    returns: Ty,
    error: Option<usize>,
    loops: u32,
    calls_left: u32,
    leaf: bool,
    /// Chance in a thousand that an operation may trap.
    risk: u64,
    indent: usize,
}

/// Writes the program of a seed.
pub fn program(seed: u64, size: Size) -> Generated {
    let mut generator = Generator::new(seed);
    generator.declarations();
    for at in 0..size.functions {
        generator.function(at == 0 || at % 3 == 0, size.statements);
    }
    if generator.random.percent(15) {
        generator.recursive();
    }
    let entries = (0..size.entries).map(|at| generator.entry(at, size.statements)).collect();
    generator.checksums();
    Generated { text: generator.out, entries, coverage: generator.coverage }
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            coverage: Coverage::default(),
            next_name: 0,
            structs: Vec::new(),
            enums: Vec::new(),
            tables: Vec::new(),
            state: Vec::new(),
            constants: Vec::new(),
            functions: Vec::new(),
            summed: Vec::new(),
            out: String::new(),
            scope: Vec::new(),
            returns: Ty::U64,
            error: None,
            loops: 0,
            calls_left: 0,
            leaf: false,
            risk: 0,
            indent: 0,
        }
    }

    fn count(&mut self, what: &str) {
        self.coverage.count(what);
    }

    fn name(&mut self, kind: &str) -> String {
        self.next_name += 1;
        format!("{kind}{}q", self.next_name)
    }

    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn open(&mut self, text: &str) {
        self.line(text);
        self.indent += 1;
    }

    fn close(&mut self) {
        self.indent -= 1;
        self.line("}");
    }

    fn declarations(&mut self) {
        self.line("package oracle\n\ncomponent Oracle { }\n\nfn start() { }\n");
        self.open("fn mix(a: u64, b: u64) -> u64 {");
        self.line("return ((a ^ b) *% 1099511628211) +% (a >> 29)");
        self.close();
        self.open("fn stir(inout into: u64, by: u64) {");
        self.line("into = mix(into, by)");
        self.close();
        for _ in 0..self.random.within(1, 2) {
            self.declare_enum();
        }
        for _ in 0..self.random.within(1, 3) {
            self.declare_struct();
        }
        for _ in 0..self.random.within(0, 2) {
            let ty = self.int_type();
            let name = self.name("c");
            let value = self.literal(&ty);
            self.count("const");
            self.line(&format!("const {name}: {} = {value}", ty.show()));
            self.constants.push((name, ty));
        }
        for _ in 0..self.random.within(1, 3) {
            let ty = if self.random.percent(50) { self.int_type() } else { self.aggregate_type(1) };
            let name = self.name("g");
            let value = self.literal(&ty);
            self.count("state");
            self.line(&format!("var {name}: {} = {value}", ty.show()));
            self.state.push(Variable { name, ty, writable: true });
        }
        if self.random.percent(40) {
            let name = self.name("t");
            let of = self.random.below(self.structs.len() as u64) as usize;
            let count = self.random.within(1, 5);
            self.count("table");
            self.line(&format!("var {name}: Table[S{of}q, {count}] = Table.empty()"));
            self.tables.push((name, of));
        }
    }

    fn declare_enum(&mut self) {
        let at = self.enums.len();
        let plain = self.random.percent(25);
        let mut variants = Vec::new();
        for _ in 0..self.random.within(2, 4) {
            let name = self.name("v");
            let mut payload = Vec::new();
            if !plain {
                for _ in 0..self.random.below(3) {
                    payload.push(self.value_type(1));
                }
            }
            variants.push((name, payload));
        }
        self.count(if plain { "plain enum" } else { "payload enum" });
        self.open(&format!("enum E{at}q {{"));
        for (name, payload) in &variants {
            let parts: Vec<String> = payload.iter().map(Ty::show).collect();
            let payload = if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
            self.line(&format!("{name}{payload}"));
        }
        self.close();
        self.enums.push(variants);
    }

    fn declare_struct(&mut self) {
        let at = self.structs.len();
        let mut fields = Vec::new();
        for _ in 0..self.random.within(1, 4) {
            let name = self.name("f");
            let ty = self.value_type(1);
            if matches!(ty, Ty::Struct(_)) {
                self.count("nested struct");
            }
            fields.push((name, ty));
        }
        self.count("struct");
        self.open(&format!("struct S{at}q {{"));
        for (name, ty) in &fields {
            self.line(&format!("{name}: {}", ty.show()));
        }
        self.line("");
        self.open("fn sum(self) -> u64 {");
        let mut sum = "17".to_owned();
        for (name, ty) in &fields {
            let part = self.checksum(ty, &format!("self.{name}"));
            sum = format!("mix({sum}, {part})");
        }
        self.line(&format!("return {sum}"));
        self.close();
        if let Some((name, ty)) = fields.iter().find(|(_, ty)| matches!(ty, Ty::Int { .. })) {
            self.open("fn poke(inout self, by: u64) {");
            self.line(&format!("self.{name} = self.{name} *% 5 +% by.low({})", ty.show()));
            self.close();
        }
        self.close();
        self.structs.push(fields);
    }

    /// Begins a function's body.
    fn enter(&mut self, parameters: Vec<Variable>, returns: Ty, error: Option<usize>, leaf: bool) {
        self.scope = parameters;
        self.scope.extend(self.state.iter().cloned());
        self.returns = returns;
        self.error = error;
        self.loops = 0;
        self.leaf = leaf;
        self.calls_left = if leaf { 0 } else { 4 };
        self.risk = *self.random.pick(&[0, 3, 10, 40]);
    }

    fn function(&mut self, leaf: bool, statements: u64) {
        let mut parameters = Vec::new();
        let mut variables = Vec::new();
        let mut shown = Vec::new();
        for _ in 0..self.random.within(0, 4) {
            let mode = *self.random.pick(&[Mode::Read, Mode::Read, Mode::Take, Mode::Inout]);
            let ty = if mode != Mode::Take && self.random.percent(35) {
                let int = self.int_type();
                self.count("slice parameter");
                Ty::Slice(Box::new(int))
            } else if mode == Mode::Read && self.random.percent(8) {
                Ty::Str
            } else {
                self.value_type(2)
            };
            let name = self.name("p");
            let word = match mode {
                Mode::Read => "",
                Mode::Take => "take ",
                Mode::Inout => "inout ",
            };
            self.count(match mode {
                Mode::Read => "read parameter",
                Mode::Take => "take parameter",
                Mode::Inout => "inout parameter",
            });
            shown.push(format!("{word}{name}: {}", ty.show()));
            variables.push(Variable { name, ty: ty.clone(), writable: mode == Mode::Inout });
            parameters.push((mode, ty));
        }
        let error = self.random.percent(40).then(|| self.random.below(self.enums.len() as u64) as usize);
        let returns = match (error, self.random.below(5)) {
            (None, 0) => Ty::Optional(Box::new(self.value_type(0))),
            (Some(_), 0) => Ty::Unit,
            (None, 1) => self.aggregate_type(2),
            (Some(_), _) | (None, 2) => self.int_type(),
            _ => self.value_type(1),
        };
        if error.is_some() {
            self.count("T ! E");
        }
        let name = self.name("fun");
        let gives = if returns == Ty::Unit { String::new() } else { format!(" -> {}", returns.show()) };
        let fails = error.map_or_else(String::new, |at| format!(" ! E{at}q"));
        self.enter(variables, returns.clone(), error, leaf);
        self.open(&format!("fn {name}({}){gives}{fails} {{", shown.join(", ")));
        self.statements(statements, 2);
        if returns != Ty::Unit {
            let value = self.expression(&returns, 2);
            self.line(&format!("return {value}"));
        }
        self.close();
        self.functions.push(Signature { name, parameters, returns, error, leaf });
    }

    /// A function that calls itself as deep as it says.
    fn recursive(&mut self) {
        let ty = self.int_type();
        let shown = ty.show();
        let name = self.name("rec");
        let depth = self.random.within(2, 12);
        self.count("recursion");
        let first = Variable { name: "left".into(), ty: Ty::U64, writable: false };
        let second = Variable { name: "value".into(), ty: ty.clone(), writable: false };
        self.enter(vec![first, second], ty.clone(), None, true);
        let _ = writeln!(self.out, "@depth({})", depth + 1);
        self.open(&format!("fn {name}(left: u64, value: {shown}) -> {shown} {{"));
        let base = self.expression(&ty, 2);
        self.line(&format!("if left == 0 || left > {depth} {{ return {base} }}"));
        let value = self.expression(&ty, 2);
        let after = self.expression(&ty, 1);
        self.line(&format!("return {name}(left - 1, {value}) ^ {after}"));
        self.close();
        let parameters = vec![(Mode::Read, Ty::U64), (Mode::Read, ty.clone())];
        self.functions.push(Signature { name, parameters, returns: ty, error: None, leaf: false });
    }

    fn entry(&mut self, at: u64, statements: u64) -> String {
        let name = format!("entry{at}");
        let parameter = |name: &str| Variable { name: name.to_owned(), ty: Ty::U64, writable: false };
        self.enter(vec![parameter("aq"), parameter("bq")], Ty::U64, None, false);
        self.open(&format!("fn {name}(aq: u64, bq: u64) -> u64 {{"));
        self.statements(statements + 2, 2);
        self.line("var sum: u64 = 7");
        for variable in self.scope.clone() {
            let part = self.checksum(&variable.ty, &variable.name);
            self.line(&format!("sum = mix(sum, {part})"));
        }
        for (table, _) in self.tables.clone() {
            self.line(&format!("sum = mix(sum, {table}.len)"));
            self.line(&format!("for id in {table} {{ sum = mix(mix(sum, u64(id)), {table}[id].sum()) }}"));
        }
        self.line("return sum");
        self.close();
        name
    }
}
