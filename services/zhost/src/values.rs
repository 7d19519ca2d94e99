//! What spaces store, and their intelligence caches: served in a thread of its own, since what is stored is on the disk before it is answered.

mod pace;

use pace::{Pace, SHARE};
use rustix::time::{ClockId, clock_gettime};
use sci::guest::ErrorCode;
use services_zrun::linux::{Disk, DiskError, Embedder, Kept, Orders};
use services_zrun::remote::{Concern, Server, concerns, is_beyond};
use services_zrun::{Cache, Counts, InMemory, Store, StoreError, Vector};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::book::Book;
use crate::descriptors::{self, explained};

/// A request of a space.
pub struct Ask {
    /// The space.
    pub space: String,
    /// Its number in its process.
    pub number: u32,
    /// What it may ask.
    pub server: Server,
    /// The request.
    pub request: Vec<u8>,
    /// The way to answer.
    pub orders: Orders,
    /// Thousandths of a processor that it states.
    pub share: Option<u32>,
    /// Bytes that it may store.
    pub quota: u64,
    /// Whether it ends when it wants to store more.
    pub is_strict: bool,
    /// Tells who ends it.
    pub nudge: Sender<()>,
    /// Whether what it stores is gone when it stops: its start's number.
    pub ephemeral: Option<u64>,
    /// What tells its cache what keys mean, until it was asked.
    pub embedder: Option<Embedder>,
}

/// What the thread does next.
enum Work {
    /// Serves a request.
    Serve(Ask),
    /// Serves a request of a cache, of whose key was told what it means, or why not.
    Go(Ask, Result<Vector, ErrorCode>),
}

impl Work {
    fn ask(&self) -> &Ask {
        match self {
            Self::Serve(ask) | Self::Go(ask, _) => ask,
        }
    }
}

/// What is to be done, in order, but for spaces that wait for their share.
struct Queue {
    receiver: Receiver<Work>,
    /// What waits, and until when: one for each space at most, since a space waits for its reply.
    waiting: Vec<(Instant, Work)>,
    pace: Pace,
}

impl Queue {
    /// What is to be done next, when it is time to; nothing when nobody asks any more.
    fn next(&mut self, book: &Book) -> Option<Work> {
        loop {
            let first = self.waiting.iter().enumerate().min_by_key(|(_, (due, _))| *due);
            let work = match first.map(|(at, (due, _))| (at, due.saturating_duration_since(Instant::now()))) {
                None => self.receiver.recv().ok()?,
                Some((at, Duration::ZERO)) => self.waiting.swap_remove(at).1,
                Some((_, left)) => match self.receiver.recv_timeout(left) {
                    Ok(work) => work,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return None,
                },
            };
            let Ask { space, number, share, .. } = work.ask();
            // Whose next start asks has ended, and was told nothing.
            self.waiting.retain(|(_, waits)| waits.ask().space != *space);
            let share = share.unwrap_or(0).max(SHARE);
            let Some(due) = self.pace.due(space, share, Instant::now()) else { return Some(work) };
            if self.pace.tells(space, *number) {
                let says = format!(
                    "it stores so much that others go first: it has {share} thousandths of a processor for that, and                      more where it states more as `cpu`"
                );
                book.event(space, &says);
            }
            self.waiting.push((due, work));
        }
    }
}

/// The way to the thread, until it ends.
type Way = Arc<Mutex<Option<Sender<Work>>>>;

/// Spaces that wanted to store more than they may, by their numbers, and what they wanted.
type Beyond = Arc<Mutex<Vec<(u32, String)>>>;

/// The stores of a topology's spaces.
pub struct Values {
    way: Way,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// What the caches did, by space.
    counts: Arc<Mutex<BTreeMap<String, Counts>>>,
    beyond: Beyond,
}

