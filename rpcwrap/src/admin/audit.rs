//! One line of log for every change that was asked for: by which user, from where, and what became of it.

use super::{Actor, Done, Refused};
use codecs::LogText;

const TARGET: &str = "rpcwrap::audit";
/// Bytes of the details of a change, and of its outcome, which name all that was changed.
const TEXT: usize = 1 << 10;

/// A change that is being made; says so in the end, whatever the end is.
pub(super) struct Audit<'a> {
    actor: &'a Actor<'a>,
    operation: &'static str,
    details: String,
    is_over: bool,
}

impl<'a> Audit<'a> {
    pub(super) fn new(actor: &'a Actor<'a>, operation: &'static str, details: String) -> Self {
        Self { actor, operation, details, is_over: false }
    }

    /// Before the change of what decides whether the line after it is kept.
    pub(super) fn begin(&self) {
        self.write("begun");
    }

    pub(super) fn end(mut self, outcome: Result<&Done, &Refused>) {
        self.is_over = true;
        match outcome {
            Ok(Done::Said(text)) => self.write(&format!("done: {text}")),
            Ok(Done::Changed { generation }) => self.write(&format!("done: generation {generation}")),
            Ok(Done::Killed { connections, calls }) => {
                self.write(&format!("done: {connections} connections, {calls} calls"));
            }
            Ok(_) => self.write("done"),
            Err(Refused::Failed(why)) => self.write(&format!("failed: {why}")),
            Err(refused) => self.write(&format!("refused: {refused}")),
        }
    }

    /// What a peer has sent is written with quotes, escaped and bounded: it cannot pass for a line of its own.
    fn write(&self, outcome: &str) {
        let Self { actor, operation, details, .. } = self;
        let user = LogText::new(actor.user.map(|user| user.name()).unwrap_or_default());
        let details = LogText::new(details).up_to(TEXT);
        let outcome = LogText::new(outcome).up_to(TEXT);
        tracing::info!(target: TARGET, ?user, peer = %actor.peer, operation, ?details, ?outcome, "admin operation");
    }
}

impl Drop for Audit<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.write("left by its caller before it was done");
        }
    }
}

/// Notes the refusal of a change that came to no [`Operation`](super::Operation).
pub(crate) fn refuse(actor: &Actor<'_>, operation: &'static str, why: Refused) -> Refused {
    Audit::new(actor, operation, String::new()).end(Err(&why));
    why
}
