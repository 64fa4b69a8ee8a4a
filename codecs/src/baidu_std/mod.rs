//! `baidu_std`, bRPC's default protocol: a header of 12 bytes, a protobuf meta, data, an attachment.
//!
//! ```text
//! "PRPC" | u32be body_size | u32be meta_size | RpcMeta | data | attachment      body_size = meta + data + attachment
//! ```
//!
//! [`RequestDecoder`] and [`ReplyDecoder`] frame the bytes and read the meta by hand; the data stays as it came until
//! [`Request::payload`] or [`Reply::payload`] checks and decompresses it. What the data means is the caller's business:
//! it is protobuf of a schema that is not known here. [`RequestHead`] and [`ReplyHead`] are what is written in front of
//! it. Source: bRPC at commit 71871ee9, `policy/baidu_rpc_protocol.cpp` and `baidu_rpc_meta.proto`; recordings in
//! `codecs/testdata/baidu_std`.

mod client;
pub mod code;
mod frame;
mod meta;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod wire;

pub use client::RequestEncoder;
pub use frame::Payload;
pub use reply::{Reply, ReplyDecoder, ReplyHead, encode_error, encode_reply};
pub use request::{Request, RequestDecoder, RequestHead, encode_request};

use crate::{body::ContentType, compress::Compression};

/// The protocol's name, in bRPC's own words.
pub const NAME: &str = "baidu_std";

/// The first bytes of every message.
pub const MAGIC: &[u8; 4] = b"PRPC";

/// Bytes before the meta.
const HEADER_LEN: usize = 12;

/// `checksum_type` of a masked CRC-32C.
const CRC32C: i32 = 1;

#[cfg(feature = "compression")]
const COMPRESSED: [Option<Compression>; 3] =
    [Some(Compression::Snappy), Some(Compression::Gzip), Some(Compression::Zlib)];
#[cfg(not(feature = "compression"))]
const COMPRESSED: [Option<Compression>; 3] = [None; 3];

/// `compress_type`: its numbers in order, with bRPC's words for them; lz4 is not supported. Source: `options.proto`
/// `CompressType`.
const COMPRESSIONS: [(Option<Compression>, &str); 5] = [
    (Some(Compression::None), "none"),
    (COMPRESSED[0], "snappy"),
    (COMPRESSED[1], "gzip"),
    (COMPRESSED[2], "zlib"),
    (None, "lz4"),
];

/// `content_type`, as [`COMPRESSIONS`]. Source: `options.proto` `ContentType`.
const CONTENT_TYPES: [(Option<ContentType>, &str); 4] = [
    (Some(ContentType::Protobuf), "pb"),
    (Some(ContentType::Json), "json"),
    (Some(ContentType::ProtoJson), "proto-json"),
    (Some(ContentType::ProtoText), "proto-text"),
];

/// What a number means, if it is supported, and its word.
fn meaning<T: Copy>(table: &[(Option<T>, &'static str)], number: i32) -> (Option<T>, &'static str) {
    let known = usize::try_from(number).ok().and_then(|number| table.get(number));
    known.copied().unwrap_or((None, "unknown"))
}

/// The number of something supported.
fn number<T: Copy + PartialEq>(table: &[(Option<T>, &'static str)], wanted: T) -> i64 {
    table.iter().position(|(known, _)| *known == Some(wanted)).unwrap_or_default() as i64
}
