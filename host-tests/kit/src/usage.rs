//! What a process takes of the machine, by the system's own account.

use procfs::process::Process;
use procfs::{ProcError, ProcResult};
use std::time::Duration;

/// The processor time that the threads of a process have taken, to the nanosecond. Threads that
/// have ended are left out: it is for programs that keep theirs, as proxies do.
///
/// # Errors
///
/// There is no such process, or the system keeps no such account.
pub fn cpu(pid: u32) -> ProcResult<Duration> {
    let mut sum = Duration::ZERO;
    for task in process(pid)?.tasks()? {
        match task?.schedstat() {
            Ok(account) => {
                sum = sum.saturating_add(Duration::from_nanos(account.sum_exec_runtime));
            }
            // It has ended since.
            Err(ProcError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
}

/// The resident memory of a process, in bytes.
///
/// # Errors
///
/// There is no such process.
pub fn resident(pid: u32) -> ProcResult<u64> {
    let pages = process(pid)?.statm()?.resident;
    Ok(pages.saturating_mul(procfs::page_size()))
}

/// The most memory that was ever resident in a process, in bytes.
///
/// # Errors
///
/// There is no such process, or it has ended.
pub fn peak(pid: u32) -> ProcResult<u64> {
    let kilobytes = process(pid)?.status()?.vmhwm.ok_or(ProcError::NotFound(None))?;
    Ok(kilobytes.saturating_mul(1024))
}

fn process(pid: u32) -> ProcResult<Process> {
    Process::new(i32::try_from(pid).map_err(|_| ProcError::NotFound(None))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_takes_grows_with_what_it_does() {
        let id = std::process::id();
        let before = cpu(id).unwrap();
        let held = vec![1_u8; 64 << 20];
        let mut sum = 0_u64;
        while cpu(id).unwrap() <= before.saturating_add(Duration::from_millis(2)) {
            sum = held.iter().fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
        }
        assert!(resident(id).unwrap() > held.len() as u64, "{sum}");
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(cpu(u32::MAX).is_err() && resident(u32::MAX).is_err());
    }
}
