//! The login dialog of the `/auth` paths: at most two requests, then the connection is the user's or closed.
//!
//! A state machine over requests; reading, writing and the time limit are the protocol's. Source: vitess
//! `go/rpcwrap/auth/cram_md5.go`.

use super::{Credential, Denied, Identity};
use crate::error::CallError;
use codecs::{
    Args,
    cram_md5::{self, AUTHENTICATE, Challenge, GET_NEW_CHALLENGE, Proof, SERVICE},
    types::Text,
};
use std::{
    fs,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

/// Requests one dialog may hold.
const REQUESTS: u8 = 2;

static HOSTNAME: LazyLock<String> = LazyLock::new(|| {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
});

/// One dialog, from the first request to its end.
#[derive(Debug, Default)]
pub(crate) struct Dialog {
    challenge: String,
    served: u8,
}

/// What one request of the dialog asks for.
#[derive(Debug)]
pub(crate) enum LoginStep {
    /// To check a proof, as a [`credential`](Dialog::credential), and to [`judge`](Dialog::judge) by it.
    Check(Proof),
    /// Nothing that is not said already.
    Answered(Answer),
    /// For something else than to log in: not before that, so the connection is closed.
    Other,
}

/// What to say to one request of the dialog.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Here is a challenge.
    Challenge(Challenge),
    /// Welcome: the empty reply, and the connection is this user's.
    Welcome(Identity),
    /// No; the connection stays for another try.
    Again(CallError),
    /// No, and the connection is closed.
    Never(CallError),
}

impl Dialog {
    /// Whether the peer has used up its requests.
    pub(crate) fn is_over(&self) -> bool {
        self.served >= REQUESTS
    }

    /// Takes one request.
    pub(crate) fn ask(&mut self, name: &[u8], args: Args<'_>) -> LoginStep {
        self.served += 1;
        LoginStep::Answered(
            match name.strip_prefix(SERVICE.as_bytes()).and_then(|rest| rest.strip_prefix(b".")) {
                Some(method) if method == GET_NEW_CHALLENGE.as_bytes() => match args.decode::<Text>() {
                    Ok(_) => self.issue(),
                    Err(error) => Answer::Never(CallError::BadArguments(error)),
                },
                Some(method) if method == AUTHENTICATE.as_bytes() => match args.decode::<Proof>() {
                    Ok(proof) => return LoginStep::Check(proof),
                    Err(error) => Answer::Never(CallError::BadArguments(error)),
                },
                _ => return LoginStep::Other,
            },
        )
    }

    /// A proof and the challenge it has to answer.
    pub(crate) fn credential<'a>(&'a self, proof: &'a Proof) -> Credential<'a> {
        Credential::CramMd5 { challenge: &self.challenge, proof: &proof.proof }
    }

    /// What to say now that the proof has been checked.
    pub(crate) fn judge(&self, checked: Result<Identity, Denied>) -> Answer {
        match checked {
            Ok(identity) => Answer::Welcome(identity),
            Err(denied) if denied.must_close() || self.is_over() => {
                Answer::Never(CallError::Failed(cram_md5::FAILED.into()))
            }
            Err(_) => Answer::Again(CallError::Failed(cram_md5::FAILED.into())),
        }
    }

    fn issue(&mut self) -> Answer {
        // A fresh RandomState hashes with keys that no peer can know: what comes out cannot be foreseen.
        let random = RandomState::new().hash_one(self.served) as u32;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.challenge = cram_md5::challenge(random, seconds, &HOSTNAME);
        Answer::Challenge(Challenge { challenge: self.challenge.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credentials;

    fn ask(dialog: &mut Dialog, method: &str, json: &str) -> Answer {
        let users = Credentials::new([("ala", ["ma kota", "kot2"])]);
        match dialog.ask(format!("{SERVICE}.{method}").as_bytes(), Args::JsonValue(json.as_bytes())) {
            LoginStep::Check(proof) => dialog.judge(users.verify(&dialog.credential(&proof))),
            LoginStep::Answered(answer) => answer,
            LoginStep::Other => panic!("{method} is of the dialog"),
        }
    }

    fn challenge_of(answer: Answer) -> String {
        match answer {
            Answer::Challenge(challenge) => challenge.challenge,
            other => panic!("no challenge but {other:?}"),
        }
    }

    #[test]
    fn either_secret_opens_and_a_wrong_one_does_not() {
        for (secret, opens) in [("ma kota", true), ("kot2", true), ("kot", false)] {
            let mut dialog = Dialog::default();
            let challenge = challenge_of(ask(&mut dialog, GET_NEW_CHALLENGE, "\"\""));
            let proof = cram_md5::proof("ala", secret, &challenge);
            match ask(&mut dialog, AUTHENTICATE, &format!("{{\"Proof\":\"{proof}\"}}")) {
                Answer::Welcome(user) => assert!(opens && user.name() == "ala"),
                Answer::Never(error) => {
                    assert!(!opens && error.to_string() == cram_md5::FAILED);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_answer_before_its_challenge_leaves_one_try() {
        let mut dialog = Dialog::default();
        assert!(matches!(ask(&mut dialog, AUTHENTICATE, r#"{"Proof":"ala 0"}"#), Answer::Again(_)));
        assert!(!dialog.is_over());
        challenge_of(ask(&mut dialog, GET_NEW_CHALLENGE, "\"\""));
        assert!(dialog.is_over());
    }

    #[test]
    fn a_flood_leaves_no_other_try() {
        let mut dialog = Dialog::default();
        assert!(matches!(
            dialog.ask(b"AuthenticatorCRAMMD5.Authenticate", Args::JsonValue(b"{}")),
            LoginStep::Check(_)
        ));
        assert!(matches!(dialog.judge(Err(Denied::new())), Answer::Again(_)));
        assert!(matches!(dialog.judge(Err(Denied::and_close())), Answer::Never(_)));
    }

    #[test]
    fn anything_else_is_not_of_the_dialog() {
        for name in ["Arith.Multiply", "AuthenticatorCRAMMD5.Nope", "AuthenticatorCRAMMD5", "nodot", ""] {
            let ask = Dialog::default().ask(name.as_bytes(), Args::JsonValue(b"1"));
            assert!(matches!(ask, LoginStep::Other), "{name}: {ask:?}");
        }
    }

    #[test]
    fn challenges_differ() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            assert!(seen.insert(challenge_of(ask(&mut Dialog::default(), GET_NEW_CHALLENGE, "\"\""))));
        }
    }
}
