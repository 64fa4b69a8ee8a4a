//! What the program runs with: flags over the file over defaults, key by key, and what is wrong with the two together.

use crate::{
    address,
    args::{Args, LogFormat, Policy},
    config_file::{ConfigFile, Needed, Places},
    fault::{Fault, Faults},
    log,
};
use rpcwrap::{ClientAuth, Config, ProxyProtocol, TlsConfig, TlsPolicy};
use std::{collections::HashSet, fmt, path::PathBuf};

/// Where the program serves if nothing says where.
const DEFAULT_ADDR: &str = "127.0.0.1:7070";

/// The merged settings.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Addresses as `Server::listen` takes them; empty only where there are others, or inherited sockets.
    pub(crate) listen: Vec<String>,
    /// Addresses and the protocols each is for, as `Server::listen_only` takes them.
    pub(crate) listen_only: Vec<(String, Vec<String>)>,
    pub(crate) http_rpc_listen: Vec<String>,
    /// Addresses for pages and admin operations only.
    pub(crate) admin_listen: Vec<String>,
    pub(crate) auth_credentials: Option<PathBuf>,
    pub(crate) require_login: bool,
    /// TLS on every address.
    pub(crate) tls: Option<TlsConfig>,
    /// Whether the commands to paste have to use it.
    pub(crate) tls_required: bool,
    /// Whose PROXY headers count.
    pub(crate) proxies: Option<ProxyProtocol>,
    pub(crate) log_format: LogFormat,
    /// The file's log filter.
    pub(crate) log: Option<String>,
    pub(crate) config: Config,
    /// The file all this came from, to be read again, and what it said.
    pub(crate) config_file: Option<(PathBuf, ConfigFile)>,
    /// Where each setting was given.
    pub(crate) origins: Origins,
    /// Settings that do not go together, though a server can do with them.
    pub(crate) warnings: Vec<Fault>,
}

impl Settings {
    /// Reads the file the flags name, if any, and merges the two. `inherited` says that there are listening sockets
    /// already: then the default address is none.
    ///
    /// # Errors
    /// The file's, or else everything that makes no sense in the two together.
    pub(crate) fn load(args: Args, inherited: bool) -> Result<Self, Faults> {
        let file = args.config.as_deref().map(ConfigFile::read).transpose()?.unwrap_or_default();
        Self::merge(args, file, inherited)
    }

    fn merge(args: Args, mut file: ConfigFile, inherited: bool) -> Result<Self, Faults> {
        let config = file.limits.clone();
        let config_file = args.config.clone().map(|path| (path, file.clone()));
        let origins = Origins { flags: args.given(), places: std::mem::take(&mut file.places) };
        let mut faults = Vec::new();
        let tls = tls(&args, &file, &origins).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let tls_required = tls.is_some() && args.tls.or(file.tls).unwrap_or_default() == Policy::Require;
        let proxies_from = given(args.proxy_protocol_from, file.proxy_protocol_from);
        let proxies = proxies(&proxies_from, file.proxy_protocol, &origins, &mut faults);
        if let Err((source, why)) = log::read(file.log.as_deref()) {
            // Of the environment's variable no file says anything.
            faults.push(origins.fault(source, why));
        }

        let listen = given(args.listen, file.listen);
        let unix = given(args.unix, file.unix);
        let unix: Vec<String> = unix.into_iter().map(|path| format!("unix:{}", path.display())).collect();
        let listen_only: Vec<_> =
            given(args.listen_only, file.listen_only).iter().map(|text| some(text)).collect();
        let http_rpc_listen = given(args.http_rpc_listen, file.http_rpc_listen);
        let admin_listen = given(args.admin_listen, file.admin_listen);
        let mut taken = HashSet::new();
        let only: Vec<String> = listen_only.iter().map(|(addr, _)| addr.clone()).collect();
        for (key, addrs) in [
            ("listen", &listen),
            ("unix", &unix),
            ("listen_only", &only),
            ("http_rpc_listen", &http_rpc_listen),
            ("admin_listen", &admin_listen),
        ] {
            for (index, addr) in addrs.iter().enumerate() {
                if let Err(why) = address::check(addr, &mut taken) {
                    faults.push(origins.fault_in(key, index, why));
                }
            }
        }
        Faults::unless_none(faults)?;

        let mut listen: Vec<String> = listen.into_iter().chain(unix).collect();
        if listen.is_empty() && listen_only.is_empty() && !inherited {
            listen.push(DEFAULT_ADDR.to_owned());
        }
        let mut settings = Self {
            listen,
            listen_only,
            http_rpc_listen,
            admin_listen,
            auth_credentials: args.auth_credentials.or(file.auth_credentials),
            require_login: args.require_login || file.require_login,
            tls,
            tls_required,
            proxies,
            log_format: args.log_format.or(file.log_format).unwrap_or_default(),
            log: file.log,
            config,
            config_file,
            origins,
            warnings: Vec::new(),
        };
        settings.warnings = crate::warnings::of(&settings, file.tls_client_is_user);
        Ok(settings)
    }
}

