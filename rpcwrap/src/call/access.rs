//! Whether a peer may reach a service: the one place where access rules are applied.

use crate::{auth::Access, error::CallError, peer::Peer};

/// Whether `access` lets `peer` reach the service or method `name`.
pub(crate) fn allow(access: &Access, name: &str, peer: &Peer) -> Result<(), CallError> {
    let free = |names: &Option<Vec<String>>, wanted: &str| {
        names.as_ref().is_none_or(|names| names.iter().any(|allowed| allowed == wanted))
    };
    if !free(&access.protocols, peer.protocol) || !free(&access.codecs, &peer.codec) {
        return Err(CallError::UnknownService(name.to_owned()));
    }
    match (&peer.user, access.authenticated) {
        (None, true) => Err(CallError::Unauthenticated(name.to_owned())),
        (Some(user), _) if !free(&access.users, user.name()) => {
            Err(CallError::Denied { name: name.to_owned(), user: user.name().to_owned() })
        }
        _ => Ok(()),
    }
}
