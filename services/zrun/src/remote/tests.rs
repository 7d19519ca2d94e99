//! What passes the channel, and what does not.

use super::*;
use crate::data::InMemory;
use crate::mail::Alone;

struct Machine {
    lines: Vec<String>,
    store: InMemory,
    mail: Alone,
    time: u64,
}

impl World for Machine {
    fn log(&mut self, line: &str) {
        self.lines.push(line.into());
    }
    fn realtime(&mut self) -> u64 {
        self.time += 1;
        self.time
    }
    fn monotonic(&mut self) -> u64 {
        0
    }
    fn sleep(&mut self, _: u64) -> bool {
        true
    }
    fn pause(&mut self) {}
    fn random(&mut self, bytes: &mut [u8]) -> bool {
        bytes.fill(7);
        true
    }
    fn node_info(&mut self) -> String {
        "{}".into()
    }
    fn store(&mut self) -> &mut dyn Store {
        &mut self.store
    }
    fn mail(&mut self) -> &mut dyn Mail {
        &mut self.mail
    }
}

/// A channel without a way between: it hands requests to the server.
struct Direct {
    server: Server,
    machine: Machine,
    lost: bool,
}

impl Channel for Direct {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        if self.lost {
            return Err(StoreError::Full);
        }
        Ok(self.server.serve(request, &mut self.machine))
    }
    fn monotonic(&mut self) -> u64 {
        1
    }
    fn sleep(&mut self, _: u64) -> bool {
        false
    }
    fn pause(&mut self) {}
}

fn remote(grants: Grants) -> Remote<Direct> {
    let (store, mail) = (InMemory::new(1 << 20), Alone::default());
    let mut machine = Machine { lines: Vec::new(), store, mail, time: 100 };
    let server = Server::new(grants, &mut machine);
    Remote::new(Direct { server, machine, lost: false })
}

fn all() -> Grants {
    Grants::of(u64::MAX)
}

#[test]
fn effects_arrive() {
    let mut remote = remote(all());
    remote.log("a line");
    assert_eq!(remote.channel.machine.lines, ["a line"]);
    assert_eq!((remote.realtime(), remote.realtime()), (102, 103));
    let mut bytes = [0; 5000];
    assert!(remote.random(&mut bytes));
    assert_eq!(bytes, [7; 5000]);
    assert_eq!(remote.node_info(), "{}");
    assert_eq!((remote.monotonic(), remote.sleep(1)), (1, false));
}

#[test]
fn values_arrive() {
    let mut remote = remote(all());
    let value = vec![3; 70_000];
    assert_eq!(remote.put("b", &value), Ok(()));
    assert_eq!(remote.get("b"), Ok(Some(value)));
    assert_eq!(remote.get("c"), Ok(None));
    assert_eq!((remote.next("", ""), remote.next("", "b")), (Ok(Some("b".into())), Ok(None)));
    assert_eq!((remote.delete("b"), remote.delete("b")), (Ok(true), Ok(false)));
    assert_eq!(remote.put("b", &vec![0; 1 << 20]), Err(StoreError::Beyond));
}

#[test]
fn messages_arrive() {
    let mut remote = remote(all());
    assert_eq!((remote.wait(), remote.receive(9), remote.info()), (false, Ok(Next::Nothing), None));
    assert_eq!(remote.emit_self(b"message"), Ok(()));
    assert!(remote.wait());
    assert_eq!(remote.receive(3), Ok(Next::Larger(7)));
    assert_eq!(remote.receive(7), Ok(Next::Message(b"message".to_vec())));
    assert!(remote.info().is_some_and(|info| info.starts_with("{\"from\":\"@self\"")));
    assert_eq!((remote.emit(SENDER, b"a"), remote.emit("two", b"a")), (Ok(()), Err(MailError::NoPath)));
    assert_eq!(remote.emit_self(&vec![0; limits::MESSAGE_BYTES_MAX as usize + 1]), Err(MailError::Failed));
}

/// A channel whose replies are written down before.
struct Written(Vec<Vec<u8>>);

impl Channel for Written {
    fn call(&mut self, _: &[u8]) -> Result<Vec<u8>, StoreError> {
        Ok(self.0.remove(0))
    }
    fn monotonic(&mut self) -> u64 {
        1
    }
    fn sleep(&mut self, _: u64) -> bool {
        false
    }
    fn pause(&mut self) {}
}

