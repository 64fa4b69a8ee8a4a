use crate::{Limits, gob::{ReplyDecoder, RequestDecoder, value_from_slice}, types::Any};
use bytes::BytesMut;
#[test]
fn dump() {
    let text = std::fs::read_to_string(std::env::var("SESS").unwrap()).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    for s in list {
        let hex = s["hex"].as_str().unwrap();
        let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect();
        let mut buf = BytesMut::from(&bytes[..]);
        println!("== {} {}", s["name"], s["direction"]);
        if s["direction"] == "client->server" {
            let mut d = RequestDecoder::new(Limits::default());
            loop { match d.decode(&mut buf) {
                Ok(Some(r)) => { let v = r.args().map_err(Clone::clone).and_then(|a| value_from_slice::<Any>(d.types(), a)).map(|a| serde_json::to_string(&a).unwrap()); println!("{} {} {:?}", String::from_utf8_lossy(r.service_method()), r.seq(), v) }
                Ok(None) => { println!("rest {}", buf.len()); break }
                Err(e) => { println!("ERR {e}"); break }
            } }
        } else {
            let mut d = ReplyDecoder::new(Limits::default());
            loop { match d.decode(&mut buf) {
                Ok(Some(r)) => { let v = value_from_slice::<Any>(r.types().unwrap(), r.body()).map(|a| serde_json::to_string(&a).unwrap()); println!("{} {} {:?} {:?}", String::from_utf8_lossy(r.service_method()), r.seq(), r.error().map(|e| e.text.clone()), v) }
                Ok(None) => { println!("rest {}", buf.len()); break }
                Err(e) => { println!("ERR {e}"); break }
            } }
        }
    }
}
