//! One answer as a client reads it.

use super::ErrorReply;
use bytes::Bytes;
use std::{any::Any, fmt, ops::Range, sync::Arc};

/// One answer as a client reads it: the id it belongs to, and a still encoded value or an error.
#[derive(Clone)]
pub struct Reply {
    bytes: Bytes,
    seq: u64,
    service_method: Range<usize>,
    body: Range<usize>,
    error: Option<Box<ErrorReply>>,
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

impl Reply {
    /// A reply to the call `seq` whose value is the range `body` of `bytes`.
    ///
    /// # Panics
    /// If a range does not lie within `bytes`.
    pub fn new(bytes: Bytes, seq: u64, service_method: Range<usize>, body: Range<usize>) -> Self {
        assert!(
            service_method.end <= bytes.len() && body.end <= bytes.len(),
            "ranges lie within the message"
        );
        Self { bytes, seq, service_method, body, error: None, extension: None }
    }

    /// The same reply as a failure.
    #[must_use]
    pub fn with_error(mut self, error: ErrorReply) -> Self {
        self.error = Some(Box::new(error));
        self
    }

    /// The same reply with something of its codec's own, which the codec needs to read the value.
    #[inline]
    #[must_use]
    pub fn with_extension(mut self, extension: Arc<dyn Any + Send + Sync>) -> Self {
        self.extension = Some(extension);
        self
    }

    /// The number of the call this answers.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The method's name as the server echoed it; empty in codecs that do not echo it.
    pub fn service_method(&self) -> &[u8] {
        self.bytes.get(self.service_method.clone()).unwrap_or_default()
    }

    /// The error, if the call failed; [`END_OF_STREAM`](super::END_OF_STREAM) as its text ends a stream.
    pub fn error(&self) -> Option<&ErrorReply> {
        self.error.as_deref()
    }

    /// The whole message.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded value, in the form the reply's codec reads.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body.clone()).unwrap_or_default()
    }

    /// The codec's own part, if it is of this type.
    #[inline]
    pub fn extension<O: Any>(&self) -> Option<&O> {
        self.extension.as_deref()?.downcast_ref()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("seq", &self.seq)
            .field("error", &self.error)
            .field("body", &self.body)
            .finish()
    }
}
