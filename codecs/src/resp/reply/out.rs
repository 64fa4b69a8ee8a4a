//! The end of the outgoing buffer, as far as one reply may reach.

use crate::{
    error::EncodeError,
    resp::{version::Version, write},
};
use bytes::BytesMut;
use std::fmt;

pub(super) type Result<T> = std::result::Result<T, EncodeError>;

/// Takes what a reply consists of. Every method fails that would make the buffer longer than the reply may make it.
#[derive(Debug)]
pub(super) struct Out<'o> {
    buf: &'o mut BytesMut,
    /// How long the buffer may become.
    end: usize,
    pub(super) version: Version,
}

/// A header whose number is known later: where it stands, and how long it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    at: usize,
    len: usize,
}

impl<'o> Out<'o> {
    #[inline]
    pub(super) fn new(buf: &'o mut BytesMut, end: usize, version: Version) -> Self {
        Self { buf, end, version }
    }

    /// Whether so many bytes more are allowed.
    #[inline]
    fn check(&self, len: usize) -> Result<()> {
        if len <= self.end.saturating_sub(self.buf.len()) { Ok(()) } else { Err(too_large()) }
    }

    /// A type with a length or a count; where it stands, as the number may turn out to be another.
    #[inline]
    pub(super) fn header(&mut self, kind: u8, number: usize) -> Result<Header> {
        self.check(digits(number) + 3)?;
        let at = self.buf.len();
        write::header(kind, number, self.buf);
        Ok(Header { at, len: self.buf.len() - at })
    }

    /// A type with a text that has no end of a line in it.
    #[inline]
    pub(super) fn line(&mut self, kind: u8, text: &[u8]) -> Result<()> {
        self.check(text.len().saturating_add(3))?;
        write::line(kind, text, self.buf);
        Ok(())
    }

    pub(super) fn status(&mut self, text: &str) -> Result<()> {
        self.check(text.len().saturating_add(3))?;
        write::clean_line(b'+', text, self.buf);
        Ok(())
    }

    #[inline]
    pub(super) fn bulk(&mut self, bytes: &[u8]) -> Result<()> {
        self.check(bytes.len().saturating_add(digits(bytes.len()) + 5))?;
        write::header(b'$', bytes.len(), self.buf);
        self.buf.extend_from_slice(bytes);
        self.buf.extend_from_slice(b"\r\n");
        Ok(())
    }

    pub(super) fn verbatim(&mut self, text: &str) -> Result<()> {
        const FORMAT: &[u8] = b"txt:";
        if self.version == Version::Resp2 {
            return self.bulk(text.as_bytes());
        }
        let len = text.len().saturating_add(FORMAT.len());
        self.check(len.saturating_add(digits(len) + 5))?;
        write::header(b'=', len, self.buf);
        self.buf.extend_from_slice(FORMAT);
        self.buf.extend_from_slice(text.as_bytes());
        self.buf.extend_from_slice(b"\r\n");
        Ok(())
    }

    #[inline]
    pub(super) fn null(&mut self) -> Result<()> {
        match self.version {
            Version::Resp2 => self.line(b'$', b"-1"),
            Version::Resp3 => self.line(b'_', b""),
        }
    }

    /// The text that `write` writes: a line of that kind in version 3, else a bulk.
    pub(super) fn formatted(
        &mut self,
        kind: Option<u8>,
        write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result,
    ) -> Result<()> {
        // Most texts have 10 to 99 bytes, and their length then two digits.
        let header = match kind.filter(|_| self.version == Version::Resp3) {
            Some(kind) => {
                self.put(&[kind])?;
                None
            }
            None => Some(self.header(b'$', 10)?),
        };
        let start = self.buf.len();
        let mut text = Text { out: self, result: Ok(()) };
        let written = write(&mut text);
        text.result?;
        written.map_err(|_| EncodeError::new("a value could not be formatted"))?;
        let len = self.buf.len() - start;
        self.put(b"\r\n")?;
        header.map_or(Ok(()), |header| self.correct(header, b'$', len))
    }

    /// Writes the header again, with another number; what stands behind it moves.
    pub(super) fn correct(&mut self, header: Header, kind: u8, number: usize) -> Result<()> {
        let Header { at, len } = header;
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(number).as_bytes();
        let (end, wanted) = (self.buf.len(), digits.len() + 3);
        self.check(wanted.saturating_sub(len))?;
        self.buf.resize(end + wanted.saturating_sub(len), 0);
        self.buf.copy_within(at + len..end, at + wanted);
        self.buf.truncate(end - len + wanted);
        if let Some([first, rest @ ..]) = self.buf.get_mut(at..at + wanted)
            && let Some((text, line_end)) = rest.split_at_mut_checked(digits.len())
        {
            *first = kind;
            text.copy_from_slice(digits);
            line_end.copy_from_slice(b"\r\n");
        }
        Ok(())
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.check(bytes.len())?;
        self.buf.extend_from_slice(bytes);
        Ok(())
    }
}

/// Decimal digits of a number.
#[inline]
fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cold]
pub(super) fn too_large() -> EncodeError {
    EncodeError::new("reply too large")
}

/// Takes formatted text, and keeps why it could not.
struct Text<'t, 'o> {
    out: &'t mut Out<'o>,
    result: Result<()>,
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.result = self.out.put(text.as_bytes());
        self.result.as_ref().map(|_| ()).map_err(|_| fmt::Error)
    }
}
