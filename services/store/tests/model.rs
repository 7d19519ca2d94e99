//! A disk in memory that ends at any write, and what must be on it then.

use services_store::{Broken, Disk, Error, Limits, SECTOR, SpaceId, Volume, format};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const LIMITS: Limits = Limits { space_bytes: 6000, space_keys: 12, memory_bytes: 4000 };
const SALT: [u8; 32] = [7; 32];

/// One request to a disk.
#[derive(Clone, Debug)]
enum Request {
    Write(u64, Vec<u8>),
    Flush,
}

/// A disk in memory that remembers its requests.
#[derive(Clone, Default)]
struct Memory {
    bytes: Rc<RefCell<Vec<u8>>>,
    requests: Rc<RefCell<Vec<Request>>>,
}

impl Memory {
    fn of(bytes: Vec<u8>) -> Self {
        Self { bytes: Rc::new(RefCell::new(bytes)), requests: Rc::default() }
    }

    fn formatted(sectors: usize) -> Self {
        let disk = Self::of(vec![0; sectors * SECTOR]);
        format(&mut disk.clone(), SALT).expect("it is large enough");
        disk.requests.borrow_mut().clear();
        disk
    }

    fn content(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl Disk for Memory {
    fn sectors(&self) -> u64 {
        (self.bytes.borrow().len() / SECTOR) as u64
    }
    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), Broken> {
        assert!(into.len().is_multiple_of(SECTOR));
        let from = sector as usize * SECTOR;
        into.copy_from_slice(self.bytes.borrow().get(from..from + into.len()).ok_or(Broken)?);
        Ok(())
    }
    fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), Broken> {
        assert!(bytes.len().is_multiple_of(SECTOR));
        let from = sector as usize * SECTOR;
        self.bytes.borrow_mut().get_mut(from..from + bytes.len()).ok_or(Broken)?.copy_from_slice(bytes);
        self.requests.borrow_mut().push(Request::Write(sector, bytes.to_vec()));
        Ok(())
    }
    fn flush(&mut self) -> Result<(), Broken> {
        self.requests.borrow_mut().push(Request::Flush);
        Ok(())
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

type Values = BTreeMap<(usize, String), Vec<u8>>;

fn space(number: usize) -> SpaceId {
    SpaceId::of(["reader", "writer", "other"][number])
}

/// Every value of a volume, found as a space would.
fn values(volume: &mut Volume<Memory>) -> Result<Values, Error> {
    let mut values = Values::new();
    for number in 0..3 {
        let mut after = String::new();
        while let Some(key) = volume.next(space(number), "", &after).map(str::to_owned) {
            let value = volume.get(space(number), &key)?.expect("it is listed");
            values.insert((number, key.clone()), value);
            after = key;
        }
    }
    Ok(values)
}

/// Does something at random to both; what a model holds after, and whether the volume took it.
fn step(random: &mut Random, volume: &mut Volume<Memory>, model: &Values) -> (Values, bool) {
    let mut after = model.clone();
    let (number, key) = (random.below(3), format!("key-{}", random.below(6)));
    let taken = if random.below(4) == 0 {
        let there = after.remove(&(number, key.clone())).is_some();
        assert_eq!(volume.delete(space(number), &key), Ok(there));
        true
    } else {
        let length = [0, 1, 300, 368, 369, 900, 2000][random.below(7)];
        let value: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let put = volume.put(space(number), &key, &value);
        assert!(matches!(put, Ok(()) | Err(Error::Full | Error::Beyond)), "{put:?}");
        after.insert((number, key), value);
        put.is_ok()
    };
    (if taken { after } else { model.clone() }, taken)
}

#[test]
fn values_are_those_that_were_put() {
    for seed in 1..40 {
        let (mut random, disk) = (Random(seed), Memory::formatted(128));
        let mut volume = Volume::open(disk.clone(), LIMITS).expect("it is a store");
        let mut model = Values::new();
        let mut refused = 0;
        for _ in 0..300 {
            let (after, taken) = step(&mut random, &mut volume, &model);
            refused += usize::from(!taken);
            model = after;
            if random.below(20) == 0 {
                volume = Volume::open(disk.clone(), LIMITS).expect("it is as it was left");
                assert!(!volume.dropped());
            }
            assert_eq!(values(&mut volume).as_ref(), Ok(&model), "seed {seed}");
        }
        assert!(refused < 200, "{refused} of 300 were refused");
        volume.check().expect("nothing is damaged");
    }
}

/// Whatever part of what was not flushed the disk has when the machine ends, the last bytes of it cut anywhere: what was
/// acknowledged is there, and what was not is there as a whole or not at all.
#[test]
fn a_machine_that_ends_leaves_what_was_acknowledged() {
    let (mut cuts, mut compactions) = (0, 0);
    for seed in 1..30 {
        let (mut random, disk) = (Random(seed), Memory::formatted(128));
        let mut volume = Volume::open(disk.clone(), LIMITS).expect("it is a store");
        let mut model = Values::new();
        for _ in 0..60 {
            let before = disk.content();
            disk.requests.borrow_mut().clear();
            let (after, _) = step(&mut random, &mut volume, &model);
            let requests = disk.requests.borrow().clone();
            compactions += usize::from(requests.len() > 2);
            for end in 0..requests.len() {
                for _ in 0..4 {
                    let left = cut(&mut random, before.clone(), &requests[..=end]);
                    let mut found = Volume::open(Memory::of(left), LIMITS).expect("it is a store");
                    let found = values(&mut found).expect("nothing is damaged");
                    assert!(found == model || found == after, "seed {seed}, request {end} of {requests:?}");
                    cuts += 1;
                }
            }
            model = after;
        }
    }
    assert!(cuts > 10_000 && compactions > 30, "{cuts} cuts, {compactions} compactions");
}

/// What a disk may hold when it ends within the last of these requests.
fn cut(random: &mut Random, mut bytes: Vec<u8>, requests: &[Request]) -> Vec<u8> {
    let flushed = requests.iter().rposition(|request| matches!(request, Request::Flush)).unwrap_or(0);
    for (at, request) in requests.iter().enumerate() {
        let Request::Write(sector, content) = request else { continue };
        let is_certain = at < flushed;
        let is_last = at + 1 == requests.len();
        if !is_certain && !is_last && random.below(2) == 0 {
            continue;
        }
        // A sector is written as a whole; but a record's need not be, since it says what it holds.
        let is_head = *sector < 8;
        let length = match is_last && !is_certain {
            true if is_head => content.len() * random.below(2),
            true => random.below(content.len() + 1),
            false => content.len(),
        };
        let from = *sector as usize * SECTOR;
        bytes[from..from + length].copy_from_slice(&content[..length]);
    }
    bytes
}

/// A record that is cut at each of its bytes.
#[test]
fn a_record_is_there_as_a_whole_or_not_at_all() {
    let disk = Memory::formatted(128);
    let mut volume = Volume::open(disk.clone(), LIMITS).expect("it is a store");
    volume.put(space(0), "key", b"before").expect("there is room");
    let before = disk.content();
    disk.requests.borrow_mut().clear();
    volume.put(space(0), "key", &[9; 700]).expect("there is room");
    let Request::Write(sector, bytes) = disk.requests.borrow()[0].clone() else { panic!("a write is first") };
    for length in 0..=bytes.len() {
        let mut left = before.clone();
        let from = sector as usize * SECTOR;
        left[from..from + length].copy_from_slice(&bytes[..length]);
        let mut volume = Volume::open(Memory::of(left), LIMITS).expect("it is a store");
        let is_whole = length >= 144 + 3 + 700;
        let value = volume.get(space(0), "key").expect("nothing is damaged").expect("it is there");
        assert_eq!(value, if is_whole { vec![9; 700] } else { b"before".to_vec() }, "{length} bytes");
        assert_eq!(volume.dropped(), (144..144 + 3 + 700).contains(&length), "{length} bytes");
        // And what follows is taken.
        volume.put(space(1), "next", b"1").expect("there is room");
        let mut volume = Volume::open(volume.into_disk(), LIMITS).expect("it is a store");
        assert_eq!(volume.get(space(1), "next"), Ok(Some(b"1".to_vec())), "{length} bytes");
    }
}

/// A byte that changes anywhere is found, or changes nothing, or takes the last record along, which could as well not have
/// been written to its end. It is never a wrong value.
#[test]
fn damage_is_found() {
    let disk = Memory::formatted(128);
    let mut volume = Volume::open(disk.clone(), LIMITS).expect("it is a store");
    for (number, key) in [(0, "a"), (0, "b"), (1, "a"), (2, "c"), (2, "last")] {
        volume.put(space(number), key, &[number as u8 + 1; 600]).expect("there is room");
    }
    let all = values(&mut volume).expect("nothing is damaged");
    let mut without_last = all.clone();
    without_last.remove(&(2, "last".into()));
    let content = disk.content();
    let mut refused = 0;
    for at in (0..content.len()).filter(|at| at % 512 < 160 || at % 7 == 0) {
        let mut damaged = content.clone();
        damaged[at] ^= 0x40;
        match Volume::open(Memory::of(damaged), LIMITS).and_then(|mut volume| values(&mut volume)) {
            Err(Error::Damaged(damage)) => {
                let text = damage.to_string();
                let sector = at / SECTOR;
                let begins = sector.saturating_sub(1);
                assert!(
                    text.contains(&format!("sector {sector} "))
                        || text.contains(&format!("sector {begins} ")),
                    "byte {at}, sector {sector}: {text}"
                );
                refused += 1;
            }
            Err(error) => panic!("byte {at}: {error}"),
            Ok(found) => assert!(found == all || found == without_last, "byte {at}"),
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// No value passes for a record, wherever it comes to lie.
#[test]
fn a_value_is_no_record() {
    let disk = Memory::formatted(128);
    let mut volume = Volume::open(disk.clone(), LIMITS).expect("it is a store");
    volume.put(space(0), "mine", b"mine").expect("there is room");
    let record = disk.content()[8 * SECTOR..9 * SECTOR].to_vec();
    // Its second sector is what someone saw of another disk's records.
    let mut value = vec![0; SECTOR - 144 - 4];
    value.extend_from_slice(&record);
    disk.requests.borrow_mut().clear();
    volume.put(space(1), "copy", &value).expect("there is room");
    let mut found = Volume::open(disk.clone(), LIMITS).expect("it is a store");
    assert_eq!(found.get(space(1), "copy"), Ok(Some(value)));
    assert_eq!(found.keys(), 2);
}

#[test]
fn what_is_no_store_is_refused() {
    let open = |bytes: Vec<u8>| Volume::open(Memory::of(bytes), LIMITS).map(drop);
    let text = |result: Result<(), Error>| result.expect_err("it is none").to_string();
    assert!(text(open(vec![0; 128 * SECTOR])).contains("no store"));
    let content = Memory::formatted(128).content();
    assert!(text(open(content[..100 * SECTOR].to_vec())).contains("smaller"));
    assert_eq!(
        format(&mut Memory::of(vec![0; 100 * SECTOR]), SALT).map_err(|error| error.to_string()),
        Err("it is smaller than its label says".into())
    );
}

#[test]
fn a_space_has_its_own_keys_and_its_quota() {
    let mut volume = Volume::open(Memory::formatted(128), LIMITS).expect("it is a store");
    volume.put(space(0), "key", b"one").expect("there is room");
    assert_eq!(volume.get(space(1), "key"), Ok(None));
    assert_eq!(volume.delete(space(1), "key"), Ok(false));
    assert_eq!(volume.next(space(1), "", ""), None);
    assert_eq!(volume.put(space(0), "large", &[0; 6000]), Err(Error::Beyond));
    for at in 0..11 {
        assert_eq!(volume.put(space(0), &format!("k{at}"), b""), Ok(()));
    }
    assert_eq!(volume.put(space(0), "one more", b""), Err(Error::Full));
    assert_eq!(volume.put(space(0), "key", b"other"), Ok(()));
    assert_eq!(volume.delete(space(0), "key"), Ok(true));
    assert_eq!(volume.put(space(0), "one more", b""), Ok(()));
    assert_eq!(volume.next(space(0), "k", "k1"), Some("k10"));
    assert_eq!(volume.next(space(0), "z", ""), None);
}
