//! Names and types as written, resolved in a package.

use crate::collect::unsupported;
use crate::constants;
use crate::ty::{I64, Ty};
use crate::world::{Declared, Def, World};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, TypeKind};

/// Where a written name or type is looked up.
pub(crate) struct Scope<'w> {
    pub world: &'w World,
    pub package: u32,
    pub diagnostics: &'w mut Vec<Diagnostic>,
}

/// Elements of an array or table at most.
const ELEMENTS_MAX: u64 = 1 << 28;

impl Scope<'_> {
    /// Looks a dotted path up: a name of this package, or of one it imports.
    pub(crate) fn path(&mut self, path: &tree::Path) -> Option<Def> {
        let found = find(self.world, self.package, path);
        if let Err(diagnostic) = found {
            self.diagnostics.push(diagnostic);
            return None;
        }
        found.ok()
    }

    /// The interface that a path names.
    pub(crate) fn interface(mut self, path: &tree::Path) -> Option<u32> {
        if let [name] = path.names.as_slice()
            && let Some(at) = builtin_interface(self.world, name.as_str())
        {
            return Some(at);
        }
        match self.path(path)? {
            Def::Interface(at) => Some(at),
            _ => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "not-an-interface",
                        path.span,
                        format!("`{}` is not an interface", path.dotted()),
                    )
                    .help("name an interface, such as `DebugConsole`"),
                );
                None
            }
        }
    }

    /// The type after `!`.
    pub(crate) fn error_type(mut self, path: &tree::Path) -> Ty {
        if path.dotted() == "Status" {
            return Ty::Enum(self.world.status_enum);
        }
        match self.path(path) {
            Some(Def::Enum(at)) => Ty::Enum(at),
            None => Ty::Error,
            Some(_) => {
                self.diagnostics.push(
                    Diagnostic::error("error-not-enum", path.span, "what follows `!` is an enum")
                        .help("declare an enum of the errors"),
                );
                Ty::Error
            }
        }
    }

    /// The meaning of a written type.
    pub(crate) fn resolve(&mut self, ty: &tree::Type) -> Ty {
        match &ty.kind {
            TypeKind::Optional(inner) => Ty::Optional(Box::new(self.resolve(inner))),
            TypeKind::Slice(inner) => Ty::Slice(Box::new(self.resolve(inner))),
            TypeKind::Array(inner, count) => {
                let element = self.resolve(inner);
                self.count(count).map_or(Ty::Error, |count| Ty::Array(Box::new(element), count))
            }
            TypeKind::Tuple(parts) if parts.is_empty() => Ty::Unit,
            TypeKind::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| self.resolve(part)).collect()),
            TypeKind::Handle(path, rights) => self.handle(path, rights),
            TypeKind::Path(path, arguments) => self.named(path, arguments, ty.span),
        }
    }

    fn handle(&mut self, path: &tree::Path, rights: &[tree::Name]) -> Ty {
        let scope = Scope { world: self.world, package: self.package, diagnostics: self.diagnostics };
        let Some(interface) = scope.interface(path) else { return Ty::Error };
        let def = &self.world.interfaces[interface as usize];
        let mut mask = 0;
        for right in rights {
            if let Some(method) = def.method(right.as_str()) {
                mask |= 1 << method;
            } else {
                self.diagnostics.push(
                    Diagnostic::error(
                        "unknown-right",
                        right.span,
                        format!("`{}` has no method `{}`", def.name, right.as_str()),
                    )
                    .help(format!("its methods are {}", def.names(u64::MAX))),
                );
            }
        }
        Ty::Handle(interface, mask)
    }

    fn named(&mut self, path: &tree::Path, arguments: &[tree::TypeArgument], span: Span) -> Ty {
        if let [name] = path.names.as_slice() {
            if let Some(ty) = builtin_type(self.world, name.as_str()) {
                if !arguments.is_empty() {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "type-arguments",
                            span,
                            format!("`{}` takes no type arguments", name.as_str()),
                        )
                        .help("remove the brackets"),
                    );
                }
                return ty;
            }
            match (name.as_str(), arguments) {
                ("Id", [element]) => return Ty::Id(Box::new(self.argument_type(element))),
                ("Table", [element, count]) => {
                    let element = self.argument_type(element);
                    let count = self.argument_count(count);
                    return count.map_or(Ty::Error, |count| Ty::Table(Box::new(element), count));
                }
                ("Id" | "Table", _) => {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "type-arguments",
                            span,
                            "the type arguments are missing or too many",
                        )
                        .help("write `Id[T]` or `Table[T, 16]`"),
                    );
                    return Ty::Error;
                }
                (
                    "Text" | "List" | "String" | "Box" | "Pool" | "Ring" | "Slab" | "Blob" | "Buf" | "Ref",
                    _,
                ) => {
                    self.diagnostics.push(unsupported(span, &format!("the type `{}`", name.as_str())));
                    return Ty::Error;
                }
                _ => {}
            }
        }
        if !arguments.is_empty() {
            self.diagnostics.push(unsupported(span, "a generic type"));
            return Ty::Error;
        }
        let builtin = match path.names.as_slice() {
            [name] => builtin_interface(self.world, name.as_str()).map(Def::Interface),
            _ => None,
        };
        match builtin.or_else(|| self.path(path)) {
            Some(Def::Struct(at)) => Ty::Struct(at),
            Some(Def::Enum(at)) => Ty::Enum(at),
            Some(Def::Interface(at)) => {
                let def = &self.world.interfaces[at as usize];
                self.diagnostics.push(
                    Diagnostic::error(
                        "missing-rights",
                        span,
                        format!("a handle to `{}` needs its rights", def.name),
                    )
                    .help(format!("list them in parentheses; the interface has {}", def.names(u64::MAX))),
                );
                Ty::Error
            }
            Some(_) => {
                self.diagnostics.push(
                    Diagnostic::error("not-a-type", span, format!("`{}` is not a type", path.dotted()))
                        .help("name a struct, an enum, or a built-in type"),
                );
                Ty::Error
            }
            None => Ty::Error,
        }
    }

    fn argument_type(&mut self, argument: &tree::TypeArgument) -> Ty {
        match argument {
            tree::TypeArgument::Type(ty) => self.resolve(ty),
            tree::TypeArgument::Integer(_, span) => {
                self.diagnostics.push(
                    Diagnostic::error("type-arguments", *span, "a type stands here, not a number")
                        .help("write `Table[T, 16]`: the element first"),
                );
                Ty::Error
            }
        }
    }

    fn argument_count(&mut self, argument: &tree::TypeArgument) -> Option<u64> {
        match argument {
            tree::TypeArgument::Integer(value, span) => {
                let value = constants::scaled(value, *span, self.diagnostics)?;
                self.checked_count(value, *span)
            }
            tree::TypeArgument::Type(tree::Type { kind: TypeKind::Path(path, rest), span })
                if rest.is_empty() =>
            {
                let value = constants::named(self.world, self.package, path, self.diagnostics);
                value.and_then(|value| self.checked_count(value, *span))
            }
            tree::TypeArgument::Type(ty) => {
                self.diagnostics.push(Diagnostic::error(
                    "not-constant",
                    ty.span,
                    "a constant number stands here",
                ));
                None
            }
        }
    }

    /// The number of elements in `[T; count]`.
    pub(crate) fn count(&mut self, count: &tree::Expr) -> Option<u64> {
        let value = constants::integer(self.world, self.package, count, self.diagnostics);
        value.and_then(|value| self.checked_count(value, count.span))
    }

    fn checked_count(&mut self, value: i128, span: Span) -> Option<u64> {
        if (0..=i128::from(ELEMENTS_MAX)).contains(&value) {
            return Some(value as u64);
        }
        self.diagnostics.push(
            Diagnostic::error("bad-count", span, format!("{value} is not a number of elements"))
                .help(format!("use a number from 0 to {ELEMENTS_MAX}")),
        );
        None
    }
}

