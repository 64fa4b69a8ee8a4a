//! x
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {}
pub(crate) async fn execute(args: Args) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
