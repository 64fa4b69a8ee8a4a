//! The page `/debug/rpc` of Go's `net/rpc` and of vitess' `rpcplus`: services and methods out of HTML.
//!
//! Reads the one shape those servers write and refuses everything else; never more than it was given. Source: Go
//! `net/rpc/debug.go` `debugText`.

use super::{Method, Service};

const TITLE: &str = "<title>Services</title>";
const SERVICE: &str = "Service ";
const ROW: &str = "<td align=left font=fixed>";
const CALLS: &str = "<td align=center>";
const CELL_END: &str = "</td>";

/// The services on the page, in its order.
pub(super) fn parse(page: &str) -> Result<Vec<Service>, String> {
    if !page.contains(TITLE) {
        return Err("the page is not the one of Go's net/rpc".to_owned());
    }
    let mut services: Vec<Service> = Vec::new();
    for line in page.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix(SERVICE) {
            services.push(Service { name: unescape(name), ..Service::default() });
        } else if let Some(row) = cell(line, ROW) {
            let row = unescape(row);
            let service = services.last_mut().ok_or("a method stands before the first service")?;
            service.methods.push(signature(&row).ok_or_else(|| format!("{row:?} is no method"))?);
        } else if let Some(calls) = cell(line, CALLS) {
            let method = services.last_mut().and_then(|service| service.methods.last_mut());
            method.ok_or("a number stands before the first method")?.calls = calls.parse().ok();
        }
    }
    Ok(services)
}

fn cell<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(CELL_END)
}

/// `Multiply(*main.Args, *int) error`, or as our servers write it, `Multiply(Args) i64` and `Up(Args) stream of u64`.
fn signature(row: &str) -> Option<Method> {
    let open = row.find('(')?;
    let (name, rest) = row.split_at(open);
    let inner_end = closing(rest)?;
    let inner = rest.get(1..inner_end)?;
    let after = rest.get(inner_end + 1..)?.trim();
    if name.is_empty() || after.is_empty() {
        return None;
    }
    let (args, reply, streaming) = match (after, two(inner)) {
        ("error", Some((args, reply))) => (args, reply, None),
        _ => match after.strip_prefix("stream of ") {
            Some(item) => (inner, item, Some(true)),
            None => (inner, after, Some(false)),
        },
    };
    Some(Method {
        name: name.to_owned(),
        args: args.to_owned(),
        reply: reply.to_owned(),
        streaming,
        ..Method::default()
    })
}

/// Where the bracket closes that `text` begins with.
fn closing(text: &str) -> Option<usize> {
    outside(text, |c| matches!(c, ')' | ']' | '}'))
}

/// Two types, parted by the comma that is in no bracket.
fn two(types: &str) -> Option<(&str, &str)> {
    let (args, reply) = types.split_at(outside(types, |c| c == ',')?);
    Some((args, reply.get(1..)?.trim_start()))
}

/// Where the first such character is that stands in no bracket, as the two that make a pair do not themselves.
fn outside(text: &str, wanted: impl Fn(char) -> bool) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if matches!(c, ')' | ']' | '}') {
            depth = depth.checked_sub(1)?;
        }
        if depth == 0 && wanted(c) {
            return Some(at);
        }
        if matches!(c, '(' | '[' | '{') {
            depth += 1;
        }
    }
    None
}

/// What `html/template` escapes, back in its own form; anything else stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let known = from.find(';').and_then(|end| Some((character(from.get(1..end)?)?, end + 1)));
        let (c, len) = known.unwrap_or(('&', 1));
        out.push(c);
        rest = from.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    Some(match entity {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        entity => char::from_u32(entity.strip_prefix('#')?.parse().ok()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GO_PAGE: &str = include_str!("../../testdata/go_debug_rpc.html");

    #[test]
    fn a_page_of_gos_net_rpc() {
        let services = parse(GO_PAGE).unwrap();
        let shown: Vec<_> = services
            .iter()
            .flat_map(|service| service.methods.iter().map(move |method| (service, method)))
            .map(|(service, method)| format!("{}.{method} {:?}", service.name, method.calls))
            .collect();
        assert_eq!(
            shown,
            [
                "Arith.Divide(*main.Args) *main.Quotient Some(0)",
                "Arith.Multiply(*main.Args) *int Some(3)",
                "Echo.Any(map[string]interface {}) *interface {} Some(0)",
                "Echo.Inline(struct { A int; B func(int, string) \"json:\\\"b\\\"\" }) *[]string Some(0)",
            ]
        );
    }

    #[test]
    fn rows() {
        for (row, wanted) in [
            ("Multiply(*main.Args, *int) error", Some("Multiply(*main.Args) *int")),
            ("M(map[string][2]int, *chan<- int) error", Some("M(map[string][2]int) *chan<- int")),
            ("Up(Args) stream of u64", Some("Up(Args) stream of u64")),
            ("Pair((String, u8)) (u8, u8)", Some("Pair((String, u8)) (u8, u8)")),
            ("Fail(error) error", Some("Fail(error) error")),
            ("", None),
            ("Multiply", None),
            ("(a, b) error", None),
            ("M(a, b", None),
            ("M(a, b)", None),
            ("M)(", None),
        ] {
            assert_eq!(signature(row).map(|method| method.to_string()).as_deref(), wanted, "{row}");
        }
    }

    #[test]
    fn other_pages_are_refused() {
        for page in ["", "<html>404</html>", "<title>Services</title>\n<td align=left font=fixed>A(b) c</td>"]
        {
            assert!(parse(page).is_err(), "{page}");
        }
        let broken = format!("{TITLE}\nService A\n{ROW}nonsense{CELL_END}");
        assert_eq!(parse(&broken), Err("\"nonsense\" is no method".to_owned()));
        assert_eq!(parse(TITLE), Ok(vec![]));
    }

    #[test]
    fn a_page_cut_anywhere_is_an_error_or_less_of_the_same() {
        let whole = parse(GO_PAGE).unwrap();
        for (cut, _) in GO_PAGE.char_indices() {
            if let Ok(services) = parse(&GO_PAGE[..cut]) {
                assert!(services.len() <= whole.len(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn entities() {
        for (text, wanted) in [
            ("a&lt;b&gt;&amp;&#34;&#39;&#43;", "a<b>&\"'+"),
            ("&amp;lt;", "&lt;"),
            ("a & b; &nope; &#x41; &#99999999;", "a & b; &nope; &#x41; &#99999999;"),
            ("&", "&"),
        ] {
            assert_eq!(unescape(text), wanted);
        }
    }
}
