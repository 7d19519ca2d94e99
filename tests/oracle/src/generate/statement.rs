//! Statements.

use super::types::Ty;
use super::{Generator, Mode, Signature, Variable};

impl Generator {
    /// So many statements, in blocks nested so deep.
    pub(super) fn statements(&mut self, count: u64, depth: u32) {
        for _ in 0..count {
            self.statement(depth);
        }
    }

    /// Statements in a block of their own.
    fn block(&mut self, depth: u32, also: impl FnOnce(&mut Self)) {
        let mark = self.scope.len();
        let count = self.random.within(1, 2);
        also(self);
        self.statements(count, depth);
        self.scope.truncate(mark);
    }

    fn statement(&mut self, depth: u32) {
        let choice = self.random.below(if depth == 0 { 60 } else { 100 });
        match choice {
            0..=17 => self.declare(),
            18..=37 => self.assign(),
            38..=42 => self.call_statement(),
            43..=45 => self.defer(),
            46..=47 => self.early_return(),
            48..=49 => self.assertion(),
            50..=52 => self.method(),
            53..=54 => self.tuple(),
            55..=59 => self.table_statement(),
            60..=71 => self.branch(depth),
            72..=79 => self.while_loop(depth),
            80..=86 => self.for_loop(depth),
            87..=91 => self.endless_loop(depth),
            _ => self.match_statement(depth),
        }
    }

    fn declare(&mut self) {
        if self.random.percent(12) {
            return self.declare_view();
        }
        let ty = self.value_type(2);
        let writable = self.random.percent(70);
        let name = self.name("x");
        let value = self.expression(&ty, 3);
        let word = if writable { "var" } else { "let" };
        self.count(word);
        self.line(&format!("{word} {name}: {} = {value}", ty.show()));
        self.scope.push(Variable { name, ty, writable });
    }

    fn declare_view(&mut self) {
        let name = self.name("x");
        if self.random.percent(30) {
            let value = self.literal(&Ty::Str);
            self.count("str variable");
            self.line(&format!("let {name}: str = {value}"));
            self.scope.push(Variable { name, ty: Ty::Str, writable: false });
            return;
        }
        if self.random.percent(30) {
            let value = self.literal(&Ty::Str);
            self.count("bytes of text");
            self.line(&format!("let {name}: [u8] = {value}.bytes"));
            self.scope.push(Variable { name, ty: Ty::Slice(Box::new(Ty::U8)), writable: false });
            return;
        }
        let element = self.int_type();
        if let Some((_, view)) = self.slice_of(&element, false) {
            self.count("slice variable");
            self.line(&format!("let {name}: [{}] = {view}", element.show()));
            self.scope.push(Variable { name, ty: Ty::Slice(Box::new(element)), writable: false });
        }
    }

    fn assign(&mut self) {
        let writable: Vec<Variable> =
            self.scope.iter().filter(|variable| variable.writable).cloned().collect();
        if writable.is_empty() {
            return self.declare();
        }
        let variable = self.random.pick(&writable).clone();
        let ty = match &variable.ty {
            Ty::Slice(element) => {
                self.count("write through slice");
                let value = self.expression(element, 2);
                let name = &variable.name;
                return self.line(&format!(
                    "if {name}.len > 2 {{ {name}[{}] = {value} }}",
                    self.random.clone().below(3)
                ));
            }
            Ty::Struct(at) if self.random.percent(70) => {
                let fields = self.structs[*at].clone();
                self.random.pick(&fields).1.clone()
            }
            Ty::Array(element, _) if self.random.percent(70) => (**element).clone(),
            other => other.clone(),
        };
        let Some((_, place)) = self.place(&ty, true) else { return self.declare() };
        if matches!(ty, Ty::Int { .. }) && self.random.percent(50) {
            let value = self.expression(&ty, 2);
            let op = if self.risky() {
                *self.random.pick(&["+=", "-=", "*=", "/=", "%="])
            } else {
                *self.random.pick(&["+%=", "-%=", "*%=", "&=", "|=", "^="])
            };
            self.count("compound assignment");
            return self.line(&format!("{place} {op} {value}"));
        }
        let value = self.expression(&ty, 3);
        self.count("assignment");
        self.line(&format!("{place} = {value}"));
    }

