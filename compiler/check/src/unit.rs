//! One program in the making: a component or a library package, lowered function by function.

use crate::ty::Ty;
use crate::world::{FunctionDef, World};
use compiler_mir::ir::{Data, DataId, FunctionId, Global, GlobalId, Program, Type, TypeId, Variant};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use std::collections::BTreeMap;

/// Fields of a table's struct, in order.
pub(crate) mod table {
    /// Number of live elements, `u32`.
    pub(crate) const COUNT: u32 = 0;
    /// Generation of each place, `u32`: odd while an element lives there.
    pub(crate) const GENERATIONS: u32 = 1;
    /// The elements.
    pub(crate) const VALUES: u32 = 2;
}

/// Variants of `T?`.
pub(crate) const NONE: u32 = 0;
/// Variants of `T?`.
pub(crate) const SOME: u32 = 1;
/// Variants of `T ! E`.
pub(crate) const OK: u32 = 0;
/// Variants of `T ! E`.
pub(crate) const ERR: u32 = 1;

pub(crate) struct Unit<'w> {
    pub world: &'w World,
    /// The package whose component this is.
    pub package: u32,
    pub diagnostics: Vec<Diagnostic>,
    pub program: Program,
    types: BTreeMap<Ty, TypeId>,
    interned: std::collections::HashMap<Type, TypeId>,
    functions: BTreeMap<u32, FunctionId>,
    /// Functions that are named but not lowered yet.
    pub queue: Vec<u32>,
    states: BTreeMap<u32, GlobalId>,
    /// Constants whose name was met.
    pub constants: BTreeMap<u32, Known>,
    /// Constants whose value is being lowered.
    pub constants_open: Vec<u32>,
    /// Constants that are being lowered where their names stand.
    pub constants_written: u32,
    /// Where constants refer to one another too deep.
    pub constants_too_deep: Option<Span>,
    texts: BTreeMap<Vec<u8>, DataId>,
    /// Rights that are used without a statement of their own: function, slot, method, place.
    pub inline_uses: Vec<(FunctionId, compiler_mir::ir::CapabilityId, u8, Span)>,
    /// Rights that reachable code uses, found at the end.
    pub uses: Vec<crate::RightUse>,
    /// Initial values of state.
    pub initials: Vec<crate::initial::Initial>,
    /// Which functions name which state and computed constants.
    pub initial_uses: std::collections::BTreeSet<(FunctionId, crate::initial::Target)>,
    /// Parameters that the function does not own.
    pub borrowed: std::collections::BTreeSet<(FunctionId, compiler_mir::ir::Local)>,
    /// Whether each named local may be written.
    pub access: BTreeMap<(FunctionId, compiler_mir::ir::Local), crate::body::Access>,
    /// State variables whose initial value is being lowered.
    pub states_open: Vec<u32>,
    /// Types of the state variables, by world index.
    pub state_types: BTreeMap<u32, Ty>,
}

/// What is known of a constant.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// An integer, of the type that the declaration states.
    Integer(i128, Option<Ty>),
    /// A value that is computed into read-only data.
    Data(Ty, DataId),
    /// Lowered where its name stands.
    Written,
    /// Why was reported.
    Failed,
}

