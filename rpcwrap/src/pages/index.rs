//! `/`: what is here, and three commands to try.

use super::{PAGES, Page, PageEntry, PageFormat, PageRequest, html::frame};
use crate::{call::registry::MethodInfo, pages::snapshot::Snapshot};
use codecs::connect::rpc_path;
use maud::html;
use std::fmt::Write;

pub(super) fn page(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    if ask.form == PageFormat::Html {
        Page::html(as_html(snapshot, ask))
    } else {
        Page::text(as_text(snapshot, ask))
    }
}

fn as_text(snapshot: &Snapshot, ask: &PageRequest) -> String {
    let mut out = format!("rpcwrap {}\n", summary(snapshot));
    // Writing to a String cannot fail.
    for (service, doc) in &snapshot.services {
        let doc = doc.lines().next().unwrap_or_default();
        let _ = write!(out, "\n{service}{}{doc}\n", if doc.is_empty() { "" } else { "  " });
        for method in methods_of(snapshot, service) {
            let _ = writeln!(out, "  {}{}", method.method, method.signature);
        }
    }
    out.push_str("\nPages\n");
    for PageEntry { path, about, .. } in &PAGES {
        let _ = writeln!(out, "  {path:<20}{about}");
    }
    out.push_str("\nTry\n");
    for command in commands(snapshot, ask) {
        let _ = writeln!(out, "  {command}");
    }
    out
}

fn as_html(snapshot: &Snapshot, ask: &PageRequest) -> String {
    let body = html! {
        h1 { "rpcwrap" }
        p { (summary(snapshot)) }
        @for (service, doc) in &snapshot.services {
            h2 { (service) }
            @if !doc.is_empty() { p { (doc) } }
            ul {
                @for method in methods_of(snapshot, service) {
                    li {
                        code { (method.method) (method.signature) }
                        @if !method.doc.is_empty() { " " (method.doc) }
                    }
                }
            }
        }
        h2 { "Pages" }
        ul { @for page in &PAGES { li { a href=(page.path) { (page.path) } " " (page.about) } } }
        h2 { "Try" }
        pre { @for command in commands(snapshot, ask) { (command) "\n" } }
    };
    frame("rpcwrap", &body)
}

fn summary(snapshot: &Snapshot) -> String {
    let codecs: Vec<String> =
        snapshot.codecs.iter().map(|codec| format!("CONNECT {}", rpc_path(codec, false))).collect();
    format!(
        "serves {} services with {} methods by POST /<Service>/<Method> and {}",
        snapshot.services.len(),
        snapshot.methods.len(),
        codecs.join(", ")
    )
}

fn methods_of<'s>(snapshot: &'s Snapshot, service: &'s str) -> impl Iterator<Item = &'s MethodInfo> {
    snapshot.methods.iter().filter(move |method| method.service == service)
}

/// Commands that work as printed where the sample argument fits.
fn commands(snapshot: &Snapshot, ask: &PageRequest) -> Vec<String> {
    let host = &ask.host;
    let call = snapshot.methods.first().map(|method| {
        let (service, name) = (&method.service, &method.method);
        format!("curl -d '{}' 'http://{host}/{service}/{name}'", sample(&method.signature.template))
    });
    let pages = ["/debug/status", "/metrics"].map(|path| format!("curl http://{host}{path}"));
    call.into_iter().chain(pages).collect()
}

/// An argument to start from, as far as a shell takes it between quotes.
fn sample(template: &str) -> &str {
    if template.is_empty() || template.contains('\'') { "{}" } else { template }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn text() {
        let ask = PageRequest { host: "127.0.0.1:7070".to_owned(), ..PageRequest::default() };
        let page = page(&fixture::snapshot(), &ask);
        assert_eq!(page.content_type, "text/plain; charset=utf-8");
        let wanted = "\
rpcwrap serves 2 services with 3 methods by POST /<Service>/<Method> and CONNECT /_json_rpc_, CONNECT /_bson_rpc_

<b>  a \"doc\"
  Count(SArgs) stream of SReply

Arith  Sums & <quotients>
  Divide(Args) Quotient
  Multiply(Args) i64

Pages
  /                   what is here
";
        assert!(page.body.starts_with(wanted), "{}", page.body);
        let commands = "
Try
  curl -d '{}' 'http://127.0.0.1:7070/<b>/Count'
  curl http://127.0.0.1:7070/debug/status
  curl http://127.0.0.1:7070/metrics
";
        assert!(page.body.ends_with(commands), "{}", page.body);
    }

    #[test]
    fn html_escapes_names() {
        let ask = PageRequest { form: PageFormat::Html, ..PageRequest::default() };
        let page = page(&fixture::snapshot(), &ask);
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        assert!(page.body.contains("<h2>&lt;b&gt;</h2>") && !page.body.contains("<b>"), "{}", page.body);
        assert!(page.body.contains("Sums &amp; &lt;quotients&gt;"));
    }
}
