//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, ColorChoice, Parser, Subcommand};

use crate::rules::default_dirs;

const EXAMPLES: &str = "\
Examples:
  unhang status                  every NIC, and whether its rule is in force
  unhang report                  am I affected, and did it help
  unhang explain eno1            which rules were looked at, and what they would do
  unhang apply --dry-run         what would be changed now
  sudo unhang apply              change it
  unhang try                     what else is worth trying, one change at a time

unhang does this by itself when a NIC appears: udev calls it. See unhang(8).";

/// Where the running system is.
pub const ROOT: &str = "/";

/// Keeps Intel e1000e network cards from hanging.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// `None` asks for an overview.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Common {
    /// Read rules from DIR instead of the system's directories; may be given again, the first wins
    #[arg(long, value_name = "DIR", global = true)]
    pub rules: Vec<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: ColorChoice,
    /// Say nothing but errors on stderr
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Where the system is.
    #[arg(skip = PathBuf::from(ROOT))]
    pub root: PathBuf,
}

impl Common {
    /// The directories that rules are read from on the system below `root`.
    pub fn rule_dirs_below(&self, root: &Path) -> Vec<PathBuf> {
        if self.rules.is_empty() {
            default_dirs(root)
        } else {
            self.rules.clone()
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Apply the rules to NICs and verify the result (needs root)
    Apply(ApplyArgs),
    /// Show every NIC: its chip, its rule, its offloads now, and whether the rule is in force
    Status(StatusArgs),
    /// Show which rules were looked at for a NIC, why they matched or not, and what they would do
    Explain(ExplainArgs),
    /// Am I affected, did it help: incidents over time, before and after, decoded registers
    Report(ReportArgs),
    /// Write metrics for Prometheus, in the text format of the node exporter's textfile collector
    Metrics(MetricsArgs),
    /// Check rule files: mistakes with their place, and what to write instead
    Check(CheckArgs),
    /// Write the same settings as a configuration file for systemd, netplan or another program
    Generate(GenerateArgs),
    /// Restore the original settings and leave the NIC unmanaged (needs root)
    Revert(RevertArgs),
    /// Try one change, with its criterion written down before: does it help? (needs root)
    Try(TryArgs),
    /// Re-apply rules on link-up and drift, recover wedged NICs (a systemd service; needs root)
    Watch,
    /// Call the hooks in /etc/unhang/notify.d
    Notify(NotifyArgs),
}

#[derive(Debug, Args)]
// Each is an option of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct ApplyArgs {
    /// Interfaces [default: every NIC that a rule matches]
    #[arg(value_name = "NIC")]
    pub nics: Vec<String>,
    /// Every NIC that a rule matches
    #[arg(long, conflicts_with = "nics")]
    pub all: bool,
    /// Change nothing, show what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Skip reverted NICs
    #[arg(long)]
    pub keep_reverted: bool,
    /// Say in one line what was found and done
    #[arg(long, conflicts_with_all = ["json", "dry_run"])]
    pub brief: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RevertArgs {
    /// Interfaces [default: every NIC that unhang changed or a rule matches]
    #[arg(value_name = "NIC")]
    pub nics: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct TryArgs {
    /// What to try, such as eee=off, tso=on or ring.rx=512 [default: show what is worth trying]
    #[arg(value_name = "SETTING=VALUE")]
    pub setting: Option<String>,
    /// The interface [default: the only e1000e NIC]
    #[arg(value_name = "NIC")]
    pub nic: Option<String>,
    /// How many days of up-time without an incident it takes [default: what this NIC's past asks for]
    #[arg(long, value_name = "DAYS", requires = "setting", conflicts_with_all = ["keep", "stop"])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: Option<u32>,
    /// Change nothing, and note that this NIC is what the trial on other machines is compared with
    #[arg(long, requires = "days")]
    pub control: bool,
    /// It helped: make it an ordinary rule
    #[arg(long, conflicts_with_all = ["setting", "stop"])]
    pub keep: bool,
    /// End the trial, and restore what was before
    #[arg(long, conflicts_with = "setting")]
    pub stop: bool,
    /// Kernel log instead of this machine's journal; may be given again
    #[arg(long, value_name = "FILE", hide = true)]
    pub log: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NotifyArgs {
    /// Tell them of an event of the kind "test", and say what each did
    #[arg(long)]
    pub test: bool,
    /// Tell them what the watcher queued, as unhang-notify.service does
    #[arg(long, hide = true)]
    pub queue: bool,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 if a rule is not in force, or an e1000e NIC has none or hangs now
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The interface
    #[arg(value_name = "NIC", required_unless_present = "as_nic")]
    pub nic: Option<String>,
    /// A NIC that need not be there, such as "driver=e1000e pci=8086:15b8"; other keys: interface, mac, path
    #[arg(long = "as", value_name = "NIC", conflicts_with = "nic")]
    pub as_nic: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Files; - is standard input [default: all that the system reads]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Say what a .link file would do to this machine's NICs, instead of checking rules
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub link: Option<PathBuf>,
    /// Look for .link and generated files of the system below DIR, such as a mounted image
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Whose file: link, networkmanager, netplan, ifupdown2, ifupdown, systemd-unit, nixos, talos or udev
    #[arg(value_name = "FORMAT")]
    pub format: String,
    /// The interface [default: every NIC that the rule matches]
    #[arg(value_name = "NIC", conflicts_with_all = ["rule", "as_nic"])]
    pub nic: Option<String>,
    /// The rule; needed only if more than one sets anything
    #[arg(long, value_name = "NAME", conflicts_with = "as_nic")]
    pub rule: Option<String>,
    /// A NIC that need not be there, such as "driver=e1000e interface=eno1"; other keys: pci, mac, path
    #[arg(long = "as", value_name = "NIC")]
    pub as_nic: Option<String>,
    /// Match a single NIC in a .link file by its MAC address or by its place on the bus
    #[arg(long, value_name = "WHAT", value_parser = ["mac", "path"])]
    pub by: Option<String>,
    /// Write to DIR instead of where such files belong
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write nothing, print what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// The system whose files are below DIR, such as a mounted image
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// The version of its systemd, if unhang can't find it out
    #[arg(long, value_name = "VERSION")]
    pub systemd: Option<u32>,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Kernel logs, plain or .gz, or reports of --json, of any number of machines; - is standard input [default: this machine's journal]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The journals in DIR instead, such as those that systemd-journal-remote collects, of all machines
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    pub directory: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write the timeline as a picture
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print a report to send to a vendor or hoster, without addresses and host name
    #[arg(long, conflicts_with = "json")]
    pub vendor: bool,
    /// With --vendor: name the host and the MAC addresses, too
    #[arg(long, requires = "vendor")]
    pub identify: bool,
    /// With --vendor: where sysfs and procfs are, if not in /
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub root: PathBuf,
}

#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Write to this file, atomically
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Keep in FILE what is counted by configuration, so that it goes on over restarts [default: count since boot]
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Kernel logs instead of this machine's journal
    #[arg(value_name = "LOG", hide = true)]
    pub files: Vec<PathBuf>,
}
