//! The line to a machine: one question at a time, each with its answer.

use super::Job;
use services_zdesk_component::{Frames, TooLong, frame};
use services_zmesh_component::window::{Answer, Question, Seen};
use std::io::{self, BufReader, Bytes, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Weak;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Time from one look at the mesh to the next: while someone waits for what it sees, and while nobody does.
pub const SOON: Duration = Duration::from_millis(50);
pub const LATER: Duration = Duration::from_secs(1);
/// Time from one count to the next.
const COUNT: Duration = Duration::from_millis(500);
/// A machine that answers nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(20);

/// What happened to the line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is closed, or nothing came for long.
    #[error("the machine is gone: {0}")]
    Io(#[from] io::Error),
    /// What came is no answer.
    #[error("the machine answered what nobody understands: {0}")]
    Answer(String),
}

/// Who looks at a machine.
pub trait Looker {
    /// What is to be looked for now.
    fn look(&self, counts: bool) -> Question;
    /// How long until the next look.
    fn pause(&self) -> Duration;
    /// Takes what was seen; the watches that nobody reads any more.
    fn saw(&self, seen: Seen) -> Vec<u64>;
}

struct Line {
    stream: UnixStream,
    bytes: Bytes<BufReader<UnixStream>>,
    frames: Frames,
}

impl Line {
    fn new(stream: UnixStream) -> io::Result<Self> {
        let bytes = BufReader::new(stream.try_clone()?).bytes();
        Ok(Self { stream, bytes, frames: Frames::default() })
    }

    fn read(&mut self) -> Result<Vec<u8>, LineError> {
        for byte in &mut self.bytes {
            if let Some(frame) = self.frames.push(byte?).map_err(unreadable)? {
                return Ok(frame);
            }
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    }

    fn ask(&mut self, question: &Question) -> Result<Answer, LineError> {
        let bytes = frame(&question.to_bytes()).map_err(unreadable)?;
        self.stream.write_all(&bytes)?;
        let answer = self.read()?;
        Answer::read(&answer).ok_or_else(|| LineError::Answer(format!("{} bytes", answer.len())))
    }
}

fn unreadable(error: TooLong) -> LineError {
    LineError::Answer(error.to_string())
}

/// Asks what is to be asked, and looks, until the line or the machine is gone.
pub fn live(looker: &Weak<impl Looker>, stream: UnixStream, jobs: &Receiver<Job>) -> Result<(), LineError> {
    let mut line = Line::new(stream)?;
    // The machine begins with an empty frame: what is sent before it listens may be lost.
    line.read()?;
    line.stream.set_read_timeout(Some(SILENCE))?;
    let (mut looked, mut counted) = (Instant::now(), None::<Instant>);
    loop {
        let Some(pause) = looker.upgrade().map(|looker| looker.pause()) else { return Ok(()) };
        match jobs.recv_timeout(pause.saturating_sub(looked.elapsed())) {
            Ok(Job::Ask { question, answer }) => {
                let answered = line.ask(&question)?;
                // Whoever asked may have had enough.
                let _ = answer.send(answered);
                if looked.elapsed() < pause {
                    continue;
                }
            }
            Ok(Job::Look) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        let Some(looker) = looker.upgrade() else { return Ok(()) };
        let counts = counted.is_none_or(|at| at.elapsed() >= COUNT);
        if let Answer::Seen(seen) = line.ask(&looker.look(counts))? {
            for watch in looker.saw(seen) {
                line.ask(&Question::Unwatch(watch))?;
            }
        }
        looked = Instant::now();
        if counts {
            counted = Some(looked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};

    /// Waits for ever from one look to the next.
    struct Patient;

    impl Looker for Patient {
        fn look(&self, counts: bool) -> Question {
            Question::Look { counts, shown: Vec::new() }
        }
        fn pause(&self) -> Duration {
            Duration::MAX
        }
        fn saw(&self, _: Seen) -> Vec<u64> {
            Vec::new()
        }
    }

    #[test]
    fn a_look_that_is_asked_for_comes_at_once_and_no_other() {
        let (here, there) = UnixStream::pair().expect("a pair");
        let (jobs, asked) = mpsc::channel();
        let patient = Arc::new(Patient);
        let looker = Arc::downgrade(&patient);
        let living = std::thread::spawn(move || live(&looker, here, &asked));
        there.set_read_timeout(Some(SILENCE)).expect("it can be set");
        let mut machine = Line::new(there).expect("a line");
        let say = |machine: &mut Line, bytes: &[u8]| {
            let bytes = frame(bytes).expect("it is short");
            machine.stream.write_all(&bytes).expect("it is read");
        };
        say(&mut machine, &[]);
        let mut seen = Vec::new();
        for is_look in [true, false, true] {
            let (answer, answered) = mpsc::channel();
            let job = if is_look {
                drop(answer);
                Job::Look
            } else {
                Job::Ask { question: Question::Unwatch(7), answer }
            };
            jobs.send(job).expect("it lives");
            seen.push(Question::read(&machine.read().expect("it asks")).expect("a question"));
            let answer = if is_look { Answer::Seen(Seen::default()) } else { Answer::Done };
            say(&mut machine, &answer.to_bytes());
            assert_eq!(answered.recv().ok(), (!is_look).then_some(Answer::Done));
        }
        let is_look = |question: &Question| matches!(question, Question::Look { .. });
        assert_eq!(seen.iter().map(is_look).collect::<Vec<_>>(), [true, false, true]);
        drop(jobs);
        assert!(living.join().expect("it ends").is_ok());
        assert!(machine.read().is_err(), "nothing else was asked");
    }
}
