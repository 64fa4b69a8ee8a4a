//! One run of each kind, in every form of report.

use super::*;
use crate::bench::{
    failure::{Failure, Kind},
    tally::{RequestTimes, Second},
};

fn settings(rate: Option<f64>) -> RunSettings {
    RunSettings {
        addr: "127.0.0.1:7070".into(),
        method: "Arith.Multiply".into(),
        codec: "json".into(),
        connections: 2,
        in_flight: 4,
        rate,
        ramp: None,
    }
}

fn request_times(response: u64, service: u64) -> RequestTimes {
    RequestTimes { response: Duration::from_millis(response), service: Duration::from_millis(service) }
}

/// 97 quick replies, one late one, one refusal and one request that was never sent, in ten seconds.
fn outcome() -> Outcome {
    let mut tally = Tally::default();
    (0..97).for_each(|_| tally.done(request_times(2, 1)));
    tally.done(request_times(2000, 1900));
    let text = "cannot connect to <b>, \"here\"".to_owned();
    tally.failed(request_times(1, 1), Failure { kind: Kind::Refused, text, is_final: false });
    tally.left_unsent(Duration::from_secs(1));
    let mut second = Second::default();
    tally.take_second(&mut second);
    Outcome {
        tally,
        seconds: vec![SecondFigures::from(&second)],
        elapsed: Duration::from_secs(10),
        interrupted: false,
    }
}

fn report(rate: Option<f64>) -> Report {
    Report::new(settings(rate), outcome(), None)
}

#[test]
fn text_of_an_open_loop_has_both_times_side_by_side() {
    let text = report(Some(10.0)).to_string();
    let expected = "\
Arith.Multiply on 127.0.0.1:7070: open loop, 2 connections × 4 in flight, json

requests  100: 98 done, 1 failed, 1 due but never sent
rate      achieved 9.8 of 10.0/s in 10.0 s

          response   service    (from the intended start; from the sending)
min        2.00 ms   1.00 ms
mean       32.3 ms   20.4 ms
p50        2.00 ms   1.00 ms
p90        2.00 ms   1.00 ms
p99         2.00 s    1.90 s
p99.9       2.00 s    1.90 s
p99.99      2.00 s    1.90 s
max         2.00 s    1.90 s

failed
refused            1  cannot connect to <b>, \"here\"
";
    assert_eq!(text, expected);
}

#[test]
fn text_of_a_closed_loop_claims_no_response_time() {
    let mut outcome = outcome();
    outcome.interrupted = true;
    let text = Report::new(RunSettings { connections: 1, ..settings(None) }, outcome, None).to_string();
    assert!(text.starts_with(
        "Arith.Multiply on 127.0.0.1:7070: closed loop, 1 connection × 4 in flight, json, interrupted\n"
    ));
    assert!(text.contains("rate      9.8/s in 10.0 s") && !text.contains("response"), "{text}");
}

#[test]
fn json_accounts_for_every_request() {
    let json = report(Some(10.0)).json();
    let requests = &json["requests"];
    assert_eq!(
        *requests,
        serde_json::json!({"intended": 100, "done": 98, "failed": 1, "in_flight_at_end": 0, "not_sent": 1})
    );
    assert_eq!(json["rate"], serde_json::json!({"asked": 10.0, "achieved": 9.8}));
    assert_eq!(json["failures"]["refused"]["count"], 1);
    assert_eq!(json["failures"]["timeout"], serde_json::json!({"count": 0}));
    let close = |value: &serde_json::Value, millis: f64| {
        let ratio = value.as_f64().unwrap() / millis;
        assert!((0.999..=1.001).contains(&ratio), "{value} is not {millis}");
    };
    close(&json["response_time_ms"]["p50"], 2.0);
    close(&json["response_time_ms"]["max"], 2000.0);
    close(&json["service_time_ms"]["p99.9"], 1900.0);
    close(&json["seconds"][0]["p50_ms"], 2.0);
    assert_eq!((&json["seconds"][0]["done"], &json["seconds"][0]["failed"]), (&98.into(), &1.into()));
    assert!(report(None).json()["response_time_ms"].is_null());
}

#[test]
fn csv_has_as_many_figures_as_names() {
    for rate in [Some(10.0), None] {
        let mut settings = settings(rate);
        settings.addr = "unix:/tmp/a\"b,c".into();
        let csv = Report::new(settings, outcome(), None).csv();
        let (names, values) = csv.trim_end().split_once('\n').unwrap();
        // The first field is the only one in quotes.
        let values = values.strip_prefix("\"unix:/tmp/a\"\"b,c\",").unwrap();
        let names = names.strip_prefix("addr,").unwrap();
        let row: Vec<(&str, &str)> = names.split(',').zip(values.split(',')).collect();
        assert_eq!(names.split(',').count(), values.split(',').count());
        for (name, value) in [
            ("intended", "100"),
            ("done", "98"),
            ("refused", "1"),
            ("not_sent", "1"),
            ("rate_asked", if rate.is_some() { "10.000" } else { "" }),
        ] {
            assert!(row.contains(&(name, value)), "{name}: {row:?}");
        }
        let p50 = row.iter().find(|(name, _)| *name == "response_p50_ms").unwrap().1;
        assert_eq!(p50.is_empty(), rate.is_none(), "{p50}");
    }
}

