//! Requests: a server's reading half, and what writes them.
//!
//! The decoder goes on where it stopped: no byte is looked at twice, however small the pieces are that it comes in. Its
//! words are places in the read buffer.

use super::{
    error::RequestError,
    inline,
    length::{LengthError, length, short},
    limits::RequestLimits,
    words::{Word, Words},
    write::header,
};
use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// Words whose room is kept for the requests that follow.
const KEPT_WORDS: usize = 1024;

/// Where the decoder stopped.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Before the first byte of a request.
    Start,
    /// In an array of which `left` words are to come. The next one's length stands at `at`, or has been read and is
    /// `len`, and the word stands there.
    Array { left: usize, at: usize, len: Option<usize> },
    /// In an inline command; its first `scanned` bytes hold no end of a line.
    Line { scanned: usize },
}

/// Reads the requests of one connection.
///
/// Shape: `*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`, a flat array of bulks, or an inline command, `ECHO "hi"\r\n`, which
/// ends in LF or CRLF and has its words split, quoted and escaped as Redis has it. Blank lines and arrays of no words
/// ask for nothing and are answered by nothing.
///
/// Lengths are strict: decimal digits, without `+` and leading zeros, in lines of at most 32 bytes. They are held to
/// the limits as soon as they are announced, and nothing is reserved for them. Beside the read buffer a request takes
/// 8 bytes for each word that has arrived.
///
/// ```
/// use rpcwrap_codecs::resp::{RequestDecoder, RequestLimits};
/// let mut decoder = RequestDecoder::new(RequestLimits::DEFAULT);
/// decoder.restrict(Some(RequestLimits::BEFORE_LOGIN));
/// let mut buf = (&b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\nPI"[..]).into();
/// let request = decoder.decode(&mut buf).unwrap().unwrap();
/// assert_eq!(decoder.words(&request).iter().collect::<Vec<_>>(), [&b"AUTH"[..], b"secret"]);
/// decoder.restrict(None);
/// assert_eq!(decoder.decode(&mut buf), Ok(None));
/// buf.extend_from_slice(b"NG\r\n");
/// assert_eq!(decoder.decode(&mut buf).unwrap().unwrap(), "PING\r\n");
/// ```
#[derive(Debug)]
pub struct RequestDecoder {
    limits: RequestLimits,
    /// The smaller ones of `limits` and of what was told beside them.
    effective: RequestLimits,
    restriction: Option<RequestLimits>,
    inline: bool,
    state: State,
    words: Vec<Word>,
}

impl RequestDecoder {
    /// A decoder for one new connection, which takes inline commands.
    pub fn new(limits: RequestLimits) -> Self {
        let limits = limits.kept();
        Self {
            limits,
            effective: limits,
            restriction: None,
            inline: true,
            state: State::Start,
            words: Vec::new(),
        }
    }

