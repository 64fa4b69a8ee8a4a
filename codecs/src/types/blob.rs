//! Go's `[]byte`: bytes, base64 text where the format is text.
//!
//! Knows serde's calls and nothing of any one codec.

use crate::form;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};
use std::fmt;

/// Bytes, Go's `[]byte`.
///
/// On the wire: JSON base64 text (standard alphabet, padded) or `null` for none; BSON Binary.
/// Source: Go `encoding/json` `encodeByteSlice`; vitess `go/bson` `EncodeBinary`.
///
/// ```
/// use rpcwrap_codecs::types::Blob;
/// assert_eq!(serde_json::to_string(&Blob::from(b"\x00\xff\n")).unwrap(), r#""AP8K""#);
/// assert_eq!(serde_json::from_str::<Blob>("null").unwrap(), Blob::default());
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Vec<u8>);

byte_string!(Blob);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob(b\"{}\")", self.0.escape_ascii())
    }
}

impl<const N: usize> From<&[u8; N]> for Blob {
    fn from(bytes: &[u8; N]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Blob> for Vec<u8> {
    fn from(blob: Blob) -> Self {
        blob.0
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AsBlob(&self.0).serialize(serializer)
    }
}

/// Bytes that are serialized as a [`Blob`] is.
pub(crate) struct AsBlob<'a>(pub(crate) &'a [u8]);

impl Serialize for AsBlob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if form::is_text(serializer.is_human_readable()) {
            serializer.serialize_str(&STANDARD.encode(self.0))
        } else {
            serializer.serialize_bytes(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            false => deserializer.deserialize_byte_buf(BlobVisitor::<false>),
            // Not deserialize_str: only "any" lets other crates' deserializers hand over a null.
            true if form::is_text(true) => deserializer.deserialize_any(BlobVisitor::<true>),
            true => deserializer.deserialize_any(BlobVisitor::<false>),
        }
    }
}

/// Whether the visitor is that of a [`Blob`] in a text format, for a format whose texts are bytes as they are.
pub(crate) fn is_blob<V>() -> bool {
    typeid::of::<V>() == typeid::of::<BlobVisitor<true>>()
}

/// A type of its own for each kind of format, so that [`is_blob`] knows it.
struct BlobVisitor<const IS_TEXT: bool>;

impl<'de, const IS_TEXT: bool> Visitor<'de> for BlobVisitor<IS_TEXT> {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if IS_TEXT { "[]byte (base64 text)" } else { "[]byte" })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
        if !IS_TEXT {
            return Ok(text.as_bytes().into());
        }
        STANDARD
            .decode(text)
            .map(Blob)
            .map_err(|error| E::custom(format_args!("illegal base64 data: {error}")))
    }

    visits! {
        visit_bytes(bytes: &[u8]) => bytes.into();
        visit_byte_buf(bytes: Vec<u8>) => Blob(bytes);
        visit_unit() => Blob::default();
    }

    /// Go takes a list of numbers too.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Blob, A::Error> {
        // No size hint is believed: it is the peer's.
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(Blob(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::{
        IntoDeserializer,
        value::{BytesDeserializer, Error as PlainError, SeqDeserializer},
    };

    #[test]
    fn base64_in_text_formats() {
        for (bytes, text) in [
            (&b""[..], r#""""#),
            (b"\x00\xff\n", r#""AP8K""#),
            (b"\x00\x01\xff", r#""AAH/""#),
            (b"a", r#""YQ==""#),
        ] {
            assert_eq!(serde_json::to_string(&Blob::from(bytes)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Blob>(text).unwrap(), Blob::from(bytes));
        }
        assert_eq!(serde_json::from_str::<Blob>("null").unwrap(), Blob::default());
        assert_eq!(serde_json::from_str::<Blob>("[1,255]").unwrap(), Blob::from(b"\x01\xff"));
        for bad in [r#""YQ""#, r#""Y*==""#, "5", "[256]", "[-1]", "{}", "true"] {
            assert!(serde_json::from_str::<Blob>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_from_every_shape_of_binary_formats() {
        let bytes = BytesDeserializer::<PlainError>::new(b"ab");
        assert_eq!(bytes.deserialize_byte_buf(BlobVisitor::<false>).unwrap(), Blob::from(b"ab"));
        let text = IntoDeserializer::<PlainError>::into_deserializer("ab");
        assert_eq!(text.deserialize_any(BlobVisitor::<false>).unwrap(), Blob::from(b"ab"));
        let seq = SeqDeserializer::<_, PlainError>::new([97u8, 98].into_iter());
        assert_eq!(seq.deserialize_any(BlobVisitor::<false>).unwrap(), Blob::from(b"ab"));
    }
}
