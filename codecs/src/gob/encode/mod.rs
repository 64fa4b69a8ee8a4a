//! Whole messages: a header, then an argument or a reply, each behind the definitions it needs.
//!
//! The writing half of both sides of a connection. The value is written first and nothing of a message goes out, or
//! counts as defined, before all of it is there. Knows neither sockets nor services.
//! Source: Go `net/rpc` `gobServerCodec.WriteResponse`, `gobClientCodec.WriteRequest`.

mod draft;
mod value_writer;

use super::{
    define::{Field, Form, HEADER, Headers, LONG_HEADER},
    types::Id,
    wire::{put_bytes, put_int, put_uint},
};
use crate::{
    codec::CallOptions,
    error::EncodeError,
    message::{ErrorReply, Head},
    schema::TypeOf,
};
use bytes::{BufMut, BytesMut};
use draft::Draft;
use serde::Serialize;
use value_writer::ValueWriter;

/// A whole value that needs no definition: the int 0. Go reads and drops what comes with an error.
const ZERO: [u8; 4] = [3, 4, 0, 0];

const METHOD: Field = Field { name: "ServiceMethod", id: Id::STRING };
const SEQ: Field = Field { name: "Seq", id: Id::UINT };
const ERROR: Field = Field { name: "Error", id: Id::STRING };
const TIMEOUT: Field = Field { name: "Timeout", id: Id::INT };
const DETAILS: Field = Field { name: "Details", id: Id::BOOL };
const CODE: Field = Field { name: "Code", id: Id::STRING };
const DATA: Field = Field { name: "Data", id: Id::STRING };

static REQUEST_HEADERS: Headers = [
    Form::fixed_struct("Request", &[METHOD, SEQ]),
    Form::fixed_struct("Request", &[METHOD, SEQ, TIMEOUT, DETAILS]),
];

static REPLY_HEADERS: Headers = [
    Form::fixed_struct("Response", &[METHOD, SEQ, ERROR]),
    Form::fixed_struct("Response", &[METHOD, SEQ, ERROR, CODE, DATA]),
];

/// Writes the replies of one connection.
#[derive(Debug)]
pub struct ReplyEncoder {
    values: ValueWriter,
}

impl Default for ReplyEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplyEncoder {
    /// For a new connection, whose peer knows no types yet.
    pub fn new() -> Self {
        Self { values: ValueWriter::new(&REPLY_HEADERS) }
    }

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// Shape: `Response{ServiceMethod, Seq, Error: ""}`, then the value, each behind the definitions of types that
    /// this connection has not seen yet. The value goes out as `type_of` says where that is given, static, and what
    /// the value turns out to be; else as the value itself shows, without what it does not show. `()` is `struct{}`.
    ///
    /// # Errors
    /// Gob has no form for the value: variants with fields, lists of unlike elements, an empty list of unknown type, a
    /// top-level `None` for a peer that does not ask for details, 128-bit integers, over 100 levels. `out` is as it was,
    /// and no definition is lost.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        head: &Head,
        reply: &T,
        type_of: Option<&TypeOf>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let method = head.service_method();
        let mut draft = Draft::new(HEADER, |header: &mut Vec<u8>| {
            put_common(header, method, head.seq());
        });
        self.values.write(&mut draft, method, reply, type_of, head.details())?;
        self.values.put(&mut draft, out);
        self.values.commit();
        Ok(())
    }

    /// Appends one whole error reply to `out`: `Error` has the text, the body is the int 0.
    ///
    /// A peer that asked for details gets a header of another type with `Code` (if there is one) and `Data` (JSON in a
    /// string, if there is some) behind `Error`; Go skips such fields.
    pub fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut) {
        let (code, data) = error.details(head.details());
        let id = if code.is_some() || data.is_some() { LONG_HEADER } else { HEADER };
        let write = |header: &mut Vec<u8>| {
            let mut last = put_common(header, head.service_method(), head.seq());
            put_text_field(header, &mut last, 3, &error.text_for(head.service_method()));
            if let Some(code) = code {
                put_text_field(header, &mut last, 4, code.as_bytes());
            }
            if let Some(data) = data {
                put_text_field(header, &mut last, 5, data.to_string().as_bytes());
            }
        };
        self.values.put_header(&Draft::new(id, write), out);
        out.extend_from_slice(&ZERO);
        self.values.commit();
    }

    /// The definitions the peer has, so that later replies can be taken back.
    pub fn save(&self) -> Saved {
        Saved(self.values.clone())
    }

    /// The replies since [`save`](Self::save) will not be sent: what they defined is to be defined again.
    pub fn restore(&mut self, saved: Saved) {
        self.values = saved.0;
    }
}

/// The definitions a peer had at one moment. A reference to what the encoder has, which copies it only if it changes.
#[derive(Debug)]
pub struct Saved(ValueWriter);

/// Writes the requests of one connection.
#[derive(Debug)]
pub struct RequestEncoder {
    values: ValueWriter,
}

impl Default for RequestEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestEncoder {
    /// For a new connection, whose peer knows no types yet.
    pub fn new() -> Self {
        Self { values: ValueWriter::new(&REQUEST_HEADERS) }
    }

    /// Appends one whole request to `out`, or nothing.
    ///
    /// Shape: `Request{ServiceMethod, Seq}`, then the arguments, as in [`ReplyEncoder::encode`]. With options the
    /// header is of another type that also has `Timeout` (int, whole milliseconds rounded up) and `Details` (bool);
    /// Go skips such fields. A top-level `None` is a nil interface where details are asked for, which servers of ours
    /// read and Go's refuse.
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
        self.values.commit();
        let method = service_method.as_bytes();
        let plain = options == CallOptions::default();
        let id = if plain { HEADER } else { LONG_HEADER };
        let mut draft = Draft::new(id, |header: &mut Vec<u8>| {
            let last = put_common(header, method, seq);
            if !plain {
                put_options(header, last, options);
            }
        });
        // One of Go's servers reads no nil, nor does it know of details.
        self.values.write(&mut draft, method, args, type_of, options.details)?;
        self.values.put(&mut draft, out);
        Ok(())
    }

    /// The request encoded last will not be sent: the caller that cuts it off again says so, and its definitions go out
    /// with the next.
    pub fn rollback(&mut self) {
        self.values.rollback();
    }
}

/// Starts a header with its method and number; the last field written. Zeros are left out.
#[inline(always)]
fn put_common(header: &mut Vec<u8>, method: &[u8], seq: u64) -> u32 {
    let mut last = 0;
    if !method.is_empty() {
        header.put_u8(1);
        put_bytes(header, method);
        last = 1;
    }
    if seq != 0 {
        header.put_u8((2 - last) as u8);
        put_uint(header, seq);
        last = 2;
    }
    last
}

#[inline]
fn put_text_field(header: &mut Vec<u8>, last: &mut u32, number: u32, text: &[u8]) {
    if !text.is_empty() {
        put_uint(header, u64::from(number - *last));
        put_bytes(header, text);
        *last = number;
    }
}

fn put_options(header: &mut Vec<u8>, mut last: u32, options: CallOptions) {
    if let Some(millis) = options.timeout_signed_millis() {
        put_uint(header, u64::from(3 - last));
        put_int(header, millis);
        last = 3;
    }
    if options.details {
        put_uint(header, u64::from(4 - last));
        header.put_u8(1);
    }
}

#[cfg(test)]
mod tests;
