//! Requests by HTTP, and by TLS where the URL says `https`: whoever answers has a certificate for the URL's name, of an
//! issuer that is trusted. What is recorded is answered without.

use super::recorded::{Records, request_hash};
use crate::agents::{Answer, Outcome, Request, Trouble};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{CertificateError as Distrust, RootCertStore};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::http;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

/// Certificates of issuers that are trusted beside the public ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates(Vec<CertificateDer<'static>>);

/// Why a text has no certificates of issuers.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It is no PEM.
    #[error("it is no PEM: {0}")]
    Pem(pem::Error),
    /// No section of it is a certificate.
    #[error("it has no section `-----BEGIN CERTIFICATE-----`")]
    Empty,
    /// This one can be no issuer's, counted from 1.
    #[error("certificate {0} is no X.509 certificate: {1}")]
    Certificate(usize, rustls::Error),
}

impl Certificates {
    /// Of a text in PEM; its other sections count for nothing.
    pub fn read(text: &[u8]) -> Result<Self, CertificateError> {
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(CertificateError::Pem)?;
        if certificates.is_empty() {
            return Err(CertificateError::Empty);
        }
        let mut store = RootCertStore::empty();
        for (number, certificate) in certificates.iter().enumerate() {
            let added = store.add(certificate.clone());
            added.map_err(|error| CertificateError::Certificate(number + 1, error))?;
        }
        Ok(Self(certificates))
    }
}

/// The host whose answers are recorded: no machine can have the name.
const RECORDED: &str = "http://recorded.invalid";

/// What makes requests.
#[derive(Debug)]
pub struct Client {
    exchange: Mutex<Exchange>,
    records: Mutex<Records>,
}

impl Default for Client {
    fn default() -> Self {
        Self { exchange: Mutex::new(Exchange::new(&Certificates::default())), records: Mutex::default() }
    }
}

impl Client {
    /// Answers what is asked of `http://recorded.invalid` from these from now on.
    pub fn record(&self, records: Records) {
        *self.records.lock().unwrap_or_else(PoisonError::into_inner) = records;
    }

    /// Trusts these issuers, beside the public ones, from now on.
    pub fn trust(&self, certificates: &Certificates) {
        *self.exchange.lock().unwrap_or_else(PoisonError::into_inner) = Exchange::new(certificates);
    }

    /// Makes a request, and tells what only an operator can mend.
    pub fn ask(&self, request: &Request, trouble: &dyn Fn(&str)) -> Outcome {
        if let Some(path) = request.url.strip_prefix(RECORDED).filter(|path| path.starts_with('/')) {
            return self.recorded(request, path, trouble);
        }
        let end = Instant::now() + Duration::from_millis(request.timeout_milliseconds);
        let exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whatever a request is told that came to nothing: past its time, it took too long.
        let late = |broken| if Instant::now() >= end { Trouble::TimedOut } else { broken };
        let outcome = exchange.make(request).map_err(late);
        if let Err(broken) = outcome {
            trouble(&format!("{} {}: {broken}", request.method, request.url));
        }
        outcome
    }

    /// As the recorded responder answers, without a way through the network.
    fn recorded(&self, request: &Request, path: &str, trouble: &dyn Fn(&str)) -> Outcome {
        let body = request.body.as_deref().unwrap_or_default();
        let hash = request_hash(request.method, path, body);
        let answer = self.records.lock().unwrap_or_else(PoisonError::into_inner).answer(&hash);
        let Some((status, body)) = answer else {
            let asked = String::from_utf8_lossy(body);
            trouble(&format!("no answer is recorded for {} {path} {asked}", request.method));
            return Ok(Answer { status: 404, retry_after: None, body: Vec::new() });
        };
        match status {
            200..=299 if body.len() as u64 > request.answer_bytes => Err(Trouble::TooLarge),
            200..=299 => Ok(Answer { status, retry_after: None, body }),
            _ => Ok(Answer { status, retry_after: None, body: Vec::new() }),
        }
    }
}

/// A way through the network.
#[derive(Clone, Debug)]
struct Exchange(ureq::Agent);

impl Exchange {
    /// Trusts the public issuers and these.
    fn new(own: &Certificates) -> Self {
        let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let public = public.map(|certificate| Certificate::from_der(certificate));
        let own = own.0.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
        let roots: Vec<_> = public.chain(own).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            // One that is kept may be closed just when it is used again, which would cost a try.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .user_agent("space")
            .tls_config(tls)
            .build();
        Self(config.new_agent())
    }

    /// Makes a request and waits for its answer.
    fn make(&self, request: &Request) -> Outcome {
        let timeout = Duration::from_millis(request.timeout_milliseconds);
        let mut made = http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            made = made.header(name, value);
        }
        let client = &self.0;
        let response = match &request.body {
            Some(body) => {
                let made = made.body(body.as_slice()).map_err(|_| Trouble::Broken)?;
                client.run(client.configure_request(made).timeout_global(Some(timeout)).build())
            }
            None => {
                let made = made.body(()).map_err(|_| Trouble::Broken)?;
                client.run(client.configure_request(made).timeout_global(Some(timeout)).build())
            }
        };
        let mut response = response.map_err(|error| trouble(&error))?;
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let (status, most) = (response.status(), request.answer_bytes);
        let mut body = Vec::new();
        if !status.is_success() {
            // Its body says nothing that anyone acts on, and may be of any size.
            return Ok(Answer { status: status.as_u16(), retry_after, body });
        }
        response.body_mut().as_reader().take(most + 1).read_to_end(&mut body).map_err(|_| Trouble::Broken)?;
        if body.len() as u64 > most {
            return Err(Trouble::TooLarge);
        }
        Ok(Answer { status: status.as_u16(), retry_after, body })
    }
}

/// What an error is for whoever can mend it.
fn trouble(error: &ureq::Error) -> Trouble {
    let tls = match error {
        ureq::Error::Rustls(error) => error,
        // What fails within a handshake comes as an error of its reads and writes.
        ureq::Error::Io(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(error) => error,
            None => return Trouble::Broken,
        },
        ureq::Error::Protocol(_) => return Trouble::NoHttp,
        _ => return Trouble::Broken,
    };
    match tls {
        rustls::Error::InvalidCertificate(distrust) => match distrust {
            // An issuer of the same name has another key.
            Distrust::UnknownIssuer | Distrust::BadSignature => Trouble::UnknownIssuer,
            Distrust::NotValidForName | Distrust::NotValidForNameContext { .. } => Trouble::OtherName,
            Distrust::Expired
            | Distrust::ExpiredContext { .. }
            | Distrust::NotValidYet
            | Distrust::NotValidYetContext { .. } => Trouble::Expired,
            _ => Trouble::BadCertificate,
        },
        rustls::Error::NoCertificatesPresented => Trouble::BadCertificate,
        _ => Trouble::NoTls,
    }
}
