//! MessagePack into values of ours: a serde deserializer over the borrowed body, nothing built in between.
//!
//! The target says what it wants, the token what is there. Integers and floats fit by value, not by their width on
//! the wire; a nil is the zero value of everything, as in Go, and so is a struct's member that the peer left out.
//! Nothing is taken on trust: lengths are compared with what is there when a token is read, and room is made for
//! elements only as they arrive. [`access`] walks lists and maps, [`crate::zero`] makes what is not there, [`error`]
//! says what does not fit.

mod access;
mod error;

use super::{
    MAX_DEPTH,
    read::{Reader, Token, WireError},
    time::{self, PeerTimes, TimeForm},
};
use crate::{
    again::{Again, read_again},
    budget::{DecodeBudget, ListRoom},
    codec::{Decoding, Limits},
    de_error::DeError,
    error::ValueError,
    form::Form,
    serde_methods::{each_integer, forward_deserialize, read_numbers},
    types::{ANY, TEXT, TIME, raw_text},
    zero::Zero,
};
use access::{Entries, List, Members, Numbers, Pairs};
use error::{mismatch, out_of_range};
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{BorrowedBytesDeserializer, BorrowedStrDeserializer},
    },
};

type Result<T> = std::result::Result<T, DeError>;

/// Bytes that the text of a time has at most.
const MAX_TIME_TEXT: usize = 48;

/// Decodes one body into `T`; bytes behind it do not count.
///
/// Shape: structs are maps with names or, as Go's `StructToArray` has it, lists; strings and bytes are taken for one
/// another; a time has any of the forms of [`TimeForm`], as string or bytes. A nil, and every member of a struct that is
/// not there, is the zero value unless serde has a default for it; unknown members are skipped, of members with one name
/// the last counts.
///
/// # Errors
/// The bytes do not fit `T`, or would take more memory than [`Limits`](crate::Limits) allow by default; the connection
/// goes on. Values nested deeper than 100 are [fatal](ValueError::is_fatal).
///
/// ```
/// assert_eq!(rpcwrap_codecs::msgpack::value_from_slice::<(i64, String)>(b"\x92\x05\xA2hi").unwrap(), (5, "hi".to_owned()));
/// ```
#[inline]
pub fn value_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, ValueError> {
    value_from_slice_within(bytes, &Decoding::new(&Limits::DEFAULT))
}

/// As [`value_from_slice`], within the limits of `decoding`, which learns what the value takes.
///
/// # Errors
/// As [`value_from_slice`].
#[inline]
pub fn value_from_slice_within<T: DeserializeOwned>(
    bytes: &[u8],
    decoding: &Decoding<'_>,
) -> std::result::Result<T, ValueError> {
    read_again(|again| read(bytes, decoding, again, None))
}

/// As [`value_from_slice_within`], and notes how the peer writes times, if there are any.
///
/// # Errors
/// As [`value_from_slice`].
#[inline]
pub fn value_from_peer_within<T: DeserializeOwned>(
    bytes: &[u8],
    times: Option<&PeerTimes>,
    decoding: &Decoding<'_>,
) -> std::result::Result<T, ValueError> {
    read_again(|again| read(bytes, decoding, again, times))
}

/// One attempt.
#[inline]
fn read<T: DeserializeOwned>(
    bytes: &[u8],
    decoding: &Decoding<'_>,
    again: &Again,
    times: Option<&PeerTimes>,
) -> Result<T> {
    let budget = decoding.budget(bytes.len()).of_form(Form::Msgpack);
    budget.member::<T>();
    let mut input = Input { reader: Reader::new(bytes), budget, times };
    let value = T::deserialize(De::new(&mut input, again));
    decoding.note(&input.budget);
    value
}

/// What all parts of one value share.
#[derive(Debug)]
struct Input<'de> {
    reader: Reader<'de>,
    budget: DecodeBudget,
    /// Where the form of the peer's times is noted.
    times: Option<&'de PeerTimes>,
}

