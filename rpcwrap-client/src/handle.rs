//! The owner of a connection's task: what clients and streams hold, and whose last clone ends the connection.

use crate::{connection::Connection, duplex::Duplex, shared::Shared};
use bytes::BytesMut;
use std::{fmt, sync::Arc};
use tokio::task::AbortHandle;

/// Cheap to clone; dropping the last clone closes the connection.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Task>);

struct Task {
    shared: Arc<Shared>,
    abort: AbortHandle,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Handle {
    /// Starts the connection's task; `input` has been read from the stream already.
    pub(crate) fn start(stream: impl Duplex + Send + 'static, input: BytesMut, shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let task = tokio::spawn(Connection::new(stream, input, shared.clone()).run());
        Self(Arc::new(Task { shared, abort: task.abort_handle() }))
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("in_flight", &self.shared().in_flight())
            .field("is_closed", &self.shared().is_closed())
            .finish()
    }
}
