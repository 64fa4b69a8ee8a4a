//! Relayed connections over real sockets.

use super::*;
use rpcwrap_client::AnyCodec;
use std::{future::Future, sync::Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

const LIMIT: Duration = Duration::from_secs(20);

/// A client and a server with a proxy between them, and what the proxy records.
struct Relayed {
    client: TcpStream,
    server: TcpStream,
    record: Sink,
    _accepting: JoinSet<()>,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("within the limit")
}

async fn relayed(faults: &str) -> Relayed {
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let record = Sink::default();
    let (addr, accepting) = start(behind.local_addr().unwrap().to_string(), faults, &record).await;
    let client = TcpStream::connect(addr).await.unwrap();
    let (server, _) = within(behind.accept()).await.unwrap();
    Relayed { client, server, record, _accepting: accepting }
}

async fn start(to: String, faults: &str, record: &Sink) -> (std::net::SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let proxy = Proxy {
        to,
        faults: if faults.is_empty() { Faults::default() } else { faults.parse().unwrap() },
        seed: 1,
        connector: Connector::new(AnyCodec::Json),
        record: Record::new(Some(Box::new(record.clone()))),
    };
    let mut accepting = JoinSet::new();
    accepting.spawn(async move { Arc::new(proxy).accept(&listener).await });
    (addr, accepting)
}

/// Sends `bytes` on one side and reads them on the other.
async fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
    let mut received = vec![0; bytes.len()];
    within(to.read_exact(&mut received)).await.unwrap();
    assert_eq!(received, bytes);
}

async fn read_to_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    within(stream.read_to_end(&mut rest)).await.map(|_| rest)
}

fn assert_reset(read: io::Result<Vec<u8>>) {
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn bytes_pass_both_ways_and_are_recorded() {
    let Relayed { mut client, mut server, record, _accepting } = relayed("").await;
    pass(&mut client, &mut server, b"ping").await;
    pass(&mut server, &mut client, b"pong\n").await;
    drop(client);
    assert_eq!(read_to_end(&mut server).await.unwrap(), b"");
    drop(server);
    within(async {
        while !record.text().contains("closed") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let text = record.text();
    let told: Vec<&str> =
        text.lines().filter_map(|line| line.split_once(" #1 ").map(|(_, told)| told)).collect();
    assert!(told[0].starts_with("open 127.0.0.1:"), "{text}");
    assert_eq!(told[1..], ["-> 4 bytes", "<- 5 bytes", "-> end of stream", "<- end of stream", "closed"]);
    assert!(text.contains("|ping|") && text.contains("|pong.|"), "{text}");
}

#[tokio::test]
async fn a_half_closed_connection_stays_half_open() {
    let Relayed { mut client, mut server, _accepting, .. } = relayed("delay=20ms").await;
    client.write_all(b"the last request").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut server).await.unwrap(), b"the last request");
    pass(&mut server, &mut client, b"the last reply").await;
    drop(server);
    assert_eq!(read_to_end(&mut client).await.unwrap(), b"");
}

#[tokio::test]
async fn more_bytes_than_the_queue_holds_arrive_in_order() {
    let Relayed { client, mut server, _accepting, .. } = relayed("delay=1ms").await;
    let bytes: Vec<u8> = (0..4_000_000_u32).flat_map(u32::to_le_bytes).take(4_000_000).collect();
    let (_reader, mut writer) = client.into_split();
    let sent = bytes.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    assert!(read_to_end(&mut server).await.unwrap() == bytes, "what arrived is not what was sent");
    within(writing).await.unwrap();
}

#[tokio::test]
async fn a_delay_makes_bytes_late() {
    let Relayed { mut client, mut server, _accepting, .. } = relayed("delay=100ms").await;
    let start = Instant::now();
    pass(&mut client, &mut server, b"x").await;
    pass(&mut server, &mut client, b"y").await;
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stall_comes_once_with_the_first_request_after_the_handshake() {
    let Relayed { mut client, mut server, record, _accepting } = relayed("stall=300ms").await;
    pass(&mut client, &mut server, b"hello").await;
    pass(&mut server, &mut client, b"hello").await;
    assert!(!record.text().contains("stall"));
    let start = Instant::now();
    pass(&mut client, &mut server, b"1").await;
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    for _ in 0..3 {
        pass(&mut server, &mut client, b"2").await;
        pass(&mut client, &mut server, b"3").await;
    }
    assert_eq!(record.text().matches("stall of 300 ms").count(), 1);
}

#[tokio::test]
async fn after_a_loss_nothing_passes_until_one_side_closes() {
    let Relayed { mut client, mut server, record, _accepting } = relayed("loss=100%").await;
    client.write_all(b"lost").await.unwrap();
    server.write_all(b"lost too").await.unwrap();
    within(async {
        while record.text().matches("lost: silent").count() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(client);
    assert_eq!(read_to_end(&mut server).await.unwrap_or_default(), b"");
    assert!(!record.text().contains("broken"));
}

#[tokio::test]
async fn a_reset_reaches_both_sides() {
    let Relayed { mut client, mut server, record, _accepting } = relayed("reset=100%").await;
    client.write_all(b"x").await.unwrap();
    assert_reset(read_to_end(&mut client).await);
    assert_reset(read_to_end(&mut server).await);
    assert!(record.text().contains("-> 1 bytes, reset"), "{}", record.text());
}

#[tokio::test]
async fn a_reset_of_one_side_is_passed_on() {
    let Relayed { mut client, mut server, record, _accepting } = relayed("").await;
    pass(&mut client, &mut server, b"x").await;
    reset(&server);
    drop(server);
    assert_reset(read_to_end(&mut client).await);
    assert!(record.text().contains("broken: "), "{}", record.text());
}

#[tokio::test]
async fn without_a_server_the_client_is_reset() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let record = Sink::default();
    let (addr, _accepting) = start(unused.to_string(), "", &record).await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    assert_reset(read_to_end(&mut client).await);
    assert!(record.text().contains("no connection to the server: "), "{}", record.text());
}

#[tokio::test]
async fn the_same_seed_hits_the_same_chunks() {
    let passed = || async {
        let Relayed { mut client, mut server, record, _accepting } = relayed("reset=10%").await;
        let mut chunks = 0;
        let mut byte = [0];
        // One at a time, so that each is a chunk of its own.
        while client.write_all(b"x").await.is_ok() && matches!(within(server.read(&mut byte)).await, Ok(1)) {
            chunks += 1;
        }
        assert!(record.text().contains(", reset"), "{}", record.text());
        chunks
    };
    let first = passed().await;
    assert_eq!(first, passed().await);
    assert!((1..200).contains(&first), "{first} chunks before a reset at 10 %");
}
