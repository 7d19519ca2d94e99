//! The server: one thread, one listener on loopback.

use crate::api;
use crate::broker::Broker;
use crate::flat::Flat;
use crate::gate::Gate;
use crate::limits::STATE_PERIOD;
use crate::view::Source;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// Why the desk does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener is reachable from elsewhere.
    #[error("the desk listens on 127.0.0.1 only, not on {0}; bind the listener there")]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("the desk cannot serve: {0}")]
    Io(#[from] std::io::Error),
    /// The system has no random numbers.
    #[error("the desk cannot make a ticket: {0}")]
    Random(#[from] getrandom::Error),
}

/// What all requests see.
pub(crate) struct Shared {
    pub port: u16,
    pub source: Arc<dyn Source>,
    gate: Mutex<Gate>,
    broker: Mutex<Broker>,
    state: Mutex<Option<(Instant, Arc<Flat>)>>,
}

impl Shared {
    pub fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, at most one period old: any number of pages cost one look.
    pub fn state(&self) -> Result<Arc<Flat>, serde_json::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, flat)) = &*state
            && at.elapsed() < STATE_PERIOD / 2
        {
            return Ok(Arc::clone(flat));
        }
        let flat = Arc::new(Flat::new(&self.source.snapshot())?);
        *state = Some((Instant::now(), Arc::clone(&flat)));
        Ok(flat)
    }
}

/// A desk that serves until it is dropped.
pub struct Desk {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves the desk on a thread of its own.
pub fn serve(listener: TcpListener, source: Arc<dyn Source>) -> Result<Desk, ServeError> {
    let address = listener.local_addr()?;
    if address.ip() != Ipv4Addr::LOCALHOST {
        return Err(ServeError::NotLoopback(address));
    }
    listener.set_nonblocking(true)?;
    let shared = Arc::new(Shared {
        port: address.port(),
        source,
        gate: Mutex::default(),
        broker: Mutex::default(),
        state: Mutex::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    let router = api::router(Arc::clone(&shared));
    let thread = std::thread::Builder::new().name("desk".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                // It ends with the first: a listener that fails is tried again by axum itself.
                _ = axum::serve(listener, router) => {}
                _ = stopped => {}
            }
        });
        // Streams have no end of their own.
        runtime.shutdown_background();
    })?;
    Ok(Desk { shared, stop: Some(stop), thread: Some(thread) })
}

impl Desk {
    /// An address that opens the desk once: it carries a new ticket. It belongs on the user's own screen only.
    pub fn url(&self) -> Result<String, ServeError> {
        let ticket = self.shared.gate().ticket()?;
        Ok(format!("http://{}/?ticket={ticket}", self.address()))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.shared.port))
    }

    /// Stops serving and closes every connection.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        // Where the thread is gone, there is nothing to stop.
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop();
    }
}
