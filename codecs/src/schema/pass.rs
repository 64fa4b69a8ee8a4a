//! One pass through a `Deserialize` implementation: along a path, to the part at its end, and back by an error.
//!
//! A path is a list of slots: which field of a struct, which element of a tuple, key or value of a map. On the way
//! the probe answers as a deserializer would that holds just that one part; what stands before it gets a
//! [`Sample`]. Which passes to make is decided in [`super::trace`].

use super::{
    Node, Untyped,
    pass_end::PassEnd,
    sample::{Sample, Variant},
};
use crate::{
    serde_methods::forward_deserialize,
    types::{ANY, BINARY_MARSHALED, COMPLEX, GOB_ENCODED, TEXT, TIME},
};
use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::MapDeserializer,
};
use std::{any::TypeId, cmp::Ordering};

/// Questions one pass may ask. Only an implementation that takes no error for an answer comes near.
const MAX_STEPS: usize = 100_000;

/// What stands at the end of a path; its own parts are for later passes.
#[derive(Debug)]
pub(super) enum Found {
    /// Something without parts.
    Leaf(Node),
    /// A key that says which field comes: the struct around it is a flattened one.
    Identifier,
    /// A value that the type skips.
    Ignored,
    Newtype,
    Option,
    List,
    Tuple(usize),
    Map,
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
}

/// Tells types apart that have parts. Neither names nor Rust's names of types do: two local structs may share
/// theirs. The type of the visitor does, together with how it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    method: &'static str,
    name: &'static str,
    visitor: TypeId,
}

impl Key {
    fn of<V>(method: &'static str, name: &'static str) -> Option<Self> {
        // Visitors borrow: lifetimes are left out of the comparison.
        Some(Self { method, name, visitor: typeid::of::<V>() })
    }
}

/// How structs are given their fields, since not every implementation takes every form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A map from names.
    ByName,
    /// A sequence.
    ByPosition,
    /// A map from numbers, which derived implementations count without aliases.
    ByNumber,
    /// The struct at the end of the path gets this field twice, to hear its own name for it.
    Twice(&'static str),
}

/// The state of one pass.
#[derive(Debug)]
pub(super) struct Pass<'p> {
    path: &'p [usize],
    depth: usize,
    style: Style,
    /// Whether numbers in samples are 1 in place of 0.
    number: bool,
    steps: usize,
    pub(super) found: Option<(Found, Option<Key>)>,
    /// What stood in the way.
    pub(super) obstacle: Option<Box<str>>,
    /// The answer to [`Style::Twice`].
    pub(super) duplicate: Option<&'static str>,
}

impl<'p> Pass<'p> {
    pub(super) fn new(path: &'p [usize], style: Style, number: bool) -> Self {
        Self { path, depth: 0, style, number, steps: 0, found: None, obstacle: None, duplicate: None }
    }

    /// Whether to go on. Implementations that ask on after an error only ever get errors.
    fn step(&mut self) -> Result<(), PassEnd> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            // The only way out of a loop that ignores errors; the caller of the pass catches it.
            std::panic::resume_unwind(Box::new("no end of questions"));
        }
        if self.found.is_some() || self.obstacle.is_some() || self.duplicate.is_some() {
            return Err(PassEnd::Done);
        }
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.depth == self.path.len()
    }

    fn leaf(&mut self, found: Found) -> PassEnd {
        if self.step().is_ok() {
            if self.at_end() {
                self.found = Some((found, None));
            } else {
                self.obstacle = Some("its form changes from one reading to the next".into());
            }
        }
        PassEnd::Done
    }

    /// The slot to go into, unless this is the end of the path.
    fn enter(&mut self, key: Option<Key>, found: Found) -> Result<usize, PassEnd> {
        self.step()?;
        let Some(&slot) = self.path.get(self.depth) else {
            self.found = Some((found, key));
            return Err(PassEnd::Done);
        };
        self.depth += 1;
        Ok(slot)
    }

    /// The part on the path has been read, and nothing was found.
    fn passed_over(&mut self) -> PassEnd {
        self.obstacle = Some("its Deserialize asks for nothing".into());
        PassEnd::Done
    }

    /// Gets past a part that is not wanted.
    fn pass_by<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, PassEnd> {
        seed.deserialize(Sample::new(self.number)).inspect_err(|error| {
            self.obstacle.get_or_insert_with(|| error.to_string().into());
        })
    }
}

/// Stands where a value is wanted.
pub(super) struct Probe<'a, 'p>(&'a mut Pass<'p>);

impl<'a, 'p> Probe<'a, 'p> {
    pub(super) fn new(pass: &'a mut Pass<'p>) -> Self {
        Self(pass)
    }

    fn parts(self, slot: usize) -> Parts<'a, 'p> {
        Parts { pass: self.0, slot, at: 0 }
    }
}

