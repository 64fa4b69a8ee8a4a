//! Who a peer is: the users and their secrets, and the login dialog of Go-RPC.

pub(crate) mod cram_md5;
mod credentials;

pub use credentials::{Credentials, CredentialsError};
