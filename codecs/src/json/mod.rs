//! Stub.
#![allow(missing_docs, clippy::all, unused)]
use crate::{codec::*, error::*, message::*};
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};
pub const NAME: &str = "json";
#[derive(Debug)]
pub struct RequestDecoder;
impl RequestDecoder {
    pub fn new(limits: Limits) -> Self {
        Self
    }
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        Ok(None)
    }
    pub fn set_limits(&mut self, _: Limits) {}
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        Ok(None)
    }
}
#[derive(Debug)]
pub struct ReplyEncoder;
impl ReplyEncoder {
    pub fn new() -> Self {
        Self
    }
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        request: &Request,
        reply: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        Ok(())
    }
    pub fn encode_error(&mut self, request: &Request, error: &ErrorReply, out: &mut BytesMut) {}
}
#[derive(Debug)]
pub struct RequestEncoder;
impl RequestEncoder {
    pub fn new() -> Self {
        Self
    }
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        Ok(())
    }
}
#[derive(Debug)]
pub struct ReplyDecoder;
impl ReplyDecoder {
    pub fn new(limits: Limits) -> Self {
        Self
    }
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        Ok(None)
    }
}
pub fn value_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    Err(ValueError::new("stub"))
}
pub fn params_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    Err(ValueError::new("stub"))
}
pub fn value_to_buf<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<(), EncodeError> {
    Ok(())
}
