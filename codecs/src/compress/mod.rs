//! Compression of message bodies, for the formats that have it.
//!
//! Whole buffers in, whole buffers out; what comes out is bounded by the caller's limit before it is allocated.

#[cfg(feature = "compression")]
mod methods;

use crate::error::ValueError;

/// How a body is compressed; without the cargo feature `compression` there is one way, not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    #[cfg(feature = "compression")]
    /// Snappy's block format, without the framing of files.
    Snappy,
    #[cfg(feature = "compression")]
    /// RFC 1952.
    Gzip,
    #[cfg(feature = "compression")]
    /// RFC 1950.
    Zlib,
}

impl Compression {
    /// Compresses `bytes`.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            #[cfg(feature = "compression")]
            Self::Snappy => methods::snap(bytes),
            #[cfg(feature = "compression")]
            Self::Gzip => methods::gzip(bytes),
            #[cfg(feature = "compression")]
            Self::Zlib => methods::zlib(bytes),
        }
    }

    /// Decompresses `bytes`, to at most `limit` bytes, and by gzip and zlib to at most 16 MiB and 100 for each
    /// of them.
    ///
    /// The memory taken grows with what has been decompressed, never with what is announced.
    ///
    /// # Errors
    /// The bytes are not compressed in this way, a limit is passed, or more than 64 KiB of them become next to nothing.
    pub fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, ValueError> {
        match self {
            Self::None if bytes.len() > limit => Err(too_big(limit)),
            Self::None => Ok(bytes.to_vec()),
            #[cfg(feature = "compression")]
            Self::Snappy => methods::unsnap(bytes, limit),
            #[cfg(feature = "compression")]
            Self::Gzip => methods::gunzip(bytes, limit),
            #[cfg(feature = "compression")]
            Self::Zlib => methods::unzlib(bytes, limit),
        }
    }
}

fn too_big(limit: usize) -> ValueError {
    ValueError::new(format!("decompressed to more than {limit} bytes"))
}
