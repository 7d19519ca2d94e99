//! The interfaces and names that every package has, from the tables of `sci`.

use crate::ty::{Ty, U8};
use crate::types::builtin_interface;
use crate::world::{EnumDef, InterfaceDef, MethodDef, Mode, ParameterDef, Served, VariantDef, World};
use compiler_syntax::span::Span;
use sci::vocabulary::{INTERFACES, Shape};

const RESERVED: &[&str] = &[
    "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "bool", "str", "Int", "Bool", "void",
    "Id", "Table", "Text", "List", "String", "Box", "Pool", "Ring", "Slab", "Blob", "Buf", "Ref", "Status",
    "close",
];

/// Whether a name cannot be declared because it is always there.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || INTERFACES.iter().any(|interface| interface.name == name)
}

/// Puts the vocabulary's interfaces and the built-in enums into an empty world.
pub(crate) fn install(world: &mut World) {
    let variants = sci::status::Status::ALL
        .iter()
        .map(|status| VariantDef { name: status.name().to_owned(), fields: Vec::new() })
        .collect();
    world.status_enum = world.enums.len() as u32;
    world.enums.push(EnumDef { name: "Status".to_owned(), variants, span: Span::default() });
    for interface in INTERFACES {
        world.interfaces.push(InterfaceDef {
            name: interface.name.to_owned(),
            methods: Vec::new(),
            hash: sci::vocabulary::interface_hash(interface),
            vocabulary: Some(interface.number),
            span: Span::default(),
        });
    }
    for (at, interface) in INTERFACES.iter().enumerate() {
        let methods = interface.methods.iter().map(|method| convert(world, method)).collect();
        world.interfaces[at].methods = methods;
    }
}

fn convert(world: &World, method: &sci::vocabulary::Method) -> MethodDef {
    let parameters = method
        .arguments
        .iter()
        .map(|argument| ParameterDef {
            mode: if argument.shape == Shape::BytesMut { Mode::Inout } else { Mode::Read },
            name: argument.name.replace('_', "-"),
            ty: shape(world, argument.shape),
            any_handle: argument.shape == Shape::Any,
            span: Span::default(),
        })
        .collect();
    let served = match method.served {
        sci::vocabulary::Served::Message => Served::Message,
        sci::vocabulary::Served::Inline => Served::View,
        sci::vocabulary::Served::Kernel(name) => {
            let call = sci::syscall::by_name(name).map_or(0, |call| call.number);
            Served::Kernel(call, method.operation)
        }
    };
    MethodDef {
        name: method.name.to_owned(),
        parameters,
        returns: method.result.map_or(Ty::Unit, |result| shape(world, result)),
        error: method.fallible.then_some(Ty::Enum(world.status_enum)),
        served,
        nondeterministic: method.nondeterministic,
        span: Span::default(),
    }
}

fn shape(world: &World, shape: Shape) -> Ty {
    match shape {
        Shape::Unsigned(bits) => Ty::Int { signed: false, bits },
        Shape::Text => Ty::Str,
        Shape::Bytes | Shape::BytesMut => Ty::Slice(Box::new(U8)),
        Shape::Handle(name) => {
            let at = builtin_interface(world, name).unwrap_or(0);
            let mask = sci::vocabulary::by_name(name).map_or(0, sci::vocabulary::Interface::full_mask);
            Ty::Handle(at, mask)
        }
        Shape::Any => Ty::Handle(0, 0),
    }
}

/// The hash of an interface declared in source: names, modes, types, version.
pub(crate) fn hash(world: &World, name: &str, version: u64, methods: &[MethodDef]) -> [u8; 32] {
    let mut text = sci::vocabulary::InterfaceText::new(name, version);
    for method in methods {
        text.method(&method.name);
        for parameter in &method.parameters {
            let mode = match parameter.mode {
                Mode::Read => "read",
                Mode::Inout => "inout",
                Mode::Take => "take",
            };
            text.argument(&parameter.name, mode, &layout_text(world, &parameter.ty));
        }
        text.result(&layout_text(world, &method.returns));
        if let Some(error) = &method.error {
            text.error(&layout_text(world, error));
        }
    }
    text.finish()
}

/// A type with everything that its layout depends on.
fn layout_text(world: &World, ty: &Ty) -> String {
    match ty {
        Ty::Enum(at) => {
            let def = &world.enums[*at as usize];
            let variants: Vec<String> = def
                .variants
                .iter()
                .map(|variant| {
                    let fields: Vec<String> =
                        variant.fields.iter().map(|(_, ty)| layout_text(world, ty)).collect();
                    format!("{}({})", variant.name, fields.join(","))
                })
                .collect();
            format!("enum {}{{{}}}", def.name, variants.join("|"))
        }
        Ty::Slice(element) => format!("[{}]", layout_text(world, element)),
        other => world.show(other),
    }
}
