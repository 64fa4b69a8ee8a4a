//! What the HTML pages share: escaping and their frame.

use maud::{DOCTYPE, Escaper, Markup, html};
use std::fmt::Write;

const STYLE: &str = "\
    :root{color-scheme:light dark}\
    body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}\
    th,td{text-align:right;padding:.2rem .5rem;border-bottom:1px solid #8884}\
    th:first-child,td:first-child{text-align:left}\
    code,pre{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}\
    .wide{overflow-x:auto}\
    .pill{border-radius:1rem;padding:.1rem .7rem;color:#fff;background:#2a7d3f}\
    .pill.no{background:#b03a2e}\
    .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.6rem;margin:1rem 0}\
    .cards div{border:1px solid #8884;border-radius:.5rem;padding:.5rem .8rem}\
    .cards b{display:block;font-size:1.4rem}";

/// Text as it may stand in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a String cannot fail.
    let _ = Escaper::new(&mut out).write_str(text);
    out
}

/// A whole page; asks for nothing from anywhere else.
pub(super) fn frame(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body { (body) }
        }
    }
    .into_string()
}
