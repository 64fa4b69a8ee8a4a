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

/// The reply to a peer that may not see a page for these; `None` if it may.
pub(super) async fn refusal(cx: &ConnCx, audience: Audience, headers: &HeaderMap) -> Option<Response<Body>> {
    if audience == Audience::Probes || cx.port.is_admin {
        return None;
    }
    let policy = cx.dispatch.live.policy_full();
    let needs_login = match &policy.config().pages {
        PageAccess::Open => false,
        PageAccess::Auto => policy.login_required(),
        PageAccess::Login => true,
        PageAccess::Off => return Some(respond::not_found()),
        PageAccess::Networks(networks) => return outside(networks, cx),
    };
    if !needs_login || audience == Audience::Scrapers {
        return None;
    }
    match call::user(headers, cx).await {
        Err(_) => Some(respond::wrong_user()),
        Ok(user) if user.is_some() || cx.identity.is_some() => None,
        Ok(_) => {
            let refusal = respond::text(StatusCode::UNAUTHORIZED, "401 pages need a login\n");
            Some(respond::with(refusal, WWW_AUTHENTICATE, respond::BASIC))
        }
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
