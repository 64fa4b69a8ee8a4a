//! Who a peer is: the users and their secrets, the one check of them, and the login dialog of Go-RPC.

mod access;
pub(crate) mod cram_md5;
mod credentials;
mod identity;

pub use access::Access;
pub use credentials::{Credentials, CredentialsError};
pub use identity::{Credential, Denied, Identity};
