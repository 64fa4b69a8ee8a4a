//! The arguments of one call on their way into the handler's type.

use super::body;
use crate::{
    body::BytesArgs,
    budget::{Charged, DecodeBudget},
    codec::{Decoding, Limits, RequestDecoder, Visit},
    error::ValueError,
    json,
    message::Request,
    schema::TypeOf,
    text::{self, TextArgs},
};
use serde::de::DeserializeOwned;
use std::fmt;

/// The still encoded arguments of one call, in the form their protocol brought them.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Args<'a> {
    /// A bare JSON value.
    JsonValue(&'a [u8]),
    /// The JSON array `params`, of which the first element counts.
    JsonParams(&'a [u8]),
    #[cfg(feature = "bson")]
    /// A BSON document, `{_Val_: x}` for simple values.
    Bson(&'a [u8]),
    #[cfg(feature = "gob")]
    /// A gob value, and the types its peer has defined.
    Gob {
        /// The peer's types.
        types: &'a crate::gob::Types,
        /// The number of the value's type, then the value.
        value: &'a [u8],
    },
    #[cfg(feature = "msgpack")]
    /// A MessagePack value.
    Msgpack(&'a [u8]),
    #[cfg(feature = "msgpack")]
    /// A MessagePack value, and where it is noted how its peer writes times.
    MsgpackOf(&'a [u8], &'a crate::msgpack::PeerTimes),
    /// What a program's own codec reads.
    Custom(&'a dyn RequestDecoder, &'a Request),
    /// Bytes, from a protocol that knows no more of them than their kind: decoded from JSON, or as they are into a type
    /// that is bytes itself ([`Blob`](crate::types::Blob)).
    Bytes(&'a BytesArgs<'a>),
    /// Tokens of a text protocol, and the method's argument type.
    Text(&'a TextArgs<'a>, Option<&'a TypeOf>),
    /// Arguments known to be unreadable, and why.
    Broken(&'a ValueError),
}

impl Args<'_> {
    /// Decodes the arguments straight into `T`.
    ///
    /// # Errors
    /// They are malformed, do not fit `T`, or would take more memory than [`Limits`](crate::Limits) allow by default;
    /// the text goes to the caller.
    #[inline]
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        self.decode_within(&Decoding::new(&Limits::DEFAULT))
    }

    /// As [`decode`](Self::decode), within the limits of `decoding`, which learns what the value takes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline]
    pub fn decode_within<T: DeserializeOwned>(&self, decoding: &Decoding<'_>) -> Result<T, ValueError> {
        // It stays where it is put: a copy would be the larger part of looking at the budget.
        let mut value = match self {
            Self::JsonValue(bytes) => json::value_from_slice_within(bytes, decoding),
            Self::JsonParams(bytes) => json::params_from_slice_within(bytes, decoding),
            #[cfg(feature = "bson")]
            Self::Bson(bytes) => crate::bson::value_from_slice_within(bytes, decoding),
            #[cfg(feature = "gob")]
            Self::Gob { types, value } => crate::gob::value_from_slice_within(types, value, decoding),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(bytes) | Self::MsgpackOf(bytes, _) => {
                // One call for both, so that it becomes part of this.
                let times = if let Self::MsgpackOf(_, times) = self { Some(*times) } else { None };
                crate::msgpack::value_from_peer_within(bytes, times, decoding)
            }
            Self::Custom(decoder, request) => {
                let budget = decoding.budget(request.wire_len());
                let value = decode_erased(&budget, |visit| decoder.args(request, visit));
                decoding.note(&budget);
                value
            }
            Self::Bytes(args) => {
                let budget = || args.budget(decoding);
                body::decode(&args.body, args.content_type, body::NO_SCHEMA, decoding, budget)
            }
            Self::Text(args, type_of) => text::decode_within(args, *type_of, decoding),
            Self::Broken(error) => Err((*error).clone()),
        };
        if decoding.is_exceeded() {
            decoding.fail_exceeded(&mut value);
        }
        value
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonValue(_) => "JsonValue",
            Self::JsonParams(_) => "JsonParams",
            #[cfg(feature = "bson")]
            Self::Bson(_) => "Bson",
            #[cfg(feature = "gob")]
            Self::Gob { .. } => "Gob",
            #[cfg(feature = "msgpack")]
            Self::Msgpack(_) | Self::MsgpackOf(..) => "Msgpack",
            Self::Custom(..) => "Custom",
            Self::Bytes(_) => "Bytes",
            Self::Text(..) => "Text",
            Self::Broken(_) => "Broken",
        })
    }
}

/// Decodes what a program's own codec hands over, which knows no budget.
pub(super) fn decode_erased<T: DeserializeOwned>(
    budget: &DecodeBudget,
    source: impl FnOnce(Visit<'_>) -> Result<(), ValueError>,
) -> Result<T, ValueError> {
    let mut value = None;
    source(&mut |deserializer| {
        budget.member::<T>();
        value = Some(T::deserialize(Charged::new(deserializer, budget))?);
        Ok(())
    })?;
    value.ok_or_else(|| ValueError::new("codec handed over no value"))
}
