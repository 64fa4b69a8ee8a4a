//! What a GET is answered: text for curl, HTML for browsers, JSON and metrics for programs.
//!
//! Every page is a pure function of a [`Snapshot`] and of what the request asked for; it knows no socket, no clock and
//! no HTTP library. To add one: write the file, add a line to [`find`].

mod accept;
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
    #[default]
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

impl PageFormat {
    /// Its name in `?format=`, and its media type.
    const NAMES: [(Self, &str, &str); 4] = [
        (Self::Text, "text", "text/plain"),
        (Self::Html, "html", "text/html"),
        (Self::Json, "json", "application/json"),
        (Self::OpenMetrics, "openmetrics", "application/openmetrics-text"),
    ];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(form, ..)| *form == self).map_or("", |(_, name, _)| *name)
    }

    fn media_type(self) -> &'static str {
        Self::NAMES.iter().find(|(form, ..)| *form == self).map_or("", |(.., kind)| *kind)
    }
}

/// One page that there is.
pub(crate) struct PageEntry {
    path: &'static str,
    pub(crate) make: fn(&Snapshot, &PageRequest) -> Page,
    /// The forms it has: first the one it is at home in, then those that are rather sent if they are asked for by name.
    forms: &'static [PageFormat],
    about: &'static str,
}

impl PageEntry {
    /// What a request asks of the page, from the headers `Accept` and `Host` and the query, each empty where there is
    /// none. `None` if it has none of the forms that would do.
    ///
    /// `?format=text|html|json|openmetrics` is stronger than `Accept`. Probes and scrapers are answered whatever they
    /// accept.
    pub(crate) fn ask(&self, accept: &str, query: &str, host: &str) -> Option<PageRequest> {
        let audience = audience(self.path);
        let mut form = accept::best(accept, self.forms);
        if form.is_none() && audience != Audience::People {
            form = self.forms.first().copied();
        }
        let mut verbose = false;
        for pair in query.split('&') {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("format", name) if audience != Audience::Probes => {
                    form = self.forms.iter().copied().find(|form| form.name() == name);
                }
                ("verbose", "" | "1" | "true") => verbose = true,
                _ => {}
            }
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-_[]".contains(c);
        let host = if !host.is_empty() && host.chars().all(is_plain) { host } else { "HOST:PORT" };
        Some(PageRequest { form: form?, verbose, host: host.to_owned() })
    }

    /// The names of its forms.
    pub(crate) fn forms(&self) -> String {
        self.forms.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ")
    }
}

const TEXT: &[PageFormat] = &[PageFormat::Text];
const TEXT_OR_HTML: &[PageFormat] = &[PageFormat::Text, PageFormat::Html];
const ALL: &[PageFormat] = &[PageFormat::Text, PageFormat::Json, PageFormat::Html];

/// The pages with what they are for, in the order the index shows them.
static PAGES: [PageEntry; 12] = [
    entry("/", index::page, TEXT_OR_HTML, "what is here"),
    entry("/debug/status", status::page, ALL, "calls, latencies, connections"),
    entry("/connections", connections::page, ALL, "every open connection"),
    entry("/debug/connections", connections::page, ALL, "the same"),
    entry("/protocols", protocols::page, ALL, "which protocols are looked for, and unknown first bytes"),
    entry(
        "/debug/rpc",
        debug_rpc::page,
        &[PageFormat::Html, PageFormat::Json],
        "methods and their calls, as Go's net/rpc shows them",
    ),
    entry("/debug/vars", debug_vars::page, &[PageFormat::Json], "every number, as Go's expvar shows them"),
    entry(
        "/metrics",
        metrics::page,
        &[PageFormat::Text, PageFormat::OpenMetrics],
        "every number, for Prometheus",
    ),
    entry("/debug/health", health::health, TEXT, "ok, or 503"),
    entry("/healthz", health::live, TEXT, "200 while the server runs"),
    entry("/livez", health::live, TEXT, "the same"),
    entry("/readyz", health::ready, TEXT, "200 while it wants calls, 503 from the first signal to stop"),
];

const fn entry(
    path: &'static str,
    make: fn(&Snapshot, &PageRequest) -> Page,
    forms: &'static [PageFormat],
    about: &'static str,
) -> PageEntry {
    PageEntry { path, make, forms, about }
}

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
pub(crate) fn find(path: &str) -> Option<&'static PageEntry> {
    PAGES.iter().find(|page| page.path == path)
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
        use PageFormat::{Html, Json, OpenMetrics, Text};
        let form = |path: &str, accept, query| find(path).unwrap().ask(accept, query, "").map(|ask| ask.form);
        let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
        for (path, accept, query, wanted) in [
            ("/debug/status", "*/*", "", Some(Text)),
            ("/debug/status", "", "", Some(Text)),
            ("/debug/status", browser, "", Some(Html)),
            ("/debug/status", "application/json", "", Some(Json)),
            ("/debug/status", "application/json;q=0", "", None),
            ("/debug/status", "image/png", "", None),
            ("/debug/status", "text/html", "a=b&format=text", Some(Text)),
            ("/debug/status", "", "format=json", Some(Json)),
            ("/debug/status", "", "format=csv", None),
            ("/debug/status", "", "format=xyz", None),
            ("/debug/status", "", "format=openmetrics", None),
            ("/debug/rpc", "*/*", "", Some(Html)),
            ("/debug/rpc", "application/json", "", Some(Json)),
            ("/debug/vars", browser, "", Some(Json)),
            ("/metrics", "*/*", "", Some(Text)),
            ("/metrics", browser, "", Some(Text)),
            ("/metrics", "application/json", "", Some(Text)),
            ("/metrics", "application/openmetrics-text;version=1.0.0,text/plain", "", Some(OpenMetrics)),
            ("/metrics", "text/plain;q=1.0, application/openmetrics-text;q=0.5", "", Some(Text)),
            ("/metrics", "application/openmetrics-text;q=0, */*", "", Some(Text)),
            ("/metrics", "", "format=csv", None),
            ("/livez", "application/json", "format=csv", Some(Text)),
        ] {
            assert_eq!(form(path, accept, query), wanted, "{path} {accept} {query}");
        }
        let ask = |query, host| find("/").unwrap().ask("", query, host).unwrap();
        assert!(ask("verbose", "").verbose && !ask("verbose=0", "").verbose);
        assert_eq!(ask("", "[::1]:7070").host, "[::1]:7070");
        assert_eq!(ask("", "<script>").host, "HOST:PORT");
    }

    #[test]
    fn every_page_is_found_and_made() {
        let snapshot = fixture::snapshot();
        for PageEntry { path, forms, .. } in &PAGES {
            for &form in *forms {
                let ask = PageRequest { form, ..PageRequest::default() };
                let page = find(path).map(|page| (page.make)(&snapshot, &ask)).unwrap();
                let is_it = page.content_type.starts_with(form.media_type());
                assert!(page.status == 200 && is_it, "{path}: {}", page.content_type);
            }
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
