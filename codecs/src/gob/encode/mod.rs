//! Whole messages: a header, then an argument or a reply, each behind the definitions it needs.
//!
//! The writing half of both sides of a connection. The value is written first and nothing of a message goes out, or
//! counts as defined, before all of it is there. Knows neither sockets nor services.
//! Source: Go `net/rpc` `gobServerCodec.WriteResponse`, `gobClientCodec.WriteRequest`.

mod shown;

use super::{
    define::{Field, Form, HEADER, Headers, LONG_HEADER, Table},
    ser::{self, Fault, Seen, Shape, Sink, Structs},
    types::Id,
    wire::{put_bytes, put_int, put_uint},
};
use crate::{
    codec::CallOptions,
    error::EncodeError,
    message::{ErrorReply, Request},
    schema::TypeOf,
};
use bytes::{BufMut, BytesMut};
use serde::Serialize;
use shown::{Shown, ShownTypes};
use std::{borrow::Cow, time::Duration};

/// What is kept of a buffer between messages, in bytes.
const KEPT_BYTES: usize = 64 << 10;

/// A whole value that needs no definition: the int 0. Go reads and drops what comes with an error.
const ZERO: [u8; 4] = [3, 4, 0, 0];

static REQUEST_HEADERS: Headers = [
    Form::Struct {
        name: "Request",
        fields: Cow::Borrowed(&[Field::new("ServiceMethod", Id::STRING), Field::new("Seq", Id::UINT)]),
    },
    Form::Struct {
        name: "Request",
        fields: Cow::Borrowed(&[
            Field::new("ServiceMethod", Id::STRING),
            Field::new("Seq", Id::UINT),
            Field::new("Timeout", Id::INT),
            Field::new("Details", Id::BOOL),
        ]),
    },
];

static REPLY_HEADERS: Headers = [
    Form::Struct {
        name: "Response",
        fields: Cow::Borrowed(&[
            Field::new("ServiceMethod", Id::STRING),
            Field::new("Seq", Id::UINT),
            Field::new("Error", Id::STRING),
        ]),
    },
    Form::Struct {
        name: "Response",
        fields: Cow::Borrowed(&[
            Field::new("ServiceMethod", Id::STRING),
            Field::new("Seq", Id::UINT),
            Field::new("Error", Id::STRING),
            Field::new("Code", Id::STRING),
            Field::new("Data", Id::STRING),
        ]),
    },
];

/// Writes the replies of one connection.
#[derive(Debug)]
pub struct ReplyEncoder {
    values: Values,
}

impl Default for ReplyEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplyEncoder {
    /// For a new connection, whose peer knows no types yet.
    pub fn new() -> Self {
        Self { values: Values::new(&REPLY_HEADERS) }
    }

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// Shape: `Response{ServiceMethod, Seq, Error: ""}`, then the value, each behind the definitions of types that
    /// this connection has not seen yet. The value goes out as `type_of` says where that is given, static, and what
    /// the value turns out to be; else as the value itself shows, without what it does not show. `()` is `struct{}`.
    ///
    /// # Errors
    /// Gob has no form for the value: variants with fields, lists of unlike elements, an empty list of unknown type, a
    /// top-level `None`, 128-bit integers, over 100 levels. `out` is as it was, and no definition is lost.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        request: &Request,
        reply: &T,
        type_of: Option<&TypeOf>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        self.values.table.settle();
        let method = request.service_method();
        let ready = self.values.write(method, reply, type_of)?;
        self.values.put_header(HEADER, out, |out| {
            put_common(out, method, request.seq());
        });
        self.values.put_value(ready, out);
        Ok(())
    }

    /// Appends one whole error reply to `out`: `Error` has the text, the body is the int 0.
    ///
    /// A peer that asked for details gets a header of another type with `Code` (if there is one) and `Data` (JSON in a
    /// string, if there is some) behind `Error`; Go skips such fields.
    pub fn encode_error(&mut self, request: &Request, error: &ErrorReply, out: &mut BytesMut) {
        let code = Some(error.code.as_bytes()).filter(|code| request.details() && !code.is_empty());
        let data = error.data.as_ref().filter(|_| request.details());
        let id = if code.is_some() || data.is_some() { LONG_HEADER } else { HEADER };
        self.values.put_header(id, out, |out| {
            let mut last = put_common(out, request.service_method(), request.seq());
            put_text_field(out, &mut last, 3, &error.text_for(request));
            if let Some(code) = code {
                put_text_field(out, &mut last, 4, code);
            }
            if let Some(data) = data {
                put_text_field(out, &mut last, 5, data.to_string().as_bytes());
            }
        });
        out.extend_from_slice(&ZERO);
    }
}

/// Writes the requests of one connection.
#[derive(Debug)]
pub struct RequestEncoder {
    values: Values,
}

