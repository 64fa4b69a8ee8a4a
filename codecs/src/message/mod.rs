//! The messages every codec carries: one request in, its replies out.
//!
//! A [`Request`], its [`Head`] and a [`Reply`] own their bytes (a reference-counted slice of what was read) and know
//! where in them the parts lie; nothing is copied or decoded before it is asked for. They know nothing of codecs'
//! rules: the codec that made a message is the only one that reads its arguments.

mod error_reply;
mod head;
mod reply;
mod request;

pub use error_reply::ErrorReply;
pub(crate) use error_reply::worded;
pub use head::{Head, HeadExtension};
pub use reply::Reply;
pub use request::Request;

/// The error text that ends a stream of replies.
pub const END_OF_STREAM: &str = "EOS";
