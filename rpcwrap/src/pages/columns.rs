//! A table of texts, for people with and without a browser.

use maud::{Markup, html};
use std::fmt::Write;

/// Where a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A column of a table with a row for each `T`: its name, its side, and its text of one row.
pub(super) type Column<T> = (&'static str, Side, fn(&T) -> String);

/// The table with upper-case heads, each column as wide as its widest text.
pub(super) fn text<T, const N: usize>(columns: [Column<T>; N], rows: impl IntoIterator<Item = T>) -> String {
    let heads = columns.map(|(head, ..)| head.to_uppercase());
    let rows = rows.into_iter().map(|row| columns.map(|(.., cell)| cell(&row)));
    let lines: Vec<[String; N]> = std::iter::once(heads).chain(rows).collect();
    let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for line in &lines {
        let mut row = String::new();
        for ((text, (_, side, _)), width) in line.iter().zip(&columns).zip(widths) {
            // Writing to a String cannot fail.
            let _ = match side {
                Side::Left => write!(row, "{text:<width$}  "),
                Side::Right => write!(row, "{text:>width$}  "),
            };
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

pub(super) fn html<T, const N: usize>(columns: [Column<T>; N], rows: impl IntoIterator<Item = T>) -> Markup {
    let style = |side: &Side| (*side == Side::Left).then_some("text-align:left");
    html! {
        div class="wide" {
            table {
                tr { @for (head, side, _) in &columns { th style=[style(side)] { (head) } } }
                @for row in rows {
                    tr { @for (_, side, cell) in &columns { td style=[style(side)] { (cell(&row)) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_under_their_heads() {
        const COLUMNS: [Column<(&str, u32)>; 2] = [
            ("name", Side::Left, |(name, _)| (*name).to_owned()),
            ("calls", Side::Right, |(_, calls)| calls.to_string()),
        ];
        let rows = [("é<b>", 7), ("longer", 123_456)];
        assert_eq!(text(COLUMNS, rows), "NAME     CALLS\né<b>         7\nlonger  123456\n");
        let html = html(COLUMNS, rows).into_string();
        assert!(html.contains("<td style=\"text-align:left\">é&lt;b&gt;</td><td>7</td>"), "{html}");
    }
}
