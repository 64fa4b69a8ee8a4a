//! The next value of a stream: frames messages, takes definitions into the table on the way.
//!
//! Both directions read two values per RPC message with it. It never looks at what a value means, and at its inside
//! only where its type may hold interfaces: those bring definitions along, and go on in further messages.
//! Source: Go `encoding/gob` `decoder.go` (`recvMessage`, `decodeTypeSequence`).
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{
    cache::Shared,
    scan::{Stop, Walk, next_id},
    types::{TableLimits, Types},
    wire::{Reader, WireError},
};
use crate::error::{DecodeError, ValueError};
use bytes::BytesMut;
use std::{ops::Range, sync::Arc};

/// The tables of all connections of servers: clients of one program define the same types in the same order.
static TYPES: Shared<Types> = Shared::new();

/// Why a value cannot be had.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The value is broken, but its message has an end: the stream is in step.
    Value(ValueError),
    /// The stream is out of step.
    Stream(DecodeError),
}

impl From<DecodeError> for ReadError {
    fn from(error: DecodeError) -> Self {
        Self::Stream(error)
    }
}

/// Where in the buffer a value lies: its type's id, then its bytes, without definitions.
#[derive(Debug)]
pub(super) enum Span {
    Whole(Range<usize>),
    /// In pieces, in order.
    Pieces(Vec<Range<usize>>),
}

impl Span {
    /// Where the value lies once it is in one piece.
    pub(super) fn join(&self, bytes: &mut BytesMut) -> Range<usize> {
        let pieces = match self {
            Self::Whole(range) => return range.clone(),
            Self::Pieces(pieces) => pieces,
        };
        let start = pieces.first().map_or(0, |piece| piece.start);
        let mut end = start;
        for piece in pieces {
            // Pieces lie in the buffer in their order, so this only moves bytes to the front.
            bytes.copy_within(piece.clone(), end);
            end = end.saturating_add(piece.len());
        }
        start..end
    }
}

/// A value with interfaces that has begun.
#[derive(Debug)]
struct Scan {
    walk: Walk,
    pieces: Vec<Range<usize>>,
}

/// Reads the values of one direction of one connection.
#[derive(Debug)]
pub(super) struct ValueReader {
    types: Arc<Types>,
    /// Up to here the buffer has been understood.
    at: usize,
    scan: Option<Box<Scan>>,
    /// Whether the types have changed since [`Self::share`].
    changed: bool,
    /// What the types take, unless they are few.
    held_bytes: usize,
    max_types: usize,
}

impl ValueReader {
    /// The first value of a connection comes next; at most so many types may be defined.
    pub(super) fn new(max_types: usize) -> Self {
        Self { types: Arc::default(), at: 0, scan: None, changed: true, held_bytes: 0, max_types }
    }

    /// Lets so many types be defined from now on; those that are stay.
    pub(super) fn set_max_types(&mut self, max_types: usize) {
        self.max_types = max_types;
    }

    /// Bytes of memory that the types take, unless they are few.
    #[inline]
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub(super) fn types(&self) -> &Arc<Types> {
        &self.types
    }

    fn types_mut(&mut self) -> &mut Types {
        self.changed = true;
        Arc::make_mut(&mut self.types)
    }

    /// Lets the table be one with those of other connections that are equal to it, if it has changed.
    #[inline]
    pub(super) fn share(&mut self) {
        if std::mem::take(&mut self.changed) && self.types.is_small() {
            TYPES.share(&mut self.types);
        }
    }

    /// How much of the buffer has been understood: whole messages, the last value and its definitions included.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether nothing of the buffer has been understood.
    #[inline]
    pub(super) fn is_at_start(&self) -> bool {
        self.at == 0 && self.scan.is_none()
    }

