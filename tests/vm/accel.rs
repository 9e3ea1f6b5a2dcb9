//! KVM where it runs, emulation elsewhere.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::lines::{Got, Lines};
use crate::qemu::{MACHINE, end};

const TCG: &str = "tcg,thread=multi,tb-size=512";

/// A guest's kernel is in its initrd within two seconds under KVM.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// QEMU's `-accel`. Whether a kernel runs under KVM is tried once, with that of an image: some machines
/// have a /dev/kvm that opens and then runs nothing.
pub fn accel(image: &Path, emulated: bool) -> &'static str {
    static ACCEL: OnceLock<String> = OnceLock::new();
    if emulated {
        return TCG;
    }
    ACCEL.get_or_init(|| {
        if let Ok(asked) = std::env::var("UNHANG_VM_ACCEL") {
            return asked;
        }
        let kvm = OpenOptions::new().read(true).write(true).open("/dev/kvm");
        match kvm
            .map_err(|error| format!("/dev/kvm: {error}"))
            .and_then(|_| probe(image))
        {
            Ok(()) => {
                eprintln!("vm: guests run under KVM");
                "kvm".to_owned()
            }
            Err(reason) => {
                eprintln!("vm: guests are emulated, without KVM ({reason})");
                TCG.to_owned()
            }
        }
    })
}

/// Boots the image's kernel as far as its initrd.
fn probe(image: &Path) -> Result<(), String> {
    let fail = |error: io::Error| error.to_string();
    let (ours, console) = UnixStream::pair().map_err(fail)?;
    let complaints = console.try_clone().map_err(fail)?;
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
        .args(MACHINE.split_whitespace())
        .args(["-accel", "kvm", "-serial", "stdio"])
        .args(["-append", "console=ttyS0 quiet panic=-1 -- probe"])
        .args([OsStr::new("-kernel"), image.join("vmlinuz").as_os_str()])
        .args([OsStr::new("-initrd"), image.join("initrd").as_os_str()])
        .stdin(Stdio::null())
        .stdout(OwnedFd::from(console))
        .stderr(OwnedFd::from(complaints))
        .spawn()
        .map_err(|error| format!("cannot start QEMU: {error}"))?;
    let ran = runs(Lines::new(ours));
    end(&mut child);
    ran
}

fn runs(mut said: Lines) -> Result<(), String> {
    let deadline = Instant::now() + PROBE_LIMIT;
    loop {
        match said.read(deadline) {
            Ok(Got::Line(line)) if line.contains("it runs") => return Ok(()),
            // QEMU itself, which then stays where it is.
            Ok(Got::Line(line)) if line.starts_with("KVM ") || line.starts_with("qemu-") => {
                return Err(format!("/dev/kvm opens, but: {line}"));
            }
            Ok(Got::Line(_)) => {}
            Ok(Got::Closed) => return Err("/dev/kvm opens, but no kernel runs".into()),
            Ok(Got::Late) => {
                let limit = PROBE_LIMIT.as_secs();
                return Err(format!("/dev/kvm opens, but no kernel is up in {limit} s"));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
