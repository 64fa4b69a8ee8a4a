//! CRC-32C, the checksum of bRPC's bodies and of PROXY headers.
//!
//! Software only, eight bytes a step. Source: RFC 4960, appendix B.

/// Castagnoli's polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// `TABLES[k][b]`: what byte `b` does to the remainder when `k` zero bytes follow.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[zeros - 1][byte];
            tables[zeros][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// The checksum of `parts` one after the other.
pub(crate) fn crc32c(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(!0, |crc, part| update(crc, part))
}

fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    let look_up = |zeros: usize, value: u32, shift: u32| TABLES[zeros][(value >> shift & 0xFF) as usize];
    let (eights, rest) = bytes.as_chunks::<8>();
    for &[a, b, c, d, e, f, g, h] in eights {
        let low = crc ^ u32::from_le_bytes([a, b, c, d]);
        let high = u32::from_le_bytes([e, f, g, h]);
        crc = look_up(7, low, 0)
            ^ look_up(6, low, 8)
            ^ look_up(5, low, 16)
            ^ look_up(4, low, 24)
            ^ look_up(3, high, 0)
            ^ look_up(2, high, 8)
            ^ look_up(1, high, 16)
            ^ look_up(0, high, 24);
    }
    rest.iter().fold(crc, |crc, &byte| (crc >> 8) ^ look_up(0, crc ^ u32::from(byte), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let crc = |bytes: &[u8]| crc32c(&[bytes]);
        // RFC 3720, B.4, and the catalogue's check value.
        assert_eq!(crc(b"123456789"), 0xE306_9283);
        assert_eq!(crc(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc(&(0..32).collect::<Vec<u8>>()), 0x46DD_794E);
        // Recorded from bRPC.
        assert_eq!(crc(b"\n\x05hello"), 0xA7D3_5FB9);
    }

    #[test]
    fn parts_are_one_stream() {
        let bytes: Vec<u8> = (0..100).collect();
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(crc32c(&[a, b]), crc32c(&[&bytes]));
        }
    }
}
