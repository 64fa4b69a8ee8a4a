//! Compression of message bodies, for the formats that have it.
//!
//! Whole buffers in, whole buffers out; what comes out is bounded by the caller's limit before it is allocated.

#[cfg(feature = "compression")]
mod methods;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Snappy's block format, without the framing of files.
    Snappy,
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
}
