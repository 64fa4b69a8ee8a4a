//! Types made up on the spot, in the words that `go/gobpeer/types.go` reads, and values of them.

use super::family::{Chance, Make};
use rpcwrap::codecs::types::{Any, Blob, Complex, Text, Time};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple},
};
use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

const NAMES: [&str; 6] = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta"];

#[derive(Debug, Clone)]
pub(crate) enum Type {
    Bool,
    Int(u8),
    Uint(u8),
    Float(u8),
    Complex,
    Text,
    Bytes,
    Time,
    Any,
    List(Box<Self>),
    Array(Box<Self>, usize),
    Map(Box<Self>, Box<Self>),
    Struct(&'static str, Vec<(&'static str, Self)>),
    /// Only in fields: Go has no nil elsewhere.
    Pointer(Box<Self>),
}

impl Type {
    pub(crate) fn random(chance: &mut Chance) -> Self {
        Self::of_depth(chance, 0, false)
    }

    fn of_depth(chance: &mut Chance, depth: usize, is_field: bool) -> Self {
        // The deeper, the plainer.
        match chance.below(if depth < 4 { 24 } else { 13 }) {
            0..=2 => Self::scalar(chance),
            3 => Self::Bool,
            4 => Self::Text,
            5 => Self::Bytes,
            6 => Self::Complex,
            7 => Self::Time,
            8 => Self::Any,
            9..=12 => Self::scalar(chance),
            13..=15 => match Self::of_depth(chance, depth + 1, false) {
                // To Go that is no list but bytes.
                Self::Uint(8) => Self::List(Box::new(Self::Uint(16))),
                elem => Self::List(Box::new(elem)),
            },
            16 => Self::Array(Box::new(Self::of_depth(chance, depth + 1, false)), 1 + chance.below(3)),
            17 | 18 => {
                let key = match chance.below(4) {
                    0 => Self::Int(32),
                    1 => Self::Uint(64),
                    2 => Self::Bool,
                    _ => Self::Text,
                };
                Self::Map(Box::new(key), Box::new(Self::of_depth(chance, depth + 1, false)))
            }
            19 if is_field => {
                let inner = Self::of_depth(chance, depth + 1, true);
                // An interface is its own nil.
                if matches!(inner, Self::Any) { inner } else { Self::Pointer(Box::new(inner)) }
            }
            _ => {
                let mut fields: Vec<(&'static str, Self)> = Vec::new();
                for name in NAMES.into_iter().take(1 + chance.below(NAMES.len())) {
                    // Often of a type that a field before has, alone or in a list.
                    let known = fields.get(chance.below(2 * fields.len() + 2)).map(|(_, kind)| kind.clone());
                    let kind = match known {
                        Some(Self::Struct(name, fields)) if chance.below(2) == 0 => {
                            Self::List(Box::new(Self::Struct(name, fields)))
                        }
                        Some(kind) => kind,
                        None => Self::of_depth(chance, depth + 1, true),
                    };
                    fields.push((name, kind));
                }
                Self::named(fields)
            }
        }
    }

    /// A struct whose name says its fields: to Go unnamed structs are one type if their fields are the same.
    fn named(fields: Vec<(&'static str, Self)>) -> Self {
        let mut hasher = DefaultHasher::new();
        fields.iter().for_each(|(name, kind)| (name, kind.to_string()).hash(&mut hasher));
        // Kept for good, as names in programs are.
        Self::Struct(Box::leak(format!("Type{:x}", hasher.finish()).into_boxed_str()), fields)
    }

    fn holds_structs(&self) -> bool {
        match self {
            Self::List(elem) | Self::Array(elem, _) | Self::Map(_, elem) | Self::Pointer(elem) => {
                elem.holds_structs()
            }
            Self::Struct(..) => true,
            _ => false,
        }
    }

    fn scalar(chance: &mut Chance) -> Self {
        let bits = 8 << chance.below(4);
        match chance.below(3) {
            0 => Self::Int(bits),
            1 => Self::Uint(bits),
            _ => Self::Float(bits.max(32)),
        }
    }
}

/// The type in Go's words.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => write!(f, "bool"),
            Self::Int(bits) => write!(f, "int{bits}"),
            Self::Uint(bits) => write!(f, "uint{bits}"),
            Self::Float(bits) => write!(f, "float{bits}"),
            Self::Complex => write!(f, "complex"),
            Self::Text => write!(f, "string"),
            Self::Bytes => write!(f, "bytes"),
            Self::Time => write!(f, "time"),
            Self::Any => write!(f, "any"),
            Self::List(elem) => write!(f, "[] {elem}"),
            Self::Array(elem, len) => write!(f, "[{len}] {elem}"),
            Self::Map(key, elem) => write!(f, "map {key} {elem}"),
            Self::Pointer(elem) => write!(f, "* {elem}"),
            Self::Struct(_, fields) => {
                write!(f, "struct {{ ")?;
                fields.iter().try_for_each(|(name, field)| write!(f, "{name} {field} "))?;
                write!(f, "}}")
            }
        }
    }
}

