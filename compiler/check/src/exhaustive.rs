//! Whether patterns cover a type: Maranget's usefulness, "Warnings for pattern matching" (2007), section 3.

use crate::ty::Ty;
use crate::world::World;

/// A pattern without its names.
#[derive(Clone, Debug)]
pub(crate) enum Pat {
    /// Matches everything.
    Any,
    /// A constructor and its fields.
    Of(Constructor, Vec<Pat>),
    /// Any of several.
    OneOf(Vec<Pat>),
}

/// The head of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constructor {
    Variant(u32),
    Bool(bool),
    /// Integers from the first to the last, both included.
    Range(i128, i128),
    Text(String),
    Tuple,
}

/// A value that no row matches, as people write it; `None` if there is none.
pub(crate) fn missing(world: &World, rows: &[Pat], ty: &Ty) -> Option<String> {
    let rows: Vec<Vec<Pat>> = rows.iter().map(|row| vec![row.clone()]).collect();
    witness(world, &rows, &[Pat::Any], std::slice::from_ref(ty)).map(|mut shown| shown.remove(0))
}

/// Whether a further row matches something that the rows before do not.
pub(crate) fn useful(world: &World, rows: &[Pat], row: &Pat, ty: &Ty) -> bool {
    let rows: Vec<Vec<Pat>> = rows.iter().map(|row| vec![row.clone()]).collect();
    witness(world, &rows, std::slice::from_ref(row), std::slice::from_ref(ty)).is_some()
}

/// Values that match `row` and none of `rows`.
fn witness(world: &World, rows: &[Vec<Pat>], row: &[Pat], types: &[Ty]) -> Option<Vec<String>> {
    let Some((ty, rest_types)) = types.split_first() else {
        return rows.is_empty().then(Vec::new);
    };
    if let Pat::OneOf(parts) = &row[0] {
        return parts.iter().find_map(|part| {
            let mut row = row.to_vec();
            row[0] = part.clone();
            witness(world, rows, &row, types)
        });
    }
    let rows = flatten(rows);
    let heads = constructors(world, &rows, row, ty);
    for head in heads {
        let fields = head.as_ref().map_or_else(Vec::new, |head| field_types(world, head, ty));
        let Some(special) = specialize(row, head.as_ref(), fields.len()) else { continue };
        let matching: Vec<Vec<Pat>> =
            rows.iter().filter_map(|row| specialize(row, head.as_ref(), fields.len())).collect();
        let mut types: Vec<Ty> = fields.clone();
        types.extend_from_slice(rest_types);
        if let Some(mut shown) = witness(world, &matching, &special, &types) {
            let rest = shown.split_off(fields.len());
            let mut result = vec![show(world, head.as_ref(), ty, &shown)];
            result.extend(rest);
            return Some(result);
        }
    }
    None
}

fn flatten(rows: &[Vec<Pat>]) -> Vec<Vec<Pat>> {
    let mut flat = Vec::new();
    for row in rows {
        if let Pat::OneOf(parts) = &row[0] {
            let expanded: Vec<Vec<Pat>> = parts
                .iter()
                .map(|part| {
                    let mut row = row.clone();
                    row[0] = part.clone();
                    row
                })
                .collect();
            flat.extend(flatten(&expanded));
        } else {
            flat.push(row.clone());
        }
    }
    flat
}

/// The cases to tell apart; `None` stands for all that no row names.
fn constructors(world: &World, rows: &[Vec<Pat>], row: &[Pat], ty: &Ty) -> Vec<Option<Constructor>> {
    let variants = |count: usize| (0..count as u32).map(|at| Some(Constructor::Variant(at))).collect();
    match ty {
        Ty::Enum(at) => variants(world.enums[*at as usize].variants.len()),
        Ty::Optional(_) | Ty::Result(..) => variants(2),
        Ty::Bool => vec![Some(Constructor::Bool(true)), Some(Constructor::Bool(false))],
        Ty::Tuple(_) => vec![Some(Constructor::Tuple)],
        Ty::Int { .. } => int_pieces(rows, row, ty),
        _ => {
            let mut heads: Vec<Option<Constructor>> = Vec::new();
            for row in rows.iter().map(Vec::as_slice).chain(std::iter::once(row)) {
                if let Pat::Of(head, _) = &row[0]
                    && !heads.contains(&Some(head.clone()))
                {
                    heads.push(Some(head.clone()));
                }
            }
            heads.push(None);
            heads
        }
    }
}

