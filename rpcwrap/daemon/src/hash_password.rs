//! `rpcwrapd hash-password`: makes of a password what a credentials file keeps in its place.

use clap::Args;
use rpcwrap::Verifier;
use serde_json::json;
use std::{
    error::Error,
    io::{self, BufRead, IsTerminal, Write},
};

/// Print what a credentials file keeps in the place of a password
///
/// Reads one line from stdin, the password; a terminal shows what is typed. Prints a JSON list of entries, or with USER
/// a whole file. Without a flag the entry is argon2id. A list is as safe as its fastest hash: with a stolen argon2id or
/// scrypt entry each guess at the password costs tens of milliseconds, with the others next to nothing, and with a
/// cram-md5 entry CRAM-MD5 lets the thief in without a guess.
#[derive(Debug, Default, Clone, PartialEq, Eq, Args)]
pub(crate) struct HashPassword {
    /// User to print a whole file for
    user: Option<String>,

    /// argon2id: password logins
    #[arg(long)]
    argon2id: bool,

    /// scrypt: password logins
    #[arg(long)]
    scrypt: bool,

    /// The key of HMAC-MD5: CRAM-MD5 on the /auth paths, and password logins
    #[arg(long)]
    cram_md5: bool,

    /// The double hashes of mysql_native_password and caching_sha2_password: those, and password logins
    #[arg(long)]
    mysql: bool,

    /// argon2id, cram-md5 and mysql
    #[arg(long, conflicts_with_all = ["argon2id", "scrypt", "cram_md5", "mysql"])]
    all: bool,
}

impl HashPassword {
    /// Reads the password and prints its entries.
    ///
    /// # Errors
    /// There is no password, or no way to read it, hash it or print it.
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        if io::stdin().is_terminal() {
            io::stderr().write_all(b"password: ")?;
        }
        let password = first_line(&mut io::stdin().lock())?;
        let entries: Vec<String> = self
            .verifiers()
            .into_iter()
            .map(|verifier| verifier.entry(&password))
            .collect::<Result<_, _>>()?;
        io::stdout().write_all(self.shown(&entries).as_bytes())?;
        Ok(())
    }

    fn verifiers(&self) -> Vec<Verifier> {
        let none = !(self.argon2id || self.scrypt || self.cram_md5 || self.mysql);
        [
            (none || self.argon2id, Verifier::Argon2id),
            (self.scrypt, Verifier::Scrypt),
            (self.all || self.cram_md5, Verifier::CramMd5),
            (self.all || self.mysql, Verifier::MysqlNative),
            (self.all || self.mysql, Verifier::CachingSha2),
        ]
        .into_iter()
        .filter_map(|(wanted, verifier)| wanted.then_some(verifier))
        .collect()
    }

    /// JSON, one entry a line.
    fn shown(&self, entries: &[String]) -> String {
        let json = match &self.user {
            None => json!(entries),
            Some(user) => json!({ user: entries }),
        };
        format!("{json:#}\n")
    }
}

fn first_line(from: &mut impl BufRead) -> Result<String, Box<dyn Error>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let password = line.strip_suffix('\n').map_or(&*line, |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() {
        return Err("no password: want one line on stdin".into());
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line() {
        for (input, expected) in [
            ("ma kota\n", Some("ma kota")),
            ("ma kota\r\nmore", Some("ma kota")),
            (" p ", Some(" p ")),
            ("", None),
            ("\n", None),
            ("\r\np", None),
        ] {
            assert_eq!(first_line(&mut input.as_bytes()).ok().as_deref(), expected, "{input:?}");
        }
        assert!(first_line(&mut &b"\xff\n"[..]).is_err());
    }

    #[test]
    fn what_is_printed_is_json() {
        let entries = ["a".to_owned(), "b".to_owned()];
        let none = HashPassword::default();
        assert_eq!(none.shown(&entries), "[\n  \"a\",\n  \"b\"\n]\n");
        let user = HashPassword { user: Some("a\"la".to_owned()), ..none };
        let file: serde_json::Value = serde_json::from_str(&user.shown(&entries)).unwrap();
        assert_eq!(file, serde_json::json!({"a\"la": ["a", "b"]}));
    }
}
