//! Replies that serde has no word for. Other codecs see what is inside.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Newtype name of [`Status`]; its inner value is a text.
pub(super) const STATUS: &str = "$rpcwrap::resp::Status";
/// Newtype name of [`Verbatim`]; its inner value is a text.
pub(super) const VERBATIM: &str = "$rpcwrap::resp::Verbatim";
/// Newtype name of [`Set`]; its inner value is a list.
pub(super) const SET: &str = "$rpcwrap::resp::Set";

/// A short text of the server's own: `+PONG\r\n`, in both versions. Blanks stand where it has CR or LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status<T>(pub T);

/// A report for people, in plain text: `=8\r\ntxt:text\r\n`, in version 2 a bulk.
///
/// ```
/// use rpcwrap_codecs::resp::{ReplyEncoder, Verbatim, Version};
/// let mut out = bytes::BytesMut::new();
/// ReplyEncoder::new(Version::Resp3).encode(&Verbatim("# Server\r\n"), &mut out).unwrap();
/// assert_eq!(out, "=14\r\ntxt:# Server\r\n\r\n");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verbatim<T>(pub T);

/// A list whose elements have no order: `~1\r\n…`, in version 2 an array. serde knows Rust's own sets as lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Set<T>(pub T);

impl<T: AsRef<str>> Serialize for Status<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(STATUS, self.0.as_ref())
    }
}

impl<T: AsRef<str>> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(VERBATIM, self.0.as_ref())
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SET, &self.0)
    }
}

macro_rules! deserialize_as_inner {
    ($($type:ident)*) => {$(
        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $type<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                T::deserialize(deserializer).map(Self)
            }
        }
    )*};
}

deserialize_as_inner!(Status Verbatim Set);
