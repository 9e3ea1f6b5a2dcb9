//! Hooks as real processes, on a system that is a folder.

use std::cell::RefCell;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::time::Instant;

use super::*;
use crate::nic::Nic;
use crate::notify::Kind;

/// A hook that notes each call, and what it is given.
const NOTES: &str =
    "#!/bin/sh\necho \"$UNHANG_EVENT $UNHANG_INTERFACE $UNHANG_GONE_S\" >>calls\ncat >>json\n";

struct System {
    root: tempfile::TempDir,
    queue: Queue,
    syslog: UnixDatagram,
    log: RefCell<String>,
}

impl System {
    fn new() -> System {
        let root = tempfile::tempdir().unwrap();
        for dir in [DIR, "proc/sys/kernel", "dev"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        fs::write(root.path().join("proc/sys/kernel/hostname"), "pve1\n").unwrap();
        let syslog = UnixDatagram::bind(root.path().join("dev/log")).unwrap();
        syslog.set_nonblocking(true).unwrap();
        System {
            queue: Queue::below(root.path()),
            root,
            syslog,
            log: RefCell::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A hook that runs in the root.
    fn hook(&self, name: &str, script: &str, mode: u32) {
        let path = self.path(DIR).join(name);
        let cd = format!("\ncd '{}'\n", self.root.path().display());
        fs::write(&path, script.replacen('\n', &cd, 1)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn queue(&self, number: u64, kind: Kind) {
        let nic = Nic {
            name: "eno1".into(),
            ..Nic::default()
        };
        let event = Event::of_nic(kind, &nic, "so it is");
        let event = event.gone_for(Duration::from_millis(4231));
        self.queue.stage(number, event).unwrap();
        self.queue.publish(number).unwrap();
    }

    fn run(&self, limit: Duration) {
        run_queue_within(self.root.path(), limit).unwrap();
        assert!(self.queue.waiting().unwrap().is_empty());
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn logged(&self, what: &str) -> usize {
        let mut log = self.log.borrow_mut();
        let mut line = [0; 1000];
        while let Ok(length) = self.syslog.recv(&mut line) {
            *log += &format!("{}\n", String::from_utf8_lossy(&line[..length]));
        }
        log.lines().filter(|line| line.contains(what)).count()
    }
}

/// Long enough for what ends, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn each_hook_is_told_each_event_once_in_order() {
    let system = System::new();
    system.hook("10-notes", NOTES, 0o755);
    system.hook("20-fails", "#!/bin/sh\necho fails >>calls\nexit 3\n", 0o755);
    system.queue(1, Kind::Recovered);
    system.queue(2, Kind::Exhausted);
    system.run(LONG);
    system.run(LONG);
    let calls = "recovered eno1 4.2\nfails\nexhausted eno1 4.2\nfails\n";
    assert_eq!(system.text("calls"), calls);
    let json = system.text("json");
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    let keys = ["schema", "event", "host", "interface", "message", "gone_s"];
    let expected = serde_json::json!([1, "recovered", "pve1", "eno1", "eno1: so it is", 4.2]);
    assert_eq!(
        Value::from_iter(keys.map(|key| first[key].clone())),
        expected
    );
    assert_eq!(
        system.logged("hook 10-notes for recovered of eno1: done"),
        1
    );
    assert_eq!(
        system.logged("hook 20-fails for exhausted of eno1: failed: exit status: 3"),
        1
    );
}

#[test]
fn a_hook_that_hangs_is_killed_with_what_it_started_and_the_next_is_called() {
    let system = System::new();
    let hangs = "#!/bin/sh\ntrap '' TERM\nsleep 600 & echo $! >child\nwait; wait\n";
    system.hook("10-hangs", hangs, 0o755);
    system.hook("20-notes", NOTES, 0o755);
    system.queue(1, Kind::LoopGuard);
    let start = Instant::now();
    system.run(Duration::from_secs(2));
    assert!(start.elapsed() < LONG);
    assert_eq!(system.text("calls"), "loop-guard eno1 4.2\n");
    let killed = "hook 10-hangs for loop-guard of eno1: failed: killed after 2 s";
    assert_eq!(system.logged(killed), 1);
    let child = system.text("child").trim().to_owned();
    let state = || fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    let gone = || state().is_empty() || state().contains(" Z ");
    while !gone() {
        assert!(start.elapsed() < LONG, "{}", state());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_was_called_before_a_kill_is_not_called_again() {
    let system = System::new();
    for name in ["10-first", "20-second", "30-third"] {
        system.hook(name, &NOTES.replace("$UNHANG_EVENT", name), 0o755);
    }
    system.queue(1, Kind::NotInForce);
    let path = &system.queue.waiting().unwrap()[0];
    let mut queued: Queued = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    queued.called = vec!["10-first".into(), "20-second".into()];
    fs::write(path, serde_json::to_vec(&queued).unwrap()).unwrap();
    system.run(LONG);
    assert_eq!(system.text("calls"), "30-third eno1 4.2\n");
}

#[test]
fn one_runs_at_a_time() {
    let system = System::new();
    let overlaps =
        "#!/bin/sh\nmkdir busy || echo overlap >>calls\nsleep 0.2\nrmdir busy\necho one >>calls\n";
    system.hook("10-overlaps", overlaps, 0o755);
    (1..=4).for_each(|number| system.queue(number, Kind::Recovered));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| run_queue_within(system.root.path(), LONG).unwrap());
        }
    });
    assert_eq!(system.text("calls"), "one\n".repeat(4));
}

#[test]
fn what_others_may_write_what_does_not_run_and_other_names_are_not_called() {
    let system = System::new();
    system.hook("10-writable", NOTES, 0o757);
    system.hook("20-not-executable", NOTES, 0o644);
    system.hook("30-old.dpkg-old", NOTES, 0o755);
    symlink("/nowhere", system.path(DIR).join("40-dangling")).unwrap();
    system.hook("50-fine", NOTES, 0o755);
    system.queue(1, Kind::Recovered);
    system.run(LONG);
    assert_eq!(system.text("calls"), "recovered eno1 4.2\n");
    for (name, reason) in [
        ("10-writable", "it is world-writable"),
        ("20-not-executable", "it is not executable"),
        ("30-old.dpkg-old", "its name has something else"),
        ("40-dangling", "No such file"),
    ] {
        let said = format!("hook {name} for recovered of eno1: not called, because {reason}");
        assert_eq!(system.logged(&said), 1, "{said}");
    }
    let dir = system.path(DIR);
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
    system.queue(2, Kind::Recovered);
    system.run(LONG);
    assert_eq!(
        system.logged("hook 50-fine for recovered of eno1: not called"),
        1
    );
}

#[test]
fn what_is_no_event_is_said_and_in_nobodys_way() {
    let system = System::new();
    system.hook("10-notes", NOTES, 0o755);
    system.queue(2, Kind::Recovered);
    fs::write(system.queue.dir().join("00000001.json"), "{").unwrap();
    system.run(LONG);
    assert_eq!(system.text("calls"), "recovered eno1 4.2\n");
    assert_eq!(system.logged("00000001.json is no event"), 1);
}

#[test]
fn a_hook_need_not_read_and_a_root_without_hooks_empties_its_queue() {
    let system = System::new();
    system.queue(1, Kind::Recovered);
    system.run(LONG);
    system.hook("10-deaf", "#!/bin/sh\nexec <&-\necho deaf >>calls\n", 0o755);
    system.queue(2, Kind::Recovered);
    system.run(LONG);
    assert_eq!(system.text("calls"), "deaf\n");
}
