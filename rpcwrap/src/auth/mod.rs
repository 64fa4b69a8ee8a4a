//! Who a peer is: the users, their secrets and rights, the one check of them, and the login dialog of Go-RPC.

mod access;
pub(crate) mod cram_md5;
mod credentials;
mod failure_delays;
mod failure_log;
#[cfg(test)]
mod fixture;
mod identity;
mod logins;
mod method_patterns;
mod rate;
mod secret;
mod tries;
mod user;
mod user_state;
mod users;
mod users_file;
mod verified;

pub use access::Access;
pub use credentials::{Credentials, CredentialsError};
pub(crate) use failure_log::FailureLog;
pub use identity::{Credential, Denied, Identity};
pub(crate) use logins::Logins;
pub use secret::Verifier;
pub(crate) use tries::Tries;
pub use user::User;
pub use user_state::UserPermit;
pub use users::{Users, UsersError};
