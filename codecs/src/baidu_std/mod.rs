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

mod checksum;
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

/// `compress_type`. Source: `options.proto` `CompressType`; 4, lz4, is not supported.
fn compression(compress_type: i32) -> Option<Compression> {
    Some(match compress_type {
        0 => Compression::None,
        #[cfg(feature = "compression")]
        1 => Compression::Snappy,
        #[cfg(feature = "compression")]
        2 => Compression::Gzip,
        #[cfg(feature = "compression")]
        3 => Compression::Zlib,
        _ => return None,
    })
}

fn compress_type(compression: Compression) -> i64 {
    match compression {
        Compression::None => 0,
        #[cfg(feature = "compression")]
        Compression::Snappy => 1,
        #[cfg(feature = "compression")]
        Compression::Gzip => 2,
        #[cfg(feature = "compression")]
        Compression::Zlib => 3,
    }
}

/// `content_type`. Source: `options.proto` `ContentType`.
fn content_type(number: i32) -> Option<ContentType> {
    Some(match number {
        0 => ContentType::Protobuf,
        1 => ContentType::Json,
        2 => ContentType::ProtoJson,
        3 => ContentType::ProtoText,
        _ => return None,
    })
}

fn content_type_number(content_type: ContentType) -> i64 {
    match content_type {
        ContentType::Protobuf => 0,
        ContentType::Json => 1,
        ContentType::ProtoJson => 2,
        ContentType::ProtoText => 3,
    }
}
