//! What spaces store, and their intelligence caches: served in a thread of its own, since what is stored is on the disk before it is answered.

use sci::guest::ErrorCode;
use services_zrun::linux::{Disk, DiskError, Kept, Orders};
use services_zrun::remote::{Concern, Server, concerns, is_beyond};
use services_zrun::{Cache, Counts, InMemory, Store, StoreError};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::book::Book;

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
    /// Bytes that it may store.
    pub quota: u64,
    /// Whether it ends when it wants to store more.
    pub is_strict: bool,
    /// Tells who ends it.
    pub nudge: Sender<()>,
    /// Whether what it stores is gone when it stops: its start's number.
    pub ephemeral: Option<u64>,
}

/// Spaces that wanted to store more than they may, by their numbers, and what they wanted.
type Beyond = Arc<Mutex<Vec<(u32, String)>>>;

/// The stores of a topology's spaces.
pub struct Values {
    thread: Mutex<Option<(Sender<Ask>, JoinHandle<()>)>>,
    /// What the caches did, by space.
    counts: Arc<Mutex<BTreeMap<String, Counts>>>,
    beyond: Beyond,
}

impl Values {
    /// Of spaces whose files are in the folder of their application.
    pub fn new(folder: &Path, book: Arc<Book>) -> Self {
        let (sender, receiver) = mpsc::channel::<Ask>();
        let counts: Arc<Mutex<BTreeMap<String, Counts>>> = Arc::default();
        let beyond = Beyond::default();
        let (folder, counted, found) = (folder.to_owned(), Arc::clone(&counts), Arc::clone(&beyond));
        let thread = thread::spawn(move || {
            let mut shelf = Shelf { folder, stores: BTreeMap::new(), caches: BTreeMap::new(), book };
            for ask in receiver {
                let reply = if concerns(&ask.request) == Concern::Cache {
                    let reply = shelf.serve_cache(&ask);
                    let counts = shelf.caches.get(&ask.space).and_then(Option::as_ref).map(Kept::counts);
                    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                    counted.insert(ask.space, counts.unwrap_or_default());
                    reply
                } else {
                    ask.server.serve_values(&ask.request, shelf.of(&ask))
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
            }
        });
        Self { thread: Mutex::new(Some((sender, thread))), counts, beyond }
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
        let taken = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = taken {
            drop(sender);
            // One that panicked has closed what it had, too.
            let _ = thread.join();
        }
    }

    /// Serves a request.
    pub fn serve(&self, ask: Ask) {
        if let Some((sender, _)) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            // Whose thread is gone gets no reply, as if the machine were.
            let _ = sender.send(ask);
        }
    }
}

struct Shelf {
    folder: PathBuf,
    /// By space, and by start where they do not last.
    stores: BTreeMap<String, (Option<u64>, Box<dyn Store>)>,
    /// By space; none where it cannot be reached.
    caches: BTreeMap<String, Option<Kept>>,
    book: Arc<Book>,
}

impl Shelf {
    fn of(&mut self, ask: &Ask) -> &mut dyn Store {
        let is_another = |(start, _): &(Option<u64>, Box<dyn Store>)| *start != ask.ephemeral;
        if self.stores.get(&ask.space).is_none_or(is_another) {
            let store: Box<dyn Store> = match ask.ephemeral {
                Some(_) => Box::new(InMemory::new(ask.quota)),
                None => match self.open("data", &ask.space, |path| Disk::open(path, ask.quota)) {
                    Ok(disk) => Box::new(disk),
                    Err(error) => {
                        self.book.event(&ask.space, &format!("what it stores cannot be reached: {error}"));
                        Box::new(Closed)
                    }
                },
            };
            self.stores.insert(ask.space.clone(), (ask.ephemeral, store));
        }
        let (_, store) = self.stores.get_mut(&ask.space).expect("it was put there if it was not");
        &mut **store
    }

    fn serve_cache(&mut self, ask: &Ask) -> Vec<u8> {
        // A space's own clock does not go on while nobody runs.
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = time.map_or(0, |time| time.as_nanos() as u64);
        if !self.caches.contains_key(&ask.space) {
            let opened = self.open("cache", &ask.space, |path| {
                Kept::open(path, now).or_else(|_| {
                    // Nothing is in it that could not be had again.
                    let _ = fs::remove_file(path);
                    Kept::open(path, now)
                })
            });
            let cache = opened.map_err(|error| {
                self.book.event(&ask.space, &format!("its intelligence cache cannot be reached: {error}"));
            });
            self.caches.insert(ask.space.clone(), cache.ok());
        }
        match self.caches.get_mut(&ask.space).and_then(Option::as_mut) {
            Some(cache) => ask.server.serve_cache(&ask.request, cache, now),
            None => ask.server.serve_cache(&ask.request, &mut Closed, now),
        }
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
        open(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
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
