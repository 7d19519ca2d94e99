//! Calls and matches: what takes a value apart or hands it on.

use super::types::Ty;
use super::{Generator, Mode, Signature, Variable};

impl Generator {
    /// A call that gives the type, where one is possible here.
    pub(super) fn call_of(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        let fits: Vec<Signature> = self
            .functions
            .iter()
            .filter(|function| {
                function.returns == *ty
                    && (self.calls_left > 0 && self.loops == 0 || function.leaf && self.loops < 2)
            })
            .filter(|_| !self.leaf)
            .cloned()
            .collect();
        if fits.is_empty() {
            return None;
        }
        let function = self.random.pick(&fits).clone();
        let call = self.call(&function, depth)?;
        match function.error {
            None => {
                self.count("call");
                Some(call)
            }
            Some(error) if self.error == Some(error) && self.random.percent(60) => {
                self.count("?");
                Some(format!("{call}?"))
            }
            Some(_) => {
                self.count("or on result");
                let other = self.expression(ty, depth);
                Some(format!("({call} or {other})"))
            }
        }
    }

    /// A call of a function, with arguments that do not overlap what it may change.
    pub(super) fn call(&mut self, function: &Signature, depth: u32) -> Option<String> {
        if function.leaf {
            self.count("leaf call");
        } else {
            self.calls_left = self.calls_left.saturating_sub(1);
        }
        let scope = self.scope.clone();
        let result = self.arguments(function, depth.min(1));
        self.scope = scope;
        Some(format!("{}({})", function.name, result?.join(", ")))
    }

    fn arguments(&mut self, function: &Signature, depth: u32) -> Option<Vec<String>> {
        let mut arguments = vec![String::new(); function.parameters.len()];
        for (at, (_, ty)) in
            function.parameters.iter().enumerate().filter(|(_, (mode, _))| *mode == Mode::Inout)
        {
            let (root, text) = match ty {
                Ty::Slice(element) => self.slice_of(element, true)?,
                other => self.place(other, true)?,
            };
            self.count("inout argument");
            arguments[at] = format!("&{text}");
            self.scope.retain(|variable| variable.name != root);
            if arguments.iter().any(|other| *other != arguments[at] && mentions(other, &root)) {
                return None;
            }
        }
        for (at, (_, ty)) in
            function.parameters.iter().enumerate().filter(|(_, (mode, _))| *mode != Mode::Inout)
        {
            arguments[at] = match ty {
                Ty::Slice(element) => match self.slice_of(element, false) {
                    Some((_, text)) => text,
                    None => self.literal(ty),
                },
                other => self.expression(other, depth),
            };
        }
        Some(arguments)
    }

    /// A view: a slice, a whole array, or a part of one.
    pub(super) fn slice_of(&mut self, element: &Ty, writable: bool) -> Option<(String, String)> {
        let mut found = Vec::new();
        for variable in self.scope.iter().filter(|variable| variable.writable || !writable) {
            match &variable.ty {
                Ty::Slice(inner) if **inner == *element => found.push((variable.clone(), None)),
                Ty::Array(inner, count) if **inner == *element => {
                    found.push((variable.clone(), Some(*count)));
                }
                _ => {}
            }
        }
        if found.is_empty() {
            return None;
        }
        let (Variable { name, .. }, count): (Variable, Option<u64>) = self.random.pick(&found).clone();
        if self.random.percent(40) {
            self.count("whole view");
            return Some((name.clone(), name));
        }
        self.count("part view");
        let risky = self.risky();
        let text = match count {
            Some(count) if !risky => {
                let from = self.random.below(count + 1);
                let to = self.random.within(from, count);
                format!("{name}[{from}..{to}]")
            }
            None if !risky => format!("{name}[0..{name}.len]"),
            _ => format!("{name}[{}..{}]", self.random.below(4), self.random.below(8)),
        };
        Some((name, text))
    }

    /// A `match` that gives the type.
    pub(super) fn match_value(&mut self, ty: &Ty, depth: u32) -> String {
        let Some((subject, of)) = self.subject() else { return self.literal_or_group(ty) };
        let arms = self.arms(&of, depth, |generator, depth| generator.expression(ty, depth));
        let arms: Vec<String> =
            arms.into_iter().map(|(pattern, value)| format!("{pattern} -> {value}")).collect();
        format!("(match {subject} {{ {} }})", arms.join(", "))
    }

