//! Bytes as hexadecimal digits.

/// The digits of these bytes, in lower case.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hexadecimal digits represent.
pub(crate) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let is_hex =
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()) && digits.len().is_multiple_of(2);
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    is_hex.then(|| (0..digits.len()).step_by(2).map(byte).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_they_are_written() {
        assert_eq!(to_hex(&[0, 0x0a, 0xff]), "000aff");
        assert_eq!(from_hex("000aff"), Some(vec![0, 0x0a, 0xff]));
        for bad in ["0", "0g", "+1", "\u{e9}\u{e9}"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }
}
