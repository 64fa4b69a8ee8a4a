//! The whole histogram in the form HdrHistogram's own tools read and plot (`.hgrm`), in milliseconds.
//!
//! Source: HdrHistogram `AbstractHistogram.outputPercentileDistribution`; wrk2 prints the same.

use super::Report;
use std::fmt::Write as _;

/// Lines per halving of the distance to 100 %, as HdrHistogram's default.
const TICKS_PER_HALF: u32 = 5;

impl Report {
    /// Response times of an open loop, service times of a closed one.
    pub(crate) fn hgrm(&self) -> String {
        let histogram = self.times().histogram();
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        let mut total = 0;
        for step in histogram.iter_quantiles(TICKS_PER_HALF) {
            total += step.count_since_last_iteration();
            let (value, share) = (to_millis(step.value_iterated_to()), step.quantile_iterated_to());
            // Writing into a string cannot fail.
            let _ = write!(text, "{value:12.3} {share:14.12} {total:10}");
            let _ = match 1.0 - share {
                0.0 => writeln!(text),
                rest => writeln!(text, " {:14.2}", 1.0 / rest),
            };
        }
        let (mean, deviation) = (histogram.mean() / 1e6, histogram.stdev() / 1e6);
        let (max, count) = (to_millis(histogram.max()), histogram.len());
        let (buckets, sub_buckets) = (histogram.buckets(), 2 * 10_u32.pow(histogram.sigfig().into()));
        let _ = write!(
            text,
            "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]\n\
             #[Max     = {max:12.3}, Total count    = {count:12}]\n\
             #[Buckets = {buckets:12}, SubBuckets     = {:12}]\n",
            sub_buckets.next_power_of_two()
        );
        text
    }
}

fn to_millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
