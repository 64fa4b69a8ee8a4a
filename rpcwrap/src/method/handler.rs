//! The functions that can be methods, and how each is started: decode the arguments into its type, call it, hand
//! its future or stream to [`crate::method::running`].
//!
//! Generic over the function's own types, so that decoding and encoding are compiled per type and codec.

use crate::{
    error::{CallError, Error},
    live::watch::Noted,
    method::{
        args::FromArgs,
        blocking::{Joined, run},
        context::{Context, ContextSource},
        reply::WriteReply,
        running::{BoxCall, deferred, streaming, unary},
    },
};
use codecs::{Args, Decoding, ValueError, schema::TypeOf};
use futures_util::Stream;
use std::{future::Future, marker::PhantomData, sync::Arc};

/// A function of its arguments, `Fn(Args)`, or of a [`Context`] and them, `Fn(Context, Args)`: what the three kinds of
/// handler have in common. Implemented for all such functions; not to be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a method",
    label = "neither of the form `Fn(Args)` nor `Fn(Context, Args)`",
    note = "`Args` has to be `DeserializeOwned + Send + 'static`"
)]
pub trait MethodFn<Marker>: Send + Sync + 'static {
    /// What the request is decoded into.
    type Args: FromArgs;
    /// [`Context`] or `()`.
    type Context: Send + 'static;
    /// What the function returns.
    type Output;
    /// The context of one call, where the function takes one.
    fn context(source: &mut ContextSource<'_>) -> Self::Context;
    /// Calls the function.
    fn call(&self, context: Self::Context, args: Self::Args) -> Self::Output;
}

impl<F, A, O> MethodFn<(A,)> for F
where
    F: Fn(A) -> O + Send + Sync + 'static,
    A: FromArgs,
{
    type Args = A;
    type Context = ();
    type Output = O;

    #[inline(always)]
    fn context(_: &mut ContextSource<'_>) {}

    #[inline(always)]
    fn call(&self, (): (), args: A) -> O {
        self(args)
    }
}

impl<F, A, O> MethodFn<(Context, A)> for F
where
    F: Fn(Context, A) -> O + Send + Sync + 'static,
    A: FromArgs,
{
    type Args = A;
    type Context = Context;
    type Output = O;

    #[inline(always)]
    fn context(source: &mut ContextSource<'_>) -> Context {
        source.context()
    }

    #[inline(always)]
    fn call(&self, context: Context, args: A) -> O {
        self(context, args)
    }
}

/// A function that answers with one reply: `Fn(Args) -> Future` or `Fn(Context, Args) -> Future`, the future's output
/// being `Result<Reply, Error>`. Implemented for all such functions; not to be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a method",
    label = "not of the form `async fn(Args) -> Result<Reply, Error>`",
    note = "`Args` has to be `DeserializeOwned + Send`, `Reply` `Serialize + Send`, both `'static`, the error \
        `rpcwrap::Error`, and the future `Send + 'static`; a `Context` may come before `Args`"
)]
pub trait Handler<Marker>: Send + Sync + 'static {
    /// What the request is decoded into.
    type Args: FromArgs;
    /// What is encoded as the reply.
    type Reply: WriteReply;
    /// The running handler.
    type Future: Future<Output = Result<Self::Reply, Error>> + Send + 'static;
    /// Starts the handler.
    fn call(&self, args: Self::Args, source: &mut ContextSource<'_>) -> Self::Future;
    /// The reply's type, where it is known without a value: see [`with_reply_type`](crate::with_reply_type).
    fn reply_type() -> Option<TypeOf> {
        None
    }
}

impl<F, M, Fut, R> Handler<M> for F
where
    F: MethodFn<M, Output = Fut>,
    Fut: Future<Output = Result<R, Error>> + Send + 'static,
    R: WriteReply,
{
    type Args = F::Args;
    type Reply = R;
    type Future = Fut;

    #[inline]
    fn call(&self, args: F::Args, source: &mut ContextSource<'_>) -> Fut {
        MethodFn::call(self, F::context(source), args)
    }
}

/// A function that answers with a stream: `Fn(Args) -> Stream` or `Fn(Context, Args) -> Stream` of
/// `Result<Reply, Error>`; the first error ends it. Implemented for all such functions.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a method",
    label = "not of the form `fn(Args) -> impl Stream<Item = Result<Reply, Error>>`",
    note = "`Args` has to be `DeserializeOwned + Send`, `Reply` `Serialize + Send`, both `'static`, the error \
        `rpcwrap::Error`, and the stream `Send + 'static`; a `Context` may come before `Args`"
)]
pub trait StreamHandler<Marker>: Send + Sync + 'static {
    /// What the request is decoded into.
    type Args: FromArgs;
    /// What is encoded as one item.
    type Reply: WriteReply;
    /// The running handler.
    type Stream: Stream<Item = Result<Self::Reply, Error>> + Send + 'static;
    /// Starts the handler.
    fn call(&self, args: Self::Args, source: &mut ContextSource<'_>) -> Self::Stream;
    /// The reply's type, where it is known without a value: see [`with_reply_type`](crate::with_reply_type).
    fn reply_type() -> Option<TypeOf> {
        None
    }
}

impl<F, M, S, R> StreamHandler<M> for F
where
    F: MethodFn<M, Output = S>,
    S: Stream<Item = Result<R, Error>> + Send + 'static,
    R: WriteReply,
{
    type Args = F::Args;
    type Reply = R;
    type Stream = S;

    fn call(&self, args: F::Args, source: &mut ContextSource<'_>) -> S {
        MethodFn::call(self, F::context(source), args)
    }
}

