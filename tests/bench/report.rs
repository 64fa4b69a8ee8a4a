//! The table: medians, ranges and ratios, as Markdown. It must not know how samples were taken.

use crate::load::{Sample, Shape};
use crate::peer::{GO_GOB, GO_JSONRPC, Kind, Target};

/// Everything measured in one run.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) rows: Vec<Row>,
    pub(crate) idle: Vec<Idle>,
}

/// One server under one shape; the samples are in the order of the rounds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) shape: Shape,
    pub(crate) target: Target,
    pub(crate) samples: Vec<Sample>,
}

/// Resident memory of one server before and with its idle connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    pub(crate) target: Target,
    pub(crate) connections: usize,
    pub(crate) before_kib: u64,
    pub(crate) after_kib: u64,
}

impl Idle {
    pub(crate) fn kib_per_connection(&self) -> f64 {
        (self.after_kib as f64 - self.before_kib as f64) / self.connections as f64
    }
}

/// Median and extremes of one figure over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// `None` without any figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (&low, &high) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Self { median, low, high })
    }

    fn cell(self) -> String {
        let Self { median, low, high } = self;
        format!("{} ({}–{})", figure(median), figure(low), figure(high))
    }
}

/// Three significant digits or so.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}

impl Results {
    fn row(&self, shape: Shape, target: Target) -> Option<&Row> {
        self.rows.iter().find(|row| row.shape == shape && row.target == target)
    }

    /// Server CPU per call of `target` divided by that of `base`, round by round.
    pub(crate) fn ratio(&self, shape: Shape, target: Target, base: Target) -> Option<Spread> {
        let (target, base) = (self.row(shape, target)?, self.row(shape, base)?);
        let rounds = target.samples.iter().zip(&base.samples);
        Spread::of(rounds.map(|(ours, theirs)| ours.micros_per_call() / theirs.micros_per_call()))
    }

    /// The two tables, ready for a README.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        if !self.rows.is_empty() {
            text.push_str(
                "| connections × in flight | server | server CPU, µs per call | of it user | ÷ floor \
                 | ÷ Go jsonrpc | ÷ Go gob | core used |\n|---|---|---|---|---|---|---|---|\n",
            );
        }
        for row in &self.rows {
            text.push_str(&self.line(row));
        }
        if let Some(Idle { connections, .. }) = self.idle.first() {
            text.push_str(&format!(
                "\n| {connections} idle connections | KiB each | RSS before → with them, MiB |\n|---|---|---|\n"
            ));
        }
        for idle in &self.idle {
            let (before, after) = (idle.before_kib as f64 / 1024.0, idle.after_kib as f64 / 1024.0);
            let (name, each) = (idle.target.name(), figure(idle.kib_per_connection()));
            text.push_str(&format!("| {name} | {each} | {before:.1} → {after:.1} |\n"));
        }
        text
    }

    fn line(&self, row: &Row) -> String {
        let Row { shape, target, samples } = row;
        let spread = |f: fn(&Sample) -> f64| Spread::of(samples.iter().map(f));
        let cost = spread(Sample::micros_per_call).map_or_else(String::new, Spread::cell);
        let percent = |spread: Option<Spread>| {
            spread.map_or_else(String::new, |spread| format!("{:.0} %", spread.median * 100.0))
        };
        let user = percent(spread(|sample| sample.cpu.user_share()));
        let used = percent(spread(Sample::utilisation));
        let floor = Target { kind: Kind::Floor, codec: target.codec };
        let [floor, jsonrpc, gob] = [floor, GO_JSONRPC, GO_GOB].map(|base| {
            let ratio = if *target == base { None } else { self.ratio(*shape, *target, base) };
            ratio.map_or_else(String::new, Spread::cell)
        });
        let shape = format!("{} × {}", shape.connections, shape.in_flight);
        format!("| {shape} | {} | {cost} | {user} | {floor} | {jsonrpc} | {gob} | {used} |\n", target.name())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::measure::Cpu;
    use crate::workload::Codec;
    use std::time::Duration;

    pub(crate) const FLOOR: Target = Target { kind: Kind::Floor, codec: Codec::Bson };
    pub(crate) const RPCWRAP: Target = Target { kind: Kind::Rpcwrap, codec: Codec::Bson };
    pub(crate) const SHAPE: Shape = Shape { connections: 1, in_flight: 64 };

    /// A row whose rounds cost so many µs per call.
    pub(crate) fn row(target: Target, micros: &[u64]) -> Row {
        let sample = |&micros| Sample {
            calls: 1000,
            elapsed: Duration::from_millis(2 * micros),
            cpu: Cpu { total: Duration::from_millis(micros), user_ticks: 1, system_ticks: 3 },
        };
        Row { shape: SHAPE, target, samples: micros.iter().map(sample).collect() }
    }

    #[test]
    fn the_median_lies_between_the_extremes() {
        let spread = |figures: &[f64]| Spread::of(figures.iter().copied());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, low: 1.0, high: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, low: 1.0, high: 4.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_not_between_medians() {
        let rows = vec![row(FLOOR, &[1, 10, 2]), row(RPCWRAP, &[2, 10, 6])];
        let ratio = Results { rows, idle: Vec::new() }.ratio(SHAPE, RPCWRAP, FLOOR);
        assert_eq!(ratio, Some(Spread { median: 2.0, low: 1.0, high: 3.0 }));
    }

    #[test]
    fn the_table_leaves_out_what_was_not_measured() {
        let rows = vec![row(FLOOR, &[2]), row(RPCWRAP, &[3])];
        let idle = vec![Idle { target: RPCWRAP, connections: 1024, before_kib: 2048, after_kib: 4096 }];
        let text = Results { rows, idle }.markdown();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| 1 × 64 | floor-bson | 2.00 (2.00–2.00) | 25 % |  |  |  | 50 % |",
                "| 1 × 64 | rpcwrap-bson | 3.00 (3.00–3.00) | 25 % | 1.50 (1.50–1.50) |  |  | 50 % |",
                "",
                "| 1024 idle connections | KiB each | RSS before → with them, MiB |",
                "|---|---|---|",
                "| rpcwrap-bson | 2.00 | 2.0 → 4.0 |",
            ]
        );
    }
}
