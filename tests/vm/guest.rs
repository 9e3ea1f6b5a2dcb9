//! A guest from its first boot to its end: it boots on a throw-away disk, unpacks its test from the second
//! disk, and speaks with the host over the second serial port. When it reboots, it is booted again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::accel::accel;
use crate::hardware::{self, Hardware};
use crate::image;
use crate::lines::Got;
use crate::message::{Message, plain};
use crate::qemu::{Parts, Qemu};
use crate::scenario::Scenario;

/// A guest that reboots for ever ends here.
const STAGES: usize = 9;

/// An emulated kernel now and then crashes before its first process. No test has begun by then.
const ATTEMPTS: usize = 3;

/// Until the guest begins with its script, multiplied by [`patience`].
const BOOT_LIMIT: Duration = Duration::from_secs(120);

pub struct Guest<'a> {
    scenario: &'a Scenario,
    suite: &'a str,
    image: PathBuf,
    /// Everything that this run leaves behind.
    pub dir: PathBuf,
    started: Instant,
    transcript: fs::File,
}

enum Ending {
    Rebooted,
    Over,
    /// The guest did not come up.
    NotBegun(String),
}

impl<'a> Guest<'a> {
    pub fn new(suite: &'a str, scenario: &'a Scenario) -> Result<Self, String> {
        if let Some(name) = (scenario.needs.iter()).find(|name| std::env::var_os(name).is_none()) {
            return Err(format!(
                "this scenario needs the environment variable {name}"
            ));
        }
        let image = image::image(suite, &scenario.extra)?;
        let runs = image::work_dir().join("runs");
        let dir = runs.join(format!("{suite}-{}", scenario.name));
        let fail = |error| format!("{}: {error}", dir.display());
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(fail)?;
        }
        fs::create_dir_all(dir.join("payload")).map_err(fail)?;
        let transcript = fs::File::create(dir.join("transcript")).map_err(fail)?;
        image::overlay(&image, &dir.join("disk.qcow2"))?;
        Ok(Guest {
            scenario,
            suite,
            image,
            dir,
            started: Instant::now(),
            transcript,
        })
    }

    /// Runs the scenario to its end. `hear` gets every message of the guest as it comes.
    /// An error is a guest that did not get to the end of its script, with the reason.
    pub fn run(&mut self, hear: &mut dyn FnMut(&Message)) -> Result<(), String> {
        let (mut stage, mut attempt) = (1, 1);
        while stage <= STAGES {
            self.pack(stage)?;
            match self.boot(stage, hear)? {
                Ending::Rebooted => {
                    (stage, attempt) = (stage + 1, 1);
                    self.note(&format!("= boot {stage}"));
                }
                Ending::Over => return Ok(()),
                Ending::NotBegun(reason) if attempt == ATTEMPTS => return Err(reason),
                Ending::NotBegun(reason) => {
                    attempt += 1;
                    self.note(&format!("= boot {stage}, attempt {attempt}: {reason}"));
                }
            }
        }
        Err(format!("the guest booted {STAGES} times and was not done"))
    }

    /// Writes payload.tar: what the guest finds in /run/vm.
    fn pack(&self, stage: usize) -> Result<(), String> {
        let payload = self.dir.join("payload");
        let source = image::source_dir();
        let copy = |from: &Path, name: &str| {
            let copied = fs::copy(from, payload.join(name));
            copied.map_err(|error| format!("{}: {error}", from.display()))
        };
        copy(&source.join("start.sh"), "start")?;
        copy(&source.join("lib.sh"), "lib.sh")?;
        copy(&self.scenario.path, "scenario.sh")?;
        for (variable, name) in [
            ("UNHANG_DEB", "unhang.deb"),
            ("UNHANG_DEB_OLD", "unhang-old.deb"),
        ] {
            if let Some(path) = std::env::var_os(variable) {
                copy(Path::new(&path), name)?;
            }
        }
        if let Some(folder) = std::env::var_os("UNHANG_VM_FILES") {
            image::run(
                Command::new("cp")
                    .args(["-rT"])
                    .arg(folder)
                    .arg(payload.join("files")),
            )?;
        }
        let environment = format!(
            "export STAGE={stage} SUITE={} PATIENCE={}\n\
             export DEB=/run/vm/unhang.deb DEB_OLD=/run/vm/unhang-old.deb FILES=/run/vm/files\n",
            self.suite,
            patience()
        );
        // For a person at the console: what a scenario has, with its messages on the terminal.
        let shell = ". /run/vm/env; . /run/vm/lib.sh; set +u; exec 3>&1; PS1='guest# '\n";
        for (name, text) in [("env", environment.as_str()), ("shell", shell)] {
            fs::write(payload.join(name), text).map_err(|error| format!("payload: {error}"))?;
        }
        image::run(
            Command::new("tar")
                .arg("-cf")
                .arg(self.dir.join("payload.tar"))
                .arg("-C")
                .args([&payload, Path::new(".")]),
        )
    }

    fn boot(&mut self, stage: usize, hear: &mut dyn FnMut(&Message)) -> Result<Ending, String> {
        let mut hardware = Hardware::new(self.scenario.hub);
        let disk = self.dir.join("disk.qcow2");
        let mut nics = hardware.boot_arguments(&self.scenario.nics)?;
        nics.extend(hardware::forwarding(&self.scenario.forwards));
        let parts = Parts {
            image: &self.image,
            disk: &disk,
            payload: &self.dir.join("payload.tar"),
            append: &self.scenario.append,
            accel: accel(&self.image, self.scenario.emulated),
            nics,
        };
        self.script("by-hand", &parts.by_hand())?;

        let talk = self.dir.join("qemu.log");
        let console = self.console(stage);
        let mut qemu = Qemu::start(&parts, &console, &talk)
            .map_err(|error| format!("{error}\n{}", tail(&talk, 20)))?;
        let limit = self.scenario.limit * patience();
        let mut deadline = Instant::now() + BOOT_LIMIT * patience();
        let (mut begun, mut rebooting) = (false, false);
        loop {
            let line = match qemu.control.read(deadline) {
                Ok(Got::Line(line)) => line,
                Ok(Got::Late) if !begun => {
                    let late = format!("not up within {} s", (BOOT_LIMIT * patience()).as_secs());
                    return Ok(Ending::NotBegun(self.broken(stage, &late)));
                }
                Ok(Got::Late) => {
                    let late = format!("not done within {} s", limit.as_secs());
                    return Err(self.broken(stage, &late));
                }
                Ok(Got::Closed) => {
                    return match (qemu.was_reset(), rebooting) {
                        (Ok(true), true) => Ok(Ending::Rebooted),
                        (Ok(_), _) if !begun => {
                            let reason = "the guest ended before it was up";
                            Ok(Ending::NotBegun(self.broken(stage, reason)))
                        }
                        (Ok(true), false) => Err(self.broken(stage, "the guest crashed")),
                        (Ok(false), _) => Err(self.broken(stage, "the guest powered off")),
                        (Err(error), _) => Err(format!("{error}\n{}", tail(&talk, 20))),
                    };
                }
                Err(error) => return Err(format!("the control channel broke: {error}")),
            };
            self.note(&format!("< {line}"));
            let message = Message::parse(&line);
            hear(&message);
            match &message {
                Message::Ready => {
                    begun = true;
                    deadline = Instant::now() + limit;
                }
                Message::Host(request) => {
                    let answer = match hardware.request(&mut qemu.qmp, request) {
                        Ok(text) => format!("ok {text}"),
                        Err(text) => format!("error {}", text.replace('\n', " ")),
                    };
                    self.answer(&mut qemu, &answer)?;
                }
                Message::Rebooting => {
                    rebooting = true;
                    // A guest that crashes at once would take the line with it.
                    self.answer(&mut qemu, "ok")?;
                }
                // Reported by the shell that the reboot itself ended.
                Message::Ended(_) if rebooting => {}
                Message::Ended(_) => {
                    qemu.stop();
                    return Ok(Ending::Over);
                }
                _ => {}
            }
        }
    }

    fn answer(&mut self, qemu: &mut Qemu, text: &str) -> Result<(), String> {
        self.note(&format!("> {text}"));
        let written = qemu.control.write(text);
        written.map_err(|error| format!("the guest does not listen: {error}"))
    }

    fn console(&self, stage: usize) -> PathBuf {
        self.dir.join(format!("console-{stage}.log"))
    }

    fn broken(&self, stage: usize, what: &str) -> String {
        let console = tail(&self.console(stage), 25);
        format!("{what} (boot {stage}); the console ends with\n{console}")
    }

    fn note(&mut self, text: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        // A full disk will show itself elsewhere.
        let _ = writeln!(self.transcript, "{seconds:8.2} {text}");
    }

    fn script(&self, name: &str, text: &str) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.dir.join(name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Frees what is large; the logs stay.
    pub fn tidy(&self) {
        let _ = fs::remove_file(self.dir.join("disk.qcow2"));
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A slow or busy machine multiplies every bound.
pub fn patience() -> u32 {
    let asked = std::env::var("UNHANG_VM_PATIENCE").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    let shown = last.iter().map(|line| {
        // The console carries colours and cursor movements.
        format!("    {}\n", plain(line))
    });
    shown.collect()
}
