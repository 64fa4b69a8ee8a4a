//! Between a connection's requests and dispatch: what is a call, what a command, and how each is answered.

use super::{
    connection::{Connection, Silence},
    failure,
    items::{Items, NO_HEAD, Unsaid},
    program,
    row::{Needs, Row, Run},
};
use crate::{
    error::CallError,
    session::{Calls, Control, Framing, Start},
};
use bytes::{Bytes, BytesMut};
use codecs::{
    DecodeError, END_OF_STREAM, Limits, ReplyTo,
    resp::{ReplyEncoder, RequestDecoder, RequestError, RequestLimits, Status, Words},
    text::TextArgs,
};
use std::cell::Cell;

/// The requests of one connection.
pub(super) struct Requests {
    decoder: RequestDecoder,
    connection: Connection,
    /// Of the stream that is being answered.
    items: Items,
    /// For replies that are not written.
    unsaid: Unsaid,
    /// Why the stream of requests is out of step.
    fault: Option<RequestError>,
}

/// A request; its words are the decoder's until the next one.
pub(super) struct Incoming {
    bytes: Bytes,
    head: Head,
}

/// What a reply needs of its request.
pub(super) struct Head {
    encoder: ReplyEncoder,
    form: Cell<Form>,
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By one value.
    Value,
    /// By an array of the items of a stream.
    Items,
    /// Not at all.
    Silent,
}

impl Requests {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            decoder: RequestDecoder::new(RequestLimits::DEFAULT),
            connection,
            items: Items::default(),
            unsaid: Unsaid,
            fault: None,
        }
    }

    /// Runs the server's own command that a request names; `None` if that is a call.
    #[inline(never)]
    fn command(&mut self, request: &Incoming) -> Option<Control> {
        let Self { decoder, connection, .. } = self;
        let words = decoder.words(&request.bytes);
        let before = connection.silence;
        let control = match connection.shared.command(words.name()) {
            Some(row) => run(row, connection, words, words.name())?,
            None => program::admin_command(connection, words, &request.bytes)?,
        };
        // What ends the silence is answered.
        let is_silent = before == connection.silence && request.head.form.get() == Form::Silent;
        Some(match control {
            Control::Answer(answer) if is_silent => Control::Answer(answer.without_bytes()),
            Control::Wait(wait) if is_silent => Control::wait(async move { wait.await.without_bytes() }),
            control => control,
        })
    }
}

/// Runs a command, `name` being how the peer has called it; `None` if that takes a call.
fn run(
    row: &'static Row<Connection>,
    connection: &mut Connection,
    words: Words<'_>,
    name: &[u8],
) -> Option<Control> {
    if connection.must_log_in && row.needs > Needs::Nothing {
        return Some(connection.error(failure::NOAUTH.0, failure::NOAUTH.1));
    }
    let given = words.len().saturating_sub(1);
    if let (Run::Within(rows), Some(part)) = (&row.run, words.get(1))
        && let Some(within) = rows.iter().find(|row| part.eq_ignore_ascii_case(row.name.as_bytes()))
    {
        if !within.takes(given - 1) {
            return Some(connection.wrong_number(&[name, b"|", part].concat()));
        }
        return match within.run {
            Run::Here(run) => Some(run(connection, words)),
            Run::Call | Run::Within(_) => None,
        };
    }
    if !row.takes(given) {
        return Some(connection.wrong_number(name));
    }
    match row.run {
        Run::Here(run) => Some(run(connection, words)),
        Run::Call => None,
        Run::Within(rows) if words.is(1, "HELP") => {
            let lines = rows.iter().map(|row| format!("{} {} -- {}", row.name, row.syntax, row.summary));
            Some(connection.reply(&lines.map(Status).collect::<Vec<_>>()))
        }
        Run::Within(_) => Some(connection.unknown_part(words)),
    }
}

/// Whether a request is a call for certain: methods have a dot in their names, commands have none.
#[inline]
fn is_method(name: &[u8]) -> bool {
    name.contains(&b'.')
}

