//! The guests of `examples/hello-samoza`, each with a world of its own: what they send, keep and answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use sci::guest::{GuestCapability, Resolved, SELF, SENDER, resolve};
use sci::sign::public_key;
use services_zrun::{Grants, GuestMemory, InMemory, Info, Mail, MailError, Next, Space, Store, World};
use space_host::{Caller, Extern, ExternType, Instance, Memory, Module, Trap, Value};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tests_conformance::image::{SEED, compile};

const SENSOR: &[u8] = include_bytes!("../../../examples/hello-samoza/sensor/sensor.wasm");
const STORE: &[u8] = include_bytes!("../../../examples/hello-samoza/store/store.wasm");

/// A post office for one space: what it was sent, what it sent.
#[derive(Default)]
struct Post {
    inbox: VecDeque<(Info, Vec<u8>)>,
    sent: Vec<(String, String)>,
    last: Option<Info>,
    /// Paths that have no room.
    full: Vec<&'static str>,
}

impl Post {
    fn put(&mut self, from: &str, path: &str, message: &[u8]) {
        let id = self.inbox.len() as u64;
        let info = Info { from: from.into(), path: path.into(), id, answers: None, time: 0 };
        self.inbox.push_back((info, message.to_vec()));
    }
}

impl Mail for Post {
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError> {
        if self.full.contains(&to) {
            return Err(MailError::Full);
        }
        self.sent.push((to.to_owned(), String::from_utf8(message.to_vec()).unwrap()));
        Ok(())
    }

    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError> {
        self.put(SELF, "", message);
        Ok(())
    }

    fn receive(&mut self, capacity: u64) -> Result<Next, MailError> {
        let Some((info, message)) = self.inbox.pop_front() else { return Ok(Next::Nothing) };
        if message.len() as u64 > capacity {
            let bytes = message.len() as u64;
            self.inbox.push_front((info, message));
            return Ok(Next::Larger(bytes));
        }
        self.last = Some(info);
        Ok(Next::Message(message))
    }

    fn info(&mut self) -> Option<String> {
        self.last.as_ref().map(Info::json)
    }

    fn wait(&mut self) -> bool {
        !self.inbox.is_empty()
    }
}

/// What a space does outside it.
struct Outside {
    post: Post,
    values: InMemory,
    log: Vec<String>,
    slept: u64,
}

impl World for Outside {
    fn log(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }
    fn realtime(&mut self) -> u64 {
        0
    }
    fn monotonic(&mut self) -> u64 {
        self.slept
    }
    fn sleep(&mut self, nanoseconds: u64) -> bool {
        self.slept += nanoseconds;
        true
    }
    fn pause(&mut self) {}
    fn random(&mut self, _: &mut [u8]) -> bool {
        false
    }
    fn node_info(&mut self) -> String {
        String::new()
    }
    fn store(&mut self) -> &mut dyn Store {
        &mut self.values
    }
    fn mail(&mut self) -> &mut dyn Mail {
        &mut self.post
    }
}

struct Lent(Memory);

impl GuestMemory for Lent {
    fn bytes(&self) -> u64 {
        self.0.bytes()
    }
    fn read(&self, at: u64, into: &mut [u8]) -> Option<()> {
        self.0.read(at, into)
    }
    fn write(&mut self, at: u64, from: &[u8]) -> Option<()> {
        self.0.write(at, from)
    }
}

/// A guest in its world.
struct Guest {
    instance: Instance,
    served: Rc<RefCell<(Space, Outside)>>,
}

impl Guest {
    /// A guest that has what it imports, and values from before. A thread has one at a time.
    fn new(module: &[u8], values: InMemory) -> Self {
        let module = Module::load(&compile(module).unwrap(), &[public_key(&SEED)]).unwrap();
        let mut outside = Outside { post: Post::default(), values, log: Vec::new(), slept: 0 };
        let grants = GuestCapability::ALL.iter().fold(Grants::default(), |grants, one| grants.with(*one));
        let space = Space::new("guest", grants, 0, &mut outside);
        let served = Rc::new(RefCell::new((space, outside)));
        let store = space_host::Store::new().unwrap();
        let imports: Vec<Extern> = module
            .imports()
            .map(|(from, item, ty)| {
                let (Resolved::Abi(function), ExternType::Function(ty)) = (resolve(from, item), ty) else {
                    panic!("{from}.{item} is not of the Guest ABI");
                };
                let served = Rc::clone(&served);
                Extern::Function(store.function(ty, move |caller: &Caller<'_>, values: &[Value]| {
                    let mut memory = Lent(caller.instance().unwrap().memory("memory").unwrap());
                    let number = |value: &Value| match value {
                        Value::I32(value) => *value,
                        _ => 0,
                    };
                    let arguments: Vec<i32> = values.iter().map(number).collect();
                    let (space, outside) = &mut *served.borrow_mut();
                    let answer = space.call(function, &arguments, &mut memory, outside);
                    answer
                        .map(|answer| vec![Value::I32(answer)])
                        .map_err(|error| Trap::Host(error.to_string()))
                }))
            })
            .collect();
        let instance = Instance::new(&store, &module, &imports).unwrap();
        let guest = Self { instance, served };
        assert_eq!(guest.call("on_init"), 0);
        guest
    }

    fn call(&self, name: &str) -> i32 {
        match self.instance.function(name).unwrap().call(&[]).unwrap()[..] {
            [Value::I32(status)] => status,
            ref other => panic!("{name}: {other:?}"),
        }
    }

    fn outside<T>(&self, look: impl FnOnce(&mut Outside) -> T) -> T {
        look(&mut self.served.borrow_mut().1)
    }

    /// Gives it a message; gives what it sent.
    fn told(&self, from: &str, path: &str, message: &str) -> Vec<(String, String)> {
        self.outside(|outside| outside.post.put(from, path, message.as_bytes()));
        assert_eq!(self.call("on_process"), 0, "{message}");
        self.outside(|outside| std::mem::take(&mut outside.post.sent))
    }
}

