//! A table of texts, for people with and without a browser.

use maud::{Markup, html};
use std::fmt::Write;

/// Where a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Columns by name, and rows of as many texts.
pub(super) struct Columns<const N: usize> {
    pub(super) heads: [(&'static str, Side); N],
    pub(super) rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    /// Upper-case heads, each column as wide as its widest text.
    pub(super) fn text(&self) -> String {
        let width = |n: usize| {
            let widest = self.rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
            widest.max(self.heads[n].0.len())
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let mut out = String::new();
        let mut line = |texts: [&str; N]| {
            let mut row = String::new();
            for (n, text) in texts.into_iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = match self.heads[n].1 {
                    Side::Left => write!(row, "{text:<0$}  ", widths[n]),
                    Side::Right => write!(row, "{text:>0$}  ", widths[n]),
                };
            }
            out.push_str(row.trim_end());
            out.push('\n');
        };
        let heads = self.heads.map(|(head, _)| head.to_uppercase());
        line(std::array::from_fn(|n| heads[n].as_str()));
        for row in &self.rows {
            line(std::array::from_fn(|n| row[n].as_str()));
        }
        out
    }

    pub(super) fn html(&self) -> Markup {
        let style = |n: usize| match self.heads[n].1 {
            Side::Left => Some("text-align:left"),
            Side::Right => None,
        };
        html! {
            div class="wide" {
                table {
                    tr { @for (n, (head, _)) in self.heads.iter().enumerate() { th style=[style(n)] { (head) } } }
                    @for row in &self.rows {
                        tr { @for (n, text) in row.iter().enumerate() { td style=[style(n)] { (text) } } }
                    }
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
        let row = |name: &str, calls: &str| [name.to_owned(), calls.to_owned()];
        let table = Columns {
            heads: [("name", Side::Left), ("calls", Side::Right)],
            rows: vec![row("é<b>", "7"), row("longer", "123456")],
        };
        assert_eq!(table.text(), "NAME     CALLS\né<b>         7\nlonger  123456\n");
        let html = table.html().into_string();
        assert!(html.contains("<td style=\"text-align:left\">é&lt;b&gt;</td><td>7</td>"), "{html}");
    }
}
