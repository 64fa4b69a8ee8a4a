//! The attribute `#[rpcwrap::service]`: an `impl` block whose methods become the methods of a service.
//!
//! Three steps, one file each: this one is the entrance, `parse` checks what was written and says what is wrong
//! with it at the right place, `expand` writes calls of the base layer (`Service::new`, `Method::new`, …). Nothing
//! can be done with the attribute that cannot be done without it.

mod expand;
mod parse;

use proc_macro::TokenStream;
use syn::{ItemImpl, parse_macro_input};

/// Makes a service of an `impl` block: every method with `&self` answers calls.
///
/// The block stays as it is; beside it appears `impl From<Type> for rpcwrap::Service`, so that
/// `Server::builder().service(Arith)` takes the value. Its methods share it behind an `Arc`; it has to be
/// `Send + Sync + 'static`.
///
/// ```
/// use rpcwrap::{Error, Server};
///
/// # #[derive(serde::Deserialize)]
/// # struct Args { a: i64, b: i64 }
/// struct Arith;
///
/// /// Arithmetic on integers.
/// #[rpcwrap::service]
/// impl Arith {
///     /// Multiplies.
///     async fn multiply(&self, args: Args) -> Result<i64, Error> {
///         Ok(args.a * args.b)
///     }
/// }
///
/// let server = Server::builder().service(Arith).build().unwrap();
/// ```
///
/// Names: the service is called as the type, a method as its function in Go's manner (`get_user` → `GetUser`);
/// `#[rpcwrap::service(name = "…")]` and `#[rpc(name = "…")]` say otherwise. Doc comments are kept.
///
/// Shapes, told apart by the number of arguments: `(&self)`, whose caller may send anything; `(&self, args: Args)`;
/// `(&self, cx: Context, args: Args)`. `self: Arc<Self>` may stand in the place of `&self`.
///
/// Options of a method, in `#[rpc(…)]`:
///
/// | option | meaning |
/// |---|---|
/// | `name = "Mul"` | its name on the wire |
/// | `skip` | no method of the service |
/// | `stream` | a plain `fn` that returns an `impl Stream<Item = Result<Reply, Error>>`; the stream lives longer than `&self`, so take `self: Arc<Self>`, or add `+ use<>` to the type |
/// | `blocking` | a plain `fn` that may block its thread: [`Method::blocking`] |
/// | `spawn` | runs as a task of its own: [`Method::spawn`] |
/// | `idempotent` | clients may retry it |
/// | `read_only` | it changes nothing: idempotent, and called by GET too: [`Method::read_only`] |
/// | `timeout_ms = 500` | time limit of each call |
/// | `max_in_flight = 4` | calls that may run at the same time |
///
/// An associated function without `self`, such as `new`, is no method and left alone.
///
/// [`Method::read_only`]: https://docs.rs/rpcwrap/latest/rpcwrap/struct.Method.html#method.read_only
/// [`Method::blocking`]: https://docs.rs/rpcwrap/latest/rpcwrap/struct.Method.html#method.blocking
/// [`Method::spawn`]: https://docs.rs/rpcwrap/latest/rpcwrap/struct.Method.html#method.spawn
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as parse::ServiceOptions);
    let mut item = parse_macro_input!(item as ItemImpl);
    match parse::service(&options, &mut item) {
        Ok(service) => expand::service(&item, &service).into(),
        Err(error) => {
            // The block stays, so that the only errors are ours and not also "no method named …".
            let errors = error.into_compile_error();
            quote::quote!(#item #errors).into()
        }
    }
}
