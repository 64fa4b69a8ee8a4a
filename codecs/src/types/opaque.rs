//! What Go types make of themselves: bytes that only their own methods understand.
//!
//! Knows serde's calls and nothing of any one codec; gob recognises the newtype names `GOB_ENCODED` and
//! `BINARY_MARSHALED`.

use super::{AsBlob, BINARY_MARSHALED, Blob, GOB_ENCODED};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use std::fmt;

macro_rules! opaque {
    ($($(#[$attribute:meta])* $name:ident: $newtype:ident, $go:literal;)*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Vec<u8>);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(b\"{}\")", stringify!($name), self.0.escape_ascii())
            }
        }

        byte_string!($name);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct($newtype, &AsBlob(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_newtype_struct($newtype, BytesVisitor($go)).map(Self)
            }
        }
    )*};
}

opaque! {
    /// What a Go type with `GobEncode` and `GobDecode` writes of itself, such as a `big.Int`.
    ///
    /// On the wire: gob a value of a `GobEncoder` type; elsewhere as [`Blob`]. Empty is the zero value, which a struct
    /// leaves out. Go takes it for no other type than one with `GobDecode`, and gives that the bytes as they are.
    /// Source: Go `encoding/gob` `GobEncoder`.
    ///
    /// ```
    /// use rpcwrap_codecs::types::GobEncoded;
    /// assert_eq!(serde_json::to_string(&GobEncoded(vec![0, 0xff])).unwrap(), r#""AP8=""#);
    /// ```
    GobEncoded: GOB_ENCODED, "GobEncoder";

    /// What a Go type with `MarshalBinary` and `UnmarshalBinary` writes of itself, such as a `netip.Addr` or `url.URL`.
    ///
    /// As [`GobEncoded`], for a `BinaryMarshaler`: the two are different types to Go.
    /// Source: Go `encoding` `BinaryMarshaler`.
    ///
    /// ```
    /// use rpcwrap_codecs::types::BinaryMarshaled;
    /// let localhost: BinaryMarshaled = serde_json::from_str(r#""fwAAAQ==""#).unwrap();
    /// assert_eq!(*localhost, [127, 0, 0, 1]);
    /// ```
    BinaryMarshaled: BINARY_MARSHALED, "BinaryMarshaler";
}

struct BytesVisitor(&'static str);

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        Blob::deserialize(deserializer).map(Vec::from)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_formats_see_base64() {
        for bytes in [vec![], vec![0], (0..=255).collect()] {
            let json = serde_json::to_string(&Blob(bytes.clone())).unwrap();
            assert_eq!(serde_json::to_string(&GobEncoded(bytes.clone())).unwrap(), json);
            assert_eq!(serde_json::from_str::<BinaryMarshaled>(&json).unwrap(), BinaryMarshaled(bytes));
        }
        assert!(serde_json::from_str::<GobEncoded>("5").is_err());
    }
}