    /// Sets other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: RequestLimits) {
        self.limits = limits.kept();
        self.apply();
    }

    /// Sets what holds beside the limits as long as the peer has not logged in, by
    /// [`RequestLimits::BEFORE_LOGIN`] for one; errors then say so. `None` lifts it.
    pub fn restrict(&mut self, to: Option<RequestLimits>) {
        self.restriction = to;
        self.apply();
    }

    /// Whether requests may be inline commands from now on; without them only arrays and blank lines are.
    pub fn set_inline(&mut self, allowed: bool) {
        self.inline = allowed;
    }

    fn apply(&mut self) {
        self.effective = self.restriction.map_or(self.limits, |restriction| self.limits.and(restriction));
    }

    /// Takes one request from the front of `buf`: its bytes, whose [`words`](Self::words) are known until the next one
    /// is asked for.
    ///
    /// `Ok(None)`: not complete yet; what asks for nothing is gone, the rest untouched and not to be changed but at its
    /// end.
    ///
    /// # Errors
    /// The stream is out of step: the peer gets what [`RequestError::write`] makes of it, and the connection closes.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Bytes>, RequestError> {
        loop {
            match self.parse(buf)? {
                None => return Ok(None),
                Some(len) if self.words.is_empty() => buf.advance(len),
                Some(len) => return Ok(Some(buf.split_to(len).freeze())),
            }
        }
    }

    /// Finds the request at the front of `buf`, for callers with a buffer of their own: how many bytes it has, or
    /// nothing while it is not complete.
    ///
    /// After `None` the next call has to be given the same bytes, and may be given more behind them. After `Some` it
    /// goes on with the next request, whose first byte has to be the first of `buf` then. A request without words asks
    /// for nothing. The quotes and escapes of an inline command are undone in `buf`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline]
    pub fn parse(&mut self, buf: &mut [u8]) -> Result<Option<usize>, RequestError> {
        match self.state {
            State::Start => match buf {
                [b'*', ..] => self.array(buf),
                [] => Ok(None),
                [first, ..] => {
                    let first = *first;
                    self.line(buf, first)
                }
            },
            State::Array { left, at, len } => self.bulks(buf, left, at, len),
            State::Line { scanned } => self.scan(buf, scanned),
        }
    }

    /// The words of the request that was found last, whose bytes are `request`.
    #[inline]
    pub fn words<'a>(&'a self, request: &'a [u8]) -> Words<'a> {
        Words::new(request, &self.words)
    }

    /// Bytes of memory that the places of words take.
    pub fn held_bytes(&self) -> usize {
        self.words.capacity() * size_of::<Word>()
    }

    #[inline]
    fn begin(&mut self) {
        self.words.clear();
        if self.words.capacity() > KEPT_WORDS {
            self.words.shrink_to(KEPT_WORDS);
        }
    }

    /// An array from its first byte on.
    #[inline]
    fn array(&mut self, buf: &[u8]) -> Result<Option<usize>, RequestError> {
        let (count, rest) = match short(b'*', buf) {
            Some(read) => read,
            None => match length(buf) {
                // As Redis has it, a negative number of words is none.
                Ok(Some((count, rest))) => (usize::try_from(count.max(0)).unwrap_or(usize::MAX), rest),
                Ok(None) => return Ok(None),
                Err(LengthError::Invalid) => return Err(RequestError::MultibulkLength),
                Err(LengthError::TooLong) => return Err(RequestError::LongMultibulkLength),
            },
        };
        self.begin();
        if count > self.effective.max_words {
            return Err(match count > self.limits.max_words {
                true => RequestError::MultibulkLength,
                false => RequestError::UnauthenticatedMultibulkLength,
            });
        }
        self.bulks(buf, count, buf.len() - rest.len(), None)
    }

    /// The rest of an array.
    #[inline]
    fn bulks(
        &mut self,
        buf: &[u8],
        mut left: usize,
        at: usize,
        mut len: Option<usize>,
    ) -> Result<Option<usize>, RequestError> {
        let Self {
            limits, effective: RequestLimits { max_word_bytes, max_request_bytes, .. }, words, ..
        } = self;
        let (max_word_bytes, max_request_bytes) = (*max_word_bytes, *max_request_bytes);
        let mut rest = buf.get(at..).unwrap_or_default();
        while left > 0 {
            let announced = match len {
                Some(len) => len,
                None => {
                    let (announced, after) = match short(b'$', rest) {
                        Some(read) => read,
                        None => match bulk_length(rest)? {
                            Some(read) => read,
                            None => break,
                        },
                    };
                    if announced > max_word_bytes {
                        return Err(match announced > limits.max_word_bytes {
                            true => RequestError::BulkLength,
                            false => RequestError::UnauthenticatedBulkLength,
                        });
                    }
                    rest = after;
                    let end = (buf.len() - rest.len()).saturating_add(announced + 2);
                    if end > max_request_bytes {
                        return Err(RequestError::TooBig { len: end, limit: max_request_bytes });
                    }
                    announced
                }
            };
            let behind = rest.split_at_checked(announced).map_or(&[][..], |(_, behind)| behind);
            let Some((end, after)) = behind.split_first_chunk() else {
                len = Some(announced);
                break;
            };
            if end != b"\r\n" {
                return Err(RequestError::BulkEnd);
            }
            words.push(Word::new(buf.len() - rest.len(), announced));
            rest = after;
            left -= 1;
            len = None;
        }
        let at = buf.len() - rest.len();
        if left > 0 {
            self.state = State::Array { left, at, len };
            return Ok(None);
        }
        self.state = State::Start;
        Ok(Some(at))
    }

    /// An inline command from its first byte on.
    #[cold]
    fn line(&mut self, buf: &mut [u8], first: u8) -> Result<Option<usize>, RequestError> {
        let may_be = self.inline || matches!(first, b'\r' | b'\n');
        if !may_be || is_reply_type(first) {
            return Err(RequestError::NotARequest { got: first });
        }
        self.begin();
        self.scan(buf, 0)
    }

    /// The rest of an inline command.
    fn scan(&mut self, buf: &mut [u8], scanned: usize) -> Result<Option<usize>, RequestError> {
        let RequestLimits { max_line_bytes, max_request_bytes, max_words, .. } = self.effective;
        let max = max_line_bytes.min(max_request_bytes.saturating_sub(1));
        // One more byte may be the end of the line.
        let window = buf.get(..=max).unwrap_or(buf);
        let Some(found) = window.get(scanned..).and_then(|new| memchr2(b'\n', 0, new)) else {
            if buf.len() > max {
                return Err(RequestError::LongLine);
            }
            self.state = State::Line { scanned: buf.len() };
            return Ok(None);
        };
        let end = scanned + found;
        let (line, rest) = buf.split_at_mut_checked(end).unwrap_or_default();
        if rest.first() == Some(&0) {
            return Err(RequestError::ZeroByte);
        }
        inline::split(line, max_words, &mut self.words)?;
        let words = Words::new(line, &self.words);
        if words.is(0, "POST") || words.is(0, "Host:") {
            return Err(RequestError::Http);
        }
        if !self.inline && !words.is_empty() {
            return Err(RequestError::NotARequest { got: words.name().first().copied().unwrap_or(b'"') });
        }
        self.state = State::Start;
        Ok(Some(end + 1))
    }
}

