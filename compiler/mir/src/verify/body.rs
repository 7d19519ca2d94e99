//! Statements and ends of blocks.

use super::Verifier;
use crate::ir::{
    Argument, Base, CapabilityId, Constant, Function, FunctionId, LocalKind, Operand, Place, Statement,
    Terminator, Type, TypeId,
};
use sci::limits::MESSAGE_WORDS;
use sci::syscall;

impl Verifier<'_> {
    pub(super) fn statement(&mut self, function: &Function, statement: &Statement) {
        match statement {
            Statement::Assign(place, value) => {
                self.writable(function, place);
                let target = self.place(function, place);
                let value = self.rvalue(function, value);
                if let (Some(target), Some(value)) = (target, value) {
                    self.require(value.fits(self.program, target), "the value's type is not the place's");
                }
            }
            Statement::Zero(place) => {
                self.writable(function, place);
                self.place(function, place);
            }
            Statement::SetTag(place, tag) => {
                if let Some(count) = self.tagged(function, place) {
                    self.require((*tag as usize) < count, "the variant does not exist");
                }
            }
            Statement::SetTagFrom(place, tag) => {
                self.tagged(function, place);
                self.unsigned(function, tag, 32);
            }
            Statement::Check(condition, _) => self.bool(function, condition),
            Statement::Call { destination, function: callee, arguments } => {
                self.call(function, destination.as_ref(), *callee, arguments);
            }
            Statement::System { call, arguments, status, value, authority } => {
                match syscall::by_number(*call) {
                    Some(call) => {
                        let all = call.arguments.len() == arguments.len();
                        self.require(all, "a system call takes every argument of the table");
                    }
                    None => self.defect("the system call does not exist"),
                }
                self.words(function, arguments, usize::MAX);
                self.word_places(function, [status, value]);
                self.authority(authority.as_ref().and_then(|authority| authority.capability));
            }
            Statement::Invoke { capability, words, status, results, authority, .. } => {
                self.unsigned(function, capability, 64);
                self.words(function, words, MESSAGE_WORDS);
                self.require(results.len() <= MESSAGE_WORDS, "an answer has too many words");
                self.word_places(function, results.iter().chain([status]));
                self.authority(authority.as_ref().and_then(|authority| authority.capability));
            }
            Statement::Receive { reply, badge, method, words } => {
                if let Some((status, answers)) = reply {
                    self.unsigned(function, status, 64);
                    self.words(function, answers, MESSAGE_WORDS);
                }
                self.require(words.len() <= MESSAGE_WORDS, "a message has too many words");
                self.word_places(function, words.iter().chain([badge, method]));
            }
        }
    }

    /// The number of variants of a place that is an enum and can be written.
    fn tagged(&mut self, function: &Function, place: &Place) -> Option<usize> {
        self.writable(function, place);
        let ty = self.place(function, place)?;
        let Some(Type::Enum { variants, .. }) = self.type_of(ty) else {
            self.defect("only an enum has a tag");
            return None;
        };
        Some(variants.len())
    }

    fn call(
        &mut self,
        function: &Function,
        destination: Option<&Place>,
        callee: FunctionId,
        arguments: &[Argument],
    ) {
        let Some(callee) = self.program.functions.get(callee.index()) else {
            self.defect("the function called does not exist");
            return;
        };
        if arguments.len() != callee.parameters as usize {
            self.defect(format!("`{}` takes {} arguments", callee.name, callee.parameters));
            return;
        }
        for (argument, local) in arguments.iter().zip(&callee.locals) {
            match (argument, local.kind) {
                (Argument::Value(operand), LocalKind::Value) => {
                    if let Some(value) = self.operand(function, operand) {
                        let fits = value.fits(self.program, local.ty);
                        self.require(fits, "an argument's type is not the parameter's");
                    }
                }
                (Argument::Reference(place), LocalKind::Reference { mutable }) => {
                    if mutable {
                        self.writable(function, place);
                    }
                    if let Some(ty) = self.place(function, place) {
                        self.require(ty == local.ty, "a reference's type is not the parameter's");
                    }
                }
                _ => self.defect("an argument is not passed as its parameter is held"),
            }
        }
        if let Some(place) = destination {
            self.writable(function, place);
            if let Some(ty) = self.place(function, place) {
                self.require(ty == callee.returns, "the result's type is not the destination's");
            }
        }
    }

    fn words(&mut self, function: &Function, words: &[Operand], most: usize) {
        self.require(words.len() <= most, "a message has too many words");
        for word in words {
            self.unsigned(function, word, 64);
        }
    }

    fn word_places<'a>(&mut self, function: &Function, places: impl IntoIterator<Item = &'a Place>) {
        for place in places {
            self.writable(function, place);
            if let Some(ty) = self.place(function, place) {
                let word = matches!(
                    self.type_of(ty),
                    Some(Type::Int { signed: false, bits: 64 } | Type::Handle { .. })
                );
                self.require(word, "a word goes to a `u64`");
            }
        }
    }

    fn authority(&mut self, capability: Option<CapabilityId>) {
        if let Some(capability) = capability {
            self.capability(capability);
        }
    }

    pub(super) fn capability(&mut self, capability: CapabilityId) {
        let count = self.program.component.as_ref().map_or(0, |component| component.capabilities.len());
        self.require(capability.index() < count, "the capability does not exist");
    }

    /// A place whose memory may change: the base is not read-only, unless a view stands between.
    pub(super) fn writable(&mut self, function: &Function, place: &Place) {
        let read_only = match place.base {
            Base::Data(..) => true,
            Base::Local(local) => matches!(
                function.locals.get(local.index()),
                Some(declared) if declared.kind == LocalKind::Reference { mutable: false }
            ),
            Base::Global(_) => false,
        };
        if read_only && !self.goes_through_view(function, place) {
            self.defect("a read-only place is written");
        }
    }

    fn goes_through_view(&self, function: &Function, place: &Place) -> bool {
        (0..place.path.len()).any(|steps| {
            let part = Place { base: place.base, path: place.path[..steps].to_vec() };
            matches!(self.walk(function, &part).ok().and_then(|ty| self.type_of(ty)), Some(Type::Slice(_)))
        })
    }

    pub(super) fn terminator(&mut self, function: &Function, end: &Terminator) {
        match end {
            Terminator::Goto(next) => self.block(function, *next),
            Terminator::Branch { condition, then, otherwise } => {
                self.bool(function, condition);
                self.block(function, *then);
                self.block(function, *otherwise);
            }
            Terminator::Switch { value, arms, otherwise } => {
                let ty = self.operand(function, value);
                let bits = match ty.and_then(|ty| ty.scalar(self.program)) {
                    Some(Type::Bool) => 1,
                    Some(Type::Int { bits, .. }) => u32::from(bits),
                    _ => {
                        self.defect("a switch takes an integer or a bool");
                        64
                    }
                };
                let fit = arms.iter().all(|(case, _)| bits >= 64 || *case >> bits == 0);
                self.require(fit, "a case does not fit the value's type");
                let mut cases: Vec<u64> = arms.iter().map(|(case, _)| *case).collect();
                cases.sort_unstable();
                self.require(cases.windows(2).all(|pair| pair[0] != pair[1]), "a case stands twice");
                for (_, next) in arms {
                    self.block(function, *next);
                }
                self.block(function, *otherwise);
            }
            Terminator::Return | Terminator::Trap(_) => {}
        }
    }

    fn bool(&mut self, function: &Function, operand: &Operand) {
        if let Some(value) = self.operand(function, operand) {
            let fits = value.scalar(self.program) == Some(Type::Bool);
            self.require(fits, "a condition is not a bool");
        }
    }

    /// An unsigned integer of so many bits; a handle passes for 64.
    pub(super) fn unsigned(&mut self, function: &Function, operand: &Operand, wanted: u8) {
        if let Some(value) = self.operand(function, operand) {
            let fits = match value.scalar(self.program) {
                Some(Type::Int { signed: false, bits }) => bits == wanted,
                Some(Type::Handle { .. }) => wanted == 64,
                _ => false,
            };
            self.require(fits, &format!("an operand is not a `u{wanted}`"));
        }
    }

    /// The type of a constant's own, in range; `None` if it has none or is wrong.
    pub(super) fn constant(&mut self, constant: Constant) -> Option<TypeId> {
        let (Constant::Int(_, id) | Constant::Float(_, id) | Constant::Slice(_, _, id)) = constant else {
            return None;
        };
        let Some(ty) = self.type_of(id) else {
            self.defect("a constant's type does not exist");
            return None;
        };
        let fits = match (constant, ty) {
            (Constant::Int(value, _), Type::Int { bits, .. }) => *bits == 64 || value >> bits == 0,
            (Constant::Int(..), Type::Handle { .. }) => true,
            (Constant::Float(value, _), Type::Float { bits }) => *bits == 64 || value >> 32 == 0,
            (Constant::Slice(data, length, _), Type::Slice(element)) => {
                let needs = crate::layout::of(self.program, *element);
                self.program.data.get(data.index()).is_some_and(|data| {
                    needs.size.saturating_mul(length) <= data.bytes.len() as u64
                        && needs.align <= u64::from(data.align)
                })
            }
            _ => false,
        };
        self.require(fits, "a constant does not fit its type");
        fits.then_some(id)
    }
}
