//! `Fail`: every way a handler can go wrong.

use rpcwrap::{
    Error, Method, Service,
    codecs::types::{Any, Text},
};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Args {
    text: Text,
    code: Text,
}

pub(super) fn service() -> Service {
    Service::new("Fail")
        .doc("Methods that go wrong.")
        .with(
            Method::new("With", with)
                .doc("The error Text, with Code for callers that read structured errors"),
        )
        .with(Method::new("Panic", panic).doc("A panic, which costs this call and nothing else"))
}

async fn with(Args { text, code }: Args) -> Result<(), Error> {
    Err(Error::new(text).code(code.to_string()))
}

async fn panic(_: Any) -> Result<(), Error> {
    panic!("Fail.Panic was called");
}
