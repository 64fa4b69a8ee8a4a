//! The report as one page that needs nothing else: no script, no font, no request.

use super::{
    Report, millis,
    svg::{Chart, Line, Scale},
};
use crate::{
    bench::tally::{SecondFigures, Times},
    units::format_duration,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "
:root { color-scheme: light dark; --rule: #8884; --a: #2266bb; --b: #cc5522; --c: #888888 }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 760px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.3em } h2, figcaption { font-size: 1em; font-weight: 600; margin: 1.6em 0 .4em } figure { margin: 0 }
table { border-collapse: collapse } td, th { padding: .15em 1em .15em 0; text-align: left }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
tr + tr > * { border-top: 1px solid var(--rule) }
svg { width: 100%; height: auto } svg text { font-size: 11px; fill: currentColor }
svg .grid { stroke: var(--rule) } svg path { fill: none; stroke-width: 1.6; stroke-linejoin: round }
path.a { stroke: var(--a) } path.b { stroke: var(--b) } path.c { stroke: var(--c) }
svg text.a { fill: var(--a) } svg text.b { fill: var(--b) } svg text.c { fill: var(--c) }
";

/// The most marks on a time axis.
const MARKS: usize = 8;
/// Where the axis of shares has its marks: a tenth of the rest each.
const SHARES: [&str; 6] = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];

impl Report {
    pub(crate) fn html(&self) -> String {
        let title = format!("{} on {}", self.settings.method, self.settings.addr);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (title) }
                    (self.facts())
                    h2 { "Times" }
                    (self.times_table())
                    (self.failures_table())
                    (self.requests_chart().render())
                    (self.times_chart().render())
                    (self.shares_chart().render())
                }
            }
        }
        .into_string()
    }

    fn facts(&self) -> Markup {
        let Self { settings, tally, .. } = self;
        html! {
            table {
                tr { th { "load" } td {
                    (settings.loop_name()) " loop, " (settings.connections) " × " (settings.in_flight) " in flight, " (settings.codec)
                    @if let Some(ramp) = &settings.ramp { ", ramp " (ramp) }
                    @if self.interrupted { ", interrupted" }
                } }
                tr { th { "requests" } td {
                    (tally.in_all()) ": " (tally.done) " done, " (tally.failed_in_all()) " failed, "
                    (tally.in_flight) " without reply at the end, " (tally.not_sent) " never sent"
                } }
                tr { th { "rate" } td {
                    (format!("{:.1}", self.achieved()))
                    @if let Some(rate) = settings.rate { " of " (format!("{rate:.1}")) }
                    "/s in " (format_duration(self.elapsed))
                } }
                @if let Some(server) = &self.server { tr { th { "server" } td { (server.text()) } } }
            }
        }
    }

    fn times_table(&self) -> Markup {
        let response = self.response();
        html! {
            table {
                tr {
                    th {}
                    @if response.is_some() { th .n { "response, from the intended start" } }
                    th .n { "service, from the sending" }
                }
                @for (index, (name, service)) in self.service().into_iter().enumerate() {
                    tr {
                        th { (name) }
                        @if let Some(response) = response { td .n { (format_duration(response[index].1)) } }
                        td .n { (format_duration(service)) }
                    }
                }
            }
        }
    }

    fn failures_table(&self) -> Markup {
        html! {
            @if self.tally.failed_in_all() > 0 {
                h2 { "Failures" }
                table {
                    @for (kind, failures) in self.tally.failures().filter(|(_, failures)| failures.count > 0) {
                        tr { th { (kind.name()) } td .n { (failures.count) } td { (failures.example) } }
                    }
                }
            }
        }
    }

    fn requests_chart(&self) -> Chart {
        let lines = vec![
            self.by_second("done", "a", |second| second.done as f64),
            self.by_second("failed", "b", |second| second.failed as f64),
        ];
        let (title, marks) = ("Requests per second", self.time_marks());
        Chart { title, lines, scale: Scale::Linear, marks, unit: "" }
    }

    fn times_chart(&self) -> Chart {
        let lines = vec![
            self.by_second("p50", "a", |second| millis(second.p50)),
            self.by_second("p99", "b", |second| millis(second.p99)),
            self.by_second("max", "c", |second| millis(second.max)),
        ];
        let title =
            if self.settings.is_open() { "Response times, by second" } else { "Service times, by second" };
        Chart { title, lines, scale: Scale::Logarithmic, marks: self.time_marks(), unit: " ms" }
    }

    fn by_second(
        &self,
        name: &'static str,
        class: &'static str,
        value: impl Fn(&SecondFigures) -> f64,
    ) -> Line {
        let seconds = self.seconds.iter().enumerate();
        Line {
            name,
            class,
            points: seconds.map(|(second, figures)| (second as f64, value(figures))).collect(),
        }
    }

    fn shares_chart(&self) -> Chart {
        let line = |name, class, times: &Times| Line { name, class, points: shares(times) };
        let mut lines = vec![line("service", "a", &self.tally.service)];
        if self.settings.is_open() {
            lines.push(line("response", "b", &self.tally.response));
        }
        let marks =
            SHARES.iter().zip(0_u8..).map(|(mark, nines)| (nines.into(), (*mark).to_owned())).collect();
        Chart {
            title: "Times, by share of the requests",
            lines,
            scale: Scale::Logarithmic,
            marks,
            unit: " ms",
        }
    }

    fn time_marks(&self) -> Vec<(f64, String)> {
        let last = self.seconds.len().saturating_sub(1);
        let step = last.div_ceil(MARKS).max(1);
        let mut marks: Vec<usize> = (0..last).step_by(step).collect();
        marks.push(last);
        marks.into_iter().map(|second| (second as f64, format!("{second} s"))).collect()
    }
}

/// Time against nines: 1 is 90 %, 2 is 99 %. The last point is the last share that a single request stands for.
fn shares(times: &Times) -> Vec<(f64, f64)> {
    let histogram = times.histogram();
    let known = (histogram.len().max(1) as f64).log10().min((SHARES.len() - 1) as f64);
    (0..=100)
        .map(|step| known * f64::from(step) / 100.0)
        .map(|nines| (nines, millis(times.quantile(1.0 - 10_f64.powf(-nines)))))
        .collect()
}