/// The length of the word at the front of `rest`, and what follows; nothing while its line is not complete.
fn bulk_length(rest: &[u8]) -> Result<Option<(usize, &[u8])>, RequestError> {
    match rest {
        [b'$', ..] => match length(rest) {
            // A negative one is over every limit.
            Ok(read) => Ok(read.map(|(len, after)| (usize::try_from(len).unwrap_or(usize::MAX), after))),
            Err(LengthError::Invalid) => Err(RequestError::BulkLength),
            Err(LengthError::TooLong) => Err(RequestError::LongBulkLength),
        },
        [] => Ok(None),
        [got, ..] => Err(RequestError::NotABulk { got: *got }),
    }
}

/// Whether a reply of RESP starts with this byte. No request does, in either form.
pub fn is_reply_type(byte: u8) -> bool {
    matches!(
        byte,
        b'$' | b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'%' | b'~' | b'>' | b'=' | b'(' | b'|' | b'!'
    )
}

/// Appends one request to `out`, an array of bulks; none without a word.
///
/// ```
/// use rpcwrap_codecs::resp;
/// let mut out = bytes::BytesMut::new();
/// resp::encode_request(["ECHO", "hi"], &mut out);
/// assert_eq!(out, "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n");
/// ```
pub fn encode_request<I>(words: I, out: &mut BytesMut)
where
    I: IntoIterator<Item: AsRef<[u8]>, IntoIter: ExactSizeIterator>,
{
    let words = words.into_iter();
    header(b'*', words.len(), out);
    for word in words {
        let word = word.as_ref();
        header(b'$', word.len(), out);
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
