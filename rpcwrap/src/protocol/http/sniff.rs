//! Whether a connection opens as HTTP/1.x does: pure, on the first line only.
//!
//! A method that no other protocol could mean decides with the blank behind it; any other word waits for the end of
//! its line, which for HTTP is a version.

use crate::protocol::Sniff;

/// What a connection of HTTP/2 starts with: RFC 9113 section 3.4.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Method names that are no command of a line-based protocol.
const METHODS: [&[u8]; 9] =
    [b"CONNECT ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"PATCH ", b"TRACE ", b"PROPFIND "];
/// One opening of each kind.
pub(super) const OPENINGS: [&[u8]; 4] = [
    b"CONNECT /_json_rpc_ HTTP/1.0\n\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS / HTTP/1.0\r\n\r\n",
    b"POST /Arith/Multiply HTTP/1.1\r\n",
];
/// The longest registered method name has 17 letters (`UPDATEREDIRECTREF`).
const MAX_METHOD_BYTES: usize = 32;
/// A first line longer than this is a long URL, and HTTP can say so itself.
const LONG_LINE: usize = 4 << 10;

/// Judges the first bytes of a connection.
pub(super) fn sniff(head: &[u8]) -> Sniff {
    if head.len() > 3 && (head.starts_with(PREFACE) || PREFACE.starts_with(head)) {
        return Sniff::No;
    }
    if METHODS.iter().any(|method| head.starts_with(method)) {
        return Sniff::Yes;
    }
    if METHODS.iter().any(|method| method.starts_with(head)) {
        return Sniff::NeedMore;
    }
    let method = head.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_word = method.first().is_some_and(u8::is_ascii_alphabetic)
        && method.len() <= MAX_METHOD_BYTES
        && method.iter().all(|byte| is_token(*byte));
    if !is_word {
        return Sniff::No;
    }
    match head.iter().position(|byte| *byte == b'\n') {
        Some(end) if ends_in_version(&head[..end]) => Sniff::Yes,
        Some(_) => Sniff::No,
        None if head.len() > LONG_LINE => Sniff::Yes,
        None => Sniff::NeedMore,
    }
}

/// The characters of a `token`, RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a line ends in ` HTTP/d.d`.
fn ends_in_version(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.len().checked_sub(9).map(|start| &line[start..]) {
        Some([b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]) => {
            major.is_ascii_digit() && minor.is_ascii_digit()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefaces() {
        use Sniff::{NeedMore, No, Yes};
        for (head, wanted) in [
            (&b""[..], NeedMore),
            (b"C", NeedMore),
            (b"CONNECT", NeedMore),
            (b"CONNECT ", Yes),
            (b"CONNECT /_goRPC_ HTTP/1.0\n\n", Yes),
            (b"CONNECT a:80 HTTP/1.1\r\n", Yes),
            (b"POST x\r\n", Yes),
            (b"HEAD /healthz HTTP/1.0\r\n\r\n", Yes),
            (b"OPTIONS * HTTP/1.0\r\n\r\n", Yes),
            (b"G", NeedMore),
            (b"GET / HTTP/1.1", NeedMore),
            (b"GET / HTTP/1.1\r\n", Yes),
            (b"GET / HTTP/1.0\n", Yes),
            (b"GET / HTTP/9.9\r\n", Yes),
            (b"GET /\r\n", No),
            (b"GET key\r\n", No),
            (b"get a\r\n", No),
            (b"connect /_bson_rpc_ HTTP/1.0\n\n", Yes),
            (b"FOO / HTTP/1.1\r\nHost: xyz\r\n\r\n", Yes),
            (b"PING\r\n", No),
            (b"PRI", NeedMore),
            (b"PRI ", No),
            (b"PRI * HTTP/2.0\r\n", No),
            (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Yes),
            (PREFACE, No),
            (b"PRPC\0\0", No),
            (b"*1\r\n", No),
            (b"{\"id\":1}", No),
            (b"2\x7f\x03\x01\x01\x07Request", No),
            (b"\x16\x03\x01\0", No),
            (b"\x34\0\0\0\x05ServiceMethod\0", No),
            (b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", No),
        ] {
            assert_eq!(sniff(head), wanted, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn one_byte_at_a_time_never_changes_its_mind() {
        for opening in [
            &b"CONNECT /_bson_rpc_ HTTP/1.0\n\n"[..],
            b"GET /debug/health HTTP/1.1\r\nHost: x\r\n\r\n",
            b"connect /_bson_rpc_ HTTP/1.0\n\n",
            b"OPTIONS / HTTP/1.0\r\n\r\n",
        ] {
            let verdicts: Vec<Sniff> = (0..=opening.len()).map(|n| sniff(&opening[..n])).collect();
            let waits = verdicts.iter().take_while(|verdict| **verdict == Sniff::NeedMore).count();
            assert!(verdicts[waits..].iter().all(|verdict| *verdict == Sniff::Yes), "{verdicts:?}");
            assert!(waits < verdicts.len());
        }
    }

    #[test]
    fn a_long_first_line_is_a_long_url() {
        let line = [&b"GET /"[..], &[b'a'; 5000]].concat();
        assert_eq!(sniff(&line[..4000]), Sniff::NeedMore);
        assert_eq!(sniff(&line), Sniff::Yes);
    }
}
