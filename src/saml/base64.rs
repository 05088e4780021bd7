//! Base64 as SAML carries it: white space allowed, nothing else out of place (R8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Decodes; `None` if anything but the alphabet, white space and correct padding is there.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let bare: String = text.split_ascii_whitespace().collect();
        return STANDARD.decode(bare).ok();
    }
    STANDARD.decode(text).ok()
}

/// Encodes, on one line, with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r8_white_space_is_allowed_and_nothing_else() {
        assert_eq!(decode(" aGV\r\nsbG8= \n"), Some(b"hello".to_vec()));
        for wrong in ["aGVsbG8", "aGVsbG8=!", "aGVsbG8_", "=aGVsbG8", "aGVsbG9=", "aGVs%0abG8=", "aGVs\0bG8="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
