//! Probes: whether the server runs, and whether it wants calls.

use super::{Page, PageRequest};
use crate::{live::shutdown::Phase, pages::snapshot::Snapshot};
use std::fmt::Write;

/// `/debug/health`: two bytes, as vitess answers them; 503 when not ready, where vitess said 200.
pub(super) fn health(snapshot: &Snapshot, _: &PageRequest) -> Page {
    let (status, body) = if is_ready(snapshot) { (200, "ok") } else { (503, "not ok") };
    Page { status, content_type: "text/plain", headers: refusal(status), body: body.to_owned() }
}

/// `/healthz`, `/livez`: that this is answered at all is the answer.
pub(super) fn live(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    Page::text(if ask.verbose { checks(snapshot, true) } else { "ok\n".to_owned() })
}

/// `/readyz`: 503 from the first signal to stop, while calls are still taken, so that load balancers look away first;
/// and while `max_calls` wait.
pub(super) fn ready(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    let ready = is_ready(snapshot);
    let status = if ready { 200 } else { 503 };
    let body = match (ask.verbose, ready) {
        (true, _) => checks(snapshot, ready),
        (false, true) => "ok\n".to_owned(),
        (false, false) if snapshot.phase == Phase::Serving => "not ready: overloaded\n".to_owned(),
        (false, false) => "not ready: shutting down\n".to_owned(),
    };
    Page { status, headers: refusal(status), ..Page::text(body) }
}

fn is_ready(snapshot: &Snapshot) -> bool {
    snapshot.phase == Phase::Serving && snapshot.waiting_calls < snapshot.max_calls
}

/// What tells probers and proxies to go elsewhere.
fn refusal(status: u16) -> Vec<(&'static str, &'static str)> {
    if status == 200 {
        return Vec::new();
    }
    vec![("retry-after", "1"), ("connection", "close"), ("x-envoy-immediate-health-check-fail", "true")]
}

/// One line per check, as Kubernetes' own components answer `?verbose`.
fn checks(snapshot: &Snapshot, passed: bool) -> String {
    let mut out = "[+]loop ok\n".to_owned();
    let open = snapshot.server.connections;
    let sign = if open < snapshot.max_connections as u64 { '+' } else { '-' };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "[{sign}]connections {open} of {}", snapshot.max_connections);
    let (waiting, limit) = (snapshot.waiting_calls, snapshot.max_calls);
    let sign = if waiting < limit { '+' } else { '-' };
    let _ = writeln!(out, "[{sign}]calls {waiting} of {limit} wait");
    let phase = match snapshot.phase {
        Phase::Serving => "[+]serving ok\n",
        Phase::LameDuck => "[-]serving about to stop\n",
        Phase::Draining => "[-]serving no new calls\n",
        Phase::Stopped => "[-]serving stopped\n",
    };
    out.push_str(phase);
    out.push_str(if passed { "check passed\n" } else { "check failed\n" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    fn at(phase: Phase) -> Snapshot {
        Snapshot { phase, ..fixture::snapshot() }
    }

    #[test]
    fn healthy() {
        let (snapshot, ask) = (at(Phase::Serving), PageRequest::default());
        let page = health(&snapshot, &ask);
        assert_eq!((page.status, page.content_type, &*page.body), (200, "text/plain", "ok"));
        assert!(page.headers.is_empty());
        for probe in [live, ready] {
            let page = probe(&snapshot, &ask);
            assert_eq!((page.status, &*page.body, page.headers.len()), (200, "ok\n", 0));
        }
    }

    #[test]
    fn told_to_stop() {
        let ask = PageRequest::default();
        for phase in [Phase::LameDuck, Phase::Draining, Phase::Stopped] {
            let snapshot = at(phase);
            assert_eq!(health(&snapshot, &ask).body, "not ok");
            assert_eq!((health(&snapshot, &ask).status, ready(&snapshot, &ask).status), (503, 503));
            assert!(
                ready(&snapshot, &ask).headers.contains(&("x-envoy-immediate-health-check-fail", "true"))
            );
            assert_eq!(live(&snapshot, &ask).status, 200);
        }
    }

    #[test]
    fn overloaded() {
        let snapshot = Snapshot { waiting_calls: 100_000, ..at(Phase::Serving) };
        let ask = PageRequest::default();
        assert_eq!((health(&snapshot, &ask).status, live(&snapshot, &ask).status), (503, 200));
        let page = ready(&snapshot, &ask);
        assert_eq!((page.status, &*page.body), (503, "not ready: overloaded\n"));
        let page = ready(&snapshot, &PageRequest { verbose: true, ..ask });
        assert!(page.body.contains("[-]calls 100000 of 100000 wait\n"), "{}", page.body);
    }

    #[test]
    fn verbose() {
        let ask = PageRequest { verbose: true, ..PageRequest::default() };
        assert_eq!(
            ready(&at(Phase::LameDuck), &ask).body,
            "[+]loop ok\n[+]connections 307 of 10000\n[+]calls 17 of 100000 wait\n[-]serving about to stop\ncheck failed\n"
        );
        assert_eq!(
            live(&at(Phase::LameDuck), &ask).body,
            "[+]loop ok\n[+]connections 307 of 10000\n[+]calls 17 of 100000 wait\n[-]serving about to stop\ncheck passed\n"
        );
    }
}