impl Default for RequestEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestEncoder {
    /// For a new connection, whose peer knows no types yet.
    pub fn new() -> Self {
        Self { values: Values::new(&REQUEST_HEADERS) }
    }

    /// Appends one whole request to `out`, or nothing.
    ///
    /// Shape: `Request{ServiceMethod, Seq}`, then the arguments, as in [`ReplyEncoder::encode`]. With options the
    /// header is of another type that also has `Timeout` (int, whole milliseconds rounded up) and `Details` (bool);
    /// Go skips such fields.
    ///
    /// # Errors
    /// Gob has no form for the arguments; `out` is as it was, and no definition is lost.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &T,
        type_of: Option<&TypeOf>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        self.values.table.settle();
        let method = service_method.as_bytes();
        let ready = self.values.write(method, args, type_of)?;
        let plain = options == CallOptions::default();
        self.values.put_header(if plain { HEADER } else { LONG_HEADER }, out, |out| {
            let last = put_common(out, method, seq);
            if !plain {
                put_options(out, last, options);
            }
        });
        self.values.put_value(ready, out);
        Ok(())
    }

    /// The request encoded last will not be sent: whoever cuts it off again says so, and its definitions go out with
    /// the next.
    pub fn take_back(&mut self) {
        self.values.table.undefine();
    }
}

/// Starts a header with its method and number; the last field written. Zeros are left out.
#[inline]
fn put_common(header: &mut BytesMut, method: &[u8], seq: u64) -> u32 {
    let mut last = 0;
    put_text_field(header, &mut last, 1, method);
    if seq != 0 {
        header.put_u8((2 - last) as u8);
        put_uint(header, seq);
        last = 2;
    }
    last
}

#[inline]
fn put_text_field(header: &mut BytesMut, last: &mut u32, number: u32, text: &[u8]) {
    if !text.is_empty() {
        put_uint(header, u64::from(number - *last));
        put_bytes(header, text);
        *last = number;
    }
}

fn put_options(header: &mut BytesMut, mut last: u32, options: CallOptions) {
    if let Some(timeout) = options.timeout {
        put_uint(header, u64::from(3 - last));
        put_int(header, millis(timeout));
        last = 3;
    }
    if options.details {
        put_uint(header, u64::from(4 - last));
        header.put_u8(1);
    }
}

