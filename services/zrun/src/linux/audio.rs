//! Sound on Linux: from and to files, or silence. Sound is samples of 16 bits, signed, little-endian, one for each channel
//! in turn, and moves no faster than it is heard.

use super::devices::Time;
pub use crate::devices::Format;
use crate::devices::{Audio, Given, Heard};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use sci::guest::ErrorCode;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bits of a sample.
const SAMPLE_BITS: u16 = 16;
/// Channels and samples a second that sound may have.
const CHANNELS_MAX: u16 = 8;
const RATE_MAX: u32 = 192_000;

/// Why a file is no microphone or no speaker.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The file is no WAV file, or cannot be read or written.
    #[error("the sound cannot be opened as a WAV file: {0}")]
    File(#[from] hound::Error),
    /// Its samples are no whole numbers.
    #[error("the samples are no whole numbers: convert the file to 16-bit PCM")]
    Samples,
    /// The format is out of bounds.
    #[error("sound has 1 to {CHANNELS_MAX} channels and 1 to {RATE_MAX} samples a second")]
    Format,
}

/// A format within the bounds.
pub(super) fn checked(format: Format) -> Result<Format, AudioError> {
    let Format { channels, rate } = format;
    let is_bounded = (1..=CHANNELS_MAX).contains(&channels) && (1..=RATE_MAX).contains(&rate);
    if is_bounded { Ok(format) } else { Err(AudioError::Format) }
}

/// Where sound comes from.
#[derive(Clone, Debug)]
pub struct Microphone {
    format: Format,
    /// The sound; silence, where there is none.
    sound: Option<Arc<[u8]>>,
    heard: Heard,
}

impl Microphone {
    /// One that hears nothing.
    pub fn silence(format: Format) -> Result<Self, AudioError> {
        Ok(Self { format: checked(format)?, sound: None, heard: Heard::default() })
    }

    /// One that hears a WAV file, once.
    pub fn file(path: &Path) -> Result<Self, AudioError> {
        let reader = WavReader::open(path)?;
        let WavSpec { channels, sample_rate, bits_per_sample, sample_format } = reader.spec();
        if sample_format != SampleFormat::Int {
            return Err(AudioError::Samples);
        }
        let format = checked(Format { channels, rate: sample_rate })?;
        let mut sound = Vec::new();
        for sample in reader.into_samples::<i32>() {
            let sample = i64::from(sample?) << SAMPLE_BITS >> bits_per_sample;
            sound.extend((sample as i16).to_le_bytes());
        }
        Ok(Self { format, sound: Some(sound.into()), heard: Heard::default() })
    }

    fn take(&mut self, milliseconds: u64, capacity: u64) -> Result<Vec<u8>, ErrorCode> {
        let end = self.sound.as_ref().map_or(u64::MAX, |sound| sound.len() as u64);
        let range = self.heard.take(self.format, milliseconds, end, capacity)?;
        let range = range.start as usize..range.end as usize;
        match &self.sound {
            Some(sound) => sound.get(range).map(<[u8]>::to_vec).ok_or(ErrorCode::Closed),
            None => Ok(vec![0; range.len()]),
        }
    }
}

/// Where sound goes.
pub struct Speaker {
    format: Format,
    file: Option<WavWriter<BufWriter<File>>>,
    given: Given,
}

impl Speaker {
    /// One that nobody hears.
    pub fn null(format: Format) -> Result<Self, AudioError> {
        Ok(Self { format: checked(format)?, file: None, given: Given::default() })
    }

    /// One that writes a WAV file, which is whole after each call.
    pub fn file(path: &Path, format: Format) -> Result<Self, AudioError> {
        let Format { channels, rate } = checked(format)?;
        let spec = WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: SAMPLE_BITS,
            sample_format: SampleFormat::Int,
        };
        Ok(Self { format, file: Some(WavWriter::create(path, spec)?), given: Given::default() })
    }

    fn give(&mut self, milliseconds: u64, sound: &[u8]) -> Result<u32, ErrorCode> {
        let bytes = self.given.room(self.format, milliseconds, sound.len() as u64)?;
        let taken = &sound[..bytes as usize];
        if let Some(file) = &mut self.file {
            let samples = taken.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample));
            let written = samples.into_iter().try_for_each(|sample| file.write_sample(sample));
            written.and_then(|()| file.flush()).map_err(|_| ErrorCode::Io)?;
        }
        self.given.add(bytes);
        Ok(taken.len() as u32)
    }
}

/// A space's microphone and speaker.
pub struct Sound {
    time: Time,
    start: u64,
    microphone: Microphone,
    speaker: Speaker,
}

impl Sound {
    /// Of these two, beginning now.
    pub fn new(time: Time, microphone: Microphone, speaker: Speaker) -> Self {
        let start = time();
        Self { time, start, microphone, speaker }
    }

    fn elapsed(&self) -> u64 {
        (self.time)().saturating_sub(self.start)
    }
}