impl Values {
    /// Of spaces whose files are in the folder of their application.
    pub fn new(folder: &Path, book: Arc<Book>) -> Self {
        let (sender, receiver) = mpsc::channel();
        let way = Way::new(Mutex::new(Some(sender)));
        let counts: Arc<Mutex<BTreeMap<String, Counts>>> = Arc::default();
        let beyond = Beyond::default();
        let (folder, counted, found) = (folder.to_owned(), Arc::clone(&counts), Arc::clone(&beyond));
        let back = Arc::clone(&way);
        let thread = thread::spawn(move || {
            let (stores, caches) = (BTreeMap::new(), BTreeMap::new());
            let (closed, blind) = (BTreeSet::new(), BTreeSet::new());
            let mut shelf = Shelf { folder, stores, closed, caches, blind, book };
            let mut queue = Queue { receiver, waiting: Vec::new(), pace: Pace::default() };
            while let Some(work) = queue.next(&shelf.book) {
                let (space, began) = (work.ask().space.clone(), worked());
                let (mut ask, told) = match work {
                    Work::Serve(ask) => (ask, None),
                    Work::Go(ask, told) => (ask, Some(told)),
                };
                let reply = if concerns(&ask.request) == Concern::Cache {
                    if let Some(told) = told {
                        shelf.learn(&ask, told);
                    } else if let Some(embedder) = shelf.needs_embedding(&mut ask) {
                        embed(&embedder, ask, Arc::clone(&back));
                        continue;
                    }
                    let reply = shelf.serve_cache(&ask);
                    let counts = shelf.caches.get(&ask.space).and_then(Option::as_ref).map(Kept::counts);
                    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                    counted.insert(ask.space, counts.unwrap_or_default());
                    reply
                } else {
                    match shelf.of(&ask) {
                        Some(store) => ask.server.serve_values(&ask.request, store),
                        None => ask.server.serve_values(&ask.request, &mut Closed),
                    }
                };
                if ask.is_strict && is_beyond(&reply) {
                    // It waits for a reply until it is ended.
                    let reason = format!(
                        "it would store more than the {} bytes that it may [quota-storage]",
                        ask.quota
                    );
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((ask.number, reason));
                    let _ = ask.nudge.send(());
                } else {
                    ask.orders.reply(ask.number, &reply);
                }
                queue.pace.charge(&space, worked().saturating_sub(began), Instant::now());
            }
        });
        Self { way, thread: Mutex::new(Some(thread)), counts, beyond }
    }

    /// What a space's cache did in this life, if it has used it.
    pub fn counts(&self, space: &str) -> Option<Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(space).copied()
    }

    /// Spaces that wanted to store more than they may since this was asked last.
    pub fn beyond(&self) -> Vec<(u32, String)> {
        std::mem::take(&mut *self.beyond.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves no more, and has closed what was open: another may open it.
    pub fn end(&self) {
        self.way.lock().unwrap_or_else(PoisonError::into_inner).take();
        let taken = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = taken {
            // One that panicked has closed what it had, too.
            let _ = thread.join();
        }
    }

    /// Serves a request.
    pub fn serve(&self, ask: Ask) {
        send(&self.way, Work::Serve(ask));
    }
}

/// Whose thread is gone gets no reply, as if the machine were.
fn send(way: &Way, work: Work) {
    if let Some(sender) = &*way.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = sender.send(work);
    }
}

/// Asks what the key of a request means, and has the request served then.
fn embed(embedder: &Embedder, ask: Ask, back: Way) {
    let key = ask.server.cache_key(&ask.request).map(|(key, _)| key.to_owned()).unwrap_or_default();
    embedder.start(&key, move |told| send(&back, Work::Go(ask, told)));
}

struct Shelf {
    folder: PathBuf,
    /// By space, and by start where they do not last.
    stores: BTreeMap<String, (Option<u64>, Box<dyn Store>)>,
    /// Spaces whose stores could not be reached.
    closed: BTreeSet<String>,
    /// By space; none where it cannot be reached.
    caches: BTreeMap<String, Option<Kept>>,
    /// Spaces of whose keys nobody told what the last one means.
    blind: BTreeSet<String>,
    book: Arc<Book>,
}