#[test]
fn a_message_that_is_brought_is_taken_once_or_left() {
    let replies = [brought(b"one"), arrived(true), answer(Reply::Absent), brought(b""), arrived(false)];
    let mut remote = Remote::new(Written(replies.into()));
    assert!(remote.wait());
    assert_eq!((remote.info(), remote.emit(SENDER, b"a")), (None, Err(MailError::NoPath)));
    assert_eq!(remote.receive(2), Ok(Next::Larger(3)));
    assert!(remote.wait(), "it is left, and there is another");
    assert_eq!(remote.receive(3), Ok(Next::Message(b"one".to_vec())));
    assert_eq!(remote.receive(3), Ok(Next::Nothing), "the other side is asked again");
    assert!(remote.wait());
    assert_eq!(remote.receive(0), Ok(Next::Message(Vec::new())));
    assert!(!remote.wait());
    let wait = Wait { arrivals: 3, is_left: true };
    let request = postcard::to_allocvec(&Request::Wait(3, true)).unwrap();
    assert_eq!((concerns(&request), Wait::noted(wait.note())), (Concern::Arrival(wait), wait));
    let many = Wait { arrivals: 1 << 31 | 3, is_left: false };
    assert!(Wait::noted(many.note()).is_after(many.arrivals) && !many.is_after(4));
}

#[test]
fn each_effect_needs_its_capability() {
    use GuestCapability as C;
    let without = |capability: C| remote(Grants::of(!capability.bit()));
    let mut world = without(C::SysLog);
    world.log("a line");
    assert!(world.channel.machine.lines.is_empty());
    assert!(!without(C::Random).random(&mut [0]));
    assert_eq!(without(C::NodeInfo).node_info(), "");
    assert_eq!(without(C::DataRead).get("a"), Err(StoreError::Failed));
    assert_eq!(without(C::DataWrite).put("a", &[]), Err(StoreError::Failed));
    assert_eq!(without(C::DataDelete).delete("a"), Err(StoreError::Failed));
    assert_eq!(without(C::DataList).next("", ""), Err(StoreError::Failed));
    assert_eq!(without(C::NetEmitTo).emit_self(b""), Err(MailError::Failed));
    assert_eq!(without(C::NetEmitTo).emit("a", b""), Err(MailError::Failed));
    assert_eq!(without(C::NetRecvNext).receive(9), Err(MailError::Failed));
    let mut world = without(C::Clock);
    assert_eq!((world.realtime(), world.realtime()), (101, 101), "the activation's start");
}

#[test]
fn limits_hold_on_the_side_that_acts() {
    let mut remote = remote(all());
    let long = "k".repeat(limits::KEY_BYTES_MAX as usize + 1);
    assert_eq!(remote.put(&long, &[]), Err(StoreError::Failed));
    assert_eq!(remote.put("", &[]), Err(StoreError::Failed));
    assert_eq!(remote.next(&long, ""), Err(StoreError::Failed));
    remote.log(&"x".repeat(LINE_BYTES_MAX + 1));
    assert!(remote.channel.machine.lines.is_empty());
    let draw = postcard::to_allocvec(&Request::Random(u32::MAX)).unwrap();
    assert_eq!(remote.channel.call(&draw), Ok(answer(Reply::Refused)));
}

#[test]
fn a_lost_channel_is_a_failure_and_nothing_else() {
    let mut remote = remote(all());
    remote.channel.lost = true;
    remote.log("a line");
    assert!(!remote.random(&mut [0]));
    assert_eq!((remote.realtime(), remote.node_info()), (0, String::new()));
    assert_eq!(remote.get("a"), Err(StoreError::Full));
}

#[test]
fn no_bytes_make_the_server_fail() {
    let mut remote = remote(all());
    let mut state: u64 = 1;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let whole = postcard::to_allocvec(&Request::Put("key", b"value")).unwrap();
    for round in 0..20_000 {
        let mut request = if round % 2 == 0 {
            (0..byte() % 24).map(|_| byte()).collect()
        } else {
            whole[..usize::from(byte()) % (whole.len() + 1)].to_vec()
        };
        if let Some(first) = request.first_mut().filter(|_| round % 4 == 0) {
            *first %= 15;
        }
        let reply = remote.channel.call(&request).unwrap();
        assert!(postcard::from_bytes::<Reply<'_>>(&reply).is_ok(), "{request:?}");
    }
    let mut trailing = whole.clone();
    trailing.push(0);
    assert_eq!(remote.channel.call(&trailing), Ok(answer(Reply::Refused)));
}
