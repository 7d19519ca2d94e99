//! The agents of a topology: what they may spend, what answers for them, and functions that spaces carry out.

use super::house::House;
use super::{Run, Ways, milliseconds};
use crate::application::Application;
use crate::book::Book as Log;
use sci::guest::ErrorCode;
use serde::{Deserialize, Serialize};
use services_topology::agent::{AgentBody, Model};
use services_topology::name::{Name, Secret};
use services_zmesh::{Emitted, Instance};
use services_zrun::Kind;
use services_zrun::agents::{Book, Own, Spent};
use services_zrun::linux::{Callee, Certificates, Done, Embedder, Ledger, Records, Runner};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// How long a space may take for a function.
pub const FUNCTION_TIME: Duration = Duration::from_mins(1);
/// What was spent.
const BUDGETS: &str = "budgets.json";
/// A space's file of recorded answers.
pub const ANSWERS: &str = "assets/answers.jsonl";

/// Spaces by the numbers that the agents know them by: the same in each of their starts.
#[derive(Default)]
struct Names(Mutex<Vec<String>>);

impl Names {
    fn number(&self, space: &str) -> u32 {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = names.iter().position(|name| name == space);
        let at = found.unwrap_or_else(|| {
            names.push(space.to_owned());
            names.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn name(&self, number: u32) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(number as usize).cloned().unwrap_or_default()
    }
}

/// What was spent on a model, in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The space, if the model is its own.
    space: Option<String>,
    model: String,
    spent: Spent,
}

/// The file of what was spent.
struct Budgets {
    path: PathBuf,
    names: Arc<Names>,
    log: Arc<Log>,
    /// What it holds.
    last: Mutex<Vec<u8>>,
    is_over: Arc<AtomicBool>,
}

impl Budgets {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

impl Ledger for Budgets {
    fn keep(&self, book: &Book) -> Result<(), ErrorCode> {
        if self.is_over.load(Ordering::Acquire) {
            return Err(ErrorCode::Closed);
        }
        let entry = |(space, model, spent): (Option<u32>, &str, Spent)| Entry {
            space: space.map(|number| self.names.name(number)),
            model: model.to_owned(),
            spent,
        };
        let entries: Vec<Entry> = book.all_spent().map(entry).collect();
        let bytes = serde_json::to_vec(&entries).map_err(|_| ErrorCode::Io)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != bytes {
            self.write(&bytes).map_err(|error| {
                let path = self.path.display();
                self.log.event(
                    "",
                    &format!("what models cost cannot be kept, so none is asked: {path}: {error}"),
                );
                ErrorCode::Io
            })?;
            *last = bytes;
        }
        Ok(())
    }

