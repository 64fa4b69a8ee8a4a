//! Permits: how many connections may be open.
//!
//! A permit is given back when it is dropped, whatever way its connection ended.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// Counts open connections and lets one wait for the last to go.
#[derive(Debug)]
pub(crate) struct Connections {
    limit: usize,
    open: AtomicUsize,
    gone: Notify,
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, open: AtomicUsize::new(0), gone: Notify::new() })
    }

    /// Takes a permit, or `None` if the limit is reached.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<ConnectionPermit> {
        let admitted = self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
            (open < self.limit).then_some(open + 1)
        });
        admitted.is_ok().then(|| ConnectionPermit(self.clone()))
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Waits until no connection is open.
    pub(crate) async fn all_gone(&self) {
        loop {
            let gone = self.gone.notified();
            let mut gone = std::pin::pin!(gone);
            gone.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            gone.await;
        }
    }
}

/// The right to be one of the open connections.
#[derive(Debug)]
pub(crate) struct ConnectionPermit(Arc<Connections>);

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.gone.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn permits_come_back_when_dropped() {
        let connections = Connections::new(2);
        let (one, two) = (connections.admit(), connections.admit());
        assert!(one.is_some() && two.is_some() && connections.admit().is_none());
        drop(one);
        assert_eq!(connections.open(), 1);
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.all_gone().await }
        });
        drop(two);
        tokio::time::timeout(std::time::Duration::from_secs(5), waiting).await.unwrap().unwrap();
        assert!(connections.admit().is_some());
    }
}
