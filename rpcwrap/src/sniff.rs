//! Which protocol a connection speaks, from its first bytes: pure, decided once, never per message.
//!
//! Walk in (class, registration) order. The first `Yes` wins unless a protocol of a strictly stronger class still
//! says `NeedMore`. All `No` is unknown.

use crate::protocol::{Protocol, Sniff};
use std::sync::Arc;

/// The most bytes looked at before a connection counts as unknown.
pub(crate) const MAX_PREFIX: usize = 8 << 10;

/// What the bytes so far allow to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The protocol at this index.
    Found(usize),
    /// Not enough bytes.
    NeedMore,
    /// No protocol will ever want it.
    Unknown,
}

/// Asks `protocols`, sorted by class, about `head`.
pub(crate) fn choose(head: &[u8], protocols: &[Arc<dyn Protocol>]) -> Choice {
    let mut waiting = None;
    for (index, protocol) in protocols.iter().enumerate() {
        match protocol.sniff(head) {
            Sniff::No => {}
            Sniff::Yes => {
                let stronger_waits = waiting.is_some_and(|class| class < protocol.class());
                return if stronger_waits { Choice::NeedMore } else { Choice::Found(index) };
            }
            Sniff::NeedMore => waiting = waiting.or(Some(protocol.class())),
        }
    }
    match waiting {
        Some(_) => Choice::NeedMore,
        // Where one protocol is all there is to choose, it says itself what is wrong with the bytes.
        None if protocols.len() == 1 => Choice::Found(0),
        None => Choice::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Class, Conn, ConnCx, ServeFuture, Served};

    struct Fixed(&'static str, Class, fn(&[u8]) -> Sniff);

    impl Protocol for Fixed {
        fn name(&self) -> &'static str {
            self.0
        }
        fn class(&self) -> Class {
            self.1
        }
        fn sniff(&self, head: &[u8]) -> Sniff {
            (self.2)(head)
        }
        fn serve(self: Arc<Self>, _: Conn, _: ConnCx) -> ServeFuture {
            Box::pin(async { Ok(Served::Closed) })
        }
    }

    fn magic(head: &[u8], magic: &[u8]) -> Sniff {
        match () {
            () if head.starts_with(magic) => Sniff::Yes,
            () if magic.starts_with(head) => Sniff::NeedMore,
            () => Sniff::No,
        }
    }

    fn table() -> Vec<Arc<dyn Protocol>> {
        vec![
            Arc::new(Fixed("prpc", Class::Magic, |head| magic(head, b"PRPC"))),
            Arc::new(Fixed("letters", Class::Grammar, |head| match head.first() {
                None => Sniff::NeedMore,
                Some(first) if first.is_ascii_uppercase() => Sniff::Yes,
                Some(_) => Sniff::No,
            })),
            Arc::new(Fixed("middle", Class::Weak, |head| match head.get(4..8) {
                None => Sniff::NeedMore,
                Some(b"\x01\x01\x01\x01") => Sniff::Yes,
                Some(_) => Sniff::No,
            })),
        ]
    }

    #[test]
    fn the_choice_rule() {
        let table = table();
        for (head, wanted) in [
            (&b""[..], Choice::NeedMore),
            (b"P", Choice::NeedMore),
            (b"PR", Choice::NeedMore),
            (b"PRPC", Choice::Found(0)),
            (b"PRI ", Choice::Found(1)),
            (b"G", Choice::Found(1)),
            (b"\x01\x01\x01\x01", Choice::NeedMore),
            (b"\x01\x01\x01\x01\x01\x01\x01\x01", Choice::Found(2)),
            (b"\x02\x02\x02\x02\x02\x02\x02\x02", Choice::Unknown),
        ] {
            assert_eq!(choose(head, &table), wanted, "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn one_protocol_gets_everything_that_is_not_undecided() {
        let table = table().split_off(1)[..1].to_vec();
        assert_eq!(choose(b"", &table), Choice::NeedMore);
        assert_eq!(choose(b"\xff", &table), Choice::Found(0));
    }
}
