//! What is called and over which connections: dialled once, and again when one breaks. It must not know when calls are
//! made.

use super::failure::Failure;
use crate::{address::Address, argument::Argument};
use rpcwrap_client::{Client, Connector, DialError, Error, connect::Connected};
use serde::de::IgnoredAny;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// A server that cannot be reached is tried this often; requests in between fail with the last try.
const REDIAL_EVERY: Duration = Duration::from_millis(100);

/// One method of one server, and the way to reach it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) addr: Address,
    pub(crate) method: String,
    pub(crate) argument: Argument,
    pub(crate) connector: Connector,
    pub(crate) is_tls: bool,
    pub(crate) max_time: Option<Duration>,
}

impl Target {
    /// Opens one connection.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub(crate) async fn dial(&self) -> Result<Client, DialError> {
        self.connector.connect(self.addr.as_str()).await
    }

    /// Opens one connection as far as to its first call, without a client.
    ///
    /// # Errors
    /// As [`Connector::prepare`].
    pub(crate) async fn prepare(&self) -> Result<Connected, DialError> {
        self.connector.prepare(self.connector.reach(self.addr.as_str()).await?).await
    }

    /// One call; what it replies is read and dropped.
    pub(crate) async fn call(&self, client: &Client) -> Result<(), Error> {
        let called: Result<IgnoredAny, Error> = match self.max_time {
            Some(max_time) => client.request(&self.method).timeout(max_time).call(&self.argument).await,
            None => client.call(&self.method, &self.argument).await,
        };
        called.map(|IgnoredAny| ())
    }
}

/// One connection of the load, shared by the workers that keep it busy.
#[derive(Debug)]
pub(crate) struct SharedConnection {
    target: Arc<Target>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Up(Client),
    Down { since: Instant, failure: Failure },
}

impl SharedConnection {
    /// Opens the connection.
    ///
    /// # Errors
    /// As [`Target::dial`].
    pub(crate) async fn open(target: Arc<Target>) -> Result<Self, DialError> {
        let state = Mutex::new(State::Up(target.dial().await?));
        Ok(Self { target, state })
    }

    /// One request, over a new connection if the old one is gone; `client` is what the worker used last.
    pub(crate) async fn request(&self, client: &mut Option<Client>) -> Result<(), Failure> {
        let mut redialled = false;
        loop {
            let current = match client {
                Some(client) => client,
                None => client.insert(self.client().await?),
            };
            let error = match self.target.call(current).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if current.is_closed() {
                *client = None;
            }
            // Nothing was sent: the connection had ended before this request came to it.
            if !matches!(error, Error::Shutdown) || redialled {
                return Err(Failure::from(&error));
            }
            redialled = true;
        }
    }

    /// The connection, dialled again when it is gone and the last try is long enough ago.
    async fn client(&self) -> Result<Client, Failure> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Up(client) if !client.is_closed() => return Ok(client.clone()),
            State::Down { since, failure } if since.elapsed() < REDIAL_EVERY => return Err(failure.clone()),
            _ => {}
        }
        match self.target.dial().await {
            Ok(client) => {
                *state = State::Up(client.clone());
                Ok(client)
            }
            Err(error) => {
                let failure = Failure::from(&error);
                *state = State::Down { since: Instant::now(), failure: failure.clone() };
                Err(failure)
            }
        }
    }
}
