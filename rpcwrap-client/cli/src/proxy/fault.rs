//! What may go wrong on a relayed connection, and the sampler that decides when. It must not know sockets.

use crate::units::parse_duration;
use std::{str::FromStr, time::Duration};

/// Faults of every connection: `delay=50ms,loss=1%,reset=0.1%,stall=2s`, each at most once.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Faults {
    /// Every chunk arrives this much later.
    pub(crate) delay: Duration,
    /// Share of the chunks that vanish.
    pub(crate) loss: f64,
    /// Share of the chunks at which the connection is reset.
    pub(crate) reset: f64,
    /// Once per connection nothing moves for this long.
    pub(crate) stall: Duration,
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        let mut seen = Vec::new();
        for fault in text.split(',') {
            let (name, value) =
                fault.split_once('=').ok_or_else(|| format!("{fault:?} is not NAME=VALUE"))?;
            if seen.contains(&name) {
                return Err(format!("{name} is there twice"));
            }
            seen.push(name);
            match name {
                "delay" => faults.delay = parse_duration(value)?,
                "loss" => faults.loss = parse_share(value)?,
                "reset" => faults.reset = parse_share(value)?,
                "stall" => faults.stall = parse_duration(value)?,
                _ => return Err(format!("{name:?} is none of delay, loss, reset, stall")),
            }
        }
        Ok(faults)
    }
}

/// A share of all chunks: `1%` or `0.01`.
fn parse_share(text: &str) -> Result<f64, String> {
    let (digits, unit) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits, 0.01));
    match digits.parse::<f64>().map(|number| number * unit) {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("{text:?} is no share, such as 1% or 0.01")),
    }
}

/// What becomes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunkOutcome {
    Passed,
    Lost,
    Reset,
}

/// Decides chunk after chunk of one direction of one connection; the same seed decides the same.
#[derive(Debug, Clone)]
pub(crate) struct FaultSampler(u64);

impl FaultSampler {
    /// Of direction `direction` of connection `connection`: the numbers of different samplers have nothing in common.
    pub(crate) fn new(seed: u64, connection: u64, direction: u64) -> Self {
        let mut sampler = Self(seed);
        for part in [connection, direction] {
            sampler.0 = sampler.next() ^ part;
        }
        sampler
    }

    pub(crate) fn sample(&mut self, faults: &Faults) -> ChunkOutcome {
        // Always two numbers, so that one fault's share does not change what the other one does.
        let (reset, loss) = (self.share(), self.share());
        if reset < faults.reset {
            ChunkOutcome::Reset
        } else if loss < faults.loss {
            ChunkOutcome::Lost
        } else {
            ChunkOutcome::Passed
        }
    }

    /// From 0 up to, not including, 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// SplitMix64. Source: <https://prng.di.unimi.it/splitmix64.c>.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_in_any_order() {
        let all = Faults {
            delay: Duration::from_millis(50),
            loss: 0.01,
            reset: 0.001,
            stall: Duration::from_secs(2),
        };
        for text in ["delay=50ms,loss=1%,reset=0.1%,stall=2s", "stall=2,reset=0.001,loss=0.01,delay=0.05s"] {
            assert_eq!(text.parse(), Ok(all), "{text}");
        }
        assert_eq!("loss=100%".parse(), Ok(Faults { loss: 1.0, ..Faults::default() }));
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for text in [
            "",
            "delay",
            "delay=",
            "delay=1%",
            "loss=101%",
            "loss=-1%",
            "loss=x",
            "fire=1s",
            "loss=1%,loss=2%",
            "loss=1%,",
        ] {
            assert!(text.parse::<Faults>().is_err(), "{text}");
        }
    }

    #[test]
    fn faults_are_as_frequent_as_asked_and_repeat_with_the_seed() {
        let faults = Faults { loss: 0.25, reset: 0.1, ..Faults::default() };
        let rolls = |seed, connection, direction| {
            let mut sampler = FaultSampler::new(seed, connection, direction);
            (0..10_000).map(|_| sampler.sample(&faults)).collect::<Vec<_>>()
        };
        let first = rolls(7, 1, 0);
        let count = |outcome| first.iter().filter(|&&sampled| sampled == outcome).count();
        assert!((850..1150).contains(&count(ChunkOutcome::Reset)), "{}", count(ChunkOutcome::Reset));
        // Of the nine tenths that are not reset.
        assert!((2050..2450).contains(&count(ChunkOutcome::Lost)), "{}", count(ChunkOutcome::Lost));
        assert_eq!(first, rolls(7, 1, 0));
        for other in [rolls(8, 1, 0), rolls(7, 2, 0), rolls(7, 1, 1)] {
            assert_ne!(first, other);
        }
        // The generator's own first numbers for seed 0.
        let mut zero = FaultSampler(0);
        assert_eq!([zero.next(), zero.next()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn without_faults_every_chunk_passes() {
        let mut sampler = FaultSampler::new(0, 1, 0);
        assert!((0..1000).all(|_| sampler.sample(&Faults::default()) == ChunkOutcome::Passed));
    }
}
