//! `/metrics`: every number for Prometheus, as text 0.0.4 or, if asked for, OpenMetrics.
//!
//! Latency buckets are every second doubling of the server's own finer ones, so their edges are exact.

use super::{Page, PageFormat, PageRequest};
use crate::{
    call::registry::MethodInfo,
    live::stats::{MethodSnapshot, ServerSnapshot, bucket_end},
    pages::{protocol_info::ProtocolInfo, snapshot::Snapshot},
};
use std::{fmt::Write, time::SystemTime};

/// Index of the first shown bucket, which ends at 4.096 µs; the last ends at 68.7 s.
const FIRST: usize = 15;
const STEP: usize = 8;
const SHOWN: usize = 13;

pub(super) fn page(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    let open = ask.form == PageFormat::OpenMetrics;
    let mut out = Exposition { text: String::new(), open };
    methods(&mut out, &snapshot.methods);
    out.family("rpcwrap_server_waiting_calls", "gauge", "Calls that wait for their handlers.");
    out.sample("rpcwrap_server_waiting_calls", "", snapshot.waiting_calls);
    server(&mut out, &snapshot.server);
    protocols(&mut out, &snapshot.protocols);
    process(&mut out, snapshot);
    if open {
        out.text.push_str("# EOF\n");
        return Page::ok("application/openmetrics-text; version=1.0.0; charset=utf-8", out.text);
    }
    Page::ok("text/plain; version=0.0.4; charset=utf-8", out.text)
}

fn methods(out: &mut Exposition, methods: &[MethodInfo]) {
    let mut counter = |name, help, number: fn(&MethodInfo) -> u64| {
        out.counter(name, help);
        for method in methods {
            out.sample(&format!("{name}_total"), &labels(method), number(method));
        }
    };
    counter("rpcwrap_server_calls", "Calls started.", |method| method.stats.calls);
    counter("rpcwrap_server_call_errors", "Calls answered with an error.", |method| method.stats.failed);
    counter("rpcwrap_server_request_bytes", "Bytes of requests.", |method| method.stats.bytes_in);
    counter("rpcwrap_server_reply_bytes", "Bytes of replies.", |method| method.stats.bytes_out);
    let help = "Handlers that did not let go of their thread for blocked_after.";
    counter("rpcwrap_server_blocked_threads", help, |method| method.blocked);

    out.family("rpcwrap_server_inflight", "gauge", "Calls started and not yet answered.");
    for method in methods {
        out.sample("rpcwrap_server_inflight", &labels(method), method.stats.in_flight());
    }

    let name = "rpcwrap_server_blocking";
    out.family(name, "gauge", "Functions of blocking methods that run, and calls that wait for a thread.");
    for (method, blocking) in methods.iter().filter_map(|method| Some((method, method.blocking?))) {
        for (state, functions) in [("running", blocking.running), ("queued", blocking.queued)] {
            out.sample(name, &format!("{},state=\"{state}\"", labels(method)), functions);
        }
    }

    let name = "rpcwrap_server_call_duration_seconds";
    out.family(name, "histogram", "Time from reading a request to its last reply.");
    for method in methods {
        out.histogram(name, &labels(method), &method.stats);
    }
}

fn labels(method: &MethodInfo) -> String {
    format!("service=\"{}\",method=\"{}\"", label_value(&method.service), label_value(&method.method))
}

