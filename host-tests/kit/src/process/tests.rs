use super::*;
use std::os::unix::process::ExitStatusExt;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str) -> (Process, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let process = Process::start(Command::new("sh").args(["-c", script]), &log).unwrap();
    (process, folder)
}

/// Waits until the process has written `text`.
fn wrote(process: &mut Process, text: &str) {
    let log = process.log.clone();
    process
        .until(text, LIMIT, || std::fs::read_to_string(&log).ok()?.contains(text).then_some(()))
        .unwrap();
}

fn runs(id: u32) -> bool {
    // A process that has ended but was not waited for still has a folder, and the state Z.
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn asks_before_it_kills() {
    let (mut process, _folder) =
        shell("trap 'echo asked; exit 3' TERM; echo up; while :; do sleep 0.01; done");
    wrote(&mut process, "up");
    assert_eq!(process.stop().unwrap().code(), Some(3));
    assert_eq!(process.log(), "up\nasked\n");
    assert_eq!(process.stop().unwrap().code(), Some(3), "stopping twice is nothing new");
}

#[test]
fn kills_what_does_not_listen() {
    let (mut process, _folder) = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
    wrote(&mut process, "up");
    let status = process.stop_within(Duration::from_millis(50)).unwrap();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn says_how_a_process_ended_too_early() {
    let (mut process, _folder) = shell("echo no such colour >&2; exit 7");
    let error = process.until("ready", LIMIT, || None::<()>).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sh` ended (exit status: 7) before it was ready; its log ends with:\nno such colour"
    );
}

#[test]
fn says_what_a_process_is_late_with() {
    let (mut process, _folder) = shell("echo up; while :; do sleep 0.01; done");
    wrote(&mut process, "up");
    let error = process.until("ready", Duration::from_millis(20), || None::<()>).unwrap_err();
    assert_eq!(error.to_string(), "`sh`: ready: not within 0.02 s; its log ends with:\nup");
}

#[test]
fn ends_with_a_test_that_panics() {
    let (mut process, folder) = shell("echo up; exec sleep 600");
    wrote(&mut process, "up");
    let id = process.id();
    assert!(runs(id));
    let test = std::thread::spawn(move || {
        let _process = process;
        panic!("this failure is part of the test");
    });
    assert!(test.join().is_err());
    assert!(!runs(id));
    drop(folder);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let error = Process::start(&mut Command::new("/nowhere/tool"), &log).unwrap_err();
    assert!(error.to_string().starts_with("cannot start `tool`"), "{error}");
}
