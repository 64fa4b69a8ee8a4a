//! The table: medians, ranges and ratios, as Markdown. It must not know how samples were taken.

use crate::CLOSED;
use crate::client_row::{self, Caller, GO, SHAPE};
use crate::footprint::Footprint;
use crate::load::{Sample, Shape};
use crate::peer::{GO_GOB, GO_JSONRPC, Kind, Target};

/// Everything measured in one run.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) rows: Vec<Row>,
    pub(crate) idle: Vec<Idle>,
    pub(crate) clients: Vec<Client>,
}

/// One server under one shape; the samples are in the order of the rounds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) shape: Shape,
    pub(crate) target: Target,
    pub(crate) samples: Vec<Sample>,
}

/// One client; the samples are its own CPU, in the order of the rounds.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) caller: Caller,
    pub(crate) samples: Vec<Sample>,
}

/// What one server held before, with and after its idle connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    pub(crate) target: Target,
    pub(crate) connections: usize,
    pub(crate) before: Footprint,
    pub(crate) during: Footprint,
    pub(crate) after: Footprint,
}

impl Idle {
    pub(crate) fn kib_per_connection(&self) -> f64 {
        (self.during.resident_kib as f64 - self.before.resident_kib as f64) / self.connections as f64
    }

    /// Memory after they have closed, as a multiple of what it was before.
    pub(crate) fn memory_after(&self) -> f64 {
        self.after.resident_kib as f64 / self.before.resident_kib as f64
    }

    /// Descriptors left over when they have closed.
    pub(crate) fn descriptors_left(&self) -> usize {
        self.after.descriptors.saturating_sub(self.before.descriptors)
    }

    fn line(&self) -> String {
        let mib = |footprint: Footprint| footprint.resident_kib as f64 / 1024.0;
        let (before, during, after) = (mib(self.before), mib(self.during), mib(self.after));
        let (name, each) = (self.target.name(), figure(self.kib_per_connection()));
        let (kept, left) = ((self.memory_after() - 1.0) * 100.0, self.descriptors_left());
        format!("| {name} | {each} | {before:.1} → {during:.1} | {after:.1} ({kept:+.0} %) | {left} |\n")
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

    /// Of the cost of one thing divided by that of another in the same round.
    fn of_ratio(samples: &[Sample], base: &[Sample]) -> Option<Self> {
        let rounds = samples.iter().zip(base);
        Self::of(rounds.map(|(ours, theirs)| ours.micros_per_call / theirs.micros_per_call))
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
        Spread::of_ratio(&self.row(shape, target)?.samples, &self.row(shape, base)?.samples)
    }

    /// Client CPU per call of `caller` divided by that of `base`, round by round.
    pub(crate) fn client_ratio(&self, caller: Caller, base: Caller) -> Option<Spread> {
        let samples = |caller| self.clients.iter().find(|client| client.caller == caller);
        Spread::of_ratio(&samples(caller)?.samples, &samples(base)?.samples)
    }

    /// The tables of what was measured, ready for a README.
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
                "\n| {connections} idle connections | KiB each | RSS before → with them, MiB \
                 | {} s after they closed | descriptors left |\n|---|---|---|---|---|\n",
                CLOSED.as_secs()
            ));
        }
        text.extend(self.idle.iter().map(Idle::line));
        if !self.clients.is_empty() {
            text.push_str(&format!(
                "\n| client, {} × {} | client CPU, µs per call | of it user | ÷ bare tokio | ÷ Go jsonrpc \
                 | core used |\n|---|---|---|---|---|---|\n",
                SHAPE.connections, SHAPE.in_flight
            ));
        }
        for client in &self.clients {
            text.push_str(&self.client_line(client));
        }
        text
    }

    fn line(&self, row: &Row) -> String {
        let Row { shape, target, samples } = row;
        let [cost, user, used] = costs(samples);
        let floor = Target { kind: Kind::Floor, codec: target.codec };
        let [floor, jsonrpc, gob] = [floor, GO_JSONRPC, GO_GOB].map(|base| {
            let ratio = if *target == base { None } else { self.ratio(*shape, *target, base) };
            ratio.map_or_else(String::new, Spread::cell)
        });
        let shape = format!("{} × {}", shape.connections, shape.in_flight);
        format!("| {shape} | {} | {cost} | {user} | {floor} | {jsonrpc} | {gob} | {used} |\n", target.name())
    }

    fn client_line(&self, client: &Client) -> String {
        let Client { caller, samples } = client;
        let [cost, user, used] = costs(samples);
        let bare = Caller { kind: client_row::Kind::Bare, codec: caller.codec };
        let [bare, go] = [bare, GO].map(|base| {
            let ratio = if *caller == base { None } else { self.client_ratio(*caller, base) };
            ratio.map_or_else(String::new, Spread::cell)
        });
        format!("| {} | {cost} | {user} | {bare} | {go} | {used} |\n", caller.name())
    }
}

