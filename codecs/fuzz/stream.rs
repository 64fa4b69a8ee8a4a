//! A decoder over a stream of messages, whole and byte by byte: both have to read the same.

/// The fuzz target of a decoder made by `$new`, whose messages are decoded and told by `$told`; `$eof` is its method
/// for what is left at the end of the stream.
macro_rules! stream_target {
    ($new:expr, |$decoder:ident, $message:ident| $told:expr $(, $eof:ident)?) => {
        /// The messages of a stream in pieces of `step` bytes, as far as they can be read.
        fn run(bytes: &[u8], step: usize) -> Vec<String> {
            let mut $decoder = $new;
            let (mut buf, mut told) = (bytes::BytesMut::new(), Vec::new());
            for chunk in bytes.chunks(step) {
                buf.extend_from_slice(chunk);
                loop {
                    let before = buf.clone();
                    match $decoder.decode(&mut buf) {
                        Ok(Some($message)) => told.push($told),
                        Ok(None) => {
                            // JSON lets go of blanks between messages.
                            let blank = buf.is_empty() && before.iter().all(u8::is_ascii_whitespace);
                            assert!(blank || buf == before);
                            break;
                        }
                        Err(_) => return told,
                    }
                }
            }
            $(let _ = $decoder.$eof(&mut buf);)?
            told
        }

        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            let whole = run(bytes, usize::MAX);
            assert_eq!(whole, run(bytes, 1));
        });
    };
}

/// Limits that a fuzzer reaches.
#[allow(dead_code, reason = "two decoders have none")]
pub fn limits() -> codecs::Limits {
    codecs::Limits { max_message_bytes: 1 << 20, ..codecs::Limits::default() }
}
