//! Who reaches which service by which way.

use crate::auth::login;
use rpcwrap::{Access, Builder, ConfigError, Credentials, Server, Service};
use rpcwrap_tests::{
    raw::{Peer, bson_request, document},
    server::start,
    services::services,
};

fn guarded(name: &str, access: Access) -> Service {
    Service::new(name).access(access).method("Get", |(): ()| async move { Ok(1_i64) })
}

fn builder() -> Builder {
    services()
        .credentials(Credentials::new([("ala", ["ma kota"]), ("ola", ["p"])]))
        .service(guarded("OnlyBson", Access::new().codecs(["bson"])))
        .service(guarded("OnlyHttp", Access::new().protocols(["http"])))
        .service(guarded("OnlyGoRpc", Access::new().protocols(["go_rpc"])))
        .service(guarded("Users", Access::new().authenticated()))
        .service(guarded("Ola", Access::new().users(["ola"])))
}

#[tokio::test]
async fn a_service_closed_to_a_protocol_is_not_found_by_it() {
    let server = start(builder()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    for (service, reachable) in [("OnlyBson", false), ("OnlyHttp", false), ("OnlyGoRpc", true)] {
        let reply = peer.call(&format!("{service}.Get"), "null", 1).await;
        if reachable {
            assert_eq!(reply["result"], 1);
        } else {
            assert_eq!(reply["error"], format!("rpc: can't find service {service}.Get"));
        }
    }
    let mut peer = Peer::connect_codec(server.addr, "bson").await;
    peer.send(bson_request("OnlyBson.Get", 1, &document(b""))).await;
    peer.read_bson_frame().await;
    peer.expect(document(b"\x12_Val_\0\x01\0\0\0\0\0\0\0")).await;
}

#[tokio::test]
async fn services_for_users_and_for_some_users_refuse_others() {
    let server = start(builder()).await;
    let mut anyone = Peer::connect_codec(server.addr, "json").await;
    for name in ["Users.Get", "Ola.Get"] {
        let reply = anyone.call(name, "null", 1).await;
        assert_eq!(reply["error"], format!("rpc: {name} needs an authenticated connection"));
    }
    let mut ala = login(&server, "ala", "ma kota").await;
    assert_eq!(ala.call("Users.Get", "null", 1).await["result"], 1);
    assert_eq!(ala.call("Ola.Get", "null", 2).await["error"], "rpc: ala may not call Ola.Get");
    let mut ola = login(&server, "ola", "p").await;
    assert_eq!(ola.call("Ola.Get", "null", 1).await["result"], 1);
    assert_eq!(server.snapshot().server.denied_calls, 3);
}

#[tokio::test]
async fn in_process_calls_are_a_protocol_to_access_rules() {
    let server = start(builder()).await;
    let error = server.call::<_, i64>("OnlyGoRpc.Get", &()).await.unwrap_err();
    assert_eq!(error.to_string(), "rpc: can't find service OnlyGoRpc.Get");
    let open = Server::builder().service(guarded("Open", Access::new().protocols(["in_process"])));
    assert_eq!(start(open).await.call::<_, i64>("Open.Get", &()).await.unwrap(), 1);
}

#[tokio::test]
async fn an_access_rule_for_an_unknown_codec_or_protocol_builds_no_server() {
    for (access, error) in [
        (
            Access::new().codecs(["bsno"]),
            "service S is allowed for codec \"bsno\", which this server does not have",
        ),
        (
            Access::new().protocols(["gopher"]),
            "service S is allowed for protocol \"gopher\", which this server does not have",
        ),
    ] {
        let built = services().service(guarded("S", access)).build();
        assert_eq!(built.unwrap_err().to_string(), error);
    }
}

#[tokio::test]
async fn names_of_services_and_methods_are_checked_at_build() {
    let build = |service: Service| services().service(service).build().unwrap_err();
    let method = |name: &str| Service::new("S").method(name, |(): ()| async move { Ok(()) });
    assert_eq!(build(Service::new("Arith")), ConfigError::DuplicateService("Arith".into()));
    let twice = method("M").method("M", |(): ()| async move { Ok(()) });
    assert_eq!(build(twice), ConfigError::DuplicateMethod("S.M".into()));
    for name in ["", "a.b", "a b", "a/b", "a\n"] {
        assert!(matches!(build(method(name)), ConfigError::BadName { what: "method", .. }), "{name:?}");
    }
    for name in ["", ".a", "a.", "a b", "_goRPC_"] {
        assert!(
            matches!(build(Service::new(name)), ConfigError::BadName { what: "service", .. }),
            "{name:?}"
        );
    }
    // Go allows dots within a service's name.
    let server =
        start(services().service(Service::new("a.b").method("C", |(): ()| async move { Ok(7) }))).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    assert_eq!(peer.call("a.b.C", "null", 1).await["result"], 7);
    assert_eq!(peer.call("a.b.D", "null", 1).await["error"], "rpc: can't find method a.b.D");
    assert_eq!(peer.call("a.c.D", "null", 1).await["error"], "rpc: service/method request ill-formed: a.c.D");
}
