//! What a server serves: asked for by `_rpcwrap_.Describe`, or read from the page `/debug/rpc` that Go's servers have.

mod advice;
mod debug_rpc;
mod types;

use crate::{
    address::Address,
    failure::{Exit, Failure},
    http,
    options::Options,
    session::Session,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use tokio::time::timeout;

pub(crate) use advice::{nearest, strange_members};
pub(crate) use types::skeleton;

/// What a server says is waited for so long where it is only a help.
const HELP: Duration = Duration::from_secs(2);

/// The method by which our servers tell.
const DESCRIBE: &str = "_rpcwrap_.Describe";
/// The page of Go's `net/rpc`, which our servers have too.
pub(crate) const PAGE: &str = "/debug/rpc";

/// A named set of methods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) doc: String,
    pub(crate) methods: Vec<Method>,
}

/// One method. What a server does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Method {
    pub(crate) name: String,
    /// The argument's type in the words of the server's language.
    pub(crate) args: String,
    pub(crate) reply: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) streaming: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotent: Option<bool>,
    #[serde(default, skip_serializing_if = "is_not_said")]
    pub(crate) read_only: Option<bool>,
    #[serde(default)]
    pub(crate) doc: String,
    /// A JSON argument with every member in it, as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) template: String,
    /// Calls so far; on the page only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calls: Option<u64>,
}

/// What is not true of most methods is said where it is.
fn is_not_said(is_true: &Option<bool>) -> bool {
    *is_true != Some(true)
}

impl Method {
    /// What it replies with, or streams.
    pub(crate) fn replies(&self) -> String {
        if self.streaming == Some(true) { format!("stream of {}", self.reply) } else { self.reply.clone() }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) {}", self.name, self.args, self.replies())
    }
}

/// Every method with its full name.
pub(crate) fn methods(services: &[Service]) -> impl Iterator<Item = (String, &Method)> {
    services.iter().flat_map(|service| {
        service.methods.iter().map(|method| (format!("{}.{}", service.name, method.name), method))
    })
}

/// The services of a server.
pub(crate) async fn fetch(options: &Options, addr: &Address) -> Result<Vec<Service>, Failure> {
    // A server that has not got this codec, or not the service, may have the page.
    let refusal = match Session::open(options, addr).await {
        Ok(session) => match described(options, addr, &session).await {
            Ok(services) => return Ok(services),
            Err(failure) if matches!(failure.exit, Exit::Remote) => failure,
            Err(failure) => return Err(failure),
        },
        Err(failure) if matches!(failure.exit, Exit::Protocol) => failure,
        Err(failure) => return Err(failure),
    };
    let page =
        http::get(options, addr, PAGE).await.map_err(|failure| match (failure.exit, refusal.exit) {
            // It has answered the call: that there is no page is no trouble with the connection.
            (Exit::Protocol, _) | (_, Exit::Remote) => {
                let text = format!("{}; {}", refusal.text, failure.text);
                Failure { text, ..refusal }.hint("the server does not say what it has")
            }
            _ => failure,
        })?;
    read_page(&page)
}

/// What the server says by itself, within `--connect-timeout` as its page.
async fn described(options: &Options, addr: &Address, session: &Session) -> Result<Vec<Service>, Failure> {
    let limit = options.connect_timeout;
    timeout(limit, describe(session)).await.unwrap_or_else(|_| {
        let text = format!("no answer to {DESCRIBE} from {addr} within {} ms", limit.as_millis());
        Err(Failure::new(Exit::Timeout, text))
    })
}

/// What the server says by itself, over a connection that is there.
async fn describe(session: &Session) -> Result<Vec<Service>, Failure> {
    let services = session.request(DESCRIBE).call(&()).await.map_err(|error| session.failure(error))?;
    Ok(told(services))
}

/// What the server says of a method, over a connection that is there, if it says anything soon.
pub(crate) async fn describe_method(session: &Session, method: &str) -> Option<Method> {
    let services = timeout(HELP, describe(session)).await.ok()?.ok()?;
    methods(&services).find(|(name, _)| name == method).map(|(_, method)| method.clone())
}

/// Refuses a method that the server says to be a streaming one, for a command that takes one reply.
pub(crate) async fn refuse_stream(
    options: &Options,
    addr: &Address,
    method: &str,
    command: &str,
) -> Result<(), Failure> {
    let quiet = Options { verbose: 0, ..options.clone() };
    let asked = async {
        let session = Session::open(&quiet, addr).await?;
        describe(&session).await
    };
    // A server that does not say goes on; one that is not there is met again at once.
    let services = timeout(HELP, asked).await.ok().and_then(Result::ok).unwrap_or_default();
    let streams = methods(&services).any(|(name, known)| name == method && known.streaming == Some(true));
    match streams {
        true => Err(Failure::usage(format!("{method} streams, and {command} takes one reply"))
            .hint("rpcwrap call prints all items")),
        false => Ok(()),
    }
}

