//! Paths of files, as a browser asks for them.

use crate::limits::NAME_BYTES_MAX;

/// The file that a request's path names: relative, decoded once, without a segment that leads elsewhere.
pub fn file_path(path: &str) -> Option<String> {
    let decoded = decode(path.strip_prefix('/')?)?;
    let path = if decoded.is_empty() { "index.html".into() } else { decoded };
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && !segment.chars().any(|letter| letter.is_control() || matches!(letter, '\\' | ':'))
    };
    (path.len() <= NAME_BYTES_MAX && path.split('/').all(plain)).then_some(path)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        let byte = (high << 4 | low) as u8;
        // A slash that is written so is part of no name.
        if byte == b'/' {
            return None;
        }
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_files() {
        for (path, file) in [
            ("/", "index.html"),
            ("/app.js", "app.js"),
            ("/assets/a%20b.png", "assets/a b.png"),
            ("/%C3%A9.svg", "é.svg"),
        ] {
            assert_eq!(file_path(path).as_deref(), Some(file));
        }
        for path in [
            "",
            "app.js",
            "//",
            "/.",
            "/..",
            "/../secret",
            "/a/../b",
            "/a//b",
            "/a/",
            "/%2e%2e/secret",
            "/%2E./secret",
            "/..%2fsecret",
            "/a%2Fb",
            "/..%5csecret",
            "/a\\b",
            "/c:/x",
            "/a%00.js",
            "/a%0d%0ab",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "/%c0%ae%c0%ae/x",
        ] {
            assert_eq!(file_path(path), None, "{path}");
        }
        // Decoded once only.
        assert_eq!(file_path("/%252e%252e").as_deref(), Some("%2e%2e"));
        assert_eq!(file_path(&format!("/{}", "a".repeat(NAME_BYTES_MAX + 1))), None);
    }
}
