//! A Go-RPC server: write a service once in Rust, every client that already exists calls it.
//!
//! One TCP port accepts `CONNECT /_<codec>_rpc_ HTTP/1.0`, answers `HTTP/1.0 200 Connected to Go RPC` and hands the
//! socket to a codec (gob, JSON, BSON, MessagePack, or a program's own). The same port serves gob, JSON and MessagePack
//! without CONNECT, bRPC's and Redis's clients, and over HTTP `POST /<Service>/<Method>`, pages, health checks and metrics.
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
//! its function runs, and the reply is written by the codec that read the request. The [`guide`] has the rest.

#![cfg_attr(
    not(all(feature = "baidu_std", feature = "resp")),
    allow(dead_code, reason = "what only baidu_std's frames or Redis's clients ask for")
)]

mod admin;
mod auth;
mod call;
mod conn;
mod error;
pub mod guide;
pub mod io;
mod live;
mod lock;
mod method;
mod pages;
mod peer;
pub mod protocol;
mod server;
pub mod session;

pub use auth::{
    Access, Credential, Credentials, CredentialsError, Denied, Identity, User, UserPermit, Users, UsersError,
    Verifier,
};
pub use call::registry::MethodInfo;
pub use codecs;
#[cfg(feature = "tls")]
pub use error::TlsError;
pub use error::{CallError, ConfigError, Error, OverLimit};
pub use io::ProxyProtocol;
#[cfg(feature = "tls")]
pub use io::tls::{ClientAuth, TlsConfig, TlsPolicy};
pub use live::{
    config::{Config, OpeningClock},
    connection_info::{ConnectionInfo, Label},
    observer::CallInfo,
    page_access::PageAccess,
    policy::{Policy, PolicyChange},
    settings::Setting,
    shutdown::Phase,
    stats::{BUCKETS, MethodSnapshot, ServerSnapshot, bucket_end},
};
pub use method::blocking::BlockingLoad;
#[cfg(feature = "resp")]
pub use method::command::Command;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use method::macro_support;
#[cfg(feature = "prost")]
pub use method::protobuf::Protobuf;
pub use method::{
    Method,
    args::FromArgs,
    bytes::{RawCall, RawReply},
    context::{Context, ContextSource},
    handler::{BlockingHandler, Handler, MethodFn, StreamHandler},
    layer::{BufferedCallLayer, CallLayer, CallOutcome, CallRequest, CallService},
    reply::WriteReply,
    reply_type::{KnownReplyType, WithReplyType, with_reply_type},
    service::Service,
    signature::Signature,
};
pub use pages::{
    rejected_info::{FailedOpening, OpeningFailure},
    snapshot::{Process, Snapshot},
};
pub use peer::{BadNetwork, Networks, Peer, PeerAddr, TlsInfo};
pub use protocol::{
    http::{Mount, RequestBody},
    sniff::Verdict,
};
#[cfg(feature = "macros")]
pub use rpcwrap_macros::service;
pub use server::{Builder, Drained, Inherited, Listen, ListenAddr, Server};
