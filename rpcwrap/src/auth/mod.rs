//! Who a peer is: the users, their secrets and rights, the one check of them, and the login dialog of Go-RPC.

pub(crate) mod cram_md5;
mod credentials;
#[cfg(test)]
mod fixture;
mod identity;
mod method_patterns;
mod rate;
mod secret;
mod user;
mod user_state;
mod users;
mod users_file;

pub use credentials::{Credentials, CredentialsError};
pub use identity::{Credential, Denied, Identity};
pub use secret::Verifier;
pub use user::User;
pub use user_state::{OverLimit, UserPermit};
pub use users::{Users, UsersError};
