//! TokenList as people and text protocols write them: words of a command line, literals of SQL, a query string.
//!
//! A protocol cuts its bytes into [`Token`]s and says how they are meant ([`TextArgs`]); reading them is one serde
//! deserializer for all protocols. serde's own calls say which type each token has to become, so `7` is a number to
//! an `i64` and a text to a `String`; the traced type ([`Schema`]) adds the names and the order of the fields, and
//! which tokens may be JSON. Knows no protocol, no socket and no service.
//!
//! | the argument is | positional tokens | named ones | one token in JSON |
//! |---|---|---|---|
//! | a struct | its fields in their order; those with a default or an `Option` may be left out at the end | its fields: by their exact name, else in any case where only one fits | `{…}`, unless its one field is a text or bytes |
//! | a tuple, an array | its elements, all of them | no | `[…]` |
//! | a list | its elements | no | `[…]`; where the elements are texts or bytes, only if it is valid |
//! | a map, a struct with `#[serde(flatten)]` | no | its members | `{…}` |
//! | `()` | none | no | no |
//! | anything else | one | no | enums whose variants hold data: `{"Variant":…}` |
//! | of any form (`serde_json::Value`, [`Any`](crate::types::Any), untagged enums) | one: the value; several: a list | an object | where it is valid, else it is a text |
//!
//! A whole argument in JSON is read as in every other protocol, by the rules of [`json`]. Lists, maps
//! and structs within a field are one token in JSON each, read by serde_json: exact names, no member missing.
//!
//! Every other value is its text, all of it, without blanks: numbers in decimal and within the range of their type,
//! `true`, `false`, `1` and `0`, one character, the name of a variant, an RFC 3339 time. Texts are the token as it
//! is, a [`Text`](crate::types::Text) any bytes. So are [`Blob`](crate::types::Blob) and `serde_bytes`: raw, not in
//! base64. An `Option` is empty by a token of the kind NULL, and by the plain word `null` unless it may hold a text.
//!
//! serde keeps the members of a flattened struct as values of any form until their types are known: there a text
//! that looks like a number has to be in quotes, as in JSON, and bytes that are UTF-8 in base64.
//!
//! ```
//! use rpcwrap_codecs::{schema::Schema, text::{TextArgs, Token}};
//! #[derive(serde::Deserialize, Debug, PartialEq)]
//! #[serde(rename_all = "PascalCase")]
//! struct Args { a: i64, b: i64 }
//!
//! let schema = Schema::of::<Args>();
//! let read = |args: TextArgs<'_>| args.decode::<Args>(Some(&schema));
//! let words = |words: &'static [&str]| -> Vec<_> { words.iter().map(|word| Token::plain(word)).collect() };
//!
//! assert_eq!(read(TextArgs::Positional(&words(&["7", "8"]))), Ok(Args { a: 7, b: 8 }));
//! assert_eq!(read(TextArgs::Words(&words(&["A=7", "b=8"]))), Ok(Args { a: 7, b: 8 }));
//! assert_eq!(read(TextArgs::Positional(&words(&[r#"{"A":7,"B":8}"#]))), Ok(Args { a: 7, b: 8 }));
//! let error = read(TextArgs::Positional(&words(&["7", "eight"]))).unwrap_err();
//! assert_eq!(error.text(), r#"field B: wants int64, got "eight""#);
//! ```

mod access;
mod args;
mod de_error;
mod hint;
mod query;
mod token;
mod token_de;
mod token_list;

pub use query::{MAX_PARAMS, Query};
pub use token::{Param, Token};

use crate::{
    codec::{Decoding, Limits},
    error::ValueError,
    json,
    schema::{Schema, TypeOf},
};
use hint::Hint;
use serde::de::DeserializeOwned;
use token_list::TokenList;

/// The arguments of one call as tokens, and how they are meant.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TextArgs<'a> {
    /// Values in the order of the declaration: `7 8`.
    Positional(&'a [Token<'a>]),
    /// Values that all have a name, or that all have none and are then positional: `A=7&B=8`, `7&8`.
    Params(&'a [Param<'a>]),
    /// Words of a command line: named if each is `NAME=value` and the type has one of the names, else positional.
    Words(&'a [Token<'a>]),
    /// Names and values in turn, `A 7 B 8`, if every other token is a name of the type, else positional.
    Alternating(&'a [Token<'a>]),
    /// One JSON value, for a type of any kind.
    Json(&'a [u8]),
}

impl TextArgs<'_> {
    /// Decodes the arguments into `T`, whose traced type is `schema`.
    ///
    /// Without a schema fields have the names and the order serde knows, aliases among them, and the word `null` is
    /// no empty `Option`.
    ///
    /// # Errors
    /// A token does not fit its field, a field is missing, unknown or named twice, or the number of tokens is wrong.
    /// The text names them, for the caller; it is never fatal.
    pub fn decode<T: DeserializeOwned>(&self, schema: Option<&Schema>) -> Result<T, ValueError> {
        self.decode_within(schema, &Decoding::new(&Limits::DEFAULT))
    }

    /// As [`decode`](Self::decode), within the limits of `decoding`, which learns what the value takes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_within<T: DeserializeOwned>(
        &self,
        schema: Option<&Schema>,
        decoding: &Decoding<'_>,
    ) -> Result<T, ValueError> {
        if let Self::Json(value) = self {
            return json::value_from_slice_within(value, decoding);
        }
        let hint = Hint::root(schema);
        let budget = decoding.budget(self.len());
        budget.member::<T>();
        let value = T::deserialize(args::Args { args: *self, hint, budget: &budget });
        decoding.note(&budget);
        value.or_else(|error| match self.single() {
            Some(token) if error.is_whole_json() => {
                json::value_from_slice_within(token.as_text().unwrap_or_default(), decoding)
            }
            Some(token) => Err(error.at("argument", token).into()),
            None => Err(error.into()),
        })
    }
}

impl<'a> TextArgs<'a> {
    /// Bytes of all tokens and names.
    fn len(self) -> usize {
        match self {
            Self::Positional(tokens) | Self::Words(tokens) | Self::Alternating(tokens) => {
                tokens.iter().map(|token| token.len()).sum()
            }
            Self::Params(params) => {
                params.iter().map(|param| param.name.unwrap_or_default().len() + param.value.len()).sum()
            }
            Self::Json(value) => value.len(),
        }
    }

    /// The only token.
    fn single(self) -> Option<Token<'a>> {
        TokenList::new(self, |_| false).ok()?.single()
    }
}

/// Decodes the arguments of a call of a method whose argument is a `T`, traced by `type_of`.
///
/// # Errors
/// As [`TextArgs::decode`].
pub fn decode<T: DeserializeOwned>(args: &TextArgs<'_>, type_of: Option<&TypeOf>) -> Result<T, ValueError> {
    decode_within(args, type_of, &Decoding::new(&Limits::DEFAULT))
}

/// As [`decode`], within the limits of `decoding`, which learns what the value takes.
///
/// # Errors
/// As [`TextArgs::decode`].
pub fn decode_within<T: DeserializeOwned>(
    args: &TextArgs<'_>,
    type_of: Option<&TypeOf>,
    decoding: &Decoding<'_>,
) -> Result<T, ValueError> {
    args.decode_within(type_of.map(TypeOf::schema), decoding)
}

#[cfg(test)]
mod tests;
