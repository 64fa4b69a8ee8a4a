//! RpcMeta: what stands before the data, read into numbers and places.
//!
//! Reads only; what is written is assembled by [`super::request`] and [`super::reply`]. Strings and bytes stay where
//! they are in the frame. Source: bRPC `policy/baidu_rpc_meta.proto`.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::wire::{Fields, Value};
use crate::error::DecodeError;
use std::ops::Range;

/// A place in the frame; empty for a field that is not there.
pub(super) type Span = Range<usize>;

/// A whole meta. Numbers that are absent are 0, as in protobuf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) request: Option<RequestMeta>,
    pub(super) response: Option<ResponseMeta>,
    pub(super) compress_type: i32,
    pub(super) correlation_id: i64,
    pub(super) attachment_size: i32,
    pub(super) authentication_data: Span,
    pub(super) content_type: i32,
    pub(super) checksum_type: i32,
    pub(super) checksum_value: Span,
    pub(super) checksum_with_attachment: bool,
    /// It belongs to a streaming RPC: `chunk_info` or `stream_settings` is there.
    pub(super) streams: bool,
    pub(super) has_user_fields: bool,
}

/// Field 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RequestMeta {
    pub(super) service_name: Span,
    pub(super) method_name: Span,
    pub(super) log_id: i64,
    pub(super) trace_id: i64,
    pub(super) span_id: i64,
    pub(super) parent_span_id: i64,
    pub(super) request_id: Span,
    pub(super) timeout_ms: i32,
}

/// Field 2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ResponseMeta {
    pub(super) error_code: i32,
    pub(super) error_text: Span,
}

/// Field 9, `user_fields`, a map entry each.
const USER_FIELDS: u64 = 9;
/// Entries of one meta: each becomes far more than the two bytes that it may have.
const MAX_USER_FIELDS: usize = 1024;

impl Meta {
    /// Reads the meta that is `span` of `frame`. Unknown fields, and known ones of another wire type, are skipped.
    pub(super) fn read(frame: &[u8], span: Span) -> Result<Self, DecodeError> {
        let mut meta = Self::default();
        let mut fields = Fields::new(frame, span);
        let mut user_fields = 0_usize;
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(span)) => meta.request.get_or_insert_default().read(frame, span)?,
                (2, Value::Bytes(span)) => meta.response.get_or_insert_default().read(frame, span)?,
                (3, Value::Varint(value)) => meta.compress_type = value as i32,
                (4, Value::Varint(value)) => meta.correlation_id = value as i64,
                (5, Value::Varint(value)) => meta.attachment_size = value as i32,
                (6 | 8, Value::Bytes(_)) => meta.streams = true,
                (7, Value::Bytes(span)) => meta.authentication_data = span,
                (USER_FIELDS, Value::Bytes(span)) => {
                    let at = span.start;
                    entry(frame, span)?;
                    meta.has_user_fields = true;
                    user_fields = user_fields.saturating_add(1);
                    if user_fields > MAX_USER_FIELDS {
                        return Err(DecodeError::Malformed { at, what: "too many user_fields" });
                    }
                }
                (10, Value::Varint(value)) => meta.content_type = value as i32,
                (11, Value::Varint(value)) => meta.checksum_type = value as i32,
                (12, Value::Bytes(span)) => meta.checksum_value = span,
                (13, Value::Varint(value)) => meta.checksum_with_attachment = value != 0,
                _ => {}
            }
        }
        Ok(meta)
    }

    /// The `user_fields` of the meta that is `span` of `frame`, in their order; it has been read before.
    pub(super) fn user_fields(frame: &[u8], span: Span) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut fields = Fields::new(frame, span);
        std::iter::from_fn(move || {
            loop {
                if let (USER_FIELDS, Value::Bytes(span)) = fields.next().ok()?? {
                    let (key, value) = entry(frame, span).ok()?;
                    return Some((frame.get(key)?, frame.get(value)?));
                }
            }
        })
    }
}

impl RequestMeta {
    fn read(&mut self, frame: &[u8], span: Span) -> Result<(), DecodeError> {
        let at = span.start;
        let (mut service, mut method) = (!self.service_name.is_empty(), !self.method_name.is_empty());
        let mut fields = Fields::new(frame, span);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(span)) => (self.service_name, service) = (span, true),
                (2, Value::Bytes(span)) => (self.method_name, method) = (span, true),
                (3, Value::Varint(value)) => self.log_id = value as i64,
                (4, Value::Varint(value)) => self.trace_id = value as i64,
                (5, Value::Varint(value)) => self.span_id = value as i64,
                (6, Value::Varint(value)) => self.parent_span_id = value as i64,
                (7, Value::Bytes(span)) => self.request_id = span,
                (8, Value::Varint(value)) => self.timeout_ms = value as i32,
                _ => {}
            }
        }
        if service && method {
            return Ok(());
        }
        Err(DecodeError::Malformed { at, what: "a request without service_name or method_name" })
    }
}

impl ResponseMeta {
    fn read(&mut self, frame: &[u8], span: Span) -> Result<(), DecodeError> {
        let mut fields = Fields::new(frame, span);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Varint(value)) => self.error_code = value as i32,
                (2, Value::Bytes(span)) => self.error_text = span,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The key and the value of one entry of a map.
fn entry(frame: &[u8], span: Span) -> Result<(Span, Span), DecodeError> {
    let (mut key, mut value) = (0..0, 0..0);
    let mut fields = Fields::new(frame, span);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(span)) => key = span,
            (2, Value::Bytes(span)) => value = span,
            _ => {}
        }
    }
    Ok((key, value))
}
