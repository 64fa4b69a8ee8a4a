//! A server of one test: on a free port of this machine, gone when the test lets go of it.

use crate::limit;
use rpcwrap::{Builder, ListenAddr, Server};
use std::{net::SocketAddr, ops::Deref};

/// A running server. Dropping it closes everything at once.
#[derive(Debug)]
pub struct TestServer {
    pub addr: SocketAddr,
    pub server: Server,
}

impl Deref for TestServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Builds the server and opens a free port.
///
/// # Panics
/// If the description is wrong or no port is to be had.
pub async fn start(builder: Builder) -> TestServer {
    let server = builder.build().unwrap();
    let addr = tcp(limit(server.listen("127.0.0.1:0")).await.unwrap());
    TestServer { addr, server }
}

/// The address of a TCP listener.
///
/// # Panics
/// If it is a unix socket.
pub fn tcp(bound: ListenAddr) -> SocketAddr {
    match bound {
        ListenAddr::Tcp(addr) => addr,
        other => panic!("{other} is no TCP address"),
    }
}
