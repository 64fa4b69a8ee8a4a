//! Which passes to make, and what their findings add up to.
//!
//! Every part of a type gets its own passes until one finds it; a part of a type that was found elsewhere refers to
//! it, so recursion ends. At the end newtypes and such references are taken out.

use super::{
    Field, Node, NodeId, Schema, Untyped,
    pass::{Found, Key, Pass, Style},
    pass_end::PassEnd,
};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs `T::deserialize` once.
pub(super) type Run = fn(&mut Pass<'_>) -> Result<(), PassEnd>;

/// Passes for one type, all in all.
const MAX_PASSES: usize = 20_000;
/// Parts inside parts of ever new types.
const MAX_DEPTH: usize = 100;
/// Elements of a tuple that are looked at one by one; longer ones are arrays, whose first stands for all.
pub(crate) const MAX_ELEMENTS: usize = 64;

/// The form of passes, in the order in which they are tried.
const ATTEMPTS: [(Style, bool); 4] =
    [(Style::ByName, false), (Style::ByName, true), (Style::ByPosition, false), (Style::ByPosition, true)];

pub(super) fn trace(run: Run) -> Schema {
    let mut trace = Trace { run, passes: 0, places: vec![Place::Waiting], keys: HashMap::new() };
    let mut waiting = vec![(Vec::new(), 0)];
    while let Some((path, at)) = waiting.pop() {
        let place = trace.look(&path, at, &mut waiting);
        if let Some(slot) = trace.places.get_mut(at) {
            *slot = place;
        }
    }
    Resolve { places: &trace.places, nodes: Vec::new(), ids: HashMap::new() }.schema()
}

/// What is known of one part of the type.
enum Place {
    Waiting,
    /// Of a type that was found at that place.
    Same(usize),
    Found(Found, Vec<Part>),
    Failed(Untyped),
}

/// A part of a found type: its name, if it has one, and its place.
struct Part {
    name: &'static str,
    place: usize,
}

struct Trace {
    run: Run,
    passes: usize,
    places: Vec<Place>,
    keys: HashMap<Key, usize>,
}

impl Trace {
    /// Finds out what stands at the end of `path`; its parts join those that wait.
    fn look(&mut self, path: &[usize], at: usize, waiting: &mut Vec<(Vec<usize>, usize)>) -> Place {
        let (found, key) = match self.find(path) {
            Ok(found) => found,
            Err(untyped) => return Place::Failed(untyped),
        };
        if let Some(key) = key {
            if let Some(&known) = self.keys.get(&key) {
                return Place::Same(known);
            }
            self.keys.insert(key, at);
        }
        let slots: Vec<(usize, &'static str)> = match &found {
            Found::Leaf(_) | Found::Identifier | Found::Ignored => Vec::new(),
            Found::Newtype | Found::Option | Found::List => vec![(0, "")],
            Found::Map => vec![(0, ""), (1, "")],
            Found::Tuple(len) if *len > MAX_ELEMENTS => vec![(0, "")],
            Found::Tuple(len) => (0..*len).map(|slot| (slot, "")).collect(),
            Found::Struct(_, fields) => self.own_names(path, fields),
            Found::Enum(_, variants) => variants.iter().copied().enumerate().collect(),
        };
        let mut parts = Vec::with_capacity(slots.len());
        for (slot, name) in slots {
            let place = self.places.len();
            self.places.push(Place::Waiting);
            parts.push(Part { name, place });
            waiting.push(([path, &[slot]].concat(), place));
        }
        Place::Found(found, parts)
    }

    fn find(&mut self, path: &[usize]) -> Result<(Found, Option<Key>), Untyped> {
        if path.len() > MAX_DEPTH {
            return Err(Untyped::TooLarge);
        }
        let mut obstacle = None;
        for (style, number) in ATTEMPTS {
            let mut pass = Pass::new(path, style, number);
            let outcome = self.run(&mut pass)?;
            if let Some(found) = pass.found {
                // The implementation may have replaced our error by one of its own.
                return Ok(found);
            }
            let Some(outcome) = outcome else {
                obstacle = Some("its Deserialize panicked".into());
                break;
            };
            let text = pass.obstacle.unwrap_or_else(|| match outcome {
                Ok(()) => "its Deserialize asks for nothing".into(),
                Err(error) => error.to_string().into(),
            });
            obstacle.get_or_insert(text);
        }
        Err(Untyped::Unanswered(obstacle.unwrap_or_default()))
    }

    /// One pass; `None` if it panicked.
    fn run(&mut self, pass: &mut Pass<'_>) -> Result<Option<Result<(), PassEnd>>, Untyped> {
        self.passes += 1;
        if self.passes > MAX_PASSES {
            return Err(Untyped::TooLarge);
        }
        // What a broken pass leaves behind is the state of that pass, which says only what had been found.
        Ok(catch_unwind(AssertUnwindSafe(|| (self.run)(pass))).ok())
    }

    /// The fields of a struct under its own names: serde lists aliases among them.
    fn own_names(&mut self, path: &[usize], fields: &[&'static str]) -> Vec<(usize, &'static str)> {
        let all = fields.iter().copied().enumerate();
        let Some(last) = fields.len().checked_sub(1) else { return Vec::new() };
        let to_last = [path, &[last]].concat();
        let mut pass = Pass::new(&to_last, Style::ByNumber, false);
        let _ = self.run(&mut pass);
        if pass.found.is_some_and(|(found, _)| !matches!(found, Found::Ignored)) {
            // Numbers count fields and leave aliases out: the list has none if its last number is a field.
            return all.collect();
        }
        let mut own: Vec<(usize, &'static str)> = Vec::new();
        for (slot, name) in all {
            let name = self.own_name(path, name);
            if own.iter().all(|(_, other)| *other != name) {
                own.push((slot, name));
            }
        }
        own
    }

    /// The struct's own name of a field, if it can be made to say it.
    fn own_name(&mut self, path: &[usize], name: &'static str) -> &'static str {
        for number in [false, true] {
            let mut pass = Pass::new(path, Style::Twice(name), number);
            let _ = self.run(&mut pass);
            if let Some(own) = pass.duplicate {
                return own;
            }
        }
        name
    }
}

/// Takes newtypes and references out and numbers what is left.
struct Resolve<'t> {
    places: &'t [Place],
    nodes: Vec<Node>,
    ids: HashMap<usize, NodeId>,
}

impl Resolve<'_> {
    fn schema(mut self) -> Schema {
        // In order of first sight, so that equal types have equal schemas.
        let mut order = vec![];
        self.id(0, &mut order);
        let mut at = 0;
        while let Some(&place) = order.get(at) {
            let node = self.resolve(place, &mut order);
            self.nodes.push(node);
            at += 1;
        }
        Schema { nodes: self.nodes }
    }

    /// The node of a place, which is made later if it is new.
    fn id(&mut self, place: usize, order: &mut Vec<usize>) -> NodeId {
        let place = self.behind(place).unwrap_or(place);
        *self.ids.entry(place).or_insert_with(|| {
            order.push(place);
            NodeId(order.len() - 1)
        })
    }

    /// The place behind references and newtypes; none if they go in a circle.
    fn behind(&self, mut place: usize) -> Option<usize> {
        for _ in 0..=self.places.len() {
            place = match self.places.get(place) {
                Some(Place::Same(other)) => *other,
                Some(Place::Found(Found::Newtype, parts)) => parts.first()?.place,
                _ => return Some(place),
            };
        }
        None
    }

    /// Whether options and newtypes are all there is to a place.
    fn is_endless(&self, mut place: usize) -> bool {
        for _ in 0..=self.places.len() {
            let Some(behind) = self.behind(place) else { return true };
            match self.places.get(behind) {
                Some(Place::Found(Found::Option, parts)) => match parts.first() {
                    Some(part) => place = part.place,
                    None => return false,
                },
                _ => return false,
            }
        }
        true
    }

    fn resolve(&mut self, place: usize, order: &mut Vec<usize>) -> Node {
        if self.is_endless(place) {
            return Node::Untyped(Untyped::Endless);
        }
        let places = self.places;
        let (found, parts) = match places.get(place) {
            Some(Place::Found(found, parts)) => (found, parts),
            Some(Place::Failed(untyped)) => return Node::Untyped(untyped.clone()),
            Some(Place::Waiting | Place::Same(_)) | None => return Node::Untyped(Untyped::Endless),
        };
        let is = |part: &Part, wanted: fn(&Found) -> bool| {
            let behind = self.behind(part.place).and_then(|place| places.get(place));
            matches!(behind, Some(Place::Found(found, _)) if wanted(found))
        };
        let flattened = matches!(found, Found::Map)
            && parts.first().is_some_and(|key| is(key, |found| matches!(found, Found::Identifier)));
        if flattened {
            return Node::Untyped(Untyped::Flattened);
        }
        let seen: Vec<&Part> =
            parts.iter().filter(|part| !is(part, |found| matches!(found, Found::Ignored))).collect();
        let alike = self.all_alike(parts);
        let mut fields =
            || seen.iter().map(|part| Field { name: part.name, node: self.id(part.place, order) }).collect();
        match (found, parts.as_slice()) {
            (Found::Leaf(node), _) => node.clone(),
            (Found::Struct(name, _), _) => Node::Struct { name, fields: fields() },
            (Found::Enum(name, _), _) => Node::Enum { name, variants: fields() },
            (Found::Option, [inner]) => Node::Option(self.id(inner.place, order)),
            (Found::List, [element]) => Node::List(self.id(element.place, order)),
            (Found::Map, [key, value]) => Node::Map(self.id(key.place, order), self.id(value.place, order)),
            (Found::Tuple(len), [first, ..]) if alike => Node::Array(self.id(first.place, order), *len),
            (Found::Tuple(_), parts) => {
                Node::Tuple(parts.iter().map(|part| self.id(part.place, order)).collect())
            }
            (Found::Identifier | Found::Ignored | Found::Newtype, _) | (_, _) => {
                Node::Untyped(Untyped::AnyForm)
            }
        }
    }

    fn all_alike(&self, parts: &[Part]) -> bool {
        let Some((first, rest)) = parts.split_first() else { return false };
        let first = self.behind(first.place);
        let leaf = |place: Option<usize>| match place.and_then(|place| self.places.get(place)) {
            Some(Place::Found(Found::Leaf(node), _)) => Some(node),
            _ => None,
        };
        rest.iter().all(|part| {
            let other = self.behind(part.place);
            first == other || leaf(first).is_some_and(|node| leaf(other) == Some(node))
        })
    }
}
