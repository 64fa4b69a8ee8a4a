//! Does what an operation says, if the actor may.

use super::{Actor, Change, Done, Kill, Operation, Query, Refused, Right, audit::Audit};
use crate::live::{Live, connection_info::ConnectionInfo, policy::PolicyChange, shutdown::Phase};

const NO_WAITER: &str = "this program does not wait for being told to stop";

/// Does it. A change is noted in the log, whatever becomes of it.
///
/// # Errors
/// Why it was not done.
pub(crate) async fn execute(live: &Live, actor: &Actor<'_>, operation: Operation) -> Result<Done, Refused> {
    let change = match operation {
        Operation::Query(query) => {
            actor.check(live, Right::Monitor)?;
            return Ok(show(live, query));
        }
        Operation::Change(change) => change,
    };
    let audit = Audit::new(actor, change.name(), change.details());
    let outcome = match actor.check(live, Right::Admin) {
        Ok(()) => {
            if matches!(change, Change::SetLog(_)) {
                audit.begin();
            }
            make(live, actor, change).await
        }
        Err(refused) => Err(refused),
    };
    audit.end(outcome.as_ref());
    outcome
}

/// Runs a command of the program that is for admins, if the actor is one; `what` is its name. Noted in the log,
/// whatever becomes of it.
///
/// # Errors
/// Why it was not run. What it fails with itself is what it gives back.
#[cfg(feature = "resp")]
pub(crate) async fn run_command<T>(
    live: &Live,
    actor: &Actor<'_>,
    what: String,
    run: impl Future<Output = (T, Result<(), String>)>,
) -> Result<T, Refused> {
    let audit = Audit::new(actor, "command", what);
    if let Err(refused) = actor.check(live, Right::Admin) {
        audit.end(Err(&refused));
        return Err(refused);
    }
    let (reply, outcome) = run.await;
    match outcome {
        Ok(()) => audit.end(Ok(&Done::Said("answered".to_owned()))),
        Err(why) => audit.end(Err(&Refused::Failed(why))),
    }
    Ok(reply)
}

async fn make(live: &Live, actor: &Actor<'_>, change: Change) -> Result<Done, Refused> {
    let policy = PolicyChange::new();
    let policy = match change {
        Change::Drain => return drain(live),
        Change::Restart => return restart(live).await,
        #[cfg(feature = "resp")]
        Change::Stop => {
            if live.shutdown.phase() == Phase::Serving && !live.stop.ask() {
                return Err(Refused::Impossible(NO_WAITER.to_owned()));
            }
            live.shutdown.advance(Phase::Stopped);
            return Ok(Done::Said("stopped".to_owned()));
        }
        #[cfg(feature = "resp")]
        Change::ForgetSlowCalls => {
            live.slow.forget();
            return Ok(Done::Said("forgotten".to_owned()));
        }
        Change::Kill(kill) => return end(live, actor, &kill),
        Change::SetLog(filter) => policy.log(filter),
        Change::Set(settings) => policy.try_config(move |mut config| {
            for (name, value) in settings {
                config.set(&name, &value)?;
            }
            Ok(config)
        }),
        Change::SetAccess { service, rule } => policy.access(service, rule),
        Change::ReloadUsers => {
            let credentials = live.policy_full().credentials().cloned().ok_or(Refused::NoUsers)?;
            // Files may be slow.
            let read = tokio::task::spawn_blocking(move || credentials.read_again()).await;
            let read = read.map_err(|error| Refused::Failed(error.to_string()))?;
            policy.credentials(Some(read.map_err(|error| Refused::Failed(error.to_string()))?))
        }
    };
    let policy = live.change_policy(policy)?;
    Ok(Done::Changed { generation: policy.generation() })
}

fn drain(live: &Live) -> Result<Done, Refused> {
    if live.shutdown.phase() != Phase::Serving {
        return Err(Refused::Impossible("the server is stopping already".to_owned()));
    }
    if live.stop.ask() {
        return Ok(Done::Said("draining".to_owned()));
    }
    Err(Refused::Impossible(NO_WAITER.to_owned()))
}

async fn restart(live: &Live) -> Result<Done, Refused> {
    let Some(restart) = &live.restart else {
        return Err(Refused::Impossible("this program cannot restart itself".to_owned()));
    };
    restart.run().await.map(Done::Said).map_err(Refused::Failed)
}

fn end(live: &Live, actor: &Actor<'_>, kill: &Kill) -> Result<Done, Refused> {
    let (connections, calls) = match kill {
        Kill::Connection(id) => (live.kill_connections(|one| one.id == *id).len(), 0),
        Kill::Call(id) => (0, live.calls.kill(|one| one.id == *id)),
        Kill::Peer(name) => {
            let is_meant = |one: &ConnectionInfo| one.id != actor.connection && name.names(&one.peer);
            (live.kill_connections(is_meant).len(), 0)
        }
        Kill::User(user) => {
            let is_theirs = |of: &Option<String>| of.as_deref() == Some(user);
            let killed = live.kill_connections(|one| one.id != actor.connection && is_theirs(&one.user));
            let calls = live.calls.kill(|one| is_theirs(&one.user) && !killed.contains(&one.connection));
            (killed.len(), calls)
        }
    };
    match kill {
        Kill::Connection(id) if connections == 0 => Err(Refused::NotFound(format!("no connection {id}"))),
        Kill::Call(id) if calls == 0 => Err(Refused::NotFound(format!("no call {id} waits"))),
        _ => Ok(Done::Killed { connections, calls }),
    }
}

fn show(live: &Live, query: Query) -> Done {
    match query {
        Query::Connections { filter, most } => {
            Done::Connections(live.tracker.find(most, |one| filter.has_connection(one)))
        }
        Query::Calls { filter, most } => Done::Calls(live.calls.list(most, |one| filter.has_call(one))),
        Query::SlowCalls { most } => Done::SlowCalls(live.slow.list(most)),
        Query::Peers { address, method, most } => {
            let is_wanted = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|one| one == is);
            let rows =
                live.peers.list(most, |peer, name| is_wanted(&address, peer) && is_wanted(&method, name));
            Done::Peers(rows)
        }
        Query::Access => Done::Access(live.access_rules()),
        Query::Settings => {
            let policy = live.policy_full();
            let (generation, log) = (policy.generation(), policy.log().map(str::to_owned));
            Done::Settings { generation, log, settings: policy.config().settings().collect() }
        }
    }
}
