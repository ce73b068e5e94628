//! Gzip without compression, for files that tests make by hand.

/// `text` as gzip, stored as it is; at most 65,535 bytes of it. Source: RFC 1951 (3.2.4) and RFC 1952.
pub fn stored(text: &str) -> Vec<u8> {
    let crc = !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let length = u16::try_from(text.len()).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(length.to_le_bytes().into_iter().chain((!length).to_le_bytes()));
    bytes.extend(text.bytes().chain(crc.to_le_bytes()).chain(u32::from(length).to_le_bytes()));
    bytes
}
