//! The machine that umockdev plays, and running `unhang` on it.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Far from the number of any real interface.
const FIRST_IFINDEX: usize = 1_000_000;

/// A machine in umockdev's words.
#[derive(Default)]
pub struct Machine {
    devices: String,
    nics: usize,
}

impl Machine {
    pub fn device(&mut self, path: &str, subsystem: &str, more: &[String]) {
        writeln!(self.devices, "P: {path}\nE: SUBSYSTEM={subsystem}").unwrap();
        for line in more {
            writeln!(self.devices, "{line}").unwrap();
        }
        self.devices.push('\n');
    }

    /// A network device below `parent`, with udev's properties.
    pub fn nic(&mut self, parent: &str, name: &str, properties: &[&str]) {
        let ifindex = FIRST_IFINDEX + self.nics;
        self.nics += 1;
        let mut lines = vec![
            format!("E: INTERFACE={name}"),
            format!("E: IFINDEX={ifindex}"),
            format!("A: ifindex={ifindex}\\n"),
            format!("A: address=52:54:00:00:00:{:02x}\\n", self.nics),
        ];
        lines.extend(properties.iter().map(|property| format!("E: {property}")));
        if parent != "/devices/virtual" {
            let up = "../".repeat(2);
            let device = parent.rsplit('/').next().unwrap();
            lines.push(format!("L: device={up}../{device}"));
        }
        self.device(&format!("{parent}/net/{name}"), "net", &lines);
    }

    /// A PCI card with its network device.
    pub fn pci_nic(&mut self, name: &str, id: &str, driver: &str) -> String {
        let (vendor, device) = id.split_once(':').unwrap();
        let number = self.nics;
        let parent = format!(
            "/devices/pci0000:00/0000:{:02x}:{:02x}.0",
            number / 32,
            number % 32
        );
        let attributes = [
            format!("E: DRIVER={driver}"),
            format!("L: driver=../../../bus/pci/drivers/{driver}"),
            format!("A: vendor=0x{vendor}\\n"),
            format!("A: device=0x{device}\\n"),
            "A: subsystem_vendor=0x1028\\n".into(),
            "A: subsystem_device=0x0869\\n".into(),
        ];
        self.device(&parent, "pci", &attributes);
        let properties = [
            "ID_BUS=pci".to_owned(),
            format!("ID_NET_DRIVER={driver}"),
            format!("ID_VENDOR_ID=0x{vendor}"),
            format!("ID_MODEL_ID=0x{device}"),
        ];
        let properties: Vec<&str> = properties.iter().map(String::as_str).collect();
        self.nic(&parent, name, &properties);
        parent
    }

    /// Runs `unhang` on this machine, with the shipped rules.
    pub fn unhang(&self, test: &str, args: &[&str]) -> Output {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("umockdev")
            .join(test);
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("machine.umockdev");
        fs::write(&file, &self.devices).unwrap();
        // A test may put a journalctl of its own there.
        let path = std::env::var("PATH").unwrap();
        Command::new("umockdev-run")
            .arg("--device")
            .arg(&file)
            .arg("--")
            .arg(env!("CARGO_BIN_EXE_unhang"))
            .args(args)
            .arg("--rules")
            .arg(shipped_rules(&dir))
            .env("PATH", format!("{}:{path}", dir.join("bin").display()))
            .output()
            .expect("umockdev-run is needed: apt-get install umockdev")
    }

    pub fn json(&self, test: &str, args: &[&str]) -> Value {
        let output = self.unhang(test, &[args, &["--json"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn status(&self, test: &str) -> Vec<Value> {
        let status = self.json(test, &["status"]);
        assert_eq!(status["schema"], 1);
        status["nics"].as_array().unwrap().clone()
    }
}

/// A copy that may be trusted, whoever checked the project out.
fn shipped_rules(dir: &Path) -> PathBuf {
    let rules = dir.join("rules.d");
    fs::create_dir_all(&rules).unwrap();
    fs::set_permissions(&rules, Permissions::from_mode(0o755)).unwrap();
    let name = "10-e1000e.toml";
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("rules")
        .join(name);
    fs::write(rules.join(name), fs::read(shipped).unwrap()).unwrap();
    fs::set_permissions(rules.join(name), Permissions::from_mode(0o644)).unwrap();
    rules
}
