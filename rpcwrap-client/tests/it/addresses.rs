//! Names with several addresses: which of them is taken, and what happens to those that are dead or silent (RFC 8305).

use crate::peer::run;
use rpcwrap::Server;
use rpcwrap_client::{AnyCodec, Client, Config, Connector, DialError, Step};
use socket2::{Domain, Socket, Type};
use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

/// A server of this name, and where it is.
async fn server(name: &'static str, at: &str) -> io::Result<(Server, SocketAddr)> {
    let server = Server::builder().method("Who.Am", move |_: ()| async move { Ok(name.to_owned()) });
    let server = server.build().unwrap();
    let addr = server.listen(at).await?;
    Ok((server, addr.to_string().parse().unwrap()))
}

/// An address where no server listens.
fn dead(host: &str) -> SocketAddr {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}

/// An address that takes no connection and refuses none, as long as what comes with it lives.
fn silent(host: &str) -> (SocketAddr, Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&format!("{host}:0").parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&addr, Duration::from_millis(100)) {
        queue.push(stream);
        assert!(queue.len() < 16, "the queue does not fill up");
    }
    (addr, socket, queue)
}

fn cause(error: &DialError) -> String {
    match error {
        DialError::Connect { source, .. } => source.to_string(),
        other => panic!("{other:?}"),
    }
}

fn connector(addrs: &[SocketAddr], limit: Duration) -> Connector {
    let addrs = addrs.to_vec();
    Connector::new(AnyCodec::Json)
        .config(Config::default().connect_timeout(limit))
        .resolver(move |_| std::future::ready(Ok(addrs.clone())))
}

async fn who(client: &Client) -> String {
    timeout(LONG, client.call("Who.Am", &())).await.unwrap().unwrap()
}

async fn reached(addrs: &[SocketAddr], limit: Duration) -> String {
    let client = timeout(LONG, connector(addrs, limit).connect("name:1")).await.unwrap();
    who(&client.unwrap_or_else(|error| panic!("{addrs:?}: {error}"))).await
}

#[test]
fn the_dead_and_the_silent_give_way_to_the_next() {
    run(async {
        let (_first, first) = server("first", "127.0.0.1:0").await.unwrap();
        let (_second, second) = server("second", "127.0.0.2:0").await.unwrap();
        let (quiet, _socket, _queue) = silent("127.0.0.3");
        let refused = dead("127.0.0.4");
        for (addrs, name) in [
            (&[first, second][..], "first"),
            (&[second, first], "second"),
            (&[refused, second], "second"),
            (&[quiet, second], "second"),
            (&[refused, quiet, refused, quiet, first, second], "first"),
        ] {
            assert_eq!(reached(addrs, LONG).await, name, "{addrs:?}");
        }
        // The time is shared out: the last of many that are silent gets its turn, too.
        assert_eq!(
            reached(&[quiet, quiet, quiet, quiet, second], Duration::from_millis(600)).await,
            "second"
        );
    });
}

#[test]
fn names_with_addresses_of_both_families() {
    run(async {
        let (_four, four) = server("four", "127.0.0.1:0").await.unwrap();
        let Ok((_six, six)) = server("six", "[::1]:0").await else {
            println!("this machine has no IPv6");
            return;
        };
        let (quiet, _socket, _queue) = silent("127.0.0.3");
        for (addrs, name) in [
            (&[six, four][..], "six"),
            (&[four, six], "four"),
            (&[dead("::1"), four], "four"),
            (&[dead("127.0.0.1"), six], "six"),
            (&[quiet, six], "six"),
            // Families take turns: the other one is not behind all of the first.
            (&[quiet, quiet, quiet, quiet, six], "six"),
        ] {
            assert_eq!(reached(addrs, LONG).await, name, "{addrs:?}");
        }
    });
}

#[test]
fn what_is_looked_up() {
    run(async {
        let (_server, addr) = server("one", "127.0.0.1:0").await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let connector = Connector::new(AnyCodec::Json).resolver({
            let asked = asked.clone();
            move |name| {
                asked.lock().unwrap().push(name);
                std::future::ready(Ok(vec![addr]))
            }
        });
        let port = addr.port();
        for name in ["db.example:7070", ":7070", "no port", &format!("127.0.0.1:{port}")] {
            let client = timeout(LONG, connector.connect(name)).await.unwrap().unwrap();
            assert_eq!(who(&client).await, "one", "{name}");
        }
        assert_eq!(*asked.lock().unwrap(), ["db.example:7070", "localhost:7070", "no port"]);
        // An address with a zone is none that a resolver knows.
        match server("six", "[::1%lo]:0").await {
            Err(error) => println!("this machine has no IPv6: {error}"),
            Ok((_six, addr)) => {
                let zoned = format!("[::1%lo]:{}", addr.port());
                let client = timeout(LONG, connector.connect(&zoned)).await.unwrap().unwrap();
                assert_eq!(who(&client).await, "six");
            }
        }
        assert_eq!(asked.lock().unwrap().len(), 3);
        let error = timeout(LONG, connector.connect("[fe80::1%nope]:7070")).await.unwrap().err();
        assert!(matches!(error, Some(DialError::Connect { .. })), "{error:?}");
    });
}

#[test]
fn names_that_cannot_be_looked_up() {
    run(async {
        let failing = Connector::new(AnyCodec::Json)
            .resolver(|name| std::future::ready(Err(io::Error::other(format!("no {name} here")))));
        let error = timeout(LONG, failing.connect("db:1")).await.unwrap().unwrap_err();
        assert_eq!(error.step(), Step::Connect);
        assert_eq!(cause(&error), "no db:1 here");
        let error = timeout(LONG, connector(&[], LONG).connect("db:1")).await.unwrap().unwrap_err();
        assert_eq!(cause(&error), "the name has no address");
        let never = Connector::new(AnyCodec::Json)
            .config(Config::default().connect_timeout(Duration::from_millis(50)))
            .resolver(|_| std::future::pending());
        let error = timeout(LONG, never.connect("db:1")).await.unwrap().unwrap_err();
        assert!(matches!(error, DialError::Timeout { step: Step::Connect, .. }), "{error}");
        let refused = [dead("127.0.0.1"), dead("127.0.0.2")];
        let error = timeout(LONG, connector(&refused, LONG).connect("db:1")).await.unwrap().unwrap_err();
        for addr in refused {
            assert!(cause(&error).contains(&addr.to_string()), "{error:?}");
        }
    });
}
