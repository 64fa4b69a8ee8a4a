//! Line charts as SVG. It must not know what the lines mean.

use maud::{Markup, PreEscaped, html};
use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 28.0;
/// Distance of the names of the lines.
const LEGEND_STEP: f64 = 90.0;

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0 up.
    Linear,
    /// Powers of ten; values of 0 are left out.
    Logarithmic,
}

/// One line; `class` is its colour in the page's style.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// Lines over one pair of axes.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) lines: Vec<Line>,
    pub(super) scale: Scale,
    /// Where the horizontal axis has marks, and what they say; the axis reaches from the first to the last.
    pub(super) marks: Vec<(f64, String)>,
    /// Behind the numbers of the vertical axis.
    pub(super) unit: &'static str,
}

impl Chart {
    pub(super) fn render(&self) -> Markup {
        let (low, high) = self.range();
        let y = |value: f64| {
            let share = (self.height(value) - low) / (high - low);
            HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        };
        let x = self.horizontal();
        html! {
            figure {
                figcaption { (self.title) }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(self.title) {
                    @for value in self.grid(low, high) {
                        line .grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(y(value))) y2=(px(y(value))) {}
                        text x=(LEFT - 6.0) y=(px(y(value) + 4.0)) text-anchor="end" { (number(value)) (self.unit) }
                    }
                    @for (at, mark) in &self.marks {
                        text x=(px(x(*at))) y=(HEIGHT - 8.0) text-anchor="middle" { (mark) }
                    }
                    @for (index, line) in self.lines.iter().enumerate() {
                        text class=(line.class) x=(px(LEFT + index as f64 * LEGEND_STEP)) y="14" { "— " (line.name) }
                        path class=(line.class) d=(PreEscaped(self.path(line, &x, y))) {}
                    }
                }
            }
        }
    }

    /// What lies on the axis where this value does.
    fn height(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        }
    }

    fn is_drawn(&self, value: f64) -> bool {
        self.scale == Scale::Linear || value > 0.0
    }

    /// The vertical axis' ends, as heights; never the same.
    fn range(&self) -> (f64, f64) {
        let values = self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        let heights: Vec<f64> =
            values.filter(|value| self.is_drawn(*value)).map(|value| self.height(value)).collect();
        let high = heights.iter().copied().reduce(f64::max).unwrap_or(1.0);
        match self.scale {
            Scale::Linear => (0.0, if high > 0.0 { high * 1.05 } else { 1.0 }),
            Scale::Logarithmic => {
                let low = heights.iter().copied().reduce(f64::min).unwrap_or(0.0).floor();
                (low, high.ceil().max(low + 1.0))
            }
        }
    }

    fn horizontal(&self) -> impl Fn(f64) -> f64 + use<> {
        let first = self.marks.first().map_or(0.0, |mark| mark.0);
        let last = self.marks.last().map_or(1.0, |mark| mark.0);
        let span = if last > first { last - first } else { 1.0 };
        move |at| LEFT + (at - first) / span * (WIDTH - LEFT - RIGHT)
    }

    /// Values with a line across: quarters, or powers of ten.
    fn grid(&self, low: f64, high: f64) -> Vec<f64> {
        match self.scale {
            Scale::Linear => (0..=4).map(|quarter| high * f64::from(quarter) / 4.0).collect(),
            Scale::Logarithmic => (low as i32..=high as i32).map(|power| 10_f64.powi(power)).collect(),
        }
    }

    fn path(&self, line: &Line, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
        let mut path = String::new();
        for (at, value) in line.points.iter().filter(|(_, value)| self.is_drawn(*value)) {
            let letter = if path.is_empty() { 'M' } else { 'L' };
            // Writing into a string cannot fail.
            let _ = write!(path, "{letter}{},{}", px(x(*at)), px(y(*value)));
        }
        path
    }
}

/// A coordinate to a tenth of a pixel.
fn px(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

/// Short, with at least two digits that count.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        1e6.. => format!("{:.1}M", value / 1e6),
        1e4.. => format!("{:.0}k", value / 1e3),
        10.0.. => format!("{value:.0}"),
        _ => {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, points: &[(f64, f64)]) -> Chart {
        Chart {
            title: "times",
            lines: vec![Line { name: "p99", class: "a", points: points.to_vec() }],
            scale,
            marks: vec![(0.0, "0".into()), (10.0, "10 s".into())],
            unit: " ms",
        }
    }

    #[test]
    fn the_lines_ends_lie_on_the_axes_ends() {
        let path = |chart: &Chart| {
            let svg = chart.render().into_string();
            svg.split_once("d=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
        };
        // 212 is the bottom, 26 the top; 70 the left and 708 the right edge.
        assert_eq!(path(&chart(Scale::Logarithmic, &[(0.0, 1.0), (10.0, 100.0)])), "M70.0,212.0L708.0,26.0");
        assert_eq!(
            path(&chart(Scale::Logarithmic, &[(0.0, 0.0), (5.0, 10.0), (10.0, 1.0)])),
            "M389.0,26.0L708.0,212.0"
        );
        assert_eq!(path(&chart(Scale::Linear, &[(0.0, 0.0), (5.0, 20.0)])), "M70.0,212.0L389.0,34.9");
    }

    #[test]
    fn no_points_and_points_of_nothing_draw_no_nonsense() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            for points in [&[][..], &[(0.0, 0.0)], &[(3.0, 5.0)]] {
                let svg = chart(scale, points).render().into_string();
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.001, 0.05, 0.5, 2.625, 10.0, 999.0, 12_345.0, 2_500_000.0].map(number);
        assert_eq!(shown, ["0", "0.001", "0.05", "0.5", "2.625", "10", "999", "12k", "2.5M"]);
    }
}
