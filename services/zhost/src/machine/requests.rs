//! What a machine asks of services and models: made here, where the secrets are.

use super::Job;
use super::line::{Looker, SOON, live};
use crate::application::Application;
use crate::home::Home;
use crate::run::{Secrets, Sources, missing};
use services_zmesh_component::window::{Asked, Question, Seen};
use services_zrun::agents::Trouble;
use services_zrun::linux::Client;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

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
        let sources = Sources::read(application, &path, &home.certificates())?;
        for text in missing(application, &sources.secrets, &path) {
            tell(&text);
        }
        Ok(Self::of(sources, tell))
    }

    /// With these.
    pub fn of(Sources { records, secrets, certificates }: Sources, tell: Tell) -> Self {
        let client = Client::default();
        client.record(records);
        client.trust(&certificates);
        Self { client, secrets, tell }
    }

    /// Names of the secrets that there are.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    /// Makes requests, each in a thread, since a space waits for one at a time; what came of them goes to the line.
    pub(super) fn make(
        self: &Arc<Self>,
        asked: Vec<Asked>,
        jobs: &Sender<Job>,
        name: impl Fn(u32) -> String,
    ) {
        for one in asked {
            let (requests, jobs, space) = (Arc::clone(self), jobs.clone(), name(one.space));
            thread::spawn(move || {
                let question = requests.answer(one, &space);
                // Nobody waits for the line's answer. A machine that has ended has nobody who waits for this one.
                let _ = jobs.send(Job::Ask { question, answer: mpsc::channel().0 });
            });
        }
    }

    fn answer(&self, asked: Asked, space: &str) -> Question {
        let Asked { number, request, .. } = asked;
        let outcome = request.with_secrets(&self.secrets).ok_or(Trouble::Broken);
        let tell = |says: &str| (self.tell)(&format!("{space}: {says}"));
        let outcome = outcome.and_then(|request| self.client.ask(&request, &tell));
        Question::Answered { number, outcome }
    }
}

/// Answers a machine of which nothing else is to be seen, as long as it is kept.
pub struct Answering {
    requests: Arc<Requests>,
    jobs: Sender<Job>,
    name: String,
}

impl Answering {
    /// Whatever the one space of that name asks over the line that comes.
    pub fn begin(requests: Requests, name: &str, line: Receiver<UnixStream>) -> Arc<Self> {
        let (jobs, asked) = mpsc::channel();
        let answering = Arc::new(Self { requests: Arc::new(requests), jobs, name: name.to_owned() });
        let looker = Arc::downgrade(&answering);
        thread::spawn(move || {
            // A line that ends is the machine's end, which others tell.
            let _ = line.recv().map(|stream| live(&looker, stream, &asked));
        });
        answering
    }
}

impl Looker for Answering {
    fn look(&self, _: bool) -> Question {
        Question::Look { counts: false, shown: Vec::new() }
    }

    fn pause(&self) -> Duration {
        // A guest that is alone has nothing else to be looked for.
        SOON
    }

    fn saw(&self, seen: Seen) -> Vec<u64> {
        self.requests.make(seen.asked, &self.jobs, |_| self.name.clone());
        Vec::new()
    }
}
