//! A Go-RPC server: write a service once in Rust, every client that already exists calls it.
//!
//! One TCP port accepts `CONNECT /_<codec>_rpc_ HTTP/1.0`, answers `HTTP/1.0 200 Connected to Go RPC` and hands the
//! socket to a codec (JSON, BSON, or a program's own); the same port serves `POST /<Service>/<Method>`, pages, probes
//! and metrics to whatever speaks HTTP.
//!
//! ```no_run
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     rpcwrap::Server::builder()
//!         .method("Echo.Say", |text: String| async move { Ok(text) })
//!         .serve("127.0.0.1:9001")
//!         .await
//! }
//! ```
//!
//! A call travels one way: [`Server`] accepts, the first bytes choose a [`protocol`], dispatch finds the [`Method`],
//! its function runs, and the reply is written by the codec that read the request.

mod age;
mod auth;
mod call;
mod config;
mod connection;
mod dispatch;
mod error;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod expansion;
mod handler;
mod introspection;
pub mod io;
mod method;
mod openings;
mod pages;
mod prepare;
#[cfg(feature = "prost")]
mod proto;
pub mod protocol;
mod raw;
mod registry;
mod server;
mod service;
mod session;
mod shutdown;
mod signature;
mod snapshot;
mod sniff;
mod stats;
mod tracker;
mod typed;
mod value;

pub use auth::{
    Credential, Credentials, CredentialsError, Denied, Identity, OverLimit, User, UserPermit, Users,
    UsersError, Verifier,
};
pub use call::{Context, ContextSource, Peer, PeerAddr};
pub use codecs;
pub use config::{Config, OpeningClock};
pub use error::{CallError, ConfigError, Error};
pub use handler::{BlockingHandler, Handler, StreamHandler};
#[cfg(feature = "tls")]
pub use io::tls::{ClientAuth, TlsConfig, TlsError, TlsPolicy};
pub use io::{BadNetwork, ProxyProtocol, TlsInfo};
pub use method::Method;
pub use openings::{FailedOpening, OpeningFailure};
#[cfg(feature = "prost")]
pub use proto::Proto;
pub use protocol::http::Mount;
pub use raw::{RawCall, RawReply};
pub use registry::MethodInfo;
#[cfg(feature = "macros")]
pub use rpcwrap_macros::service;
pub use server::{Builder, Drained, Listen, ListenAddr, Server};
pub use service::{Access, Service};
pub use shutdown::Phase;
pub use signature::Signature;
pub use snapshot::{Process, Snapshot};
pub use sniff::Verdict;
pub use stats::{BUCKETS, MethodSnapshot, ServerSnapshot, bucket_end};
pub use tracker::ConnectionInfo;
pub use typed::{ByType, Typed, typed};
pub use value::{FromArgs, WriteReply};
