//! The report for people, on a terminal or in a log.

use super::Report;
use crate::units::format_duration;
use std::fmt::{self, Display, Formatter};

/// Shown with `{}`.
#[derive(Debug)]
pub(crate) struct Text<'r>(&'r Report);

impl Report {
    pub(crate) fn text(&self) -> Text<'_> {
        Text(self)
    }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.requests(f)?;
        self.rate(f)?;
        self.times(f)?;
        self.failures(f)
    }
}

impl Text<'_> {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let settings = &self.0.settings;
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
        writeln!(f, "{}\n", if self.0.interrupted { ", interrupted" } else { "" })
    }

    fn requests(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tally = &self.0.tally;
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
        let (achieved, elapsed) = (self.0.achieved(), format_duration(self.0.elapsed));
        match self.0.settings.rate {
            Some(rate) => writeln!(f, "rate      achieved {achieved:.1} of {rate:.1}/s in {elapsed}")?,
            None => writeln!(f, "rate      {achieved:.1}/s in {elapsed}")?,
        }
        if let Some(server) = &self.0.server {
            writeln!(f, "server    {}", server.text())?;
        }
        writeln!(f)
    }

    fn times(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { service, response, .. } = self.0;
        if self.0.tally.service.is_empty() && self.0.tally.response.is_empty() {
            return Ok(());
        }
        match response {
            Some(response) => {
                writeln!(f, "          response   service    (from the intended start; from the sending)")?;
                for ((name, response), (_, service)) in response.figures().zip(service.figures()) {
                    writeln!(
                        f,
                        "{name:<8}{:>10}{:>10}",
                        format_duration(response),
                        format_duration(service)
                    )?;
                }
            }
            None => {
                writeln!(f, "           service    (a closed loop leaves out what waited; see --rate)")?;
                for (name, service) in service.figures() {
                    writeln!(f, "{name:<8}{:>10}", format_duration(service))?;
                }
            }
        }
        Ok(())
    }

    fn failures(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut failures = self.0.tally.failures().filter(|(_, failures)| failures.count > 0).peekable();
        if failures.peek().is_some() {
            writeln!(f, "\nfailed")?;
        }
        for (kind, failures) in failures {
            writeln!(f, "{:<12}{:>8}  {}", kind.name(), failures.count, failures.example)?;
        }
        Ok(())
    }
}
