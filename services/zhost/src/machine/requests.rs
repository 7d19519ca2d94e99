//! What a machine asks of services and models: made here, where the secrets are.

use crate::application::Application;
use crate::home::Home;
use crate::run::{Secrets, Sources, missing};
use services_zmesh_component::window::{Asked, Question};
use services_zrun::agents::Trouble;
use services_zrun::linux::Client;

/// Bytes that are told of a request.
const TOLD_BYTES_MAX: usize = 4096;

/// Hears what only an operator can mend: no secret is in it.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// Makes the requests of an application that runs on a machine of its own.
pub struct Requests {
    client: Client,
    secrets: Secrets,
    tell: Tell,
}

impl Requests {
    /// With the answers that the application brings, and the secrets of whoever runs it.
    pub fn new(application: &Application, home: &Home, tell: Tell) -> Result<Self, String> {
        let path = home.secrets();
        let Sources { records, secrets, certificates } =
            Sources::read(application, &path, &home.certificates())?;
        for text in missing(application, &secrets, &path) {
            tell(&text);
        }
        let client = Client::default();
        client.record(records);
        client.trust(&certificates);
        Ok(Self { client, secrets, tell })
    }

    /// Names of the secrets that there are.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    /// Makes a request for a space: what the machine is told of it.
    pub(super) fn make(&self, asked: Asked, space: &str) -> Question {
        let Asked { number, request, .. } = asked;
        let outcome = request.with_secrets(&self.secrets).ok_or(Trouble::Broken);
        let tell = |says: &str| {
            let cut = &says[..says.floor_char_boundary(TOLD_BYTES_MAX)];
            (self.tell)(&format!("{space}: {cut}"));
        };
        let outcome = outcome.and_then(|request| self.client.ask(&request, &tell));
        Question::Answered { number, outcome }
    }
}