/// Cells: CPU per call, the user part of it, and how busy the core was.
fn costs(samples: &[Sample]) -> [String; 3] {
    let spread = |f: fn(&Sample) -> f64| Spread::of(samples.iter().map(f));
    let percent = |spread: Option<Spread>| {
        spread.map_or_else(String::new, |spread| format!("{:.0} %", spread.median * 100.0))
    };
    [
        spread(|sample| sample.micros_per_call).map_or_else(String::new, Spread::cell),
        percent(spread(|sample| sample.user_share)),
        percent(spread(|sample| sample.utilisation)),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Client, Footprint, Idle, Results, Row, Sample, Spread};
    use crate::client_row::{self, Caller};
    use crate::load::Shape;
    use crate::peer::{Kind, Target};
    use crate::workload::Codec;

    pub(crate) const FLOOR: Target = Target { kind: Kind::Floor, codec: Codec::Bson };
    pub(crate) const RPCWRAP: Target = Target { kind: Kind::Rpcwrap, codec: Codec::Bson };
    pub(crate) const SHAPE: Shape = Shape { connections: 1, in_flight: 64 };

    /// A row whose rounds cost so many µs per call.
    pub(crate) fn row(target: Target, micros: &[u64]) -> Row {
        let sample = |&micros| Sample { micros_per_call: micros as f64, user_share: 0.25, utilisation: 0.5 };
        Row { shape: SHAPE, target, samples: micros.iter().map(sample).collect() }
    }

    /// A bare client that costs 2 µs per call, and ours at 3 µs.
    pub(crate) fn clients() -> Vec<Client> {
        let client = |kind, micros| Client {
            caller: Caller { kind, codec: Codec::Json },
            samples: row(FLOOR, &[micros]).samples,
        };
        vec![client(client_row::Kind::Bare, 2), client(client_row::Kind::Rpcwrap, 3)]
    }

    /// 1024 idle connections of 2 KiB each, after which half as much is kept as there was before, and 3 descriptors.
    pub(crate) fn idle() -> Idle {
        let footprint = |resident_kib, descriptors| Footprint { resident_kib, descriptors };
        let (before, during, after) = (footprint(2048, 10), footprint(4096, 1034), footprint(3072, 13));
        Idle { target: RPCWRAP, connections: 1024, before, during, after }
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
        let ratio = Results { rows, ..Results::default() }.ratio(SHAPE, RPCWRAP, FLOOR);
        assert_eq!(ratio, Some(Spread { median: 2.0, low: 1.0, high: 3.0 }));
    }

    #[test]
    fn the_table_leaves_out_what_was_not_measured() {
        let rows = vec![row(FLOOR, &[2]), row(RPCWRAP, &[3])];
        let text = Results { rows, idle: vec![idle()], clients: clients() }.markdown();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| 1 × 64 | floor-bson | 2.00 (2.00–2.00) | 25 % |  |  |  | 50 % |",
                "| 1 × 64 | rpcwrap-bson | 3.00 (3.00–3.00) | 25 % | 1.50 (1.50–1.50) |  |  | 50 % |",
                "",
                "| 1024 idle connections | KiB each | RSS before → with them, MiB | 5 s after they closed \
                 | descriptors left |",
                "|---|---|---|---|---|",
                "| rpcwrap-bson | 2.00 | 2.0 → 4.0 | 3.0 (+50 %) | 3 |",
                "",
                "| client, 1 × 64 | client CPU, µs per call | of it user | ÷ bare tokio | ÷ Go jsonrpc | core used |",
                "|---|---|---|---|---|---|",
                "| bare-json | 2.00 (2.00–2.00) | 25 % |  |  | 50 % |",
                "| rpcwrap-json | 3.00 (3.00–3.00) | 25 % | 1.50 (1.50–1.50) |  | 50 % |",
            ]
        );
    }
}
