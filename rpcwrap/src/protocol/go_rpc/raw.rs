//! Go-RPC without CONNECT: a client that speaks its codec from the first byte on, as Go's `rpc.Dial`,
//! `jsonrpc.Dial` and `msgpackrpc.Dial` do.
//!
//! Recognised by how each codec's clients begin; the session is the one behind CONNECT. There is no login here: where
//! a login is required dispatch refuses every call, unless a client certificate has said who it is.

use super::CodecConn;
use crate::live::config::Config;
use crate::protocol::{AuthMode, Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff, go_rpc::GoRpc};
use codecs::AnyCodec;
use std::sync::Arc;

/// One codec's raw connections.
pub(crate) struct Raw {
    name: &'static str,
    codec: AnyCodec,
    class: Class,
    prefaces: &'static [&'static [u8]],
    sniff: fn(&[u8]) -> Sniff,
}

impl Raw {
    /// One for each codec whose clients do without CONNECT.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        // Without MessagePack there is nothing to set.
        let _ = config;
        Vec::from([
            #[cfg(feature = "gob")]
            Self {
                name: "raw_gob",
                codec: AnyCodec::Gob,
                class: Class::Magic,
                prefaces: &[b"\x2E\x7F\x03\x01\x01\x07Request", b"\x30\xFF\x81\x03\x01\x01\x07Request"],
                sniff: gob,
            },
            #[cfg(feature = "msgpack")]
            Self {
                name: "raw_msgpack",
                codec: AnyCodec::MsgpackTimes(config.msgpack_times),
                class: Class::Magic,
                prefaces: &[b"\x82\xA3Seq", b"\x82\xADServiceMethod", b"\x92\xA9Arith.Add"],
                sniff: msgpack,
            },
            Self {
                name: "raw_json",
                codec: AnyCodec::Json,
                class: Class::Grammar,
                prefaces: &[b"{\"method\":", b" [", b"\t{", b"\r{"],
                sniff: json,
            },
        ])
    }
}

#[cfg(feature = "gob")]
impl Raw {
    /// Whether its codec is gob.
    pub(crate) fn is_gob(&self) -> bool {
        matches!(self.codec, AnyCodec::Gob)
    }
}

impl Protocol for Raw {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        self.class
    }

    /// What is said of Go-RPC in access rules is said of it without CONNECT too.
    fn family(&self) -> &'static str {
        GoRpc::NAME
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        self.prefaces.iter().map(|preface| preface.to_vec()).collect()
    }

    fn auth(&self) -> AuthMode {
        AuthMode::Certificate
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        (self.sniff)(head)
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        let codec = self.codec.clone();
        Box::pin(async move {
            let codec_conn = CodecConn::new(conn, &codec, &cx);
            Ok(Served::Session(codec_conn.serve(&codec, None, &cx)))
        })
    }
}

/// The definition of a struct that opens a gob stream: its length, its id (64 and up, negated), then
/// `wireType{StructT{CommonType{Name: "Request"…`. What the type is called is the peer's own affair: its fields count.
#[cfg(feature = "gob")]
fn gob(head: &[u8]) -> Sniff {
    let rest = match head {
        [] | [0xFF] | [0xFE] | [0xFE, _] => return Sniff::NeedMore,
        [0x2C..=0x60, rest @ ..] | [0xFF, 0x80..=0xFF, rest @ ..] | [0xFE, _, _, rest @ ..] => rest,
        _ => return Sniff::No,
    };
    let rest = match rest {
        [0x7F, rest @ ..] | [0xFF, _, rest @ ..] | [0xFE, _, _, rest @ ..] | [0xFD, _, _, _, rest @ ..] => {
            rest
        }
        [] | [0xFF] | [0xFE] | [0xFE, _] | [0xFD] | [0xFD, _] | [0xFD, _, _] => return Sniff::NeedMore,
        _ => return Sniff::No,
    };
    match rest {
        // A type without a name goes on with its id.
        [3, 1, 2, 0xFD..=0xFF, ..] => Sniff::Yes,
        [] | [3] | [3, 1] | [3, 1, 1 | 2] => Sniff::NeedMore,
        [3, 1, 1, len, name @ ..] => graphic(name, (*len).into()),
        _ => Sniff::No,
    }
}

/// How many bytes of a name are looked at.
#[cfg(any(feature = "gob", feature = "msgpack"))]
const NAME_BYTES: usize = 64;

/// Whether `text` begins with a name of `len` bytes.
#[cfg(any(feature = "gob", feature = "msgpack"))]
fn graphic(text: &[u8], len: usize) -> Sniff {
    let wanted = len.min(NAME_BYTES);
    let seen = text.get(..wanted).unwrap_or(text);
    match seen.iter().all(u8::is_ascii_graphic) {
        true if len > 0 && seen.len() == wanted => Sniff::Yes,
        true if len > 0 => Sniff::NeedMore,
        _ => Sniff::No,
    }
}

