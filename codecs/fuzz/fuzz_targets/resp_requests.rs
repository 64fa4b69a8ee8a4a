//! What a client of RESP may send to a server, whole and split, with its words as arguments of types of every shape.
#![no_main]

use bytes::{Bytes, BytesMut};
use codecs::{
    resp::{RequestDecoder, RequestError, RequestLimits},
    text::TextArgs,
};
use rpcwrap_codecs_fuzz::{shapes, stream_target};

struct Decoder(RequestDecoder);

impl Decoder {
    fn new() -> Self {
        let mut decoder = RequestDecoder::new(RequestLimits { max_words: 1000, ..RequestLimits::DEFAULT });
        decoder.restrict(Some(RequestLimits { max_words: 100, max_word_bytes: 1000, ..RequestLimits::DEFAULT }));
        Self(decoder)
    }

    /// What asks for nothing is a request of no words here.
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Bytes>, RequestError> {
        Ok(self.0.parse(buf)?.map(|len| buf.split_to(len).freeze()))
    }
}

stream_target!(Decoder::new(), |decoder, request| {
    let words = decoder.0.words(&request);
    words.skip(1).with_tokens(|tokens| {
        shapes::text(TextArgs::Positional(tokens));
        shapes::text(TextArgs::Alternating(tokens));
    });
    format!("{:?}", words.iter().collect::<Vec<_>>())
});
