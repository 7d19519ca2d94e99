//! Descriptors: what a process may have open, and what to do where that is too little.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

/// How the system ends what it says where a process has none left.
const NONE_LEFT: &str = "(os error 24)";
/// As many as are left.
const LEFT: u64 = 32;
/// As many as a thousand spaces take that all store something.
const ENOUGH: u64 = 4096;

/// Lets this process have as many as it may allow itself.
pub fn allow_all() {
    let allowed = getrlimit(Resource::Nofile);
    // What is not allowed stays as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, ..allowed });
}

/// Insists that some are left for what cannot do without: connections, journals, processes.
pub fn leave_some() -> io::Result<()> {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // The lowest number that is free is given.
    let newest = File::open("/dev/null")?.as_raw_fd();
    let is_left = u64::try_from(newest).is_ok_and(|newest| newest < most - LEFT.min(most / 4));
    if is_left { Ok(()) } else { Err(rustix::io::Errno::MFILE.into()) }
}

/// What went wrong, and what to do about it where it was that this process had none left.
pub fn explained(wrong: &str) -> String {
    if !wrong.contains(NONE_LEFT) {
        return wrong.to_owned();
    }
    let most = getrlimit(Resource::Nofile).current.map_or_else(String::new, |most| format!(" {most}"));
    format!(
        "{wrong}: the parent may have{most} files open; stop what runs with `space down`, allow more with \
         `ulimit -n {ENOUGH}`, and bring it up again [descriptors]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lacks_descriptors_is_explained() {
        let wrong = io::Error::from_raw_os_error(24).to_string();
        assert!(explained(&wrong).starts_with(&wrong) && explained(&wrong).contains("`ulimit -n 4096`"));
        let other = io::Error::from_raw_os_error(2).to_string();
        assert_eq!(explained(&other), other);
    }
}
