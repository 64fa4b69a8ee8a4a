//! Who the peer is, and the version it speaks.

use super::client::is_name;
use crate::{
    auth::Credential,
    protocol::redis::{
        connection::{Connection, encoded},
        failure,
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::resp::{Status, Version, Words};
use serde::Serialize;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// The version of Redis whose answers clients are told to expect.
pub(super) const REDIS_VERSION: &str = "7.4.0";
/// The user of a login that names none.
const DEFAULT_USER: &str = "default";

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "HELLO",
        syntax: "[protover [AUTH username password] [SETNAME clientname]]",
        words: 0..=usize::MAX,
        summary: "Chooses RESP2 or RESP3; logs in, gives the connection a name.",
        group: Group::Connection,
        needs: Needs::Nothing,
        run: Run::Here(hello),
    },
    Row {
        name: "AUTH",
        syntax: "[username] password",
        words: 1..=2,
        summary: "Logs in.",
        group: Group::Connection,
        needs: Needs::Nothing,
        run: Run::Here(auth),
    },
];

fn auth(connection: &mut Connection, words: Words<'_>) -> Control {
    let (user, secret) = match (words.get(1), words.get(2)) {
        (Some(user), Some(secret)) => (user, secret),
        (secret, _) => {
            if !connection.cx.has_users() {
                let text = "AUTH <password> called without any password configured for the default user. \
                    Are you sure your configuration is correct?";
                return connection.error("ERR", text);
            }
            (DEFAULT_USER.as_bytes(), secret.unwrap_or_default())
        }
    };
    let done = connection.answer(&Status("OK"));
    log_in(connection, user, secret, done, None, Arc::default())
}

/// Checks a login. When it is right gives the connection its name, if there is one, sets `is_done`, and answers
/// `done`.
fn log_in(
    connection: &Connection,
    user: &[u8],
    secret: &[u8],
    done: Answer,
    name: Option<String>,
    is_done: Arc<AtomicBool>,
) -> Control {
    let cx = connection.cx.clone();
    let (user, secret) = (String::from_utf8_lossy(user).into_owned(), secret.to_owned());
    let text = "invalid username-password pair or user is disabled.";
    let denied = connection.error_answer("WRONGPASS", text);
    Control::wait(async move {
        // Secrets are texts: of other bytes none is right.
        let secret = String::from_utf8(secret).unwrap_or_default();
        let credential = Credential::Password { user: &user, secret: &secret };
        let verified = cx.dispatch.live.within(|config| config.login_timeout, cx.verify(&credential)).await;
        match verified {
            Ok(Ok(user)) => {
                if let Some(name) = name {
                    cx.tracked.set_label(|label| label.name = name);
                }
                is_done.store(true, Relaxed);
                done.peer(cx.peer("", Some(user)))
            }
            Ok(Err(why)) if !why.must_close() => denied,
            Ok(Err(_)) | Err(_) => denied.close(),
        }
    })
}

/// What HELLO answers with.
#[derive(Serialize)]
struct Greeting {
    server: &'static str,
    version: &'static str,
    proto: u64,
    id: u64,
    mode: &'static str,
    role: &'static str,
    modules: [&'static str; 0],
}

/// What HELLO asks for beside a version.
#[derive(Default)]
struct Asked<'a> {
    login: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    /// The word that is none of its options, if there is one.
    fn read(words: Words<'a>) -> Result<Self, &'a [u8]> {
        let (mut asked, mut at) = (Self::default(), 0);
        while let Some(option) = words.get(at) {
            match (words.get(at + 1), words.get(at + 2)) {
                (Some(user), Some(secret)) if words.is(at, "AUTH") => {
                    asked.login = Some((user, secret));
                    at += 3;
                }
                (Some(name), _) if words.is(at, "SETNAME") => {
                    asked.name = Some(name);
                    at += 2;
                }
                _ => return Err(option),
            }
        }
        Ok(asked)
    }
}

fn hello(connection: &mut Connection, words: Words<'_>) -> Control {
    let version = match words.get(1).map(|word| std::str::from_utf8(word).unwrap_or_default().parse()) {
        None => connection.encoder.version(),
        Some(Ok(number)) => match Version::from_number(number) {
            Some(version) => version,
            None => return connection.error("NOPROTO", "unsupported protocol version"),
        },
        Some(Err(_)) => {
            return connection.error("ERR", "Protocol version is not an integer or out of range");
        }
    };
    let asked = match Asked::read(words.skip(2)) {
        Ok(asked) => asked,
        Err(option) => {
            let text = format!("Syntax error in HELLO option '{}'", failure::shown(option, 128));
            return connection.error("ERR", &text);
        }
    };
    if connection.must_log_in && asked.login.is_none() {
        let text = "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> \
            AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol \
            version at the same time";
        return connection.error("NOAUTH", text);
    }
    let name = match asked.name.map(is_name) {
        None => None,
        Some(Ok(name)) => Some(name),
        Some(Err(text)) => return connection.error("ERR", text),
    };
    let greeting = Greeting {
        server: "redis",
        version: REDIS_VERSION,
        proto: version.number(),
        id: connection.cx.tracked.id,
        mode: "standalone",
        role: "master",
        modules: [],
    };
    let mut encoder = connection.encoder;
    encoder.set_version(version);
    let done = encoded(encoder, &greeting);
    match asked.login {
        Some((user, secret)) => {
            let is_done = Arc::new(AtomicBool::new(false));
            connection.set_version_after(is_done.clone(), version);
            log_in(connection, user, secret, done, name, is_done)
        }
        None => {
            if let Some(name) = name {
                connection.cx.tracked.set_label(|label| label.name = name);
            }
            connection.encoder = encoder;
            Control::Answer(done)
        }
    }
}
