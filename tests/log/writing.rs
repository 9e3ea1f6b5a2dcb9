//! Lines come out by syslog, else by the kernel's log, else on stderr, and never late.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use unhang::log::{Level, Log};

const LINE: &str = "eno1: tso off (was on); rule a; e1000e; event add";

/// Places for a log, in a folder that goes away with them.
struct Places(TempDir);

impl Places {
    fn new() -> Places {
        Places(tempfile::tempdir().unwrap())
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("log")
    }

    fn kmsg(&self) -> PathBuf {
        self.0.path().join("kmsg")
    }

    /// The kernel's log is a file that is there already.
    fn with_kmsg(self) -> Places {
        fs::write(self.kmsg(), "").unwrap();
        self
    }

    fn log(&self) -> Log {
        Log::to(self.socket(), self.kmsg())
    }
}

/// Fills a socket until nobody gets anything into it. One sender may have its own limit before.
fn fill(socket: &Path) {
    loop {
        let filler = UnixDatagram::unbound().unwrap();
        filler.set_nonblocking(true).unwrap();
        if filler.send_to(b"old news", socket).is_err() {
            return;
        }
        while filler.send_to(b"old news", socket).is_ok() {}
    }
}

fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn kernel_log(places: &Places) -> String {
    fs::read_to_string(places.kmsg()).unwrap()
}

#[test]
fn syslog_gets_the_line_with_facility_daemon_and_its_level() {
    let places = Places::new().with_kmsg();
    let daemon = UnixDatagram::bind(places.socket()).unwrap();
    for (level, severity) in [
        (Level::Error, 3),
        (Level::Warning, 4),
        (Level::Info, 6),
        (Level::Debug, 7),
    ] {
        places.log().write(level, LINE);
        let priority = 3 * 8 + severity;
        let message = format!("<{priority}>unhang[{}]: {LINE}", std::process::id());
        assert_eq!(received(&daemon), message);
    }
    assert_eq!(kernel_log(&places), "", "one place is enough");
}

#[test]
fn a_daemon_that_does_not_read_is_not_waited_for() {
    let places = Places::new().with_kmsg();
    let _daemon = UnixDatagram::bind(places.socket()).unwrap();
    fill(&places.socket());
    let start = Instant::now();
    places.log().write(Level::Warning, LINE);
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(
        kernel_log(&places),
        format!("<28>unhang[{}]: {LINE}\n", std::process::id())
    );
}

#[test]
fn a_daemon_that_did_not_read_once_is_not_waited_for_again() {
    let places = Places::new().with_kmsg();
    let daemon = UnixDatagram::bind(places.socket()).unwrap();
    fill(&places.socket());
    let log = places.log();
    let start = Instant::now();
    for _ in 0..50 {
        log.write(Level::Warning, LINE);
    }
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    // It gets lines again as soon as it reads.
    assert_eq!(received(&daemon), "old news");
    log.write(Level::Info, "read again");
    let mut last = String::new();
    daemon.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(length) = daemon.recv(&mut buffer) {
        last = String::from_utf8(buffer[..length].to_vec()).unwrap();
    }
    assert!(last.ends_with("read again"), "{last}");
}

#[test]
fn a_daemon_that_reads_in_time_gets_the_line() {
    let places = Places::new().with_kmsg();
    let daemon = UnixDatagram::bind(places.socket()).unwrap();
    fill(&places.socket());
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        while received(&daemon) == "old news" {}
    });
    places.log().write(Level::Info, LINE);
    reader.join().unwrap();
    assert_eq!(kernel_log(&places), "");
}

#[test]
fn without_syslog_the_kernel_log_gets_it() {
    let places = Places::new().with_kmsg();
    places.log().write(Level::Error, LINE);
    assert!(kernel_log(&places).starts_with("<27>unhang["));
}

#[test]
fn a_socket_whose_daemon_is_dead_is_no_syslog() {
    let places = Places::new().with_kmsg();
    drop(UnixDatagram::bind(places.socket()).unwrap());
    places.log().write(Level::Info, LINE);
    assert!(kernel_log(&places).ends_with(&format!("{LINE}\n")));
}

/// Runs as a process of its own, whose stderr can be read.
#[test]
fn without_both_stderr_gets_it() {
    const INSIDE: &str = "UNHANG_TEST_WRITES_TO_STDERR";
    if std::env::var_os(INSIDE).is_some() {
        Log::to("/nonexistent/log", Path::new("/nonexistent/kmsg")).write(Level::Info, LINE);
        return;
    }
    let myself = std::env::current_exe().unwrap();
    let output = Command::new(myself)
        .args([
            "--exact",
            "writing::without_both_stderr_gets_it",
            "--nocapture",
        ])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&format!("unhang: {LINE}\n")), "{stderr}");
}