    fn call_statement(&mut self) {
        let fits: Vec<Signature> =
            self.functions.iter().filter(|function| function.leaf || self.loops == 0).cloned().collect();
        if fits.is_empty() || self.leaf || self.loops > 1 || (self.calls_left == 0 && self.loops == 0) {
            return self.assign();
        }
        let function = self.random.pick(&fits).clone();
        self.declare_for(&function);
        let Some(call) = self.call(&function, 1) else { return self.assign() };
        self.count("call statement");
        if function.returns == Ty::Unit {
            let Some(error) = function.error else { return };
            if self.error == Some(error) {
                return self.line(&format!("{call}?"));
            }
            let leave = self.leave();
            return self.line(&format!("{call} or {leave}"));
        }
        let name = self.name("x");
        let ty = function.returns.clone();
        let shown = ty.show();
        match function.error {
            Some(error) if self.error == Some(error) => self.line(&format!("let {name}: {shown} = {call}?")),
            Some(_) => {
                self.count("or return");
                let leave = self.leave();
                self.line(&format!("let {name}: {shown} = {call} or {leave}"));
            }
            None => self.line(&format!("let {name}: {shown} = {call}")),
        }
        self.scope.push(Variable { name, ty, writable: false });
    }

    /// Variables for what a call lends: arrays for views, places for `inout`.
    fn declare_for(&mut self, function: &Signature) {
        for (mode, ty) in &function.parameters {
            let ty = match ty {
                Ty::Slice(element) => Ty::Array(element.clone(), self.random.within(1, 7)),
                other if *mode == Mode::Inout => other.clone(),
                _ => continue,
            };
            if self.random.percent(60) || self.place(&ty, true).is_none() {
                let name = self.name("x");
                let value = self.expression(&ty, 2);
                self.line(&format!("var {name}: {} = {value}", ty.show()));
                self.scope.push(Variable { name, ty, writable: true });
            }
        }
    }

    /// A `return` with what this function gives.
    fn leave(&mut self) -> String {
        if let Some(error) = self.error
            && self.random.percent(40)
        {
            self.count("return error");
            let value = self.leaf_expression(&Ty::Enum(error));
            return format!("return {value}");
        }
        let ty = self.returns.clone();
        if ty == Ty::Unit {
            return "return".into();
        }
        let value = self.expression(&ty, 1);
        format!("return {value}")
    }

    fn early_return(&mut self) {
        self.count("early return");
        let condition = self.expression(&Ty::Bool, 2);
        let leave = self.leave();
        self.line(&format!("if {condition} {{ {leave} }}"));
    }

    fn assertion(&mut self) {
        self.count("assert");
        let condition = self.expression(&Ty::Bool, 1);
        if self.risky() {
            self.line(&format!("assert {condition}"));
        } else {
            self.line(&format!("assert {condition} || true"));
        }
    }

    fn defer(&mut self) {
        let Some((_, place)) = self.place(&Ty::U64, true) else { return self.declare() };
        if place.contains('[') {
            return self.declare();
        }
        self.count("defer");
        let by = self.random.below(1000);
        self.line(&format!("defer stir(&{place}, {by})"));
    }

    fn method(&mut self) {
        let fits: Vec<String> = self
            .scope
            .iter()
            .filter(|variable| match variable.ty {
                Ty::Struct(at) => {
                    variable.writable && self.structs[at].iter().any(|(_, ty)| matches!(ty, Ty::Int { .. }))
                }
                _ => false,
            })
            .map(|variable| variable.name.clone())
            .collect();
        if fits.is_empty() {
            return self.assign();
        }
        self.count("inout method");
        let name = self.random.pick(&fits).clone();
        let by = self.random.next() >> 1;
        self.line(&format!("{name}.poke({by})"));
    }

    fn tuple(&mut self) {
        self.count("tuple");
        let (first, second) = (self.int_type(), self.value_type(1));
        let (a, b) = (self.name("x"), self.name("x"));
        let left = self.literal(&first);
        let name = self.name("x");
        let value = self.expression(&second, 2);
        self.line(&format!("let {name}: {} = {value}", second.show()));
        self.line(&format!("let ({a}, {b}) = ({left}, {name})"));
        for (name, ty) in [(name, second.clone()), (a, first), (b, second)] {
            self.scope.push(Variable { name, ty, writable: false });
        }
    }

