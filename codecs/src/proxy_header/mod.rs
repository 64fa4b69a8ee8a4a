//! The PROXY protocol, versions 1 and 2: whose connection it is that a proxy hands on, in front of its first byte.
//!
//! Read once, first, and only from peers that are trusted to say it; who those are is the server's business. The
//! addresses are read by the crate `proxy-header`; what it leaves open is decided here: how long a header may be, its
//! exact spelling, and its checksum.
//! Source: HAProxy `doc/proxy-protocol.txt`, sections 2.1 and 2.2.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

#[cfg(test)]
mod tests;

use crate::DecodeError;
use bytes::{Buf, BytesMut};
use crc32c::crc32c_append;
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use std::net::SocketAddr;

const V1_START: &[u8] = b"PROXY ";
/// `TCP6`, two addresses and two ports at their longest, and the line's end.
const V1_MAX_BYTES: usize = 107;
const V2_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const V2_FIXED_BYTES: usize = 16;
/// The most of a version 2 header. Its length field would allow 64 KiB; addresses and the extensions there are need
/// some hundred bytes, a client's certificate among them a few thousand.
const V2_MAX_BYTES: usize = 8 << 10;
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
/// The kind of the extension that holds a checksum of the whole header.
const CRC32C: u8 = 0x03;

/// What a proxy says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It belongs to the client at this address.
    Client(SocketAddr),
    /// It is the proxy's own, such as a health check (`LOCAL`): the socket's address is right.
    Local,
    /// It is some client's of whom the proxy cannot tell (`UNKNOWN`, or no TCP over IP): the socket's address is all
    /// there is.
    Unknown,
}

/// Whether `head` starts with a header of either version; `None` while it is too short to say.
///
/// Decides on 6 bytes for version 1 and 12 for version 2, earlier where a byte differs.
pub fn is_header(head: &[u8]) -> Option<bool> {
    for start in [V1_START, V2_START] {
        if head.starts_with(start) {
            return Some(true);
        }
        if start.starts_with(head) {
            return None;
        }
    }
    Some(false)
}

/// Takes one header from the front of `buf`.
///
/// `Ok(None)`: not complete yet, `buf` untouched. `Ok(Some(_))`: exactly its bytes are gone. Version 1 may have 107
/// bytes, version 2 8 KiB; a checksum is verified, other extensions are looked over.
///
/// # Errors
/// `TooBig` as soon as the length is known, `Malformed` for anything that is no header. Either way close the
/// connection: there is no telling whose it is.
///
/// ```
/// use bytes::BytesMut;
/// use rpcwrap_codecs::proxy_header::{Source, decode};
/// let mut buf = BytesMut::from("PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\r\nGET / HTTP/1.1\r\n");
/// let source = Source::Client("192.0.2.1:4711".parse().unwrap());
/// assert_eq!(decode(&mut buf), Ok(Some(source)));
/// assert_eq!(&buf[..], b"GET / HTTP/1.1\r\n");
/// ```
pub fn decode(buf: &mut BytesMut) -> Result<Option<Source>, DecodeError> {
    let is_v1 = buf.starts_with(V1_START);
    let len = match is_header(buf) {
        None => return Ok(None),
        Some(false) => return Err(malformed(0, "neither of the two signatures")),
        Some(true) if is_v1 => v1_len(buf)?,
        Some(true) => v2_len(buf)?,
    };
    let Some(header) = len.and_then(|len| buf.get(..len)) else { return Ok(None) };
    let source = if is_v1 { parse(header)? } else { v2_source(header)? };
    buf.advance(header.len());
    Ok(Some(source))
}

