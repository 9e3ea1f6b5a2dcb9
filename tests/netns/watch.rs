//! The watcher, which has no NIC here to watch.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use super::namespace::{isolated, rule, sh};

struct Watcher(Child);

impl Watcher {
    /// Starts it and waits until it watches.
    fn start() -> Watcher {
        let ready = UnixDatagram::bind("/run/ready").unwrap();
        ready
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let watcher = Command::new(env!("CARGO_BIN_EXE_unhang-watch"))
            .env("NOTIFY_SOCKET", "/run/ready")
            .spawn();
        let watcher = Watcher(watcher.unwrap());
        ready.recv(&mut [0; 64]).unwrap();
        watcher
    }

    /// How often it slept, a moment after something happened.
    fn sleeps(&self) -> u32 {
        sleep(Duration::from_millis(200));
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn foreign_virtual_devices_cause_no_look_and_do_not_even_wake_it() {
    isolated(|_| {
        rule("v*", "tso = false");
        let watcher = Watcher::start();
        let woken_by = |script| {
            let before = watcher.sleeps();
            sh(script);
            watcher.sleeps() - before
        };
        let comings_and_goings = || {
            woken_by(
                "for n in 1 2 3 4 5; do
                     ip link add v1$n type veth peer name v2$n
                     ip link set v1$n up
                     ip link set v1$n name v3$n
                 done
                 ip link add br0 type bridge
                 ip link set br0 up
                 for n in 1 2 3 4 5; do ip link del v3$n; done
                 ip link del br0",
            )
        };
        // Another program on this machine may just now put something beside a rule directory.
        assert!((0..5).any(|_| comings_and_goings() == 0));
        assert_ne!(woken_by("ip link set lo alias a"), 0, "lo is of no kind");
    });
}
