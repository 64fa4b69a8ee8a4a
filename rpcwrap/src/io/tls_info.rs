//! What is known of a connection because of TLS: plain data, there with and without the feature `tls`.

/// What a TLS handshake has established.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The protocol both sides agreed on (ALPN), such as `h2`; it decides which protocols the connection may be.
    pub alpn: Option<String>,
    /// The name the client asked for (SNI).
    pub server_name: Option<String>,
    /// The name in the client's certificate, which has been verified: its common name or, without one, its first
    /// e-mail address, DNS name or URI. `None` for a client without certificate.
    pub client_name: Option<String>,
}