#[test]
fn every_form_says_what_the_calls_cost_the_server() {
    let cpu = Cpu { total: Duration::from_millis(4900), user_ticks: 1, system_ticks: 3 };
    let report = Report::new(settings(None), outcome(), Some(cpu));
    let cost = "50000.000 µs of CPU per call, 25 % of it user; 0.49 cores used";
    let text = report.to_string();
    assert!(text.contains(&format!("/s in 10.0 s\nserver    {cost}\n\n")), "{text}");
    assert!(report.html().contains(&format!("<td>{cost}</td>")));
    let json = &report.json()["server"];
    assert_eq!((&json["cpu_us_per_call"], &json["user_share"]), (&50000.0.into(), &0.25.into()));
    assert_eq!((json["cores"].as_f64().unwrap() * 100.0).round(), 49.0);
    let csv = report.csv();
    let (names, values) = csv.trim_end().split_once('\n').unwrap();
    assert!(names.ends_with(",server_cpu_us_per_call,server_user_share,server_cores"), "{names}");
    assert!(values.ends_with(",50000.0000,0.2500,0.4900"), "{values}");
    // Without the process's number, and without an answer, there is no such figure.
    assert!(self::report(None).json()["server"].is_null());
    assert_eq!(ServerCost::of(cpu, 0, Duration::from_secs(1)), None);
}

#[test]
fn hgrm_ends_at_all_requests_and_the_longest_time() {
    let text = report(Some(10.0)).hgrm();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(2)
        .take_while(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let last = rows.last().unwrap();
    assert_eq!(last[1..], ["1.000000000000", "99"]);
    assert!((1998.0..=2002.0).contains(&last[0].parse::<f64>().unwrap()), "{last:?}");
    let shares: Vec<f64> = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    assert!(shares.is_sorted() && shares[0] == 0.0, "{shares:?}");
    assert!(
        text.lines().any(|line| line.starts_with("#[Max") && line.contains("Total count    =           99")),
        "{text}"
    );
}

#[test]
fn html_is_complete_asks_for_nothing_and_escapes() {
    for rate in [Some(10.0), None] {
        let html = report(rate).html();
        assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"));
        assert!(html.contains("&lt;b&gt;, &quot;here&quot;") && !html.contains("<b>"));
        for request in ["http:", "https:", "src=", "href=", "url(", "@import", "<script"] {
            assert!(!html.contains(request), "{request}");
        }
        assert_eq!(html.matches("<svg").count(), 3);
        assert!(!html.contains("NaN") && !html.contains("inf\""));
        assert_eq!(html.contains("from the intended start"), rate.is_some());
    }
}

#[test]
fn a_run_without_any_request_still_makes_every_report() {
    let empty =
        Outcome { tally: Tally::default(), seconds: Vec::new(), elapsed: Duration::ZERO, interrupted: true };
    let report = Report::new(settings(Some(10.0)), empty, None);
    assert!(report.to_string().contains("requests  0: 0 done, 0 failed"));
    assert_eq!(report.json()["rate"]["achieved"], 0.0);
    assert!(!report.html().contains("NaN"));
    assert!(report.csv().contains(",0,"));
    assert!(report.hgrm().contains("Total count    =            0"));
    assert_eq!(report.exit(), None);
}

#[test]
fn the_exit_code_is_that_of_the_most_frequent_failure_if_nothing_was_answered() {
    let failed = |kinds: &[Kind]| {
        let mut tally = Tally::default();
        kinds.iter().for_each(|&kind| {
            tally.failed(request_times(1, 1), Failure { kind, text: String::new(), is_final: false })
        });
        tally
    };
    let code = |tally| {
        let outcome = Outcome { tally, seconds: Vec::new(), elapsed: Duration::ZERO, interrupted: false };
        Report::new(settings(None), outcome, None).exit()
    };
    assert_eq!(code(failed(&[Kind::Refused, Kind::Timeout, Kind::Timeout])), Some(Exit::Timeout));
    assert_eq!(code(failed(&[Kind::Busy])), Some(Exit::Unavailable));
    let mut answered = failed(&[Kind::Remote, Kind::Remote]);
    answered.done(request_times(1, 1));
    assert_eq!(code(answered), None);
    let mut hanging = Tally::default();
    hanging.left_in_flight(request_times(1, 1));
    assert_eq!(code(hanging), Some(Exit::Timeout));
}