/// What was sent along a path.
fn along<'s>(sent: &'s [(String, String)], path: &str) -> Vec<&'s str> {
    sent.iter().filter(|(to, _)| to == path).map(|(_, text)| text.as_str()).collect()
}

#[test]
fn the_sensor_sends_ten_readings_a_second_and_keeps_one_of_them() {
    let sensor = Guest::new(SENSOR, InMemory::new(0));
    for _ in 0..400 {
        assert!(sensor.outside(|outside| outside.post.wait()), "a message to itself is its clock");
        assert_eq!(sensor.call("on_process"), 0);
    }
    let (sent, slept) = sensor.outside(|outside| (outside.post.sent.clone(), outside.slept));
    assert_eq!(slept, 400 * 100_000_000);
    let readings = along(&sent, "readings");
    assert_eq!(readings.len(), 400);
    let values = along(&sent, "values");
    assert!(values.iter().eq(readings.iter().step_by(10)), "each tenth");
    let celsius = |(at, text): (usize, &&str)| -> f64 {
        let number = text.strip_prefix(&format!("{{\"reading\":{at},\"celsius\":")).unwrap();
        number.strip_suffix('}').unwrap().parse().unwrap()
    };
    let celsius: Vec<f64> = readings.iter().enumerate().map(celsius).collect();
    let (least, most) =
        (celsius.iter().copied().fold(99.0, f64::min), celsius.iter().copied().fold(0.0, f64::max));
    assert!((18.0..18.5).contains(&least) && (23.5..24.5).contains(&most), "{least} to {most}");
    assert!(celsius.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.5), "a wave has no steps");
}

#[test]
fn the_sensor_goes_on_where_nobody_looks_and_does_not_double_after_a_restart() {
    let sensor = Guest::new(SENSOR, InMemory::new(0));
    sensor.outside(|outside| outside.post.full = vec!["readings", "values"]);
    for _ in 0..20 {
        assert_eq!(sensor.call("on_process"), 0);
    }
    sensor.outside(|outside| outside.post.full.clear());
    // What an instance before it left in the queue.
    sensor.outside(|outside| outside.post.put(SELF, "", &7_u32.to_le_bytes()));
    for _ in 0..20 {
        assert_eq!(sensor.call("on_process"), 0);
    }
    let (sent, waiting) = sensor.outside(|outside| (outside.post.sent.len(), outside.post.inbox.len()));
    assert_eq!((sent, waiting), (19 + 2, 1), "one row of readings, less the stale call");
    assert_eq!(sensor.call("on_close"), 0);
}

#[test]
fn the_store_counts_keeps_and_answers_over_a_restart() {
    let store = Guest::new(STORE, InMemory::new(1 << 16));
    assert_eq!(store.outside(|outside| outside.log.clone()), ["kept: {\"presses\":0,\"last\":null}"]);
    let answer = |text: &str| vec![(SENDER.to_owned(), text.to_owned())];
    assert_eq!(store.told("panel", "presses", "state"), answer("{\"presses\":0,\"last\":null}"));
    assert_eq!(store.told("sensor", "values", "{\"reading\":0,\"celsius\":18.05}"), []);
    for presses in 1..=12 {
        let kept = format!("{{\"presses\":{presses},\"last\":{{\"reading\":0,\"celsius\":18.05}}}}");
        assert_eq!(store.told("panel", "presses", "press"), answer(&kept));
    }
    assert_eq!(store.told("sensor", "values", "{\"reading\":10,\"celsius\":18.10}"), []);
    assert_eq!(store.told(SELF, "", "state"), [], "an answer to itself would be its next message");
    assert_eq!(store.call("on_process"), 0, "nothing waits");
    assert_eq!(store.call("on_close"), 0);
    let values = store.outside(|outside| outside.values.clone());
    drop(store);
    let again = Guest::new(STORE, values);
    let kept = "{\"presses\":12,\"last\":{\"reading\":10,\"celsius\":18.10}}";
    assert_eq!(again.outside(|outside| outside.log.clone()), [format!("kept: {kept}")]);
    assert_eq!(again.told("panel", "presses", "state"), answer(kept));
}

#[test]
fn the_store_refuses_what_it_cannot_keep() {
    let small = Guest::new(STORE, InMemory::new(1 << 10));
    small.outside(|outside| outside.post.put("sensor", "values", &[b'x'; 2000]));
    assert_eq!(small.call("on_process"), -7, "quota");
    drop(small);
    let full = Guest::new(STORE, InMemory::new(4));
    full.outside(|outside| outside.post.put("panel", "presses", b"press"));
    assert_eq!(full.call("on_process"), -7, "quota");
    assert_eq!(full.outside(|outside| outside.post.sent.len()), 0, "what is not kept is not confirmed");
}
