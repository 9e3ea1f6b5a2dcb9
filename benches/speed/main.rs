//! `make bench`: the helper against `ethtool -K`, in one run, turn by turn.
//!
//! It starts itself again in a network and mount namespace ([`namespaces`], [`stage`]), measures there
//! ([`measure`]) and writes the table to stdout and into README.md ([`table`]).
//!
//! Usage: `benches/run.sh [ROUNDS]`, which says where the programs are.

mod measure;
mod namespaces;
mod stage;
mod table;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Contender, alternate};
use stage::{Stage, sh};
use table::{Report, ratio};

const REMEDY: [&str; 6] = ["tso", "off", "gso", "off", "gro", "off"];
const ROUNDS: usize = 400;
const MANY: usize = 500;
const ROUNDS_OF_MANY: usize = 21;

fn main() {
    // Cargo adds an argument of its own, --bench.
    let rounds = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    if namespaces::is_inside() {
        print!("{}", measure_all(rounds));
    } else {
        let markdown = inside(rounds);
        println!("\n{markdown}");
        table::into_readme(&markdown);
    }
}

/// Runs this again in namespaces of its own and gives what it says.
fn inside(rounds: usize) -> String {
    // Before everything else that runs, as on a machine that does nothing else.
    let mut again = namespaces::again(&["chrt", "--fifo", "10"]);
    let output = again.arg(rounds.to_string()).output().unwrap();
    assert!(output.status.success(), "nothing was measured");
    String::from_utf8(output.stdout).unwrap()
}

fn program(variable: &str) -> PathBuf {
    let path = env::var_os(variable).unwrap_or_else(|| panic!("{variable}: use benches/run.sh"));
    PathBuf::from(path).canonicalize().unwrap()
}

/// The C library in a static program, by a word that is in every one with glibc.
fn libc_in(program: &Path) -> &'static str {
    let program = std::fs::read(program).unwrap();
    let word = b"GLIBC_TUNABLES";
    let is_glibc = program.windows(word.len()).any(|bytes| bytes == word);
    if is_glibc { "glibc" } else { "musl" }
}

fn measure_all(rounds: usize) -> Report {
    let stage = Stage::new();
    let mut report = Report::new();
    report.needless = processes_for_others();
    report.helper_libc = libc_in(&program("UNHANG_BENCH_HELPER"));
    one_nic(&stage, rounds, &mut report);
    many_nics(&stage, &mut report);
    report
}

/// The helper as udevd starts it for an `add` of `v`: with the event as its environment.
fn helper() -> Command {
    let (properties, _) = stage::udev_add("v", "");
    let mut command = Command::new(program("UNHANG_BENCH_HELPER"));
    command.current_dir("/").env_clear().envs(properties);
    command.env("SEQNUM", "1934");
    command
}

fn one_nic(stage: &Stage, rounds: usize, report: &mut Report) {
    let nic = [stage::ifindex("v")];
    let features = stage::remedy("v");
    let two_exchanges = program("UNHANG_BENCH_TWO_EXCHANGES");
    // By its path, as the helper.
    let ethtool = PathBuf::from(sh("command -v ethtool").trim());
    stage::as_after_boot(&[&program("UNHANG_BENCH_HELPER"), &two_exchanges, &ethtool]);
    let mut ethtool = Command::new(ethtool);
    ethtool.args(["-K", "v"]).args(REMEDY);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ethtool -K v {}", REMEDY.join(" "))]);
    let nothing = Command::new(&two_exchanges);
    let mut least = Command::new(&two_exchanges);
    let family = stage::family();
    least
        .args([family.to_string(), nic[0].to_string()])
        .args(&features);
    let mut contenders = [
        Contender::new("the helper, as udev calls it", helper(), 1),
        Contender::new("`ethtool -K v tso off gso off gro off`", ethtool, 0),
        Contender::new("`sh -c` of the same", shell, 0),
        Contender::new("the two netlink exchanges alone", least, 0),
        Contender::idle("a static program that does nothing", nothing),
    ];
    eprintln!("one NIC, {} programs in turn:", contenders.len());
    alternate(
        &mut contenders,
        rounds,
        || stage::undo(&nic, &features),
        |contender| {
            let off = stage::all_off(&nic, &features);
            assert_eq!(off, contender.works, "{}", contender.name);
            for line in stage.logged(contender.log_lines) {
                assert!(
                    line.contains(": v: tso gso gro off (were on); rule bench;"),
                    "{line}"
                );
            }
        },
    );
    report.one_nic = contenders.into();
    stage::undo(&nic, &features);
    report.peak_kib = peak_memory(&helper());
    stage.logged(1);
}

fn many_nics(stage: &Stage, report: &mut Report) {
    let names: Vec<String> = (1..=MANY).map(|number| format!("n{number}")).collect();
    let pairs = names.chunks_exact(2);
    let mut batch = String::new();
    for pair in pairs {
        batch += &format!("link add {} type veth peer name {}\n", pair[0], pair[1]);
    }
    sh(&format!(
        "ip link delete v\nip -batch - <<'END'\n{batch}END"
    ));
    let nics: Vec<u32> = names.iter().map(|name| stage::ifindex(name)).collect();
    let features = stage::remedy(&names[0]);
    let mut apply = Command::new(program("UNHANG_BENCH_UNHANG"));
    apply.args(["apply", "--all"]);
    let mut shell = Command::new("sh");
    let script = "for nic; do ethtool -K $nic tso off gso off gro off; done";
    shell.args(["-c", script, "sh"]).args(&names);
    let mut contenders = [
        Contender::new("`unhang apply --all`", apply, MANY),
        Contender::new("a shell's loop of `ethtool -K`", shell, 0),
    ];
    eprintln!("{MANY} NICs:");
    alternate(
        &mut contenders,
        ROUNDS_OF_MANY,
        || stage::undo(&nics, &features),
        |contender| {
            assert!(stage::all_off(&nics, &features), "{}", contender.name);
            let lines = stage.logged(contender.log_lines);
            assert!(
                lines.iter().all(|line| line.contains("off (were on)")),
                "{lines:?}"
            );
        },
    );
    report.many_nics = contenders.into();
    report.times_faster = ratio(&report.many_nics[1], &report.many_nics[0]);
}

/// The most memory that a program has at a time, in KiB.
fn peak_memory(command: &Command) -> u64 {
    let mut time = Command::new("/usr/bin/time");
    time.args(["--quiet", "--format=%M"])
        .arg(command.get_program());
    time.current_dir("/").env_clear();
    let environment = command.get_envs();
    time.envs(environment.filter_map(|(key, value)| Some((key, value?))));
    let output = time
        .output()
        .expect("/usr/bin/time is needed: apt-get install time");
    let said = String::from_utf8(output.stderr).unwrap();
    said.trim()
        .parse()
        .unwrap_or_else(|_| panic!("/usr/bin/time says {said}"))
}

/// How many processes of ours udev starts for a device that no rule names, by udev's own reading
/// of its rules. That it starts one for a device that is named shows that it has read ours.
fn processes_for_others() -> usize {
    let ours =
        |(_, runs): (_, Vec<String>)| runs.iter().filter(|run| run.contains("unhang")).count();
    let named = ours(stage::udev_add("v", "ENV{ID_NET_DRIVER}=\"e1000e\""));
    assert_eq!(named, 1, "udev does not start the helper for e1000e");
    ours(stage::udev_add("v", ""))
}
