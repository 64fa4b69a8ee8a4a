//! What a caller is told when a layer, and not the method, has ended its call.

use crate::error::{CallError, Error};
use std::time::Duration;
use tower::{BoxError, load_shed::error::Overloaded, timeout::error::Elapsed};

/// The failure of a call whose layers answered with `error` after so long.
pub(super) fn call_error(error: BoxError, after: Duration) -> CallError {
    let error = match error.downcast::<CallError>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let error = match error.downcast::<Error>() {
        Ok(error) => return CallError::Failed(*error),
        Err(error) => error,
    };
    if error.is::<Elapsed>() {
        CallError::Deadline(after)
    } else if error.is::<Overloaded>() {
        CallError::Overloaded
    } else {
        CallError::Failed(Error::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_layers_as_callers_see_them() {
        let after = Duration::from_millis(7);
        let own = Error::new("no").code("quota");
        let unknown = CallError::UnknownMethod("A.B".to_owned());
        let cases: [(BoxError, CallError); 6] = [
            (Elapsed::new().into(), CallError::Deadline(after)),
            (Overloaded::new().into(), CallError::Overloaded),
            (own.clone().into(), CallError::Failed(own)),
            (unknown.clone().into(), unknown),
            ("over quota".into(), CallError::Failed("over quota".into())),
            (std::fmt::Error.into(), CallError::Failed(Error::new(std::fmt::Error))),
        ];
        for (error, wanted) in cases {
            let text = error.to_string();
            assert_eq!(call_error(error, after), wanted, "{text}");
        }
    }
}
