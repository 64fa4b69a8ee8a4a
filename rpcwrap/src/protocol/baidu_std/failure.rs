//! Failed calls in bRPC's codes and, where it has some, its words.

use crate::error::{CallError, echoed};
use codecs::baidu_std::{Request, code};

/// The code and the text of a failed call. The text starts with the code, as bRPC's does; the address it puts before
/// that is left out.
pub(super) fn reply_of(error: &CallError) -> (i32, String) {
    let code = code_of(error);
    let text = match error {
        // One more than allowed, as bRPC counts the refused one too.
        CallError::Busy { name, limit } => {
            format!("Rejected by {name}'s ConcurrencyLimiter, concurrency={}", limit.saturating_add(1))
        }
        error => error.to_string(),
    };
    (code, with_code(code, &text))
}

/// The same for a call that was not started: names as the peer sent them.
pub(super) fn refusal_of(request: &Request, error: &CallError) -> (i32, String) {
    let is_unknown =
        matches!(error, CallError::IllFormed(_) | CallError::UnknownService(_) | CallError::UnknownMethod(_));
    if !is_unknown {
        return reply_of(error);
    }
    let (service, method) = (echoed(request.service_name()), echoed(request.method_name()));
    // bRPC looks for services by their last part only if there is nothing before it, and tells them apart then.
    if matches!(error, CallError::UnknownMethod(_)) || service.contains('.') {
        let text = format!("Fail to find method={service}/{method}");
        (code::ENOMETHOD, with_code(code::ENOMETHOD, &text))
    } else {
        (code::ENOSERVICE, with_code(code::ENOSERVICE, &format!("Fail to find service={service}")))
    }
}

fn with_code(code: i32, text: &str) -> String {
    format!("[E{code}]{text}")
}

/// A handler's own error has the code it was given, if that is a number: `Error::new(…).code("7777")`.
fn code_of(error: &CallError) -> i32 {
    match error {
        CallError::IllFormed(_) | CallError::UnknownService(_) => code::ENOSERVICE,
        CallError::UnknownMethod(_) => code::ENOMETHOD,
        CallError::BadArguments(_) => code::EREQUEST,
        CallError::Unauthenticated(_) | CallError::NeedsTls(_) | CallError::Denied { .. } => code::ERPCAUTH,
        CallError::Busy { .. } | CallError::OverUserLimit { .. } | CallError::Overloaded => code::ELIMIT,
        CallError::Draining => code::ELOGOFF,
        CallError::Deadline(_) => code::ERPCTIMEDOUT,
        CallError::Canceled | CallError::Panicked => code::EINTERNAL,
        CallError::BadReply(_) => code::ERESPONSE,
        CallError::Failed(_) => {
            error.code().parse().ok().filter(|code| *code != 0).unwrap_or(code::EINTERNAL)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn handlers_choose_their_codes() {
        let reply = |error: Error| reply_of(&CallError::Failed(error));
        assert_eq!(reply(Error::new("no").code("7777")), (7777, "[E7777]no".into()));
        assert_eq!(reply(Error::new("no").code("-5")), (-5, "[E-5]no".into()));
        // A code of 0 would be a success.
        for error in [Error::new("no"), Error::new("no").code("not_found"), Error::new("no").code("0")] {
            assert_eq!(reply(error), (2001, "[E2001]no".into()));
        }
    }
}