/// Where each setting was given.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    flags: Vec<&'static str>,
    places: Places,
}

impl Origins {
    /// Whether flags or file say it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.flags.contains(&key) || self.places.has(key)
    }

    /// What is wrong with a setting.
    pub(crate) fn fault(&self, key: &str, what: impl fmt::Display) -> Fault {
        self.at(key, None, what)
    }

    /// What is wrong with one thing in a list.
    pub(crate) fn fault_in(&self, key: &str, index: usize, what: impl fmt::Display) -> Fault {
        self.at(key, Some(index), what)
    }

    fn at(&self, key: &str, element: Option<usize>, what: impl fmt::Display) -> Fault {
        if self.flags.contains(&key) {
            return Fault::new(None, format_args!("--{}: {what}", key.replace('_', "-")));
        }
        Fault::new(self.places.of(key, element), format_args!("{key}: {what}"))
    }
}

/// TLS, if there is a certificate.
fn tls(args: &Args, file: &ConfigFile, origins: &Origins) -> Result<Option<TlsConfig>, Fault> {
    let certificate = args.tls_cert.as_ref().or(file.tls_cert.as_ref());
    let key = args.tls_key.as_ref().or(file.tls_key.as_ref());
    let client_ca = args.tls_client_ca.as_ref().or(file.tls_client_ca.as_ref());
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(origins.fault("tls_cert", "needs tls_key")),
        (None, Some(_)) => return Err(origins.fault("tls_key", "needs tls_cert")),
        (None, None) if client_ca.is_some() => {
            return Err(origins.fault("tls_client_ca", "needs tls_cert and tls_key"));
        }
        (None, None) if args.tls.or(file.tls).is_some() => {
            return Err(origins.fault("tls", "needs tls_cert and tls_key"));
        }
        (None, None) => return Ok(None),
    };
    let policy = match args.tls.or(file.tls).unwrap_or_default() {
        Policy::Require => TlsPolicy::Require,
        Policy::Allow => TlsPolicy::Allow,
    };
    let mut tls = TlsConfig::from_files(certificate, key).policy(policy);
    if let Some(client_ca) = client_ca {
        tls = tls.client_ca_file(client_ca);
    }
    if file.tls_client_auth == Some(Needed::Optional) {
        tls = tls.client_auth(ClientAuth::Optional);
    }
    if file.tls_client_is_user {
        tls = tls.user_from_certificate(|name| Some(name.to_owned()));
    }
    Ok(Some(tls))
}

/// The proxies in front, if there are any.
fn proxies(
    from: &[String],
    needed: Option<Needed>,
    origins: &Origins,
    faults: &mut Vec<Fault>,
) -> Option<ProxyProtocol> {
    const KEY: &str = "proxy_protocol_from";
    if from.is_empty() {
        return None;
    }
    for (index, network) in from.iter().enumerate() {
        if let Err(error) = ProxyProtocol::from_peers([network]) {
            faults.push(origins.fault_in(KEY, index, error));
        }
    }
    // What is wrong with one of them has been said.
    let proxies = ProxyProtocol::from_peers(from).ok()?;
    Some(if needed == Some(Needed::Optional) { proxies.optional() } else { proxies })
}

/// The flag's list, or the file's if the flag was not given.
fn given<T>(flag: Vec<T>, file: Vec<T>) -> Vec<T> {
    if flag.is_empty() { file } else { flag }
}