/// Whole milliseconds, rounded up and at least 1: a shorter limit would read as none.
fn millis(timeout: Duration) -> i64 {
    let millis = timeout.as_nanos().div_ceil(1_000_000).max(1);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// The values of one direction: their types and how the last ones were written.
#[derive(Debug)]
struct Values {
    table: Table,
    /// The value in the making.
    bytes: Vec<u8>,
    /// The ids of traced types by [`TypeOf::key`]; none for those that cannot be written as traced.
    traced: Vec<(usize, Option<Id>)>,
    shown: ShownTypes,
}

/// What a written value needs when it goes out.
#[derive(Debug)]
struct Ready {
    id: Id,
    /// Types of values in interfaces, which have to be known before.
    held: Vec<Id>,
}

impl Values {
    fn new(headers: &'static Headers) -> Self {
        Self {
            table: Table::new(headers),
            bytes: Vec::new(),
            traced: Vec::new(),
            shown: ShownTypes::default(),
        }
    }

    /// Writes a value into `bytes`; nothing of it counts before [`Self::put_value`].
    #[inline]
    fn write<T: Serialize + ?Sized>(
        &mut self,
        method: &[u8],
        value: &T,
        type_of: Option<&TypeOf>,
    ) -> Result<Ready, EncodeError> {
        let id = match type_of {
            Some(type_of) => {
                self.traced.iter().find(|(key, _)| *key == type_of.key()).and_then(|&(_, id)| id)
            }
            None => self.shown.again(method),
        };
        if let Some(id) = id
            && let Ok(ready) = self.try_write(value, id, &[])
        {
            return Ok(ready);
        }
        self.write_new(method, value, type_of)
    }

    /// Writes a value whose type is new, or which is not of the type it was thought to be.
    #[cold]
    fn write_new<T: Serialize + ?Sized>(
        &mut self,
        method: &[u8],
        value: &T,
        type_of: Option<&TypeOf>,
    ) -> Result<Ready, EncodeError> {
        let (types, traced) = (self.table.len(), self.traced.len());
        let mut written = Err(Fault::Mismatch(""));
        if let Some(type_of) = type_of {
            written = self.write_traced(value, type_of);
        }
        if let Err(Fault::Mismatch(_)) = written {
            self.table.truncate(types);
            written = self.write_shown(method, value);
        }
        written.map_err(|fault| {
            self.table.truncate(types);
            self.traced.truncate(traced);
            EncodeError::new(fault.to_string())
        })
    }

    /// # Errors
    /// [`Fault::Mismatch`] too if gob has no form for the traced type.
    fn write_traced<T: Serialize + ?Sized>(&mut self, value: &T, type_of: &TypeOf) -> Result<Ready, Fault> {
        let key = type_of.key();
        let known = self.traced.iter().position(|(other, _)| *other == key);
        let id = match known.and_then(|at| self.traced.get(at)) {
            Some((_, id)) => *id,
            None => {
                let id = self.table.of_schema(type_of.schema())?;
                self.traced.push((key, id));
                id
            }
        };
        let id = id.ok_or(Fault::Mismatch("a type without a static form"))?;
        let written = self.try_write(value, id, &[]);
        if let Err(Fault::Mismatch(_)) = written
            && let Some((_, id)) = self.traced.iter_mut().find(|(other, _)| *other == key)
        {
            // What it writes is not what it reads: `rename(serialize = …)`, `serialize_with` and the like.
            *id = None;
        }
        written
    }

    /// Writes a value by what it shows, together with what earlier ones of the method have shown.
    fn write_shown<T: Serialize + ?Sized>(&mut self, method: &[u8], value: &T) -> Result<Ready, Fault> {
        if let Some(&Shown { id, .. }) = self.shown.get(method)
            && let Ok(ready) = self.try_write(value, id, &[])
        {
            return Ok(ready);
        }
        let known = self.shown.get(method).map(|shown| (shown.shape.clone(), shown.structs.clone()));
        if let Some((shape, structs)) = known
            && let Ok(mut seen) = ser::look(value, structs)
            && seen.structs.may_be_one(&shape, &seen.shape)
            && let Ok(both) = seen.structs.merge(shape, seen.shape)
        {
            seen.shape = both;
            if let Ok(ready) = self.write_seen(method, value, seen) {
                return Ok(ready);
            }
        }
        let seen = ser::look(value, Structs::default())?;
        self.write_seen(method, value, seen)
    }

    fn write_seen<T: Serialize + ?Sized>(
        &mut self,
        method: &[u8],
        value: &T,
        seen: Seen,
    ) -> Result<Ready, Fault> {
        let Seen { shape, held, structs } = seen;
        let mut ids = self.table.of_shapes(&structs, std::iter::once(&shape).chain(&held))?.into_iter();
        let Some(id) = ids.next().flatten() else {
            return Err(match shape {
                Shape::Unseen => Fault::refused("gob: cannot encode nil pointer"),
                _ => Fault::refused(
                    "gob: an empty list or map does not show the type of its elements; \
                     derive Deserialize too, so that the type is known",
                ),
            });
        };
        let Some(ids) = ids.collect::<Option<Vec<_>>>() else {
            return Err(Fault::refused("gob: an interface with a value that does not show its type"));
        };
        let ready = self.try_write(value, id, &ids)?;
        self.shown.insert(method, Shown { shape, structs, id });
        Ok(ready)
    }

    #[inline]
    fn try_write<T: Serialize + ?Sized>(&mut self, value: &T, id: Id, held: &[Id]) -> Result<Ready, Fault> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.reserve(64);
        put_int(&mut bytes, id.number());
        let mut sink = Sink::new(bytes, held);
        let written = ser::write(value, id, &self.table, &mut sink);
        let mut ready = Ready { id, held: Vec::new() };
        if sink.uses_any() || !held.is_empty() {
            ready.held.extend(sink.uses().chain(held.iter().copied()));
        }
        self.bytes = sink.bytes;
        written.map(|()| ready)
    }

    /// Appends a header of type `id`, whose fields `write` writes.
    #[inline]
    fn put_header(&mut self, id: Id, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        self.table.define(id, out);
        let at = out.len();
        // Room for the length of nearly every header.
        out.put_u8(0);
        put_int(out, id.number());
        write(out);
        out.put_u8(0);
        put_len_at(out, at);
    }

    /// Appends the value written last.
    #[inline]
    fn put_value(&mut self, ready: Ready, out: &mut BytesMut) {
        for id in ready.held {
            self.table.define(id, out);
        }
        self.table.define(ready.id, out);
        put_bytes(out, &self.bytes);
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }
}

/// Puts the length of what stands behind the byte at `at` in its place.
#[inline]
fn put_len_at(out: &mut BytesMut, at: usize) {
    let len = out.len() - at - 1;
    match (u8::try_from(len), out.get_mut(at)) {
        (Ok(short), Some(place)) if short < 0x80 => *place = short,
        _ => {
            let content = out.split_off(at + 1);
            out.truncate(at);
            put_bytes(out, &content);
        }
    }
}

#[cfg(test)]
mod tests;
