//! Ways to feed bytes, and random changes of them.

use crate::resp::{
    ReplyClass, ReplyError, ReplyLimits, ReplySkipper, RequestDecoder, RequestError, RequestLimits,
};
use bytes::{Buf, BytesMut};

/// The words of each request, and how many bytes are left or why there can be no more.
pub(super) type Requests = (Vec<Vec<Vec<u8>>>, Result<usize, RequestError>);

/// The class and the length of each reply, and how many bytes are left or why there can be no more.
pub(super) type Replies = (Vec<(ReplyClass, usize)>, Result<usize, ReplyError>);

/// Before and after the login, both with inline commands.
pub(super) fn logged_in() -> RequestDecoder {
    RequestDecoder::new(RequestLimits::DEFAULT)
}

pub(super) fn before_login() -> RequestDecoder {
    let mut decoder = logged_in();
    decoder.restrict(Some(RequestLimits::BEFORE_LOGIN));
    decoder
}

/// What `decoder` makes of the bytes in these pieces.
pub(super) fn feed<'a>(mut decoder: RequestDecoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Requests {
    let (mut buf, mut all) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(request)) => {
                    let words = decoder.words(&request);
                    assert!(!words.is_empty());
                    all.push(words.iter().map(<[u8]>::to_vec).collect());
                }
                Ok(None) => break,
                Err(error) => return (all, Err(error)),
            }
        }
    }
    (all, Ok(buf.len()))
}

/// The same, whole, split at every byte and one byte at a time, which must not differ.
pub(super) fn in_every_way(decoder: fn() -> RequestDecoder, bytes: &[u8]) -> Requests {
    let whole = feed(decoder(), [bytes]);
    assert_eq!(feed(decoder(), bytes.chunks(1)), whole, "{}", bytes.escape_ascii());
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        assert_eq!(feed(decoder(), [a, b]), whole, "{} at {at}", bytes.escape_ascii());
    }
    whole
}

/// What a skipper makes of the bytes in these pieces, with a buffer and without.
pub(super) fn skip<'a>(limits: ReplyLimits, pieces: impl IntoIterator<Item = &'a [u8]> + Clone) -> Replies {
    let with_buffer = skip_buffered(limits, pieces.clone());
    let (mut skipper, mut all, mut len) = (ReplySkipper::new(limits), Vec::new(), 0);
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            match skipper.feed(rest) {
                Ok(skipped) => {
                    len += skipped.len;
                    rest.advance(skipped.len);
                    if let Some(class) = skipped.ended {
                        all.push((class, std::mem::take(&mut len)));
                    }
                    assert_eq!(skipper.is_inside(), len > 0);
                }
                Err(error) => {
                    assert_eq!((&all, Err(error)), (&with_buffer.0, with_buffer.1));
                    return with_buffer;
                }
            }
        }
    }
    assert_eq!((all, Ok(len)), with_buffer);
    with_buffer
}

fn skip_buffered<'a>(limits: ReplyLimits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Replies {
    let (mut skipper, mut buf, mut all) = (ReplySkipper::new(limits), BytesMut::new(), Vec::new());
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match skipper.skip(&buf) {
                Ok(Some((len, class))) => {
                    buf.advance(len);
                    all.push((class, len));
                }
                Ok(None) => break,
                Err(error) => return (all, Err(error)),
            }
        }
    }
    (all, Ok(buf.len()))
}

/// The same, whole, split at every byte and one byte at a time, which must not differ.
pub(super) fn skip_in_every_way(limits: ReplyLimits, bytes: &[u8]) -> Replies {
    let whole = skip(limits, [bytes]);
    assert_eq!(skip(limits, bytes.chunks(1)), whole, "{}", bytes.escape_ascii());
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        assert_eq!(skip(limits, [a, b]), whole, "{} at {at}", bytes.escape_ascii());
    }
    whole
}

/// Numbers that only look random, the same in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Changes a few bytes: flips, sets, inserts, cuts, repeats.
pub(super) fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    const INTERESTING: &[u8] = b"\0\r\n*$+-:_#,(!=%~>|?0123456789 \"'\\x\xff";
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let interesting = INTERESTING[random.below(INTERESTING.len())];
        match (random.below(6), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << random.below(8),
            (1, Some(byte)) => *byte = random.next() as u8,
            (2, Some(byte)) => *byte = interesting,
            (3, Some(_)) => bytes.insert(at, interesting),
            (4, Some(_)) => drop(bytes.remove(at)),
            (_, Some(_)) => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {}
        }
    }
}
