//! The header values of both directions, read and written by hand.
//!
//! Shape: request `{ServiceMethod, Seq}`, reply `{ServiceMethod, Seq, Error}`, as a map with names in any order,
//! unknown ones skipped and the last of equal ones counting, or as a list in this order, which is how Go's codec writes
//! structs with `StructToArray`. An `Error` of any kind is one, but nil and an empty string. Optional members of ours that
//! other peers skip: request `Timeout` (milliseconds) and `Details` (bool), reply `Code` (string) and `Data` (any value). Source: `hashicorp/net-rpc-msgpackrpc` `codec.go`;
//! Go `net/rpc` `Request`, `Response`.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{
    de,
    read::{Reader, Token},
    write,
};
use crate::{codec::timeout_of, error::DecodeError, message::ErrorReply, two_part::Header};
use bytes::BytesMut;
use std::ops::Range;

/// Bytes a request's header may have; a method's name is its only long part.
pub(super) const MAX_HEADER_BYTES: usize = 64 << 10;

/// Reads a request's header value at the front.
#[inline]
pub(super) fn read_request(header: &[u8]) -> Result<Header, DecodeError> {
    let mut read = Header::default();
    read.len = each_member(header, &[b"ServiceMethod", b"Seq"], |reader, key| {
        match key {
            b"ServiceMethod" => read.service_method = text(header, reader)?,
            b"Seq" => read.seq = seq(reader)?,
            b"Timeout" => {
                read.timeout = match reader.peek().map_err(|_| SHORT)? {
                    Token::Uint(millis) => timeout_of(millis),
                    _ => None,
                };
                skip(reader)?;
            }
            b"Details" => {
                read.details = reader.peek() == Ok(Token::Bool(true));
                skip(reader)?;
            }
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    Ok(read)
}

/// Reads a reply's header value at the front, and its error where that is no text.
#[inline]
pub(super) fn read_reply(header: &[u8]) -> Result<Header<Option<Box<ErrorReply>>>, DecodeError> {
    let mut read = Header::default();
    read.len = each_member(header, &[b"ServiceMethod", b"Seq", b"Error"], |reader, key| {
        match key {
            b"ServiceMethod" => read.service_method = text(header, reader)?,
            b"Seq" => read.seq = seq(reader)?,
            b"Error" => {
                let start = *reader;
                (read.error, read.own) = match text(header, reader) {
                    Ok(text) => (text, None),
                    Err(_) => {
                        *reader = start;
                        (0..0, Some(other_error(header, reader)?))
                    }
                };
            }
            b"Code" if matches!(reader.peek(), Ok(Token::Str(_) | Token::Bin(_))) => {
                read.code = text(header, reader)?;
            }
            b"Data" => {
                let start = reader.at(header.len());
                skip(reader)?;
                read.data = start..reader.at(header.len());
            }
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    Ok(read)
}

/// What an error says that is no text, as servers that are none of Go's may have it.
#[cold]
fn other_error(header: &[u8], reader: &mut Reader<'_>) -> Result<Box<ErrorReply>, &'static str> {
    let start = reader.at(header.len());
    skip(reader)?;
    let value = header.get(start..reader.at(header.len())).unwrap_or_default();
    Ok(Box::new(ErrorReply::of_value(de::value_from_slice(value))))
}

const SHORT: &str = "header ends early";

/// Calls `member` with the key of each member; it reads the value. A list's members have the names `of_list`. The
/// length of the whole.
#[inline]
fn each_member<'de>(
    header: &'de [u8],
    of_list: &[&'static [u8]],
    mut member: impl FnMut(&mut Reader<'de>, &'de [u8]) -> Result<(), &'static str>,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::new(header);
    let mut walk = || match reader.token().map_err(|_| SHORT)? {
        Token::Map(len) => (0..len).try_for_each(|_| {
            let (Token::Str(key) | Token::Bin(key)) = reader.token().map_err(|_| SHORT)? else {
                return Err("header member whose name is no string");
            };
            member(&mut reader, key)
        }),
        Token::List(len) => {
            let names = of_list.iter().copied().chain(std::iter::repeat(&b""[..]));
            (0..len).zip(names).try_for_each(|(_, name)| member(&mut reader, name))
        }
        _ => Err("header is neither map nor list"),
    };
    let walked = walk();
    let at = reader.at(header.len());
    walked.map(|()| at).map_err(|what| DecodeError::Malformed { at, what })
}

/// Where in `header` a text lies; nil is an empty one.
#[inline]
fn text(header: &[u8], reader: &mut Reader<'_>) -> Result<Range<usize>, &'static str> {
    match reader.token().map_err(|_| SHORT)? {
        Token::Str(text) | Token::Bin(text) => {
            let end = reader.at(header.len());
            Ok(end.saturating_sub(text.len())..end)
        }
        Token::Nil => Ok(0..0),
        _ => Err("header member that is no string"),
    }
}

#[inline]
fn seq(reader: &mut Reader<'_>) -> Result<u64, &'static str> {
    match reader.token().map_err(|_| SHORT)? {
        Token::Uint(seq) => Ok(seq),
        Token::Nil => Ok(0),
        _ => Err("Seq is no unsigned integer"),
    }
}

#[inline]
fn skip(reader: &mut Reader<'_>) -> Result<(), &'static str> {
    reader.skip().map_err(|_| SHORT)
}

/// Starts a header: the two members of both directions, of `members` in all.
#[inline]
pub(super) fn put(out: &mut BytesMut, members: u8, service_method: &[u8], seq: u64) {
    out.reserve(service_method.len().saturating_add(48));
    out.extend_from_slice(&[0x80 | members]);
    out.extend_from_slice(b"\xADServiceMethod");
    put_text(out, service_method);
    out.extend_from_slice(b"\xA3Seq");
    write::uint(out, seq);
}

/// A text in a header. One of 4 GiB does not fit the format and goes out empty: no peer's limits would let it in.
#[inline]
pub(super) fn put_text(out: &mut BytesMut, text: &[u8]) {
    if write::raw(out, text).is_none() {
        out.extend_from_slice(&[0xA0]);
    }
}