/// A value of a [`Type`], which says its type by nothing but the calls it makes.
#[derive(Debug)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64, u8),
    Uint(u64, u8),
    F32(f32),
    F64(f64),
    Complex(Complex),
    Text(Text),
    Bytes(Blob),
    Time(Time),
    Any(Any),
    /// And whether it says how long it is.
    List(Vec<Self>, bool),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Struct(&'static str, Vec<(&'static str, Self)>),
    /// And the zero that nothing stands for.
    Pointer(Option<Box<Self>>, Box<Self>),
}

impl Value {
    pub(crate) fn random(kind: &Type, chance: &mut Chance) -> Self {
        chance.deeper(|chance| match kind {
            Type::Bool => Self::Bool(Make::make(chance)),
            Type::Int(bits) => Self::Int(i64::make(chance) >> (64 - bits), *bits),
            Type::Uint(bits) => Self::Uint(u64::make(chance) >> (64 - bits), *bits),
            Type::Float(32) => Self::F32(Make::make(chance)),
            Type::Float(_) => Self::F64(Make::make(chance)),
            Type::Complex => Self::Complex(Make::make(chance)),
            Type::Text => Self::Text(Make::make(chance)),
            Type::Bytes => Self::Bytes(Make::make(chance)),
            Type::Time => Self::Time(Make::make(chance)),
            Type::Any if chance.below(8) == 0 => Self::Any(Any::Int32(Make::make(chance))),
            Type::Any => Self::Any(Make::make(chance)),
            Type::List(elem) => {
                // Names of fields are bounded, for those who decode without knowing the type.
                let len = if elem.holds_structs() { chance.below(5) } else { chance.len() };
                let elements = (0..len).map(|_| Self::random(elem, chance)).collect();
                Self::List(elements, chance.below(2) == 0)
            }
            Type::Array(elem, len) => Self::Array((0..*len).map(|_| Self::random(elem, chance)).collect()),
            Type::Map(key, elem) => {
                let mut members: Vec<(Self, Self)> = Vec::new();
                let len = if elem.holds_structs() { chance.below(5) } else { chance.len() };
                for _ in 0..len {
                    let (key, elem) = (Self::random(key, chance), Self::random(elem, chance));
                    if members.iter().all(|(other, _)| other.words() != key.words()) {
                        members.push((key, elem));
                    }
                }
                Self::Map(members)
            }
            Type::Struct(name, fields) => {
                let field = |(name, kind): &(&'static str, Type)| (*name, Self::random(kind, chance));
                Self::Struct(name, fields.iter().map(field).collect())
            }
            Type::Pointer(inner) => {
                let value = (chance.below(3) > 0).then(|| Box::new(Self::random(inner, chance)));
                Self::Pointer(value, Box::new(Self::zero(inner)))
            }
        })
    }

    pub(crate) fn zero(kind: &Type) -> Self {
        match kind {
            Type::Bool => Self::Bool(false),
            Type::Int(bits) => Self::Int(0, *bits),
            Type::Uint(bits) => Self::Uint(0, *bits),
            Type::Float(_) => Self::F64(0.0),
            Type::Complex => Self::Complex(Complex::default()),
            Type::Text => Self::Text(Text::default()),
            Type::Bytes => Self::Bytes(Blob::default()),
            Type::Time => Self::Time(Time::default()),
            Type::Any => Self::Any(Any::Null),
            Type::List(_) => Self::List(Vec::new(), true),
            Type::Array(elem, len) => Self::Array((0..*len).map(|_| Self::zero(elem)).collect()),
            Type::Map(..) => Self::Map(Vec::new()),
            Type::Struct(name, fields) => {
                Self::Struct(name, fields.iter().map(|(name, kind)| (*name, Self::zero(kind))).collect())
            }
            Type::Pointer(inner) => Self::Pointer(None, Box::new(Self::zero(inner))),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => value.serialize(serializer),
            Self::Int(value, 8) => (*value as i8).serialize(serializer),
            Self::Int(value, 16) => (*value as i16).serialize(serializer),
            Self::Int(value, 32) => (*value as i32).serialize(serializer),
            Self::Int(value, _) => value.serialize(serializer),
            Self::Uint(value, 8) => (*value as u8).serialize(serializer),
            Self::Uint(value, 16) => (*value as u16).serialize(serializer),
            Self::Uint(value, 32) => (*value as u32).serialize(serializer),
            Self::Uint(value, _) => value.serialize(serializer),
            Self::F32(value) => value.serialize(serializer),
            Self::F64(value) => value.serialize(serializer),
            Self::Complex(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Bytes(value) => value.serialize(serializer),
            Self::Time(value) => value.serialize(serializer),
            Self::Any(value) => value.serialize(serializer),
            Self::List(elements, says_len) => {
                let mut list = serializer.serialize_seq(says_len.then_some(elements.len()))?;
                elements.iter().try_for_each(|element| list.serialize_element(element))?;
                list.end()
            }
            Self::Array(elements) => {
                let mut array = serializer.serialize_tuple(elements.len())?;
                elements.iter().try_for_each(|element| array.serialize_element(element))?;
                array.end()
            }
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, elem)| map.serialize_entry(key, elem))?;
                map.end()
            }
            Self::Struct(name, fields) => {
                let mut fields_of = serializer.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(name, field)| fields_of.serialize_field(name, field))?;
                fields_of.end()
            }
            Self::Pointer(value, _) => value.serialize(serializer),
        }
    }
}