/// The sound of a machine, for the spaces on it.
#[derive(Clone, Debug)]
pub struct Sounds {
    microphone: Microphone,
    /// What speakers take.
    format: Format,
    /// Where they write it; nobody hears it otherwise.
    folder: Option<PathBuf>,
}

impl Sounds {
    /// What is heard, and where what is played goes.
    pub fn new(microphone: Microphone, format: Format, folder: Option<PathBuf>) -> Self {
        Self { microphone, format, folder }
    }

    /// For a space that begins now: it hears from the beginning, and what it plays goes to a file of this name.
    pub fn for_space(&self, time: Time, file: &str) -> Result<Sound, AudioError> {
        let speaker = match &self.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(hound::Error::IoError)?;
                Speaker::file(&folder.join(format!("{file}.wav")), self.format)?
            }
            None => Speaker::null(self.format)?,
        };
        Ok(Sound::new(time, self.microphone.clone(), speaker))
    }
}

impl Audio for Sound {
    fn capture(&mut self, capacity: u32) -> Result<Vec<u8>, ErrorCode> {
        let milliseconds = self.elapsed();
        self.microphone.take(milliseconds, capacity.into())
    }

    fn playback(&mut self, sound: &[u8]) -> Result<u32, ErrorCode> {
        let milliseconds = self.elapsed();
        self.speaker.give(milliseconds, sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    const FORMAT: Format = Format { channels: 2, rate: 1000 };

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("space-{}-{name}.wav", std::process::id()))
    }

    fn hand() -> (Arc<AtomicU64>, Time) {
        let time = Arc::new(AtomicU64::new(50));
        let shown = Arc::clone(&time);
        (time, Box::new(move || shown.load(Ordering::Relaxed)))
    }

    #[test]
    fn what_is_played_is_heard_again_and_no_faster() {
        let path = path("round");
        let (time, shown) = hand();
        let speaker = Speaker::file(&path, FORMAT).unwrap();
        let mut sound = Sound::new(shown, Microphone::silence(FORMAT).unwrap(), speaker);
        let samples: Vec<u8> =
            (0..1500_i16).flat_map(|sample| [sample, -sample]).flat_map(i16::to_le_bytes).collect();
        assert_eq!(sound.playback(&samples), Ok(4000), "a second is taken ahead");
        assert_eq!(sound.playback(&samples[4000..]), Err(ErrorCode::WouldBlock));
        time.fetch_add(100, Ordering::Relaxed);
        assert_eq!(sound.playback(&samples[4000..]), Ok(400));
        assert_eq!(sound.playback(&samples[..3]), Err(ErrorCode::Invalid), "no whole sample of each channel");
        assert_eq!(sound.playback(&[]), Ok(0));
        // The file is whole while the speaker still has it.
        let (time, shown) = hand();
        let mut heard = Sound::new(shown, Microphone::file(&path).unwrap(), Speaker::null(FORMAT).unwrap());
        assert_eq!(heard.microphone.format, FORMAT);
        assert_eq!(heard.capture(4), Err(ErrorCode::WouldBlock));
        time.fetch_add(2, Ordering::Relaxed);
        assert_eq!(heard.capture(3), Err(ErrorCode::Invalid));
        assert_eq!(heard.capture(100), Ok(samples[..8].to_vec()));
        time.fetch_add(1_000_000, Ordering::Relaxed);
        assert_eq!(heard.capture(7), Ok(samples[8..12].to_vec()));
        assert_eq!(heard.capture(10_000), Ok(samples[12..4400].to_vec()));
        assert_eq!(heard.capture(10_000), Err(ErrorCode::Closed));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn silence_and_what_nobody_hears_take_their_time() {
        let (time, shown) = hand();
        let mut sound =
            Sound::new(shown, Microphone::silence(FORMAT).unwrap(), Speaker::null(FORMAT).unwrap());
        assert_eq!(sound.capture(100), Err(ErrorCode::WouldBlock));
        time.fetch_add(1, Ordering::Relaxed);
        assert_eq!(sound.capture(100), Ok(vec![0; 4]));
        time.fetch_add(5000, Ordering::Relaxed);
        assert_eq!(sound.playback(&[1; 8000]), Ok(4000), "an idle time is not made up for");
    }

    #[test]
    fn samples_of_other_sizes_become_16_bits() {
        let path = path("wide");
        let spec =
            WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 24, sample_format: SampleFormat::Int };
        let mut writer = WavWriter::create(&path, spec).unwrap();
        for sample in [0x0012_3400, -256, 0x007f_ffff] {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        let sound = Microphone::file(&path).unwrap().sound.unwrap();
        assert_eq!(*sound, [0x34, 0x12, 0xff, 0xff, 0xff, 0x7f]);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Microphone::file(&path), Err(AudioError::File(_))));
        let mute = Format { channels: 0, rate: 1 };
        assert!(matches!(Microphone::silence(mute), Err(AudioError::Format)));
    }
}
