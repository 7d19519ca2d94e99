//! `world/layout.yaml`.

use alloc::format;
use alloc::vec::Vec;

use services_yaml::Node;

use crate::read::Reader;
use crate::rules;
use crate::world::{Bounds, Direction, Face, Location, Route, World};

impl Reader {
    pub(super) fn world(&mut self, root: &Node) -> Option<World> {
        let mut fields = self.file(root, "World")?;
        let name = self.named(&mut fields);
        let locations = fields.required("locations", &mut self.errors);
        let locations = self.each(locations, Self::world_location);
        let routes = self.each(fields.optional("routes"), Self::route);
        fields.finish(&mut self.errors);
        Some(World { name: name?, locations, routes })
    }

    fn world_location(&mut self, node: &Node) -> Option<Location> {
        let mut fields = node.fields(&mut self.errors)?;
        let id = fields.required("id", &mut self.errors).and_then(|node| self.location(node));
        let bounds = fields.optional("bounds").and_then(|node| self.bounds(node));
        let faces = self.each(fields.optional("faces"), Self::face);
        fields.finish(&mut self.errors);
        Some(Location { id: id?, bounds, faces })
    }

    fn bounds(&mut self, node: &Node) -> Option<Bounds> {
        let mut fields = node.fields(&mut self.errors)?;
        let x = fields.required("x", &mut self.errors).and_then(|node| self.span(node, "x"));
        let y = fields.required("y", &mut self.errors).and_then(|node| self.span(node, "y"));
        let z = fields.optional("z").map(|node| self.span(node, "z"));
        fields.finish(&mut self.errors);
        let z = match z {
            Some(span) => Some(span?),
            None => None,
        };
        Some(Bounds { x: x?, y: y?, z, place: self.place(node.place) })
    }

    pub(super) fn span(&mut self, node: &Node, axis: &str) -> Option<[f64; 2]> {
        let ends = self.each(Some(node), |reader, node| node.number(&mut reader.errors));
        match ends[..] {
            [begin, end] if begin < end => Some([begin, end]),
            [begin, end] => {
                self.wrong(rules::EMPTY_BOUNDS, node, format!("`{axis}:` goes from {begin} to {end}"));
                None
            }
            _ => {
                self.wrong(rules::EMPTY_BOUNDS, node, format!("`{axis}:` is not two numbers"));
                None
            }
        }
    }

    fn face(&mut self, node: &Node) -> Option<Face> {
        let words: Vec<(&str, Direction)> =
            Direction::ALL.iter().map(|direction| (direction.word(), *direction)).collect();
        let mut fields = node.fields(&mut self.errors)?;
        let direction = fields.required("direction", &mut self.errors);
        let direction = direction
            .and_then(|node| node.word(&words, &mut self.errors).map(|direction| self.at(node, direction)));
        let ui = fields.required("ui", &mut self.errors).and_then(|node| self.name(node));
        fields.finish(&mut self.errors);
        Some(Face { direction: direction?, ui: ui? })
    }

    fn route(&mut self, node: &Node) -> Option<Route> {
        let mut fields = node.fields(&mut self.errors)?;
        let from = fields.required("from", &mut self.errors).and_then(|node| self.location(node));
        let to = fields.required("to", &mut self.errors).and_then(|node| self.location(node));
        fields.finish(&mut self.errors);
        Some(Route { from: from?, to: to? })
    }
}
