//! Devices of other programs: each connects to a socket and speaks JSON, a line for each message.
//! `docs/devices.md` describes the protocol.

use super::{Rack, Sink};
use sci::guest::ErrorCode;
use sci::limits::guest::{JSON_BYTES_MAX, RESULT_BYTES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{Permissions, remove_file, set_permissions, symlink_metadata};
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// Bytes of a line: a result, and what is around it.
const LINE_BYTES_MAX: u64 = RESULT_BYTES_MAX as u64 + JSON_BYTES_MAX as u64;
/// How long a device may take over a command.
const COMMAND_TIME: Duration = Duration::from_secs(5);
/// How long a device may take to read a line.
const WRITE_TIME: Duration = Duration::from_secs(1);
/// Devices' programs at a time.
const CONNECTIONS_MAX: usize = 64;

/// What a device says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Said {
    Attach {
        #[serde(default)]
        sensors: Vec<String>,
        #[serde(default)]
        actuators: Vec<String>,
    },
    Reading {
        sensor: String,
        value: Value,
        /// Milliseconds since 1970.
        time: Option<u64>,
    },
    Result {
        number: u64,
        value: Option<Value>,
        error: Option<String>,
    },
}

/// What it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Told<'t> {
    Attached {},
    Command { number: u64, actuator: &'t str, fence: u32, action: &'t Value },
    Refused(&'t str),
}

/// A way to write lines to a connection, and the results that are waited for.
#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    /// Who waits for the result of a command, by its number.
    waiting: BTreeMap<u64, mpsc::Sender<Result<Value, ErrorCode>>>,
    /// The number of the last command.
    last: u64,
}

impl Connection {
    fn tell(&mut self, told: &Told<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(told).map_err(io::Error::from)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }
}

#[derive(Debug, Default)]
struct Board {
    /// The connection, by number, of each id that may be attached.
    sensors: BTreeMap<String, Option<u64>>,
    actuators: BTreeMap<String, Option<u64>>,
    connections: BTreeMap<u64, Arc<Mutex<Connection>>>,
    last: u64,
    is_closed: bool,
}

/// The socket of a rack. When it is dropped, no more devices attach, and its file is gone.
#[derive(Debug)]
pub struct Socket {
    board: Arc<Mutex<Board>>,
    path: PathBuf,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets devices of a rack attach by a socket that only this user may open. A file of that name that nobody listens to
/// goes.
pub fn listen(rack: &Rack, path: &Path) -> io::Result<Socket> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_over(path) => {
            remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    set_permissions(path, Permissions::from_mode(0o600))?;
    let board = Arc::new(Mutex::new(Board::default()));
    let (shared, rack) = (Arc::clone(&board), rack.clone());
    thread::Builder::new().name("devices".into()).spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if lock(&shared).is_closed {
                break;
            }
            // One that cannot be served is closed; it may come again.
            let _ = admit(&shared, &rack, stream);
        }
    })?;
    Ok(Socket { board, path: path.to_owned() })
}

/// Whether a file is a socket to which nobody listens.
fn is_left_over(path: &Path) -> bool {
    let is_socket = symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err()
}

fn admit(board: &Arc<Mutex<Board>>, rack: &Rack, stream: UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_TIME))?;
    let reader = stream.try_clone()?;
    let connection = Arc::new(Mutex::new(Connection { stream, waiting: BTreeMap::new(), last: 0 }));
    let number = {
        let mut board = lock(board);
        if board.connections.len() == CONNECTIONS_MAX {
            return lock(&connection).tell(&Told::Refused("too many devices are attached"));
        }
        board.last += 1;
        let number = board.last;
        board.connections.insert(number, Arc::clone(&connection));
        number
    };
    let (board, rack) = (Arc::clone(board), rack.clone());
    thread::Builder::new().name("device".into()).spawn(move || {
        if let Err(why) = converse(&board, &rack, number, &connection, reader) {
            let _ = lock(&connection).tell(&Told::Refused(&why));
        }
        part(&board, &rack, number, &connection);
    })?;
    Ok(())
}

/// Ends a connection: its sensors have no more readings, and its commands no results.
fn part(board: &Mutex<Board>, rack: &Rack, number: u64, connection: &Mutex<Connection>) {
    let mut board = lock(board);
    board.connections.remove(&number);
    let Board { sensors, actuators, .. } = &mut *board;
    for (id, by) in sensors.iter_mut().filter(|(_, by)| **by == Some(number)) {
        *by = None;
        rack.end(id);
    }
    for by in actuators.values_mut().filter(|by| **by == Some(number)) {
        *by = None;
    }
    let mut connection = lock(connection);
    connection.waiting.clear();
    let _ = connection.stream.shutdown(std::net::Shutdown::Both);
}

