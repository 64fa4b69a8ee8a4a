//! A decoder over a stream of messages, whole and byte by byte: both have to read the same.

/// The fuzz target of a decoder made by `$new`, whose messages are decoded and told by `$told`; `$eof` is its method
/// for what is left at the end of the stream.
#[macro_export]
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

        $crate::fuzz_target!(|bytes: &[u8]| {
            let whole = run(bytes, usize::MAX);
            assert_eq!(whole, run(bytes, 1));
        });
    };
}

/// [`stream_target`] of the requests of a codec whose arguments need nothing but their bytes.
#[macro_export]
macro_rules! requests_target {
    ($codec:ident $(, $more:expr)?) => {
        $crate::stream_target!(
            codecs::$codec::RequestDecoder::new($crate::limits() $(, $more)?),
            |decoder, request| {
                if let Ok(args) = request.args() {
                    $crate::shapes::$codec(args);
                }
                format!("{:?} {}", request.service_method(), request.seq())
            },
            decode_eof
        );
    };
}

/// [`stream_target`] of the replies of a codec whose values need nothing but their bytes.
#[macro_export]
macro_rules! replies_target {
    ($codec:ident) => {
        $crate::stream_target!(codecs::$codec::ReplyDecoder::new($crate::limits()), |decoder, reply| {
            $crate::shapes::$codec(reply.body());
            // All but the bytes: the newline behind a reply of JSON is among them where it has come already.
            format!("{} {:?} {:?} {:?}", reply.seq(), reply.service_method(), reply.error(), reply.body())
        });
    };
}

/// Limits that a fuzzer reaches.
pub fn limits() -> codecs::Limits {
    codecs::Limits { max_message_bytes: 1 << 20, ..codecs::Limits::default() }
}