impl<'w> Unit<'w> {
    pub(crate) fn new(world: &'w World, package: u32) -> Self {
        Self {
            world,
            package,
            diagnostics: Vec::new(),
            program: Program::default(),
            types: BTreeMap::new(),
            interned: std::collections::HashMap::new(),
            functions: BTreeMap::new(),
            queue: Vec::new(),
            states: BTreeMap::new(),
            constants: BTreeMap::new(),
            constants_open: Vec::new(),
            constants_written: 0,
            constants_too_deep: None,
            texts: BTreeMap::new(),
            inline_uses: Vec::new(),
            initials: Vec::new(),
            initial_uses: std::collections::BTreeSet::new(),
            uses: Vec::new(),
            borrowed: std::collections::BTreeSet::new(),
            access: BTreeMap::new(),
            states_open: Vec::new(),
            state_types: BTreeMap::new(),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The MIR type of a type.
    pub(crate) fn type_id(&mut self, ty: &Ty) -> TypeId {
        if let Some(known) = self.types.get(ty) {
            return *known;
        }
        let lowered = match ty {
            Ty::Error | Ty::Never | Ty::Unit => Type::Unit,
            Ty::Bool => Type::Bool,
            Ty::Int { signed, bits } => Type::Int { signed: *signed, bits: *bits },
            Ty::Float(bits) => Type::Float { bits: *bits },
            Ty::Str => Type::Slice(self.type_id(&crate::ty::U8)),
            Ty::Slice(element) => Type::Slice(self.type_id(element)),
            Ty::Array(element, count) => Type::Array(self.type_id(element), *count),
            Ty::Tuple(parts) => Type::Struct {
                name: self.world.show(ty),
                fields: parts
                    .iter()
                    .enumerate()
                    .map(|(at, part)| (at.to_string(), self.type_id(part)))
                    .collect(),
            },
            Ty::Struct(at) => {
                let def = &self.world.structs[*at as usize];
                let fields =
                    def.fields.iter().map(|field| (field.name.clone(), self.type_id(&field.ty))).collect();
                Type::Struct { name: def.name.clone(), fields }
            }
            Ty::Enum(at) => {
                let def = &self.world.enums[*at as usize];
                let variants = def
                    .variants
                    .iter()
                    .map(|variant| Variant {
                        name: variant.name.clone(),
                        fields: variant.fields.iter().map(|(_, ty)| self.type_id(ty)).collect(),
                    })
                    .collect();
                Type::Enum { name: def.name.clone(), variants }
            }
            Ty::Optional(inner) => Type::Enum {
                name: self.world.show(ty),
                variants: vec![self.variant("none", None), self.variant("some", Some(inner))],
            },
            Ty::Result(ok, error) => Type::Enum {
                name: self.world.show(ty),
                variants: vec![self.variant("ok", Some(ok)), self.variant("err", Some(error))],
            },
            Ty::Handle(interface, mask) => Type::Handle {
                interface: self.world.interfaces[*interface as usize].name.clone(),
                methods: *mask,
            },
            Ty::Id(_) => Type::Int { signed: false, bits: 64 },
            Ty::Table(element, count) => {
                let generation = self.type_id(&crate::ty::U32);
                let generations = self.intern(Type::Array(generation, *count));
                let element = self.type_id(element);
                let values = self.intern(Type::Array(element, *count));
                Type::Struct {
                    name: self.world.show(ty),
                    fields: vec![
                        ("count".into(), generation),
                        ("generations".into(), generations),
                        ("values".into(), values),
                    ],
                }
            }
        };
        let id = self.intern(lowered);
        self.types.insert(ty.clone(), id);
        id
    }

    fn variant(&mut self, name: &str, payload: Option<&Ty>) -> Variant {
        Variant { name: name.to_owned(), fields: payload.map(|ty| self.type_id(ty)).into_iter().collect() }
    }

    pub(crate) fn intern(&mut self, ty: Type) -> TypeId {
        if let Some(known) = self.interned.get(&ty) {
            return *known;
        }
        let id = TypeId(self.program.types.len() as u32);
        self.program.types.push(ty.clone());
        self.interned.insert(ty, id);
        id
    }

    /// The program's number of a function of the world; queues it for lowering when it is new.
    pub(crate) fn function_id(&mut self, at: u32) -> FunctionId {
        if let Some(known) = self.functions.get(&at) {
            return *known;
        }
        let def = &self.world.functions[at as usize];
        let id = self.reserve(&def.name, def.span);
        self.functions.insert(at, id);
        self.queue.push(at);
        id
    }

    /// A function whose body comes later.
    pub(crate) fn reserve(&mut self, name: &str, span: Span) -> FunctionId {
        let unit = self.type_id(&Ty::Unit);
        self.program.functions.push(compiler_mir::ir::Function {
            name: name.to_owned(),
            parameters: 0,
            returns: unit,
            result: None,
            locals: Vec::new(),
            blocks: Vec::new(),
            depth: None,
            span,
        });
        FunctionId(self.program.functions.len() as u32 - 1)
    }

    /// The type of a state variable; with its first use, its initial value is lowered.
    pub(crate) fn state_type(&mut self, at: u32) -> Ty {
        match self.state_types.get(&at) {
            Some(known) => known.clone(),
            None => crate::initial::state(self, at),
        }
    }

    /// The global of a state variable, of the type that was found for it.
    pub(crate) fn global(&mut self, state: u32, ty: &Ty) -> GlobalId {
        if let Some(known) = self.states.get(&state) {
            return *known;
        }
        let def = &self.world.states[state as usize];
        let lowered = self.type_id(ty);
        let global = Global { name: def.name.clone(), ty: lowered, initial: Vec::new(), span: def.span };
        self.program.globals.push(global);
        let id = GlobalId(self.program.globals.len() as u32 - 1);
        self.states.insert(state, id);
        id
    }

    /// Read-only bytes, each content once.
    pub(crate) fn text(&mut self, bytes: &[u8]) -> DataId {
        if let Some(known) = self.texts.get(bytes) {
            return *known;
        }
        let id = self.data(bytes.to_vec(), 1);
        self.texts.insert(bytes.to_vec(), id);
        id
    }

    /// Read-only bytes of an alignment.
    pub(crate) fn data(&mut self, bytes: Vec<u8>, align: u32) -> DataId {
        self.program.data.push(Data { bytes, align });
        DataId(self.program.data.len() as u32 - 1)
    }

    /// A function of the runtime's library package `space.text`.
    pub(crate) fn text_function(&mut self, name: &str) -> Option<FunctionId> {
        let package = self.world.packages.iter().find(|package| package.path == "space.text")?;
        let crate::world::Def::Function(at) = package.names.get(name)?.def else { return None };
        Some(self.function_id(at))
    }

    /// What a function gives back, error included.
    pub(crate) fn full_result(def: &FunctionDef) -> Ty {
        match &def.error {
            Some(error) => Ty::Result(Box::new(def.returns.clone()), Box::new(error.clone())),
            None => def.returns.clone(),
        }
    }
}
