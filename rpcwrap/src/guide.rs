//! The documents of the project: how services are written, how a server is run, what goes over the wire.
//!
//! | page | for |
//! |---|---|
//! | [`services`] | writing methods: types, streams, access, middleware, bRPC |
//! | [`operating`] | running a server: settings, users, pages, admin, signals, systemd, proxies, TLS |
//! | [`wire`] | what goes over the socket: codecs, HTTP, bRPC, errors, timeouts |
//! | [`migrating_from_go`] | users of Go's `net/rpc`, vitess' `rpcwrap`, Python's and Java's `gorpc` |
//! | [`architecture`] | working on rpcwrap: flow, code map, invariants, glossary |
//!
//! The pages are the files of `rpcwrap/docs`, whose links to one another are by reference. The definitions here come
//! before those of the files, and the first one counts.

/// How rpcwrap is built.
///
/// [wire]: self::wire
/// [operating]: self::operating
#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

/// For users of Go's `net/rpc`, vitess' `rpcwrap`, and its Python and Java clients.
///
/// [operating]: self::operating
#[doc = include_str!("../docs/migrating-from-go.md")]
pub mod migrating_from_go {}

/// How a server is run.
///
/// [wire]: self::wire
#[doc = include_str!("../docs/operating.md")]
pub mod operating {}

/// How methods are written.
///
/// [wire]: self::wire
/// [migrating]: self::migrating_from_go
/// [architecture]: self::architecture
#[doc = include_str!("../docs/services.md")]
pub mod services {}

/// What goes over the socket.
///
/// [operating]: self::operating
/// [services]: self::services
#[doc = include_str!("../docs/wire.md")]
pub mod wire {}
