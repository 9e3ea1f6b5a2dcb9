//! What was measured, as Markdown.

use std::fmt;
use std::fs;
use std::time::Duration;

use crate::measure::Contender;
use crate::stage::sh;

const README: &str = "README.md";
const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// All that was measured.
pub struct Report {
    /// The programs for one NIC, the helper first, then `ethtool -K`.
    pub one_nic: Vec<Contender>,
    /// The programs for many NICs, `unhang apply --all` first.
    pub many_nics: Vec<Contender>,
    /// How many times faster than the loop that is.
    pub times_faster: f64,
    /// The helper's peak memory.
    pub peak_kib: u64,
    /// Processes started for a device that no rule names.
    pub needless: usize,
    /// The C library that is in the helper.
    pub helper_libc: &'static str,
}

/// How often the median of `other` goes into that of `one`.
pub fn ratio(one: &Contender, other: &Contender) -> f64 {
    one.median().as_secs_f64() / other.median().as_secs_f64()
}

impl Report {
    /// Nothing yet.
    pub fn new() -> Report {
        Report {
            one_nic: Vec::new(),
            many_nics: Vec::new(),
            times_faster: f64::NAN,
            peak_kib: 0,
            needless: 0,
            helper_libc: "",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = |contenders: &[Contender]| contenders[0].times.len();
        writeln!(f, "{}; {} in the helper.\n", machine(), self.helper_libc)?;
        rows(f, "one NIC", &self.one_nic, &self.one_nic[1])?;
        let many = format!("{} NICs", self.many_nics[0].log_lines);
        rows(f, &many, &self.many_nics, &self.many_nics[1])?;
        writeln!(
            f,
            "Medians of {} rounds ({} for many NICs), the programs in turn and at real-time priority, from before \
             a program is started until it has ended. The helper has the event as \
             udev gives it, reads its rule files, verifies what it did and logs a line to a log that reads.\n",
            rounds(&self.one_nic),
            rounds(&self.many_nics)
        )?;
        writeln!(
            f,
            "- `unhang apply --all` is {:.0} times faster than the loop.",
            self.times_faster
        )?;
        writeln!(
            f,
            "- Peak memory of the helper: {:.1} MiB.",
            kib_to_mib(self.peak_kib)
        )?;
        writeln!(
            f,
            "- Processes started for a device that no rule names: {}.",
            self.needless
        )
    }
}

#[allow(clippy::cast_precision_loss)]
fn kib_to_mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn rows(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    contenders: &[Contender],
    unit: &Contender,
) -> fmt::Result {
    let milliseconds = |time: &Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
    writeln!(
        f,
        "| {heading} | median | interquartile range | ratio |\n|---|--:|--:|--:|"
    )?;
    for contender in contenders {
        let [low, median, high] = contender.quartiles();
        writeln!(
            f,
            "| {} | {} ms | {}–{} ms | {:.2} |",
            contender.name,
            milliseconds(&median),
            milliseconds(&low),
            milliseconds(&high),
            ratio(contender, unit)
        )?;
    }
    writeln!(f)
}

/// The processor, the kernel, and whether it is a virtual machine.
fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let threads = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What the kernel sees; systemd-detect-virt would rather name a container around this.
    let virtual_machine = cpuinfo.contains(" hypervisor");
    let kind = if virtual_machine {
        "a virtual machine"
    } else {
        "no virtual machine"
    };
    let ethtool = sh("ethtool --version");
    let libc = sh("getconf GNU_LIBC_VERSION");
    format!(
        "{model}, {threads} threads, {kind}; Linux {}; {}; {}",
        kernel.trim(),
        libc.trim(),
        ethtool.trim()
    )
}

/// Puts the text between README.md's markers; adds a section with them if there are none.
pub fn into_readme(text: &str) {
    let readme = fs::read_to_string(README).unwrap();
    let section = format!("{BEGIN}\n{text}{END}");
    let new = match (readme.find(BEGIN), readme.find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            readme[..begin].to_owned() + &section + &readme[end + END.len()..]
        }
        _ => format!("{}\n\n## Measured\n\n{section}\n", readme.trim_end()),
    };
    fs::write(README, new).unwrap();
}
