//! What a connection speaks: a codec of Go-RPC, or another protocol that is framed alike.

use crate::config::Config;
#[cfg(feature = "baidu_std")]
use codecs::baidu_std;
use codecs::{AnyCodec, Limits, ReplyReader, RequestWriter};

/// What both halves of a connection are made of.
#[derive(Clone)]
pub(crate) enum WireProtocol {
    Codec(AnyCodec),
    /// With the proof that goes out with each request.
    #[cfg(feature = "baidu_std")]
    BaiduStd(Vec<u8>),
}

/// Both halves of a connection: at its beginning, or after a login.
#[derive(Debug)]
pub(crate) struct CodecHalves {
    pub(crate) writer: RequestWriter,
    pub(crate) reader: ReplyReader,
    /// The Seq of the next request.
    pub(crate) next_seq: u64,
}

impl WireProtocol {
    /// Those of a connection on which nothing has been said.
    pub(crate) fn halves(&self, limits: Limits) -> CodecHalves {
        let (writer, reader) = match self {
            Self::Codec(codec) => (codec.request_writer(), codec.reply_reader(limits)),
            #[cfg(feature = "baidu_std")]
            Self::BaiduStd(proof) => (
                RequestWriter::BaiduStd(baidu_std::RequestEncoder::new(proof.clone())),
                ReplyReader::BaiduStd(baidu_std::ReplyDecoder::new(limits)),
            ),
        };
        CodecHalves { writer, reader, next_seq: 0 }
    }

    /// `config` without what only Go-RPC has, if this is another protocol.
    pub(crate) fn config(&self, config: Config) -> Config {
        match self {
            Self::Codec(_) => config,
            #[cfg(feature = "baidu_std")]
            Self::BaiduStd(_) => config.extensions(false),
        }
    }
}

impl From<AnyCodec> for WireProtocol {
    fn from(codec: AnyCodec) -> Self {
        Self::Codec(codec)
    }
}

/// The proof is never part of the text.
impl std::fmt::Debug for WireProtocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Codec(codec) => codec.fmt(f),
            #[cfg(feature = "baidu_std")]
            Self::BaiduStd(_) => f.write_str(baidu_std::NAME),
        }
    }
}
