//! What can be a method's reply: every serde type, and bytes as their protocol carries them.

use bytes::BytesMut;
use codecs::{EncodeError, ReplyTo, schema::TypeOf};
use serde::Serialize;

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
