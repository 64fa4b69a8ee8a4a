//! Clients with certificates: who gets in, what handlers see of them, and whom access rules take them for.

use super::{builder, connect, dial, refusal, serves, trusts};
use rpcwrap::{Access, ClientAuth, Credentials, Service, TlsConfig, TlsPolicy};
use rpcwrap_client::TlsError;
use rpcwrap_tests::{
    certificates::{Ca, Certified},
    limit,
    raw::Peer,
    server::start,
    until,
};
use serde_json::json;

fn shows(tls: rpcwrap_client::TlsConfig, client: &Certified) -> rpcwrap_client::TlsConfig {
    tls.certificate_pem(client.certificate.clone(), client.key.clone())
}

fn asks(ca: &Ca, clients: &Ca) -> TlsConfig {
    serves(&ca.server()).client_ca_pem(clients.pem())
}

#[tokio::test]
async fn a_required_client_certificate_is_checked() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let server = start(builder(asks(&ca, &clients))).await;
    let client = dial(&server, shows(trusts(&ca), &clients.client("ala"))).await.unwrap();
    assert_eq!(client.call::<_, String>("Tls.Who", &()).await.unwrap(), "TLSv1.3 - ala -");
    let refused = refusal(&server, trusts(&ca)).await;
    assert!(matches!(&refused, TlsError::Refused { alert } if alert == "CertificateRequired"), "{refused:?}");
    // Signed by another CA.
    let refused = refusal(&server, shows(trusts(&ca), &ca.client("ala"))).await;
    assert!(matches!(&refused, TlsError::Refused { alert } if alert == "UnknownCA"), "{refused:?}");
    until(|| server.snapshot().server.tls_failures == 2).await;
    let failed = server.snapshot().failed_openings;
    assert_eq!(failed[0].text(), "TLS handshake failed: peer sent no certificates");
    assert!(failed[1].text().contains("UnknownIssuer"), "{}", failed[1].text());
}

#[tokio::test]
async fn an_optional_client_certificate_is_checked_if_shown() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let server = start(builder(asks(&ca, &clients).client_auth(ClientAuth::Optional))).await;
    for (tls, wanted) in
        [(trusts(&ca), "TLSv1.3 - - -"), (shows(trusts(&ca), &clients.client("Zoë")), "TLSv1.3 - Zoë -")]
    {
        let client = dial(&server, tls).await.unwrap();
        assert_eq!(client.call::<_, String>("Tls.Who", &()).await.unwrap(), wanted);
    }
    let refused = refusal(&server, shows(trusts(&ca), &ca.client("ala"))).await;
    assert!(matches!(refused, TlsError::Refused { .. }), "{refused:?}");
}

#[tokio::test]
async fn the_name_in_a_certificate_is_a_user_where_the_program_says_so() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let tls = asks(&ca, &clients)
        .client_auth(ClientAuth::Optional)
        .user_from_certificate(|name| name.strip_prefix("user ").map(str::to_owned));
    let only = Service::new("Ala")
        .access(Access::new().users(["ala"]))
        .method("Get", |(): ()| async move { Ok(1_i64) });
    let users = Credentials::new([("ola", ["p"])]);
    let server = start(builder(tls).service(only).credentials(users)).await;
    let ala = shows(trusts(&ca), &clients.client("user ala"));
    for (tls, who, answer) in [
        (ala.clone(), "TLSv1.3 - user ala ala", Ok(1)),
        (
            shows(trusts(&ca), &clients.client("user ola")),
            "TLSv1.3 - user ola ola",
            Err("rpc: ola may not call Ala.Get"),
        ),
        (
            shows(trusts(&ca), &clients.client("ala")),
            "TLSv1.3 - ala -",
            Err("rpc: Ala.Get needs an authenticated connection"),
        ),
        (trusts(&ca), "TLSv1.3 - - -", Err("rpc: Ala.Get needs an authenticated connection")),
    ] {
        let client = dial(&server, tls).await.unwrap();
        assert_eq!(client.call::<_, String>("Tls.Who", &()).await.unwrap(), who);
        let got = client.call::<_, i64>("Ala.Get", &()).await.map_err(|error| error.to_string());
        assert_eq!(got, answer.map_err(str::to_owned));
    }
    // By HTTP too, unless a login says otherwise.
    let post = |login: &str| {
        format!("POST /Tls/Who HTTP/1.1\r\nHost: 127.0.0.1\r\n{login}Content-Length: 4\r\n\r\nnull")
    };
    let mut peer = connect(server.addr, &ala).await;
    assert_eq!(peer.http(post("")).await.body.trim_end(), "\"TLSv1.3 - user ala ala\"");
    let basic = "Authorization: Basic b2xhOnA=\r\n";
    assert_eq!(peer.http(post(basic)).await.body.trim_end(), "\"TLSv1.3 - user ala ola\"");
    // A page shows who it is.
    let _client = dial(&server, ala).await.unwrap();
    let users = || server.connections(10).into_iter().filter_map(|info| info.user).collect::<Vec<_>>();
    until(|| users().contains(&"ala".to_owned())).await;
}

