//! What an admin may do to a running server, and what a monitor may see of it: the same for every protocol.
//!
//! A protocol makes an [`Operation`] of what it was asked in its own words, names the [`Actor`], and has it
//! [`execute`]d; what comes back is plain data. Every change leaves a line in the log, under the target
//! `rpcwrap::audit`, refused ones too.

mod actor;
mod audit;
mod execute;
mod operations;
mod peer_name;

pub(crate) use actor::Actor;
pub(crate) use audit::refuse;
pub(crate) use execute::execute;
#[cfg(feature = "resp")]
pub(crate) use execute::run_command;
pub(crate) use operations::{Change, Done, Filter, Kill, Operation, Query, Refused, Right};
pub(crate) use peer_name::PeerName;
