//! `rpcwrapd`: a Go-RPC server that runs out of the box, with services to try clients on.
//!
//! Flags and a TOML file become [`settings::Settings`]; those and the [`demo`] services become a server; stdout gets
//! the addresses and commands to paste, stderr the log. SIGHUP reloads, SIGUSR2 restarts, SIGTERM and SIGINT drain.

mod address;
mod announce;
mod args;
mod check;
mod config_file;
mod demo;
mod fault;
mod hash_password;
mod keys;
mod log;
mod log_queue;
mod memory;
mod reload;
mod restart;
mod serve;
mod settings;
mod systemd;
mod warnings;

use args::{Args, Command};
use clap::Parser;
use reload::Hangup;
use restart::Restart;
use rpcwrap::{Drained, Inherited, Listen};
use settings::Settings;
use std::{error::Error, io, process::ExitCode};
use systemd::Notifier;

fn main() -> ExitCode {
    memory::bound_heaps();
    let args = Args::parse();
    let done = match &args.command {
        Some(Command::HashPassword(hash)) => hash.run().map(|()| ExitCode::SUCCESS),
        None if args.check_config => return check::run(args),
        // Before there are threads: the environment is changed.
        None => Inherited::from_env()
            .map_err(Into::into)
            .and_then(|sockets| run(args, sockets))
            .map(|drained| drained.exit_code().into()),
    };
    let code = done.unwrap_or_else(|error| {
        log::last_words(&error.to_string());
        ExitCode::FAILURE
    });
    log::flush();
    code
}

#[tokio::main]
async fn run(args: Args, inherited: Inherited) -> Result<Drained, Box<dyn Error>> {
    let settings = Settings::load(args, inherited.unnamed() > 0)?;
    let log = log::start(settings.log_format, settings.log.as_deref())?;
    let (asking, asked) = restart::by_admins();
    let server = serve::server(&settings, Some((log, asking)))?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let drain_timeout = settings.config.drain_timeout;
    let tls = settings.tls.is_some();
    let started_with = settings.config_file.as_ref().map(|(path, file)| (path.as_path(), file));

    server.inherit(inherited)?;
    for addr in &settings.listen {
        server.listen(addr).await?;
    }
    for (addr, protocols) in &settings.listen_only {
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        server.listen_only(addr, &protocols).await?;
    }
    let bound = server.addresses();
    for addr in &settings.http_rpc_listen {
        server.listen_http_rpc(addr).await?;
    }
    let http_rpc = server.addresses().split_off(bound.len());
    for addr in &settings.admin_listen {
        server.listen_with(addr, Listen::new().admin()).await?;
    }
    let admin = server.addresses().split_off(bound.len() + http_rpc.len());
    // A program that has read the addresses may send signals: their handlers have to be there before.
    let (running, hangup, restart) = (server.run(), Hangup::new()?, Restart::new(asked)?);
    let notifier = Notifier::from_env();
    // After a restart the process before says it, whose word still counts.
    if !server.take_over().await? {
        notifier.ready();
    }
    // A server goes on without a reader of its stdout.
    let _ = announce::write(&mut io::stdout().lock(), &bound, &http_rpc, &admin, settings.tls_required);
    tokio::select! {
        drained = running => Ok(drained?),
        never = hangup.reload(&server, tls, started_with, &notifier) => match never {},
        never = restart.when_told(&server, &notifier) => match never {},
        never = notifier.watch(&server, drain_timeout) => match never {},
        never = memory::give_back(&server) => match never {},
    }
}
