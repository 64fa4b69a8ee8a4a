//! What a reply needs of its request.

use bytes::Bytes;
use std::{fmt, ops::Range};

/// The part of a [`Head`] that only its codec understands; `()` for a codec that needs none.
pub trait HeadExtension: Clone + fmt::Debug + Send + Sync + 'static {
    /// The number of the call where this part says it; `bytes` are those of the message.
    fn seq(&self, bytes: &[u8]) -> Option<u64> {
        let _ = bytes;
        None
    }

    /// The same part in a head of its own: what it needs of `bytes` it puts behind `copy`, from where it finds it
    /// from then on.
    #[must_use]
    fn detached(&self, bytes: &[u8], copy: &mut Vec<u8>) -> Self {
        let _ = (bytes, copy);
        self.clone()
    }
}

impl HeadExtension for () {}

/// What a reply needs of the request it answers: the method's name, the number of the call, and what is the codec's
/// own.
#[derive(Clone)]
pub struct Head<O = ()> {
    pub(super) bytes: Bytes,
    pub(super) service_method: Range<usize>,
    pub(super) seq: u64,
    pub(super) details: bool,
    pub(super) extension: O,
}

impl<O> Head<O> {
    /// `"Arith.Multiply"` as the peer sent it; need not be UTF-8.
    #[inline]
    pub fn service_method(&self) -> &[u8] {
        self.bytes.get(self.service_method.clone()).unwrap_or_default()
    }

    /// Whether the method is `name`, which is found out by its first byte for most.
    #[inline]
    pub fn is_of(&self, name: &[u8]) -> bool {
        self.bytes.get(self.service_method.start) == name.first() && self.service_method() == name
    }

    /// Whether the peer reads structured errors (`Code`, `Data`).
    #[inline]
    pub fn details(&self) -> bool {
        self.details
    }

    /// The codec's own part.
    #[inline]
    pub fn extension(&self) -> &O {
        &self.extension
    }

    /// The bytes in which the parts lie.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same head with a part of a codec's own.
    #[inline]
    pub(crate) fn with_extension<P>(self, extension: P) -> Head<P> {
        let Self { bytes, service_method, seq, details, .. } = self;
        Head { bytes, service_method, seq, details, extension }
    }
}

impl<O: HeadExtension> Head<O> {
    /// Go's `Seq`, the number of the call; 0 for an id that is no unsigned integer.
    #[inline]
    pub fn seq(&self) -> u64 {
        self.extension.seq(&self.bytes).unwrap_or(self.seq)
    }

    /// The same head in bytes of its own, so that it does not hold the buffer it was read from.
    #[must_use]
    pub(super) fn detached(&self) -> Self {
        let name = self.service_method();
        let mut copy = Vec::with_capacity(name.len() + 24);
        copy.extend_from_slice(name);
        let extension = self.extension.detached(&self.bytes, &mut copy);
        Self {
            service_method: 0..name.len(),
            bytes: copy.into(),
            seq: self.seq,
            details: self.details,
            extension,
        }
    }
}

impl<O: HeadExtension> fmt::Debug for Head<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("service_method", &String::from_utf8_lossy(self.service_method()))
            .field("seq", &self.seq())
            .field("details", &self.details)
            .field("extension", &self.extension)
            .finish()
    }
}
