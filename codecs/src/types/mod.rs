//! Values that serde's data model has no word for: Go's byte-string texts, byte slices, times, complex numbers, what
//! its types make of themselves, and `any`.
//!
//! Each is one type here that every codec knows. A codec recognises `TEXT`, `TIME`, `COMPLEX`, `ANY` and the like as
//! the names of newtype structs; serializers of other crates (serde_json among them) see an ordinary value instead.

/// The conversions of a type that is bytes.
macro_rules! byte_string {
    ($type:ident) => {
        impl std::ops::Deref for $type {
            type Target = [u8];
            fn deref(&self) -> &[u8] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $type {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<Vec<u8>> for $type {
            fn from(bytes: Vec<u8>) -> Self {
                Self(bytes)
            }
        }

        impl From<&[u8]> for $type {
            fn from(bytes: &[u8]) -> Self {
                Self(bytes.to_vec())
            }
        }
    };
}

/// Methods of a visitor that take every value.
macro_rules! visits {
    ($($method:ident($($value:ident: $type:ty)?) => $visited:expr;)+) => {$(
        fn $method<E: Error>(self, $($value: $type)?) -> Result<Self::Value, E> {
            Ok($visited)
        }
    )+};
}

mod any;
mod blob;
mod civil;
mod complex;
mod named;
mod opaque;
mod registered;
mod text;
pub(crate) mod time;

pub use any::Any;
#[cfg(any(feature = "gob", feature = "msgpack"))]
pub(crate) use any::raw_text;
pub use blob::Blob;
pub(crate) use blob::{AsBlob, is_blob};
pub use complex::Complex;
pub use named::Named;
pub use opaque::{BinaryMarshaled, GobEncoded};
pub use registered::Registered;
pub use text::Text;
pub use time::{Time, TimeError};

/// Newtype name of a text that need not be UTF-8; its inner value is bytes.
pub(crate) const TEXT: &str = "$rpcwrap::Text";
/// Newtype name of a time; its inner value is the 16 bytes of `Time::to_packed`, big-endian. Decoders may hand over the
/// number itself, as `visit_i128`.
pub(crate) const TIME: &str = "$rpcwrap::Time";
/// Newtype name of a complex number; its inner value is a tuple of two floats.
pub(crate) const COMPLEX: &str = "$rpcwrap::Complex";
/// Newtype name of `GobEncoded`; its inner value is bytes.
pub(crate) const GOB_ENCODED: &str = "$rpcwrap::GobEncoded";
/// Newtype name of `BinaryMarshaled`; its inner value is bytes.
pub(crate) const BINARY_MARSHALED: &str = "$rpcwrap::BinaryMarshaled";
/// Newtype name of `Any`: decoders hand a time over as `visit_i128`, a complex number as `visit_u128`, with the packed
/// form; a text that is not UTF-8 as `visit_enum`, with a variant that is its bytes.
pub(crate) const ANY: &str = "$rpcwrap::Any";
/// Newtype name of `Registered`; its inner value is a newtype whose name is the registered one.
pub(crate) const INTERFACE: &str = "$rpcwrap::Interface";