/// What a dotted path names, seen from a package.
#[expect(clippy::result_large_err, reason = "made once per path")]
pub(crate) fn find(world: &World, package: u32, path: &tree::Path) -> Result<Def, Diagnostic> {
    let mut at = package;
    for (depth, name) in path.names.iter().enumerate() {
        let Some(declared) = world.packages[at as usize].names.get(name.as_str()) else {
            return Err(unknown_name(world, at, name));
        };
        if depth > 0 && !declared.public {
            return Err(private(name, declared));
        }
        if depth + 1 == path.names.len() {
            return Ok(declared.def);
        }
        let Def::Package(next) = declared.def else {
            return Err(Diagnostic::error(
                "not-a-package",
                name.span,
                format!("`{}` is not a package", name.as_str()),
            )
            .help("only packages have names after a dot here"));
        };
        at = next;
    }
    Err(Diagnostic::error("unknown-name", path.span, "there is no such name"))
}

/// The error for a name that exists but is not `pub`.
pub(crate) fn private(name: &tree::Name, declared: &Declared) -> Diagnostic {
    let help = match declared.def {
        Def::State(_) => "state belongs to its package: write a `pub fn` that gives what is needed",
        _ => "write `pub` before its declaration",
    };
    Diagnostic::error("private-name", name.span, format!("`{}` is not public", name.as_str()))
        .also(declared.span, "declared here without `pub`")
        .help(help)
}

/// Whether a name is a component's own: its capabilities, exports and parameters.
pub(crate) const fn is_authority(def: Def) -> bool {
    matches!(def, Def::Capability(_) | Def::Export(_) | Def::Parameter(_))
}

