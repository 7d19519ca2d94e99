//! Bytes as text, in one form only.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes in hexadecimal, lower case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Bytes in Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// The bytes of a text that [`base64`] would write, and of no other.
pub fn from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    let mut bytes = Vec::with_capacity(N + 2);
    for letters in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut group = 0;
        for place in 0..4 {
            let sextet = match letters.get(place) {
                Some(letter) => ALPHABET.iter().position(|known| known == letter)?,
                None => 0,
            };
            group = group << 6 | sextet as u32;
        }
        bytes.extend_from_slice(&group.to_be_bytes()[1..]);
    }
    bytes.truncate(N);
    let bytes: [u8; N] = bytes.try_into().ok()?;
    (base64(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{base64, from_base64, hex};

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(from_base64::<2>("Zm8="), Some(*b"fo"));
        assert_eq!(from_base64::<1>("Zg=="), Some(*b"f"));
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn other_forms_are_none() {
        for text in ["Zm9=", "Zm8", "Zm8=\n", "Zm=8", "====", "Z===", "_-8=", "Zm8 ", "Zm8A", "Zg=="] {
            assert_eq!(from_base64::<2>(text), None, "{text}");
        }
    }

    #[test]
    fn hex_is_in_lower_case() {
        assert_eq!(hex(&[0, 0xaf, 9]), "00af09");
    }
}
