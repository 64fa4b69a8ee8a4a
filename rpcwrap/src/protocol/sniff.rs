//! Which protocol a connection speaks, from its first bytes: pure, decided once, never per message.
//!
//! Walk in (class, registration) order. The first `Yes` wins unless a protocol of a strictly stronger class still
//! says `NeedMore`. All `No` is unknown.

use crate::protocol::{Registered, Sniff};
use std::sync::Arc;

/// The most bytes looked at before a connection counts as unknown.
pub(crate) const MAX_PREFIX: usize = 8 << 10;
/// Blank lines before an opening that are dropped, as RFC 9112 section 2.2 asks.
const MAX_BLANK_LINES: usize = 4;

/// What the bytes so far allow to say.
#[derive(Clone, Copy)]
pub(crate) enum Choice<'t> {
    /// This protocol.
    Found(&'t Arc<Registered>),
    /// Not enough bytes.
    NeedMore,
    /// No protocol will ever want it.
    Unknown,
}

/// Whose a connection is, as far as its first bytes tell, see [`Server::sniff`](crate::Server::sniff).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The protocol of this name takes it.
    Protocol(&'static str),
    /// More bytes are needed.
    NeedMore,
    /// No protocol will take it, whatever follows.
    NoProtocol,
}

/// What `prefix` says to `protocols`, blank lines in front of it dropped.
pub(crate) fn verdict(prefix: &[u8], protocols: &[Arc<Registered>]) -> Verdict {
    let head = after_blank_lines(prefix).and_then(|blank| prefix.get(blank..));
    match head.map_or(Choice::Unknown, |head| choose(head, protocols)) {
        Choice::Found(registered) => Verdict::Protocol(registered.protocol.name()),
        Choice::NeedMore if prefix.len() < MAX_PREFIX => Verdict::NeedMore,
        Choice::NeedMore | Choice::Unknown => Verdict::NoProtocol,
    }
}

/// Asks `protocols`, sorted by class, about `head`.
pub(crate) fn choose<'t>(
    head: &[u8],
    protocols: impl IntoIterator<Item = &'t Arc<Registered>>,
) -> Choice<'t> {
    // The blank line that may be coming belongs to no protocol.
    if matches!(head, b"" | b"\r") {
        return Choice::NeedMore;
    }
    let mut waiting = None;
    for registered in protocols {
        let protocol = &registered.protocol;
        match protocol.sniff(head) {
            Sniff::No => {}
            Sniff::Yes => {
                let stronger_waits = waiting.is_some_and(|class| class < protocol.class());
                return if stronger_waits { Choice::NeedMore } else { Choice::Found(registered) };
            }
            Sniff::NeedMore => waiting = waiting.or(Some(protocol.class())),
        }
    }
    if waiting.is_some() { Choice::NeedMore } else { Choice::Unknown }
}

/// How many bytes of blank lines `prefix` starts with; `None` if they are more lines than any client sends, unless JSON is
/// behind them, which may have as many.
pub(crate) fn after_blank_lines(prefix: &[u8]) -> Option<usize> {
    let (mut at, mut lines) = (0, 0);
    loop {
        at += match prefix.get(at..) {
            Some([b'\n', ..]) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => return Some(at),
        };
        lines += 1;
        if lines > MAX_BLANK_LINES {
            let rest = prefix.get(at..).unwrap_or_default().trim_ascii_start();
            return matches!(rest, [] | [b'{' | b'[', ..]).then_some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Class, Conn, ConnCx, Protocol, ServeFuture, Served};

    struct Fixed(&'static str, Class, fn(&[u8]) -> Sniff);

    impl Protocol for Fixed {
        fn name(&self) -> &'static str {
            self.0
        }
        fn class(&self) -> Class {
            self.1
        }
        fn prefaces(&self) -> Vec<Vec<u8>> {
            Vec::new()
        }
        fn sniff(&self, head: &[u8]) -> Sniff {
            (self.2)(head)
        }
        fn serve(self: Arc<Self>, _: Conn, _: ConnCx) -> ServeFuture {
            Box::pin(async { Ok(Served::Closed) })
        }
    }

    fn table() -> Vec<Arc<Registered>> {
        let protocols = [
            Fixed("prpc", Class::Magic, |head| Sniff::magic(head, b"PRPC")),
            Fixed("letters", Class::Grammar, |head| match head.first() {
                None => Sniff::NeedMore,
                Some(first) if first.is_ascii_uppercase() => Sniff::Yes,
                Some(_) => Sniff::No,
            }),
            Fixed("middle", Class::Weak, |head| match head.get(4..8) {
                None => Sniff::NeedMore,
                Some(b"\x01\x01\x01\x01") => Sniff::Yes,
                Some(_) => Sniff::No,
            }),
        ];
        protocols.into_iter().map(|protocol| Arc::new(Registered::new(Arc::new(protocol)))).collect()
    }

    /// The protocol's name, `more` or `none`.
    fn chosen(head: &[u8], table: &[Arc<Registered>]) -> &'static str {
        match choose(head, table) {
            Choice::Found(registered) => registered.protocol.name(),
            Choice::NeedMore => "more",
            Choice::Unknown => "none",
        }
    }

    #[test]
    fn the_choice_rule() {
        let table = table();
        for (head, wanted) in [
            (&b""[..], "more"),
            (b"\r", "more"),
            (b"P", "more"),
            (b"PR", "more"),
            (b"PRPC", "prpc"),
            (b"PRI ", "letters"),
            (b"G", "letters"),
            (b"\x01\x01\x01\x01", "more"),
            (b"\x01\x01\x01\x01\x01\x01\x01\x01", "middle"),
            (b"\x02\x02\x02\x02\x02\x02\x02\x02", "none"),
        ] {
            assert_eq!(chosen(head, &table), wanted, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn blank_lines() {
        for (prefix, wanted) in [
            (&b""[..], Some(0)),
            (b"GET", Some(0)),
            (b"\r", Some(0)),
            (b"\rG", Some(0)),
            (b"\r\n\nGET", Some(3)),
            (b"\r\n\r\n\0\r\nQUIT\n", Some(4)),
            (b"\n\n\n\n", Some(4)),
            (b"\n\n\n\n\n", Some(5)),
            (b"\n\n\n\n\n \n{", Some(5)),
            (b"\n\n\n\n\nGET", None),
            (b"\r\n\r\n\r\n\r\n\r\nGET", None),
        ] {
            assert_eq!(after_blank_lines(prefix), wanted, "{}", prefix.escape_ascii());
        }
    }
}
