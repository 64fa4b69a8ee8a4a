//! `Count`: a method answered by a stream of replies.

use futures_util::{Stream, stream};
use rpcwrap::{Error, Method, Service};
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Args {
    to: u64,
    every_ms: u64,
}

pub(super) fn service() -> Service {
    let up = Method::stream("Up", up).doc("1, 2, … To, one every EveryMs milliseconds").idempotent();
    Service::new("Count").doc("Streams of numbers.").with(up)
}

fn up(Args { to, every_ms }: Args) -> impl Stream<Item = Result<u64, Error>> {
    stream::unfold(1, move |next| async move {
        if next > to {
            return None;
        }
        if next > 1 && every_ms > 0 {
            tokio::time::sleep(Duration::from_millis(every_ms)).await;
        }
        Some((Ok(next), next + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    #[tokio::test]
    async fn counts_from_one() {
        for (to, numbers) in [(3, vec![Ok(1), Ok(2), Ok(3)]), (0, vec![])] {
            assert_eq!(up(Args { to, every_ms: 1 }).collect::<Vec<_>>().await, numbers);
        }
    }
}
