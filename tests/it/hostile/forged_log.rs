//! What peers name stands in the log escaped and bounded: no line but the server's own, and nothing for a terminal.

use super::Good;
use crate::{
    baidu_std::demo::{HEAD, call},
    program::{Program, Settings},
};
use rpcwrap::codecs::{baidu_std::RequestHead, body::ContentType};
use rpcwrap_tests::raw::Peer;
use serde_json::{Value, json};

/// A line of its own, colours and cursor, writing from right to left, a field of another value.
const FORGED: &str =
    "x\n2026-11-30T00:00:00Z ERROR forged: \r\x1b[2J\u{202e}\u{2066}\u{9b}\0 user=root request_id=y";

/// `root` is an admin with the password `r`.
const ROOT: &str = "Authorization: Basic cm9vdDpy\r\n";

/// The text of the log says it in the identity of a call that panics.
async fn as_request_id(program: &Program, text: &str) {
    let mut peer = Peer::connect(program.addr).await;
    let panics = RequestHead {
        service_name: "Fail",
        method_name: "Panic",
        request_id: text,
        content_type: ContentType::Json,
        ..HEAD
    };
    call(&mut peer, &panics, b"1").await.unwrap_err();
}

/// The same in the details and the outcome of an admin's change.
async fn as_details(program: &Program, text: &str) {
    for (path, body) in [("settings", json!({ text: 1 })), ("access", json!({ "service": text }))] {
        let body = body.to_string();
        let head = format!("POST /admin/{path} HTTP/1.0\r\n{ROOT}Content-Length: {}\r\n\r\n", body.len());
        let reply = Peer::connect(program.addr).await.http(head + &body).await;
        assert_eq!(reply.status, 400, "{}", reply.body);
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[tokio::test]
async fn no_peer_writes_a_line_of_its_own() {
    for format in ["text", "json"] {
        let users = Settings::new(
            &format!("forged-log-users-{format}"),
            r#"{"root": {"secrets": ["r"], "admin": true}}"#,
        );
        let args = ["--log-format", format, "--auth-credentials", users.path()];
        let program = Program::daemon(&args).await;
        let good = Good::now_and_then(program.addr);
        for text in [FORGED, &FORGED.repeat(40)] {
            as_request_id(&program, text).await;
            as_details(&program, text).await;
        }
        good.stop().await;
        program.signal("INT").await;
        let (status, log) = program.end().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert_eq!(log.matches("Fail.Panic was called").count(), 2, "{log}");
        for line in log.lines() {
            assert!(line.len() < 4 << 10 && !line.contains(is_hidden), "{line:?}");
            if format == "json" {
                assert!(serde_json::from_str::<Value>(line).unwrap()["level"].is_string(), "{line}");
            } else {
                let level = line.split_whitespace().nth(1);
                assert!(matches!(level, Some("INFO" | "WARN" | "ERROR")), "{line}");
                assert!(!line.starts_with("2026-11-30T00:00:00Z") && !line.contains(" x\\n2026"), "{line}");
            }
        }
    }
}