macro_rules! leaves {
    ($($method:ident => $found:expr,)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, PassEnd> {
            Err(self.0.leaf($found))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_, '_> {
    type Error = PassEnd;

    forward_deserialize!('de: unit_struct, binary);

    leaves! {
        deserialize_any => Found::Leaf(Node::Untyped(Untyped::AnyForm)),
        deserialize_ignored_any => Found::Ignored,
        deserialize_identifier => Found::Identifier,
        deserialize_bool => Found::Leaf(Node::Bool),
        deserialize_i8 => Found::Leaf(Node::Int(8)),
        deserialize_i16 => Found::Leaf(Node::Int(16)),
        deserialize_i32 => Found::Leaf(Node::Int(32)),
        deserialize_i64 => Found::Leaf(Node::Int(64)),
        deserialize_i128 => Found::Leaf(Node::Int(128)),
        deserialize_u8 => Found::Leaf(Node::Uint(8)),
        deserialize_u16 => Found::Leaf(Node::Uint(16)),
        deserialize_u32 => Found::Leaf(Node::Uint(32)),
        deserialize_u64 => Found::Leaf(Node::Uint(64)),
        deserialize_u128 => Found::Leaf(Node::Uint(128)),
        deserialize_f32 => Found::Leaf(Node::Float(32)),
        deserialize_f64 => Found::Leaf(Node::Float(64)),
        deserialize_char => Found::Leaf(Node::Char),
        deserialize_str => Found::Leaf(Node::Text),
        deserialize_string => Found::Leaf(Node::Text),
        deserialize_bytes => Found::Leaf(Node::Bytes),
        deserialize_byte_buf => Found::Leaf(Node::Bytes),
        deserialize_unit => Found::Leaf(Node::Unit),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        self.0.enter(Key::of::<V>("option", ""), Found::Option)?;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        let special = match name {
            TEXT => Node::Text,
            TIME => Node::Time,
            COMPLEX => Node::Complex,
            ANY => Node::Any,
            GOB_ENCODED => Node::GobEncoded,
            BINARY_MARSHALED => Node::BinaryMarshaled,
            _ => {
                self.0.enter(Key::of::<V>("newtype", name), Found::Newtype)?;
                return visitor.visit_newtype_struct(self);
            }
        };
        Err(self.0.leaf(Found::Leaf(special)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        let slot = self.0.enter(Key::of::<V>("seq", ""), Found::List)?;
        visitor.visit_seq(self.parts(slot))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, PassEnd> {
        self.deserialize_tuple_struct("", len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        let slot = self.0.enter(Key::of::<V>("tuple", name), Found::Tuple(len))?;
        visitor.visit_seq(self.parts(slot))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        let slot = self.0.enter(Key::of::<V>("map", ""), Found::Map)?;
        visitor.visit_map(self.parts(slot))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        if let Style::Twice(field) = self.0.style
            && self.0.at_end()
        {
            let twice = [(field, Sample::new(self.0.number)); 2];
            if let Err(PassEnd::Duplicate(own)) = visitor.visit_map(MapDeserializer::new(twice.into_iter())) {
                self.0.duplicate = Some(own);
            }
            return Err(PassEnd::Done);
        }
        let slot = self.0.enter(Key::of::<V>("struct", name), Found::Struct(name, fields))?;
        if self.0.style == Style::ByPosition {
            return visitor.visit_seq(self.parts(slot));
        }
        // Only the last step may go by number: on the way there names are known to work.
        let by_number = self.0.style == Style::ByNumber && self.0.at_end();
        let Some(&name) = fields.get(slot) else {
            return Err(PassEnd::custom("fields change from one reading to the next"));
        };
        visitor.visit_map(Member { pass: self.0, name, number: by_number.then_some(slot), asked: false })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        let slot = self.0.enter(Key::of::<V>("enum", name), Found::Enum(name, variants))?;
        match variants.get(slot) {
            Some(name) => visitor.visit_enum(Variant { name, content: self }),
            None => Err(PassEnd::custom("variants change from one reading to the next")),
        }
    }
}

/// The parts of a list, tuple or map; the one in `slot` is on the path.
struct Parts<'a, 'p> {
    pass: &'a mut Pass<'p>,
    slot: usize,
    at: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_, '_> {
    type Error = PassEnd;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, PassEnd> {
        self.pass.step()?;
        let at = self.at;
        self.at += 1;
        match at.cmp(&self.slot) {
            Ordering::Less => self.pass.pass_by(seed).map(Some),
            Ordering::Equal => seed.deserialize(Probe(self.pass)).map(Some),
            Ordering::Greater => Err(self.pass.passed_over()),
        }
    }
}

impl<'de> MapAccess<'de> for Parts<'_, '_> {
    type Error = PassEnd;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, PassEnd> {
        self.pass.step()?;
        if self.slot == 0 {
            seed.deserialize(Probe(self.pass)).map(Some)
        } else {
            self.pass.pass_by(seed).map(Some)
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, PassEnd> {
        self.pass.step()?;
        if self.slot == 0 { Err(self.pass.passed_over()) } else { seed.deserialize(Probe(self.pass)) }
    }

    /// Most maps ask this way; then not even a key is built.
    fn next_entry_seed<K: DeserializeSeed<'de>, S: DeserializeSeed<'de>>(
        &mut self,
        key: K,
        value: S,
    ) -> Result<Option<(K::Value, S::Value)>, PassEnd> {
        self.pass.step()?;
        if self.slot == 0 {
            key.deserialize(Probe(self.pass)).map(drop)?;
        } else {
            value.deserialize(Probe(self.pass)).map(drop)?;
        }
        Err(PassEnd::Done)
    }
}

/// A struct with one field, which is on the path.
struct Member<'a, 'p> {
    pass: &'a mut Pass<'p>,
    name: &'static str,
    number: Option<usize>,
    asked: bool,
}

impl<'de> MapAccess<'de> for Member<'_, '_> {
    type Error = PassEnd;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, PassEnd> {
        self.pass.step()?;
        if std::mem::replace(&mut self.asked, true) {
            return Err(self.pass.passed_over());
        }
        let key = match self.number {
            Some(number) => seed.deserialize((number as u64).into_deserializer()),
            None => seed.deserialize(self.name.into_deserializer()),
        };
        key.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, PassEnd> {
        self.pass.step()?;
        seed.deserialize(Probe(self.pass))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_, '_> {
    type Error = PassEnd;

    fn unit_variant(self) -> Result<(), PassEnd> {
        Err(self.0.leaf(Found::Leaf(Node::Unit)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, PassEnd> {
        self.0.enter(None, Found::Newtype)?;
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, PassEnd> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        self.deserialize_struct("", fields, visitor)
    }
}