#[tokio::test]
async fn a_page_shows_which_connections_have_tls_and_client_certificates() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let tls = asks(&ca, &clients).client_auth(ClientAuth::Optional).policy(TlsPolicy::Allow);
    let server = start(builder(tls)).await;
    // Each is shown before it has made a call.
    let _named = connect(server.addr, &shows(trusts(&ca), &clients.client("ala"))).await;
    until(|| server.snapshot().server.tls_handshakes == 1).await;
    let _nameless = connect(server.addr, &trusts(&ca)).await;
    until(|| server.snapshot().server.tls_handshakes == 2).await;
    let mut plain = Peer::connect(server.addr).await;
    let page =
        plain.http("GET /connections HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n").await;
    let shown: Vec<_> =
        page.json()["connections"].as_array().unwrap().iter().map(|one| one["tls"].clone()).collect();
    let wanted = [
        json!({ "version": "TLSv1.3", "client": "ala" }),
        json!({ "version": "TLSv1.3", "client": null }),
        json!(null),
    ];
    assert_eq!(shown, wanted);
    let page = plain.http("GET /connections HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body;
    assert!(page.contains("  TLSv1.3 ala  "), "{page}");
}

#[tokio::test]
async fn a_client_certificate_counts_as_the_required_login() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let tls = asks(&ca, &clients).client_auth(ClientAuth::Optional);
    assert!(builder(tls.clone()).require_login().build().is_err(), "no user could log in");
    let tls = tls.user_from_certificate(|name| Some(name.to_owned()));
    let server = start(builder(tls).require_login()).await;
    let client = dial(&server, shows(trusts(&ca), &clients.client("ala"))).await.unwrap();
    assert_eq!(client.call::<_, String>("Tls.Who", &()).await.unwrap(), "TLSv1.3 - ala ala");
    let client = dial(&server, trusts(&ca)).await.unwrap();
    assert!(client.call::<_, String>("Tls.Who", &()).await.is_err());
}

#[tokio::test]
async fn a_refused_client_can_read_why() {
    // Its own words, sent before it knows, do not reset the alert away.
    let (ca, clients) = (Ca::new(), Ca::new());
    let server = start(builder(asks(&ca, &clients))).await;
    for _ in 0..50 {
        let stream = limit(trusts(&ca).connect(super::tcp(server.addr).await, "localhost")).await.unwrap();
        let mut peer = Peer::over(stream);
        let _ = peer.try_send("CONNECT /_json_rpc_ HTTP/1.0\n\n").await;
        peer.expect_closed().await;
    }
    let refused = refusal(&server, trusts(&ca)).await;
    assert!(matches!(refused, TlsError::Refused { .. }), "{refused:?}");
}
