//! The process that a topology's spaces run in: begun when the first of them starts, and again when it is gone.

use super::Run;
use crate::descriptors::explained;
use services_zrun::linux::{Job, Orders, Spaces};
use services_zrun::remote::Wait;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

#[derive(Default)]
struct State {
    /// The way to tell it what to do, while it runs.
    orders: Option<Orders>,
    /// The kernel's number of it.
    id: u32,
    /// What is to start when it runs.
    pending: VecDeque<(u32, Job, Vec<u8>)>,
    /// It is not to begin again.
    over: bool,
}

/// The process.
#[derive(Default)]
pub struct Process {
    state: Mutex<State>,
    wanted: Condvar,
}

impl Process {
    /// Begins the thread that has the process: a process does not outlive the thread that began it.
    pub fn begin(run: &Arc<Run>) {
        let run = Arc::downgrade(run);
        thread::spawn(move || while live(&run) {});
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a space in it.
    pub fn start(&self, number: u32, job: Job, image: &[u8]) {
        let mut state = self.state();
        match &state.orders {
            Some(orders) => orders.start(number, job, image),
            None => {
                state.pending.push_back((number, job, image.to_vec()));
                self.wanted.notify_all();
            }
        }
    }

    /// Ends a space where it is.
    pub fn stop(&self, number: u32) {
        if let Some(orders) = &self.state().orders {
            orders.stop(number);
        }
    }

    /// Gives a space the reply to its request.
    pub fn reply(&self, number: u32, reply: &[u8]) {
        if let Some(orders) = &self.state().orders {
            orders.reply(number, reply);
        }
    }

    /// Replies to a space that waits; whether it is to ask when it waits again.
    pub fn arrive(&self, number: u32, reply: &[u8], asks: bool) {
        if let Some(orders) = &self.state().orders {
            orders.arrive(number, reply, asks);
        }
    }

    /// Has a space ask when it waits.
    pub fn ask(&self, number: u32) {
        if let Some(orders) = &self.state().orders {
            orders.ask(number);
        }
    }

    /// The kernel's number of it, while it runs.
    pub fn id(&self) -> Option<u32> {
        let state = self.state();
        state.orders.as_ref().map(|_| state.id)
    }

    /// What a space noted that waits.
    pub fn noted(&self, number: u32) -> Option<Wait> {
        self.state().orders.as_ref()?.noted(number)
    }

    /// It is gone. The numbers of spaces that were not given to it.
    pub fn gone(&self) -> BTreeSet<u32> {
        let mut state = self.state();
        state.orders = None;
        state.pending.iter().map(|(number, ..)| *number).collect()
    }

    /// Ends it for good.
    pub fn end(&self) {
        let mut state = self.state();
        state.over = true;
        if let Some(orders) = &state.orders {
            orders.end();
        }
        self.wanted.notify_all();
    }
}

/// One life of the process; whether there may be another.
fn live(run: &Weak<Run>) -> bool {
    {
        let Some(run) = run.upgrade() else { return false };
        let is_idle = |state: &mut State| state.pending.is_empty() && !state.over;
        let process = &run.process;
        let waited = process.wanted.wait_while(process.state(), is_idle);
        if waited.unwrap_or_else(PoisonError::into_inner).over {
            return false;
        }
    }
    let mut spaces = match Spaces::new(None, None) {
        Ok(spaces) => spaces,
        Err(error) => {
            let Some(run) = run.upgrade() else { return false };
            run.process.state().pending.clear();
            run.process_ended(&explained(&format!("did not begin: {error}")));
            return true;
        }
    };
    let orders = spaces.orders();
    {
        let Some(run) = run.upgrade() else { return false };
        let mut state = run.process.state();
        for (number, job, image) in std::mem::take(&mut state.pending) {
            orders.start(number, job, &image);
        }
        (state.orders, state.id) = (Some(orders.clone()), spaces.id());
    }
    loop {
        let event = spaces.wait();
        let Some(run) = run.upgrade() else { return false };
        match event {
            Ok(event) => run.happened(event, &orders),
            Err(ended) => {
                run.process_ended(&ended.to_string());
                return true;
            }
        }
    }
}
