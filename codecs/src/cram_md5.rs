//! CRAM-MD5: the login dialog before an authenticated connection, as pure functions.
//!
//! The server issues a [`challenge`], the client answers with a [`proof`] that it knows a secret, the server
//! [`verify`]s it. Randomness and time come in as arguments; who may log in, and what follows, is the caller's.
//! Source: RFC 2195; vitess `go/rpcwrap/auth`.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};

/// The one service of the dialog.
pub const SERVICE: &str = "AuthenticatorCRAMMD5";
/// Asks for a challenge: argument an empty text, reply [`Challenge`].
pub const GET_NEW_CHALLENGE: &str = "GetNewChallenge";
/// Answers it: argument [`Proof`], reply empty.
pub const AUTHENTICATE: &str = "Authenticate";
/// The error text of every failed login, the same for every cause.
pub const FAILED: &str = "authentication error: authentication failed";

/// The reply to [`GET_NEW_CHALLENGE`]: `{Challenge: string}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Challenge {
    /// What [`challenge`] made.
    pub challenge: String,
}

/// The argument of [`AUTHENTICATE`]: `{Proof: string}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Proof {
    /// What [`proof`] made.
    pub proof: String,
}

/// A challenge, `<random.unix_seconds@hostname>`; `random` must be unpredictable.
pub fn challenge(random: u32, unix_seconds: u64, hostname: &str) -> String {
    format!("<{random}.{unix_seconds}@{hostname}>")
}

/// The answer of `user`, who has `secret`: the name, a space and HMAC-MD5(secret, challenge) in lower-case hex.
///
/// ```
/// let proof = rpcwrap_codecs::cram_md5::proof("tim", "tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>");
/// assert_eq!(proof, "tim b913a602c7eda7a495b4e6e7334d3890");
/// ```
pub fn proof(user: &str, secret: &str, challenge: &str) -> String {
    format!("{user} {}", digest(secret, challenge))
}

/// The user a proof is valid for, given the challenge it answers and the secrets each user may have.
///
/// Takes the same time for a wrong digest as for an unknown user, and tries every secret of a known one. `None` for
/// every cause alike; also while no challenge has been issued (an empty one).
pub fn verify<'p, 's>(
    proof: &'p str,
    challenge: &str,
    secrets: impl FnOnce(&str) -> Option<&'s [String]>,
) -> Option<&'p str> {
    let unknown_user = [String::new()];
    let (user, claimed) = proof.split_once(' ')?;
    let known = secrets(user).filter(|secrets| !secrets.is_empty() && !challenge.is_empty());
    let matches = known.unwrap_or(&unknown_user).iter().fold(Choice::from(0), |matches, secret| {
        matches | digest(secret, challenge).as_bytes().ct_eq(claimed.as_bytes())
    });
    (bool::from(matches) && known.is_some()).then_some(user)
}

/// HMAC-MD5 in lower-case hex.
fn digest(secret: &str, challenge: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Md5>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(challenge.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Challenge, proof and user of every recorded successful login; the passwords are `ala`: `ma kota`, `kot2`; `ola`:
    /// `p`.
    const RECORDED: &str = include_str!("../testdata/cram_md5/logins.txt");

    fn lookup(user: &str) -> Option<Vec<String>> {
        match user {
            "ala" => Some(vec!["ma kota".into(), "kot2".into()]),
            "ola" => Some(vec!["p".into()]),
            "none" => Some(vec![]),
            _ => None,
        }
    }

    fn check(proof: &str, challenge: &str) -> Option<String> {
        let user = proof.split(' ').next().unwrap_or_default();
        let secrets = lookup(user);
        verify(proof, challenge, |_| secrets.as_deref()).map(str::to_owned)
    }

    #[test]
    fn recorded_logins() {
        let mut logins = 0;
        for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
            let (outcome, rest) = line.split_once('\t').unwrap();
            let (challenge, proof) = rest.split_once('\t').unwrap();
            let user = proof.split(' ').next().unwrap();
            let expected = (outcome == "ok").then(|| user.to_owned());
            assert_eq!(check(proof, challenge), expected, "{line}");
            logins += usize::from(outcome == "ok");
        }
        assert!(logins >= 3, "only {logins} successful logins recorded");
    }

    #[test]
    fn rfc_2195_example() {
        let challenge = challenge(1896, 697_170_952, "postoffice.reston.mci.net");
        assert_eq!(challenge, "<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(proof("tim", "tanstaaftanstaaf", &challenge), "tim b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn each_secret_of_a_user_is_good_and_nothing_else() {
        let challenge = "<1.2@h>";
        assert_eq!(check(&proof("ala", "ma kota", challenge), challenge).as_deref(), Some("ala"));
        assert_eq!(check(&proof("ala", "kot2", challenge), challenge).as_deref(), Some("ala"));
        let good = proof("ola", "p", challenge);
        let (user, hex) = good.split_once(' ').unwrap();
        for (bad, why) in [
            (proof("ola", "q", challenge), "wrong secret"),
            (proof("ala", "p", challenge), "another user's secret"),
            (proof("eve", "p", challenge), "unknown user"),
            (proof("eve", "", challenge), "unknown user with the stand-in secret"),
            (proof("none", "", challenge), "user without secrets"),
            (format!("{user} {}", hex.to_uppercase()), "upper-case hex"),
            (format!("{user}{hex}"), "no space"),
            (format!("{user}  {hex}"), "two spaces"),
            (format!("{good} "), "something behind"),
            (format!("{user} {}", &hex[..31]), "cut short"),
            (String::new(), "empty"),
            (" ".into(), "a space"),
        ] {
            assert_eq!(check(&bad, challenge), None, "{why}");
        }
        assert_eq!(check(&good, "<1.3@h>"), None, "another challenge");
        assert_eq!(check(&proof("ola", "p", ""), ""), None, "no challenge issued");
    }

    #[test]
    fn shapes() {
        let challenge = Challenge { challenge: "<1.2@h>".into() };
        assert_eq!(serde_json::to_string(&challenge).unwrap(), r#"{"Challenge":"<1.2@h>"}"#);
        assert_eq!(serde_json::from_str::<Proof>("{}").unwrap(), Proof::default());
    }
}