/// A counter's name, its meaning, and its samples by their labels.
type Family<'s> = (&'s str, &'s str, &'s [(&'s str, u64)]);

fn server(out: &mut Exposition, server: &ServerSnapshot) {
    out.family("rpcwrap_server_connections", "gauge", "Connections open now.");
    out.sample("rpcwrap_server_connections", "", server.connections);
    out.family("rpcwrap_server_held_bytes", "gauge", "Bytes that peers make the server hold now.");
    out.sample("rpcwrap_server_held_bytes", "", server.held_bytes);
    out.family("rpcwrap_server_memory_budget_bytes", "gauge", "The most that they may.");
    out.sample("rpcwrap_server_memory_budget_bytes", "", server.memory_budget);

    let families: [Family<'_>; 15] = [
        ("connections_accepted", "Connections accepted.", &[("", server.accepted)]),
        (
            "accept_failures",
            "Accepts that failed for want of descriptors or memory.",
            &[("", server.accept_failures)],
        ),
        ("probes", "Connections closed by their peer before a complete request.", &[("", server.probes)]),
        ("silent_probes", "Probes that sent no byte.", &[("", server.silent_probes)]),
        ("tls_handshakes", "TLS handshakes that succeeded.", &[("", server.tls_handshakes)]),
        (
            "shed",
            "Connections and calls refused for want of room.",
            &[
                ("reason=\"max_connections\"", server.connections_refused),
                ("reason=\"max_in_flight\"", server.busy_calls),
                ("reason=\"max_calls\"", server.shed_calls),
                ("reason=\"draining\"", server.drained_calls),
            ],
        ),
        (
            "connections_cut",
            "Connections closed because of their peer.",
            &[
                ("reason=\"unknown_opening\"", server.unknown_openings),
                ("reason=\"long_opening\"", server.long_openings),
                ("reason=\"opening_timeout\"", server.opening_timeouts),
                ("reason=\"proxy_header\"", server.proxy_failures),
                ("reason=\"tls\"", server.tls_failures),
                ("reason=\"stalled\"", server.stalled),
                ("reason=\"memory_budget\"", server.memory_sheds),
                ("reason=\"displaced\"", server.connections_displaced),
                ("reason=\"malformed\"", server.malformed),
            ],
        ),
        (
            "calls_refused",
            "Calls of unknown names or against an access rule.",
            &[("reason=\"unknown\"", server.unknown_calls), ("reason=\"denied\"", server.denied_calls)],
        ),
        (
            "calls_cut",
            "Calls ended before their handler was done.",
            &[("reason=\"deadline\"", server.deadlines), ("reason=\"canceled\"", server.canceled_calls)],
        ),
        ("panics", "Handlers that panicked.", &[("", server.panics)]),
        ("logins", "Logins that succeeded.", &[("", server.logins)]),
        ("login_failures", "Logins that failed.", &[("", server.login_failures)]),
        ("http_requests", "HTTP requests.", &[("", server.http_requests)]),
        (
            "dropped_log_lines",
            "Lines of the program's log that were dropped.",
            &[("", server.dropped_log_lines)],
        ),
        (
            "http_requests_refused",
            "HTTP requests of pages of other origins, or for other hosts.",
            &[("reason=\"origin\"", server.other_origins), ("reason=\"host\"", server.other_hosts)],
        ),
    ];
    for (name, help, samples) in families {
        let name = format!("rpcwrap_server_{name}");
        out.counter(&name, help);
        for (labels, value) in samples {
            out.sample(&format!("{name}_total"), labels, *value);
        }
    }
}

fn protocols(out: &mut Exposition, protocols: &[ProtocolInfo]) {
    let label = |one: &ProtocolInfo| format!("protocol=\"{}\"", one.name);
    let name = "rpcwrap_server_protocol_connections";
    out.family(name, "gauge", "Connections a protocol has now.");
    for one in protocols {
        out.sample(name, &label(one), one.connections);
    }
    let name = "rpcwrap_server_matched";
    out.counter(name, "Connections a protocol took.");
    for one in protocols {
        out.sample(&format!("{name}_total"), &label(one), one.matched);
    }
    let name = "rpcwrap_server_given_up";
    out.counter(name, "Connections a protocol gave up.");
    for one in protocols {
        let kinds = [("too_big", one.too_big), ("overloaded", one.overloaded), ("malformed", one.malformed)];
        for (kind, count) in kinds {
            out.sample(&format!("{name}_total"), &format!("{},kind=\"{kind}\"", label(one)), count);
        }
    }
}

fn process(out: &mut Exposition, snapshot: &Snapshot) {
    let process = &snapshot.process;
    let since_epoch = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let started = since_epoch(snapshot.now).saturating_sub(snapshot.uptime);
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Memory the process occupies.", process.resident_bytes),
        ("process_virtual_memory_bytes", "Address space the process has reserved.", process.virtual_bytes),
        ("process_start_time_seconds", "When the server was built, since 1970.", started.as_secs()),
    ] {
        out.family(name, "gauge", help);
        out.sample(name, "", value);
    }
}

/// The text as it grows.
struct Exposition {
    text: String,
    open: bool,
}

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// OpenMetrics names a family of counters without the `_total` of its samples.
    fn counter(&mut self, name: &str, help: &str) {
        let total = if self.open { "" } else { "_total" };
        self.family(&format!("{name}{total}"), "counter", help);
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.text, "{name} {value}"),
            labels => writeln!(self.text, "{name}{{{labels}}} {value}"),
        };
    }

    fn histogram(&mut self, name: &str, labels: &str, stats: &MethodSnapshot) {
        let bucket = format!("{name}_bucket");
        for shown in 0..SHOWN {
            let index = FIRST + shown * STEP;
            let below: u64 = stats.latency[..=index].iter().sum();
            let le = bucket_end(index).as_secs_f64();
            self.sample(&bucket, &format!("{labels},le=\"{le}\""), below);
        }
        // Not `finished`: the buckets were read at another moment, and the last one has to equal the count.
        let all: u64 = stats.latency.iter().sum();
        self.sample(&bucket, &format!("{labels},le=\"+Inf\""), all);
        self.sample(&format!("{name}_sum"), labels, stats.total.as_secs_f64());
        self.sample(&format!("{name}_count"), labels, all);
    }
}

