//! `audio`.

use sci::guest::ErrorCode::{Closed, Invalid, WouldBlock};
use services_zrun::linux::{BackEnds, Format, Microphone, Sound, Speaker};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tests_conformance::guest::Argument::{Number, Room, Text};
use tests_conformance::guest::{Calls, ROOM};

/// Two channels, four bytes a millisecond.
const FORMAT: Format = Format { channels: 2, rate: 1000 };

/// Each look at the clock takes a millisecond.
pub(crate) fn sound(microphone: Microphone, speaker: Speaker) -> BackEnds {
    let time = AtomicU64::new(0);
    let time = Box::new(move || time.fetch_add(1, Ordering::Relaxed));
    BackEnds { audio: Some(Box::new(Sound::new(time, microphone, speaker))), ..BackEnds::default() }
}

pub(crate) fn silence() -> BackEnds {
    sound(Microphone::silence(FORMAT).unwrap(), Speaker::null(FORMAT).unwrap())
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("space-abi-{}-{name}.wav", std::process::id()))
}

#[test]
fn sound_is_played_and_heard() {
    let path = path("played");
    let mut calls = Calls::default();
    calls.call("audio.playback", &[Text(b"abcdefgh")], 8);
    calls.call("audio.playback", &[Text(b"")], 0);
    calls.fails("audio.playback", &[Text(b"abc")], Invalid);
    let speaker = Speaker::file(&path, FORMAT).unwrap();
    calls.hold_with(sound(Microphone::silence(FORMAT).unwrap(), speaker));

    let mut calls = Calls::default();
    calls.call("audio.capture", &[Room(64)], 4);
    calls.shows("abcd");
    calls.call("audio.capture", &[Room(5)], 4);
    calls.shows("efgh");
    calls.fails("audio.capture", &[Room(64)], Closed);
    calls.hold_with(sound(Microphone::file(&path).unwrap(), Speaker::null(FORMAT).unwrap()));
    fs::remove_file(path).unwrap();
}

#[test]
fn a_speaker_takes_a_second_and_silence_its_time() {
    let sound = [Number(ROOM.cast_signed()), Number(64_000)];
    let mut calls = Calls::default();
    calls.call("audio.playback", &sound, 4000);
    calls.call("audio.playback", &sound, 4);
    calls.fails("audio.capture", &[Room(0)], Invalid);
    calls.fails("audio.capture", &[Room(3)], Invalid);
    calls.call("audio.capture", &[Room(100_000)], 16);
    calls.hold_with(silence());
    let still =
        Sound::new(Box::new(|| 0), Microphone::silence(FORMAT).unwrap(), Speaker::null(FORMAT).unwrap());
    let mut calls = Calls::default();
    calls.fails("audio.capture", &[Room(64)], WouldBlock);
    calls.call("audio.playback", &sound, 4000);
    calls.fails("audio.playback", &sound, WouldBlock);
    calls.hold_with(BackEnds { audio: Some(Box::new(still)), ..BackEnds::default() });
}
