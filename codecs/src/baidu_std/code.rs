//! bRPC's error codes. Any other number is the application's own and travels as it is.
//!
//! Source: bRPC `src/brpc/errno.proto`.

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $number:literal;)+) => {
        $($(#[$doc])* pub const $code: i32 = $number;)+

        /// The name of a code of bRPC's own; `None` for an application's.
        pub fn name(code: i32) -> Option<&'static str> {
            Some(match code {
                $($code => stringify!($code),)+
                _ => return None,
            })
        }
    };
}

codes! {
    /// The service is unknown, and its name has no dot.
    ENOSERVICE = 1001;
    /// The method is unknown, or a service whose name has a dot.
    ENOMETHOD = 1002;
    /// The request is no good: its body, compression, checksum or attachment.
    EREQUEST = 1003;
    /// The caller may not.
    ERPCAUTH = 1004;
    /// A client's own: a second request was sent because the first took long.
    EBACKUPREQUEST = 1007;
    /// The call did not finish in its time; most often a client's own.
    ERPCTIMEDOUT = 1008;
    /// A client's own: the connection broke while the call was in flight.
    EFAILEDSOCKET = 1009;
    /// A client's own: an HTTP status that is no success.
    EHTTP = 1010;
    /// More replies wait unsent than the server keeps.
    EOVERCROWDED = 1011;
    /// A stream has ended.
    EEOF = 1014;
    /// The server failed: a panic, or an error without a code.
    EINTERNAL = 2001;
    /// The reply cannot be encoded.
    ERESPONSE = 2002;
    /// The server is going away.
    ELOGOFF = 2003;
    /// As many calls run as are allowed.
    ELIMIT = 2004;
    /// The connection was closed by its peer.
    ECLOSE = 2005;
}
