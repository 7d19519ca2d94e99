//! The line to a machine: one question at a time, each with its answer.

use super::{Job, Machine};
use services_zdesk_component::{FRAME_BYTES_MAX, frame};
use services_zmesh_component::window::{Answer, Question};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Weak;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Time from one look at the mesh to the next, and from one count to the next.
const LOOK: Duration = Duration::from_millis(50);
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

struct Line(UnixStream);

impl Line {
    fn read(&mut self) -> Result<Vec<u8>, LineError> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(LineError::Answer(format!("a frame of {length} bytes")));
        }
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn ask(&mut self, question: &Question) -> Result<Answer, LineError> {
        let bytes = frame(&question.to_bytes()).map_err(|error| LineError::Answer(error.to_string()))?;
        self.0.write_all(&bytes)?;
        let answer = self.read()?;
        Answer::read(&answer).ok_or_else(|| LineError::Answer(format!("{} bytes", answer.len())))
    }
}

/// Asks what is to be asked, and looks, until the line or the machine is gone.
pub fn live(machine: &Weak<Machine>, stream: UnixStream, jobs: &Receiver<Job>) -> Result<(), LineError> {
    let mut line = Line(stream);
    // The machine begins with an empty frame: what is sent before it listens may be lost.
    line.read()?;
    line.0.set_read_timeout(Some(SILENCE))?;
    let (mut looked, mut counted) = (Instant::now(), None::<Instant>);
    loop {
        match jobs.recv_timeout(LOOK.saturating_sub(looked.elapsed())) {
            Ok(job) => {
                let answer = line.ask(&job.question)?;
                // Whoever asked may have had enough.
                let _ = job.answer.send(answer);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if looked.elapsed() < LOOK {
            continue;
        }
        let Some(machine) = machine.upgrade() else { return Ok(()) };
        let counts = counted.is_none_or(|at| at.elapsed() >= COUNT);
        if let Answer::Seen(seen) = line.ask(&machine.look(counts))? {
            for watch in machine.saw(seen) {
                line.ask(&Question::Unwatch(watch))?;
            }
        }
        looked = Instant::now();
        if counts {
            counted = Some(looked);
        }
    }
}
