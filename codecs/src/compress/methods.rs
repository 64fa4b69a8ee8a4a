//! How bodies are compressed and decompressed: cargo feature `compression`.

use super::too_big;
use crate::error::ValueError;
use flate2::{
    Compression as Level,
    bufread::{MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};
use std::{
    cell::Cell,
    io::{self, BufRead, Read, Write},
};

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
    let produced = Cell::new(0);
    inflate(MultiGzDecoder::new(Metered::new(bytes, &produced)), &produced, bound(bytes, limit))
}

pub(super) fn unzlib(bytes: &[u8], limit: usize) -> Result<Vec<u8>, ValueError> {
    let produced = Cell::new(0);
    inflate(ZlibDecoder::new(Metered::new(bytes, &produced)), &produced, bound(bytes, limit))
}

/// What deflated bytes may become, each of them and all together for nothing. Data of programs hardly shrinks to less
/// than a hundredth; what does (zeros, by a thousand) may become what a few milliseconds make of it.
const MAX_RATIO: usize = 100;
const FREE_BYTES: usize = 16 << 20;

fn bound(bytes: &[u8], limit: usize) -> usize {
    limit.min(bytes.len().saturating_mul(MAX_RATIO).saturating_add(FREE_BYTES))
}

/// Bytes handed over at a time.
const PIECE: usize = 4 << 10;
/// Compressed bytes that may become nothing, beside as many as there are of what the others have become. Deflate never
/// takes more bytes than it is given, headers apart; empty members and blocks cost their reader far more than they cost
/// their sender.
const IDLE_BYTES: usize = 64 << 10;

/// Compressed bytes, as long as they become something.
struct Metered<'a> {
    rest: &'a [u8],
    taken: usize,
    produced: &'a Cell<usize>,
}

impl<'a> Metered<'a> {
    fn new(rest: &'a [u8], produced: &'a Cell<usize>) -> Self {
        Self { rest, taken: 0, produced }
    }
}

impl BufRead for Metered<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > self.produced.get().saturating_mul(2).saturating_add(IDLE_BYTES) {
            return Err(io::Error::other("compressed bytes that become next to nothing"));
        }
        Ok(self.rest.get(..PIECE).unwrap_or(self.rest))
    }

    fn consume(&mut self, taken: usize) {
        self.rest = self.rest.get(taken..).unwrap_or_default();
        self.taken = self.taken.saturating_add(taken);
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(out)?;
        self.consume(taken);
        Ok(taken)
    }
}

fn write_all<W: Write>(
    mut encoder: W,
    bytes: &[u8],
    finish: impl FnOnce(W) -> io::Result<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    encoder.write_all(bytes)?;
    finish(encoder)
}

/// Reads all that `decoder` has, and says with each piece how much it is in `produced`.
fn inflate(mut decoder: impl Read, produced: &Cell<usize>, limit: usize) -> Result<Vec<u8>, ValueError> {
    let (mut out, mut piece) = (Vec::new(), [0; 4 * PIECE]);
    loop {
        let len = decoder.read(&mut piece).map_err(|error| ValueError::new(error.to_string()))?;
        if len == 0 {
            return Ok(out);
        }
        out.extend_from_slice(piece.get(..len).unwrap_or_default());
        if out.len() > limit {
            return Err(too_big(limit));
        }
        produced.set(out.len());
    }
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
    fn members_one_after_the_other_come_back_as_long_as_they_hold_something() {
        let member = Compression::Gzip.compress(b"something to say, if little");
        let many = member.repeat(10_000);
        assert_eq!(Compression::Gzip.decompress(&many, 1 << 20).unwrap().len(), 270_000);
        let empty = Compression::Gzip.compress(b"");
        let few = [empty.repeat(1000), member].concat();
        assert_eq!(Compression::Gzip.decompress(&few, 1 << 20).unwrap(), b"something to say, if little");
        let error = Compression::Gzip.decompress(&empty.repeat(100_000), 1 << 20).unwrap_err();
        assert_eq!(error.text(), "compressed bytes that become next to nothing");
        // Blocks without anything in them, with fixed codes: `BFINAL` 0, `BTYPE` 1, the end of the block.
        let blocks = [&b"\x78\x9c"[..], &[0x02, 0x08, 0x20, 0x80, 0x00].repeat(100_000)].concat();
        assert!(Compression::Zlib.decompress(&blocks, 1 << 20).is_err());
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
