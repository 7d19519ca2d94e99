//! What spaces use of the processor, held against what they may.

use services_zrun::linux::thread_name;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Time over which a use is taken.
const WINDOW: Duration = Duration::from_millis(250);
/// Thousandths of a processor that may be a mistake of measuring.
const TOLERANCE: u64 = 20;
/// Windows in a row in which a space may use more than its share: what it saved before is not counted.
const BURST: u32 = 8;
/// Thousandths of a processor from which on a space without a share lets others go first.
const GREEDY: u64 = 500;
/// Those who go last.
const LAST: i32 = 19;

/// What becomes of a space for what it used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It used more than its share: why it ends.
    Beyond(String),
    /// Others go first from now on: why.
    Last(String),
}

/// A space's thread.
#[derive(Default)]
struct Used {
    nanoseconds: u64,
    /// Windows in a row with more than its share.
    over: u32,
    is_last: bool,
}

/// The processor times of a process's spaces.
#[derive(Default)]
pub struct Processor {
    looked: Option<Instant>,
    /// By their numbers in the process.
    spaces: BTreeMap<u32, Used>,
}

impl Processor {
    /// Looks at what the spaces of a process used, if it is time to. They have these numbers and shares, in thousandths.
    pub fn look(&mut self, process: u32, spaces: &BTreeMap<u32, Option<u32>>) -> Vec<(u32, Judgement)> {
        let now = Instant::now();
        let window = self.looked.map(|looked| now - looked);
        if window.is_some_and(|window| window < WINDOW) {
            return Vec::new();
        }
        self.looked = Some(now);
        self.spaces.retain(|number, _| spaces.contains_key(number));
        let threads = threads(Path::new(&format!("/proc/{process}/task")));
        let mut judged = Vec::new();
        for (number, share) in spaces {
            let Some((thread, nanoseconds)) = threads.get(&thread_name(*number)) else { continue };
            let used = self.spaces.entry(*number).or_default();
            let more = nanoseconds.saturating_sub(used.nanoseconds);
            used.nanoseconds = *nanoseconds;
            // The first look tells nothing of when it was used.
            let Some(window) = window else { continue };
            let thousandths = more.saturating_mul(1000) / (window.as_nanos() as u64).max(1);
            if let Some(judgement) = used.judge(thousandths, *share) {
                if matches!(judgement, Judgement::Last(_)) {
                    go_last(*thread);
                }
                judged.push((*number, judgement));
            }
        }
        judged
    }
}

impl Used {
    fn judge(&mut self, thousandths: u64, share: Option<u32>) -> Option<Judgement> {
        let Some(share) = share else {
            if self.is_last || thousandths < GREEDY {
                return None;
            }
            self.is_last = true;
            return Some(Judgement::Last(format!(
                "it uses {thousandths} thousandths of a processor, and has no share: others go first from now on"
            )));
        };
        self.over = if thousandths > u64::from(share) + TOLERANCE { self.over + 1 } else { 0 };
        (self.over > BURST).then(|| {
            Judgement::Beyond(format!(
                "it used {thousandths} thousandths of a processor, it may use {share} [quota-cpu]"
            ))
        })
    }
}

/// Threads by their names: their numbers, and nanoseconds that they had a processor.
fn threads(tasks: &Path) -> BTreeMap<String, (u32, u64)> {
    let thread = |entry: fs::DirEntry| {
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        let times = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        let nanoseconds = times.split_ascii_whitespace().next()?.parse().ok()?;
        Some((name.trim_end().to_owned(), (entry.file_name().to_str()?.parse().ok()?, nanoseconds)))
    };
    // A process that has ended has none.
    fs::read_dir(tasks).into_iter().flatten().flatten().filter_map(thread).collect()
}

fn go_last(thread: u32) {
    if let Some(thread) = i32::try_from(thread).ok().and_then(rustix::process::Pid::from_raw) {
        // One that has ended goes nowhere.
        let _ = rustix::process::setpriority_process(Some(thread), LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_share_for_longer_than_a_burst_is_beyond_it() {
        let mut used = Used::default();
        for _ in 0..2 {
            assert!((0..BURST).all(|_| used.judge(300, Some(200)).is_none()));
            assert_eq!(used.judge(200, Some(200)), None, "it begins anew");
        }
        assert!((0..BURST).all(|_| used.judge(300, Some(200)).is_none()));
        let beyond = used.judge(300, Some(200));
        assert_eq!(
            beyond,
            Some(Judgement::Beyond(
                "it used 300 thousandths of a processor, it may use 200 [quota-cpu]".to_owned()
            ))
        );
    }

    #[test]
    fn who_is_greedy_goes_last_once() {
        let mut used = Used::default();
        assert_eq!(used.judge(GREEDY - 1, None), None);
        assert!(matches!(used.judge(GREEDY, None), Some(Judgement::Last(_))));
        assert_eq!(used.judge(1000, None), None);
    }

    #[test]
    fn threads_are_found_by_their_names() {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let thread =
            std::thread::Builder::new().name(thread_name(7)).spawn(move || wait.recv()).expect("a thread");
        // It takes its name when it begins.
        while !threads(Path::new("/proc/self/task")).contains_key("space-7") {
            std::thread::yield_now();
        }
        drop(go);
        assert!(thread.join().expect("it ends").is_err());
    }
}
