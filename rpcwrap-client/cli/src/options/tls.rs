//! The flags for TLS, named as curl and grpcurl name theirs, and what they mean to the client library.

use rpcwrap_client::TlsConfig;
use std::path::PathBuf;

/// Whether and how to use TLS.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct TlsOptions {
    /// Use TLS; the server's certificate has to be signed by a CA the system trusts, or one of --cacert
    #[arg(long, global = true)]
    pub(crate) tls: bool,

    /// PEM file of CAs to trust in place of the system's
    #[arg(long, global = true, requires = "tls", value_name = "FILE")]
    cacert: Option<PathBuf>,

    /// PEM file with a certificate to show to the server; needs --key
    #[arg(long, global = true, requires_all = ["tls", "key"], value_name = "FILE")]
    cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, global = true, requires_all = ["tls", "cert"], value_name = "FILE")]
    key: Option<PathBuf>,

    /// Name the server's certificate is for [default: the host of the address]
    #[arg(long, global = true, requires = "tls", value_name = "NAME")]
    servername: Option<String>,

    /// Take any certificate from the server: an attacker in between can read and change everything
    #[arg(long, global = true, requires = "tls", conflicts_with = "cacert")]
    tls_insecure: bool,
}

impl TlsOptions {
    /// Whether there is one to show to the server.
    pub(crate) fn has_certificate(&self) -> bool {
        self.cert.is_some()
    }

    /// What the client library is to do.
    pub(crate) fn config(&self) -> Option<TlsConfig> {
        if !self.tls {
            return None;
        }
        let mut config = TlsConfig::new();
        if let Some(file) = &self.cacert {
            config = config.ca_file(file);
        }
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            config = config.certificate_files(certificate, key);
        }
        if let Some(name) = &self.servername {
            config = config.server_name(name);
        }
        if self.tls_insecure {
            config = config.dangerous_accept_any_certificate();
        }
        Some(config)
    }
}
