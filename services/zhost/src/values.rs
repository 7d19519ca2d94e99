//! What spaces store: served in a thread of its own, since what is stored is on the disk before it is answered.

use services_zrun::linux::{Disk, Orders};
use services_zrun::remote::Server;
use services_zrun::{InMemory, Store, StoreError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

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
    /// Whether what it stores is gone when it stops: its start's number.
    pub ephemeral: Option<u64>,
}

/// The stores of a topology's spaces.
pub struct Values(Mutex<Option<(Sender<Ask>, JoinHandle<()>)>>);

impl Values {
    /// Of spaces whose files are in a folder.
    pub fn new(folder: PathBuf, book: Arc<Book>) -> Self {
        let (sender, receiver) = mpsc::channel::<Ask>();
        let thread = thread::spawn(move || {
            let mut shelf = Shelf { folder, stores: BTreeMap::new(), book };
            for ask in receiver {
                let reply = ask.server.serve_values(&ask.request, shelf.of(&ask));
                ask.orders.reply(ask.number, &reply);
            }
        });
        Self(Mutex::new(Some((sender, thread))))
    }

    /// Serves no more, and has closed what was open: another may open it.
    pub fn end(&self) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = taken {
            drop(sender);
            // One that panicked has closed what it had, too.
            let _ = thread.join();
        }
    }

    /// Serves a request.
    pub fn serve(&self, ask: Ask) {
        if let Some((sender, _)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Whose thread is gone gets no reply, as if the machine were.
            let _ = sender.send(ask);
        }
    }
}

struct Shelf {
    folder: PathBuf,
    /// By space, and by start where they do not last.
    stores: BTreeMap<String, (Option<u64>, Box<dyn Store>)>,
    book: Arc<Book>,
}

impl Shelf {
    fn of(&mut self, ask: &Ask) -> &mut dyn Store {
        let is_another = |(start, _): &(Option<u64>, Box<dyn Store>)| *start != ask.ephemeral;
        if self.stores.get(&ask.space).is_none_or(is_another) {
            let store: Box<dyn Store> = match ask.ephemeral {
                Some(_) => Box::new(InMemory::new(ask.quota)),
                None => match open(&self.folder, &ask.space, ask.quota) {
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
}

fn open(folder: &Path, space: &str, quota: u64) -> Result<Disk, String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = folder.join(format!("{space}.redb"));
    Disk::open(&path, quota).map_err(|error| format!("{}: {error}", path.display()))
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