/// A header as a map, which begins with the name of a member, or as a list that begins with a method's name.
#[cfg(feature = "msgpack")]
fn msgpack(head: &[u8]) -> Sniff {
    let Some((&marker, rest)) = head.split_first() else { return Sniff::NeedMore };
    let is_map = matches!(marker, 0x81..=0x8F | 0xDE | 0xDF);
    let len_bytes = match marker {
        0x81..=0x8F | 0x91..=0x9F => 0,
        0xDC | 0xDE => 2,
        0xDD | 0xDF => 4,
        _ => return Sniff::No,
    };
    let Some((&marker, rest)) = rest.get(len_bytes..).and_then(<[u8]>::split_first) else {
        return Sniff::NeedMore;
    };
    let len_bytes = match marker {
        0xA1..=0xBF => 0,
        0xD9 | 0xC4 => 1,
        0xDA | 0xC5 => 2,
        0xDB | 0xC6 => 4,
        _ => return Sniff::No,
    };
    let Some((len, text)) = rest.split_at_checked(len_bytes) else { return Sniff::NeedMore };
    let announced = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    let len = if len_bytes == 0 { usize::from(marker & 0x1F) } else { announced };
    // Names of methods may be anything behind their first byte.
    graphic(text, if is_map { len } else { len.min(1) })
}

/// An object, or a list, which no Go-RPC message is but which no other protocol begins with either.
fn json(head: &[u8]) -> Sniff {
    let blanks = head.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    match head.get(blanks) {
        None => Sniff::NeedMore,
        Some(b'{' | b'[') => Sniff::Yes,
        Some(_) => Sniff::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Sniff::{NeedMore, No, Yes};
    use bytes::BytesMut;
    use codecs::CallOptions;
    use std::time::Duration;

    #[test]
    fn first_bytes() {
        for (sniff, head, verdict) in [
            (gob as fn(&[u8]) -> Sniff, &b""[..], NeedMore),
            (gob, b"\x2E", NeedMore),
            (gob, b"\x2E\x7F", NeedMore),
            (gob, b"\x2E\x7F\x03\x01\x01\x07Reques", NeedMore),
            (gob, b"\x2E\x7F\x03\x01\x01\x07Request\x01\xFF\x80", Yes),
            (gob, b"\x30\xFF", NeedMore),
            (gob, b"\x30\xFF\x83\x03\x01\x01\x07Request", Yes),
            (gob, b"\x32\xFE\x01\x83\x03\x01\x01\x07Request", Yes),
            (gob, b"\x2E\x7F\x03\x01\x01\x0ARpcRequest", Yes),
            (gob, b"\x2E\x7F\x03\x01\x02\xFF\x80", Yes),
            (gob, b"\xFF\x90\x7F\x03\x01\x01\x07Request", Yes),
            (gob, b"\x32\xFD\x01\x00\x83\x03\x01\x01\x07Request", Yes),
            (gob, b"\x2E\x7F\x03\x01\x01\x07Req\0", No),
            (gob, b"\x2E\x7F\x03\x02", No),
            (gob, b"\x2E\x7F\x02", No),
            (gob, b"\x2E\x2E", No),
            (gob, b"HEAD /", No),
            (gob, b"-1", No),
            (gob, b"G", NeedMore),
            (gob, b"GET", No),
            (gob, b"*1\r\n", No),
            (msgpack, b"\x82", NeedMore),
            (msgpack, b"\x82\xA3Se", NeedMore),
            (msgpack, b"\x82\xA3Seq\x00", Yes),
            (msgpack, b"\x84\xA7Time", NeedMore),
            (msgpack, b"\x84\xA7Timeout", Yes),
            (msgpack, b"\x82\xA3Who", Yes),
            (msgpack, b"\x82\xA3W\0o", No),
            (msgpack, b"\x82\x01", No),
            (msgpack, b"\xDE", NeedMore),
            (msgpack, b"\xDE\0\x02\xD9\x03Se", NeedMore),
            (msgpack, b"\xDE\0\x02\xD9\x03Seq", Yes),
            (msgpack, b"\xDF\0\0\0\x02\xC4\x03Seq", Yes),
            (msgpack, b"\x93\xA3A.B", Yes),
            (msgpack, b"\xDC\0\x02\xDA\0\x03A.B", Yes),
            (msgpack, b"\xDD\0\0\0\x02\xDB\0\0\0\x03A", Yes),
            (msgpack, b"\xDC\0\x02\x05", No),
            (msgpack, b"\x80", No),
            (msgpack, b"\x92", NeedMore),
            (msgpack, b"\x92\xAEA", Yes),
            (msgpack, b"\x92\xD9\x28A", Yes),
            (msgpack, b"\x92\xD9\x28\0", No),
            (msgpack, b"\x92\x00", No),
            (msgpack, b"\x94\x00", No),
            (json, b"", NeedMore),
            (json, b" \t", NeedMore),
            (json, b"{", Yes),
            (json, b" [", Yes),
            (json, b"\"x\"", No),
            (json, &[b' '; 65], NeedMore),
            (json, b"\r", NeedMore),
            (json, b" \n\r\n{", Yes),
            (json, b"\rG", No),
        ] {
            assert_eq!(sniff(head), verdict, "{}", head.escape_ascii());
        }
    }

    /// What our own clients send first, with and without the members of ours.
    #[test]
    fn our_own_clients_are_recognised() {
        let timeout = Some(Duration::from_secs(1));
        for raw in Raw::all(&Config::default()) {
            for options in [CallOptions::default(), CallOptions { timeout, details: true }] {
                let mut out = BytesMut::new();
                raw.codec.request_writer().encode(0, "A.B", options, &5, None, &mut out).unwrap();
                assert_eq!(raw.sniff(&out), Yes, "{} {}", raw.name, out.escape_ascii());
                let early = (0..out.len()).map(|len| raw.sniff(&out[..len]));
                assert!(early.into_iter().all(|verdict| verdict != No), "{}", raw.name);
            }
        }
    }
}
