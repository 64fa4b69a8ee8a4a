//! What can be a method's argument: every serde type, and bytes as their protocol carries them.
//!
//! Between codecs, which know formats, and [`crate::method::handler`], which knows functions. Generic, so that a serde
//! type is decoded as if this were not here.

use crate::method::context::ContextSource;
use codecs::{Args, Decoding, ValueError, schema::TypeOf};
use serde::de::DeserializeOwned;

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
    fn from_args(
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: &ContextSource<'_>,
    ) -> Result<Self, ValueError>;

    /// The type, where it says what it is without a value.
    fn type_of() -> Option<TypeOf> {
        None
    }
}

impl<T: DeserializeOwned + Send + 'static> FromArgs for T {
    #[inline(always)]
    fn from_args(args: Args<'_>, decoding: &Decoding<'_>, _: &ContextSource<'_>) -> Result<Self, ValueError> {
        args.decode_within(decoding)
    }

    fn type_of() -> Option<TypeOf> {
        Some(TypeOf::new::<T>())
    }
}
