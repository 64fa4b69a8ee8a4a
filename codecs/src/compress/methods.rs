//! How bodies are compressed and decompressed: cargo feature `compression`.

use super::too_big;
use crate::error::ValueError;
use flate2::{
    Compression as Level,
    bufread::{MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};
use std::io::{self, Read, Write};

/// A snappy element of three bytes becomes at most 64: nothing grows by more than this.
const SNAPPY_GROWTH: usize = 22;

const CANNOT_FAIL: &str = "a Vec takes every byte, and no message is longer than snappy's 4 GiB";

pub(super) fn snap(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect(CANNOT_FAIL)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    write_all(GzEncoder::new(Vec::new(), Level::default()), bytes, GzEncoder::finish).expect(CANNOT_FAIL)
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    write_all(ZlibEncoder::new(Vec::new(), Level::default()), bytes, ZlibEncoder::finish).expect(CANNOT_FAIL)
}

pub(super) fn gunzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, ValueError> {
    inflate(MultiGzDecoder::new(bytes), limit)
}

pub(super) fn unzlib(bytes: &[u8], limit: usize) -> Result<Vec<u8>, ValueError> {
    inflate(ZlibDecoder::new(bytes), limit)
}

fn write_all<W: Write>(
    mut encoder: W,
    bytes: &[u8],
    finish: impl FnOnce(W) -> io::Result<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    encoder.write_all(bytes)?;
    finish(encoder)
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    let one_more = limit.saturating_add(1) as u64;
    decoder.take(one_more).read_to_end(&mut out).map_err(|error| ValueError::new(error.to_string()))?;
    if out.len() > limit { Err(too_big(limit)) } else { Ok(out) }
}

pub(super) fn unsnap(bytes: &[u8], limit: usize) -> Result<Vec<u8>, ValueError> {
    let broken = |error: snap::Error| ValueError::new(error.to_string());
    let len = snap::raw::decompress_len(bytes).map_err(broken)?;
    if len > limit {
        return Err(too_big(limit));
    }
    if len > bytes.len().saturating_mul(SNAPPY_GROWTH) {
        return Err(ValueError::new(format!("snappy: {} bytes cannot become {len}", bytes.len())));
    }
    snap::raw::Decoder::new().decompress_vec(bytes).map_err(broken)
}

#[cfg(test)]
mod tests {
    use crate::compress::Compression;

    const ALL: [Compression; 4] =
        [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zlib];

    #[test]
    fn what_is_compressed_comes_back() {
        for bytes in [&b""[..], b"a", &[b'a'; 100_000], &(0..=255).collect::<Vec<u8>>()] {
            for compression in ALL {
                let compressed = compression.compress(bytes);
                assert_eq!(
                    compression.decompress(&compressed, bytes.len()).unwrap(),
                    bytes,
                    "{compression:?}"
                );
            }
        }
    }

    #[test]
    fn the_limit_holds_to_the_byte() {
        for compression in ALL {
            let compressed = compression.compress(&[0; 1000]);
            assert_eq!(compression.decompress(&compressed, 1000).unwrap().len(), 1000);
            let error = compression.decompress(&compressed, 999).unwrap_err();
            assert_eq!(error.text(), "decompressed to more than 999 bytes", "{compression:?}");
        }
    }

    #[test]
    fn foreign_bytes_are_refused() {
        for compression in [Compression::Snappy, Compression::Gzip, Compression::Zlib] {
            for bytes in [&b""[..], b"\n\x05hello", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
                assert!(compression.decompress(bytes, 1 << 20).is_err(), "{compression:?} {bytes:?}");
            }
            let mut cut = compression.compress(&[7; 500]);
            cut.pop();
            assert!(compression.decompress(&cut, 1 << 20).is_err(), "{compression:?}");
        }
    }

    #[test]
    fn a_snappy_length_beyond_the_limit_is_not_allocated() {
        // 64 MiB announced by four bytes of preamble and one of data.
        let error = Compression::Snappy.decompress(&[0x80, 0x80, 0x80, 0x20, 0], 64 << 20).unwrap_err();
        assert_eq!(error.text(), "snappy: 5 bytes cannot become 67108864");
    }
}
