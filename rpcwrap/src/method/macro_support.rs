//! What the expansion of [`service`](crate::service) names beside the public types. Not part of the interface.
//!
//! Finds out, without a bound on the user's types, whether a method's reply can also be read: of two traits with the
//! same method, the compiler takes the one that fits with fewer references in front.

use crate::method::{
    Method,
    handler::{BlockingHandler, Handler, StreamHandler},
};
use codecs::schema::TypeOf;
use serde::Deserialize;
pub use serde::de::IgnoredAny;
use std::marker::PhantomData;

/// A method that remembers its reply's type.
#[derive(Debug)]
pub struct Described<R> {
    method: Method,
    reply: PhantomData<fn() -> R>,
}

impl<R> Described<R> {
    /// As [`Method::new`].
    pub fn new<M: 'static, H: Handler<M, Reply = R>>(name: &str, handler: H) -> Self {
        Self { method: Method::new(name, handler), reply: PhantomData }
    }

    /// As [`Method::spawn`].
    pub fn spawn<M: 'static, H: Handler<M, Reply = R>>(name: &str, handler: H) -> Self {
        Self { method: Method::spawn(name, handler), reply: PhantomData }
    }

    /// As [`Method::blocking`].
    pub fn blocking<M: 'static, H: BlockingHandler<M, Reply = R>>(name: &str, handler: H) -> Self {
        Self { method: Method::blocking(name, handler), reply: PhantomData }
    }

    /// As [`Method::stream`].
    pub fn stream<M: 'static, H: StreamHandler<M, Reply = R>>(name: &str, handler: H) -> Self {
        Self { method: Method::stream(name, handler), reply: PhantomData }
    }

    /// The method, with what is known of its reply's type.
    pub fn into_method(self, reply: Option<TypeOf>) -> Method {
        self.method.with_reply_type(reply)
    }
}

/// Of replies that can be read.
pub trait ReadReply {
    /// Their type.
    fn reply_type(&self) -> Option<TypeOf>;
}

impl<R: Deserialize<'static>> ReadReply for Described<R> {
    fn reply_type(&self) -> Option<TypeOf> {
        Some(TypeOf::new::<R>())
    }
}

/// Of all replies.
pub trait AnyReply {
    /// Nothing is known.
    fn reply_type(&self) -> Option<TypeOf>;
}

impl<R> AnyReply for &Described<R> {
    fn reply_type(&self) -> Option<TypeOf> {
        None
    }
}
