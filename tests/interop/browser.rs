//! Chromium: what it lets pages of other origins do here, and pages that it was led to under another name.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, header::CONTENT_TYPE};
use rpcwrap::{Config, Method, Server, Service};
use rpcwrap_tests::{
    certificates::Scratch,
    limit, peer,
    process::Process,
    server::{TestServer, start},
};
use std::{
    convert::Infallible,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(120);
/// Names that lead to this machine; no other leads anywhere.
const NAMES: &str =
    "MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

/// Fetches what the page's query says, one after the other, and leaves of itself what it sees of each answer.
const SCRIPT: &str = r#"<!doctype html><title>page</title><pre id="seen"></pre><script>
document.currentScript.remove();
(async () => {
  const seen = document.getElementById("seen");
  for (const [mode, method, url, headers] of JSON.parse(decodeURIComponent(location.search.slice(1)))) {
    const init = { mode, method, headers };
    if (method === "POST") init.body = "1";
    let line;
    try {
      const reply = await fetch(url, init);
      line = reply.type === "opaque" ? "opaque" : `${reply.status} ${(await reply.text()).trim()}`;
    } catch (error) {
      line = "failed";
    }
    seen.textContent += `seen: ${line}\n`;
  }
  seen.textContent += "over\n";
})();
</script>"#;

/// A server whose pages, at paths of no service, are the script; and how often `Count.Up` was called there.
async fn serving(config: Config) -> (TestServer, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let up = move |_: i64| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(7) }
    };
    let service = Service::new("Count").method("Up", up.clone()).with(Method::new("Read", up).read_only());
    let page = tower::service_fn(|_: Request<rpcwrap::RequestBody>| async {
        let reply = Response::builder().header(CONTENT_TYPE, "text/html; charset=utf-8");
        Ok::<_, Infallible>(reply.body(Full::new(Bytes::from_static(SCRIPT.as_bytes()))).unwrap())
    });
    (start(Server::builder().service(service).mount(page).config(config)).await, calls)
}

/// What the browser shows once it has loaded `url` and run its script.
async fn dump(url: &str) -> String {
    let profile = Scratch::new();
    let mut command = Command::new(peer::tool("chromium").unwrap_or_else(|error| panic!("{error}")));
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--no-proxy-server", "--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--host-resolver-rules={NAMES}"))
        .arg(url);
    let run = tokio::task::spawn_blocking(move || {
        let mut browser = Process::start(&mut command).unwrap_or_else(|error| panic!("{error}"));
        let status = browser.wait(LIMIT).unwrap_or_else(|error| panic!("{error}\n{browser}"));
        assert!(status.success(), "{status}\n{browser}");
        browser.stdout.text()
    });
    let shown = run.await.unwrap();
    drop(profile);
    shown
}

/// A request of a page: mode, method, URL.
type Fetch<'f> = (&'f str, &'f str, String, &'f str);

/// What a page at `origin` sees of the answers to these requests.
async fn page_sees(origin: &str, fetches: &[Fetch<'_>]) -> Vec<String> {
    let list: Vec<_> = fetches
        .iter()
        .map(|(mode, method, url, kind)| {
            let headers = if kind.is_empty() {
                serde_json::json!({})
            } else {
                serde_json::json!({ "Content-Type": kind })
            };
            serde_json::json!([mode, method, url, headers])
        })
        .collect();
    let query: String =
        serde_json::json!(list).to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let shown = dump(&format!("{origin}/page?{query}")).await;
    assert!(shown.contains("over"), "the script has not ended: {shown}");
    shown.lines().filter_map(|line| line.split_once("seen: ").map(|(_, seen)| seen.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium: run tests/run"]
async fn pages_of_other_origins_call_nothing_that_is_not_allowed() {
    let (pages, _) = serving(Config::default()).await;
    let (server, calls) = serving(Config::default()).await;
    let at = format!("http://{}", server.addr);
    let fetches = |at: &str| {
        [
            ("no-cors", "POST", format!("{at}/Count/Up"), ""),
            ("no-cors", "POST", format!("{at}/Count/Up"), "text/plain"),
            ("no-cors", "GET", format!("{at}/Count/Read?1"), ""),
            ("cors", "POST", format!("{at}/Count/Up"), "application/json"),
            ("cors", "POST", format!("{at}/Count/Up"), "text/plain"),
            ("cors", "GET", format!("{at}/Count/Read?1"), ""),
            ("cors", "GET", format!("{at}/debug/vars"), ""),
        ]
    };
    // Of the same site, as ports do not count for it, and of another.
    for host in ["127.0.0.1", "evil.example"] {
        let origin = format!("http://{host}:{}", pages.addr.port());
        let seen = page_sees(&origin, &fetches(&at)).await;
        assert_eq!(seen, ["opaque", "opaque", "opaque", "failed", "failed", "failed", "failed"], "{origin}");
        assert_eq!(calls.load(Ordering::SeqCst), 0, "{origin}");
    }
    // Of the same origin.
    let own = page_sees(&at, &fetches("")).await;
    assert_eq!(own[..6], ["200 7"; 6]);
    assert!(own[6].starts_with("200 {"), "{own:?}");
    assert_eq!(calls.swap(0, Ordering::SeqCst), 6);
    // Of an origin that is allowed: a form may as well, but what is shown is up to the mode.
    let origin = format!("http://evil.example:{}", pages.addr.port());
    let allowed = Config::default().allow_origins(vec![origin.clone()]);
    server.change_policy(rpcwrap::PolicyChange::new().config(|_| allowed)).unwrap();
    let seen = page_sees(&origin, &fetches(&at)).await;
    // Without CORS a browser names no origin for GET.
    assert_eq!(seen[..6], ["opaque", "opaque", "opaque", "200 7", "200 7", "200 7"], "{seen:?}");
    assert!(seen[6].starts_with("200 {"), "{seen:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 5);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium: run tests/run"]
async fn a_rebound_name_reads_and_calls_nothing() {
    let (server, calls) = serving(Config::default()).await;
    let origin = format!("http://rebound.example:{}", server.addr.port());
    let shown = dump(&format!("{origin}/debug/status")).await;
    assert!(shown.contains("allow_hosts") && !shown.contains("Count.Up"), "{shown}");
    let fetches = [
        ("same-origin", "POST", "/Count/Up".to_owned(), "application/json"),
        ("same-origin", "GET", "/Count/Read?1".to_owned(), ""),
        ("same-origin", "GET", "/debug/vars".to_owned(), ""),
        ("same-origin", "GET", "/metrics".to_owned(), ""),
        ("same-origin", "GET", "/healthz".to_owned(), ""),
    ];
    let seen = limit(page_sees(&origin, &fetches)).await;
    let (probe, refused) = seen.split_last().unwrap();
    assert!(refused.len() == 4 && refused.iter().all(|line| line.starts_with("403 ")), "{seen:?}");
    assert_eq!((probe.as_str(), calls.load(Ordering::SeqCst)), ("200 ok", 0));
}
