//! `rpcwrap completions` and `rpcwrap man`: made from the command line's own description.

use crate::failure::Failure;
use clap::{Command, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{self, Write};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: ShellName,
}

/// Print the manual page, of one command or of all
#[derive(Debug, clap::Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// A command, such as call
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
}

impl From<ShellName> for Shell {
    fn from(name: ShellName) -> Self {
        match name {
            ShellName::Bash => Self::Bash,
            ShellName::Zsh => Self::Zsh,
            ShellName::Fish => Self::Fish,
        }
    }
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
    clap_complete::generate(Shell::from(args.shell), &mut all, "rpcwrap", &mut script);
    print(&script)
}

/// Prints the page of the program `all` describes, as roff, for `man -l -`.
pub(crate) fn man(args: &ManArgs, mut all: Command) -> Result<(), Failure> {
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => find(&all, name)?,
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(|error| Failure::output(&error))?;
    print(&page)
}

fn find(all: &Command, name: &str) -> Result<Command, Failure> {
    let found =
        all.find_subcommand(name).ok_or_else(|| Failure::usage(format!("there is no command {name}")))?;
    Ok(found.clone())
}

fn print(text: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}
