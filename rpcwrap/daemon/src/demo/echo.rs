//! `Echo`: what goes in comes out.

use rpcwrap::{
    Context, Method, Service,
    codecs::types::{Any, Blob, Text},
};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Who {
    addr: String,
    user: String,
    protocol: &'static str,
    codec: String,
}

pub(super) fn service() -> Service {
    let who = |cx: Context, _: Any| async move {
        Ok(Who {
            addr: cx.peer_addr().to_string(),
            user: cx.user().unwrap_or_default().to_owned(),
            protocol: cx.protocol(),
            codec: cx.codec().to_owned(),
        })
    };
    Service::new("Echo")
        .doc("What goes in comes out.")
        .with(
            Method::new("Say", |text: Text| async move { Ok(text) }).doc("A text, UTF-8 or not").read_only(),
        )
        .with(Method::new("Bytes", |blob: Blob| async move { Ok(blob) }).doc("Bytes").read_only())
        .with(Method::new("Any", |any: Any| async move { Ok(any) }).doc("A value of any kind").read_only())
        .with(Method::new("Who", who).doc("Who the server takes the caller for").read_only())
}
