//! The report as two lines of CSV (RFC 4180), names and figures: the second lines of many runs make a table.

use super::{Report, ServerCost, millis};

impl Report {
    pub(crate) fn csv(&self) -> String {
        let Self { settings, tally, .. } = self;
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut field = |name: &str, value: String| fields.push((name.to_owned(), value));
        field("addr", settings.addr.clone());
        field("method", settings.method.clone());
        field("codec", settings.codec.clone());
        field("loop", settings.loop_name().to_owned());
        field("connections", settings.connections.to_string());
        field("inflight", settings.in_flight.to_string());
        field("elapsed_s", format!("{:.3}", self.elapsed.as_secs_f64()));
        field("rate_asked", settings.rate.map_or_else(String::new, |rate| format!("{rate:.3}")));
        field("rate_achieved", format!("{:.3}", self.achieved()));
        field("intended", tally.in_all().to_string());
        field("done", tally.done.to_string());
        for (kind, failures) in tally.failures() {
            field(kind.name(), failures.count.to_string());
        }
        field("in_flight_at_end", tally.in_flight.to_string());
        field("not_sent", tally.not_sent.to_string());
        for (prefix, figures) in [("service", Some(self.service())), ("response", self.response())] {
            for (index, (name, _)) in self.service().iter().enumerate() {
                let time = figures.map(|figures| format!("{:.6}", millis(figures[index].1)));
                field(&format!("{prefix}_{name}_ms"), time.unwrap_or_default());
            }
        }
        let server = |figure: fn(&ServerCost) -> f64| {
            self.server.as_ref().map(figure).map_or_else(String::new, |figure| format!("{figure:.4}"))
        };
        field("server_cpu_us_per_call", server(|cost| cost.micros_per_call));
        field("server_user_share", server(|cost| cost.user_share));
        field("server_cores", server(|cost| cost.cores));
        let (names, values): (Vec<String>, Vec<String>) =
            fields.into_iter().map(|(name, value)| (name, quote(&value))).unzip();
        format!("{}\n{}\n", names.join(","), values.join(","))
    }
}

/// A field with a comma, a quote or a line end goes into quotes.
fn quote(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