/// `127.0.0.1:7072=http,go_rpc` → the address and the protocols. Without names there are none, which the server says.
fn some(text: &str) -> (String, Vec<String>) {
    let (addr, names) = text.rsplit_once('=').unwrap_or((text, ""));
    (addr.to_owned(), names.split(',').map(|name| name.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::path::Path;

    fn merged(flags: &str, file: &str) -> Settings {
        let args = Args::parse_from(std::iter::once("rpcwrapd").chain(flags.split_whitespace()));
        Settings::merge(args, ConfigFile::parse(Path::new("f"), file).unwrap(), false).unwrap()
    }

    fn refusal(flags: &str, file: &str) -> String {
        let args = Args::parse_from(std::iter::once("rpcwrapd").chain(flags.split_whitespace()));
        Settings::merge(args, ConfigFile::parse(Path::new("f"), file).unwrap(), false)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn nothing_means_the_default_address() {
        let settings = merged("", "");
        assert_eq!(settings.listen, [DEFAULT_ADDR]);
        assert_eq!((settings.log_format, settings.config), (LogFormat::Text, Config::default()));
    }

    #[test]
    fn inherited_sockets_take_the_place_of_the_default_address() {
        let args = |flags: &'static [&str]| Args::parse_from([&["rpcwrapd"], flags].concat());
        let settings = Settings::merge(args(&[]), ConfigFile::default(), true).unwrap();
        assert!(settings.listen.is_empty());
        let settings = Settings::merge(args(&["--listen", "a:1"]), ConfigFile::default(), true).unwrap();
        assert_eq!(settings.listen, ["a:1"]);
    }

    #[test]
    fn flags_win_key_by_key() {
        let file = r#"
            listen = ["a:1", "b:2"]
            unix = ["/s"]
            http_rpc_listen = ["c:3"]
            auth_credentials = "users"
            log_format = "json"
            log = "debug"
            max_depth = 7
        "#;
        let settings = merged("", file);
        assert_eq!(settings.listen, ["a:1", "b:2", "unix:/s"]);
        assert_eq!(settings.http_rpc_listen, ["c:3"]);
        assert_eq!(settings.auth_credentials, Some("users".into()));
        assert_eq!((settings.log_format, settings.log.as_deref()), (LogFormat::Json, Some("debug")));

        let flags = "--listen d:4 --http-rpc-listen e:5 --auth-credentials others --log-format text";
        let settings = merged(flags, file);
        assert_eq!(settings.listen, ["d:4", "unix:/s"]);
        assert_eq!(settings.http_rpc_listen, ["e:5"]);
        assert_eq!(settings.auth_credentials, Some("others".into()));
        assert_eq!((settings.log_format, settings.config.max_depth), (LogFormat::Text, 7));
    }

    #[test]
    fn an_address_for_some_protocols() {
        let settings = merged("--listen-only unix:/a=b=http,go_rpc --require-login", "");
        let names = vec!["http".to_owned(), "go_rpc".to_owned()];
        assert_eq!(settings.listen_only, [("unix:/a=b".to_owned(), names)]);
        assert!(settings.listen.is_empty() && settings.require_login);
        assert_eq!(
            merged("", "listen_only = [\"a:1\"]").listen_only,
            [("a:1".to_owned(), vec![String::new()])]
        );
    }

    #[test]
    fn every_fault_is_told_where_it_was_made() {
        let file = "listen = [\"a:1\", \"b\"]\nunix = [\"\"]\nlog = \"=\"\nhttp_rpc_listen = [\"a:1\"]\n";
        let refused = refusal("--listen-only c=http --proxy-protocol-from x", file);
        let expected = [
            "--proxy-protocol-from: bad network \"x\"",
            "f:3:7: log: \"=\" is no log filter",
            "f:1:18: listen: \"b\" is no address",
            "f:2:9: unix: ",
            "--listen-only: \"c\" is no address",
            "f:4:20: http_rpc_listen: a:1 is there twice",
        ];
        let lines: Vec<&str> = refused.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{refused}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{refused}");
        }
    }

    #[test]
    fn a_unix_socket_alone_is_enough() {
        assert_eq!(merged("--unix /s", "").listen, ["unix:/s"]);
    }

    #[test]
    fn tls_of_flags_and_file_together() {
        let settings = merged("--tls-key k", "tls_cert = \"c\"");
        assert!(settings.tls.is_some() && settings.tls_required);
        assert!(!merged("--tls allow", "tls_cert = \"c\"\ntls_key = \"k\"").tls_required);
        assert!(!merged("", "").tls_required);
        for (flags, file, error) in [
            ("--tls-cert c", "", "--tls-cert: needs tls_key"),
            ("", "tls_key = \"k\"", "f:1:11: tls_key: needs tls_cert"),
            ("--tls require", "", "--tls: needs tls_cert and tls_key"),
            ("--tls-client-ca ca", "", "--tls-client-ca: needs tls_cert and tls_key"),
        ] {
            assert_eq!(refusal(flags, file), error);
        }
    }

    #[test]
    fn proxies_in_front() {
        let file = "proxy_protocol_from = [\"10.0.0.0/8\", \"unix\"]";
        let expected = ProxyProtocol::from_peers(["10.0.0.0/8", "unix"]).unwrap();
        assert_eq!(merged("", file).proxies.as_ref(), Some(&expected));
        let optional = format!("{file}\nproxy_protocol = \"optional\"");
        assert_eq!(merged("", &optional).proxies, Some(expected.optional()));
        let flag = merged("--proxy-protocol-from ::1", file).proxies;
        assert_eq!(flag, Some(ProxyProtocol::from_peers(["::1"]).unwrap()));
        let refused = refusal("--proxy-protocol-from 10.0.0.0/40", "");
        assert!(refused.starts_with("--proxy-protocol-from: bad network \"10.0.0.0/40\""), "{refused}");
        let refused = refusal("", "proxy_protocol_from = [\"::1\", \"a\", \"b\"]");
        let starts: Vec<&str> = refused.lines().map(|line| &line[..9]).collect();
        assert_eq!(starts, ["f:1:31: p", "f:1:36: p"], "{refused}");
    }
}
