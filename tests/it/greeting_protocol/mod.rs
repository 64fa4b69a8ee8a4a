//! A protocol of the program's own that greets first and upgrades to TLS, as SMTP does: all of it, on public API only.

mod upgrade;

use bytes::{Bytes, BytesMut};
use rpcwrap::{
    TlsConfig,
    io::Prefixed,
    protocol::{Conn, ConnCx, Protocol, ProtocolError, ServeFuture, Served, Sniff},
};
use rpcwrap_tests::{
    certificates::Ca,
    limit,
    raw::Peer,
    server::{start, tcp},
    services::services,
};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// `220 greeting`, then a request per line: `CALL Arith.Multiply {"A":7,"B":8}`, `STARTTLS`, `QUIT`.
struct Greeting {
    prefaces: &'static [&'static [u8]],
}

impl Protocol for Greeting {
    fn name(&self) -> &'static str {
        "greeting"
    }

    fn speaks_first(&self) -> bool {
        true
    }

    fn upgrades_tls(&self) -> bool {
        true
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        self.prefaces.iter().map(|opening| opening.to_vec()).collect()
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        self.prefaces.first().map_or(Sniff::No, |opening| Sniff::magic(head, opening))
    }

    fn serve(self: Arc<Self>, conn: Conn, mut cx: ConnCx) -> ServeFuture {
        Box::pin(async move {
            let (mut io, mut input) = (conn.into_io(), BytesMut::new());
            let mut peer = cx.peer("", None);
            io.write_all(b"220 greeting\r\n").await?;
            while let Some(line) = next_line(&mut io, &mut input).await? {
                let mut words = line.splitn(3, ' ');
                let answer = match (words.next().unwrap_or_default(), words.next(), words.next()) {
                    ("HELP", ..) if cx.can_start_tls() => "214 CALL QUIT STARTTLS".to_owned(),
                    ("HELP", ..) => "214 CALL QUIT".to_owned(),
                    ("QUIT", ..) => return Ok(Served::Closed),
                    ("STARTTLS", ..) if cx.can_start_tls() => {
                        // All that was read is the handshake's, what this protocol has buffered itself among it.
                        let (rest, stream) = io.into_parts();
                        input.extend_from_slice(&rest);
                        let mut conn = Conn::new(input.split(), stream);
                        conn.unsent = Bytes::from_static(b"220 go ahead\r\n");
                        io = cx.start_tls(conn).await?.into_io();
                        peer = cx.peer("", None);
                        continue;
                    }
                    ("CALL", Some(name), args) => {
                        match cx.call(&peer, name, args.unwrap_or("null").as_bytes(), None).await {
                            Ok(reply) => format!("250 {}", String::from_utf8_lossy(&reply)),
                            Err(error) => format!("550 {error}"),
                        }
                    }
                    _ => "500 what?".to_owned(),
                };
                io.write_all(format!("{answer}\r\n").as_bytes()).await?;
                io.flush().await?;
            }
            Ok(Served::Closed)
        })
    }
}

async fn next_line(io: &mut Prefixed, input: &mut BytesMut) -> Result<Option<String>, ProtocolError> {
    loop {
        if let Some(at) = input.windows(2).position(|two| two == b"\r\n") {
            let line = input.split_to(at + 2);
            return Ok(Some(String::from_utf8_lossy(&line[..at]).into_owned()));
        }
        match io.read_buf(input).await? {
            0 => return Ok(None),
            _ if input.len() > 4096 => return Err(ProtocolError::TooBig { limit: 4096 }),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_protocol_that_greets_is_served_before_and_after_its_tls_upgrade() {
    let (ca, greeting) = (Ca::new(), Greeting { prefaces: &[] });
    let certified = ca.server();
    let tls = TlsConfig::from_pem(certified.certificate, certified.key);
    let server = start(services().protocol(greeting).tls(tls)).await;
    let addr = tcp(limit(server.listen_only("127.0.0.1:0", &["greeting"])).await.unwrap());
    let mut socket = limit(TcpStream::connect(addr)).await.unwrap();
    socket.write_all(b"HELP\r\nCALL Arith.Multiply {\"A\":7,\"B\":8}\r\nSTARTTLS\r\n").await.unwrap();
    let plain =
        "220 greeting\r\n214 CALL QUIT STARTTLS\r\n550 rpc: Arith.Multiply needs a TLS connection\r\n";
    let mut read = vec![0; plain.len() + "220 go ahead\r\n".len()];
    limit(socket.read_exact(&mut read)).await.unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), format!("{plain}220 go ahead\r\n"));
    let trusts = rpcwrap_client::TlsConfig::new().ca_pem(ca.pem());
    let mut peer = Peer::over(limit(trusts.connect(socket, "localhost")).await.unwrap());
    peer.send("HELP\r\nCALL Arith.Multiply {\"A\":7,\"B\":8}\r\nQUIT\r\n").await;
    peer.expect("214 CALL QUIT\r\n250 56\r\n").await;
    peer.expect_closed().await;
}
