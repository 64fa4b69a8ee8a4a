//! Who asks for an operation, and whether that user may.

use super::{Refused, Right};
use crate::{auth::Identity, live::Live, peer::PeerAddr};

/// The peer that asks.
#[derive(Debug)]
pub(crate) struct Actor<'a> {
    /// The user it has proven to be.
    pub(crate) user: Option<&'a Identity>,
    pub(crate) peer: &'a PeerAddr,
    /// The number of its connection, which it cannot end by a name that others have too.
    pub(crate) connection: u64,
    /// On a server without users its protocol shows what monitors see to peers of this machine.
    pub(crate) is_shown_locally: bool,
}

impl Actor<'_> {
    /// Whether the table of users that is in force gives it the right.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self, live: &Live, needs: Right) -> Result<(), Refused> {
        let policy = live.policy();
        let Some(credentials) = policy.credentials() else {
            let is_shown = needs == Right::Monitor && self.is_shown_locally && self.peer.is_local();
            return if is_shown { Ok(()) } else { Err(Refused::NoUsers) };
        };
        let name = self.user.ok_or(Refused::Unauthenticated)?.name();
        let has_right = credentials.users().get(name).is_some_and(|user| match needs {
            Right::Monitor => user.is_monitor(),
            Right::Admin => user.is_admin(),
        });
        if has_right { Ok(()) } else { Err(Refused::Denied { user: name.to_owned(), needs }) }
    }
}