/// The failure of a call, with the method that may have been meant if the server has not got this one.
pub(crate) async fn with_advice(
    failure: Failure,
    options: &Options,
    addr: &Address,
    method: &str,
) -> Failure {
    if !failure.is_unknown_method() {
        return failure;
    }
    let Ok(Ok(services)) = timeout(HELP, fetch(options, addr)).await else {
        return failure.hint("the server does not say what it has");
    };
    match nearest(method, &services) {
        Some(known) => failure.hint(format!("did you mean {known}?")),
        None => failure.hint(format!("rpcwrap list {addr} shows what it has")),
    }
}

/// What one of our servers has told of every method: in gob a `false` arrives as nothing.
fn told(mut services: Vec<Service>) -> Vec<Service> {
    for method in services.iter_mut().flat_map(|service| &mut service.methods) {
        method.streaming.get_or_insert(false);
        method.idempotent.get_or_insert(false);
        method.read_only.get_or_insert(false);
    }
    services
}

/// The services on the page, in the server's order.
pub(crate) fn read_page(page: &str) -> Result<Vec<Service>, Failure> {
    let read = match page.starts_with('{') {
        true => from_json(page),
        false if !page.trim_end().ends_with("</html>") => Err("the page is cut off".to_owned()),
        false => debug_rpc::parse(page),
    };
    read.map_err(|why| Failure::new(Exit::Protocol, format!("GET {PAGE}: {why}")))
}

/// Our own servers' page, asked for as JSON.
fn from_json(page: &str) -> Result<Vec<Service>, String> {
    #[derive(Deserialize)]
    struct Page {
        services: Vec<Service>,
    }
    serde_json::from_str::<Page>(page).map(|page| page.services).map_err(|error| error.to_string())
}

/// The part of `services` that `name` means: everything, `Service`, or `Service.Method`.
pub(crate) fn select(mut services: Vec<Service>, name: Option<&str>) -> Result<Vec<Service>, Failure> {
    let Some(name) = name else { return Ok(services) };
    let all = services.clone();
    if services.iter().any(|service| service.name == name) {
        services.retain(|service| service.name == name);
        return Ok(services);
    }
    if let Some((of, method)) = name.rsplit_once('.') {
        services.retain(|service| service.name == of);
        services.iter_mut().for_each(|service| service.methods.retain(|known| known.name == method));
        if services.iter().any(|service| !service.methods.is_empty()) {
            return Ok(services);
        }
    }
    let failure = Failure::new(Exit::Remote, format!("the server has no {name}"));
    Err(match nearest(name, &all) {
        Some(known) => failure.hint(format!("did you mean {known}?")),
        None => failure.hint("rpcwrap list shows what it has"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> Vec<Service> {
        let method = |name: &str| Method { name: name.to_owned(), ..Method::default() };
        ["A", "ns.B"]
            .map(|name| Service {
                name: name.to_owned(),
                methods: vec![method("X"), method("Y")],
                ..Service::default()
            })
            .to_vec()
    }

    #[test]
    fn selection() {
        for (name, wanted) in [
            (None, Some("A.X A.Y ns.B.X ns.B.Y")),
            (Some("A"), Some("A.X A.Y")),
            (Some("A.Y"), Some("A.Y")),
            (Some("ns.B"), Some("ns.B.X ns.B.Y")),
            (Some("ns.B.X"), Some("ns.B.X")),
            (Some("B"), None),
            (Some("A.Z"), None),
            (Some("ns.A"), None),
        ] {
            let selected = select(services(), name).ok().map(|services| {
                let names = |service: &Service| {
                    service.methods.iter().map(|method| format!("{}.{}", service.name, method.name)).collect()
                };
                services.iter().flat_map::<Vec<_>, _>(names).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(selected.as_deref(), wanted, "{name:?}");
        }
    }

    #[test]
    fn our_own_page_is_read_as_json() {
        let page = r#"{"services":[{"name":"A","doc":"d","methods":[{"name":"X","args":"i64","reply":"()",
            "streaming":true,"idempotent":false,"doc":"","calls":7}]}]}"#;
        let services = read_page(page).unwrap();
        assert_eq!(services[0].methods[0].to_string(), "X(i64) stream of ()");
        assert_eq!(services[0].methods[0].calls, Some(7));
        assert_eq!(read_page("{}").unwrap_err().exit, Exit::Protocol);
    }
}
