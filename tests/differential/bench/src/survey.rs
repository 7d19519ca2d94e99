//! All measurements: every peer in turn, round after round, so that what else the machine does meets all alike.

use crate::child::Peer;
use crate::engine::{Failure, Figure};
use crate::figures::median;
use crate::native;
use crate::programs::{self, Program};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// This project.
    Space,
    /// wasmtime.
    Wasmtime,
    /// wasmtime in another process: what differs from the first is noise.
    Again,
    /// wasm2c and gcc.
    Wasm2c,
    /// The source by gcc.
    Gcc,
}

/// One thing by everybody who does it.
pub type Row = BTreeMap<Who, f64>;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Rounds of run times and small figures.
    pub rounds: u32,
    /// Rounds of compilation.
    pub compilations: u32,
    /// Whether large modules go through wasm2c and gcc, which takes a minute.
    pub large: bool,
}

/// Modules up to here are not large.
const SMALL: u64 = 100_000;

/// Everything that was measured, in nanoseconds or bytes.
#[derive(Default)]
pub struct Survey {
    /// Kernels.
    pub kernels: Vec<(&'static str, Row)>,
    /// Real modules.
    pub real: Vec<(&'static str, Row)>,
    /// Compilation: module, bytes, time.
    pub compile: Vec<(&'static str, u64, Row)>,
    /// Calls and instances: for one.
    pub figures: Vec<(Figure, Row)>,
}

/// The engines, each in a process.
pub struct Engines {
    peers: BTreeMap<Who, Peer>,
    folder: PathBuf,
}

impl Engines {
    /// Starts them; what is made for them lies in `folder`.
    pub fn start(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut peers = BTreeMap::new();
        for (who, name) in [(Who::Space, "space"), (Who::Wasmtime, "wasmtime"), (Who::Again, "wasmtime")] {
            let mut command = Command::new(&program);
            command.args(["work", name]).env("RAYON_NUM_THREADS", "1");
            peers.insert(who, Peer::start(name, &mut command)?);
        }
        Ok(Self { peers, folder: folder.to_owned() })
    }

    /// Measures everything.
    pub fn survey(&mut self, extent: Extent) -> Result<Survey, Failure> {
        let mut survey = Survey::default();
        if !native::has("gcc") {
            println!("MISSING: gcc; its figures and wasm2c's are left out");
        } else if !native::has_wasm2c() {
            println!("MISSING: wasm2c (Debian's package wabt); its figures are left out");
        }
        for figure in Figure::ALL {
            survey.figures.push((figure, self.figure(figure, extent.rounds)?));
        }
        let real = programs::real(&self.folder)?;
        for program in &real {
            let (bytes, mut row) = self.compilation(program, extent.compilations)?;
            let (times, built) = self.program(program, extent)?;
            row.extend(built.map(|time| (Who::Wasm2c, time)));
            survey.compile.push((program.name, bytes, row));
            survey.real.push((program.name, times));
        }
        for program in programs::kernels() {
            let (times, _) = self.program(&program, extent)?;
            survey.kernels.push((program.name, times));
        }
        Ok(survey)
    }

    fn figure(&mut self, figure: Figure, rounds: u32) -> Result<Row, Failure> {
        println!("   {figure}");
        let request = format!("measure {figure} {}", figure.count());
        if figure == Figure::Idle {
            let asked = self.peers.iter_mut().map(|(who, peer)| Ok((*who, peer.ask(&request)?.0 as f64)));
            return asked.collect();
        }
        let each = f64::from(figure.count());
        let row = rows(rounds, self.peers.iter_mut(), |_, peer| Ok(peer.ask(&request)?.0))?;
        Ok(row.into_iter().map(|(who, time)| (who, time / each)).collect())
    }

    fn compilation(&mut self, program: &Program, rounds: u32) -> Result<(u64, Row), Failure> {
        println!("   compile {}", program.name);
        let path = program.module.display().to_string();
        let bytes = fs::metadata(&program.module).map_err(|error| format!("{path}: {error}"))?.len();
        Ok((
            bytes,
            rows(rounds, self.peers.iter_mut(), |_, peer| Ok(peer.ask(&format!("compile {path}"))?.0))?,
        ))
    }

    /// Run times, and the time that wasm2c and gcc took.
    fn program(&mut self, program: &Program, extent: Extent) -> Result<(Row, Option<f64>), Failure> {
        println!("   {}", program.name);
        let mut built = None;
        let mut natives = BTreeMap::new();
        if native::has("gcc") {
            natives.extend(native::gcc(program, &self.folder)?.map(|peer| (Who::Gcc, peer)));
            let bytes = fs::metadata(&program.module).map_or(0, |file| file.len());
            if native::has_wasm2c() && (extent.large || bytes <= SMALL) {
                let before = children()?;
                natives.insert(Who::Wasm2c, native::wasm2c(program, &self.folder)?);
                built = Some(children()? - before);
            }
        }
        let mut numbers = BTreeMap::new();
        for (who, peer) in &mut self.peers {
            numbers.insert(*who, peer.ask(&format!("load {}", program.module.display()))?.0);
        }
        let mut sums = BTreeMap::new();
        let mut once = |who: Who, peer: &mut Peer| {
            let number = numbers.get(&who).copied().unwrap_or_default();
            let (time, sum) = peer.ask(&format!("run {number} {}", program.rounds))?;
            sums.insert(who, sum);
            let first = sums.values().next().copied();
            if first == Some(sum) {
                Ok(time)
            } else {
                Err(format!("{}: not everybody computes the same: {sums:x?}", program.name))
            }
        };
        let all = self.peers.iter_mut().chain(&mut natives);
        Ok((rows(extent.rounds, all, &mut once)?, built))
    }
}

/// Every peer in turn, round after round.
fn rows<'p>(
    rounds: u32,
    peers: impl Iterator<Item = (&'p Who, &'p mut Peer)>,
    mut once: impl FnMut(Who, &mut Peer) -> Result<u64, Failure>,
) -> Result<Row, Failure> {
    let mut peers: Vec<(Who, &mut Peer)> = peers.map(|(who, peer)| (*who, peer)).collect();
    let mut measured: BTreeMap<Who, Vec<u64>> = BTreeMap::new();
    for round in 0..=rounds {
        for (who, peer) in &mut peers {
            let time = once(*who, peer)?;
            // The first one touches pages and fills caches.
            if round > 0 {
                measured.entry(*who).or_default().push(time);
            }
        }
    }
    Ok(measured.iter().filter_map(|(who, times)| Some((*who, median(times)?))).collect())
}

/// Nanoseconds of the children that have ended; counted in steps of 10 ms.
fn children() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(|error| format!("processor time: {error}"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(13) + ticks(14)) * 1e7)
}
