//! `Sleep`: a handler that waits, for timeouts, cancellation and replies out of order.

use rpcwrap::{Method, Service};
use std::time::Duration;

pub(super) fn service() -> Service {
    let sleep = |ms: u32| async move {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        Ok(ms)
    };
    Service::new("Sleep")
        .doc("Handlers that wait.")
        .with(Method::new("For", sleep).doc("Sleeps that many milliseconds and returns them").idempotent())
}
