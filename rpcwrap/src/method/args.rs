//! What can be a method's argument and its reply: every serde type, and bytes as their protocol carries them.
//!
//! Between codecs, which know formats, and [`crate::method::handler`], which knows functions. Generic, so that a serde type is
//! decoded and encoded as if this were not here.

use crate::method::running::ContextSource;
use bytes::BytesMut;
use codecs::{Args, EncodeError, ReplyTo, ValueError, schema::TypeOf};
use serde::{Serialize, de::DeserializeOwned};

/// A type that arguments can be decoded into: any [`DeserializeOwned`] one, and [`RawCall`](crate::RawCall).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the argument of a method",
    note = "it has to be `serde::de::DeserializeOwned + Send + 'static`"
)]
pub trait FromArgs: Sized + Send + 'static {
    /// Decodes the arguments of one call.
    ///
    /// # Errors
    /// They are malformed or do not fit; the text goes to the caller.
    fn from_args(args: Args<'_>, source: &ContextSource<'_>) -> Result<Self, ValueError>;

    /// The type, where it says what it is without a value.
    fn type_of() -> Option<TypeOf> {
        None
    }
}

impl<T: DeserializeOwned + Send + 'static> FromArgs for T {
    #[inline]
    fn from_args(args: Args<'_>, _: &ContextSource<'_>) -> Result<Self, ValueError> {
        args.decode()
    }

    fn type_of() -> Option<TypeOf> {
        Some(TypeOf::new::<T>())
    }
}

/// A type that a reply can be made of: any [`Serialize`] one, and [`RawReply`](crate::RawReply).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the reply of a method",
    note = "it has to be `serde::Serialize + Send + 'static`"
)]
pub trait WriteReply: Send + 'static {
    /// Appends one whole reply to `out`, or nothing; `reply_type` is its type, where that is known without the value.
    ///
    /// # Errors
    /// The reply does not fit the format; `out` is as it was.
    fn write_reply(
        &self,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError>;
}

impl<T: Serialize + Send + 'static> WriteReply for T {
    #[inline]
    fn write_reply(
        &self,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        to.encode(self, reply_type, out)
    }
}