/// Hears a device out. An error is what it is told at the end.
fn converse(
    board: &Mutex<Board>,
    rack: &Rack,
    number: u64,
    connection: &Mutex<Connection>,
    stream: UnixStream,
) -> Result<(), String> {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_or(true, |bytes| bytes == 0) {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == LINE_BYTES_MAX {
            return Err(format!("a line has more than {LINE_BYTES_MAX} bytes"));
        }
        let said =
            serde_json::from_slice(&line).map_err(|error| format!("the line is no message: {error}"))?;
        match said {
            Said::Attach { sensors, actuators } => {
                attach(&mut lock(board), number, &sensors, &actuators)?;
                lock(connection).tell(&Told::Attached {}).map_err(|error| error.to_string())?;
            }
            Said::Reading { .. } if line.len() > JSON_BYTES_MAX as usize => {
                return Err(format!("a reading has more than {JSON_BYTES_MAX} bytes"));
            }
            Said::Reading { sensor, value, time } => {
                if lock(board).sensors.get(&sensor) != Some(&Some(number)) {
                    return Err(format!("the sensor `{sensor}` is not attached by this connection"));
                }
                rack.push(&sensor, time, value);
            }
            Said::Result { number, value, error } => {
                // Nobody waits any more for one that is late.
                if let Some(waiting) = lock(connection).waiting.remove(&number) {
                    let failed = error.is_some();
                    let _ =
                        waiting.send(if failed { Err(ErrorCode::Io) } else { Ok(value.unwrap_or_default()) });
                }
            }
        }
    }
}

fn attach(board: &mut Board, number: u64, sensors: &[String], actuators: &[String]) -> Result<(), String> {
    for (what, ids, there) in
        [("sensor", sensors, &mut board.sensors), ("actuator", actuators, &mut board.actuators)]
    {
        for id in ids {
            match there.get_mut(id) {
                None => return Err(format!("no {what} `{id}` is described as attached")),
                Some(Some(other)) if *other != number => {
                    return Err(format!("the {what} `{id}` is attached already"));
                }
                Some(by) => *by = Some(number),
            }
        }
    }
    Ok(())
}

impl Socket {
    /// A sensor of this id may be attached.
    pub fn add_sensor(&self, id: &str) {
        lock(&self.board).sensors.insert(id.to_owned(), None);
    }

    /// An actuator of this id may be attached; what carries its actions out.
    pub fn add_actuator(&self, id: &str) -> Arc<dyn Sink> {
        lock(&self.board).actuators.insert(id.to_owned(), None);
        Arc::new(AttachedActuator { board: Arc::clone(&self.board), seen: Mutex::new(0) })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut board = lock(&self.board);
        board.is_closed = true;
        for connection in board.connections.values() {
            let _ = lock(connection).stream.shutdown(std::net::Shutdown::Both);
        }
        drop(board);
        // The thread that listens wakes and sees it.
        let _ = UnixStream::connect(&self.path);
        let _ = remove_file(&self.path);
    }
}

/// An actuator that is somewhere else.
struct AttachedActuator {
    board: Arc<Mutex<Board>>,
    /// The largest fence that it has seen.
    seen: Mutex<u32>,
}

impl Sink for AttachedActuator {
    fn carry_out(&self, actuator: &str, fence: u32, action: &Value) -> Result<Value, ErrorCode> {
        let connection = {
            let board = lock(&self.board);
            let by = board.actuators.get(actuator).copied().flatten().ok_or(ErrorCode::Closed)?;
            Arc::clone(board.connections.get(&by).ok_or(ErrorCode::Closed)?)
        };
        let (sender, result) = mpsc::channel();
        let number = {
            let (mut seen, mut connection) = (lock(&self.seen), lock(&connection));
            if fence < *seen {
                return Err(ErrorCode::Expired);
            }
            *seen = fence;
            connection.last += 1;
            let number = connection.last;
            connection.waiting.insert(number, sender);
            if connection.tell(&Told::Command { number, actuator, fence, action }).is_err() {
                connection.waiting.remove(&number);
                return Err(ErrorCode::Closed);
            }
            number
        };
        let result = result.recv_timeout(COMMAND_TIME);
        lock(&connection).waiting.remove(&number);
        result.unwrap_or(Err(ErrorCode::Io))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_a_socket_that_is_left_over_goes() {
        let path = std::env::temp_dir().join(format!("space-socket-{}", std::process::id()));
        let rack = Rack::new(Box::new(|| 0));
        fs::write(&path, "someone's").unwrap();
        assert!(listen(&rack, &path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "someone's");
        remove_file(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        let socket = listen(&rack, &path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(listen(&rack, &path).is_err(), "somebody listens");
        drop(socket);
        assert!(!path.exists());
    }
}
