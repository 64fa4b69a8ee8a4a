//! `_rpcwrap_`: the service by which clients ask a server what it serves.
//!
//! An ordinary service of the base layer, made from the descriptions of all others when the server is built; it runs
//! through dispatch like them. It knows names, types and access rules, no numbers and no protocol.

use crate::{
    call::{
        access::Caller,
        registry::{Entry, Registry},
    },
    live::Live,
    method::{Method, context::Context, reply_type::with_reply_type, service::Service, signature::Signature},
    peer::Peer,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::sync::Arc;

/// The service's name. The leading underscore keeps it apart from every program's own.
const NAME: &str = "_rpcwrap_";

/// One service on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DescribedService {
    name: String,
    doc: String,
    /// In the order of names.
    methods: Vec<DescribedMethod>,
}

/// One method on the wire: its types as [`Signature`](crate::Signature) names them, the reply's being that of one item
/// if it is streaming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DescribedMethod {
    name: String,
    args: String,
    reply: String,
    streaming: bool,
    idempotent: bool,
    read_only: bool,
    doc: String,
    /// A JSON argument to start from, as text; empty where the type does not say.
    template: String,
}

/// Makes the service that describes those of `registry`.
///
/// Shape: `_rpcwrap_.Describe` takes any argument and replies with a list of `{name, doc, methods: [{name, args,
/// reply, streaming, idempotent, read_only, doc, template}]}`, services and methods in the order of their names; those
/// that the caller may not call now are not in it. `_rpcwrap_.Ping` takes any argument and replies `true`.
pub(crate) fn service(registry: &Registry, live: Arc<Live>) -> Service {
    let methods = registry.entries();
    let listed = registry.services().iter().map(|(name, doc)| Listed {
        name: name.clone(),
        doc: doc.clone(),
        methods: methods
            .iter()
            .filter(|method| method.service() == name)
            .map(|&method| method.clone())
            .collect(),
    });
    let listed: Arc<[Listed]> = listed.collect();
    let describe = with_reply_type(move |cx: Context, _: IgnoredAny| {
        let visible = visible(&listed, cx.peer(), &live);
        async move { Ok(visible) }
    });
    let ping = |_: IgnoredAny| async { Ok(true) };
    Service::new(NAME)
        .with(Method::new("Describe", describe).idempotent())
        .with(Method::new("Ping", ping).idempotent())
}

/// A service and its methods, whose types are traced when first asked for.
struct Listed {
    name: String,
    doc: String,
    methods: Vec<Arc<Entry>>,
}

impl Listed {
    /// The service as `caller` may see it; `None` if that is nothing.
    fn describe(&self, caller: &Caller<'_>) -> Option<DescribedService> {
        let may_call = |entry: &&Arc<Entry>| caller.may_call(entry.service_number, &entry.full_name).is_ok();
        let methods: Vec<_> = self.methods.iter().filter(may_call).map(|entry| described(entry)).collect();
        let is_hidden = methods.is_empty() && !self.methods.is_empty();
        (!is_hidden).then(|| DescribedService { name: self.name.clone(), doc: self.doc.clone(), methods })
    }
}

fn described(entry: &Entry) -> DescribedMethod {
    let &Method { ref doc, ref types, idempotent, read_only, .. } = &entry.options;
    let Signature { args, reply, streaming, template, .. } = types.signature().clone();
    let (name, doc) = (entry.method().to_owned(), doc.clone());
    DescribedMethod { name, args, reply, streaming, idempotent, read_only, doc, template }
}

fn visible(catalogue: &[Listed], peer: &Arc<Peer>, live: &Live) -> Vec<DescribedService> {
    let policy = live.policy();
    let caller = Caller::new(peer, &policy);
    catalogue.iter().filter_map(|service| service.describe(&caller)).collect()
}

#[cfg(test)]
mod tests {
    use crate::method::Method;
    use crate::{CallError, Error, Server, Service, auth::Access};
    use serde_json::{Value, json};

    fn arith() -> Service {
        let negate = |a: i64| async move { Ok::<_, Error>(-a) };
        Service::new("Arith")
            .doc("Sums.")
            .with(Method::new("Negate", negate).doc("-A").read_only())
            .stream("Count", |to: u32| futures_util::stream::iter((0..to).map(Ok::<u32, Error>)))
    }

    fn public() -> Service {
        Service::new("Zoo").method("Say", |text: String| async move { Ok(text) })
    }

    #[tokio::test]
    async fn lists_services_and_methods_by_name() {
        let server = Server::builder().service(public()).service(arith()).build().unwrap();
        let listed: Value = server.call("_rpcwrap_.Describe", &json!({"any": ["thing"]})).await.unwrap();
        let method = |name: &str, kind: &str, streaming: bool, read_only: bool, doc: &str| {
            let template = if kind == "String" { "\"\"" } else { "0" };
            json!({
                "name": name, "args": kind, "reply": kind,
                "streaming": streaming, "idempotent": read_only, "read_only": read_only, "doc": doc,
                "template": template,
            })
        };
        let count = method("Count", "u32", true, false, "");
        let negate = method("Negate", "i64", false, true, "-A");
        let say = method("Say", "String", false, false, "");
        let wanted = json!([
            {"name": "Arith", "doc": "Sums.", "methods": [count, negate]},
            {"name": "Zoo", "doc": "", "methods": [say]},
        ]);
        assert_eq!(listed, wanted);
        assert_eq!(server.call("_rpcwrap_.Ping", &()).await, Ok(true));
    }

    #[tokio::test]
    async fn leaves_out_what_the_caller_may_not_reach() {
        for (access, is_listed) in [
            (Access::new(), true),
            (Access::new().protocols(["in_process"]), true),
            (Access::new().protocols(["http"]), false),
            (Access::new().codecs(["bson"]), false),
            (Access::new().authenticated(), false),
            (Access::new().users(["root"]), false),
        ] {
            let server = Server::builder().service(public()).service(arith().access(access.clone())).build();
            let listed: Value = server.unwrap().call("_rpcwrap_.Describe", &()).await.unwrap();
            let names: Vec<_> = listed.as_array().unwrap().iter().map(|service| &service["name"]).collect();
            let wanted = if is_listed { vec!["Arith", "Zoo"] } else { vec!["Zoo"] };
            assert_eq!(names, wanted, "{access:?}");
        }
    }

    #[tokio::test]
    async fn is_nobodys_service_on_pages_and_can_be_left_out() {
        let with = Server::builder().service(public()).build().unwrap().snapshot();
        assert_eq!((with.services.len(), with.methods.len()), (1, 1));
        let without = Server::builder().service(public()).without_introspection().build().unwrap();
        let refused = without.call::<_, Value>("_rpcwrap_.Describe", &()).await;
        assert_eq!(refused, Err(CallError::UnknownService("_rpcwrap_.Describe".to_owned())));
    }
}
