//! What a GET is answered: text for curl, HTML for browsers, JSON and metrics for programs.
//!
//! Every page is a pure function of a [`Snapshot`] and of what the request asked for; it knows no socket, no clock and
//! no HTTP library. To add one: write the file, add a line to [`find`].

mod columns;
mod connections;
mod debug_rpc;
mod debug_vars;
#[cfg(test)]
mod fixture;
mod health;
mod html;
mod index;
mod metrics;
mod number;
pub(crate) mod protocol_info;
mod protocols;
pub(crate) mod rejected_info;
pub(crate) mod snapshot;
mod status;

use crate::pages::snapshot::Snapshot;
pub(crate) use connections::connection;

/// One page as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// More headers, by their names in lower case.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: String,
}

impl Page {
    fn ok(content_type: &'static str, body: String) -> Self {
        Self { status: 200, content_type, headers: Vec::new(), body }
    }

    fn text(body: String) -> Self {
        Self::ok("text/plain; charset=utf-8", body)
    }

    fn html(body: String) -> Self {
        Self::ok("text/html; charset=utf-8", body)
    }

    fn json(body: String) -> Self {
        Self::ok("application/json; charset=utf-8", body)
    }
}

/// The forms a page may have; each page has some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PageFormat {
    /// Whatever the page is at home in.
    #[default]
    Any,
    Text,
    Html,
    Json,
    OpenMetrics,
}

/// What a request asks of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PageRequest {
    pub(crate) form: PageFormat,
    /// Say more.
    pub(crate) verbose: bool,
    /// How the asker calls this server: `host:port`, fit to be printed.
    pub(crate) host: String,
}

impl PageRequest {
    /// From the headers `Accept` and `Host` and the query, each empty where there is none.
    ///
    /// `?format=text|html|json` is stronger than `Accept`.
    pub(crate) fn new(accept: &str, query: &str, host: &str) -> Self {
        let has = |kind: &str| accept.contains(kind);
        let mut form = match () {
            () if has("application/openmetrics-text") => PageFormat::OpenMetrics,
            () if has("text/html") => PageFormat::Html,
            () if has("application/json") => PageFormat::Json,
            () => PageFormat::Any,
        };
        let mut verbose = false;
        for pair in query.split('&') {
            match pair {
                "format=text" => form = PageFormat::Text,
                "format=html" => form = PageFormat::Html,
                "format=json" => form = PageFormat::Json,
                "verbose" | "verbose=1" | "verbose=true" => verbose = true,
                _ => {}
            }
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-_[]".contains(c);
        let host = if !host.is_empty() && host.chars().all(is_plain) { host } else { "HOST:PORT" };
        Self { form, verbose, host: host.to_owned() }
    }
}

/// A page, ready to be made.
pub(crate) type MakePage = fn(&Snapshot, &PageRequest) -> Page;

/// The pages with what they are for, in the order the index shows them.
const PAGES: [(&str, MakePage, &str); 12] = [
    ("/", index::page, "what is here"),
    ("/debug/status", status::page, "calls, latencies, connections"),
    ("/connections", connections::page, "every open connection"),
    ("/debug/connections", connections::page, "the same"),
    ("/protocols", protocols::page, "which protocols are looked for, and unknown first bytes"),
    ("/debug/rpc", debug_rpc::page, "methods and their calls, as Go's net/rpc shows them"),
    ("/debug/vars", debug_vars::page, "every number, as Go's expvar shows them"),
    ("/metrics", metrics::page, "every number, for Prometheus"),
    ("/debug/health", health::health, "ok, or 503"),
    ("/healthz", health::live, "200 while the server runs"),
    ("/livez", health::live, "the same"),
    ("/readyz", health::ready, "200 while it wants calls, 503 from the first signal to stop"),
];

/// Whom a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// What watches over the server, from anywhere and without a login.
    Probes,
    /// What collects numbers, without a login.
    Scrapers,
    People,
}

/// Whom the page at `path` is for.
pub(crate) fn audience(path: &str) -> Audience {
    match path {
        "/healthz" | "/livez" | "/readyz" | "/debug/health" => Audience::Probes,
        "/metrics" => Audience::Scrapers,
        _ => Audience::People,
    }
}

/// The page at `path`.
pub(crate) fn find(path: &str) -> Option<MakePage> {
    PAGES.iter().find(|(known, _, _)| *known == path).map(|(_, page, _)| *page)
}

/// How many connections the snapshot for the page at `path` has to list.
pub(crate) fn connections_on(path: &str) -> usize {
    if path.ends_with("/connections") { connections::MOST } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let form = |accept, query| PageRequest::new(accept, query, "").form;
        assert_eq!(form("*/*", ""), PageFormat::Any);
        assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8", ""), PageFormat::Html);
        assert_eq!(form("application/json", ""), PageFormat::Json);
        assert_eq!(form("text/html", "a=b&format=text"), PageFormat::Text);
        assert_eq!(
            form("application/openmetrics-text;version=1.0.0,text/plain", ""),
            PageFormat::OpenMetrics
        );
        assert!(
            PageRequest::new("", "verbose", "").verbose && !PageRequest::new("", "verbose=0", "").verbose
        );
        assert_eq!(PageRequest::new("", "", "[::1]:7070").host, "[::1]:7070");
        assert_eq!(PageRequest::new("", "", "<script>").host, "HOST:PORT");
    }

    #[test]
    fn every_page_is_found_and_made() {
        let snapshot = fixture::snapshot();
        for (path, _, _) in PAGES {
            let page = find(path).map(|page| page(&snapshot, &PageRequest::default()));
            assert_eq!(page.map(|page| page.status), Some(200), "{path}");
        }
        assert_eq!(find("/debug/nope").map(|_| ()), None);
    }

    #[test]
    fn every_counter_is_on_every_page_of_numbers() {
        let snapshot = fixture::snapshot();
        for page in [metrics::page, debug_vars::page] {
            let body = page(&snapshot, &PageRequest::default()).body;
            for (name, value) in snapshot.server.counters() {
                let shown = body.split(|c: char| !c.is_ascii_digit()).any(|word| word == value.to_string());
                assert!(shown, "{name} = {value} is not in\n{body}");
            }
        }
    }
}
