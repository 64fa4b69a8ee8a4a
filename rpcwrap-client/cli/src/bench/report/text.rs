//! The report for people, on a terminal or in a log.

use super::Report;
use crate::units::format_duration;
use std::fmt::{self, Display, Formatter};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.requests(f)?;
        self.rate(f)?;
        self.times_text(f)?;
        self.failures(f)
    }
}

impl Report {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        let plural = if settings.connections == 1 { "" } else { "s" };
        write!(
            f,
            "{} on {}: {} loop, {} connection{plural} × {} in flight, {}",
            settings.method,
            settings.addr,
            settings.loop_name(),
            settings.connections,
            settings.in_flight,
            settings.codec
        )?;
        writeln!(f, "{}\n", if self.interrupted { ", interrupted" } else { "" })
    }

    fn requests(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let (all, done, failed) = (tally.in_all(), tally.done, tally.failed_in_all());
        write!(f, "requests  {all}: {done} done, {failed} failed")?;
        if tally.in_flight > 0 {
            write!(f, ", {} without reply at the end", tally.in_flight)?;
        }
        if tally.not_sent > 0 {
            write!(f, ", {} due but never sent", tally.not_sent)?;
        }
        writeln!(f)
    }

    fn rate(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (achieved, elapsed) = (self.achieved(), format_duration(self.elapsed));
        match self.settings.rate {
            Some(rate) => writeln!(f, "rate      achieved {achieved:.1} of {rate:.1}/s in {elapsed}")?,
            None => writeln!(f, "rate      {achieved:.1}/s in {elapsed}")?,
        }
        if let Some(server) = &self.server {
            writeln!(f, "server    {}", server.text())?;
        }
        writeln!(f)
    }

    fn times_text(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.tally.service.is_empty() && self.tally.response.is_empty() {
            return Ok(());
        }
        match self.response() {
            Some(response) => {
                writeln!(f, "          response   service    (from the intended start; from the sending)")?;
                for ((name, response), (_, service)) in response.into_iter().zip(self.service()) {
                    let (response, service) = (format_duration(response), format_duration(service));
                    writeln!(f, "{name:<8}{response:>10}{service:>10}")?;
                }
            }
            None => {
                writeln!(f, "           service    (a closed loop leaves out what waited; see --rate)")?;
                for (name, service) in self.service() {
                    writeln!(f, "{name:<8}{:>10}", format_duration(service))?;
                }
            }
        }
        Ok(())
    }

    fn failures(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.tally.failed_in_all() > 0 {
            writeln!(f, "\nfailed")?;
        }
        for (kind, failures) in self.tally.failures().filter(|(_, failures)| failures.count > 0) {
            writeln!(f, "{:<12}{:>8}  {}", kind.name(), failures.count, failures.example)?;
        }
        Ok(())
    }
}
