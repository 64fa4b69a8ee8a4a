//! Types that both sides have, and random values of them; Go's are in `go/gobpeer/named.go`.

use rpcwrap::codecs::types::{Any, Blob, Complex, Text, Time};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    env, fmt,
    hash::Hash,
    time::SystemTime,
};

/// Random numbers (xorshift64*), different each run; a failure says from which seed, and `GOB_SEED` repeats it.
pub(crate) struct Chance {
    seed: u64,
    state: u64,
    /// Levels of the value being made.
    depth: usize,
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)
    }
}

impl Chance {
    pub(crate) fn new() -> Self {
        let given = env::var("GOB_SEED").ok().map(|seed| seed.parse().unwrap());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = given.unwrap_or(now.as_nanos() as u64 | 1);
        Self { seed, state: seed, depth: 0 }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    /// A number of bits that is as often small as large.
    pub(crate) fn bits(&mut self) -> u64 {
        let shift = self.below(65) as u32;
        self.next().checked_shr(shift).unwrap_or(0)
    }

    /// How many elements a list has; fewer the deeper it lies.
    pub(crate) fn len(&mut self) -> usize {
        let limit = if self.depth > 4 { 1 } else { 5 };
        if self.below(40) == 0 && self.depth < 2 { 200 } else { self.below(limit) }
    }

    /// Makes something one level deeper.
    pub(crate) fn deeper<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += 1;
        let made = make(self);
        self.depth -= 1;
        made
    }
}

/// Random values, without what gob does not keep: negative zeros in fields, pointers to zeros.
pub(crate) trait Make: Sized {
    fn make(chance: &mut Chance) -> Self;
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Make for $type {
            fn make(chance: &mut Chance) -> Self {
                let bits = chance.bits();
                (if chance.below(2) == 0 { bits } else { bits.wrapping_neg() }) as Self
            }
        }
    )*};
}

numbers!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! floats {
    ($($type:ident($bits:ty))*) => {$(
        impl Make for $type {
            fn make(chance: &mut Chance) -> Self {
                let float = match chance.below(4) {
                    0 => Self::from(i16::make(chance)),
                    1 => [Self::INFINITY, Self::NEG_INFINITY, Self::MAX, Self::MIN_POSITIVE][chance.below(4)],
                    _ => Self::from_bits(chance.next() as $bits),
                };
                if float.is_nan() || float == 0.0 { 0.0 } else { float }
            }
        }
    )*};
}

floats!(f32(u32) f64(u64));

impl Make for bool {
    fn make(chance: &mut Chance) -> Self {
        chance.below(2) == 0
    }
}

impl Make for String {
    fn make(chance: &mut Chance) -> Self {
        (0..chance.len()).map(|_| ['a', 'ż', '\0', '𝄞', '"'][chance.below(5)]).collect()
    }
}

impl Make for Blob {
    fn make(chance: &mut Chance) -> Self {
        (0..chance.len()).map(|_| chance.next() as u8).collect::<Vec<_>>().into()
    }
}

impl Make for Text {
    fn make(chance: &mut Chance) -> Self {
        Blob::make(chance).0.into()
    }
}

impl Make for Complex {
    fn make(chance: &mut Chance) -> Self {
        Self::new(f64::make(chance), f64::make(chance))
    }
}

impl Make for Time {
    fn make(chance: &mut Chance) -> Self {
        let time = Self::new(i64::make(chance) >> 20, chance.next() as u32 % 1_000_000_000).unwrap();
        match chance.below(4) {
            0 => Self::default(),
            1 => time,
            _ => {
                let offset = chance.below(2 * 86_399) as i32 - 86_399;
                // Go 1.19 misreads the odd seconds of zones in the west.
                let offset = if offset < 0 || chance.below(2) == 0 { offset / 60 * 60 } else { offset };
                // Minus one minute is how Go says UTC: it cannot write that offset.
                if offset / 60 == -1 { time } else { time.with_offset_seconds(offset).unwrap() }
            }
        }
    }
}

impl Make for Any {
    /// Without `Int32`, which comes back as `Int`, and texts that are no UTF-8, which come back as bytes.
    fn make(chance: &mut Chance) -> Self {
        chance.deeper(|chance| match chance.below(11) {
            0 => Self::Null,
            1 => bool::make(chance).into(),
            2 => i64::make(chance).into(),
            3 => u64::make(chance).into(),
            4 => f64::make(chance).into(),
            5 => Self::Complex(Make::make(chance)),
            6 => String::make(chance).into(),
            7 => Blob::make(chance).into(),
            8 => Time::make(chance).into(),
            9 => Self::List(Make::make(chance)),
            // Of one member, since Go's maps have no order.
            _ => Self::Map(
                (0..chance.below(2)).map(|_| (String::make(chance).into(), Self::make(chance))).collect(),
            ),
        })
    }
}

