//! One run on this host: the nanokernel's core over processes, in QEMU's place.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use nanokernel_core::Options;
use runtime_machine::Settings;

use crate::fault::FaultLine;
use crate::qemu::MEMORY_MIB;
use crate::run::{CHUNKS, Ending, Error, Lines, Stop, Watch};

/// What to run.
pub struct LinuxRun<'a> {
    /// Policy page and bundle.
    pub module: &'a [u8],
    /// Print a line for every event, as the kernel's word `verbose` asks for.
    pub verbose: bool,
    /// When to end it.
    pub stop: Stop,
    /// Set by whoever wants the run to end.
    pub interrupted: &'a AtomicBool,
}

impl LinuxRun<'_> {
    /// As [`Run::run`](crate::Run::run).
    pub fn run(
        &self,
        console: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(Ending, Vec<FaultLine>), Error> {
        let options = Options { verbose: self.verbose, ..Options::default() };
        let settings = Settings { memory_bytes: u64::from(MEMORY_MIB) << 20, options };
        let ended = AtomicBool::new(false);
        let (sender, chunks) = mpsc::sync_channel(CHUNKS);
        let mut lines = Lines::default();
        thread::scope(|scope| {
            let machine = scope.spawn(|| {
                // Where nobody reads any more, the run is about to end.
                runtime_machine::run(self.module, settings, &ended, move |chunk| {
                    let _ = sender.send(chunk.to_vec());
                })
            });
            let watch = Watch { stop: self.stop, is_quiet: false, interrupted: self.interrupted };
            let watched = watch.watch(&chunks, &mut lines, console);
            ended.store(true, Ordering::Relaxed);
            drop(chunks);
            let ran = machine.join().unwrap_or(Err(runtime_machine::Error::Panicked))?;
            let ending = watched?.or(ran.map(Ending::Exit)).unwrap_or(Ending::Interrupted);
            Ok((ending, lines.faults))
        })
    }
}
