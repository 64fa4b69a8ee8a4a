//! Writes the recordings of `testdata` as the first corpus of each target: `cargo run --bin seed` in `codecs/fuzz`.

use serde_json::Value;
use std::{error::Error, fs};

/// The bytes of a hex text in which `(00*n)` stands for n times 00.
fn unhex(hex: &str) -> Vec<u8> {
    let mut parts = hex.split("(00*");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (count, after) = part.split_once(')').unwrap_or_default();
        text.push_str(&"00".repeat(count.parse().unwrap_or_default()));
        text.push_str(after);
    }
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let gob = |to: &'static str| move |stream: &Value| (stream["to"] == to).then(|| stream["hex"].clone());
    let requests = |exchange: &Value| Some(exchange["requests"].clone());
    let replies = |exchange: &Value| Some(exchange["replies"].clone());
    let frames = |direction: &'static str| {
        move |exchange: &Value| {
            let frames =
                exchange["frames"].as_array()?.iter().filter(|frame| frame["direction"] == direction);
            Some(frames.filter_map(|frame| frame["hex"].as_str()).collect::<String>().into())
        }
    };
    let files: [(&str, &str, &dyn Fn(&Value) -> Option<Value>); 12] = [
        ("gob_requests", "gob/sessions.json", &gob("server")),
        ("gob_requests", "gob/exchanges.json", &gob("server")),
        ("gob_replies", "gob/sessions.json", &gob("client")),
        ("gob_replies", "gob/exchanges.json", &gob("client")),
        ("bson_requests", "bson/exchanges.json", &requests),
        ("bson_replies", "bson/exchanges.json", &replies),
        ("json_requests", "json/exchanges.json", &requests),
        ("json_replies", "json/exchanges.json", &replies),
        ("resp_requests", "resp/exchanges.json", &requests),
        ("resp_replies", "resp/exchanges.json", &replies),
        ("baidu_std_requests", "baidu_std/exchanges.json", &frames("client->server")),
        ("baidu_std_replies", "baidu_std/exchanges.json", &frames("server->client")),
    ];
    for (target, file, pick) in files {
        let testdata = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/");
        let corpus = format!("{}/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(&corpus)?;
        let text = fs::read_to_string(format!("{testdata}{file}"))?;
        let list: Vec<Value> = serde_json::from_str(&text)?;
        for (number, picked) in list.iter().filter_map(pick).enumerate() {
            let bytes = match picked.as_str() {
                Some(text) if target.starts_with("json_") => text.as_bytes().to_vec(),
                Some(hex) => unhex(hex),
                None => continue,
            };
            fs::write(format!("{corpus}/{}-{number}", file.replace('/', "-")), bytes)?;
        }
    }
    Ok(())
}
