//! Settings that a server can do with, but which have no effect or stand in each other's way.

use crate::{fault::Fault, settings::Settings};
use rpcwrap::OpeningClock;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// What there is to say of these; `is_user` is whether the name in a client's certificate is its user.
pub(crate) fn of(settings: &Settings, is_user: bool) -> Vec<Fault> {
    let (config, origins) = (&settings.config, &settings.origins);
    let has = |key| origins.has(key);
    let readable = settings.auth_credentials.as_deref().and_then(mode_for_all);
    let without_ca = "without tls_client_ca no client is asked for a certificate";
    [
        (
            "auth_credentials",
            readable.is_some(),
            format!("mode {:04o}: others can read the file", readable.unwrap_or_default()),
        ),
        ("tls_client_auth", has("tls_client_auth") && !has("tls_client_ca"), without_ca.to_owned()),
        ("tls_client_is_user", is_user && !has("tls_client_ca"), without_ca.to_owned()),
        (
            "proxy_protocol",
            has("proxy_protocol") && settings.proxies.is_none(),
            "without proxy_protocol_from no header is read".to_owned(),
        ),
        (
            "max_connection_age_grace",
            has("max_connection_age_grace") && config.max_connection_age.is_none(),
            "without max_connection_age no connection comes to it".to_owned(),
        ),
        (
            "first_byte_timeout",
            has("first_byte_timeout") && config.first_byte_clock == OpeningClock::Off,
            "does not count with first_byte_clock = \"off\"".to_owned(),
        ),
        (
            "lame_duck",
            !config.lame_duck.is_zero() && config.lame_duck >= config.drain_timeout,
            format!(
                "{:?} leaves no time to drain within drain_timeout, {:?}: calls will be cut",
                config.lame_duck, config.drain_timeout
            ),
        ),
        (
            "max_in_flight",
            has("max_in_flight") && config.max_in_flight > config.max_calls,
            format!(
                "{} per connection is never reached with max_calls = {}",
                config.max_in_flight, config.max_calls
            ),
        ),
    ]
    .into_iter()
    .filter(|(_, is_so, _)| *is_so)
    .map(|(key, _, what)| origins.fault(key, format_args!("warning: {what}")))
    .collect()
}

/// The mode of a file that others than its owner and its group can read.
fn mode_for_all(file: &Path) -> Option<u32> {
    // A file that is not there is a fault, and said as one.
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o7777;
    (mode & 0o004 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;

    fn warned(file: &str) -> Vec<String> {
        let test = std::thread::current().name().unwrap().replace(':', "-");
        let path = std::env::temp_dir().join(format!("{test}-{}.toml", std::process::id()));
        fs::write(&path, file).unwrap();
        let args = Args { config: Some(path.clone()), ..Args::default() };
        let settings = Settings::load(args, false).unwrap();
        fs::remove_file(&path).unwrap();
        let file = format!("{}:", path.display());
        settings.warnings.iter().map(|warning| warning.to_string().replace(&file, "")).collect()
    }

    #[test]
    fn credentials_that_others_can_read() {
        let path = std::env::temp_dir().join(format!("rpcwrapd-warnings-{}.json", std::process::id()));
        fs::write(&path, "{}").unwrap();
        for (mode, expected) in [
            (0o600, None),
            (0o640, None),
            (0o644, Some("auth_credentials: warning: mode 0644: others can read the file")),
            (0o604, Some("auth_credentials: warning: mode 0604: others can read the file")),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let warned = warned(&format!("auth_credentials = {path:?}"));
            let told = warned.first().map(|line| line.split_once(' ').unwrap().1);
            assert_eq!((told, warned.len()), (expected, usize::from(expected.is_some())), "{warned:?}");
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_does_not_go_together() {
        for (file, expected) in [
            ("", vec![]),
            ("lame_duck = \"0s\"\ndrain_timeout = \"0s\"", vec![]),
            ("tls_client_is_user = false", vec![]),
            (
                "tls_client_auth = \"optional\"\ntls_client_is_user = true",
                vec![
                    "1:19: tls_client_auth: warning: without tls_client_ca",
                    "2:22: tls_client_is_user: warning: ",
                ],
            ),
            ("proxy_protocol = \"optional\"", vec!["1:18: proxy_protocol: warning: without"]),
            ("max_connection_age_grace = \"1s\"", vec!["1:28: max_connection_age_grace: warning: "]),
            ("max_connection_age_grace = \"1s\"\nmax_connection_age = \"1h\"", vec![]),
            (
                "first_byte_timeout = \"1s\"\nfirst_byte_clock = \"off\"",
                vec!["1:22: first_byte_timeout: warning: does not count"],
            ),
            ("drain_timeout = \"5s\"", vec!["lame_duck: warning: 5s leaves no time to drain within"]),
            ("max_calls = 9", vec![]),
            ("max_calls = 9\nmax_in_flight = 10", vec!["2:17: max_in_flight: warning: 10 per connection"]),
        ] {
            let warned = warned(file);
            let fits = warned.iter().zip(&expected).all(|(line, start)| line.starts_with(start));
            assert!(fits && warned.len() == expected.len(), "{file}: {warned:?}");
        }
    }
}
