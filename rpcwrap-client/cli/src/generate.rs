//! `rpcwrap completions` and `rpcwrap man`: made from the command line's own description.

use crate::{failure::Failure, output};
use clap::{
    Command,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;
use clap_mangen::Man;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = PossibleValuesParser::new(["bash", "zsh", "fish"]).try_map(|name| name.parse::<Shell>()))]
    shell: Shell,
}

/// Print the manual page, of one command or of all
#[derive(Debug, clap::Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// A command, such as call
    command: Option<String>,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  rpcwrap completions bash
  rpcwrap completions zsh
  rpcwrap completions fish";

const MAN_EXAMPLES: &str = "\
Examples:
  rpcwrap man
  rpcwrap man call";

/// Prints the script for the program `all` describes.
pub(crate) fn completions(args: &CompletionsArgs, mut all: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut all, "rpcwrap", &mut script);
    output::write(&script)
}

/// Prints the page of the program `all` describes, as roff, for `man -l -`.
pub(crate) fn man(args: &ManArgs, mut all: Command) -> Result<(), Failure> {
    all.build();
    if let Some(name) = &args.command {
        let found = all.find_subcommand(name);
        all = found.ok_or_else(|| Failure::usage(format!("there is no command {name}")))?.clone();
    }
    let mut page = Vec::new();
    Man::new(all).render(&mut page).map_err(|error| Failure::output(&error))?;
    output::write(&page)
}
