//! Expressions of a wanted type.

use super::types::Ty;
use super::{Generator, Variable};

const TEXTS: [&str; 5] = ["", "a", "space", "Größe", "a longer text, with more than sixteen bytes"];

impl Generator {
    /// Whether the next operation may trap.
    pub(super) fn risky(&mut self) -> bool {
        self.random.below(1000) < self.risk
    }

    /// A constant expression.
    pub(super) fn literal(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::Unit => "()".into(),
            Ty::Bool => if self.random.percent(50) { "true" } else { "false" }.into(),
            Ty::Int { signed, bits } => {
                let word = self.random.interesting();
                let shift = 64 - u32::from(*bits);
                if *signed {
                    format!("{}({})", ty.show(), (word << shift) as i64 >> shift)
                } else {
                    format!("{}({})", ty.show(), word << shift >> shift)
                }
            }
            Ty::Struct(at) => {
                let fields = self.structs[*at].clone();
                let parts: Vec<String> =
                    fields.iter().map(|(name, ty)| format!("{name}: {}", self.literal(ty))).collect();
                format!("S{at}q {{ {} }}", parts.join(", "))
            }
            Ty::Enum(at) => {
                let variants = self.enums[*at].clone();
                let (name, payload) = self.random.pick(&variants).clone();
                let parts: Vec<String> = payload.iter().map(|ty| self.literal(ty)).collect();
                let payload =
                    if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
                format!("E{at}q.{name}{payload}")
            }
            Ty::Array(element, count) => format!("[{}; {count}]", self.literal(element)),
            Ty::Optional(inner) => {
                if self.random.percent(40) {
                    "none".into()
                } else {
                    self.literal(inner)
                }
            }
            Ty::Slice(element) => {
                let parts: Vec<String> =
                    (0..self.random.within(1, 4)).map(|_| self.literal(element)).collect();
                format!("[{}]", parts.join(", "))
            }
            Ty::Str => format!("\"{}\"", self.random.pick(&TEXTS)),
        }
    }

    /// An index expression for so many elements.
    pub(super) fn index(&mut self, count: u64) -> String {
        if self.risky() {
            self.count("unguarded index");
            // An `if` here would take the type that an index wants, so a leaf it is.
            let ty = self.int_type();
            return self.leaf_expression(&ty);
        }
        if self.random.percent(40) {
            return self.random.below(count).to_string();
        }
        let value = self.expression(&Ty::U64, 1);
        format!("({value} % {count})")
    }

    /// Places of a type that the scope offers.
    pub(super) fn places(&mut self, wanted: &Ty, writable: bool) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let scope: Vec<Variable> =
            self.scope.iter().filter(|variable| variable.writable || !writable).cloned().collect();
        for variable in scope {
            // Elements of slices are written only through `inout`, which `writable` says.
            self.places_in(&variable.name, &variable.name, &variable.ty, wanted, 3, &mut found);
        }
        found
    }

    fn places_in(
        &mut self,
        root: &str,
        place: &str,
        ty: &Ty,
        wanted: &Ty,
        depth: u32,
        found: &mut Vec<(String, String)>,
    ) {
        if ty == wanted {
            found.push((root.to_owned(), place.to_owned()));
        }
        if depth == 0 {
            return;
        }
        match ty {
            Ty::Struct(at) => {
                for (name, ty) in self.structs[*at].clone() {
                    self.places_in(root, &format!("{place}.{name}"), &ty, wanted, depth - 1, found);
                }
            }
            Ty::Array(element, count) => {
                self.places_in(root, &format!("{place}[#{count}]"), element, wanted, depth - 1, found);
            }
            _ => {}
        }
    }

    /// One place of a type, its root first.
    pub(super) fn place(&mut self, wanted: &Ty, writable: bool) -> Option<(String, String)> {
        let found = self.places(wanted, writable);
        if found.is_empty() {
            return None;
        }
        let (root, mut place) = self.random.pick(&found).clone();
        while let Some(at) = place.find('#') {
            let end = at + place[at..].find(']').unwrap_or_default();
            let count: u64 = place[at + 1..end].parse().unwrap_or(1);
            let scope = self.scope.clone();
            self.scope.retain(|variable| matches!(variable.ty, Ty::Int { .. }));
            let index = self.index(count);
            self.scope = scope;
            self.count("array element");
            place.replace_range(at..end, &index);
        }
        Some((root, place))
    }

    /// An expression of a type.
    pub(super) fn expression(&mut self, ty: &Ty, depth: u32) -> String {
        if depth == 0 || self.random.percent(30) {
            return self.leaf_expression(ty);
        }
        if self.random.percent(12)
            && let Some(call) = self.call_of(ty, depth - 1)
        {
            return call;
        }
        if self.random.percent(8) {
            self.count("if value");
            let condition = self.expression(&Ty::Bool, depth - 1);
            let (then, other) = (self.expression(ty, depth - 1), self.expression(ty, depth - 1));
            return format!("(if {condition} {{ {then} }} else {{ {other} }})");
        }
        if self.random.percent(7) {
            return self.match_value(ty, depth - 1);
        }
        if self.random.percent(7)
            && let Some((_, place)) = self.place(&Ty::Optional(Box::new(ty.clone())), false)
        {
            self.count("or value");
            let other = self.expression(ty, depth - 1);
            return format!("({place} or {other})");
        }
        match ty {
            Ty::Int { .. } => self.int_expression(ty, depth - 1),
            Ty::Bool => self.bool_expression(depth - 1),
            Ty::Struct(at) => {
                let fields = self.structs[*at].clone();
                let parts: Vec<String> = fields
                    .iter()
                    .map(|(name, ty)| format!("{name}: {}", self.expression(ty, depth - 1)))
                    .collect();
                self.count("struct value");
                format!("(S{at}q {{ {} }})", parts.join(", "))
            }
            Ty::Enum(at) => {
                let variants = self.enums[*at].clone();
                let (name, payload) = self.random.pick(&variants).clone();
                let parts: Vec<String> = payload.iter().map(|ty| self.expression(ty, depth - 1)).collect();
                let payload =
                    if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
                self.count("enum value");
                format!("E{at}q.{name}{payload}")
            }
            Ty::Array(element, count) => {
                self.count("array value");
                if *count > 6 || self.random.percent(30) {
                    return format!("[{}; {count}]", self.expression(element, depth - 1));
                }
                let parts: Vec<String> = (0..*count).map(|_| self.expression(element, depth - 1)).collect();
                format!("[{}]", parts.join(", "))
            }
            Ty::Optional(inner) => {
                self.count("optional value");
                // Operators pass the type that is wanted on to what they hold, so no operator stands here.
                if self.random.percent(25) { "none".into() } else { self.leaf_expression(inner) }
            }
            _ => self.literal(ty),
        }
    }

    pub(super) fn leaf_expression(&mut self, ty: &Ty) -> String {
        if self.random.percent(75)
            && let Some((_, place)) = self.place(ty, false)
        {
            return place;
        }
        let constants: Vec<String> =
            self.constants.iter().filter(|(_, known)| known == ty).map(|(name, _)| name.clone()).collect();
        if !constants.is_empty() && self.random.percent(50) {
            self.count("const use");
            return self.random.pick(&constants).clone();
        }
        let value = self.literal(ty);
        if matches!(ty, Ty::Struct(_)) { format!("({value})") } else { value }
    }

    fn int_expression(&mut self, ty: &Ty, depth: u32) -> String {
        let shown = ty.show();
        if self.random.percent(15)
            && self.scope.iter().any(|known| matches!(&known.ty, Ty::Slice(of) if **of == *ty))
        {
            return self.slice_element(ty, &shown, depth);
        }
        let a = self.expression(ty, depth);
        let risky = self.risky();
        match self.random.below(14) {
            0 | 1 => {
                let b = self.expression(ty, depth);
                let op = *self.random.pick(&["+%", "-%", "*%"]);
                self.count("wrapping");
                format!("({a} {op} {b})")
            }
            2 | 3 => {
                let b = self.expression(ty, depth);
                let op = *self.random.pick(&["&", "|", "^"]);
                self.count("bits");
                format!("({a} {op} {b})")
            }
            4 | 5 => {
                let b = self.expression(ty, depth);
                let op = *self.random.pick(&["+", "-", "*"]);
                self.count("trapping arithmetic");
                if risky {
                    return format!("({a} {op} {b})");
                }
                let mask = (1u64 << (ty.bits() / 2 - 1)) - 1;
                if op == "-" && !ty.is_signed() {
                    return format!("(({a} | {mask}) - ({b} & {mask}))");
                }
                format!("(({a} & {mask}) {op} ({b} & {mask}))")
            }
            6 => {
                let b = self.expression(ty, depth);
                let op = *self.random.pick(&["/", "%"]);
                self.count(if op == "/" { "division" } else { "remainder" });
                if risky {
                    return format!("({a} {op} {b})");
                }
                if ty.is_signed() && op == "/" {
                    return format!("({a} / (({b} & 63) | 1))");
                }
                format!("({a} {op} ({b} | 1))")
            }
            7 | 8 => {
                let op = *self.random.pick(&["<<", ">>"]);
                self.count("shift");
                if risky {
                    let amount = self.int_type();
                    let b = self.leaf_expression(&amount);
                    return format!("({a} {op} {b})");
                }
                if self.random.percent(40) {
                    return format!("({a} {op} {})", self.random.below(ty.bits()));
                }
                let b = self.expression(&Ty::U32, depth);
                format!("({a} {op} ({b} & {}))", ty.bits() - 1)
            }
            9 => {
                self.count("complement");
                format!("(~{a})")
            }
            10 if ty.is_signed() => {
                self.count("negation");
                if risky { format!("(-{a})") } else { format!("(-({a} >> 1))") }
            }
            10 | 11 => {
                let from = self.int_type();
                let b = self.expression(&from, depth);
                self.count("low");
                format!("{}.low({shown})", if b.ends_with(')') { b } else { format!("({b})") })
            }
            12 => {
                let from = self.int_type();
                let b = self.expression(&from, depth);
                self.count("conversion");
                if risky { format!("{shown}({b})") } else { format!("{shown}({b} & 127)") }
            }
            _ => self.other_int(ty, &shown, depth),
        }
    }

    fn other_int(&mut self, ty: &Ty, shown: &str, depth: u32) -> String {
        match self.random.below(4) {
            0 => {
                self.count("bool to int");
                let b = self.expression(&Ty::Bool, depth);
                format!("{shown}({b})")
            }
            1 if *ty == Ty::U64 => {
                let slices = self.places(&Ty::Slice(Box::new(Ty::U8)), false);
                if slices.is_empty() {
                    return self.leaf_expression(ty);
                }
                self.count("len");
                format!("{}.len", self.random.pick(&slices).1)
            }
            2 => self.slice_element(ty, shown, depth),
            _ => {
                let plain: Vec<usize> = (0..self.enums.len())
                    .filter(|at| self.enums[*at].iter().all(|(_, payload)| payload.is_empty()))
                    .collect();
                if plain.is_empty() {
                    return self.leaf_expression(ty);
                }
                self.count("enum to int");
                let at = *self.random.pick(&plain);
                let value = self.expression(&Ty::Enum(at), depth);
                format!("{shown}({value})")
            }
        }
    }

    /// An element of a view, guarded against an empty one.
    fn slice_element(&mut self, ty: &Ty, shown: &str, depth: u32) -> String {
        let element = Ty::Slice(Box::new(ty.clone()));
        let slices = self.places(&element, false);
        if slices.is_empty() {
            return self.leaf_expression(ty);
        }
        self.count("slice element");
        let slice = self.random.pick(&slices).1.clone();
        let index = self.expression(&Ty::U64, depth);
        if self.risky() {
            return format!("{slice}[{index}]");
        }
        format!("(if {slice}.len == 0 {{ {shown}(1) }} else {{ {slice}[{index} % {slice}.len] }})")
    }

    fn bool_expression(&mut self, depth: u32) -> String {
        match self.random.below(10) {
            0..=4 => {
                let ty = self.int_type();
                let (a, b) = (self.expression(&ty, depth), self.expression(&ty, depth));
                let op = *self.random.pick(&["==", "!=", "<", "<=", ">", ">="]);
                self.count("comparison");
                format!("({a} {op} {b})")
            }
            5 => {
                let (a, b) = (self.expression(&Ty::Bool, depth), self.expression(&Ty::Bool, depth));
                let op = *self.random.pick(&["&&", "||"]);
                self.count("short circuit");
                format!("({a} {op} {b})")
            }
            6 => {
                let (a, b) = (self.expression(&Ty::Bool, depth), self.expression(&Ty::Bool, depth));
                let op = *self.random.pick(&["&", "|", "^", "==", "!="]);
                self.count("bool bits");
                format!("({a} {op} {b})")
            }
            7 => {
                self.count("not");
                format!("(!{})", self.expression(&Ty::Bool, depth))
            }
            8 => {
                self.count("text equality");
                let (a, b) = (self.leaf_expression(&Ty::Str), self.leaf_expression(&Ty::Str));
                format!("({a} {} {b})", if self.random.percent(50) { "==" } else { "!=" })
            }
            _ => {
                let optional: Vec<String> = self
                    .scope
                    .iter()
                    .filter(|variable| matches!(variable.ty, Ty::Optional(_)))
                    .map(|variable| variable.name.clone())
                    .collect();
                if optional.is_empty() {
                    return self.leaf_expression(&Ty::Bool);
                }
                self.count("none test");
                format!("({} {} none)", self.random.pick(&optional), self.random.pick(&["==", "!="]))
            }
        }
    }
}