/// The error for a path that leads to what another package's component owns.
pub(crate) fn foreign_authority(world: &World, package: u32, path: &tree::Path) -> Option<Diagnostic> {
    let mut at = package;
    for (depth, name) in path.names.iter().enumerate() {
        let declared = world.packages[at as usize].names.get(name.as_str())?;
        if depth > 0 && is_authority(declared.def) {
            let owner = world.packages[at as usize].component?;
            let owner = &world.components[owner as usize].name;
            let message = format!("`{}` belongs to the component {owner}", name.as_str());
            return Some(
                Diagnostic::error("foreign-authority", name.span, message).also(declared.span, "declared here").help(
                    "declare a capability for its interface in your own component; the system connects the two",
                ),
            );
        }
        let Def::Package(next) = declared.def else { return None };
        at = next;
    }
    None
}

/// The error for a name that is not there, with the nearest that is.
pub(crate) fn unknown_name(world: &World, package: u32, name: &tree::Name) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unknown-name", name.span, format!("there is no name `{}` here", name.as_str()));
    if let Some(help) = habit(name.as_str()) {
        return diagnostic.help(help);
    }
    if let Some(path) = elsewhere(world, package, name.as_str()) {
        return diagnostic.help(format!("did you mean `{path}`?")).edit(name.span, path);
    }
    if let Some(found) = world.packages.iter().find(|package| package.path == name.as_str()) {
        return diagnostic.help(format!("the package is there: write `import {}` first", found.path));
    }
    let known = world.packages[package as usize].names.keys().map(String::as_str);
    if let Some(near) = nearest(name.as_str(), known) {
        return diagnostic.help(format!("did you mean `{near}`?")).edit(name.span, near);
    }
    if name.as_str().contains('-') {
        let spaced = name.as_str().replace('-', " - ");
        return diagnostic.help(format!("a `-` before a letter joins names; to subtract, write `{spaced}`"));
    }
    diagnostic
}

/// What a name that other languages have is here.
fn habit(name: &str) -> Option<&'static str> {
    Some(match name {
        "print" | "println" | "printf" | "puts" | "echo" | "log" => {
            "text goes to a console: `console.write(\"{count}\\n\")`, with `capability console: DebugConsole(write)`"
        }
        "null" | "nil" | "None" | "undefined" => "what may be missing has a type `T?` and the value `none`",
        "Some" => "a value where one may be missing is written as it is; a pattern is `some(x)`",
        "Ok" | "Err" => "`return value` and `return error` are enough; patterns are `ok(x)` and `err(e)`",
        "panic" | "abort" | "exit" => "`assert false` stops the component; `return` from `start` ends it",
        "this" => "a method's first parameter is `self`",
        "len" | "length" | "size" => "the number of elements is `list.len`",
        _ => return None,
    })
}

/// The path by which a name of an imported package would be found.
fn elsewhere(world: &World, package: u32, name: &str) -> Option<String> {
    world.packages[package as usize].names.iter().find_map(|(imported, declared)| {
        let Def::Package(at) = declared.def else { return None };
        let found = world.packages[at as usize].names.get(name)?;
        (found.public && !matches!(found.def, Def::Package(_))).then(|| format!("{imported}.{name}"))
    })
}

/// The known name that differs least, if it differs little.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // A name of one letter is near to every other.
    let allowed = name.len().div_ceil(4).min(3).min(name.len().saturating_sub(1));
    known
        .map(|word| (distance(name, word), word))
        .filter(|(far, _)| *far <= allowed)
        .min()
        .map(|(_, word)| word)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let cost = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The vocabulary's interface of a name.
pub(crate) fn builtin_interface(world: &World, name: &str) -> Option<u32> {
    world
        .interfaces
        .iter()
        .position(|interface| interface.vocabulary.is_some() && interface.name == name)
        .map(|at| at as u32)
}

/// A type that needs no declaration.
pub(crate) fn builtin_type(world: &World, name: &str) -> Option<Ty> {
    let int = |signed, bits| Some(Ty::Int { signed, bits });
    match name {
        "u8" => int(false, 8),
        "u16" => int(false, 16),
        "u32" => int(false, 32),
        "u64" => int(false, 64),
        "i8" => int(true, 8),
        "i16" => int(true, 16),
        "i32" => int(true, 32),
        "i64" => int(true, 64),
        "Int" => Some(I64),
        "bool" | "Bool" => Some(Ty::Bool),
        "f32" => Some(Ty::Float(32)),
        "f64" => Some(Ty::Float(64)),
        "str" => Some(Ty::Str),
        "void" => Some(Ty::Unit),
        "Status" => Some(Ty::Enum(world.status_enum)),
        _ => None,
    }
}
