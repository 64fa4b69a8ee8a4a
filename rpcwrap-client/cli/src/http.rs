//! One GET, for the pages servers have beside their RPC paths.
//!
//! HTTP/1.0, which no server answers in chunks, with a limit on the size of the answer.

use crate::{
    address::Address,
    connector::connector,
    failure::{Exit, Failure},
    options::Options,
    trace::{FirstByte, Traced},
};
use rpcwrap_client::{Config, connect::Stream};
use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// The largest page that is read, in bytes: some ten thousand methods.
const MAX_BYTES: u64 = 4 << 20;

/// The body of the page at `path`, which has to be there and to come within `--connect-timeout`.
pub(crate) async fn get(options: &Options, addr: &Address, path: &str) -> Result<String, Failure> {
    let limit = options.connect_timeout;
    let stream = connector(options, Config::default()).reach(addr.as_str()).await?.stream;
    let stream = Traced::new(stream, (options.verbose > 0).then(FirstByte::default));
    let host = if addr.unix_path().is_some() { "localhost" } else { addr.as_str() };
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json, */*\r\nConnection: close\r\n\r\n"
    );
    let answer = timeout(limit, exchange(stream, &request)).await.map_err(|_| {
        Failure::new(Exit::Timeout, format!("no answer to GET {path} within {} ms", limit.as_millis()))
    })?;
    let answer = answer.map_err(|error| Failure::new(Exit::Empty, format!("GET {path}: {error}")))?;
    body(&answer).map_err(|why| Failure::new(Exit::Protocol, format!("GET {path}: {why}")))
}

async fn exchange(mut stream: Traced<Stream>, request: &str) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES + 1).read_to_end(&mut answer).await?;
    match answer.len() as u64 {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer")),
        len if len > MAX_BYTES => Err(io::Error::other(format!("answer of over {MAX_BYTES} bytes"))),
        _ => Ok(answer),
    }
}

/// What is behind the head of an answer with status 200.
fn body(answer: &[u8]) -> Result<String, String> {
    let answer = String::from_utf8_lossy(answer);
    let status = answer.lines().next().unwrap_or_default();
    let mut words = status.split(' ');
    if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err("the answer is no HTTP".to_owned());
    }
    if words.next() != Some("200") {
        return Err(format!("answered with {}", status.trim_end()));
    }
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("the head of the answer has no end")?;
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        for (answer, wanted) in [
            ("HTTP/1.0 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nmore", Ok("body\r\n\r\nmore")),
            ("HTTP/1.1 200 OK\r\n\r\n", Ok("")),
            ("HTTP/1.1 404 Not Found\r\n\r\nno", Err("answered with HTTP/1.1 404 Not Found")),
            ("HTTP/1.1 200 OK\r\nA: b", Err("the head of the answer has no end")),
            ("\x05\0\0\0\0", Err("the answer is no HTTP")),
        ] {
            let read = body(answer.as_bytes());
            assert_eq!(read.as_deref().map_err(String::as_str), wanted, "{answer}");
        }
    }
}