fn label_value(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{live::stats::BUCKETS, pages::fixture};

    #[test]
    fn the_text_form() {
        let page = page(&fixture::snapshot(), &PageRequest::default());
        assert_eq!(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
        for line in [
            "# TYPE rpcwrap_server_calls_total counter",
            "rpcwrap_server_calls_total{service=\"Arith\",method=\"Multiply\"} 4311",
            "rpcwrap_server_call_errors_total{service=\"Arith\",method=\"Divide\"} 3",
            "rpcwrap_server_inflight{service=\"Arith\",method=\"Divide\"} 1",
            "rpcwrap_server_inflight{service=\"<b>\",method=\"Count\"} 0",
            "rpcwrap_server_blocking{service=\"Arith\",method=\"Divide\",state=\"running\"} 128",
            "rpcwrap_server_blocking{service=\"Arith\",method=\"Divide\",state=\"queued\"} 9",
            "# TYPE rpcwrap_server_blocked_threads_total counter",
            "rpcwrap_server_blocked_threads_total{service=\"Arith\",method=\"Divide\"} 17",
            "# TYPE rpcwrap_server_call_duration_seconds histogram",
            "rpcwrap_server_call_duration_seconds_bucket{service=\"Arith\",method=\"Divide\",le=\"0.000016384\"} 0",
            "rpcwrap_server_call_duration_seconds_bucket{service=\"Arith\",method=\"Divide\",le=\"0.000065536\"} 80",
            "rpcwrap_server_call_duration_seconds_bucket{service=\"Arith\",method=\"Divide\",le=\"68.719476736\"} 80",
            "rpcwrap_server_call_duration_seconds_bucket{service=\"Arith\",method=\"Divide\",le=\"+Inf\"} 80",
            "rpcwrap_server_call_duration_seconds_sum{service=\"Arith\",method=\"Divide\"} 0.004",
            "rpcwrap_server_call_duration_seconds_count{service=\"Arith\",method=\"Divide\"} 80",
            "rpcwrap_server_connections 307",
            "rpcwrap_server_probes_total 900003",
            "rpcwrap_server_shed_total{reason=\"max_connections\"} 900002",
            "rpcwrap_server_shed_total{reason=\"max_calls\"} 900016",
            "rpcwrap_server_dropped_log_lines_total 900026",
            "rpcwrap_server_protocol_connections{protocol=\"http\"} 30",
            "rpcwrap_server_matched_total{protocol=\"go_rpc\"} 700",
            "rpcwrap_server_given_up_total{protocol=\"go_rpc\",kind=\"malformed\"} 5",
            "process_resident_memory_bytes 5242880",
            "process_start_time_seconds 1699726400",
        ] {
            assert!(page.body.lines().any(|seen| seen == line), "{line} is not in\n{}", page.body);
        }
        assert!(!page.body.contains("# EOF"));
    }

    #[test]
    fn openmetrics_by_request() {
        let page = page(
            &fixture::snapshot(),
            &PageRequest { form: PageFormat::OpenMetrics, ..PageRequest::default() },
        );
        assert!(page.content_type.starts_with("application/openmetrics-text"));
        assert!(page.body.contains("# TYPE rpcwrap_server_calls counter\n"));
        assert!(page.body.contains("rpcwrap_server_calls_total{"));
        assert!(page.body.ends_with("\n# EOF\n"));
    }

    #[test]
    fn every_family_is_declared_once_and_its_samples_follow() {
        let body = page(&fixture::snapshot(), &PageRequest::default()).body;
        let mut declared = std::collections::HashSet::new();
        let mut family = "";
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap();
                assert!(declared.insert(family), "{family} twice");
            } else if !line.starts_with('#') {
                assert!(line.starts_with(family), "{line} under {family}");
            }
        }
    }

    #[test]
    fn shown_buckets_are_powers_of_two() {
        let ends: Vec<u128> = (0..SHOWN).map(|n| bucket_end(FIRST + n * STEP).as_nanos()).collect();
        assert_eq!((ends[0], ends[SHOWN - 1]), (1 << 12, 1 << 36));
        assert!(ends.iter().all(|end| end.is_power_of_two()));
        const { assert!(FIRST + (SHOWN - 1) * STEP < BUCKETS) };
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(label_value("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
