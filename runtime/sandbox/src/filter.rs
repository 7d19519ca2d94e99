//! The system calls of each policy.

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// What a child may ask of the kernel. Another call ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Memory that holds no code, its own threads' waiting and ending, and its three inherited descriptors. Opening a
    /// file fails; no thread or process is started.
    Compute,
    /// That, and what it takes to load a guest: memory files, timers, a stricter policy.
    LoadGuest,
    /// `LoadGuest`, and threads of its own, each with a lane from the parent: guests come and go.
    LoadGuests,
    /// What running a loaded guest takes: `Compute`, mapping a file that is open as code that cannot be written, waiting,
    /// and setting the timer.
    RunGuest,
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The descriptor that ends a child's own: standard input, output, errors.
const LAST_OWN_DESCRIPTOR: u64 = 2;
/// The kind of a mapping, private or shared, among its flags.
const MAP_TYPE: u64 = 0x0f;

/// Calls without conditions: none names anything outside the process.
const ALWAYS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    // What a fault does without a handler is told by its signal.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
];

/// What fails instead of ending the child: a C library's allocator asks a file how the kernel counts memory, another's
/// `abort` signals by thread alone; both do without.
const FAILING: &[i64] = &[libc::SYS_open, libc::SYS_openat, libc::SYS_tkill];

/// Waiting, and the tick.
const TIMES: &[i64] =
    &[libc::SYS_clock_nanosleep, libc::SYS_nanosleep, libc::SYS_timer_delete, libc::SYS_timer_settime];

/// What loading a guest needs beside.
const LOADING: &[i64] = &[
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_ftruncate,
    libc::SYS_memfd_create,
    libc::SYS_prctl,
    libc::SYS_pwrite64,
    libc::SYS_seccomp,
    libc::SYS_timer_create,
    libc::SYS_write,
];

/// What a thread does when it begins.
const THREADS: &[i64] = &[libc::SYS_rseq, libc::SYS_set_robust_list];

/// The filters' programs for this process: the kernel heeds the one that says no.
pub(crate) fn programs(policy: Policy) -> Result<Vec<BpfProgram>, BackendError> {
    let mut programs = vec![failing(FAILING, libc::EACCES)?, naming(policy)?];
    if policy == Policy::LoadGuests {
        // No filter reads what this call is given; without it a C library takes the older one.
        programs.push(failing(&[libc::SYS_clone3], libc::ENOSYS)?);
    }
    Ok(programs)
}

fn failing(calls: &[i64], error: i32) -> Result<BpfProgram, BackendError> {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let fail = SeccompAction::Errno(error as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, fail, TargetArch::x86_64)?.try_into()
}

/// Lets through what the policy names, and what fails by the other filter.
fn naming(policy: Policy) -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = ALWAYS.iter().chain(FAILING).map(|call| (*call, Vec::new())).collect();
    let own = || at_most(0, LAST_OWN_DESCRIPTOR);
    let no_code = || bits(2, libc::PROT_EXEC as u64, 0);
    rules.insert(libc::SYS_read, vec![rule(vec![own()?])?]);
    rules.insert(libc::SYS_recvmsg, vec![rule(vec![own()?])?]);
    rules.insert(libc::SYS_write, vec![rule(vec![own()?])?]);
    rules.insert(libc::SYS_mprotect, vec![rule(vec![no_code()?])?]);
    // A process may end itself as `abort` does.
    let this =
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(std::process::id()))?;
    rules.insert(libc::SYS_tgkill, vec![rule(vec![this])?]);
    let (private, anonymous) = (libc::MAP_PRIVATE as u64, libc::MAP_ANONYMOUS as u64);
    let own_memory = rule(vec![no_code()?, bits(3, MAP_TYPE | anonymous, private | anonymous)?])?;
    let mut mappings = vec![own_memory];
    if policy != Policy::Compute {
        mappings.push(rule(vec![no_code()?, bits(3, MAP_TYPE, private)?])?);
        let read_only = bits(2, libc::PROT_WRITE as u64, 0)?;
        mappings.push(rule(vec![read_only, bits(3, MAP_TYPE | anonymous, private)?])?);
        for call in TIMES {
            rules.insert(*call, Vec::new());
        }
    }
    rules.insert(libc::SYS_mmap, mappings);
    if matches!(policy, Policy::LoadGuest | Policy::LoadGuests) {
        rules.extend(LOADING.iter().map(|call| (*call, Vec::new())));
    }
    if policy == Policy::LoadGuests {
        // Each guest has a lane of its own.
        rules.insert(libc::SYS_read, Vec::new());
        rules.extend(THREADS.iter().chain(&[libc::SYS_clone3]).map(|call| (*call, Vec::new())));
        let thread = libc::CLONE_THREAD as u64;
        let is_thread =
            SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), thread)?;
        rules.insert(libc::SYS_clone, vec![rule(vec![is_thread])?]);
    }
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, TargetArch::x86_64)?
        .try_into()
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

fn at_most(argument: u8, most: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Le, most)
}

