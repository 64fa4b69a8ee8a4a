//! The login dialog of the `/auth` paths: at most two requests, then the connection is the user's or closed.
//!
//! A state machine over requests; reading, writing and the time limit are the protocol's. Source: vitess
//! `go/rpcwrap/auth/cram_md5.go`.

use super::{Credential, Credentials, Identity};
use crate::{call::registry::missing, error::CallError};
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

    /// Answers one request.
    pub(crate) fn answer(&mut self, name: &[u8], args: Args<'_>, credentials: &Credentials) -> Answer {
        self.served += 1;
        match name.strip_prefix(SERVICE.as_bytes()).and_then(|rest| rest.strip_prefix(b".")) {
            Some(method) if method == GET_NEW_CHALLENGE.as_bytes() => match args.decode::<Text>() {
                Ok(_) => self.issue(),
                Err(error) => Answer::Never(CallError::BadArguments(error)),
            },
            Some(method) if method == AUTHENTICATE.as_bytes() => match args.decode::<Proof>() {
                Ok(proof) => self.check(&proof, credentials),
                Err(error) => Answer::Never(CallError::BadArguments(error)),
            },
            _ => Answer::Never(missing(name, |service| service == SERVICE)),
        }
    }

    fn issue(&mut self) -> Answer {
        // A fresh RandomState hashes with keys nobody outside can know: what comes out cannot be foreseen.
        let random = RandomState::new().hash_one(self.served) as u32;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.challenge = cram_md5::challenge(random, seconds, &HOSTNAME);
        Answer::Challenge(Challenge { challenge: self.challenge.clone() })
    }

    fn check(&self, proof: &Proof, credentials: &Credentials) -> Answer {
        match credentials.verify(&Credential::CramMd5 { challenge: &self.challenge, proof: &proof.proof }) {
            Ok(identity) => Answer::Welcome(identity),
            Err(_) if self.is_over() => Answer::Never(CallError::Failed(cram_md5::FAILED.into())),
            Err(_) => Answer::Again(CallError::Failed(cram_md5::FAILED.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(dialog: &mut Dialog, method: &str, json: &str) -> Answer {
        let users = Credentials::new([("ala", ["ma kota", "kot2"])]);
        dialog.answer(format!("{SERVICE}.{method}").as_bytes(), Args::JsonValue(json.as_bytes()), &users)
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
    fn anything_else_ends_the_dialog() {
        for (name, text) in [
            ("Arith.Multiply", "rpc: can't find service Arith.Multiply"),
            ("AuthenticatorCRAMMD5.Nope", "rpc: can't find method AuthenticatorCRAMMD5.Nope"),
            ("nodot", "rpc: service/method request ill-formed: nodot"),
        ] {
            match Dialog::default().answer(name.as_bytes(), Args::JsonValue(b"1"), &Credentials::default()) {
                Answer::Never(error) => assert_eq!(error.to_string(), text),
                other => panic!("{other:?}"),
            }
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
