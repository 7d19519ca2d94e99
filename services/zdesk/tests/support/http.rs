//! HTTP with every byte in the test's hands.

use super::fake::Fake;
use serde_json::Value;
use services_zdesk::{Desk, serve};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A desk over a source in memory.
pub fn desk() -> (Desk, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    (serve(listener, Arc::clone(&fake) as _).expect("the desk serves"), fake)
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends bytes and reads until the connection ends.
pub fn raw(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the desk listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    // What is refused early is not read to its end.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start();
    }
    whole
}

/// A browser without a screen: one session.
pub struct Browser {
    pub address: SocketAddr,
    pub cookie: String,
    pub key: String,
}

impl Browser {
    /// Uses a new ticket.
    pub fn new(desk: &Desk) -> Self {
        let url = desk.url().expect("a ticket can be made");
        let path =
            url.split_once("/?").map(|(_, query)| format!("/?{query}")).expect("the ticket is in the query");
        let answer = get(desk.address(), &path, &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.header("set-cookie").expect("a session begins");
        let cookie = cookie.split_once(';').map_or(cookie, |(pair, _)| pair);
        let key = answer.body.split_once("name=\"key\" content=\"").expect("the page brings a key").1;
        let key = key.split_once('"').map_or(key, |(key, _)| key);
        Self { address: desk.address(), cookie: cookie.into(), key: key.into() }
    }

    pub fn get(&self, path: &str) -> Answer {
        get(self.address, path, &[("Cookie", &self.cookie), ("X-Space-Desk", &self.key)])
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let origin = format!("http://{}", self.address);
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("Origin", &origin),
            ("X-Space-Desk", &self.key),
            ("Content-Type", "application/json"),
        ];
        send(self.address, "POST", path, &headers, &body.to_string())
    }

    /// Opens a stream and leaves it open.
    pub fn stream(&self, path: &str) -> Stream {
        let mut stream = TcpStream::connect(self.address).expect("the desk listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
        let own = format!("Cookie: {}\r\nX-Space-Desk: {}", self.cookie, self.key);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{own}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("the desk reads");
        Stream { stream, seen: String::new() }
    }
}

/// A stream of events.
pub struct Stream {
    stream: TcpStream,
    seen: String,
}

impl Stream {
    /// Reads until the text is there.
    pub fn until(&mut self, wanted: &str) -> &str {
        let mut bytes = [0; 16 * 1024];
        while !self.seen.contains(wanted) {
            let length = self.stream.read(&mut bytes).unwrap_or(0);
            assert_ne!(length, 0, "no `{wanted}` in: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        &self.seen
    }
}

pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, "GET", path, headers, "")
}

/// A request with the right Host, unless it names one.
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("host")) {
        request.extend(["Host: ", &address.to_string(), "\r\n"]);
    }
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    raw(address, format!("{request}\r\n{body}").as_bytes())
}
