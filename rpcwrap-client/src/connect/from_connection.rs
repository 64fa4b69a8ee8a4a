//! The clients a connector can make.

use crate::client::Client;

mod sealed {
    /// Keeps [`FromConnection`](super::FromConnection) to this crate.
    pub trait Sealed {}
}

pub(crate) use sealed::Sealed;

/// The clients a [`Connector`](super::Connector) can make: Go-RPC's and baidu_std's.
pub trait FromConnection: Sealed + Sized {
    #[doc(hidden)]
    fn from_connection(client: Client) -> Self;
}

impl Sealed for Client {}

impl FromConnection for Client {
    fn from_connection(client: Client) -> Self {
        client
    }
}