    /// Says that what has been understood is gone from the buffer.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.at = 0;
    }

    /// The next value in `buf`; nothing if it is not complete yet, and asking again then costs nothing.
    ///
    /// # Errors
    /// [`ReadError::Stream`] if a message would end beyond `limit`, or a definition is bad.
    #[inline]
    pub(super) fn next(&mut self, buf: &[u8], limit: usize) -> Result<Option<Span>, ReadError> {
        loop {
            let Some(message) = message(buf, self.at, limit)? else {
                return Ok(None);
            };
            let content = buf.get(message.clone()).unwrap_or_default();
            let mut reader = Reader::new(content);
            let scan = match self.scan.take() {
                // Go takes an empty message for the end of the stream; as a value it is one that is not there.
                _ if content.is_empty() => return Err(self.broken(WireError::Corrupt("EOF"), &message)),
                Some(scan) => scan,
                None => match next_id(&mut reader) {
                    Ok(Ok(id)) => {
                        if !self.types.holds_interface(id) {
                            self.at = message.end;
                            return Ok(Some(Span::Whole(message)));
                        }
                        let walk = Walk::begin(&self.types, &mut reader, id);
                        let walk = walk.map_err(|error| self.broken(error, &message))?;
                        Box::new(Scan { walk, pieces: Vec::new() })
                    }
                    // A definition, as the message is not empty.
                    Ok(Err(_)) => {
                        self.define(&mut reader, &message)?;
                        if !reader.rest().is_empty() {
                            return Err(malformed(message.start, "extra data in buffer").into());
                        }
                        self.at = message.end;
                        continue;
                    }
                    Err(error) => return Err(self.broken(error, &message)),
                },
            };
            if let Some(span) = self.walk(scan, reader, &message)? {
                return Ok(Some(span));
            }
        }
    }

    /// Walks on from the start of what `reader` has of a message.
    fn walk(
        &mut self,
        mut scan: Box<Scan>,
        mut reader: Reader<'_>,
        message: &Range<usize>,
    ) -> Result<Option<Span>, ReadError> {
        let mut start = message.start;
        loop {
            let stop = scan.walk.run(&self.types, &mut reader);
            let stop = stop.map_err(|error| self.broken(error, message))?;
            let end = reader.at(message.end);
            if start < end {
                scan.pieces.push(start..end);
            }
            // Go begins a new one only where a type is defined inside the value.
            if scan.pieces.len() > self.max_types.saturating_add(1) {
                return Err(self.broken(WireError::Hostile("gob: value in too many pieces"), message));
            }
            match stop {
                Stop::Definition => {
                    self.define(&mut reader, message)?;
                    // The length of what follows, if that is not a message of its own.
                    if !reader.rest().is_empty() {
                        reader.uint().map_err(|error| self.broken(error, message))?;
                    }
                    start = reader.at(message.end);
                }
                Stop::Message => {
                    self.at = message.end;
                    self.scan = Some(scan);
                    return Ok(None);
                }
                Stop::End => {
                    self.at = message.end;
                    return Ok(Some(match &*scan.pieces {
                        [whole] => Span::Whole(whole.clone()),
                        _ => Span::Pieces(scan.pieces),
                    }));
                }
            }
        }
    }

    /// Takes in the definition that comes next.
    fn define(&mut self, reader: &mut Reader<'_>, message: &Range<usize>) -> Result<(), DecodeError> {
        let limits = TableLimits::new(self.max_types);
        let defined = reader.int().and_then(|number| {
            // i64::MIN has no counterpart, and is no type either.
            self.types_mut().define(number.saturating_neg(), reader, limits)
        });
        self.held_bytes = self.types.held_bytes();
        defined.map_err(|error| malformed(reader.at(message.end), error.what()))
    }

    /// Gives the value up; the next one starts after this message.
    #[cold]
    fn broken(&mut self, error: WireError, message: &Range<usize>) -> ReadError {
        self.at = message.end;
        ReadError::Value(error.into())
    }
}

/// The content of the message that starts at `at`, if all of it has arrived.
#[inline]
fn message(buf: &[u8], at: usize, limit: usize) -> Result<Option<Range<usize>>, DecodeError> {
    let mut reader = Reader::new(buf.get(at..).unwrap_or_default());
    let len = match reader.uint() {
        Ok(len) => len,
        Err(WireError::Eof) => return Ok(None),
        Err(error) => return Err(malformed(at, error.what())),
    };
    let start = reader.at(buf.len());
    match usize::try_from(len).ok().and_then(|len| start.checked_add(len)) {
        Some(end) if end <= limit => Ok((end <= buf.len()).then_some(start..end)),
        _ => Err(DecodeError::TooBig { len: len.saturating_add(start as u64), limit }),
    }
}

#[cold]
pub(super) fn malformed(at: usize, what: &'static str) -> DecodeError {
    DecodeError::Malformed { at, what }
}