    fn trouble(&self, space: u32, says: &str) {
        self.log.event(&self.names.name(space), says);
    }
}

/// Secrets by their names.
pub type Secrets = BTreeMap<String, String>;

/// What an application's requests are made and answered with.
pub struct Sources {
    /// Its answers that are recorded.
    pub records: Records,
    /// The secrets that there are.
    pub secrets: Secrets,
    /// Issuers that are trusted beside the public ones.
    pub certificates: Certificates,
}

impl Sources {
    /// The answers of an application, and what these files hold.
    pub fn read(
        application: &Application,
        secrets_file: &Path,
        certificates_file: &Path,
    ) -> Result<Self, String> {
        let mut answers = String::new();
        for (space, content) in &application.contents {
            let text = String::from_utf8_lossy(&content.answers);
            Records::read(&text).map_err(|error| format!("`{space}`: {ANSWERS}: {error}"))?;
            answers.push_str(&text);
            answers.push('\n');
        }
        let records = Records::read(&answers).map_err(|error| error.to_string())?;
        let (secrets, certificates) = (secrets(secrets_file)?, certificates(certificates_file)?);
        Ok(Self { records, secrets, certificates })
    }
}

/// The agents of a topology.
pub struct Agents {
    runner: Runner,
    names: Arc<Names>,
    log: Arc<Log>,
    /// Where the secrets are, and the certificates of issuers.
    secrets: PathBuf,
    certificates: PathBuf,
    is_over: Arc<AtomicBool>,
    run: Arc<OnceLock<Weak<Run>>>,
}

impl Agents {
    /// Of a topology whose state is in a folder.
    pub fn new(folder: &Path, ways: &Ways, log: &Arc<Log>) -> Result<Self, String> {
        let names = Arc::new(Names::default());
        let path = folder.join(BUDGETS);
        let (mut book, last) = (Book::default(), read(&path)?);
        let entries: Vec<Entry> = match last.as_slice() {
            [] => Vec::new(),
            bytes => serde_json::from_slice(bytes).map_err(|error| {
                format!("{}: {error}: it says what was spent today; remove it to begin anew", path.display())
            })?,
        };
        for Entry { space, model, spent } in entries {
            book.go_on_with(space.map(|space| names.number(&space)), &model, spent);
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let budgets = Budgets {
            path,
            names: Arc::clone(&names),
            log: Arc::clone(log),
            last: Mutex::new(last),
            is_over: Arc::clone(&is_over),
        };
        let run = Arc::default();
        let callee = Functions { run: Arc::clone(&run), names: Arc::clone(&names) };
        let runner = Runner::with_ledger(
            book,
            Box::new(milliseconds),
            Some(Box::new(callee)),
            Some(Box::new(budgets)),
        );
        let (secrets, certificates) = (ways.secrets.clone(), ways.certificates.clone());
        Ok(Self { runner, names, log: Arc::clone(log), secrets, certificates, is_over, run })
    }

    /// Functions are carried out by the spaces of a run from now on.
    pub fn belong_to(&self, run: &Arc<Run>) {
        self.run.get_or_init(|| Arc::downgrade(run));
    }

    /// What an application is answered from.
    pub fn read(&self, application: &Application) -> Result<Sources, String> {
        Sources::read(application, &self.secrets, &self.certificates)
    }

    /// Takes what the topology is from now on.
    pub fn declare(&self, application: &Application) -> Result<(), String> {
        let Sources { records, secrets, certificates } = self.read(application)?;
        for text in missing(application, &secrets, &self.secrets) {
            self.log.event("", &text);
        }
        let agents = &application.graph.agents;
        let agents = agents.iter().map(|(name, body)| (name.to_string(), body.clone()));
        self.runner.change(|book| book.declare(agents, secrets));
        self.runner.record(records);
        self.runner.trust(&certificates);
        Ok(())
    }

    /// A space begins that has this of its own.
    pub fn join(&self, space: &str, application: &Application) {
        let own = application.contents.get(space).map(|content| content.own.clone()).unwrap_or_default();
        self.runner.change(|book| book.join(self.names.number(space), own));
    }

    /// Invokes an agent for a space, in a thread.
    pub fn start(&self, space: &str, kind: Kind, name: &str, input: &[u8], done: Done) {
        self.runner.start(self.names.number(space), kind, name, input, done);
    }

    /// What tells a space's cache what texts mean, if it has such.
    pub fn embedder(&self, space: &str) -> Option<Embedder> {
        self.runner.embedder(self.names.number(space))
    }

    /// What was spent on a model of the topology today.
    pub fn spent(&self, model: &str) -> Spent {
        self.runner.spent(model)
    }

    /// Spends no more.
    pub fn end(&self) {
        // Whoever keeps what was spent has done so, or does it no more.
        self.runner.change(|_| self.is_over.store(true, Ordering::Release));
    }
}

/// What is said of each secret that an application names and nobody has.
pub fn missing(application: &Application, secrets: &Secrets, path: &Path) -> Vec<String> {
    let own = application.contents.values().map(|content| &content.own);
    missing_of(application.graph.agents.values(), own, secrets, path)
}

/// The same, of these agents, and what spaces have of their own.
pub fn missing_of<'a>(
    agents: impl Iterator<Item = &'a AgentBody<Name>>,
    own: impl Iterator<Item = &'a Own>,
    secrets: &Secrets,
    path: &Path,
) -> Vec<String> {
    let needed = needed(agents, own);
    let missing = needed.iter().filter(|secret| !secrets.contains_key(secret.as_str()));
    let path = path.display();
    missing
        .map(|secret| {
            format!("the secret `{secret}` is missing, so what needs it is denied: put it into {path}")
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| format!("{}: {error}", path.display())),
    }
}

/// The secrets of a file; none where there is none.
pub fn secrets(path: &Path) -> Result<Secrets, String> {
    let text = read(path)?;
    if text.is_empty() {
        return Ok(Secrets::new());
    }
    let mode =
        fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("{} can be read by others: `chmod 600` it", path.display()));
    }
    // What is wrong with it is not repeated: it could be a secret.
    serde_json::from_slice(&text).map_err(|error| {
        let (path, line) = (path.display(), error.line());
        format!(
            "{path}, line {line}: it is no JSON object of names and texts, as docs/agents.md describes it"
        )
    })
}

