//! Methods answered by a stream: a peer follows a topic and gets every line that others publish to it.
//!
//! A stream is polled only as fast as its peer reads, and dropped when the peer goes away.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use futures_util::{Stream, StreamExt, stream};
use rpcwrap::{Error, Method, Server, Service};
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Range {
    from: u64,
    to: u64,
}

/// Any iterator makes a stream.
fn squares(Range { from, to }: Range) -> impl Stream<Item = Result<u64, Error>> {
    stream::iter(from..to).map(|n| n.checked_mul(n).ok_or_else(|| "too large".into()))
}

/// What is published from now on. A reader that falls too far behind is told so, and its stream ends.
fn follow(news: &broadcast::Sender<String>) -> impl Stream<Item = Result<String, Error>> + use<> {
    stream::unfold(news.subscribe(), |mut lines| async move {
        match lines.recv().await {
            Ok(line) => Some((Ok(line), lines)),
            Err(RecvError::Lagged(missed)) => {
                Some((Err(Error::new(format!("{missed} lines missed"))), lines))
            }
            Err(RecvError::Closed) => None,
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let (news, _) = broadcast::channel::<String>(1000);
    let publisher = news.clone();
    let publish = move |line: String| {
        // A line without subscribers is no error.
        let readers = publisher.send(line).unwrap_or(0);
        async move { Ok(readers) }
    };
    let server = Server::builder()
        .service(
            Service::new("Numbers").with(Method::stream("Squares", squares).doc("From² and on, below To²")),
        )
        .service(
            Service::new("News")
                .stream("Follow", move |()| follow(&news))
                .with(Method::new("Publish", publish).doc("Returns how many read it")),
        )
        .build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");
    println!("curl -d '{{\"From\":1,\"To\":4}}' http://{addr}/Numbers/Squares");
    println!("curl -N -d null http://{addr}/News/Follow     # and in another terminal:");
    println!("curl -d '\"hello\"' http://{addr}/News/Publish");
    running.await?;
    Ok(())
}
