//! What every request is held against before anything else looks at it.
//!
//! A page of any site may send requests to loopback, and a name that it controls may be made to mean loopback. So
//! the host must be one of ours, and the origin, where a browser names it, the host's own.

use crate::token::is_token;
use axum::http::{HeaderMap, Method, Uri, header};

/// Which server a request is for: each host name is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The desk.
    Desk,
    /// The frame with this ticket.
    Frame(String),
}

/// Where a request goes, or why nowhere.
pub fn judge(method: &Method, uri: &Uri, headers: &HeaderMap, port: u16) -> Result<Place, &'static str> {
    let host = only(headers, header::HOST)?.ok_or("a request names its host once")?;
    if uri.authority().is_some_and(|authority| authority.as_str() != host) {
        return Err("the request's target and its Host header disagree");
    }
    let place = place(host, port).ok_or("this host name is not the desk's")?;
    let origin = only(headers, header::ORIGIN)?;
    let site = only(headers, "sec-fetch-site")?;
    match place {
        Place::Desk => {
            if origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
                return Err("requests from other origins are refused");
            }
            let arrives = uri.path() == "/"
                && method == Method::GET
                && only(headers, "sec-fetch-mode")? == Some("navigate")
                && only(headers, "sec-fetch-dest")? == Some("document");
            if site.is_some_and(|site| site != "same-origin" && site != "none") && !arrives {
                return Err("requests from other sites are refused");
            }
            let changes = method != Method::GET && method != Method::HEAD;
            if changes && origin.is_none() {
                return Err("a change names its origin");
            }
        }
        Place::Frame(_) => {
            // Its pages have an opaque origin, which a browser writes so.
            if origin.is_some_and(|origin| origin != "null") {
                return Err("a frame's files are for the frame");
            }
            if method != Method::GET && method != Method::HEAD {
                return Err("a frame's files are only read");
            }
        }
    }
    Ok(place)
}

fn place(host: &str, port: u16) -> Option<Place> {
    let name = host.strip_suffix(&port.to_string())?.strip_suffix(':')?;
    match name {
        "127.0.0.1" | "localhost" => Some(Place::Desk),
        _ => {
            let ticket = name.strip_suffix(".localhost")?;
            is_token(ticket).then(|| Place::Frame(ticket.into()))
        }
    }
}

/// A header's value, if it is there once.
fn only(headers: &HeaderMap, name: impl header::AsHeaderName) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "a header is not ASCII"),
        _ => Err("a header is there twice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const TICKET: &str = "00112233445566778899aabbccddeeff";

    fn asked(method: &Method, target: &str, pairs: &[(&str, &str)]) -> Result<Place, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        judge(method, &target.parse().unwrap(), &headers, 7000)
    }

    #[test]
    fn hosts() {
        for host in ["127.0.0.1:7000", "localhost:7000"] {
            assert_eq!(asked(&Method::GET, "/", &[("host", host)]), Ok(Place::Desk), "{host}");
        }
        let frame = format!("{TICKET}.localhost:7000");
        assert_eq!(asked(&Method::GET, "/", &[("host", &frame)]), Ok(Place::Frame(TICKET.into())));
        let wrong = [
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:7001",
            "127.0.0.1:07000",
            "127.0.0.1:17000",
            "127.0.0.1:7000:7000",
            "127.0.0.1.:7000",
            "127.0.0.2:7000",
            "[::1]:7000",
            "0.0.0.0:7000",
            "2130706433:7000",
            "0x7f.1:7000",
            "LOCALHOST:7000",
            "evil.example:7000",
            "127.0.0.1.evil.example:7000",
            "localhost.evil.example:7000",
            "evil.localhost:7000",
            "user@127.0.0.1:7000",
            " 127.0.0.1:7000",
            "127.0.0.1:7000, evil.example",
            "00112233445566778899AABBCCDDEEFF.localhost:7000",
            "a.00112233445566778899aabbccddeeff.localhost:7000",
            "00112233445566778899aabbccddeeff.localhost.:7000",
            "é.localhost:7000",
        ];
        for host in wrong {
            assert!(asked(&Method::GET, "/", &[("host", host)]).is_err(), "{host}");
        }
        assert!(asked(&Method::GET, "/", &[]).is_err());
        let twice = [("host", "127.0.0.1:7000"), ("host", "127.0.0.1:7000")];
        assert!(asked(&Method::GET, "/", &twice).is_err());
        let host = [("host", "127.0.0.1:7000")];
        assert!(asked(&Method::GET, "http://evil.example/", &host).is_err());
        assert!(asked(&Method::GET, "http://127.0.0.1:7000/", &host).is_ok());
    }

    #[test]
    fn origins() {
        let with = |method: &Method, origin: &str| {
            let pairs = [("host", "127.0.0.1:7000"), ("origin", origin)];
            asked(method, "/api/state", &pairs)
        };
        for method in [Method::GET, Method::HEAD, Method::POST] {
            assert!(with(&method, "http://127.0.0.1:7000").is_ok());
            for origin in [
                "",
                "null",
                "http://localhost:7000",
                "http://127.0.0.1",
                "http://127.0.0.1:7001",
                "http://127.0.0.1:70000",
                "https://127.0.0.1:7000",
                "http://evil.example",
                "http://127.0.0.1:7000.evil.example",
                "http://127.0.0.1:7000/",
                "http://00112233445566778899aabbccddeeff.localhost:7000",
                "file://",
            ] {
                assert!(with(&method, origin).is_err(), "{method} {origin}");
            }
        }
    }

    #[test]
    fn changes() {
        let host = ("host", "127.0.0.1:7000");
        let origin = ("origin", "http://127.0.0.1:7000");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert!(asked(&method, "/api/actions", &[host]).is_err());
            assert!(asked(&method, "/api/actions", &[host, origin]).is_ok());
        }
    }

    #[test]
    fn sites() {
        let host = ("host", "127.0.0.1:7000");
        for (site, fine) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            for target in ["/api/state", "/desk.js", "/"] {
                let told = asked(&Method::GET, target, &[host, ("sec-fetch-site", site)]);
                assert_eq!(told.is_ok(), fine, "{site} {target}");
            }
            // A link on another site may lead here; without a session it shows nothing.
            let link = [
                host,
                ("sec-fetch-site", site),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ];
            assert!(asked(&Method::GET, "/?at=hall", &link).is_ok());
            assert_eq!(asked(&Method::GET, "/api/state", &link).is_ok(), fine);
            let framed = [link[0], link[1], link[2], ("sec-fetch-dest", "iframe")];
            assert_eq!(asked(&Method::GET, "/", &framed).is_ok(), fine);
        }
    }

    #[test]
    fn frames() {
        let host = format!("{TICKET}.localhost:7000");
        let with =
            |method: &Method, origin: &str| asked(method, "/app.js", &[("host", &host), ("origin", origin)]);
        assert!(with(&Method::GET, "null").is_ok());
        assert!(with(&Method::POST, "null").is_err());
        assert!(with(&Method::GET, "http://127.0.0.1:7000").is_err());
        assert!(with(&Method::GET, &format!("http://{host}")).is_err());
    }
}
