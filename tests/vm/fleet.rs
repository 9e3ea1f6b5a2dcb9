//! Several guests at once, and a script on the host that reaches them by ssh; shown as it happens.
//!
//!     cargo test --test fleet                                 fleet/role.sh
//!     cargo test --test fleet -- path/to/script.sh            another one, such as fleet/demo.sh
//!
//! The script's header is that of a scenario; `suites` has one word for each guest, host-1, host-2 and so on. Where
//! the package can't be installed in one of these suites, the guest has another.

#![forbid(unsafe_code)]

mod accel;
mod guest;
mod hardware;
mod image;
mod lines;
mod message;
mod qemu;
mod qmp;
mod scenario;
mod screen;
mod suites;
mod verdict;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use guest::Guest;
use message::Message;
use scenario::Scenario;
use screen::Screen;
use suites::Suites;
use verdict::Verdict;

/// What the host reaches in a guest: sshd, Prometheus' node exporter, and its Alertmanager.
const PORTS: [u16; 3] = [22, 9100, 9093];

/// For a guest to end when it is told to.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match fleet() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {}", error.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn fleet() -> Result<(), String> {
    let source = image::source_dir().join("fleet");
    let script = std::env::args().nth(1);
    let script = script.map_or_else(|| source.join("role.sh"), PathBuf::from);
    let script = Scenario::read(&script)?;
    image::require_tools(&["guest", "fleet"])?;
    let suites = Suites::choose()?.of(&script);
    if suites.len() < script.suites.len() {
        let (asked, there) = (script.suites.join(", "), suites.join(", "));
        return Err(format!("{} is for {asked}; there is {there}", script.name));
    }
    let began = Instant::now();
    let screen = Screen::new();
    println!("{}", screen.bold(&script.about));

    let work = image::work_dir().join("fleet").join(&script.name);
    // Not there the first time.
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let guest_script = with_key(&work, &source.join("guest.sh"))?;
    let (mut guests, mut endings) = (Vec::new(), Vec::new());
    for (index, suite) in suites.iter().enumerate() {
        let name = format!("host-{}", index + 1);
        screen.machine(&format!("booting {name}, {suite} …"));
        let forwards = forwards()?;
        let ports: Vec<String> = forwards.iter().map(|(host, _)| host.to_string()).collect();
        let scenario = Scenario {
            name: format!("{}-{}", script.name, index + 1),
            path: guest_script.clone(),
            append: format!(
                "{} systemd.hostname={name} systemd.machine_id={:032x}",
                script.append,
                0x0123_4567_89ab_cdef_u64 + index as u64
            ),
            forwards,
            ..script.clone()
        };
        endings.push(boot(suite.clone(), scenario)?);
        guests.push(format!("{name}:{}", ports.join(":")));
    }
    let mut verdict = Verdict::default();
    let broken = run(&script, &work, &guests, &mut |message| {
        verdict.hear(message);
        screen.show(message);
    });
    for ending in endings {
        // A guest that has not ended by then ends with this process.
        if let Ok(Err(reason)) = ending.recv_timeout(GRACE) {
            eprintln!("fleet: {reason}");
        }
    }
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    match verdict.failure(broken.err().as_deref()) {
        Some(text) => Err(text),
        None => Ok(()),
    }
}

/// A key for this run, and the script of a guest that lets it in.
fn with_key(work: &Path, script: &Path) -> Result<PathBuf, String> {
    let key = work.join("key");
    image::run(
        Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "fleet", "-f"])
            .arg(&key),
    )?;
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let public = read(&key.with_extension("pub"))?;
    let text = format!("KEY='{}'\n{}", public.trim(), read(script)?);
    let path = work.join("guest.sh");
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// Ports that are free now.
fn forwards() -> Result<Vec<(u16, u16)>, String> {
    let listeners = PORTS.map(|_| TcpListener::bind(("127.0.0.1", 0)));
    let mut forwards = Vec::new();
    for (listener, guest) in listeners.into_iter().zip(PORTS) {
        let address = listener.and_then(|listener| listener.local_addr());
        let address = address.map_err(|error| format!("no free port: {error}"))?;
        forwards.push((address.port(), guest));
    }
    Ok(forwards)
}

/// Starts a guest and returns once it can be reached, with what says later that it has ended.
fn boot(suite: String, scenario: Scenario) -> Result<Receiver<Result<(), String>>, String> {
    let (says, said) = mpsc::channel();
    let limit = scenario.limit;
    thread::spawn(move || {
        let ended = Guest::new(&suite, &scenario).and_then(|mut guest| {
            let mut verdict = Verdict::default();
            let broken = guest.run(&mut |message| {
                verdict.hear(message);
                if *message == Message::Say("up".into()) {
                    let _ = says.send(Ok(()));
                }
            });
            guest.tidy();
            let failure = verdict.failure(broken.err().as_deref());
            let after = guest.elapsed().as_secs();
            failure.map_or(Ok(()), |text| {
                Err(format!("{}, after {after} s: {text}", scenario.name))
            })
        });
        // Nobody may wait for it any more.
        let _ = says.send(ended);
    });
    match said.recv_timeout(limit) {
        Ok(Ok(())) => Ok(said),
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err(format!("the guest is not up within {} s", limit.as_secs())),
    }
}

/// Runs the script on the host. It speaks as a guest's does, on descriptor 3.
fn run(
    script: &Scenario,
    work: &Path,
    guests: &[String],
    hear: &mut dyn FnMut(&Message),
) -> Result<(), String> {
    let source = image::source_dir();
    let mut child = Command::new("sh")
        .args([
            "-c",
            r#"exec 3>&1 >&2; . "$LIB/lib.sh"; . "$LIB/fleet/lib.sh"; . "$0""#,
        ])
        .arg(&script.path)
        .env("LIB", &source)
        .env("RUN", work)
        .env("GUESTS", guests.join(" "))
        .env("PATIENCE", guest::patience().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", script.path.display()))?;
    let said = child.stdout.take().expect("a pipe");
    for line in BufReader::new(said).lines() {
        let line = line.map_err(|error| format!("the script's words can't be read: {error}"))?;
        hear(&Message::parse(&line));
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    hear(&Message::Ended(status.to_string()));
    Ok(())
}
