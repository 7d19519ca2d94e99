//! The socket's end where somebody asks.

use crate::home::Home;
use crate::question::{Answer, Problem, Question};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How often it is looked whether whoever waits has enough.
const PATIENCE: Duration = Duration::from_millis(100);

/// The id of a parent's end before it answered.
pub const GONE: &str = "parent-gone";

/// The id of a problem that a parent has which is about to end: it has done nothing.
pub const ENDING: &str = "parent-ending";

/// Answers to one question, as they come.
#[derive(Debug)]
pub struct Answers {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

/// Asks the parent of a folder; `None` where there is none.
pub fn ask(home: &Home, question: &Question) -> io::Result<Option<Answers>> {
    let connected = home.socket().and_then(|(_folder, path)| UnixStream::connect(path));
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    match stream.write_all(&line) {
        // It ends: nobody has read the question.
        Err(error) if is_nobody(&error) => return Ok(None),
        written => written?,
    }
    Ok(Some(Answers { stream: BufReader::new(stream), line: Vec::new() }))
}

fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | BrokenPipe | ConnectionReset)
}

impl Answers {
    /// The first one; nothing where it does not come in time.
    pub fn within(self, time: Duration) -> Result<Option<Answer>, Problem> {
        let until = Instant::now() + time;
        match self.until(&|| Instant::now() > until).next() {
            Some(answer) => answer.map(Some),
            None if Instant::now() > until => Ok(None),
            None => Err(gone()),
        }
    }

    /// All of them, until there are no more or it is over.
    pub fn until(mut self, is_over: &dyn Fn() -> bool) -> impl Iterator<Item = Result<Answer, Problem>> {
        // Without it the end would be noticed at the next answer only.
        let _ = self.stream.get_ref().set_read_timeout(Some(PATIENCE));
        std::iter::from_fn(move || self.next(is_over))
    }

    fn next(&mut self, is_over: &dyn Fn() -> bool) -> Option<Result<Answer, Problem>> {
        loop {
            match self.stream.read_until(b'\n', &mut self.line) {
                Ok(0) => return None,
                Ok(_) => break,
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
                {
                    if is_over() {
                        return None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return None,
                Err(error) => return Some(Err(Problem::new("io", error.to_string()))),
            }
        }
        let line = std::mem::take(&mut self.line);
        Some(match serde_json::from_slice(&line) {
            Ok(Answer::Problem(problem)) => Err(problem),
            Ok(answer) => Ok(answer),
            Err(error) => {
                Err(Problem::new("other-version", format!("the parent's answer is not known: {error}"))
                    .help("it is of another version of `space`: stop it, start it again"))
            }
        })
    }
}

/// The parent is not there any more.
pub fn gone() -> Problem {
    Problem::new(GONE, "the parent ended before it answered").help("`space up` starts it again")
}
