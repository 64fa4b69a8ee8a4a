//! What a peer may send and a reply may become, in numbers.

/// More than this is nothing that is counted here, in bytes or words, whatever a limit says: places are 32 bits.
const MAX: usize = u32::MAX as usize / 2;

/// How much one request may be; nothing is over 2 GiB, whatever is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Words of a request, its name among them.
    pub max_words: usize,
    /// Bytes of one word in an array.
    pub max_word_bytes: usize,
    /// Bytes of an inline command, without the end of its line.
    pub max_line_bytes: usize,
    /// Bytes of a whole request on the wire.
    pub max_request_bytes: usize,
}

impl RequestLimits {
    /// 1 048 576 words of at most 64 MiB, lines of 64 KiB, 64 MiB in all.
    pub const DEFAULT: Self = Self {
        max_words: 1 << 20,
        max_word_bytes: 64 << 20,
        max_line_bytes: 64 << 10,
        max_request_bytes: 64 << 20,
    };

    /// For a peer that has not logged in: 10 words of at most 16 KiB, lines of 16 KiB, 160 KiB in all. The first two
    /// are Redis's own, of CVE-2021-32675.
    pub const BEFORE_LOGIN: Self = Self {
        max_words: 10,
        max_word_bytes: 16 << 10,
        max_line_bytes: 16 << 10,
        max_request_bytes: 160 << 10,
    };

    /// The same of requests, and words in them, of at most so many bytes:
    /// [`Limits::max_message_bytes`](crate::Limits::max_message_bytes) of the server.
    #[must_use]
    pub const fn up_to(self, max_request_bytes: usize) -> Self {
        Self { max_word_bytes: max_request_bytes, max_request_bytes, ..self }
    }

    /// The same, as far as it can be kept to.
    #[must_use]
    pub(super) fn kept(self) -> Self {
        self.and(Self { max_words: MAX, max_word_bytes: MAX, max_line_bytes: MAX, max_request_bytes: MAX })
    }

    /// The smaller ones of both.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            max_words: self.max_words.min(other.max_words),
            max_word_bytes: self.max_word_bytes.min(other.max_word_bytes),
            max_line_bytes: self.max_line_bytes.min(other.max_line_bytes),
            max_request_bytes: self.max_request_bytes.min(other.max_request_bytes),
        }
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How much one reply of an upstream server may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Bytes of a whole reply on the wire, attributes before it included.
    pub max_reply_bytes: usize,
    /// Bytes of a line: of a status, an error, a number.
    pub max_line_bytes: usize,
    /// Levels of aggregates inside one another.
    pub max_depth: usize,
}

impl ReplyLimits {
    /// 1 GiB, lines of 64 KiB, 100 levels.
    pub const DEFAULT: Self = Self { max_reply_bytes: 1 << 30, max_line_bytes: 64 << 10, max_depth: 100 };
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
