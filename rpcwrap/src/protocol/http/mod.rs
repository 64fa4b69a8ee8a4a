//! Stub.
use super::*;
/// A mounted service.
#[derive(Debug)]
pub struct Mount;
pub(crate) struct Http;
impl Http {
    pub(crate) fn new(_m: Option<Mount>) -> Self {
        Self
    }
}
impl Protocol for Http {
    fn name(&self) -> &'static str {
        "http"
    }
    fn class(&self) -> Class {
        Class::Grammar
    }
    fn sniff(&self, _: &[u8]) -> Sniff {
        Sniff::Yes
    }
    fn serve(self: Arc<Self>, _: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async { Ok(Served::Closed) })
    }
}