/// Bits of an argument of 32 bits.
fn bits(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHITECTURE: u32 = 0xc000_003e;

    /// What a filter answers to a call: the kernel's interpreter, for the instructions that filters are made of.
    fn answer(program: &[seccompiler::sock_filter], call: i64, arguments: [u64; 6]) -> u32 {
        let mut data = [0; 64];
        data[..4].copy_from_slice(&(call as u32).to_le_bytes());
        data[4..8].copy_from_slice(&ARCHITECTURE.to_le_bytes());
        data[16..].copy_from_slice(arguments.map(u64::to_le_bytes).as_flattened());
        let (mut at, mut word) = (0, 0u32);
        loop {
            let step = &program[at];
            let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
            at += 1 + match u32::from(step.code) {
                0x20 => {
                    let bytes = data[step.k as usize..].first_chunk().expect("filters read the call's data");
                    word = u32::from_le_bytes(*bytes);
                    0
                }
                0x54 => {
                    word &= step.k;
                    0
                }
                0x05 => step.k as usize,
                0x15 => jump(word == step.k),
                0x25 => jump(word > step.k),
                0x35 => jump(word >= step.k),
                0x06 => return step.k,
                code => panic!("an instruction {code:#x} that filters are not made of"),
            };
        }
    }

    fn allows(policy: Policy, call: i64, arguments: [u64; 6]) -> bool {
        let programs = programs(policy).expect("the policy can be compiled");
        programs.iter().all(|program| answer(program, call, arguments) == libc::SECCOMP_RET_ALLOW)
    }

    #[test]
    fn what_is_not_named_ends_the_child() {
        let programs = programs(Policy::Compute).expect("the policy can be compiled");
        let [failing, program] = &programs[..] else { panic!("two filters") };
        let all = (0..1000).filter(|call| allows(Policy::Compute, *call, [7; 6]));
        let mut named = ALWAYS.to_vec();
        named.sort_unstable();
        assert_eq!(all.collect::<Vec<_>>(), named);
        let refused = libc::SECCOMP_RET_ERRNO | libc::EACCES as u32;
        assert!(FAILING.iter().all(|call| answer(failing, *call, [7; 6]) == refused));
        // The same numbers by the other way in.
        assert!(
            (0..1000)
                .all(|call| answer(program, call | 0x4000_0000, [7; 6]) == libc::SECCOMP_RET_KILL_PROCESS)
        );
    }

    #[test]
    fn only_own_descriptors_are_used() {
        for call in [libc::SYS_read, libc::SYS_write, libc::SYS_recvmsg] {
            for policy in [Policy::Compute, Policy::RunGuest] {
                assert!(allows(policy, call, [0, 0, 0, 0, 0, 0]) && allows(policy, call, [2, 0, 0, 0, 0, 0]));
                assert!(!allows(policy, call, [3, 0, 0, 0, 0, 0]) && !allows(policy, call, [u64::MAX; 6]));
            }
        }
    }

    #[test]
    fn nothing_that_was_written_runs() {
        let (write, run) =
            ((libc::PROT_READ | libc::PROT_WRITE) as u64, (libc::PROT_READ | libc::PROT_EXEC) as u64);
        let (private, shared, own) =
            (libc::MAP_PRIVATE as u64, libc::MAP_SHARED as u64, libc::MAP_ANONYMOUS as u64);
        let map =
            |policy, protection, flags| allows(policy, libc::SYS_mmap, [0, 4096, protection, flags, 9, 0]);
        for policy in [Policy::Compute, Policy::LoadGuest, Policy::LoadGuests, Policy::RunGuest] {
            assert!(map(policy, write, private | own) && !map(policy, run, private | own), "{policy:?}");
            assert!(!map(policy, write, shared | own) && !map(policy, write | run, private), "{policy:?}");
            assert!(!map(policy, write, shared) && !map(policy, run, shared), "{policy:?}");
            assert!(allows(policy, libc::SYS_mprotect, [0, 4096, write, 0, 0, 0]), "{policy:?}");
            assert!(!allows(policy, libc::SYS_mprotect, [0, 4096, run, 0, 0, 0]), "{policy:?}");
        }
        assert!(!map(Policy::Compute, write, private) && !map(Policy::Compute, run, private));
        assert!(map(Policy::RunGuest, write, private) && map(Policy::RunGuest, run, private));
        assert!(!allows(Policy::RunGuest, libc::SYS_memfd_create, [0; 6]));
    }

    #[test]
    fn threads_are_started_and_no_process() {
        let clone = |policy, flags: i32| allows(policy, libc::SYS_clone, [flags as u64, 0, 0, 0, 0, 0]);
        let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
        assert!(clone(Policy::LoadGuests, thread) && !clone(Policy::LoadGuests, libc::SIGCHLD));
        assert!(!clone(Policy::LoadGuest, thread) && !clone(Policy::RunGuest, thread));
        let programs = programs(Policy::LoadGuests).expect("the policy can be compiled");
        let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
        assert!(programs.iter().any(|program| answer(program, libc::SYS_clone3, [0; 6]) == absent));
    }

    #[test]
    fn a_child_signals_itself_only() {
        let own = u64::from(std::process::id());
        assert!(allows(Policy::RunGuest, libc::SYS_tgkill, [own, own, 6, 0, 0, 0]));
        assert!(!allows(Policy::RunGuest, libc::SYS_tgkill, [1, 1, 9, 0, 0, 0]));
        assert!(!allows(Policy::RunGuest, libc::SYS_kill, [own, 9, 0, 0, 0, 0]));
    }
}