    fn literal_or_group(&mut self, ty: &Ty) -> String {
        let value = self.literal(ty);
        if matches!(ty, Ty::Struct(_)) { format!("({value})") } else { value }
    }

    /// A place to match on, and its type.
    pub(super) fn subject(&mut self) -> Option<(String, Ty)> {
        let fits: Vec<Variable> = self
            .scope
            .iter()
            .filter(|variable| {
                matches!(variable.ty, Ty::Enum(_) | Ty::Optional(_) | Ty::Int { .. } | Ty::Bool | Ty::Str)
            })
            .cloned()
            .collect();
        if fits.is_empty() {
            return None;
        }
        let mut variable = self.random.pick(&fits).clone();
        for _ in 0..3 {
            if matches!(variable.ty, Ty::Enum(_) | Ty::Optional(_)) {
                break;
            }
            variable = self.random.pick(&fits).clone();
        }
        Some((variable.name, variable.ty))
    }

    /// Patterns that leave nothing out, each with what `value` makes in its scope.
    pub(super) fn arms(
        &mut self,
        of: &Ty,
        depth: u32,
        mut value: impl FnMut(&mut Self, u32) -> String,
    ) -> Vec<(String, String)> {
        let mut arms = Vec::new();
        let mark = self.scope.len();
        match of {
            Ty::Enum(at) => {
                self.count("match enum");
                let variants = self.enums[*at].clone();
                let rest = self.random.percent(20);
                for (name, payload) in &variants {
                    if rest && self.random.percent(40) {
                        continue;
                    }
                    let mut parts = Vec::new();
                    for ty in payload {
                        if self.random.percent(25) {
                            parts.push("_".to_owned());
                            continue;
                        }
                        let bound = self.name("m");
                        parts.push(bound.clone());
                        self.scope.push(Variable { name: bound, ty: ty.clone(), writable: false });
                    }
                    let parts =
                        if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
                    let given = value(self, depth);
                    self.scope.truncate(mark);
                    arms.push((format!("E{at}q.{name}{parts}"), given));
                }
                if rest {
                    arms.push(("_".into(), value(self, depth)));
                }
            }
            Ty::Optional(inner) => {
                self.count("match optional");
                let bound = self.name("m");
                self.scope.push(Variable { name: bound.clone(), ty: (**inner).clone(), writable: false });
                let given = value(self, depth);
                self.scope.truncate(mark);
                arms.push((format!("some({bound})"), given));
                arms.push(("none".into(), value(self, depth)));
            }
            Ty::Bool => {
                self.count("match bool");
                arms.push(("true".into(), value(self, depth)));
                arms.push(("false".into(), value(self, depth)));
            }
            Ty::Str => {
                self.count("match text");
                arms.push(("\"space\"".into(), value(self, depth)));
                arms.push(("\"a\"".into(), value(self, depth)));
                arms.push(("_".into(), value(self, depth)));
            }
            _ => {
                self.count("match integer");
                let first = self.random.below(60);
                arms.push((format!("{} | {}", first, first + 1), value(self, depth)));
                if self.random.percent(60) {
                    let from = self.random.below(60) + 64;
                    let to = self.random.within(from + 1, 127);
                    arms.push((format!("{from}..{to}"), value(self, depth)));
                }
                if of.is_signed() {
                    arms.push((format!("-{}", self.random.within(1, 100)), value(self, depth)));
                }
                if self.random.percent(40) {
                    self.count("guard");
                    let bound = self.name("m");
                    self.scope.push(Variable { name: bound.clone(), ty: of.clone(), writable: false });
                    let guard = self.expression(&Ty::Bool, 1);
                    let given = value(self, depth);
                    self.scope.truncate(mark);
                    arms.push((format!("{bound} if {guard}"), given));
                }
                arms.push(("_".into(), value(self, depth)));
            }
        }
        arms
    }
}

/// Whether a text names a variable; names are such that none begins another.
fn mentions(text: &str, name: &str) -> bool {
    text.contains(name)
}
