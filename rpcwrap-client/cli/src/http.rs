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
    let host = addr.http_host();
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json, */*\r\nConnection: close\r\n\r\n"
    );
    let answer = timeout(limit, exchange(stream, &request)).await.map_err(|_| {
        Failure::new(Exit::Timeout, format!("no answer to GET {path} within {} ms", limit.as_millis()))
    })?;
    let answer = answer.map_err(|error| Failure::new(Exit::Empty, format!("GET {path}: {error}")))?;
    if matches!(answer[..], [21, 3, 0..=4, ..]) {
        return Err(Failure::new(Exit::Tls, format!("GET {path}: the server speaks TLS")).hint("try --tls"));
    }
    body(&answer).map_err(|why| Failure::new(Exit::Protocol, format!("GET {path}: {why}")))
}

async fn exchange(mut stream: Traced<Stream>, request: &str) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut stream = stream.take(MAX_BYTES + 1);
    // Some servers say how long it is and keep the connection.
    while stream.read_buf(&mut answer).await? > 0 && !is_whole(&answer) {}
    match answer.len() as u64 {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer")),
        len if len > MAX_BYTES => Err(io::Error::other(format!("answer of over {MAX_BYTES} bytes"))),
        _ => Ok(answer),
    }
}

/// Whether everything has come that the head announces.
fn is_whole(answer: &[u8]) -> bool {
    let (head, body) = parts(answer);
    body.zip(announced(&String::from_utf8_lossy(head)))
        .is_some_and(|(body, length)| body.len() as u64 >= length)
}

/// Head and body, once the head has its end.
fn parts(answer: &[u8]) -> (&[u8], Option<&[u8]>) {
    const END: &[u8] = b"\r\n\r\n";
    match answer.windows(END.len()).position(|window| window == END) {
        Some(end) => (&answer[..end], Some(&answer[end + END.len()..])),
        None => (answer, None),
    }
}

/// `Content-Length`.
fn announced(head: &str) -> Option<u64> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next()?.1.trim().parse().ok()
}

/// What is behind the head of an answer with status 200, if all of it has come.
fn body(answer: &[u8]) -> Result<String, String> {
    let (head, body) = parts(answer);
    let head = String::from_utf8_lossy(head);
    let status = head.lines().next().unwrap_or_default();
    let mut words = status.split(' ');
    if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err("the answer is no HTTP".to_owned());
    }
    if words.next() != Some("200") {
        return Err(format!("answered with {}", status.trim_end()));
    }
    let body = body.ok_or("the head of the answer has no end")?;
    match announced(&head).map(|length| usize::try_from(length).unwrap_or(usize::MAX)) {
        Some(length) => match body.get(..length) {
            Some(body) => Ok(String::from_utf8_lossy(body).into_owned()),
            None => Err(format!("cut off after {} of {length} bytes", body.len())),
        },
        None => Ok(String::from_utf8_lossy(body).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        for (answer, wanted) in [
            ("HTTP/1.0 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nmore", Ok("body\r\n\r\nmore")),
            ("HTTP/1.1 200 OK\r\n\r\n", Ok("")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", Ok("body")),
            ("HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nbody", Ok("bo")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", Err("cut off after 4 of 9 bytes")),
            ("HTTP/1.1 404 Not Found\r\n\r\nno", Err("answered with HTTP/1.1 404 Not Found")),
            ("HTTP/1.1 200 OK\r\nA: b", Err("the head of the answer has no end")),
            ("\x05\0\0\0\0", Err("the answer is no HTTP")),
        ] {
            let read = body(answer.as_bytes());
            assert_eq!(read.as_deref().map_err(String::as_str), wanted, "{answer}");
        }
    }
}
