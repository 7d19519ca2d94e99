//! Checksums of values: what an entry gives, so that any difference shows.

use super::Generator;
use super::types::Ty;

impl Generator {
    /// A `u64` expression that depends on every part of the value of a place.
    pub(super) fn checksum(&mut self, ty: &Ty, place: &str) -> String {
        match ty {
            Ty::Unit => "0".into(),
            Ty::Bool => format!("u64({place})"),
            Ty::Int { .. } => format!("{place}.low(u64)"),
            Ty::Struct(_) => format!("{place}.sum()"),
            Ty::Enum(at) => {
                self.wanted(ty);
                format!("sum-e{at}q({place})")
            }
            Ty::Array(..) | Ty::Optional(_) | Ty::Slice(_) | Ty::Str => {
                let at = self.wanted(ty);
                format!("sum-of{at}q({place})")
            }
        }
    }

    fn wanted(&mut self, ty: &Ty) -> usize {
        if let Some(at) = self.summed.iter().position(|known| known == ty) {
            return at;
        }
        self.summed.push(ty.clone());
        self.summed.len() - 1
    }

    /// Writes the functions that checksums need.
    pub(super) fn checksums(&mut self) {
        let mut at = 0;
        while at < self.summed.len() {
            let ty = self.summed[at].clone();
            let shown = ty.show();
            match &ty {
                Ty::Enum(number) => {
                    self.open(&format!("fn sum-e{number}q(x: {shown}) -> u64 {{"));
                    self.open("return match x {");
                    for (tag, (variant, payload)) in self.enums[*number].clone().iter().enumerate() {
                        let names: Vec<String> = (0..payload.len()).map(|at| format!("x{at}q")).collect();
                        let mut sum = format!("{}", tag + 3);
                        for (name, ty) in names.iter().zip(payload) {
                            let part = self.checksum(ty, name);
                            sum = format!("mix({sum}, {part})");
                        }
                        let parts =
                            if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) };
                        self.line(&format!("E{number}q.{variant}{parts} -> {sum}"));
                    }
                    self.close();
                    self.close();
                }
                Ty::Optional(inner) => {
                    let part = self.checksum(inner, "inner");
                    self.open(&format!("fn sum-of{at}q(x: {shown}) -> u64 {{"));
                    self.line(&format!("return match x {{ some(inner) -> mix(2, {part}), none -> 3 }}"));
                    self.close();
                }
                Ty::Array(element, _) | Ty::Slice(element) => {
                    let part = self.checksum(element, "element");
                    self.open(&format!("fn sum-of{at}q(x: {shown}) -> u64 {{"));
                    self.line("var sum: u64 = x.len");
                    self.line(&format!("for element in x {{ sum = mix(sum, {part}) }}"));
                    self.line("return sum");
                    self.close();
                }
                _ => {
                    self.open(&format!("fn sum-of{at}q(x: str) -> u64 {{"));
                    self.line("var sum: u64 = x.len");
                    self.line("for byte in x.bytes { sum = mix(sum, u64(byte)) }");
                    self.line("return sum");
                    self.close();
                }
            }
            at += 1;
        }
    }
}
