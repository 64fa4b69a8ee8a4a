//! `/debug/rpc`: methods and their calls, in the very shape of Go's `net/rpc` page, and as JSON.

use super::{Page, PageFormat, PageRequest, html::escaped};
use crate::pages::snapshot::Snapshot;
use serde_json::json;
use std::fmt::Write;

/// Source: Go `net/rpc/debug.go`, `debugText`, down to its blanks.
pub(super) fn page(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    if ask.form == PageFormat::Json {
        return json_page(snapshot);
    }
    let mut out = String::from("<html>\n\t<body>\n\t<title>Services</title>\n\t");
    for (service, _) in &snapshot.services {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n\t<hr>\n\tService {}\n\t<hr>\n\t\t<table>\n\t\t", escaped(service));
        out.push_str("<th align=center>Method</th><th align=center>Calls</th>\n\t\t");
        for method in snapshot.methods.iter().filter(|method| method.service == *service) {
            let row = format!("{}{}", method.method, method.signature);
            let _ = write!(
                out,
                "\n\t\t\t<tr>\n\t\t\t<td align=left font=fixed>{}</td>\n\t\t\t\
                 <td align=center>{}</td>\n\t\t\t</tr>\n\t\t",
                escaped(&row),
                method.stats.calls
            );
        }
        out.push_str("\n\t\t</table>\n\t");
    }
    out.push_str("\n\t</body>\n\t</html>");
    Page::html(out)
}

fn json_page(snapshot: &Snapshot) -> Page {
    let methods_of = |service: &str| {
        let methods = snapshot.methods.iter().filter(|method| method.service == service);
        let shown = methods.map(|method| {
            json!({
                "name": method.method,
                "args": method.signature.args,
                "reply": method.signature.reply,
                "streaming": method.signature.streaming,
                "idempotent": method.idempotent,
                "read_only": method.read_only,
                "doc": method.doc,
                "template": method.signature.template,
                "calls": method.stats.calls,
            })
        });
        shown.collect::<Vec<_>>()
    };
    let services = snapshot
        .services
        .iter()
        .map(|(name, doc)| json!({ "name": name, "doc": doc, "methods": methods_of(name) }));
    Page::json(format!("{}\n", json!({ "services": services.collect::<Vec<_>>() })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn has_the_shape_of_gos_page() {
        let page = page(&fixture::snapshot(), &PageRequest::default());
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        let wanted = "<html>
\t<body>
\t<title>Services</title>
\t
\t<hr>
\tService &lt;b&gt;
\t<hr>
\t\t<table>
\t\t<th align=center>Method</th><th align=center>Calls</th>
\t\t
\t\t\t<tr>
\t\t\t<td align=left font=fixed>Count(SArgs) stream of SReply</td>
\t\t\t<td align=center>0</td>
\t\t\t</tr>
\t\t
\t\t</table>
\t
\t<hr>
\tService Arith
\t<hr>
\t\t<table>
\t\t<th align=center>Method</th><th align=center>Calls</th>
\t\t
\t\t\t<tr>
\t\t\t<td align=left font=fixed>Divide(Args) Quotient</td>
\t\t\t<td align=center>81</td>
\t\t\t</tr>
\t\t
\t\t\t<tr>
\t\t\t<td align=left font=fixed>Multiply(Args) i64</td>
\t\t\t<td align=center>4311</td>
\t\t\t</tr>
\t\t
\t\t</table>
\t
\t</body>
\t</html>";
        assert_eq!(page.body, wanted);
    }

    #[test]
    fn json_has_the_same_numbers() {
        let ask = PageRequest { form: PageFormat::Json, ..PageRequest::default() };
        let page = page(&fixture::snapshot(), &ask);
        let value: serde_json::Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(value["services"][1]["methods"][1]["calls"], 4311);
        assert_eq!(value["services"][0]["methods"][0]["streaming"], true);
    }
}
