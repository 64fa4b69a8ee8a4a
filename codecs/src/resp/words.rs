//! The words of a request, as places in its bytes.

use crate::text::Token;
use std::ops::Range;

/// Tokens that need no memory but the stack's.
const ON_THE_STACK: usize = 16;

/// Where one word of a request lies in the request's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    start: u32,
    len: u32,
}

impl Word {
    /// Within the limit of a request: both fit.
    #[inline]
    pub(super) fn new(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    /// The place in the request's bytes.
    #[inline]
    pub fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start.saturating_add(self.len as usize)
    }

    /// The word in the bytes of its request; nothing of other ones.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or_default()
    }
}

/// The words of one request: its name, then what goes with it. Any bytes.
///
/// ```
/// use rpcwrap_codecs::{resp::{RequestDecoder, RequestLimits}, text::TextArgs};
/// let mut decoder = RequestDecoder::new(RequestLimits::DEFAULT);
/// let mut buf = (&b"Arith.Multiply 7 8\r\n"[..]).into();
/// let request = decoder.decode(&mut buf).unwrap().unwrap();
/// let words = decoder.words(&request);
/// assert!(words.is(0, "ARITH.MULTIPLY"));
/// let product = words.skip(1).with_tokens(|tokens| {
///     TextArgs::Positional(tokens).decode(None).map(|(a, b): (i64, i64)| a * b)
/// });
/// assert_eq!(product, Ok(56));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    bytes: &'a [u8],
    words: &'a [Word],
}

impl<'a> Words<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], words: &'a [Word]) -> Self {
        Self { bytes, words }
    }

    /// How many there are.
    #[inline]
    pub fn len(self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.words.is_empty()
    }

    /// The word in that place, counted from 0.
    #[inline]
    pub fn get(self, at: usize) -> Option<&'a [u8]> {
        self.words.get(at).map(|word| word.of(self.bytes))
    }

    /// The first word, which says what is asked; empty if there is none.
    #[inline]
    pub fn name(self) -> &'a [u8] {
        self.get(0).unwrap_or_default()
    }

    /// Whether the word in that place is `name`, in any case of ASCII letters.
    #[inline]
    pub fn is(self, at: usize, name: &str) -> bool {
        self.get(at).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// All but the first `count`.
    #[inline]
    #[must_use]
    pub fn skip(self, count: usize) -> Self {
        Self { words: self.words.get(count..).unwrap_or_default(), ..self }
    }

    /// Each of them, in their order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator + Clone {
        self.words.iter().map(move |word| word.of(self.bytes))
    }

    /// Hands them over as plain tokens, for [`TextArgs`](crate::text::TextArgs). Up to 16 cost no memory, more 24 bytes
    /// each until `then` returns.
    pub fn with_tokens<R>(self, then: impl FnOnce(&[Token<'a>]) -> R) -> R {
        let mut few = [Token::Null; ON_THE_STACK];
        match few.get_mut(..self.len()) {
            Some(tokens) => {
                for (token, word) in tokens.iter_mut().zip(self.iter()) {
                    *token = Token::Plain(word);
                }
                then(tokens)
            }
            None => then(&self.iter().map(Token::Plain).collect::<Vec<_>>()),
        }
    }
}
