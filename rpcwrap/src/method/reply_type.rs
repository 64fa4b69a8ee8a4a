//! Replies whose type is known before there is one: handlers that promise it.
//!
//! Between [`crate::method::handler`], whose replies need only be `Serialize`, and [`crate::method`], which keeps the type for
//! those who want it. Knows no codec.

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

/// A handler whose reply can also be read, so that its type is known without a value. Made by [`typed`].
#[derive(Debug)]
pub struct Typed<H>(Arc<H>);

/// The marker of a [`Typed`] handler, around that of the function in it.
#[derive(Debug)]
pub struct ByType<M>(PhantomData<M>);

/// Marks a handler's reply as one whose type is known: gob then says what an empty list is a list of, and
/// `/debug/rpc` and `rpcwrap describe` name types in Go's words.
///
/// Any function that can be a method will do; its reply has to be `Deserialize` too. Without the mark a reply is
/// encoded by what its value shows, and one that shows no type, such as an empty list on its own, is an error in gob.
/// [`#[rpcwrap::service]`](crate::service) marks what it can by itself.
///
/// ```
/// use rpcwrap::{Service, typed};
/// let names = Service::new("Names").method("All", typed(|_: ()| async { Ok(Vec::<String>::new()) }));
/// ```
pub fn typed<H>(handler: H) -> Typed<H> {
    Typed(Arc::new(handler))
}

impl<M: 'static, H: Handler<M>> Handler<ByType<M>> for Typed<H>
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

impl<M: 'static, H: StreamHandler<M>> StreamHandler<ByType<M>> for Typed<H>
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

impl<M: 'static, H: BlockingHandler<M>> BlockingHandler<ByType<M>> for Typed<H>
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
