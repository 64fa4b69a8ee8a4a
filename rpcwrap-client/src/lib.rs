//! A Go-RPC client: many concurrent calls over one connection, streams, deadlines, honest errors.
//!
//! Speaks to our servers and to the original ones: Go's `net/rpc` in gob and with `jsonrpc`, vitess' `bsonrpc` and
//! `net-rpc-msgpackrpc`, over CONNECT or without it, byte for byte as their own clients do. [`baidu_std`] calls servers
//! of bRPC.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let multiply = |args: Args| async move { Ok(args.a * args.b) };
//! # let server = rpcwrap::Server::builder().method("Arith.Multiply", multiply).build()?;
//! # let addr = server.listen("127.0.0.1:0").await?.to_string();
//! use rpcwrap_client::{AnyCodec, dial_http};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct Args {
//!     a: i64,
//!     b: i64,
//! }
//!
//! let client = dial_http(&addr, AnyCodec::Json).await?;
//! // Clones share the connection; both calls travel in one write.
//! let other = client.clone();
//! let (args, more) = (Args { a: 7, b: 8 }, Args { a: 6, b: 7 });
//! let calls = tokio::join!(
//!     client.call::<_, i64>("Arith.Multiply", &args),
//!     other.call::<_, i64>("Arith.Multiply", &more),
//! );
//! assert_eq!((calls.0?, calls.1?), (56, 42));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Every way to dial is a [`Connector`] that is used once; one of your own reaches any number of servers of one kind.
//!
//! # How a call travels
//! ```text
//! call         request      the caller's task: permit, arguments encoded into the shared output
//!   enter      in_flight    Seq → who waits for it
//!   send       connection   one task per connection: all that is ready in one write
//!   receive    connection   bytes → a batch of replies, each to its caller
//! reply        request      the caller's task: the value decoded straight into its type
//! ```

#[cfg(feature = "baidu_std")]
pub mod baidu_std;
mod client;
mod config;
pub mod connect;
mod connection;
mod deadline;
mod dial;
mod duplex;
mod error;
mod handle;
mod in_flight;
mod items;
mod request;
mod shared;
mod stream;
#[cfg(feature = "tls")]
mod tls;

pub use client::Client;
#[cfg(feature = "bson")]
pub use codecs::BsonDialect;
pub use codecs::{AnyCodec, Codec, types};
pub use config::Config;
pub use connect::Connector;
pub use dial::{dial, dial_auth_http, dial_http, dial_http_path};
pub use error::{DialError, Error, Step};
pub use request::Request;
pub use stream::ReplyStream;
#[cfg(feature = "tls")]
pub use tls::{TlsConfig, TlsError, TlsStream};
