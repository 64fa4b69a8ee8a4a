//! `--check-config`: everything that is checked before a server listens, and nothing after it.

use crate::{args::Args, serve, settings::Settings};
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// What the program ends with if there is a fault.
const FAULTY: u8 = 2;

/// Checks what `args` and their file say; `ok` on stdout, or the faults and warnings on stderr, a line each.
pub(crate) fn run(args: Args) -> ExitCode {
    let checked = Settings::load(args, false).and_then(|settings| {
        serve::server(&settings, None)?;
        Ok(settings.warnings)
    });
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    // Closed streams leave the exit code, which says it too.
    match checked {
        Ok(warnings) => {
            for warning in warnings {
                let _ = writeln!(err, "{warning}");
            }
            let _ = writeln!(out, "ok");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            let _ = writeln!(err, "{faults}");
            FAULTY.into()
        }
    }
}
