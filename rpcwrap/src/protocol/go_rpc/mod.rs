//! Stub.
use super::*;
pub(crate) struct GoRpc;
impl GoRpc {
    pub(crate) const NAME: &'static str = "go_rpc";
    pub(crate) fn new(_c: Arc<[AnyCodec]>, _a: bool) -> Self {
        Self
    }
}
impl Protocol for GoRpc {
    fn name(&self) -> &'static str {
        Self::NAME
    }
    fn sniff(&self, _: &[u8]) -> Sniff {
        Sniff::No
    }
    fn serve(self: Arc<Self>, _: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async { Ok(Served::Closed) })
    }
}
