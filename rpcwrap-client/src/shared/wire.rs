//! What a connection speaks: a codec of Go-RPC, or another protocol that is framed alike.

use codecs::{AnyCodec, Limits, ReplyReader, RequestWriter, baidu_std};

/// What both halves of a connection are made of.
#[derive(Clone)]
pub(crate) enum Wire {
    Codec(AnyCodec),
    /// With the proof that goes out with each request.
    BaiduStd(Vec<u8>),
}

impl Wire {
    pub(super) fn reply_reader(&self, limits: Limits) -> ReplyReader {
        match self {
            Self::Codec(codec) => codec.reply_reader(limits),
            Self::BaiduStd(_) => ReplyReader::BaiduStd(baidu_std::ReplyDecoder::new(limits)),
        }
    }

    pub(super) fn request_writer(&self) -> RequestWriter {
        match self {
            Self::Codec(codec) => codec.request_writer(),
            Self::BaiduStd(proof) => RequestWriter::BaiduStd(baidu_std::RequestEncoder::new(proof.clone())),
        }
    }
}

impl From<AnyCodec> for Wire {
    fn from(codec: AnyCodec) -> Self {
        Self::Codec(codec)
    }
}

/// The proof is never part of the text.
impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Codec(codec) => codec.fmt(f),
            Self::BaiduStd(_) => f.write_str(baidu_std::NAME),
        }
    }
}