    fn table_statement(&mut self) {
        if self.tables.is_empty() || self.leaf {
            return self.assign();
        }
        let (table, of) = self.random.pick(&self.tables).clone();
        let value = self.expression(&Ty::Struct(of), 2);
        let id = self.name("i");
        match self.random.below(4) {
            0 | 1 => {
                self.count("insert");
                self.open(&format!("match {table}.insert({value}) {{"));
                self.open(&format!("some({id}) -> {{"));
                self.line(&format!("assert {table}.has({id})"));
                if self.random.percent(40) {
                    self.count("table element");
                    self.line(&format!("{table}[{id}] = {value}"));
                }
                if self.random.percent(30) {
                    self.count("remove");
                    self.line(&format!("assert {table}.remove({id}) != none"));
                    if self.risky() {
                        self.count("stale id");
                        self.line(&format!("{table}[{id}] = {value}"));
                    }
                }
                self.close();
                self.line(&format!("none -> {{ assert {table}.full }}"));
                self.close();
            }
            2 => {
                self.count("for over table");
                self.open(&format!("for {id} in {table} {{"));
                self.line(&format!("{table}[{id}] = {value}"));
                self.close();
            }
            _ => {
                self.count("remove");
                self.open(&format!("for {id} in {table} {{"));
                self.line(&format!("if u64({id}) % 2 == 0 {{ let _ = {table}.remove({id}) }}"));
                self.close();
            }
        }
    }

    fn branch(&mut self, depth: u32) {
        self.count("if");
        let condition = self.expression(&Ty::Bool, 3);
        self.open(&format!("if {condition} {{"));
        self.block(depth - 1, |_| {});
        if self.random.percent(50) {
            self.indent -= 1;
            let other = if self.random.percent(30) {
                self.count("else if");
                format!("}} else if {} {{", self.expression(&Ty::Bool, 1))
            } else {
                "} else {".into()
            };
            self.open(&other);
            self.block(depth - 1, |_| {});
        }
        self.close();
    }

    fn leave_loop(&mut self) {
        if self.random.percent(50) {
            let condition = self.expression(&Ty::Bool, 1);
            let word = if self.random.percent(50) { "break" } else { "continue" };
            self.count(word);
            self.line(&format!("if {condition} {{ {word} }}"));
        }
    }

    fn while_loop(&mut self, depth: u32) {
        self.count("while");
        let name = self.name("w");
        let condition = self.expression(&Ty::Bool, 1);
        let limit = self.random.within(1, 5);
        self.line(&format!("var {name}: u32 = 0"));
        self.open(&format!("while {name} < {limit} && ({condition} || true) {{"));
        self.line(&format!("{name} += 1"));
        self.inside_loop(depth, vec![Variable { name, ty: Ty::U32, writable: false }]);
    }

    fn inside_loop(&mut self, depth: u32, variables: Vec<Variable>) {
        self.loops += 1;
        self.block(depth - 1, |generator| {
            generator.scope.extend(variables);
            generator.leave_loop();
        });
        self.loops -= 1;
        self.close();
    }

    fn for_loop(&mut self, depth: u32) {
        let name = self.name("n");
        let sequences: Vec<(String, Ty)> = self
            .scope
            .iter()
            .filter_map(|variable| match &variable.ty {
                Ty::Array(element, count) if *count < 8 => Some((variable.name.clone(), (**element).clone())),
                Ty::Slice(element) => Some((variable.name.clone(), (**element).clone())),
                _ => None,
            })
            .collect();
        let ty = if !sequences.is_empty() && self.random.percent(40) {
            self.count("for over elements");
            let (sequence, ty) = self.random.pick(&sequences).clone();
            self.open(&format!("for {name} in {sequence} {{"));
            ty
        } else {
            self.count("for over range");
            let ty = self.int_type();
            let from = self.random.below(100);
            let to = from + self.random.below(5);
            let shown = ty.show();
            self.open(&format!("for {name} in {shown}({from})..{shown}({to}) {{"));
            ty
        };
        self.inside_loop(depth, vec![Variable { name, ty, writable: false }]);
    }

    fn endless_loop(&mut self, depth: u32) {
        self.count("loop");
        let name = self.name("w");
        self.line(&format!("var {name}: u8 = 0"));
        self.open("loop {");
        self.line(&format!("{name} += 1"));
        self.line(&format!("if {name} > {} {{ break }}", self.random.clone().within(1, 4)));
        self.inside_loop(depth, vec![Variable { name, ty: Ty::U8, writable: false }]);
    }

    fn match_statement(&mut self, depth: u32) {
        let Some((subject, of)) = self.subject() else { return self.declare() };
        self.count("match statement");
        self.open(&format!("match {subject} {{"));
        let arms = self.arms(&of, depth - 1, |generator, depth| {
            // The arm's text is written aside, so that its pattern can come before it.
            let before = std::mem::take(&mut generator.out);
            generator.indent += 1;
            generator.block(depth, |_| {});
            generator.indent -= 1;
            std::mem::replace(&mut generator.out, before)
        });
        for (pattern, body) in arms {
            self.line(&format!("{pattern} -> {{"));
            self.out.push_str(&body);
            self.line("}");
        }
        self.close();
    }
}
