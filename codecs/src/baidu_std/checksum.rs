//! CRC-32C as bRPC writes it: masked, so that the checksum of data with checksums in it stays a good one.
//!
//! Source: bRPC `policy/crc32c_checksum.cpp`, `butil/crc32c.h` (`Mask`).

/// Added to the rotated value. Source: `butil/crc32c.h` `kMaskDelta`.
const MASK_DELTA: u32 = 0xA282_EAD8;

/// The masked checksum of `parts` one after the other.
pub(super) fn masked(parts: &[&[u8]]) -> u32 {
    let crc = parts.iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
    crc.rotate_right(15).wrapping_add(MASK_DELTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let crc = crc32c::crc32c;
        // RFC 3720, B.4, and the catalogue's check value.
        assert_eq!(crc(b"123456789"), 0xE306_9283);
        assert_eq!(crc(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc(&(0..32).collect::<Vec<u8>>()), 0x46DD_794E);
        // Recorded from bRPC.
        assert_eq!(crc(b"\n\x05hello"), 0xA7D3_5FB9);
        assert_eq!(masked(&[b"\n\x05hello"]), 0x61F6_3A7E);
    }

    #[test]
    fn parts_are_one_stream() {
        let bytes: Vec<u8> = (0..100).collect();
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(masked(&[a, b]), masked(&[&bytes]));
        }
    }
}