/// The certificates of issuers.
pub fn certificates(path: &Path) -> Result<Certificates, String> {
    let text = read(path)?;
    if text.is_empty() {
        return Ok(Certificates::default());
    }
    Certificates::read(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The secrets that an application names.
fn needed<'a>(
    agents: impl Iterator<Item = &'a AgentBody<Name>>,
    own: impl Iterator<Item = &'a Own>,
) -> BTreeSet<Secret> {
    let key_of = |model: &Model| model.key.clone();
    let models = agents.filter_map(|body| match body {
        AgentBody::Model(model) => key_of(model),
        _ => None,
    });
    let own = own.flat_map(|own| {
        let services = own.services.iter().filter_map(|service| service.key.clone());
        let model = own.model.iter().map(|(_, model)| model);
        let models = model.chain(own.embedding.iter().map(|embedding| &embedding.model));
        services.map(|(secret, _)| secret).chain(models.filter_map(key_of))
    });
    models.chain(own).collect()
}

/// Has spaces of a run carry functions out.
struct Functions {
    run: Arc<OnceLock<Weak<Run>>>,
    names: Arc<Names>,
}

impl Callee for Functions {
    fn call(&self, from: u32, space: &str, function: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        let run = || self.run.get().and_then(Weak::upgrade).ok_or(ErrorCode::Closed);
        if self.names.name(from) == space {
            run()?
                .book()
                .event(space, &format!("it invokes `{function}`, which it would have to carry out itself"));
            return Err(ErrorCode::Invalid);
        }
        let (number, result) = {
            let run = run()?;
            run.house().carry_out(&run, function, input)?
        };
        result.recv_timeout(FUNCTION_TIME).map_err(|error| match error {
            RecvTimeoutError::Disconnected => ErrorCode::Closed,
            RecvTimeoutError::Timeout => {
                if let Ok(run) = run() {
                    run.house().calls.waiting.remove(&number);
                    run.book().event(space, &format!("it did not answer in time as `{function}`"));
                }
                ErrorCode::Io
            }
        })
    }
}

/// Functions that are being carried out.
#[derive(Default)]
pub struct Calls {
    /// The machine among the spaces: which start of it sends.
    instance: Option<u64>,
    /// Who waits for the result of which function, by the numbers of the messages.
    waiting: BTreeMap<u64, (String, Sender<Vec<u8>>)>,
}

impl House {
    /// Sends and answers for whoever invokes functions, if there are any; who waits for one that is gone learns it.
    pub fn take_calls(&mut self, run: &Run, functions: &BTreeSet<&str>) {
        self.calls.waiting.retain(|_, (function, _)| functions.contains(function.as_str()));
        if functions.is_empty() {
            self.calls = Calls::default();
        } else if self.calls.instance.is_none() {
            self.calls.instance = self.start_end(run, &run.end);
        }
    }

    /// Has the space of a function carry it out: the message's number, and where its answer comes.
    fn carry_out(
        &mut self,
        run: &Run,
        function: &str,
        input: &[u8],
    ) -> Result<(u64, Receiver<Vec<u8>>), ErrorCode> {
        let number = self.calls.instance.ok_or(ErrorCode::Closed)?;
        let sent = self.mesh.emit(Instance { space: &run.end, number }, function, input, run.now());
        let Emitted::Accepted(id) = sent.map_err(|error| error.code())? else {
            return Err(ErrorCode::WouldBlock);
        };
        let (sender, result) = mpsc::channel();
        self.calls.waiting.insert(id.number, (function.to_owned(), sender));
        self.deliver(run);
        Ok((id.number, result))
    }

    /// Gives results to whoever waits for them.
    pub fn take_results(&mut self, run: &Run) {
        let Some(number) = self.calls.instance else { return };
        for message in self.take_at(run, Instance { space: &run.end, number }) {
            let waiting = message.answers.and_then(|id| self.calls.waiting.remove(&id.number));
            if let Some((_, sender)) = waiting {
                // Whoever waits no longer wants none.
                let _ = sender.send(message.body.to_vec());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_their_owners_and_never_repeated() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        assert_eq!(secrets(&path), Ok(Secrets::new()));
        let write = |text: &str, mode| {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        };
        write(r#"{"models": "sesame"}"#, 0o600);
        assert_eq!(secrets(&path), Ok([("models".to_owned(), "sesame".to_owned())].into()));
        write(r#"{"models": "sesame"}"#, 0o644);
        assert!(secrets(&path).is_err_and(|error| error.ends_with("can be read by others: `chmod 600` it")));
        write("{\n\"models\": sesame}", 0o600);
        let error = secrets(&path).expect_err("no JSON");
        assert!(
            error.contains("secrets.json, line 2: it is no JSON") && !error.contains("sesame"),
            "{error}"
        );
    }
}