impl<T: Make + Default + PartialEq> Make for Option<T> {
    fn make(chance: &mut Chance) -> Self {
        let value =
            chance.deeper(|chance| (chance.depth < 8 && chance.below(3) > 0).then(|| T::make(chance)));
        value.filter(|value| *value != T::default())
    }
}

impl<T: Make> Make for Box<T> {
    fn make(chance: &mut Chance) -> Self {
        Self::new(T::make(chance))
    }
}

impl<T: Make> Make for Vec<T> {
    fn make(chance: &mut Chance) -> Self {
        chance.deeper(|chance| (0..chance.len()).map(|_| T::make(chance)).collect())
    }
}

impl<T: Make, const N: usize> Make for [T; N] {
    fn make(chance: &mut Chance) -> Self {
        chance.deeper(|chance| std::array::from_fn(|_| T::make(chance)))
    }
}

impl<K: Make + Ord, V: Make> Make for BTreeMap<K, V> {
    fn make(chance: &mut Chance) -> Self {
        chance.deeper(|chance| (0..chance.len()).map(|_| (K::make(chance), V::make(chance))).collect())
    }
}

impl<K: Make + Hash + Eq, V: Make> Make for HashMap<K, V> {
    fn make(chance: &mut Chance) -> Self {
        chance.deeper(|chance| (0..chance.len()).map(|_| (K::make(chance), V::make(chance))).collect())
    }
}

macro_rules! structs {
    ($($(#[$attribute:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        $(#[$attribute])*
        pub(crate) struct $name {
            $($(#[$of_field])* $field: $type,)*
        }

        impl Make for $name {
            fn make(chance: &mut Chance) -> Self {
                chance.deeper(|chance| Self { $($field: Make::make(chance),)* })
            }
        }
    )*};
}

structs! {
    Args { a: i64, b: i64, }
    Scalars {
        bool: bool,
        i8: i8,
        i16: i16,
        i32: i32,
        i64: i64,
        u8: u8,
        u16: u16,
        u32: u32,
        u64: u64,
        f32: f32,
        f64: f64,
        complex: Complex,
        text: String,
        raw: Text,
        bytes: Blob,
        kind: Kind,
        celsius: Celsius,
    }
    Lists {
        ints: Vec<i64>,
        texts: Vec<String>,
        lists: Vec<Vec<String>>,
        structs: Vec<Args>,
        bytes: Vec<Blob>,
        #[serde(rename = "IDs")]
        ids: Vec<i64>,
    }
    Maps {
        counts: HashMap<String, i32>,
        names: BTreeMap<i64, String>,
        structs: HashMap<u16, Args>,
        maps: HashMap<String, HashMap<String, bool>>,
        lists: BTreeMap<String, Vec<f64>>,
    }
    Arrays {
        ints: [i64; 3],
        bytes: [u8; 4],
        args: [Args; 2],
        lists: [Vec<String>; 2],
        pair: (f64, f64),
    }
    Nested { name: String, args: Args, lists: Lists, arrays: Arrays, last: bool, }
    Pointers {
        int: Option<i64>,
        text: Option<String>,
        args: Option<Args>,
        list: Option<Vec<String>>,
        deep: Option<Args>,
        map: Option<BTreeMap<String, i64>>,
        time: Option<Time>,
    }
    Node { value: i32, next: Option<Box<Node>>, }
    Left { name: String, rights: Vec<Right>, }
    Right { weight: f64, lefts: HashMap<String, Left>, up: Option<Box<Left>>, }
    Times { at: Time, list: Vec<Time>, map: BTreeMap<String, Time>, until: Option<Time>, }
    Mixed { one: Any, list: Vec<Any>, map: BTreeMap<String, Any>, }
    Embedding { args: Args, more: String, }
    Page { total: i64, rows: Vec<Row>, index: HashMap<String, Row>, }
    Row {
        #[serde(rename = "ID")]
        id: u64,
        name: String,
        tags: Vec<String>,
        at: Time,
        args: Option<Args>,
    }
}

impl Make for (f64, f64) {
    fn make(chance: &mut Chance) -> Self {
        (f64::make(chance), f64::make(chance))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Celsius(f64);

impl Make for Celsius {
    fn make(chance: &mut Chance) -> Self {
        Self(f64::make(chance))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree(Vec<Self>);

impl Make for Tree {
    fn make(chance: &mut Chance) -> Self {
        Self(Vec::make(chance))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[default]
    Plain,
    #[serde(rename = "fancy")]
    Fancy,
}

impl Make for Kind {
    fn make(chance: &mut Chance) -> Self {
        if bool::make(chance) { Self::Plain } else { Self::Fancy }
    }
}