/// A plain function that may block: `Fn(Args)` or `Fn(Context, Args)` to `Result<Reply, Error>`. Implemented for all
/// such functions.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a method",
    label = "not of the form `fn(Args) -> Result<Reply, Error>`",
    note = "`Args` has to be `DeserializeOwned + Send`, `Reply` `Serialize + Send`, both `'static`, the error \
        `rpcwrap::Error`; a `Context` may come before `Args`"
)]
pub trait BlockingHandler<Marker>: Send + Sync + 'static {
    /// What the request is decoded into.
    type Args: FromArgs;
    /// What is encoded as the reply.
    type Reply: WriteReply;
    /// Takes what the function needs; the result is run on the blocking pool.
    fn blocking_call(
        self: Arc<Self>,
        args: Self::Args,
        source: &mut ContextSource<'_>,
    ) -> Box<dyn FnOnce() -> Result<Self::Reply, Error> + Send>;
    /// The reply's type, where it is known without a value: see [`with_reply_type`](crate::with_reply_type).
    fn reply_type() -> Option<TypeOf> {
        None
    }
}

impl<F, M, R> BlockingHandler<M> for F
where
    F: MethodFn<M, Output = Result<R, Error>>,
    R: WriteReply,
{
    type Args = F::Args;
    type Reply = R;

    fn blocking_call(
        self: Arc<Self>,
        args: F::Args,
        source: &mut ContextSource<'_>,
    ) -> Box<dyn FnOnce() -> Result<R, Error> + Send> {
        let context = F::context(source);
        Box::new(move || self.call(context, args))
    }
}

/// A method without its types: decodes its arguments and starts.
pub(crate) trait Invoke: Send + Sync {
    fn invoke(
        &self,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
    ) -> Result<BoxCall, CallError>;

    /// As [`invoke`](Self::invoke); but the function is called when the call is first polled, and not before.
    fn invoke_later(
        self: Arc<Self>,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
    ) -> Result<BoxCall, CallError>;
}

/// A method that is always invoked later.
pub(crate) struct Later(pub(crate) Arc<dyn Invoke>);

impl Invoke for Later {
    fn invoke(
        &self,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
    ) -> Result<BoxCall, CallError> {
        self.0.clone().invoke_later(args, decoding, source)
    }

    fn invoke_later(
        self: Arc<Self>,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
    ) -> Result<BoxCall, CallError> {
        self.invoke(args, decoding, source)
    }
}

/// A function and the way it runs.
trait Start: Send + Sync + 'static {
    type Args: FromArgs;

    #[inline(always)]
    fn decode(
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: &ContextSource<'_>,
    ) -> Result<Self::Args, CallError> {
        Self::Args::from_args(args, decoding, source).map_err(CallError::BadArguments)
    }

    fn start(&self, args: Self::Args, source: ContextSource<'_>) -> BoxCall;
}

impl<S: Start> Invoke for S {
    #[inline]
    fn invoke(
        &self,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
    ) -> Result<BoxCall, CallError> {
        let args = Self::decode(args, decoding, &source)?;
        Ok(self.start(args, source))
    }

    fn invoke_later(
        self: Arc<Self>,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
    ) -> Result<BoxCall, CallError> {
        let args = Self::decode(args, decoding, &source)?;
        let mut source = source.keep();
        Ok(deferred(move || self.start(args, source.source())))
    }
}

/// A function, and in `W` the way it runs.
pub(crate) struct Function<W, H, M> {
    handler: H,
    marker: PhantomData<fn(W, M)>,
}

impl<W, H, M> Function<W, H, M> {
    pub(crate) fn new(handler: H) -> Self {
        Self { handler, marker: PhantomData }
    }
}

/// Polled with the call.
pub(crate) struct Inline;

impl<M: 'static, H: Handler<M>> Start for Function<Inline, H, M> {
    type Args = H::Args;

    #[inline(always)]
    fn start(&self, args: H::Args, mut source: ContextSource<'_>) -> BoxCall {
        let future = self.handler.call(args, &mut source);
        unary(future, source)
    }
}

/// A task of its own.
pub(crate) struct Spawned;

impl<M: 'static, H: Handler<M>> Start for Function<Spawned, H, M> {
    type Args = H::Args;

    fn start(&self, args: H::Args, mut source: ContextSource<'_>) -> BoxCall {
        let future = self.handler.call(args, &mut source);
        unary(Joined(tokio::spawn(Noted::new(future))), source)
    }
}

/// On the blocking pool.
pub(crate) struct Blocking;

impl<M: 'static, H: BlockingHandler<M>> Start for Function<Blocking, Arc<H>, M> {
    type Args = H::Args;

    fn start(&self, args: H::Args, mut source: ContextSource<'_>) -> BoxCall {
        let turn = source.take_turn();
        let function = self.handler.clone().blocking_call(args, &mut source);
        unary(run(turn, function), source)
    }
}

/// Why a protocol that carries bytes cannot call a streaming method.
const ONE_REPLY: &str = "the method answers with a stream, and this protocol carries one reply per call";

/// A stream, polled with the call.
pub(crate) struct Streaming;

impl<M: 'static, H: StreamHandler<M>> Start for Function<Streaming, H, M> {
    type Args = H::Args;

    fn decode(
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: &ContextSource<'_>,
    ) -> Result<H::Args, CallError> {
        if matches!(args, Args::Bytes(_)) {
            return Err(CallError::BadArguments(ValueError::new(ONE_REPLY)));
        }
        H::Args::from_args(args, decoding, source).map_err(CallError::BadArguments)
    }

    fn start(&self, args: H::Args, mut source: ContextSource<'_>) -> BoxCall {
        let stream = self.handler.call(args, &mut source);
        streaming(stream, source)
    }
}
