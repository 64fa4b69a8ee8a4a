//! Who may see pages, as the policy in force has it.

use super::{body::Body, call, respond};
use crate::{
    live::page_access::PageAccess,
    pages::Audience,
    peer::{Networks, PeerAddr},
    protocol::ConnCx,
};
use hyper::{
    Response, StatusCode,
    header::{HeaderMap, WWW_AUTHENTICATE},
};

/// Whether a page for these may be seen; the reply if not.
pub(super) async fn check(
    cx: &ConnCx,
    audience: Audience,
    headers: &HeaderMap,
) -> Result<(), Response<Body>> {
    if audience == Audience::Probes || cx.port.is_admin {
        return Ok(());
    }
    let policy = cx.dispatch.live.policy_full();
    let needs_login = match &policy.config().pages {
        PageAccess::Open => false,
        PageAccess::Auto => policy.login_required(),
        PageAccess::Login => true,
        PageAccess::Off => return Err(respond::not_found()),
        PageAccess::Networks(networks) => return within(networks, cx),
    };
    if !needs_login || audience == Audience::Scrapers {
        return Ok(());
    }
    let Ok(user) = call::user(headers, cx).await else {
        return Err(respond::wrong_user());
    };
    if user.is_some() || cx.identity.is_some() {
        return Ok(());
    }
    let refusal = respond::text(StatusCode::UNAUTHORIZED, "401 pages need a login\n");
    Err(respond::with(refusal, WWW_AUTHENTICATE, respond::BASIC))
}

/// Whether `/admin` is there for the peer; the reply if not.
pub(super) fn check_admin(cx: &ConnCx) -> Result<(), Response<Body>> {
    if cx.port.is_admin {
        return Ok(());
    }
    match &cx.dispatch.live.config().pages {
        PageAccess::Off => Err(respond::not_found()),
        PageAccess::Networks(networks) => within(networks, cx),
        PageAccess::Open | PageAccess::Auto | PageAccess::Login => Ok(()),
    }
}

fn within(networks: &Networks, cx: &ConnCx) -> Result<(), Response<Body>> {
    if networks.contain(&cx.peer_addr) || cx.peer_addr == PeerAddr::InProcess {
        return Ok(());
    }
    Err(respond::text(StatusCode::FORBIDDEN, "403 pages are not for this network\n"))
}
