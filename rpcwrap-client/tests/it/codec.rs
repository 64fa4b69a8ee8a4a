//! A codec of the program's own, through the open trait: requests `seq method json`, replies `seq ok|error json`.

use crate::peer::{connected, run};
use bytes::{Bytes, BytesMut};
use codecs::{
    AnyCodec, CallOptions, Codec, DecodeError, EncodeError, ErrorReply, Limits, Reply, ValueError,
    codec::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, Visit},
};
use rpcwrap_client::{Config, Error};
use std::sync::Arc;
use tokio::join;

struct Lines;

struct Encoder;

struct Decoder;

impl Codec for Lines {
    fn name(&self) -> &str {
        "lines"
    }

    fn request_decoder(&self, _: Limits) -> Box<dyn RequestDecoder> {
        unreachable!("no server here")
    }

    fn reply_encoder(&self) -> Box<dyn ReplyEncoder> {
        unreachable!("no server here")
    }

    fn request_encoder(&self) -> Box<dyn RequestEncoder> {
        Box::new(Encoder)
    }

    fn reply_decoder(&self, _: Limits) -> Box<dyn ReplyDecoder> {
        Box::new(Decoder)
    }
}

impl RequestEncoder for Encoder {
    fn encode(
        &mut self,
        seq: u64,
        service_method: &str,
        _: CallOptions,
        args: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let args = serde_json::to_string(args).map_err(|error| EncodeError::new(error.to_string()))?;
        out.extend_from_slice(format!("{seq} {service_method} {args}\n").as_bytes());
        Ok(())
    }
}

impl ReplyDecoder for Decoder {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some(end) = buf.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let line: Bytes = buf.split_to(end + 1).freeze();
        let text = std::str::from_utf8(&line).unwrap();
        let [seq, word, value] = text.trim().splitn(3, ' ').collect::<Vec<_>>()[..] else {
            return Err(DecodeError::Malformed { at: 0, what: "not three words" });
        };
        let (seq, error) = (seq.parse().unwrap(), (word != "ok").then(|| ErrorReply::new(value)));
        let reply = Reply::new(line.clone(), seq, 0..0, end - value.len()..end);
        Ok(Some(match error {
            Some(error) => reply.with_error(error),
            None => reply,
        }))
    }

    fn body(&self, reply: &Reply, visit: Visit<'_>) -> Result<(), ValueError> {
        let mut json = serde_json::Deserializer::from_slice(reply.body());
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json))
            .map_err(|error| ValueError::new(error.to_string()))
    }
}

#[test]
fn calls_and_streams() {
    run(async {
        let (client, mut peer) = connected(AnyCodec::Custom(Arc::new(Lines)), Config::default());
        let serve = async {
            peer.expect("0 Echo.Int 5\n").await;
            peer.send("0 ok 5\n").await;
            peer.expect("1 Echo.Int 6\n").await;
            peer.send("1 error divide by zero\n").await;
            peer.expect("2 Echo.Int 7\n").await;
            peer.send("2 ok \"text\"\n").await;
            peer.expect("3 Stream.Count 1\n").await;
            peer.send("3 ok 8\n3 error EOS\n").await;
        };
        let calls = async {
            assert_eq!(client.call::<_, i64>("Echo.Int", &5).await.unwrap(), 5);
            let error = client.call::<_, i64>("Echo.Int", &6).await.unwrap_err();
            assert_eq!(error.to_string(), "divide by zero");
            assert!(matches!(client.call::<_, i64>("Echo.Int", &7).await, Err(Error::Decode(_))));
            let mut items = client.stream::<_, i64>("Stream.Count", &1).await.unwrap();
            assert_eq!(items.next().await.unwrap().unwrap(), 8);
            assert!(items.next().await.is_none());
        };
        join!(serve, calls);
    });
}