impl Shelf {
    /// A space's store; none where it cannot be reached, which is tried again when it asks again, and said once.
    fn of(&mut self, ask: &Ask) -> Option<&mut dyn Store> {
        let is_another = |(start, _): &(Option<u64>, Box<dyn Store>)| *start != ask.ephemeral;
        if self.stores.get(&ask.space).is_none_or(is_another) {
            let store: Box<dyn Store> = match ask.ephemeral {
                Some(_) => Box::new(InMemory::new(ask.quota)),
                None => match self.open("data", &ask.space, |path| Disk::open(path, ask.quota)) {
                    Ok(disk) => Box::new(disk),
                    Err(error) => {
                        if self.closed.insert(ask.space.clone()) {
                            let error = explained(&error);
                            self.book
                                .event(&ask.space, &format!("what it stores cannot be reached: {error}"));
                        }
                        return None;
                    }
                },
            };
            self.closed.remove(&ask.space);
            self.stores.insert(ask.space.clone(), (ask.ephemeral, store));
        }
        let (_, store) = self.stores.get_mut(&ask.space)?;
        Some(&mut **store)
    }

    /// What tells what the key of a request means, if the cache has to know before it is served.
    fn needs_embedding(&mut self, ask: &mut Ask) -> Option<Embedder> {
        let (key, is_kept) = ask.server.cache_key(&ask.request)?;
        let embedder = ask.embedder.take()?;
        let now = now();
        let cache = self.cache(&ask.space, now)?;
        cache.be_like(embedder.similarity_thousandths, embedder.model);
        cache.wants(key, is_kept, now).then_some(embedder)
    }

    /// Takes what the key of a request means. What cannot be told is said once until it can be again.
    fn learn(&mut self, ask: &Ask, told: Result<Vector, ErrorCode>) {
        let Some((key, _)) = ask.server.cache_key(&ask.request) else { return };
        match told {
            Ok(vector) => {
                self.blind.remove(&ask.space);
                if let Some(cache) = self.cache(&ask.space, now()) {
                    cache.learn(key, vector);
                }
            }
            Err(code) if self.blind.insert(ask.space.clone()) => {
                let name = code.name();
                self.book.event(
                    &ask.space,
                    &format!(
                        "its embedding model does not answer ({name}), so its intelligence cache finds only what \
                         is the same"
                    ),
                );
            }
            Err(_) => {}
        }
    }

    fn serve_cache(&mut self, ask: &Ask) -> Vec<u8> {
        let now = now();
        match self.cache(&ask.space, now) {
            Some(cache) => ask.server.serve_cache(&ask.request, cache, now),
            None => ask.server.serve_cache(&ask.request, &mut Closed, now),
        }
    }

    /// A space's cache; none where it cannot be reached.
    fn cache(&mut self, space: &str, now: u64) -> Option<&mut Kept> {
        if !self.caches.contains_key(space) {
            let opened = self.open("cache", space, |path| {
                Kept::open(path, now).or_else(|_| {
                    // Nothing is in it that could not be had again.
                    let _ = fs::remove_file(path);
                    Kept::open(path, now)
                })
            });
            let cache = opened.map_err(|error| {
                let error = explained(&error);
                self.book.event(space, &format!("its intelligence cache cannot be reached: {error}"));
            });
            self.caches.insert(space.to_owned(), cache.ok());
        }
        self.caches.get_mut(space)?.as_mut()
    }

    /// Opens a space's file in one of the folders of the application.
    fn open<T>(
        &self,
        folder: &str,
        space: &str,
        open: impl FnOnce(&Path) -> Result<T, DiskError>,
    ) -> Result<T, String> {
        let folder = self.folder.join(folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let path = folder.join(format!("{space}.redb"));
        descriptors::leave_some().map_err(|error| format!("{}: {error}", path.display()))?;
        open(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// How long this thread has had a processor.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Nanoseconds since 1970: a space's own clock does not go on while nobody runs.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

/// A store that could not be opened.
struct Closed;

impl Store for Closed {
    fn get(&mut self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Err(StoreError::Failed)
    }

    fn put(&mut self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Failed)
    }

    fn delete(&mut self, _: &str) -> Result<bool, StoreError> {
        Err(StoreError::Failed)
    }

    fn next(&mut self, _: &str, _: &str) -> Result<Option<String>, StoreError> {
        Err(StoreError::Failed)
    }
}

impl Cache for Closed {
    fn lookup(&mut self, _: &str, _: u64) -> Result<Vec<u8>, ErrorCode> {
        Err(ErrorCode::Io)
    }

    fn keep(&mut self, _: &str, _: &[u8], _: u32, _: u64) -> Result<(), ErrorCode> {
        Err(ErrorCode::Io)
    }
}