/// The integer line cut at every end of a range in use.
fn int_pieces(rows: &[Vec<Pat>], row: &[Pat], ty: &Ty) -> Vec<Option<Constructor>> {
    let Some((least, greatest)) = ty.int_range() else { return vec![None] };
    let mut cuts = vec![least, greatest + 1];
    for row in rows.iter().map(Vec::as_slice).chain(std::iter::once(row)) {
        if let Pat::Of(Constructor::Range(from, to), _) = &row[0] {
            cuts.extend([*from, *to + 1]);
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| Some(Constructor::Range(pair[0], pair[1] - 1))).collect()
}

fn field_types(world: &World, head: &Constructor, ty: &Ty) -> Vec<Ty> {
    let of = |ty: &Ty| if *ty == Ty::Unit { Vec::new() } else { vec![ty.clone()] };
    match (head, ty) {
        (Constructor::Variant(at), Ty::Enum(def)) => world.enums[*def as usize].variants[*at as usize]
            .fields
            .iter()
            .map(|(_, ty)| ty.clone())
            .collect(),
        (Constructor::Variant(crate::unit::SOME), Ty::Optional(inner)) => of(inner),
        (Constructor::Variant(crate::unit::OK), Ty::Result(ok, _)) => of(ok),
        (Constructor::Variant(crate::unit::ERR), Ty::Result(_, error)) => of(error),
        (Constructor::Tuple, Ty::Tuple(parts)) => parts.clone(),
        _ => Vec::new(),
    }
}

fn specialize(row: &[Pat], head: Option<&Constructor>, fields: usize) -> Option<Vec<Pat>> {
    let mut result = match (&row[0], head) {
        (Pat::Any, _) => vec![Pat::Any; fields],
        (Pat::Of(own, parts), Some(head)) if covers(own, head) => parts.clone(),
        _ => return None,
    };
    result.extend_from_slice(&row[1..]);
    Some(result)
}

fn covers(own: &Constructor, head: &Constructor) -> bool {
    match (own, head) {
        (Constructor::Range(from, to), Constructor::Range(first, last)) => from <= first && last <= to,
        (own, head) => own == head,
    }
}

fn show(world: &World, head: Option<&Constructor>, ty: &Ty, fields: &[String]) -> String {
    let name = match (head, ty) {
        (Some(Constructor::Variant(at)), Ty::Enum(def)) => {
            let def = &world.enums[*def as usize];
            format!("{}.{}", def.name, def.variants[*at as usize].name)
        }
        (Some(Constructor::Variant(at)), Ty::Optional(_)) => ["none", "some"][*at as usize].to_owned(),
        (Some(Constructor::Variant(at)), _) => ["ok", "err"][*at as usize].to_owned(),
        (Some(Constructor::Bool(value)), _) => value.to_string(),
        (Some(Constructor::Range(from, to)), Ty::Int { signed, bits })
            if *from == least(*signed, *bits) && *to == greatest(*signed, *bits) =>
        {
            "_".to_owned()
        }
        (Some(Constructor::Range(from, to)), _) if from == to => from.to_string(),
        // The end would be no number of 64 bits.
        (Some(Constructor::Range(from, to)), _) if *to == i128::from(u64::MAX) => {
            format!("{from}, and all above")
        }
        (Some(Constructor::Range(from, to)), _) => format!("{from}..{}", to + 1),
        (Some(Constructor::Text(text)), _) => format!("{text:?}"),
        (Some(Constructor::Tuple), _) => String::new(),
        (None, _) => "_".to_owned(),
    };
    if fields.is_empty() { name } else { format!("{name}({})", fields.join(", ")) }
}

fn least(signed: bool, bits: u8) -> i128 {
    if signed { -(1 << (bits - 1)) } else { 0 }
}

fn greatest(signed: bool, bits: u8) -> i128 {
    (1 << (if signed { bits - 1 } else { bits })) - 1
}
