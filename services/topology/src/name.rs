//! Names and the like: what has a grammar is a type of its own, and no text that breaks the grammar becomes one.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 63;
/// Bytes of a namespace.
pub const NAMESPACE_BYTES_MAX: usize = 255;
/// Bytes of a URL.
pub const URL_BYTES_MAX: usize = 2048;

macro_rules! texts {
    ($($type:ident $holds:ident $doc:literal;)+) => {$(
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
        pub struct $type(String);

        #[cfg(feature = "serde")]
        impl TryFrom<String> for $type {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text).ok_or("the text breaks its grammar")
            }
        }

        #[cfg(feature = "serde")]
        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }

        impl $type {
            /// It, if the text satisfies its grammar.
            pub fn new(text: &str) -> Option<Self> {
                $holds(text).then(|| Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )+};
}

texts! {
    Name is_name "The name of a topology, a space, a path, an agent or an event: `[a-z][a-z0-9-]{0,62}`.";
    LocationId is_location "The id of a location: `[A-Za-z][A-Za-z0-9-]{0,62}`.";
    Namespace is_namespace "The root of a DATA space's keys: `/metrics`, `/factory/line-1`.";
    Kind is_kind "The type of a sensor or an actuator, an open word: `temperature`, `valve.gate`.";
    Secret is_name "The name of a secret that whoever runs the topology holds; never the secret.";
    Url is_url "An `http` or `https` URL without user, password and fragment.";
    HeaderName is_header_name "The name of an HTTP header.";
    HeaderValue is_header_value "The value of an HTTP header: visible ASCII and spaces.";
}

fn is_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_location(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_namespace(text: &str) -> bool {
    let Some(segments) = text.strip_prefix('/') else { return false };
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    text.len() <= NAMESPACE_BYTES_MAX && segments.split('/').all(is_segment)
}

fn is_kind(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/'))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand before its bracket.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let host_holds = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_host),
    };
    let port_holds = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    text.len() <= URL_BYTES_MAX
        && host_holds
        && port_holds
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\'))
}

fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_header_value(text: &str) -> bool {
    text.len() <= URL_BYTES_MAX && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

impl Namespace {
    /// That of a space which states none.
    pub fn of_space(name: &Name) -> Self {
        Self(alloc::format!("/{name}"))
    }

    /// Whether a key could lie in both: one is the other, or an ancestor of it, segment by segment.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut mine, mut others) = (self.0.split('/'), other.0.split('/'));
        loop {
            match (mine.next(), others.next()) {
                (Some(mine), Some(other)) if mine == other => {}
                (Some(_), Some(_)) => return false,
                _ => return true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderName, Kind, LocationId, Name, Namespace, Url};

    #[test]
    fn names_follow_their_grammar() {
        let long = "a".repeat(63);
        for good in ["a", "a-", "a1", "store-2", &long] {
            assert!(Name::new(good).is_some(), "{good}");
        }
        for bad in ["", "A", "1a", "-a", "a_b", "a b", "\u{e9}", "a/b", "a#b", &"a".repeat(64)] {
            assert!(Name::new(bad).is_none(), "{bad}");
        }
        assert!(LocationId::new("assembly-line-A").is_some() && LocationId::new("1-A").is_none());
        assert!(
            Kind::new("temperature/v2").is_some() && Kind::new("a b").is_none() && Kind::new("").is_none()
        );
        assert!(HeaderName::new("X-Key").is_some() && HeaderName::new("X Key").is_none());
    }

    #[test]
    fn namespaces_follow_their_grammar() {
        for good in ["/a", "/metrics", "/A.b_c-1/d", "/..a"] {
            assert!(Namespace::new(good).is_some(), "{good}");
        }
        for bad in ["", "/", "a", "/a/", "//a", "/a//b", "/.", "/a/..", "/a b", "/a\\b", "/\u{e9}"] {
            assert!(Namespace::new(bad).is_none(), "{bad}");
        }
        assert!(Namespace::new(&alloc::format!("/{}", "a".repeat(254))).is_some());
        assert!(Namespace::new(&alloc::format!("/{}", "a".repeat(255))).is_none());
    }

    #[test]
    fn namespaces_overlap_by_segment() {
        let overlap = |a, b| {
            let (a, b) = (Namespace::new(a).expect("good"), Namespace::new(b).expect("good"));
            assert_eq!(a.overlaps(&b), b.overlaps(&a));
            a.overlaps(&b)
        };
        assert!(overlap("/a", "/a") && overlap("/a", "/a/b") && overlap("/a/b/c", "/a/b"));
        assert!(!overlap("/a", "/ab") && !overlap("/a/b", "/a/c") && !overlap("/a/b", "/b/a"));
    }

    #[test]
    fn urls_hold_no_secrets_and_no_surprises() {
        for good in
            ["https://api.example.com/v1?q=1", "http://127.0.0.1:8080", "http://[::1]:80/x", "https://a"]
        {
            assert!(Url::new(good).is_some(), "{good}");
        }
        for bad in [
            "ftp://a",
            "https://",
            "https://user:secret@a/",
            "https://a@b",
            "https://a b",
            "https://a/#x",
            "https://a:0",
            "https://a:65536",
            "https://a:+1",
            "https://a:",
            "file:///etc",
            "https://a\\b",
            "//a",
            "https://[::1",
            "https://[x]",
            "http:///x",
            "https://a/\n",
        ] {
            assert!(Url::new(bad).is_none(), "{bad}");
        }
    }
}
