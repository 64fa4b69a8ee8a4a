//! Operations as HTTP asks for them: a JSON object, or filters in the query.

use crate::{
    admin::{Change, Filter, Kill, PeerName, Query},
    auth::Access,
};
use codecs::text::Query as Parameters;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Rows of a list that does not say how many.
const MOST: usize = 1000;

/// The change of that name; what is wrong with the body, if it is none.
pub(super) fn change(name: &str, body: &[u8]) -> Result<Change, String> {
    Ok(match name {
        "drain" => nothing(body, Change::Drain)?,
        "restart" => nothing(body, Change::Restart)?,
        "reload-users" => nothing(body, Change::ReloadUsers)?,
        "log" => Change::SetLog(json::<Log>(body)?.filter),
        "settings" => Change::Set(settings(json(body)?)?),
        "access" => {
            let Rule { service, rule } = json(body)?;
            Change::SetAccess { service, rule: rule.map(Ways::into_access) }
        }
        _ => Change::Kill(match json::<Which>(body)? {
            Which::Connection(id) => Kill::Connection(id),
            Which::Call(id) => Kill::Call(id),
            Which::Address(name) => Kill::Peer(name.parse()?),
            Which::User(user) => Kill::User(user),
        }),
    })
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// For operations that need nothing: no body, or an object without members.
fn nothing(body: &[u8], change: Change) -> Result<Change, String> {
    if body.trim_ascii().is_empty() {
        return Ok(change);
    }
    match json::<Map<String, Value>>(body)?.keys().next() {
        None => Ok(change),
        Some(name) => Err(format!("unknown field `{name}`")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    filter: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    service: String,
    /// `null` is none; it cannot be left out.
    #[serde(deserialize_with = "Option::deserialize")]
    rule: Option<Ways>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ways {
    protocols: Option<Vec<String>>,
    codecs: Option<Vec<String>>,
    users: Option<Vec<String>>,
    #[serde(default)]
    authenticated: bool,
}

impl Ways {
    fn into_access(self) -> Access {
        let mut access = Access::new();
        if let Some(names) = self.protocols {
            access = access.protocols(names);
        }
        if let Some(names) = self.codecs {
            access = access.codecs(names);
        }
        if let Some(names) = self.users {
            access = access.users(names);
        }
        if self.authenticated { access.authenticated() } else { access }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    Connection(u64),
    Call(u64),
    Address(String),
    User(String),
}

/// Values as the settings' own texts: `null` and `false` are `off`, a list has commas.
fn settings(members: Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    if members.is_empty() {
        return Err("no setting is named".to_owned());
    }
    let text = |name: &str, value| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(false) => Ok("off".to_owned()),
        Value::Array(values) => {
            let texts = values.iter().map(|value| value.as_str());
            let texts = texts.collect::<Option<Vec<_>>>();
            texts.map(|texts| texts.join(",")).ok_or_else(|| format!("{name}: want a list of strings"))
        }
        Value::Bool(true) | Value::Object(_) => {
            Err(format!("{name}: want a string, a number, null or a list of strings"))
        }
    };
    members.into_iter().map(|(name, value)| text(&name, value).map(|text| (name, text))).collect()
}

/// The list of that name; what is wrong with the query, if it asks for none.
pub(super) fn query(name: &str, text: &str) -> Result<Query, String> {
    let mut asked = Asked::read(text)?;
    let most = asked.number("limit")?.map_or(MOST, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let query = match name {
        "connections" => Query::Connections { filter: asked.filter(false)?, most },
        "calls" => Query::Calls { filter: asked.filter(true)?, most },
        "slow" => Query::SlowCalls { most },
        "peers" => Query::Peers { address: asked.take("address"), method: asked.take("method"), most },
        "settings" => Query::Settings,
        _ => Query::Access,
    };
    match asked.0.first() {
        None => Ok(query),
        Some((name, _)) => Err(format!("no filter {name:?} here")),
    }
}

/// The filters of a query that have not been taken.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn read(text: &str) -> Result<Self, String> {
        let query = Parameters::parse(text.as_bytes()).map_err(|error| error.text().to_owned())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let named = query.iter().map(|(name, value)| match name {
            Some(name) => Ok((text(name), text(value))),
            None => Err(format!("{:?} is no filter: want name=value", text(value))),
        });
        named.collect::<Result<_, _>>().map(Self)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    fn number(&mut self, name: &str) -> Result<Option<u64>, String> {
        let Some(text) = self.take(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("{name}={text}: want a whole number"))
    }

    fn filter(&mut self, of_calls: bool) -> Result<Filter, String> {
        let peer = self.take("address").map(|name| name.parse::<PeerName>()).transpose()?;
        let connection = self.number(if of_calls { "connection" } else { "id" })?;
        Ok(Filter { peer, user: self.take("user"), protocol: self.take("protocol"), connection })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        for (name, body, wanted) in [
            ("drain", "", "Drain"),
            ("drain", " {} ", "Drain"),
            ("restart", "{}", "Restart"),
            ("reload-users", "", "ReloadUsers"),
            ("log", r#"{"filter":"debug"}"#, r#"SetLog("debug")"#),
            ("settings", r#"{"max_calls":7}"#, r#"Set([("max_calls", "7")])"#),
            ("settings", r#"{"idle_timeout":null}"#, r#"Set([("idle_timeout", "off")])"#),
            ("settings", r#"{"pages":["::1","10.0.0.0/8"]}"#, r#"Set([("pages", "::1,10.0.0.0/8")])"#),
            ("access", r#"{"service":"A","rule":null}"#, r#"SetAccess { service: "A", rule: None }"#),
            (
                "access",
                r#"{"service":"A","rule":{"users":["ala"]}}"#,
                "SetAccess { service: \"A\", rule: Some(Access { protocols: None, codecs: None, \
                 users: Some([\"ala\"]), authenticated: true }) }",
            ),
            ("kill", r#"{"connection":7}"#, "Kill(Connection(7))"),
            ("kill", r#"{"call":7}"#, "Kill(Call(7))"),
            ("kill", r#"{"address":"::1"}"#, "Kill(Peer(Ip(::1)))"),
            ("kill", r#"{"user":"ala"}"#, r#"Kill(User("ala"))"#),
        ] {
            assert_eq!(format!("{:?}", change(name, body.as_bytes()).unwrap()), wanted);
        }
    }

    #[test]
    fn bodies_that_say_something_else() {
        for (name, body, why) in [
            ("drain", "[]", "invalid type: sequence, expected a map"),
            ("drain", r#"{"now":true}"#, "unknown field `now`"),
            ("log", "", "EOF while parsing"),
            ("log", r#"{"filter":7}"#, "invalid type: integer `7`, expected a string"),
            ("settings", "{}", "no setting is named"),
            ("settings", "[]", "invalid type"),
            ("settings", r#"{"max_calls":true}"#, "max_calls: want a string, a number, null or"),
            ("settings", r#"{"pages":[7]}"#, "pages: want a list of strings"),
            ("access", r#"{"service":"A"}"#, "missing field `rule`"),
            ("access", r#"{"service":"A","rule":{"user":[]}}"#, "unknown field `user`"),
            ("kill", "{}", "expected value"),
            ("kill", r#"{"call":7,"user":"ala"}"#, "expected"),
            ("kill", r#"{"address":"localhost"}"#, "\"localhost\" is no IP address"),
        ] {
            let error = change(name, body.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{body}: {error}");
        }
    }

    #[test]
    fn queries() {
        for (name, text, wanted) in [
            ("slow", "", "SlowCalls { most: 1000 }"),
            ("slow", "limit=7", "SlowCalls { most: 7 }"),
            ("settings", "", "Settings"),
            ("access", "", "Access"),
            (
                "peers",
                "address=10.0.0.1&method=A.B",
                "Peers { address: Some(\"10.0.0.1\"), method: Some(\"A.B\"), most: 1000 }",
            ),
            (
                "connections",
                "id=7&user=a%20la",
                "Connections { filter: Filter { peer: None, user: Some(\"a la\"), protocol: None, \
                 connection: Some(7) }, most: 1000 }",
            ),
            (
                "calls",
                "connection=7&address=%3A%3A1&protocol=http",
                "Calls { filter: Filter { peer: Some(Ip(::1)), user: None, protocol: Some(\"http\"), \
                 connection: Some(7) }, most: 1000 }",
            ),
        ] {
            assert_eq!(format!("{:?}", query(name, text).unwrap()), wanted);
        }
        for (name, text, why) in [
            ("slow", "most=7", "no filter \"most\" here"),
            ("slow", "limit=many", "limit=many: want a whole number"),
            ("slow", "7", "\"7\" is no filter: want name=value"),
            ("connections", "address=localhost", "\"localhost\" is no IP address"),
            ("connections", "connection=7", "no filter \"connection\" here"),
        ] {
            let error = query(name, text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
