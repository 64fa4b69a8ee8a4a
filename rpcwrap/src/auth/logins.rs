//! Checks logins so that neither their number nor their mistakes cost others: slow hashes run two at a time beside
//! the threads of the connections, and only the answer to a wrong login waits.

use super::{
    Credential, Denied, Identity,
    failure_delays::FailureDelays,
    tries::Tries,
    users::{Check, SlowCheck, Users},
    verified::Verified,
};
use std::{net::IpAddr, sync::Arc};
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, sleep},
};

/// Slow hashes checked at the same time: each takes a core and tens of megabytes.
const AT_ONCE: usize = 2;
/// Logins that wait for one of those places; one more is refused.
const WAITING: usize = 64;
/// Wrong logins whose answers wait; one more is closed without waiting.
const DELAYED: usize = 1000;

/// The logins of one server.
pub(crate) struct Logins {
    delays: FailureDelays,
    delayed: Semaphore,
    verified: Verified,
    admitted: Semaphore,
    at_once: Arc<Semaphore>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            delays: FailureDelays::default(),
            delayed: Semaphore::new(DELAYED),
            verified: Verified::new(),
            admitted: Semaphore::new(AT_ONCE + WAITING),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Logins {
    /// Checks what a peer at `from` (`None` on a unix socket) offers. A right login is answered as soon as it is found
    /// right; the answer to a wrong one waits for 50 ms, 50 ms more after each further one from there, up to 2 s.
    ///
    /// `tries` are those of its connection: with the third wrong one, found out before its answer waits, it is to be
    /// closed, and nothing more that it offers is looked at.
    ///
    /// May be dropped at any time; a hash that is being computed then is computed to its end.
    pub(crate) async fn check(
        &self,
        users: &Users,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        tries: &Tries,
    ) -> Result<Identity, Denied> {
        if tries.are_used_up() {
            return Err(Denied::and_close());
        }
        let checked = match users.check(credential) {
            Check::Done(checked) => checked,
            Check::Slow(slow) => self.check_slowly(users, slow).await,
        };
        match checked {
            Err(denied) if !denied.must_close() => {
                tries.count_wrong();
                Err(self.delay(from, tries).await)
            }
            checked => checked,
        }
    }

    /// Forgets which passwords were right: for every change of policy.
    pub(crate) fn policy_changed(&self) {
        self.verified.clear();
    }

    async fn check_slowly(&self, users: &Users, slow: SlowCheck) -> Result<Identity, Denied> {
        let key = self.verified.key(users, &slow.name, &slow.offered);
        if let Some(key) = &key
            && self.verified.knows(key, Instant::now())
        {
            return Ok(slow.known_right());
        }
        let _admitted = self.admitted.try_acquire().map_err(|_| Denied::and_close())?;
        let place = self.at_once.clone().acquire_owned().await.map_err(|_| Denied::and_close())?;
        let computed = spawn_blocking(move || {
            // Held until it is computed, even if this login is given up before.
            let _place = place;
            slow.run()
        });
        let identity = computed.await.unwrap_or_else(|_| Err(Denied::new()))?;
        if let Some(key) = key {
            self.verified.found_right(key, Instant::now());
        }
        Ok(identity)
    }

    async fn delay(&self, from: Option<IpAddr>, tries: &Tries) -> Denied {
        let delay = self.delays.failed(from, Instant::now());
        let Ok(_delayed) = self.delayed.try_acquire() else { return Denied::and_close() };
        sleep(delay).await;
        if tries.are_used_up() { Denied::and_close() } else { Denied::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{User, fixture::ARGON2ID};
    use futures_util::{FutureExt, future::join_all};
    use std::time::Duration;

    const ADDR: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn users() -> Users {
        Users::new([User::new("plain").secret("kot2"), User::new("slow").secret(ARGON2ID)]).unwrap()
    }

    fn password<'a>(user: &'a str, secret: &'a str) -> Credential<'a> {
        Credential::Password { user, secret }
    }

    /// On a connection of its own.
    async fn check(
        logins: &Logins,
        users: &Users,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
    ) -> Result<Identity, Denied> {
        logins.check(users, credential, from, &Tries::default()).await
    }

    /// The outcome, and how long it took by the paused clock.
    async fn timed(login: impl Future<Output = Result<Identity, Denied>>) -> (Option<String>, u128) {
        let start = Instant::now();
        let outcome = login.await;
        (outcome.ok().map(|identity| identity.name().to_owned()), start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_wrong_wait() {
        let (logins, users) = (Logins::default(), users());
        let fast = Users::new([User::new("plain").secret("kot2")]).unwrap();
        for expected in [50, 100, 150, 200, 250, 300] {
            let wrong = timed(check(&logins, &fast, &password("plain", "kot"), ADDR)).await;
            assert_eq!(wrong, (None, expected));
            // From the same address.
            let right = timed(check(&logins, &fast, &password("plain", "kot2"), ADDR)).await;
            assert_eq!(right, (Some("plain".to_owned()), 0));
            let right = check(&logins, &users, &password("slow", "ma kota"), ADDR).await;
            assert_eq!(right.unwrap().name(), "slow");
        }
        let elsewhere = timed(check(&logins, &fast, &password("plain", "kot"), None)).await;
        assert_eq!(elsewhere, (None, 50));
    }

    #[tokio::test]
    async fn slow_hashes_are_checked_once_and_wrong_ones_always() {
        let (logins, users) = (Logins::default(), users());
        let (right, wrong) = (password("slow", "ma kota"), password("slow", "other"));
        check(&logins, &users, &right, ADDR).await.unwrap();
        for unknown in [&wrong, &password("eve", "ma kota")] {
            assert!(check(&logins, &users, unknown, ADDR).await.is_err());
        }
        // With its places taken, no hash is computed.
        let places = logins.at_once.clone().acquire_many_owned(2).await.unwrap();
        let at_once = |credential| check(&logins, &users, credential, ADDR).now_or_never();
        assert_eq!(at_once(&right).unwrap().unwrap().name(), "slow");
        assert!(at_once(&wrong).is_none());
        logins.policy_changed();
        assert!(at_once(&right).is_none());
        drop(places);
        check(&logins, &users, &right, ADDR).await.unwrap();
        // Another table has other secrets.
        let changed = Users::new([User::new("slow").secret("new"), User::new("x").secret(ARGON2ID)]).unwrap();
        assert!(check(&logins, &changed, &right, ADDR).await.is_err());
    }

    #[tokio::test]
    async fn two_at_once_and_a_queue_of_64() {
        let (logins, users) = (Logins::default(), users());
        let places = logins.at_once.clone().acquire_many_owned(2).await.unwrap();
        let right = password("slow", "ma kota");
        let logging_in = || Box::pin(check(&logins, &users, &right, ADDR));
        let mut waiting: Vec<_> = (0..AT_ONCE + WAITING).map(|_| logging_in()).collect();
        for login in &mut waiting {
            assert!(login.now_or_never().is_none());
        }
        let refused = logging_in().now_or_never().unwrap();
        assert!(refused.unwrap_err().must_close());
        // One that gives up makes room.
        waiting.pop();
        let mut another = logging_in();
        assert!((&mut another).now_or_never().is_none());
        drop(places);
        assert!(join_all(waiting).await.iter().all(Result::is_ok) && another.await.is_ok());
        assert_eq!(logins.at_once.available_permits(), AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_wrong_ones_wait_and_the_next_is_closed() {
        let logins = Logins::default();
        let users = Users::new([User::new("plain").secret("kot2")]).unwrap();
        let wrong = password("plain", "kot");
        let mut waiting: Vec<_> =
            (0..DELAYED).map(|_| Box::pin(check(&logins, &users, &wrong, ADDR))).collect();
        for login in &mut waiting {
            assert!(login.now_or_never().is_none());
        }
        let denied = check(&logins, &users, &wrong, ADDR).now_or_never().unwrap().unwrap_err();
        assert!(denied.must_close());
        let right = check(&logins, &users, &password("plain", "kot2"), ADDR).now_or_never().unwrap();
        assert_eq!(right.unwrap().name(), "plain");
        let (first, rest) = (waiting.remove(0), waiting);
        assert_eq!(timed(first).await, (None, 50));
        assert!(check(&logins, &users, &wrong, ADDR).now_or_never().is_none());
        let start = Instant::now();
        assert!(join_all(rest).await.iter().all(|outcome| !outcome.as_ref().unwrap_err().must_close()));
        assert!(start.elapsed() <= Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn the_third_wrong_one_of_a_connection_is_its_last() {
        let (logins, tries) = (Logins::default(), Tries::default());
        let users = Users::new([User::new("plain").secret("kot2")]).unwrap();
        let (wrong, right) = (password("plain", "kot"), password("plain", "kot2"));
        for must_close in [false, false, true] {
            assert!(logins.check(&users, &right, ADDR, &tries).await.is_ok());
            let denied = logins.check(&users, &wrong, ADDR, &tries).await.unwrap_err();
            assert_eq!(denied.must_close(), must_close);
        }
        // Not looked at, and not answered late: no more is to be learnt.
        for credential in [&wrong, &right] {
            let denied = logins.check(&users, credential, ADDR, &tries).now_or_never().unwrap();
            assert!(denied.unwrap_err().must_close());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_at_once_three_are_looked_at() {
        let (logins, tries) = (Logins::default(), Tries::default());
        let users = Users::new([User::new("plain").secret("kot2")]).unwrap();
        let wrong = password("plain", "kot");
        let mut guesses: Vec<_> =
            (0..256).map(|_| Box::pin(logins.check(&users, &wrong, ADDR, &tries))).collect();
        let refused = guesses.iter_mut().filter_map(|guess| guess.now_or_never());
        assert_eq!(refused.filter(|refused| refused.as_ref().unwrap_err().must_close()).count(), 253);
    }

    /// However many connections an address has, each guess waits, and connections run out of tries.
    #[tokio::test(start_paused = true)]
    async fn guesses_from_an_address_are_slow_and_right_logins_are_not() {
        const CONNECTIONS: usize = 100;
        const SECONDS: u64 = 60;
        let logins = Logins::default();
        let users = Users::new([User::new("plain").secret("kot2")]).unwrap();
        let wrong = password("plain", "kot");
        let guessed = std::cell::Cell::new(0);
        let guess = async || {
            loop {
                let tries = Tries::default();
                while !tries.are_used_up() {
                    let _ = logins.check(&users, &wrong, ADDR, &tries).await;
                    guessed.set(guessed.get() + 1);
                }
            }
        };
        let end = sleep(Duration::from_secs(SECONDS));
        tokio::select! {
            _ = join_all((0..CONNECTIONS).map(|_| guess())) => {}
            () = end => {}
        }
        // Two seconds each, but for the first few.
        let most = CONNECTIONS * (SECONDS as usize / 2 + 1);
        assert!((most / 2..=most).contains(&guessed.get()), "{}", guessed.get());
        let right = timed(check(&logins, &users, &password("plain", "kot2"), ADDR)).await;
        assert_eq!(right, (Some("plain".to_owned()), 0));
    }
}
