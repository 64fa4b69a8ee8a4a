//! Which of a page's forms a request would rather have: RFC 9110 section 12.5.1.

use super::PageFormat;

/// One range of an `Accept` header.
struct Range<'a> {
    kind: &'a str,
    /// In thousandths.
    weight: u32,
}

/// The best of `forms` for the header `accept`, which is empty where there is none; `None` if none is wanted.
///
/// The most specific range that covers a form says its weight. Of those of the same weight the last that is named is
/// taken or, if none is, the first.
pub(super) fn best(accept: &str, forms: &[PageFormat]) -> Option<PageFormat> {
    let ranges: Vec<Range<'_>> = accept.split(',').filter_map(range).collect();
    if ranges.is_empty() {
        return forms.first().copied();
    }
    let weighed: Vec<(PageFormat, u32, bool)> =
        forms.iter().map(|&form| (form, weight(form, &ranges), is_named(form, &ranges))).collect();
    let most = weighed.iter().map(|(_, weight, _)| *weight).max().filter(|weight| *weight > 0)?;
    let mut best = weighed.iter().filter(|(_, weight, _)| *weight == most);
    let named = weighed.iter().rfind(|(_, weight, is_named)| *weight == most && *is_named);
    named.or_else(|| best.next()).map(|(form, ..)| *form)
}

/// Parameters other than `q` are the page's to know better.
fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().filter(|kind| !kind.is_empty())?;
    let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = q.map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0));
    Some(Range { kind, weight: (weight * 1000.0) as u32 })
}

fn weight(form: PageFormat, ranges: &[Range<'_>]) -> u32 {
    let of = |wanted: &str| ranges.iter().find(|range| range.kind.eq_ignore_ascii_case(wanted));
    let (group, _) = form.media_type().split_once('/').unwrap_or_default();
    let range = of(form.media_type()).or_else(|| of(&format!("{group}/*"))).or_else(|| of("*/*"));
    range.map_or(0, |range| range.weight)
}

fn is_named(form: PageFormat, ranges: &[Range<'_>]) -> bool {
    ranges.iter().any(|range| range.kind.eq_ignore_ascii_case(form.media_type()))
}

#[cfg(test)]
mod tests {
    use super::{
        PageFormat::{Html, Json, Text},
        *,
    };

    #[test]
    fn weights_count() {
        for (accept, wanted) in [
            ("", Some(Text)),
            (" , ", Some(Text)),
            ("*/*", Some(Text)),
            ("text/*", Some(Text)),
            ("application/*", Some(Json)),
            ("application/json;q=0.4, text/html;q=0.5", Some(Html)),
            ("application/json;q=0.5, text/html;q=0.4", Some(Json)),
            ("text/html, application/json", Some(Html)),
            ("TEXT/HTML; Q=0.9, */*;q=0.1", Some(Html)),
            ("text/plain;q=0, */*", Some(Json)),
            ("text/*;q=0, */*;q=0.1", Some(Json)),
            ("application/json;version=2;q=0.1, image/png", Some(Json)),
            ("application/json;q=x", None),
            ("image/png", None),
            ("*/*;q=0", None),
        ] {
            assert_eq!(best(accept, &[Text, Json, Html]), wanted, "{accept}");
        }
    }
}
