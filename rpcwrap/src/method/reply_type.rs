//! Replies whose type is known before there is one: handlers that promise it.
//!
//! Between [`crate::method::handler`], whose replies need only be `Serialize`, and [`crate::method`], which keeps the
//! type for those who want it. Knows no codec.

use crate::{
    error::Error,
    method::{
        context::ContextSource,
        handler::{BlockingHandler, Handler, StreamHandler},
    },
};
use codecs::schema::TypeOf;
use serde::Deserialize;
use std::{marker::PhantomData, sync::Arc};

/// A handler whose reply can also be read, so that its type is known without a value. Made by [`with_reply_type`].
#[derive(Debug)]
pub struct WithReplyType<H>(Arc<H>);

/// The marker of a [`WithReplyType`] handler, around that of the function in it.
#[derive(Debug)]
pub struct KnownReplyType<M>(PhantomData<M>);

/// Marks a handler's reply as one whose type is known: gob then says what an empty list is a list of, and
/// `/debug/rpc` and `rpcwrap describe` name types in Go's words.
///
/// Any function that can be a method will do; its reply has to be `Deserialize` too. Without the mark a reply is
/// encoded by what its value shows, and one that shows no type, such as an empty list on its own, is an error in gob.
/// [`#[rpcwrap::service]`](crate::service) marks what it can by itself.
///
/// ```
/// use rpcwrap::{Service, with_reply_type};
/// let names = Service::new("Names").method("All", with_reply_type(|_: ()| async { Ok(Vec::<String>::new()) }));
/// ```
pub fn with_reply_type<H>(handler: H) -> WithReplyType<H> {
    WithReplyType(Arc::new(handler))
}

impl<M: 'static, H: Handler<M>> Handler<KnownReplyType<M>> for WithReplyType<H>
where
    H::Reply: Deserialize<'static>,
{
    type Args = H::Args;
    type Reply = H::Reply;
    type Future = H::Future;

    #[inline]
    fn call(&self, args: H::Args, source: &mut ContextSource<'_>) -> H::Future {
        self.0.call(args, source)
    }

    fn reply_type() -> Option<TypeOf> {
        Some(TypeOf::new::<H::Reply>())
    }
}

impl<M: 'static, H: StreamHandler<M>> StreamHandler<KnownReplyType<M>> for WithReplyType<H>
where
    H::Reply: Deserialize<'static>,
{
    type Args = H::Args;
    type Reply = H::Reply;
    type Stream = H::Stream;

    fn call(&self, args: H::Args, source: &mut ContextSource<'_>) -> H::Stream {
        self.0.call(args, source)
    }

    fn reply_type() -> Option<TypeOf> {
        Some(TypeOf::new::<H::Reply>())
    }
}

impl<M: 'static, H: BlockingHandler<M>> BlockingHandler<KnownReplyType<M>> for WithReplyType<H>
where
    H::Reply: Deserialize<'static>,
{
    type Args = H::Args;
    type Reply = H::Reply;

    fn blocking_call(
        self: Arc<Self>,
        args: H::Args,
        source: &mut ContextSource<'_>,
    ) -> Box<dyn FnOnce() -> Result<H::Reply, Error> + Send> {
        self.0.clone().blocking_call(args, source)
    }

    fn reply_type() -> Option<TypeOf> {
        Some(TypeOf::new::<H::Reply>())
    }
}