/// The length of a version 1 header, once its line has ended: words between single blanks, CRLF.
fn v1_len(buf: &[u8]) -> Result<Option<usize>, DecodeError> {
    let window = buf.get(..V1_MAX_BYTES).unwrap_or(buf);
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        return match buf.len() {
            ..V1_MAX_BYTES => Ok(None),
            len => Err(DecodeError::TooBig { len: len as u64, limit: V1_MAX_BYTES }),
        };
    };
    let line = window.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.ok_or_else(|| malformed(end, "LF without CR"))?;
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    match (words.next(), words.next(), words.next(), words.next(), words.next(), words.next()) {
        // The rest of the line is to be ignored.
        (Some(b"UNKNOWN"), ..) => {}
        // The parser checks the addresses, but of ports it would take "+1" and "01".
        (Some(b"TCP4" | b"TCP6"), Some(_), Some(_), Some(from), Some(to), None)
            if is_port(from) && is_port(to) => {}
        _ => {
            return Err(malformed(
                V1_START.len(),
                "neither UNKNOWN nor TCP4 or TCP6 with addresses and ports",
            ));
        }
    }
    Ok(end.checked_add(1))
}

fn is_port(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_digit) && (word.len() == 1 || !word.starts_with(b"0"))
}

/// The length of a version 2 header: 16 bytes and what the last two of them announce.
fn v2_len(buf: &[u8]) -> Result<Option<usize>, DecodeError> {
    let Some(&[command, _, high, low]) = buf.get(V2_START.len()..V2_FIXED_BYTES) else { return Ok(None) };
    if !matches!(command, LOCAL | PROXY) {
        return Err(malformed(V2_START.len(), "neither LOCAL nor PROXY of version 2"));
    }
    let len = V2_FIXED_BYTES.saturating_add(u16::from_be_bytes([high, low]).into());
    if len > V2_MAX_BYTES {
        return Err(DecodeError::TooBig { len: len as u64, limit: V2_MAX_BYTES });
    }
    Ok(Some(len))
}

fn v2_source(header: &[u8]) -> Result<Source, DecodeError> {
    // All that follows the command of a LOCAL connection is to be ignored, the family too.
    if header.get(V2_START.len()) == Some(&LOCAL) {
        return Ok(Source::Local);
    }
    let source = parse(header)?;
    check_extensions(header)?;
    Ok(source)
}

/// Lets the crate read a complete header.
fn parse(header: &[u8]) -> Result<Source, DecodeError> {
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    match ProxyHeader::parse(header, config) {
        Ok((parsed, len)) if len == header.len() => Ok(match parsed.proxied_address() {
            Some(address) if address.protocol == Protocol::Stream => Source::Client(address.source),
            _ => Source::Unknown,
        }),
        _ => Err(malformed(0, "not of the form its signature promises")),
    }
}

/// Walks the extensions behind the addresses of a version 2 header; one of them may be a checksum of it all.
fn check_extensions(header: &[u8]) -> Result<(), DecodeError> {
    let addresses = match header.get(V2_START.len().saturating_add(1)).map(|family| family >> 4) {
        Some(1) => 12,
        Some(2) => 36,
        Some(3) => 216,
        _ => 0,
    };
    let mut at = V2_FIXED_BYTES.saturating_add(addresses);
    while let Some(rest) = header.get(at..).filter(|rest| !rest.is_empty()) {
        let [kind, high, low, ..] = *rest else { return Err(malformed(at, "extension cut short")) };
        let value = at.saturating_add(3);
        let end = value.saturating_add(u16::from_be_bytes([high, low]).into());
        let value = header.get(value..end).ok_or_else(|| malformed(at, "extension cut short"))?;
        if kind == CRC32C && value != checksum(header, at).to_be_bytes() {
            return Err(malformed(at, "another checksum than the one given"));
        }
        at = end;
    }
    Ok(())
}

/// The checksum of a header whose own, at `at`, is taken for zeros.
fn checksum(header: &[u8], at: usize) -> u32 {
    let (before, behind) = (header.get(..at.saturating_add(3)), header.get(at.saturating_add(7)..));
    let parts = [before.unwrap_or_default(), &[0; 4], behind.unwrap_or_default()];
    parts.iter().fold(0, |crc, part| crc32c_append(crc, part))
}

fn malformed(at: usize, what: &'static str) -> DecodeError {
    DecodeError::Malformed { at, what }
}
