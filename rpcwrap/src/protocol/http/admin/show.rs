//! What operations give back, as JSON.

use crate::{
    admin::Done,
    auth::Access,
    live::{calls::CallInfo, peers::PeerStatistics, settings::Setting, slow::SlowCall},
    pages,
};
use serde_json::{Map, Value, json};
use std::time::UNIX_EPOCH;

pub(super) fn done(done: Done) -> Value {
    match done {
        Done::Said(text) => json!({ "message": text }),
        Done::Changed { generation } => json!({ "generation": generation }),
        Done::Killed { connections, calls } => json!({ "connections": connections, "calls": calls }),
        Done::Connections(all) => {
            json!({ "connections": all.iter().map(pages::connection).collect::<Vec<_>>() })
        }
        Done::Calls(all) => json!({ "calls": all.iter().map(call).collect::<Vec<_>>() }),
        Done::SlowCalls(all) => json!({ "calls": all.iter().map(slow_call).collect::<Vec<_>>() }),
        Done::Peers(all) => json!({ "peers": all.iter().map(peer).collect::<Vec<_>>() }),
        Done::Settings { generation, log, settings } => {
            let settings: Vec<_> = settings.iter().map(setting).collect();
            json!({ "generation": generation, "log": log, "settings": settings })
        }
        Done::Access(rules) => {
            let rules: Map<String, Value> =
                rules.into_iter().map(|(service, access)| (service, rule(access.as_ref()))).collect();
            json!({ "access": rules })
        }
    }
}

fn call(one: &CallInfo) -> Value {
    json!({
        "id": one.id,
        "connection": one.connection,
        "method": &*one.method,
        "peer": one.peer.to_string(),
        "protocol": one.protocol,
        "user": one.user,
        "age_seconds": one.age.as_secs_f64(),
    })
}

fn slow_call(one: &SlowCall) -> Value {
    json!({
        "unix_time": one.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        "method": &*one.method,
        "connection": one.connection,
        "peer": one.peer.to_string(),
        "protocol": one.protocol,
        "user": one.user,
        "seconds": one.duration.as_secs_f64(),
        "request_bytes": one.bytes_in,
        "error": one.error,
    })
}

fn peer(one: &PeerStatistics) -> Value {
    json!({
        "address": one.address,
        "method": &*one.method,
        "calls": one.calls,
        "errors": one.errors,
        "p50_seconds": one.p50.as_secs_f64(),
        "p99_seconds": one.p99.as_secs_f64(),
        "last_seconds_ago": one.age.as_secs_f64(),
        "last_error": one.last_error,
    })
}

fn setting(one: &Setting) -> Value {
    json!({ "name": one.name, "value": one.value, "wanted": one.wanted, "live": one.is_live })
}

fn rule(access: Option<&Access>) -> Value {
    let Some(access) = access else { return Value::Null };
    json!({
        "protocols": access.protocols,
        "codecs": access.codecs,
        "users": access.users,
        "authenticated": access.authenticated,
    })
}
