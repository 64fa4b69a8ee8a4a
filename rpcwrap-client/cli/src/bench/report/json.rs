//! The report as one JSON object. Times are in milliseconds, names stay as they are from version to version.

use super::{Figures, Report, ServerCost, millis};
use crate::bench::tally::SecondFigures;
use serde_json::{Map, Value, json};

impl Report {
    pub(crate) fn json(&self) -> Value {
        let Self { settings, tally, .. } = self;
        let failures: Map<String, Value> = tally
            .failures()
            .map(|(kind, failures)| {
                let Some(example) = Some(&failures.example).filter(|_| failures.count > 0) else {
                    return (kind.name().to_owned(), json!({ "count": 0 }));
                };
                (kind.name().to_owned(), json!({ "count": failures.count, "example": example }))
            })
            .collect();
        json!({
            "addr": settings.addr,
            "method": settings.method,
            "codec": settings.codec,
            "loop": settings.loop_name(),
            "connections": settings.connections,
            "inflight": settings.in_flight,
            "ramp": settings.ramp,
            "elapsed_s": self.elapsed.as_secs_f64(),
            "interrupted": self.interrupted,
            "requests": {
                "intended": tally.in_all(),
                "done": tally.done,
                "failed": tally.failed_in_all(),
                "in_flight_at_end": tally.in_flight,
                "not_sent": tally.not_sent,
            },
            "rate": { "asked": settings.rate, "achieved": self.achieved() },
            "server": self.server.as_ref().map(server),
            "failures": failures,
            "service_time_ms": times(self.service()),
            "response_time_ms": self.response().map(times),
            "seconds": self.seconds.iter().map(moment).collect::<Vec<_>>(),
        })
    }
}

fn times(figures: Figures) -> Value {
    figures
        .into_iter()
        .map(|(name, time)| (name.to_owned(), json!(millis(time))))
        .collect::<Map<_, _>>()
        .into()
}

fn server(cost: &ServerCost) -> Value {
    let ServerCost { micros_per_call, user_share, cores } = cost;
    json!({ "cpu_us_per_call": micros_per_call, "user_share": user_share, "cores": cores })
}

fn moment(moment: &SecondFigures) -> Value {
    json!({
        "done": moment.done,
        "failed": moment.failed,
        "p50_ms": millis(moment.p50),
        "p99_ms": millis(moment.p99),
        "max_ms": millis(moment.max),
    })
}
