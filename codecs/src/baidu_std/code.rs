//! bRPC's error codes. Any other number is the application's own and travels as it is.
//!
//! Source: bRPC `src/brpc/errno.proto`.

/// The service is unknown, and its name has no dot.
pub const ENOSERVICE: i32 = 1001;
/// The method is unknown, or a service whose name has a dot.
pub const ENOMETHOD: i32 = 1002;
/// The request is no good: its body, compression, checksum or attachment.
pub const EREQUEST: i32 = 1003;
/// The caller may not.
pub const ERPCAUTH: i32 = 1004;
/// A client's own: a second request was sent because the first took long.
pub const EBACKUPREQUEST: i32 = 1007;
/// The call did not finish in its time; most often a client's own.
pub const ERPCTIMEDOUT: i32 = 1008;
/// A client's own: the connection broke while the call was in flight.
pub const EFAILEDSOCKET: i32 = 1009;
/// A client's own: an HTTP status that is no success.
pub const EHTTP: i32 = 1010;
/// More replies wait unsent than the server keeps.
pub const EOVERCROWDED: i32 = 1011;
/// A stream has ended.
pub const EEOF: i32 = 1014;
/// The server failed: a panic, or an error without a code.
pub const EINTERNAL: i32 = 2001;
/// The reply cannot be encoded.
pub const ERESPONSE: i32 = 2002;
/// The server is going away.
pub const ELOGOFF: i32 = 2003;
/// As many calls run as are allowed.
pub const ELIMIT: i32 = 2004;
/// The connection was closed by its peer.
pub const ECLOSE: i32 = 2005;

/// The name of a code of bRPC's own; `None` for an application's.
pub fn name(code: i32) -> Option<&'static str> {
    Some(match code {
        ENOSERVICE => "ENOSERVICE",
        ENOMETHOD => "ENOMETHOD",
        EREQUEST => "EREQUEST",
        ERPCAUTH => "ERPCAUTH",
        EBACKUPREQUEST => "EBACKUPREQUEST",
        ERPCTIMEDOUT => "ERPCTIMEDOUT",
        EFAILEDSOCKET => "EFAILEDSOCKET",
        EHTTP => "EHTTP",
        EOVERCROWDED => "EOVERCROWDED",
        EEOF => "EEOF",
        EINTERNAL => "EINTERNAL",
        ERESPONSE => "ERESPONSE",
        ELOGOFF => "ELOGOFF",
        ELIMIT => "ELIMIT",
        ECLOSE => "ECLOSE",
        _ => return None,
    })
}
