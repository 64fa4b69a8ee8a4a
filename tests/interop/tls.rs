//! Other implementations of TLS: Go's, curl's, OpenSSL's.

use crate::{conformance::Conformance, go};
use rpcwrap_tests::{
    certificates::{Ca, Scratch},
    peer::{self, Go},
    process::Process,
};
use std::{process::Command, time::Duration};

const GO_LIMIT: Duration = Duration::from_secs(180);
const LIMIT: Duration = Duration::from_secs(30);

/// A server with certificates of its own, and the files its clients need.
struct Secured {
    server: Conformance,
    ca: String,
    client: String,
    client_key: String,
    _files: Scratch,
}

impl Secured {
    fn start() -> Self {
        let (ca, files) = (Ca::new(), Scratch::new());
        let (server, client) = (ca.server(), ca.client("ala"));
        let path = files.write("ca.pem", &ca.pem());
        let certificate = files.write("server.pem", &server.certificate);
        let key = files.write("server.key", &server.key);
        let flags = ["--tls-cert", &certificate, "--tls-key", &key, "--tls-client-ca", &path];
        Self {
            server: Conformance::start_with(&flags),
            client: files.write("client.pem", &client.certificate),
            client_key: files.write("client.key", &client.key),
            ca: path,
            _files: files,
        }
    }

    fn judge(&self, program: &str, args: &[&str]) -> String {
        let program = peer::tool(program).unwrap_or_else(|error| panic!("{error}"));
        self.server.judged_by(Command::new(program).args(args), LIMIT)
    }
}

/// All that Go's client demands of a plain connection.
#[test]
#[ignore = "needs go: run tests/run"]
fn go_client_over_tls() {
    for go in [Go::Oldest, Go::Newest] {
        let secured = Secured::start();
        let addr = secured.server.addr.to_string();
        secured.server.judged_by(go::client(go, &addr).args(["-ca", &secured.ca]), GO_LIMIT);
        let known = ["-ca", &secured.ca, "-cert", &secured.client, "-key", &secured.client_key];
        secured.server.judged_by(go::client(go, &addr).args(known).args(["-run", "multiply"]), GO_LIMIT);
        // Beside them, on the same port.
        secured.server.judged_by(go::client(go, &addr).args(["-run", "multiply"]), GO_LIMIT);
        secured.server.stop();
    }
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn curl_over_tls() {
    let secured = Secured::start();
    let url = |path: &str| format!("https://localhost:{}{path}", secured.server.addr.port());
    let curl = |args: &[&str]| {
        let always = ["-q", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", &secured.ca];
        secured.judge("curl", &[&always[..], args].concat())
    };
    assert_eq!(curl(&[&url("/healthz")]), "ok\n");
    for version in ["1.2", "1.3"] {
        let flag = format!("--tlsv{version}");
        let answer = curl(&[&flag, "--tls-max", version, "-d", r#"{"A":7,"B":8}"#, &url("/Arith/Multiply")]);
        assert_eq!(answer.trim_end(), "56", "TLS {version}");
    }
    let who = ["-d", "\"\"", &url("/Ctx/Who")];
    assert!(curl(&who).contains(r#""User":"""#));
    let known = [&who[..], &["--cert", &secured.client, "--key", &secured.client_key]].concat();
    assert!(curl(&known).contains(r#""User":"ala""#));
    secured.server.stop();
}

#[test]
#[ignore = "needs openssl: run tests/run"]
fn openssl_over_tls() {
    let secured = Secured::start();
    let addr = secured.server.addr.to_string();
    for flags in
        ["-tls1_2", "-tls1_3", "-tls1_2 -alpn http/1.1", "-tls1_3 -alpn h3,http/1.1 -servername localhost"]
    {
        // OpenSSL reads requests from its standard input; HTTP/1.0 ends with the answer.
        let script = "printf 'GET /debug/health HTTP/1.0\\r\\n\\r\\n' | \
            \"$0\" s_client -quiet -verify_return_error -CAfile \"$1\" -connect \"$2\" $3";
        let openssl = peer::tool("openssl").unwrap_or_else(|error| panic!("{error}"));
        let openssl = openssl.to_str().expect("a path that is text");
        let answer = secured.judge("sh", &["-c", script, openssl, &secured.ca, &addr, flags]);
        assert!(
            answer.starts_with("HTTP/1.0 200 OK") && answer.trim_end().ends_with("\r\n\r\nok"),
            "{flags}: {answer}"
        );
    }
    secured.server.stop();
}

/// OpenSSL's server that demands a certificate refuses ours, or none, in TLS 1.3 behind the handshake.
#[test]
#[ignore = "needs openssl: run tests/run"]
fn the_command_line_is_refused_by_openssl() {
    let (ca, files) = (Ca::new(), Scratch::new());
    let server = ca.server();
    let ca_file = files.write("ca.pem", &ca.pem());
    let (certificate, key) =
        (files.write("server.pem", &server.certificate), files.write("server.key", &server.key));
    let rpcwrap = peer::program("rpcwrap").unwrap_or_else(|error| panic!("{error}"));
    let openssl = peer::tool("openssl").unwrap_or_else(|error| panic!("{error}"));
    for version in ["-tls1_2", "-tls1_3"] {
        for flags in [&[][..], &["--codec", "gob"], &["--codec", "json", "--no-connect"]] {
            // One for each connection: it ends with the first that it refuses.
            let mut listening = Command::new(&openssl);
            listening.args(["s_server", "-accept", "localhost:0", "-www", version]);
            listening.args(["-Verify", "1", "-verify_return_error", "-cert", &certificate, "-key", &key]);
            let listening = Process::start(&mut listening).unwrap();
            let line = listening.stdout.line("ACCEPT ", LIMIT).unwrap_or_else(|| panic!("{listening}"));
            let addr = format!("localhost:{}", line.rsplit(':').next().unwrap());
            let mut call = Command::new(&rpcwrap);
            call.args(["call", &addr, "A.B", "--tls", "--cacert", &ca_file]).args(flags);
            let mut call = Process::start(&mut call).unwrap();
            let status = call.wait(LIMIT).unwrap();
            assert_eq!(status.code(), Some(35), "{version} {flags:?}: {call}");
        }
    }
}
