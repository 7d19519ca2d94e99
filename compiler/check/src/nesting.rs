//! Structs and enums within structs and enums: none within itself, none too deep, none too large.
//!
//! The bounds keep everything that walks through a type short, and every walk ends.

use crate::collect::{handle_array, unsupported};
use crate::ty::Ty;
use crate::world::World;
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use std::collections::BTreeMap;

/// Structs and enums that may lie within each other.
const DEPTH_MAX: usize = 64;
/// Fields of a type and of everything within it.
const PARTS_MAX: u64 = 65_536;

/// Refuses types beyond the bounds, and takes their fields away, so that nothing else stumbles over them.
pub(crate) fn check(world: &mut World, diagnostics: &mut Vec<Diagnostic>) {
    let structs = (0..world.structs.len()).map(|at| Ty::Struct(at as u32));
    let enums = (0..world.enums.len()).map(|at| Ty::Enum(at as u32));
    let mut walk = Walk { world, parts: BTreeMap::new(), open: Vec::new(), wrong: BTreeMap::new() };
    for ty in structs.chain(enums) {
        walk.parts(&ty);
    }
    let wrong = walk.wrong;
    for (ty, why) in wrong {
        let (name, span) = declared(world, &ty);
        diagnostics.push(why.report(&name, span));
        match ty {
            Ty::Struct(at) => world.structs[at as usize].fields.clear(),
            Ty::Enum(at) => {
                world.enums[at as usize].variants.iter_mut().for_each(|variant| variant.fields.clear());
            }
            _ => {}
        }
    }
    // From here on every walk through a type ends.
    let fields = world.structs.iter().flat_map(|one| &one.fields);
    diagnostics.extend(
        fields.filter(|field| world.has_handle_array(&field.ty)).map(|field| handle_array(field.span)),
    );
    for one in &world.enums {
        if one
            .variants
            .iter()
            .any(|variant| variant.fields.iter().filter(|(_, ty)| world.is_linear(ty)).count() > 1)
        {
            diagnostics.push(
                unsupported(one.span, "a variant with several handles")
                    .help("put them into a struct, and the struct into the variant"),
            );
        }
    }
}

enum Wrong {
    Endless,
    Deep,
    Large(u64),
}

impl Wrong {
    fn report(&self, name: &str, span: Span) -> Diagnostic {
        match self {
            Self::Endless => {
                let message = format!("`{name}` contains itself and would have no size");
                Diagnostic::error("endless-type", span, message)
            }
            Self::Deep => {
                let message = format!("`{name}` lies more than {DEPTH_MAX} types deep within others");
                Diagnostic::error("type-too-large", span, message)
            }
            Self::Large(parts) => {
                let message = format!("`{name}` has {parts} parts; a type has at most {PARTS_MAX}");
                Diagnostic::error("type-too-large", span, message)
            }
        }
        .help("hold an `Id` of a table's element instead")
    }
}

fn declared(world: &World, ty: &Ty) -> (String, Span) {
    match ty {
        Ty::Struct(at) => (world.structs[*at as usize].name.clone(), world.structs[*at as usize].span),
        Ty::Enum(at) => (world.enums[*at as usize].name.clone(), world.enums[*at as usize].span),
        _ => (String::new(), Span::default()),
    }
}

struct Walk<'w> {
    world: &'w World,
    /// Parts of what was walked through.
    parts: BTreeMap<Ty, u64>,
    /// The structs and enums on the way here.
    open: Vec<Ty>,
    wrong: BTreeMap<Ty, Wrong>,
}

impl Walk<'_> {
    fn parts(&mut self, ty: &Ty) -> u64 {
        let world = self.world;
        let fields: Vec<&Ty> = match ty {
            Ty::Struct(at) => world.structs[*at as usize].fields.iter().map(|field| &field.ty).collect(),
            Ty::Enum(at) => {
                let variants = world.enums[*at as usize].variants.iter();
                variants.flat_map(|variant| variant.fields.iter().map(|(_, ty)| ty)).collect()
            }
            Ty::Array(element, _) | Ty::Optional(element) | Ty::Table(element, _) => {
                return self.parts(element);
            }
            Ty::Tuple(parts) => return parts.iter().map(|part| self.parts(part)).sum(),
            Ty::Result(ok, error) => return self.parts(ok) + self.parts(error),
            _ => return 1,
        };
        if let Some(known) = self.parts.get(ty) {
            return *known;
        }
        if let Some(at) = self.open.iter().position(|open| open == ty) {
            for endless in &self.open[at..] {
                self.wrong.insert(endless.clone(), Wrong::Endless);
            }
            return 1;
        }
        if self.open.len() == DEPTH_MAX {
            self.wrong.entry(ty.clone()).or_insert(Wrong::Deep);
            self.parts.insert(ty.clone(), 1);
            return 1;
        }
        self.open.push(ty.clone());
        let sum = fields.iter().fold(1u64, |sum, field| sum.saturating_add(self.parts(field)));
        self.open.pop();
        let parts = if sum > PARTS_MAX { 1 } else { sum };
        if sum > PARTS_MAX {
            self.wrong.entry(ty.clone()).or_insert(Wrong::Large(sum));
        }
        self.parts.insert(ty.clone(), parts);
        parts
    }
}
