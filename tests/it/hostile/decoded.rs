//! Small messages that would become large values are refused, and their connections go on.

use super::{Good, alone, gob};
use crate::{
    baidu_std::demo::{HEAD, call},
    program::{Program, Settings},
};
use rpcwrap::codecs::{baidu_std::RequestHead, body::ContentType, compress::Compression};
use rpcwrap_tests::raw::{Peer, json_request};
use std::process::Stdio;

/// Less address space than what one of the messages would become.
const SPACE: &str = "ulimit -v 524288; exec \"$0\" \"$@\"";

const REFUSED: &str = "message decodes to more than ";

const TIMES: usize = 3;

/// `[[[…]]]` within one list, in 2 MiB.
fn tower() -> String {
    let deep = "[".repeat(80) + &"]".repeat(80) + ",";
    format!("[{}0]", deep.repeat((2 << 20) / deep.len()))
}

/// The same in MessagePack.
fn msgpack_tower() -> Vec<u8> {
    let (deep, times) = ([&[0x91; 80][..], &[0x90]].concat(), 20_000_u32);
    let head = b"\x82\xa3Seq\x01\xadServiceMethod\xa8Echo.Any\xdd";
    [&head[..], &times.to_be_bytes(), &deep.repeat(times as usize)].concat()
}

#[tokio::test]
async fn what_would_become_too_large_is_refused_in_every_codec() {
    let settings = Settings::new("decoded", "");
    let args = ["--listen", "127.0.0.1:0", "--config", settings.path()];
    let program = Program::daemon_by(SPACE, Stdio::null(), &args).await;
    let good = Good::without_pause(program.addr);
    let tower = tower();

    let mut json = Peer::connect_codec(program.addr, "json").await;
    let mut msgpack = Peer::connect_codec(program.addr, "msgpack").await;
    let mut gob = Peer::connect_codec(program.addr, "gob").await;
    let mut baidu = Peer::connect(program.addr).await;
    // A list of maps with one entry each: two bytes of gob per map.
    let maps = [&gob::uint(400_000)[..], &b"\x01\0\0".repeat(400_000)].concat();
    let types = [gob::slice(66), gob::map(6, 2)];
    let gob_first = gob::call("Echo.Any", &types, &[&b"\0"[..], &maps].concat());
    for time in 0..TIMES {
        let reply = json.call("Echo.Any", &tower, 1).await;
        assert!(reply["error"].as_str().unwrap().contains(REFUSED), "{reply}");
        msgpack.send(msgpack_tower()).await;
        msgpack.read_until(REFUSED).await;
        if time == 0 {
            gob.send(&gob_first).await;
            gob.read_until(REFUSED).await;
        }
        for compression in [Compression::None, Compression::Gzip] {
            let content_type = ContentType::Json;
            let head =
                RequestHead { service_name: "Echo", method_name: "Any", content_type, compression, ..HEAD };
            let (code, text) = call(&mut baidu, &head, tower.as_bytes()).await.unwrap_err();
            assert!(code == 1003 && text.contains(REFUSED), "{code} {text}");
        }
    }
    let post =
        format!("POST /Echo/Any HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", tower.len());
    let mut http = Peer::connect(program.addr).await;
    http.send(post + &tower).await;
    let response = http.read_http(false).await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (400, Some("bad_arguments")));

    // The connections are in step.
    json.send(json_request("Echo.Any", "[7]", 2)).await;
    assert_eq!(json.read_json().await["result"], serde_json::json!([7]));
    drop((json, msgpack, gob, baidu, http));
    good.stop().await;
    println!("{} MiB at most", program.peak_bytes() >> 20);
    alone(&program).await;
    program.end_quietly().await;
}
