//! Goes through the Guest Library: `tests/guests/README.md`.

mod guest;
mod space;

use guest::{actuators, agent, audio, data, events, ic, json, log, sensors, Error, Message, Result};
use std::io::{Read, Write};
use std::sync::OnceLock;

const LARGE_BYTES: usize = 40_000;
const BLOB_BYTES: usize = 200_000;
const MESSAGE_BYTES: usize = 60_000;

static FIRST: OnceLock<String> = OnceLock::new();

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + 3) as u8).collect()
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(*byte)).sum()
}

fn name<T>(result: Result<T>) -> &'static str {
    result.err().map_or("no error", Error::name)
}

fn shows(result: Option<Vec<u8>>) -> String {
    result.map_or("is not there".to_owned(), |bytes| format!("is {}", String::from_utf8_lossy(&bytes)))
}

fn small() -> Result<()> {
    log("a line: ümläut, and \"quotes\"");
    log("k".repeat(4095) + "üend");
    let is_known = guest::version() >= 1;
    log(format_args!("z: {} {} {is_known}", guest::has("data.put"), guest::has("data.forget")));
    log(format_args!("node: {}", guest::node()?.starts_with("{\"")));
    Ok(())
}

fn values() -> Result<()> {
    log(format_args!("data: note {}", shows(data::get("note")?)));
    data::put("note", "remembered")?;
    log(format_args!("data: note {}", shows(data::get("note")?)));
    data::put("large", pattern(LARGE_BYTES))?;
    let large = data::get("large")?.unwrap_or_default();
    log(format_args!("data: large has {} bytes, sum {}", large.len(), sum(&large)));
    log(format_args!("data: deleted {} {}", data::delete("large")?, data::delete("large")?));
    log(format_args!("data: an empty key: {}", name(data::put("", "x"))));
    log(format_args!("data: too much: {}", name(data::put("note", vec![0; 70_000]))));
    for at in 0..300 {
        data::put(&format!("item/{at:03}"), "x")?;
    }
    let keys: Vec<String> = data::keys("item/").collect::<Result<_>>()?;
    let (first, last) = (keys.first().cloned().unwrap_or_default(), keys.last().cloned().unwrap_or_default());
    log(format_args!("data: {} keys, from {first} to {last}", keys.len()));
    Ok(())
}

fn blobs() -> Result<()> {
    let mut blob = data::Writer::create("blob")?;
    blob.write_all(&pattern(BLOB_BYTES)).map_err(|_| Error::Io)?;
    blob.commit()?;
    let mut read = Vec::new();
    let blob = data::Reader::open("blob")?;
    blob.ok_or(Error::NotFound)?.read_to_end(&mut read).map_err(|_| Error::Io)?;
    log(format_args!("data: blob has {} bytes, sum {}", read.len(), sum(&read)));
    data::Writer::create("dropped")?.append(b"x")?;
    let is_there = data::Reader::open("dropped")?.is_some();
    log(format_args!("data: dropped is there: {is_there}"));
    Ok(())
}

fn agents() -> Result<()> {
    log(format_args!("ic: answer {}", shows(ic::lookup("what?")?)));
    ic::store("what?", "a cache", 60)?;
    log(format_args!("ic: answer {}", shows(ic::lookup("what?")?)));
    let large = agent::function("large", "100000")?;
    log(format_args!("agent: large gives {} bytes, sum {}", large.len(), sum(&large)));
    let selected = agent::select("triage", "Say 20.")?;
    log(format_args!("agent: triage gives {}", String::from_utf8_lossy(&selected)));
    log(format_args!("agent: model says {}", agent::model("small", "Hello?")?));
    log(format_args!("agent: asked {}", agent::ask("small", "Who?", 60)?));
    log(format_args!("agent: asked again {}", agent::ask("small", "Who?", 60)?));
    log(format_args!("agent: nobody: {}", name(agent::function("nobody", ""))));
    Ok(())
}

fn devices() -> Result<()> {
    sensors::subscribe("tape", "{\"queue\":8}")?;
    loop {
        match sensors::read("tape") {
            Ok(Some(reading)) => {
                log(format_args!("sensors: {} of tape is {}", reading.number, reading.value));
            }
            Ok(None) => guest::sleep(1)?,
            Err(error) => break log(format_args!("sensors: then {error}")),
        }
    }
    log(format_args!("sensors: cellar: {}", name(sensors::read("cellar"))));
    let fence = {
        let lock = actuators::Lock::take("valve", 60_000)?;
        let result = lock.command("{\"open\":true}")?;
        log(format_args!("actuators: done {}", json::member(&result, "done").unwrap_or_default()));
        lock.fence()
    };
    let late = name(Err::<(), _>(Error::of(space::actuators::command(fence, "1"))));
    log(format_args!("actuators: after its block: {late}"));
    log(format_args!("actuators: gate: {}", name(actuators::Lock::take("gate", 1))));
    log(format_args!("audio: played {}", audio::play(b"abcdefgh")?));
    let mut buffer = [1; 4];
    let heard = loop {
        match audio::capture(&mut buffer)? {
            Some(heard) => break heard,
            None => guest::sleep(1)?,
        }
    };
    log(format_args!("audio: captured {heard}, sum {}", sum(&buffer)));
    Ok(())
}

fn process() -> Result<()> {
    let Some(message) = Message::next()? else { return Ok(()) };
    if let Some(event) = message.event() {
        if event == "done" {
            log(format_args!("event: done brings {}", message.text()?));
            events::subscribe("hot")?;
            events::recognize("hot", "{\"sensor\":\"oven\",\"when\":{\"always\":{}},\"perMinute\":1}")?;
        } else {
            let state = json::member(message.text()?, "state").unwrap_or_default();
            log(format_args!("event: {event} is {state}"));
            log(format_args!("message: none is left: {}", Message::next()?.is_none()));
            log("end");
        }
    } else if message.bytes == b"one" {
        log(format_args!("message: one from {}, an answer: {}", message.from, message.answers.is_some()));
        FIRST.get_or_init(|| message.id.clone());
        message.answer("two")?;
    } else if message.bytes == b"two" {
        let is_answer = message.answers.as_ref() == FIRST.get();
        log(format_args!("message: two from {}, an answer: {is_answer}", message.from));
        guest::send_self(pattern(MESSAGE_BYTES))?;
    } else {
        log(format_args!("message: {} bytes, sum {}", message.bytes.len(), sum(&message.bytes)));
        log(format_args!("message: nobody: {}", name(guest::send("nobody", "x"))));
        events::subscribe("done")?;
        events::emit("done", "well")?;
    }
    Ok(())
}

#[no_mangle]
pub extern "C" fn on_init() -> i32 {
    std::panic::set_hook(Box::new(|panic| log(panic)));
    let all = small().and_then(|()| values()).and_then(|()| blobs()).and_then(|()| agents());
    guest::status(all.and_then(|()| devices()).and_then(|()| guest::send_self("one")))
}

#[no_mangle]
pub extern "C" fn on_process() -> i32 {
    guest::status(process())
}

#[no_mangle]
pub extern "C" fn on_close() -> i32 {
    log("closing");
    0
}
