//! Whether a connection opens as RESP does: an array at its second byte, a line of words at its end.
//!
//! A line is taken for one of words if its first is the name of a command or method and it does not end as HTTP's
//! do. What begins as a reply is nothing that any client sends first: it is taken, and told so.

use super::Names;
use crate::protocol::Sniff;
use codecs::resp::is_reply_type;

/// One opening of each kind.
pub(super) const OPENINGS: [&[u8]; 3] = [b"*1\r\n$4\r\nPING\r\n", b"PING\r\n", b"HELLO 3\r\n"];
/// A first line longer than this is no line of words that anyone has typed.
const LONG_LINE: usize = 4 << 10;

/// Judges the first bytes of a connection.
pub(super) fn sniff(head: &[u8], names: &Names) -> Sniff {
    match *head {
        [] | [b'*'] => Sniff::NeedMore,
        [b'*', second, ..] => yes_if(second.is_ascii_digit() || second == b'-'),
        [first] if is_reply_type(first) => Sniff::NeedMore,
        [first, second, ..] if is_reply_type(first) => yes_if(begins_reply(first, second)),
        _ => line(head, names),
    }
}

/// Whether a reply begins so: gob's second byte is none of text, BSON's mostly a zero.
fn begins_reply(kind: u8, second: u8) -> bool {
    match kind {
        b'+' | b'-' => second.is_ascii_uppercase(),
        b'_' => second == b'\r',
        b'#' => matches!(second, b't' | b'f'),
        _ => second.is_ascii_digit() || second == b'-',
    }
}

fn yes_if(yes: bool) -> Sniff {
    if yes { Sniff::Yes } else { Sniff::No }
}

fn line(head: &[u8], names: &Names) -> Sniff {
    let end = head.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    let Some((word, rest)) = end.and_then(|end| head.split_at_checked(end)) else {
        return if names.has_start(head) { Sniff::NeedMore } else { Sniff::No };
    };
    if !names.has(word) {
        return Sniff::No;
    }
    match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => yes_if(!ends_in_version(rest.get(..end).unwrap_or_default())),
        // HTTP has long URLs, and says itself if one is too long.
        None if head.len() > LONG_LINE => yes_if(!word.eq_ignore_ascii_case(b"GET")),
        None => Sniff::NeedMore,
    }
}

/// Whether a line ends as one of HTTP does, in ` HTTP/d.d`.
fn ends_in_version(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    matches!(line, [.., b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings() {
        use Sniff::{NeedMore, No, Yes};
        let names = Names::new(["PING", "GET", "PROBE"], ["Arith.Multiply".to_owned()]);
        for (head, wanted) in [
            (&b""[..], NeedMore),
            (b"*", NeedMore),
            (b"*1", Yes),
            (b"*-1\r\n", Yes),
            (b"*x", No),
            (b"* / HTTP/1.1\r\n", No),
            (b"$", NeedMore),
            (b"$4\r\n", Yes),
            (b"+OK\r\n", Yes),
            (b"_\r\n", Yes),
            (b"~~!", No),
            (b"-1", No),
            (b"$\0\0\0\x05ServiceMethod", No),
            (b"$\x7f\x03\x01\x01\x07Request", No),
            (b",\xff\x81\x03", No),
            (b"P", NeedMore),
            (b"PR", NeedMore),
            (b"PRI", No),
            (b"PRPC", No),
            (b"PI", NeedMore),
            (b"PING", NeedMore),
            (b"PING\r", NeedMore),
            (b"PING\r\n", Yes),
            (b"ping\n", Yes),
            (b"PINGS\r\n", No),
            (b"GET key", NeedMore),
            (b"GET key\r\n", Yes),
            (b"GET / HTTP/1.1\r\n", No),
            (b"GET / HTTP/1.0\n", No),
            (b"get a HTTP/1.1 b\n", Yes),
            (b"POST / HTTP/1.1\r\n", No),
            (b"arith.multiply 7 8\r\n", Yes),
            (b"Arith.Mul 7 8\r\n", No),
            (b"\x16\x03\x01\0", No),
            (b"{\"id\":1}", No),
        ] {
            assert_eq!(sniff(head, &names), wanted, "{}", head.escape_ascii());
        }
        let long = [&b"PING "[..], &[b'x'; 5000]].concat();
        assert_eq!((sniff(&long[..4000], &names), sniff(&long, &names)), (NeedMore, Yes));
    }

    #[test]
    fn one_byte_at_a_time_never_changes_its_mind() {
        let names = Names::new(["PING", "HELLO"], []);
        for opening in OPENINGS {
            let verdicts: Vec<Sniff> =
                (0..=opening.len()).map(|len| sniff(&opening[..len], &names)).collect();
            let waits = verdicts.iter().take_while(|verdict| **verdict == Sniff::NeedMore).count();
            assert!(waits > 0 && waits < verdicts.len());
            assert!(verdicts[waits..].iter().all(|verdict| *verdict == Sniff::Yes), "{verdicts:?}");
        }
    }
}
