//! The reboot that a rule asks for where a NIC can't be brought back: whether it may be, and doing it.
//!
//! At most once a day, which is kept on disk before anything is done; never within ten minutes after
//! boot, so that there is time to log in and change the rule; only if no other NIC has a link.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::log::{Level, Log};
use crate::replace::replace;
use crate::root_files;

/// Seconds since 1970 of the last reboot, below the root.
const LAST: &str = "var/lib/unhang/last-reboot";
const DAY: u64 = 24 * 3600;
const TEN_MINUTES: f64 = 600.0;

/// Reboots the machine for the sake of this NIC, or says why not.
pub fn reboot(root: &Path, log: &Log, interface: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    if let Err(reason) = may(root, interface, now) {
        log.write(Level::Warning, &format!("{interface}: no reboot: {reason}"));
        return;
    }
    let what = format!("{interface}: the machine is rebooted, since it can't be brought back");
    log.write(Level::Error, &what);
    let done = match Command::new("systemctl").arg("reboot").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = done {
        log.write(Level::Error, &format!("'systemctl reboot' failed: {error}"));
    }
}

/// Whether it may be, which is then on disk as done; or why not.
fn may(root: &Path, interface: &str, now: u64) -> Result<(), String> {
    let uptime = root_files::read(root, Path::new("proc/uptime")).unwrap_or_default();
    let uptime = uptime.split(' ').next().and_then(|text| text.parse().ok());
    if uptime.is_none_or(|uptime: f64| uptime < TEN_MINUTES) {
        return Err("it has not been up for ten minutes".into());
    }
    let net = root.join("sys/class/net");
    let has_link = |name: &str| {
        let dir = net.join(name);
        let carrier = fs::read_to_string(dir.join("carrier"));
        dir.join("device").exists() && carrier.is_ok_and(|carrier| carrier.trim() == "1")
    };
    let names = fs::read_dir(&net).map_err(|error| error.to_string())?;
    for name in names.flatten().map(|entry| entry.file_name()) {
        let name = name.to_string_lossy();
        if name != interface && has_link(&name) {
            return Err(format!("{name} has a link"));
        }
    }
    let last = root.join(LAST);
    match fs::read_to_string(&last) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{} can't be read: {error}", last.display())),
        // A clock that was put back is no reason to do it again.
        Ok(text) => match text.trim().parse::<u64>() {
            Ok(then) if now >= then + DAY => {}
            _ => return Err("the last one was less than a day ago".into()),
        },
    }
    note(&last, now).map_err(|error| format!("{} can't be written: {error}", last.display()))
}

/// Survives a loss of power right after.
fn note(path: &Path, now: u64) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    replace(path, format!("{now}\n").as_bytes(), 0o644)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn system(uptime: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("proc/uptime", uptime),
            ("sys/class/net/eno1/carrier", "1\n"),
            ("sys/class/net/eno1/device/vendor", "0x8086\n"),
            ("sys/class/net/eno2/carrier", "0\n"),
            ("sys/class/net/eno2/device/vendor", "0x8086\n"),
            // No device: a bridge on top of the dead NIC.
            ("sys/class/net/br0/carrier", "1\n"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn once_in_a_day_whatever_the_clock_does() {
        let root = system("601.00 1.00\n");
        assert_eq!(may(root.path(), "eno1", NOW), Ok(()));
        let again = Err("the last one was less than a day ago".to_owned());
        for later in [NOW, NOW + DAY - 1, NOW - 10 * DAY, 0] {
            assert_eq!(may(root.path(), "eno1", later), again, "{later}");
        }
        assert_eq!(may(root.path(), "eno1", NOW + DAY), Ok(()));
        // What can't be understood may be of today.
        fs::write(root.path().join(LAST), "").unwrap();
        assert_eq!(may(root.path(), "eno1", NOW + 5 * DAY), again);
    }

    #[test]
    fn not_right_after_boot_nor_while_another_nic_has_a_link() {
        for uptime in ["599.99 1.00\n", "", "soon"] {
            let why = may(system(uptime).path(), "eno1", NOW).unwrap_err();
            assert_eq!(why, "it has not been up for ten minutes");
        }
        let root = system("6000.00 1.00\n");
        fs::write(root.path().join("sys/class/net/eno2/carrier"), "1\n").unwrap();
        let why = may(root.path(), "eno1", NOW).unwrap_err();
        assert_eq!(why, "eno2 has a link");
        assert!(!root.path().join(LAST).exists());
    }

    #[test]
    fn what_can_not_be_kept_on_disk_is_not_done() {
        let root = system("6000.00 1.00\n");
        fs::write(root.path().join("var"), "in the way").unwrap();
        assert!(may(root.path(), "eno1", NOW).is_err());
    }
}
