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
//! The pages are the files of `rpcwrap/docs`. Each begins with where its links to the others lead here; of two
//! definitions of a link the first one counts.

/// How rpcwrap is built.
pub mod architecture {
    #![doc = "\n[wire]: super::wire\n[operating]: super::operating\n"]
    #![doc = include_str!("../docs/architecture.md")]
}

/// For users of Go's `net/rpc`, vitess' `rpcwrap`, and its Python and Java clients.
pub mod migrating_from_go {
    #![doc = "\n[operating]: super::operating\n"]
    #![doc = include_str!("../docs/migrating-from-go.md")]
}

/// How a server is run.
pub mod operating {
    #![doc = "\n[wire]: super::wire\n"]
    #![doc = include_str!("../docs/operating.md")]
}

/// How methods are written.
pub mod services {
    #![doc = "\n[wire]: super::wire\n[migrating]: super::migrating_from_go\n[architecture]: super::architecture\n"]
    #![doc = include_str!("../docs/services.md")]
}

/// What goes over the socket.
pub mod wire {
    #![doc = "\n[operating]: super::operating\n[services]: super::services\n"]
    #![doc = include_str!("../docs/wire.md")]
}