/// The words from the name of the method on.
fn called(words: Words<'_>) -> Words<'_> {
    if words.len() > 1 && words.is(0, "CALL") { words.skip(1) } else { words }
}

impl Framing for Requests {
    const ORDERED: bool = true;
    type Request = Incoming;
    type Head = Head;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Incoming>, DecodeError> {
        match self.decoder.decode(input) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => {
                let form = match self.connection.silence {
                    Silence::None => Form::Value,
                    Silence::Next => {
                        self.connection.silence = Silence::None;
                        Form::Silent
                    }
                    Silence::All => Form::Silent,
                };
                let head = Head { encoder: self.connection.encoder, form: Cell::new(form) };
                Ok(Some(Incoming { bytes, head }))
            }
            Err(error) => {
                self.fault = Some(error);
                Err(error.into())
            }
        }
    }

    fn set_limits(&mut self, limits: Limits) {
        self.connection.look_again();
        self.connection.encoder = self.connection.encoder.up_to(limits.max_message_bytes);
        self.decoder.set_limits(RequestLimits::DEFAULT.up_to(limits.max_message_bytes));
        self.decoder.restrict(self.connection.must_log_in.then_some(RequestLimits::BEFORE_LOGIN));
    }

    fn held_bytes(&self) -> usize {
        self.decoder.held_bytes() + self.items.held_bytes()
    }

    #[inline]
    fn wire_len(request: &Incoming) -> usize {
        request.bytes.len()
    }

    #[inline]
    fn control(&mut self, request: &Incoming) -> Option<Control> {
        if is_method(self.decoder.words(&request.bytes).name()) {
            return None;
        }
        self.command(request)
    }

    #[inline]
    fn start<'d>(&mut self, request: &Incoming, calls: Calls<'d, '_>) -> Start<'d> {
        let words = self.decoder.words(&request.bytes);
        let names = &self.connection.shared.names;
        let started = if is_method(words.name()) {
            let name = calls.exact(words.name(), || names.method(words.name()));
            words.skip(1).with_tokens(|tokens| calls.start_text(name, &TextArgs::Alternating(tokens), None))
        } else if let Some(command) = calls.command(words.name()) {
            words.skip(1).with_tokens(|tokens| calls.start_command(command, &TextArgs::Alternating(tokens)))
        } else {
            // CALL, or what is no command: its name is then none of a method either.
            let is_call = words.len() > 1 && words.is(0, "CALL");
            let called = words.get(usize::from(is_call)).unwrap_or_default();
            let name = calls.exact(called, || names.method(called));
            match words.get(2).filter(|_| is_call) {
                Some(json) => calls.start_text(name, &TextArgs::Json(json), None),
                None => calls.start_text(name, &TextArgs::Positional(&[]), None),
            }
        };
        if let Ok(started) = &started.0
            && started.entry.options.types.is_streaming()
            && request.head.form.get() == Form::Value
        {
            request.head.form.set(Form::Items);
        }
        started
    }

    #[inline]
    fn head(request: &Incoming) -> &Head {
        &request.head
    }

    fn into_head(request: Incoming) -> Head {
        request.head
    }

    #[inline]
    fn reply_to<'a>(&'a mut self, head: &'a Head) -> ReplyTo<'a> {
        match head.form.get() {
            Form::Value => ReplyTo::Resp(&head.encoder),
            Form::Items => ReplyTo::Custom(self.items.of(head.encoder), &NO_HEAD),
            Form::Silent => ReplyTo::Custom(&mut self.unsaid, &NO_HEAD),
        }
    }

    fn refuse(&mut self, request: &Incoming, error: &CallError, out: &mut BytesMut) {
        let encoder = request.head.encoder;
        if request.head.form.get() == Form::Silent {
            return;
        }
        let words = self.decoder.words(&request.bytes);
        match error {
            CallError::IllFormed(_) | CallError::UnknownService(_) | CallError::UnknownMethod(_) => {
                encoder.encode_error("ERR", &failure::unknown(called(words)), out);
            }
            error => {
                failure::write(encoder, error, Some(called(words).name()), out);
            }
        }
    }

    fn fail(&mut self, head: &Head, error: &CallError, out: &mut BytesMut) {
        match head.form.get() {
            Form::Silent => {}
            Form::Items if matches!(error, CallError::Failed(error) if error.text() == END_OF_STREAM) => {
                self.items.finish(out);
            }
            form => {
                if form == Form::Items {
                    self.items.clear();
                }
                failure::write(head.encoder, error, None, out);
            }
        }
    }

    fn end_stream(&mut self, head: &Head, out: &mut BytesMut) {
        if head.form.get() == Form::Items {
            self.items.of(head.encoder).finish(out);
        }
    }

    fn out_of_step(&mut self, _: &DecodeError, out: &mut BytesMut) {
        if let Some(fault) = self.fault.take() {
            fault.write(out);
        }
    }
}
