//! Go-RPC without CONNECT: a client that speaks its codec from the first byte on, as Go's `rpc.Dial`,
//! `jsonrpc.Dial` and `msgpackrpc.Dial` do.
//!
//! Recognised by how each codec's clients begin; the session is the one behind CONNECT. There is no login here: where
//! a login is required dispatch refuses every call, unless a client certificate has said who it is.

use super::CodecConn;
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
    pub(crate) fn all() -> Vec<Self> {
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
                codec: AnyCodec::Msgpack,
                class: Class::Magic,
                prefaces: &[b"\x82\xA3Seq", b"\x82\xADServiceMethod", b"\x92\xA9Arith.Add"],
                sniff: msgpack,
            },
            Self {
                name: "raw_json",
                codec: AnyCodec::Json,
                class: Class::Grammar,
                prefaces: &[b"{\"method\":", b" [", b"\t{"],
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

/// The definition of `Request` that opens a gob stream: its length, its id (64 and up, negated), then
/// `wireType{StructT{CommonType{Name: "Request"…`. Any length that a header of such a type has will do, also with
/// members of ours.
#[cfg(feature = "gob")]
fn gob(head: &[u8]) -> Sniff {
    const TYPE: &[u8] = b"\x03\x01\x01\x07Request";
    let Some((0x2C..=0x60, id)) = head.split_first() else {
        return if head.is_empty() { Sniff::NeedMore } else { Sniff::No };
    };
    let rest = match id {
        [0x7F, rest @ ..] | [0xFF, _, rest @ ..] | [0xFE, _, _, rest @ ..] => rest,
        [] | [0xFF] | [0xFE] | [0xFE, _] => return Sniff::NeedMore,
        _ => return Sniff::No,
    };
    Sniff::magic(rest, TYPE)
}

/// A header as a map that begins with one of its own members, or as a list that begins with a method's name.
#[cfg(feature = "msgpack")]
fn msgpack(head: &[u8]) -> Sniff {
    const MEMBERS: [&[u8]; 4] = [b"\xA3Seq", b"\xADServiceMethod", b"\xA7Timeout", b"\xA7Details"];
    match head {
        [] => Sniff::NeedMore,
        [0x81..=0x8F, rest @ ..] => {
            let verdicts = MEMBERS.map(|member| Sniff::magic(rest, member));
            [Sniff::Yes, Sniff::NeedMore].into_iter().find(|one| verdicts.contains(one)).unwrap_or(Sniff::No)
        }
        [0x92] | [0x92, 0xA1..=0xBF | 0xD9] => Sniff::NeedMore,
        [0x92, 0xA1..=0xBF, first, ..] | [0x92, 0xD9, _, first, ..] if first.is_ascii_graphic() => Sniff::Yes,
        [0x92, 0xD9, _] => Sniff::NeedMore,
        _ => Sniff::No,
    }
}

/// The blanks that may stand in front of the first brace.
const MAX_BLANKS: usize = 64;

/// An object, or a list, which no Go-RPC message is but which no other protocol begins with either.
fn json(head: &[u8]) -> Sniff {
    let blanks = head.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match head.get(blanks) {
        _ if blanks > MAX_BLANKS => Sniff::No,
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
            (gob, b"\x2E\x7F\x03\x01\x01\x08Response", No),
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
            (msgpack, b"\x82\xA3Who", No),
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
            (json, &[b' '; 65], No),
        ] {
            assert_eq!(sniff(head), verdict, "{}", head.escape_ascii());
        }
    }

    /// What our own clients send first, with and without the members of ours.
    #[test]
    fn our_own_clients_are_recognised() {
        let timeout = Some(Duration::from_secs(1));
        for raw in Raw::all() {
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
