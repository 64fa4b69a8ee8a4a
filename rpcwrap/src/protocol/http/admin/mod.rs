//! `POST /admin/<operation>` for admins, `GET /admin/<list>` for monitors: JSON in, JSON out.
//!
//! Shape: the body is an object, or nothing where an operation needs nothing; lists take filters in the query. What is
//! refused is answered as a failed call is. Operations are refused to pages of other sites, whichever user is logged in
//! there.

mod read;
mod show;

use super::{
    body::{self, Body},
    browser, call, page_access,
    progress::Progress,
    request_body::RequestBody,
    respond,
};
use crate::{
    admin::{self, Actor, Operation, Refused, Right},
    live::memory::Held,
    protocol::ConnCx,
};
use hyper::{
    Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, WWW_AUTHENTICATE},
};

/// Bytes of a body.
const MAX_BODY: usize = 64 << 10;

/// A path under `/admin/` and what it is for.
pub(super) struct Path {
    name: &'static str,
    /// Whether GET shows something.
    is_list: bool,
    /// Whether POST changes something.
    is_change: bool,
}

const PATHS: [Path; 11] = [
    change("drain"),
    change("restart"),
    change("log"),
    change("reload-users"),
    change("kill"),
    Path { name: "settings", is_list: true, is_change: true },
    Path { name: "access", is_list: true, is_change: true },
    list("connections"),
    list("calls"),
    list("slow"),
    list("peers"),
];

const fn change(name: &'static str) -> Path {
    Path { name, is_list: false, is_change: true }
}

const fn list(name: &'static str) -> Path {
    Path { name, is_list: true, is_change: false }
}

/// What is at this path.
pub(super) fn find(path: &str) -> Option<&'static Path> {
    let name = path.strip_prefix("/admin/")?;
    PATHS.iter().find(|one| one.name == name)
}

/// Does or shows what is asked for.
pub(super) async fn answer(
    cx: &ConnCx,
    path: &Path,
    request: &mut Request<RequestBody>,
    progress: &Progress,
) -> Response<Body> {
    if let Some(refusal) = page_access::admin_refusal(cx) {
        return refusal;
    }
    let is_change = match *request.method() {
        Method::GET | Method::HEAD if path.is_list => false,
        Method::POST if path.is_change => true,
        _ => {
            return respond::method_not_allowed(match (path.is_list, path.is_change) {
                (true, true) => "GET, HEAD, POST",
                (true, false) => "GET, HEAD",
                (false, _) => "POST",
            });
        }
    };
    // Whatever `allow_origins` says: that is for calls.
    let is_of_other_site = browser::is_of_other_site(request) || browser::names_other_origin(request);
    let Ok(user) = call::user(request.headers(), cx).await else {
        return respond::wrong_user();
    };
    let user = user.or_else(|| cx.identity.clone());
    let actor = Actor {
        user: user.as_ref(),
        peer: &cx.peer_addr,
        connection: cx.tracked.id,
        is_shown_locally: false,
    };
    let live = &cx.dispatch.live;
    let operation = if is_change {
        // Before the body is looked at.
        let checked = match is_of_other_site {
            true => Err(Refused::OtherSite),
            false => actor.check(live, Right::Admin),
        };
        if let Err(why) = checked {
            return refused(&admin::refuse(&actor, path.name, why));
        }
        let mut held = Held::new(live, &cx.tracked);
        match body::read(request.body_mut(), MAX_BODY, progress, &mut held).await {
            Ok(text) => read::change(path.name, &text).map(Operation::Change),
            Err(error) => return call::unread(&error, MAX_BODY),
        }
    } else {
        if let Err(why) = actor.check(live, Right::Monitor) {
            return refused(&why);
        }
        read::query(path.name, request.uri().query().unwrap_or_default()).map(Operation::Query)
    };
    let done = match operation {
        Ok(operation) => admin::execute(live, &actor, operation).await,
        Err(why) if is_change => Err(admin::refuse(&actor, path.name, Refused::Bad(why))),
        Err(why) => Err(Refused::Bad(why)),
    };
    match done {
        Ok(done) => {
            let text = format!("{}\n", show::done(done));
            respond::with(respond::value(text.into()), CACHE_CONTROL, "no-store")
        }
        Err(why) => refused(&why),
    }
}

fn refused(why: &Refused) -> Response<Body> {
    let (status, code) = match why {
        Refused::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Refused::NoUsers | Refused::Denied { .. } | Refused::OtherSite => (StatusCode::FORBIDDEN, "denied"),
        Refused::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
        Refused::Bad(_) => (StatusCode::BAD_REQUEST, "bad_arguments"),
        Refused::Impossible(_) => (StatusCode::CONFLICT, "impossible"),
        Refused::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
    };
    let reply = respond::error(status, code, &why.to_string());
    match status {
        StatusCode::UNAUTHORIZED => respond::with(reply, WWW_AUTHENTICATE, respond::BASIC),
        _ => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        assert!(find("/admin/drain").is_some_and(|path| path.is_change && !path.is_list));
        assert!(find("/admin/peers").is_some_and(|path| path.is_list && !path.is_change));
        for path in ["/admin", "/admin/", "/admin/Drain", "/admin/drain/", "/drain", "//admin/drain"] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
