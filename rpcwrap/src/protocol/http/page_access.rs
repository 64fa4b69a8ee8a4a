//! Who may see pages, and what of them, as the policy in force has it.
//!
//! Where a login is required, or a setting says who sees pages, only monitors and admin listeners are shown everything:
//! the others see no service that an access rule keeps from them, no connection but their own, no peer and no command
//! line.

use super::{body::Body, call, respond};
use crate::{
    admin::{Actor, Right},
    auth::Identity,
    call::{access::may_know, registry::Entry},
    live::{connection_info::ConnectionInfo, page_access::PageAccess},
    pages::{Audience, snapshot::Snapshot},
    peer::{Networks, PeerAddr},
    protocol::ConnCx,
};
use hyper::{
    Response, StatusCode,
    header::{HeaderMap, WWW_AUTHENTICATE},
};
use std::{borrow::Cow, collections::HashSet, sync::Arc};

/// What a peer may see of a page.
pub(super) enum Sight {
    All,
    /// What this user may know of, or a peer that is none.
    Part(Option<Identity>),
}

impl Sight {
    /// The part of `snapshot` it may see.
    pub(super) fn of<'s>(&self, cx: &ConnCx, snapshot: &'s Snapshot) -> Cow<'s, Snapshot> {
        let Self::Part(user) = self else { return Cow::Borrowed(snapshot) };
        let policy = cx.dispatch.live.policy_full();
        let may_know =
            |entry: &&&Arc<Entry>| may_know(&policy, user.as_ref(), entry.service_number, &entry.full_name);
        let entries = cx.dispatch.registry.entries();
        let known: HashSet<_> = entries.iter().filter(may_know).map(|entry| &*entry.full_name).collect();
        let is_own = |one: &ConnectionInfo| {
            let is_user = user.as_ref().is_some_and(|user| one.user.as_deref() == Some(user.name()));
            one.id == cx.tracked.id || is_user
        };
        Cow::Owned(snapshot.part(|full_name| known.contains(full_name), is_own))
    }
}

/// What a peer may see of a page for these; the reply to it, if it may not see the page.
pub(super) async fn sight(
    cx: &ConnCx,
    audience: Audience,
    headers: &HeaderMap,
) -> Result<Sight, Response<Body>> {
    if audience == Audience::Probes || cx.port.is_admin {
        return Ok(Sight::All);
    }
    let policy = cx.dispatch.live.policy_full();
    let mut needs_login = false;
    let mut is_limited = policy.login_required();
    match &policy.config().pages {
        PageAccess::Open => {}
        PageAccess::Auto => needs_login = policy.login_required(),
        PageAccess::Login => (needs_login, is_limited) = (true, true),
        PageAccess::Off => return Err(respond::not_found()),
        PageAccess::Networks(networks) => {
            if let Some(refusal) = outside(networks, cx) {
                return Err(refusal);
            }
            // Without users no viewer could be shown more.
            is_limited |= policy.credentials().is_some();
        }
    }
    if !is_limited {
        return Ok(Sight::All);
    }
    let user = call::user(headers, cx).await.map_err(|_| respond::wrong_user())?;
    let user = user.or_else(|| cx.identity.clone());
    if needs_login && audience == Audience::People && user.is_none() {
        let refusal = respond::text(StatusCode::UNAUTHORIZED, "401 pages need a login\n");
        return Err(respond::with(refusal, WWW_AUTHENTICATE, respond::BASIC));
    }
    let actor = Actor {
        user: user.as_ref(),
        peer: &cx.peer_addr,
        connection: cx.tracked.id,
        is_shown_locally: false,
    };
    match actor.check(&cx.dispatch.live, Right::Monitor) {
        Ok(()) => Ok(Sight::All),
        Err(_) => Ok(Sight::Part(user)),
    }
}

/// The reply to a peer for which `/admin` is not here; `None` if it is.
pub(super) fn admin_refusal(cx: &ConnCx) -> Option<Response<Body>> {
    if cx.port.is_admin {
        return None;
    }
    match &cx.dispatch.live.config().pages {
        PageAccess::Off => Some(respond::not_found()),
        PageAccess::Networks(networks) => outside(networks, cx),
        PageAccess::Open | PageAccess::Auto | PageAccess::Login => None,
    }
}

fn outside(networks: &Networks, cx: &ConnCx) -> Option<Response<Body>> {
    let is_inside = networks.contain(&cx.peer_addr) || cx.peer_addr == PeerAddr::InProcess;
    (!is_inside).then(|| respond::text(StatusCode::FORBIDDEN, "403 pages are not for this network\n"))
}
