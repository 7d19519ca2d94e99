//! Requests by `https` to servers of this machine, whose certificates are as they should be, or are not.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

#[path = "tls/server.rs"]
mod server;

use sci::guest::ErrorCode;
use server::Authority;
use services_topology::name::{Name, Url};
use services_topology::place::{Located, Place};
use services_topology::space::{Method, Service, ServiceLimits};
use services_zrun::agents::{Book, Own};
use services_zrun::linux::{CertificateError, Certificates, Ledger, Runner};
use services_zrun::{Agents as _, Kind};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nsafe!";

/// What is said of requests.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Ledger for Heard {
    fn keep(&self, _: &Book) -> Result<(), ErrorCode> {
        Ok(())
    }

    fn trouble(&self, _: u32, says: &str) {
        self.0.lock().unwrap().push(says.to_owned());
    }
}

/// What a service at a URL answers whoever trusts these certificates, and what is said of it.
fn ask(url: &str, certificates: &Certificates) -> (Result<String, ErrorCode>, String) {
    let service = Service {
        name: Located::new(Name::new("forecast").unwrap(), Place::whole("space.yaml")),
        url: Url::new(url).unwrap(),
        methods: vec![Method::Get],
        headers: Vec::new(),
        key: None,
        limits: ServiceLimits { response_bytes: 64, timeout_milliseconds: 500, ..ServiceLimits::default() },
    };
    let heard = Heard::default();
    let runner = Runner::with_ledger(Book::default(), Box::new(|| 0), None, Some(Box::new(heard.clone())));
    runner.trust(certificates);
    let mut invoker = runner.for_space(1, Own { services: vec![service], ..Own::default() });
    let result = invoker.invoke(Kind::Function, "forecast", b"");
    let said = heard.0.lock().unwrap().join("\n");
    (result.map(|body| String::from_utf8(body).unwrap()), said)
}

fn trusted(authority: &Authority) -> Certificates {
    Certificates::read(authority.pem().as_bytes()).unwrap()
}

#[test]
fn a_server_whose_issuer_is_trusted_answers() {
    let authority = Authority::new();
    let port = authority.serve("localhost", 4000, OK).port();
    let (result, said) = ask(&format!("https://localhost:{port}/v1"), &trusted(&authority));
    assert_eq!((result, said.as_str()), (Ok("safe!".to_owned()), ""));
}

#[test]
fn a_certificate_that_is_not_good_ends_the_request_and_says_why() {
    let authority = Authority::new();
    let port = |name, until| authority.serve(name, until, OK).port();
    let own = trusted(&authority);
    let local = port("localhost", 4000);
    let cases = [
        (format!("https://localhost:{local}/"), Certificates::default(), "$SPACE_HOME/certificates.pem"),
        (
            format!("https://localhost:{local}/"),
            trusted(&Authority::new()),
            "issuer that is not trusted here",
        ),
        (format!("https://127.0.0.1:{local}/"), own.clone(), "for another name"),
        (format!("https://localhost:{}/", port("elsewhere.example", 4000)), own.clone(), "for another name"),
        (format!("https://localhost:{}/", port("localhost", 2001)), own.clone(), "has expired"),
        (format!("http://localhost:{local}/"), own, "write `https://`"),
    ];
    for (url, certificates, expected) in cases {
        let (result, said) = ask(&url, &certificates);
        assert_eq!(result, Err(ErrorCode::Io), "{url}");
        assert!(said.starts_with(&format!("GET {url}: ")) && said.contains(expected), "{url}: {said}");
    }
}

#[test]
fn limits_and_times_hold_as_without_tls() {
    const LARGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n\
                           01234567890123456789012345678901234567890123456789012345678901234";
    let authority = Authority::new();
    let own = trusted(&authority);
    let port = authority.serve("localhost", 4000, LARGE).port();
    assert_eq!(ask(&format!("https://localhost:{port}/"), &own).0, Err(ErrorCode::TooLarge));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (result, said) = ask(&format!("https://localhost:{}/", silent.local_addr().unwrap().port()), &own);
    assert_eq!(result, Err(ErrorCode::Io));
    assert!(said.ends_with("it took too long"), "{said}");
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", plain.local_addr().unwrap().port());
    thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let (result, said) = ask(&url, &Certificates::default());
    assert_eq!(result, Err(ErrorCode::Io));
    assert!(said.contains("write `http://`"), "{said}");
}

#[test]
fn a_file_of_certificates_has_nothing_but_certificates() {
    let pem = Authority::new().pem();
    assert_eq!(
        Certificates::read(format!("# ours\n{pem}").as_bytes()).unwrap(),
        Certificates::read(pem.as_bytes()).unwrap()
    );
    assert!(matches!(Certificates::read(b"ours"), Err(CertificateError::Empty)));
    let cut = pem.replace("-----END CERTIFICATE-----", "");
    assert!(matches!(Certificates::read(cut.as_bytes()), Err(CertificateError::Pem(_))));
    let other = format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(matches!(Certificates::read(other.as_bytes()), Err(CertificateError::Certificate(2, _))));
}
