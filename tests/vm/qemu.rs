//! One QEMU process: its command line, its two sockets, its end.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::lines::Lines;
use crate::qmp::Qmp;

pub const MACHINE: &str = "-nodefaults -no-user-config -display none -no-reboot -machine q35 \
    -cpu max,la57=off -smp 2 -m 512 -device virtio-rng-pci";

const KERNEL: &str = "rw console=ttyS0 panic=-1 mitigations=off random.trust_cpu=on tsc=reliable no_timer_check \
    nokaslr iomem=relaxed";

/// What the machine is made of, besides its two serial ports.
pub struct Parts<'a> {
    pub image: &'a Path,
    pub disk: &'a Path,
    pub payload: &'a Path,
    pub append: &'a str,
    pub accel: &'a str,
    pub nics: Vec<String>,
}

impl Parts<'_> {
    fn arguments(&self, append: &str) -> Vec<String> {
        let mut arguments: Vec<String> = MACHINE.split_whitespace().map(str::to_owned).collect();
        let mut add = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
        let kernel: Vec<&str> = KERNEL.split_whitespace().collect();
        add("-accel", self.accel.to_owned());
        add("-kernel", self.image.join("vmlinuz").display().to_string());
        add("-initrd", self.image.join("initrd").display().to_string());
        add("-append", format!("{} {append}", kernel.join(" ")));
        let disks = [
            (self.disk, "format=qcow2,cache=unsafe"),
            (self.payload, "format=raw,readonly=on"),
        ];
        for (index, (path, options)) in disks.into_iter().enumerate() {
            let drive = format!("file={},if=none,id=d{index},{options}", path.display());
            add("-drive", drive);
            add("-device", format!("virtio-blk-pci,drive=d{index}"));
        }
        arguments.extend(self.nics.iter().cloned());
        arguments
    }

    /// The same machine for a person, as a shell script: a root shell on the terminal, QEMU's monitor under Ctrl-A C.
    pub fn by_hand(&self) -> String {
        let append = format!("{} quiet vmtest.shell", self.append);
        let mut words = self.arguments(&append);
        words.extend(["-serial", "mon:stdio", "-serial", "null"].map(str::to_owned));
        let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
        let disk = quote(&self.disk.display().to_string());
        let root = quote(&self.image.join("root.ext4").display().to_string());
        format!(
            "#!/bin/sh\n# The guest of this run with a root shell (leave it with `exit`; Ctrl-A C is QEMU's monitor).\n\
             [ -e {disk} ] || qemu-img create -q -f qcow2 -F raw -b {root} {disk}\n\
             exec qemu-system-x86_64 {}\n",
            quoted.join(" ")
        )
    }
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub struct Qemu {
    child: Child,
    pub control: Lines,
    pub qmp: Qmp,
}

impl Qemu {
    /// Starts the machine. Its stdin is the control channel's socket and its stdout that of QMP, so there
    /// are no socket files to lie about, and if this process dies, setpriv has the kernel end QEMU.
    pub fn start(parts: &Parts, console: &Path, talk: &Path) -> Result<Self, String> {
        let sockets = || UnixStream::pair().map_err(|error| format!("no socket pair: {error}"));
        let (control, control_end) = sockets()?;
        let (qmp, qmp_end) = sockets()?;
        let talk = File::create(talk).map_err(|e| format!("{}: {e}", talk.display()))?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
            .args(parts.arguments(parts.append))
            .args(["-serial", &format!("file:{}", console.display())])
            .args(["-chardev", "socket,id=control,fd=0"])
            .args(["-serial", "chardev:control"])
            .args(["-chardev", "socket,id=qmp,fd=1"])
            .args(["-mon", "chardev=qmp,mode=control"])
            .stdin(Stdio::from(OwnedFd::from(control_end)))
            .stdout(Stdio::from(OwnedFd::from(qmp_end)))
            .stderr(talk)
            .spawn()
            .map_err(|error| format!("cannot start QEMU: {error}"))?;
        let mut child = Ending(Some(child));
        let qmp = Qmp::new(Lines::new(qmp))?;
        Ok(Qemu {
            child: child.0.take().expect("just started"),
            control: Lines::new(control),
            qmp,
        })
    }

    /// Did the guest reset itself (true) or power off (false)? Asked once QEMU has gone.
    pub fn was_reset(&mut self) -> Result<bool, String> {
        let event = self
            .qmp
            .event("SHUTDOWN", |_| true, Duration::from_secs(10))?;
        Ok(event["data"]["reason"] == "guest-reset")
    }

    /// Stops the machine as pulling its plug would; what the guest wrote is in the disk's file afterwards.
    pub fn stop(mut self) {
        if self.qmp.execute("quit", json!({})).is_err() {
            return;
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends the process if the start fails half-way.
struct Ending(Option<Child>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

pub fn end(child: &mut Child) {
    // An error means that it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}