impl Input<'_> {
    /// A time came in this form, which may be that of no time.
    fn note_times(&self, form: Option<TimeForm>) {
        if let (Some(times), Some(form)) = (self.times, form) {
            times.set(form);
        }
    }
}

/// The value at the front of `input`.
///
/// `again` is what an earlier reading found out; `key` says that the value is the key of a map, where a text may be
/// wanted of a number.
#[derive(Debug)]
struct De<'r, 'de, 'f> {
    input: &'r mut Input<'de>,
    again: &'f Again,
    depth: usize,
    key: bool,
}

impl<'r, 'de, 'f> De<'r, 'de, 'f> {
    #[inline]
    fn new(input: &'r mut Input<'de>, again: &'f Again) -> Self {
        Self { input, again, depth: 0, key: false }
    }

    /// The next value at the same place.
    #[inline]
    fn next(&mut self, key: bool) -> De<'_, 'de, 'f> {
        De { input: &mut *self.input, key, ..*self }
    }

    /// The same place, one level further in.
    #[inline]
    fn deeper(self) -> Result<Self> {
        if self.depth >= MAX_DEPTH {
            return Err(WireError::TooDeep.into());
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    #[inline]
    fn zero(&self) -> Zero<'f, DeError> {
        Zero::new(self.again.zero_fields())
    }

    /// An integer of any width that holds the value. Go's codec writes the shortest form that fits, so the width on the
    /// wire says nothing about the type. Source: `hashicorp/go-msgpack`
    /// `codec/msgpack.go` `msgpackEncDriver`.
    #[inline]
    fn integer<T: TryFrom<i64> + TryFrom<u64>>(self, wanted: &'static str) -> Result<T> {
        match self.input.reader.token()? {
            Token::Uint(value) => T::try_from(value).map_err(|_| out_of_range(value.into(), wanted)),
            Token::Int(value) => T::try_from(value).map_err(|_| out_of_range(value.into(), wanted)),
            Token::Nil => T::try_from(0u64).map_err(|_| out_of_range(0, wanted)),
            other => Err(mismatch(&other, wanted)),
        }
    }

    #[inline]
    fn float(self, wanted: &'static str) -> Result<f64> {
        Ok(match self.input.reader.token()? {
            Token::F64(value) => value,
            Token::F32(value) => value.into(),
            Token::Uint(value) => value as f64,
            Token::Int(value) => value as f64,
            Token::Nil => 0.0,
            other => return Err(mismatch(&other, wanted)),
        })
    }

    /// A string or bytes; nil is the empty one. Before the specification of 2013 strings and bytes had one form, which
    /// Go's codec still writes unless `MsgpackHandle.WriteExt` is set. Source: MessagePack specification, "Upgrading
    /// MessagePack specification".
    #[inline]
    fn bytes(self, wanted: &'static str) -> Result<&'de [u8]> {
        match self.input.reader.token()? {
            Token::Str(bytes) | Token::Bin(bytes) => Ok(bytes),
            Token::Nil => Ok(b""),
            other => Err(mismatch(&other, wanted)),
        }
    }

    /// As [`bytes`](Self::bytes), for a target that may keep them.
    #[inline]
    fn kept(mut self, wanted: &'static str) -> Result<&'de [u8]> {
        let bytes = self.next(self.key).bytes(wanted)?;
        self.input.budget.bytes(bytes.len())?;
        Ok(bytes)
    }

    /// The bytes of a string as a list of numbers.
    fn numbers<V: Visitor<'de>>(self, bytes: &'de [u8], expected: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Numbers { bytes, budget: &self.input.budget, room: ListRoom::new(expected) })
    }

    /// A number where the key of a map is to be a text.
    fn number_as_text(&mut self) -> Result<Option<String>> {
        // Only for keys: a Go map may have numbers for keys where the target, such as a JSON value, has texts.
        let text = match self.input.reader.peek()? {
            Token::Uint(value) if self.key => value.to_string(),
            Token::Int(value) if self.key => value.to_string(),
            Token::Bool(value) if self.key => value.to_string(),
            Token::F64(value) if self.key => value.to_string(),
            _ => return Ok(None),
        };
        self.input.reader.token()?;
        self.input.budget.bytes(text.len())?;
        Ok(Some(text))
    }

    /// A time in the packed form of [`TIME`].
    fn packed_time(self) -> Result<i128> {
        let token = self.input.reader.token()?;
        let Some((time, form)) = time::of_token(&token) else {
            return Err(mismatch(&token, "time.Time"));
        };
        self.input.note_times(form);
        Ok(time.to_packed())
    }

    /// The elements of a list for `visitor`, which expects `expected` of them: zero values if there are fewer.
    #[inline]
    fn list<V: Visitor<'de>>(self, len: u32, expected: usize, visitor: V) -> Result<V::Value> {
        self.input.budget.compound::<V::Value>()?;
        let mut list = List { de: self.deeper()?, left: len, expected, room: ListRoom::new(expected) };
        let value = visitor.visit_seq(&mut list)?;
        list.finish()?;
        Ok(value)
    }

    /// The pairs of a map for the visitor of one.
    #[inline]
    fn map<V: Visitor<'de>>(self, len: u32, visitor: V) -> Result<V::Value> {
        self.input.budget.compound::<V::Value>()?;
        let mut entries = Entries::new(Pairs::new(self.deeper()?, len));
        let value = visitor.visit_map(&mut entries)?;
        entries.pairs.finish()?;
        Ok(value)
    }

    /// The pairs of a map for the visitor of a struct with these `fields`.
    #[inline]
    fn members<V: Visitor<'de>>(
        self,
        len: u32,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.input.budget.compound::<V::Value>()?;
        let comes_again = self.again.repeats().is_some();
        let mut members = Members::new(Pairs::new(self.deeper()?, len), fields);
        if comes_again {
            members.look_for_repeated()?;
        }
        let value = match visitor.visit_map(&mut members) {
            Ok(value) => value,
            Err(error) => return Err(members.failed(error)),
        };
        members.go_back();
        members.pairs.finish()?;
        Ok(value)
    }

    /// A value of any kind, `for_any` for the visitor of [`Any`](crate::types::Any).
    fn any<V: Visitor<'de>>(self, for_any: bool, visitor: V) -> Result<V::Value> {
        match self.input.reader.token()? {
            Token::Nil => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Int(value) => visitor.visit_i64(value),
            Token::Uint(value) => match i64::try_from(value) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_u64(value),
            },
            Token::F32(value) => visitor.visit_f64(value.into()),
            Token::F64(value) => visitor.visit_f64(value),
            Token::Str(text) => {
                self.input.budget.bytes(text.len())?;
                match std::str::from_utf8(text) {
                    Ok(text) => visitor.visit_borrowed_str(text),
                    Err(_) if for_any => visitor.visit_enum(raw_text(text)),
                    Err(_) => visitor.visit_borrowed_bytes(text),
                }
            }
            Token::Bin(bytes) => {
                self.input.budget.bytes(bytes.len())?;
                visitor.visit_borrowed_bytes(bytes)
            }
            token @ Token::Ext(_, bytes) => {
                let Some((time, form)) = time::of_token(&token) else {
                    return Err(mismatch(&token, "interface {}"));
                };
                self.input.note_times(form);
                if for_any {
                    return visitor.visit_i128(time.to_packed());
                }
                self.input.budget.bytes(MAX_TIME_TEXT)?;
                match time.to_exact_text() {
                    Some(text) => visitor.visit_string(text),
                    None => visitor.visit_borrowed_bytes(bytes),
                }
            }
            Token::List(len) => self.list(len, 0, visitor),
            Token::Map(len) => self.map(len, visitor),
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| DeError::new("string is not valid UTF-8"))
}

