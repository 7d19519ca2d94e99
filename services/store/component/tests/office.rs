//! Spaces at the store, over their channels.

use sci::guest::GuestCapability as Capability;
use services_store::{Broken, Disk, SECTOR, format};
use services_store_component::{Configuration, LIMITS, Office, Seat};
use services_zrun::remote::{Channel, Parts, Remote, TooLarge, exchange};
use services_zrun::{Store, StoreError};
use std::cell::RefCell;
use std::rc::Rc;

/// A disk in memory.
#[derive(Clone)]
struct Memory(Rc<RefCell<Vec<u8>>>);

impl Memory {
    fn new() -> Self {
        let mut disk = Self(Rc::new(RefCell::new(vec![0; 32 << 20])));
        format(&mut disk, [1; 32]).expect("it is large enough");
        disk
    }
}

impl Disk for Memory {
    fn sectors(&self) -> u64 {
        (self.0.borrow().len() / SECTOR) as u64
    }
    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), Broken> {
        let from = sector as usize * SECTOR;
        into.copy_from_slice(&self.0.borrow()[from..from + into.len()]);
        Ok(())
    }
    fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), Broken> {
        let from = sector as usize * SECTOR;
        self.0.borrow_mut()[from..from + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
    fn flush(&mut self) -> Result<(), Broken> {
        Ok(())
    }
}

/// A space's channel.
#[derive(Clone)]
struct Way(Rc<RefCell<Office<Memory>>>, usize);

fn failed(_: TooLarge) -> StoreError {
    StoreError::Full
}

impl Parts for Way {
    fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.borrow_mut().put(self.1, bytes).ok_or(StoreError::Failed)?.map_err(failed)
    }
    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, StoreError> {
        self.0.borrow_mut().call(self.1, bytes, first).ok_or(StoreError::Failed)?.map_err(failed)
    }
    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, StoreError> {
        self.0.borrow_mut().take(self.1, offset, bytes).ok_or(StoreError::Failed)
    }
}

impl Channel for Way {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        exchange(self, request)
    }
    fn monotonic(&mut self) -> u64 {
        0
    }
    fn sleep(&mut self, _: u64) -> bool {
        false
    }
    fn pause(&mut self) {}
}

const BOOK: &str = "@book";

fn configuration() -> Vec<u8> {
    let all = [Capability::DataRead, Capability::DataWrite, Capability::DataDelete, Capability::DataList];
    let all = all.iter().fold(0, |mask, one| mask | one.bit());
    let seat = |name: &str, grants| Seat { name: name.into(), grants };
    let seats = vec![seat("keeper", all), seat("reader", Capability::DataRead.bit()), seat("other", all)];
    Configuration { seats, book: BOOK.into() }.to_bytes()
}

fn spaces(disk: Result<Memory, &str>, count: usize) -> (Vec<Remote<Way>>, Rc<RefCell<Office<Memory>>>) {
    let office = Rc::new(RefCell::new(Office::new(&configuration(), disk)));
    ((0..count).map(|space| Remote::new(Way(Rc::clone(&office), space))).collect(), office)
}

#[test]
fn each_channel_is_one_spaces_keys_within_its_grants_and_quota() {
    let disk = Memory::new();
    let (mut all, office) = spaces(Ok(disk.clone()), 5);
    let [keeper, reader, other, book, stranger] = all.as_mut_slice() else { panic!("five") };
    let large: Vec<u8> = (0..1_500_000_u32).map(|at| at as u8).collect();
    assert_eq!((keeper.put("key", b"mine"), keeper.put("large", &large)), (Ok(()), Ok(())));
    assert_eq!((keeper.get("key"), keeper.get("large")), (Ok(Some(b"mine".to_vec())), Ok(Some(large))));
    assert_eq!((other.get("key"), other.next("", "")), (Ok(None), Ok(None)));
    assert_eq!((reader.get("key"), reader.put("key", b"").is_err()), (Ok(None), true));
    assert_eq!(office.borrow().book(), 3);
    assert_eq!((book.get("key"), book.put("budgets", b"spent")), (Ok(None), Ok(())));
    assert!(stranger.get("key").is_err() && stranger.put("key", b"").is_err());
    let piece = vec![0; 1 << 20];
    assert_eq!(
        (other.put("a", &piece), other.put("b", &piece), other.put("c", &piece)),
        (Ok(()), Ok(()), Ok(()))
    );
    assert_eq!(other.put("d", &piece), Err(StoreError::Beyond));
    assert_eq!(
        (other.delete("a"), other.put("d", &piece), other.delete("none")),
        (Ok(true), Ok(()), Ok(false))
    );
    assert_eq!(LIMITS.space_bytes, 4 << 20);
    assert_eq!(office.borrow_mut().lines(), ["the disk has 0 keys"]);

    let (mut again, office) = spaces(Ok(disk), 3);
    assert_eq!(again[0].get("key"), Ok(Some(b"mine".to_vec())));
    assert_eq!(again[2].next("", "b"), Ok(Some("c".into())));
    assert_eq!(office.borrow_mut().lines(), ["the disk has 6 keys"]);
}

/// Replies that are not fetched, and requests that are not finished, do not take the memory of all.
#[test]
fn what_is_in_transfer_is_bounded() {
    let all = [Capability::DataRead, Capability::DataWrite].iter().fold(0, |mask, one| mask | one.bit());
    let seat = |number: usize| Seat { name: format!("space-{number}"), grants: all };
    let bytes = Configuration { seats: (0..20).map(seat).collect(), book: BOOK.into() }.to_bytes();
    let mut office = Office::new(&bytes, Ok(Memory::new()));
    let part = vec![0; 1 << 20];
    let taken = (0..20).filter(|space| office.put(*space, &part) == Some(Ok(()))).count();
    assert_eq!(taken, 8);
    assert_eq!(office.put(19, &part), Some(Err(TooLarge)));
    // What is no request is answered, and with that gone.
    let mut first = [0; 16];
    assert!(matches!(office.call(0, b"", &mut first), Some(Ok(_))));
    assert_eq!(office.put(19, &part), Some(Ok(())));
}

#[test]
fn a_disk_that_is_missing_or_damaged_fails_and_says_so_once() {
    let (mut all, office) = spaces(Err("the machine has no disk"), 1);
    assert_eq!(
        (all[0].put("key", b""), all[0].get("key")),
        (Err(StoreError::Failed), Err(StoreError::Failed))
    );
    assert_eq!(office.borrow_mut().lines(), ["the machine has no disk"]);

    let disk = Memory::new();
    let (mut all, office) = spaces(Ok(disk.clone()), 1);
    assert_eq!((all[0].put("key", b"value"), all[0].put("last", b"")), (Ok(()), Ok(())));
    disk.0.borrow_mut()[8 * SECTOR + 144 + 3] ^= 1;
    for _ in 0..3 {
        assert_eq!(all[0].get("key"), Err(StoreError::Failed));
    }
    assert_eq!(all[0].get("last"), Ok(Some(Vec::new())));
    assert_eq!(office.borrow_mut().lines(), ["the disk has 0 keys", "the record in sector 8 is damaged"]);
    disk.0.borrow_mut()[8 * SECTOR] ^= 1;
    let (mut all, office) = spaces(Ok(disk), 1);
    assert_eq!(all[0].get("last"), Err(StoreError::Failed));
    assert_eq!(office.borrow_mut().lines(), ["the disk is refused: the record in sector 8 is damaged"]);
}
