//! The arguments of calls: JSON values from the command line, a file or stdin, one after another.

use super::numbers::too_large;
use crate::failure::Failure;
use codecs::types::Any;
use serde_json::value::RawValue;
use std::{
    fs::File,
    io::{self, BufReader, Read},
    thread,
};
use tokio::sync::mpsc::{Receiver, channel};

/// Values read ahead of the calls they are for.
const AHEAD: usize = 16;

/// Reads JSON values from `source`: the text itself, `@FILE`, or `-` for stdin.
///
/// They come as they are read, so that what is piped in is called with line by line. The last one may be a failure.
/// Whole numbers beyond 64 bits are one: nothing is changed on its way.
pub(crate) fn values(source: &str) -> Result<Receiver<Result<Any, Failure>>, Failure> {
    match source {
        "-" | "@-" => Ok(read("stdin", io::stdin())),
        source => match source.strip_prefix('@') {
            Some(path) => {
                let file = File::open(path).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
                Ok(read(path, file))
            }
            None => Ok(read("argument", io::Cursor::new(source.to_owned()))),
        },
    }
}

/// A thread of its own, which a program that ends does not wait for: stdin cannot be read without blocking.
fn read(name: &str, from: impl Read + Send + 'static) -> Receiver<Result<Any, Failure>> {
    let (send, receive) = channel(AHEAD);
    let name = name.to_owned();
    thread::spawn(move || {
        let parsed = serde_json::Deserializer::from_reader(BufReader::new(from)).into_iter::<Box<RawValue>>();
        for json in parsed {
            let json = json.map_err(|error| error.to_string());
            let value = json.and_then(|json| value(json.get()));
            let value = value.map_err(|why| Failure::usage(format!("{name}: {why}")));
            let is_last = value.is_err();
            if send.blocking_send(value).is_err() || is_last {
                return;
            }
        }
    });
    receive
}

fn value(json: &str) -> Result<Any, String> {
    match too_large(json) {
        Some(number) => Err(format!("{number} is beyond 64 bits; as a text or with a point it can be sent")),
        None => serde_json::from_str(json).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(source: &str) -> Vec<Result<String, String>> {
        let mut values = values(source).unwrap();
        let mut all = Vec::new();
        while let Some(value) = values.recv().await {
            let shown = value.map(|value| serde_json::to_string(&value).unwrap());
            all.push(shown.map_err(|failure| failure.text));
        }
        all
    }

    #[tokio::test]
    async fn values_one_after_another() {
        for (source, wanted) in [
            ("", vec![]),
            ("7", vec!["7"]),
            (" {\"B\":1,\"A\":[2]}\n", vec!["{\"B\":1,\"A\":[2]}"]),
            ("1 \"x\"\n[3]{}", vec!["1", "\"x\"", "[3]", "{}"]),
            ("9007199254740993 18446744073709551615", vec!["9007199254740993", "18446744073709551615"]),
        ] {
            let wanted: Vec<_> = wanted.into_iter().map(|value| Ok(value.to_owned())).collect();
            assert_eq!(all(source).await, wanted, "{source}");
        }
        let broken = all("1 {\"A\":").await;
        assert_eq!(broken[0], Ok("1".to_owned()));
        assert_eq!(broken[1], Err("argument: EOF while parsing a value at line 1 column 7".to_owned()));
        assert_eq!(broken.len(), 2);
        let large = all("[18446744073709551616] 1").await;
        let why =
            "argument: 18446744073709551616 is beyond 64 bits; as a text or with a point it can be sent";
        assert_eq!(large, [Err(why.to_owned())]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let failure = values("@/no/such/file").unwrap_err();
        assert!(failure.text.starts_with("/no/such/file: "), "{failure:?}");
    }
}