macro_rules! integers {
    ($($method:ident => $visit:ident, $sign:ident, $go:literal;)*) => {
        read_numbers! { $($method => $visit, integer, $go;)* }
    };
}

impl<'de> Deserializer<'de> for De<'_, 'de, '_> {
    type Error = DeError;

    forward_deserialize!('de: #[inline] string, byte_buf, unit_struct, ignored_any, tuple_struct, binary);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.input.budget.any::<V::Value>()?;
        self.any(false, visitor)
    }

    each_integer!(integers);
    read_numbers! {
        deserialize_i128 => visit_i128, integer, "int128";
        deserialize_u128 => visit_u128, integer, "uint128";
        deserialize_f32 => visit_f64, float, "float32";
        deserialize_f64 => visit_f64, float, "float64";
    }

    /// 0 and 1 will do, as in Go's codec.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bool(match self.input.reader.token()? {
            Token::Bool(value) => value,
            Token::Uint(1) => true,
            Token::Uint(0) | Token::Nil => false,
            other => return Err(mismatch(&other, "bool")),
        })
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.reader.peek()? {
            Token::Nil => self.zero().deserialize_char(visitor),
            _ => visitor.visit_borrowed_str(utf8(self.bytes("rune")?)?),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if self.key
            && let Some(text) = self.number_as_text()?
        {
            return visitor.visit_string(text);
        }
        visitor.visit_borrowed_str(utf8(self.kept("string")?)?)
    }

    /// The name of a member: a text; a number where the peer's code has one.
    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.reader.peek()? {
            Token::Str(name) | Token::Bin(name) => {
                self.input.reader.token()?;
                match std::str::from_utf8(name) {
                    Ok(name) => visitor.visit_borrowed_str(name),
                    Err(_) => visitor.visit_borrowed_bytes(name),
                }
            }
            _ => self.deserialize_str(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.reader.peek()? {
            Token::List(_) => self.deserialize_seq(visitor),
            _ => visitor.visit_borrowed_bytes(self.kept("[]byte")?),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.reader.peek()? {
            Token::Nil => {
                self.input.reader.token()?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    /// A target that wants nothing takes any value.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.input.reader.skip()?;
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        match name {
            TEXT => match self.number_as_text()? {
                Some(text) => visitor.visit_string(text),
                None => visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.kept("string")?)),
            },
            TIME => visitor.visit_newtype_struct(self.packed_time()?.into_deserializer()),
            ANY => self.any(true, visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// Bytes are a list of numbers to a target that is a list.
    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.reader.token()? {
            Token::List(len) => self.list(len, 0, visitor),
            Token::Nil => self.zero().deserialize_seq(visitor),
            Token::Bin(bytes) | Token::Str(bytes) => self.numbers(bytes, 0, visitor),
            other => Err(mismatch(&other, "slice")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        match self.input.reader.token()? {
            Token::List(count) => self.list(count, len, visitor),
            Token::Nil => self.zero().deserialize_tuple(len, visitor),
            Token::Bin(bytes) | Token::Str(bytes) => self.numbers(bytes, len, visitor),
            other => Err(mismatch(&other, "array")),
        }
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.reader.token()? {
            Token::Map(len) => self.map(len, visitor),
            Token::Nil => self.zero().deserialize_map(visitor),
            other => Err(mismatch(&other, "map")),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.input.reader.token()? {
            Token::Map(len) => self.members(len, fields, visitor),
            // `StructToArray`: by position, so a shorter list is of an older peer, and what it lacks is zero.
            Token::List(len) => self.list(len, fields.len(), visitor),
            Token::Nil => self.zero().deserialize_struct(name, fields, visitor),
            other => Err(mismatch(&other, name)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.input.budget.compound::<V::Value>()?;
        match self.input.reader.token()? {
            Token::Str(variant) | Token::Bin(variant) => {
                visitor.visit_enum(BorrowedStrDeserializer::new(utf8(variant)?))
            }
            // serde's form of a variant with a value, as other crates write it too.
            Token::Map(1) => visitor.visit_enum(self.deeper()?),
            Token::Nil => self.zero().deserialize_enum(name, variants, visitor),
            other => Err(mismatch(&other, name)),
        }
    }
}
