//! A plain-text report for a hoster or vendor: which NIC, firmware, kernel, BIOS and board,
//! `PCIe` link and power saving, settings now, and the incidents with their registers. From
//! sysfs and procfs under a given root. MAC addresses (also those in interface names) and
//! the host name are left out unless asked for; IP addresses are never read.

use super::history::{History, stretch_of};
use super::in_force::InForce;
use super::{changes, configurations};
use super::{clean, counts, nic_name, plural, span, verdict, when, without_mac};
use crate::hang::{Incident, LoggedNic};
use crate::text::wrap;
use jiff::tz::TimeZone;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What only the kernel can be asked for, by whoever has the connection to it.
#[derive(Clone, Debug, Default)]
pub struct NicSettings {
    pub interface: String,
    /// `ETHTOOL_GDRVINFO`'s `fw_version`.
    pub firmware: Option<String>,
    /// Features and other settings: name and state.
    pub now: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Where sysfs and procfs are mounted below, usually `/`.
    pub root: &'a Path,
    /// Also MAC addresses and host name.
    pub identify: bool,
    /// What the kernel says of the NICs now.
    pub settings: &'a [NicSettings],
}

/// The latest incidents of a NIC, with registers.
const INCIDENTS: usize = 50;

pub fn report(history: &History, zone: &TimeZone, options: Options) -> String {
    let mut out = String::from("e1000e transmitter hangs: report\n\n");
    let name = field(options.root, "proc/sys/kernel/hostname").unwrap_or_default();
    let id = field(options.root, "etc/machine-id");
    let here = history.hosts.are_of(&name, id.as_deref()) != Some(false);
    let names = if here {
        system(&mut out, options);
        e1000e(options.root)
    } else {
        out.push_str("The log is of another machine: this one is not described.\n\n");
        Vec::new()
    };
    let mut described = Vec::new();
    for name in names {
        let nic = in_log(history, options.root, &name);
        interface(&mut out, &name, options);
        if let Some(nic) = nic {
            incidents(&mut out, history, nic, zone);
            described.push(nic);
        }
    }
    for (index, nic) in history.incidents.nics.iter().enumerate() {
        if !described.contains(&index) && nic.blocks > 0 {
            let _ = writeln!(
                out,
                "NIC {}{}",
                nic_words(nic, options),
                if here {
                    " (named in the log, not on this machine now)"
                } else {
                    ""
                }
            );
            incidents(&mut out, history, index, zone);
        }
    }
    for (kind, count) in &history.incidents.lookalikes {
        let _ = writeln!(out, "Also seen: {count} × {}", kind.advice());
    }
    for note in &history.notes {
        let _ = writeln!(out, "Note: {note}");
    }
    if !history.empty_files.is_empty() {
        // Their names are nobody's business.
        let files = plural(history.empty_files.len(), "file");
        let _ = writeln!(out, "Note: {files} with nothing in it");
    }
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    let verdict = verdict::overall(history);
    wrap(&mut out, &mask(&verdict.text, options), 92, "");
    out
}

fn system(out: &mut String, options: Options) {
    let read = |path: &str| field(options.root, path);
    if options.identify {
        line(out, "Host", read("proc/sys/kernel/hostname"));
    }
    line(out, "Kernel", read("proc/sys/kernel/osrelease"));
    line(out, "Build", read("proc/sys/kernel/version"));
    let dmi = |names: &[&str]| {
        let words = names
            .iter()
            .filter_map(|n| read(&format!("sys/class/dmi/id/{n}")));
        let words = words.collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then_some(words)
    };
    line(out, "System", dmi(&["sys_vendor", "product_name"]));
    line(
        out,
        "Board",
        dmi(&["board_vendor", "board_name", "board_version"]),
    );
    line(
        out,
        "BIOS",
        dmi(&["bios_vendor", "bios_version", "bios_date"]),
    );
    line(
        out,
        "ASPM policy",
        read("sys/module/pcie_aspm/parameters/policy"),
    );
    let module = read("sys/module/e1000e/version");
    line(
        out,
        "e1000e",
        module.or(Some("the kernel's own version".into())),
    );
    out.push('\n');
}

fn interface(out: &mut String, name: &str, options: Options) {
    let _ = writeln!(out, "NIC {}", mask(&clean(name), options));
    let net = format!("sys/class/net/{name}");
    let read = |path: &str| field(options.root, &format!("{net}/{path}"));
    let id = |a: &str, b: &str| {
        let hex = |path: &str| read(path).map(|v| v.trim_start_matches("0x").to_string());
        Some(format!("{}:{}", hex(a)?, hex(b)?))
    };
    line(out, "PCI ID", id("device/vendor", "device/device"));
    line(
        out,
        "Subsystem",
        id("device/subsystem_vendor", "device/subsystem_device"),
    );
    line(out, "Revision", read("device/revision"));
    line(out, "PCI address", pci_address(options.root, name));
    let settings = options.settings.iter().find(|s| s.interface == name);
    let firmware = settings.and_then(|s| s.firmware.clone());
    line(out, "Firmware", firmware.or(Some("unknown".into())));
    let pcie = read("device/current_link_speed").zip(read("device/current_link_width"));
    line(
        out,
        "PCIe link",
        pcie.map(|(speed, width)| format!("{speed}, width {width}")),
    );
    let states = ["l0s_aspm", "l1_aspm", "l1_1_aspm", "l1_2_aspm", "clkpm"];
    let aspm = states.iter().filter_map(|state| {
        let on = read(&format!("device/link/{state}"))?;
        Some(format!("{state} {}", if on == "1" { "on" } else { "off" }))
    });
    let aspm = aspm.collect::<Vec<_>>().join(", ");
    line(out, "ASPM", Some(aspm).filter(|a| !a.is_empty()));
    line(out, "Runtime PM", read("device/power/control"));
    let ethernet = read("speed").zip(read("duplex"));
    line(
        out,
        "Link",
        ethernet.map(|(speed, duplex)| format!("{speed} Mb/s, {duplex} duplex")),
    );
    line(out, "State", read("operstate"));
    line(out, "MTU", read("mtu"));
    if options.identify {
        line(out, "MAC", read("address"));
    }
    for (key, value) in settings.map_or(&[][..], |s| &s.now) {
        let mut text = String::new();
        wrap(&mut text, &clean(value), 77, "");
        let keys = std::iter::once(clean(key)).chain(std::iter::repeat(String::new()));
        for (key, text) in keys.zip(text.lines()) {
            let _ = writeln!(out, "  {key:<12} {text}");
        }
    }
    out.push('\n');
}

fn pci_address(root: &Path, name: &str) -> Option<String> {
    let device = fs::canonicalize(root.join(format!("sys/class/net/{name}/device"))).ok()?;
    Some(device.file_name()?.to_string_lossy().into_owned())
}

/// The NIC of the log that is at this interface's address; by name only where the log has no
/// address: names move.
fn in_log(history: &History, root: &Path, name: &str) -> Option<usize> {
    let address = pci_address(root, name);
    let nics = &history.incidents.nics;
    let same = |nic: &LoggedNic| nic.device.pci.is_some() && nic.device.pci == address;
    let named = || {
        history
            .incidents
            .by_name(name)
            .filter(|nic| nics[*nic].device.pci.is_none())
    };
    nics.iter().position(same).or_else(named)
}

fn incidents(out: &mut String, history: &History, nic: usize, zone: &TimeZone) {
    let all: Vec<&Incident> = history.incidents.of(nic).collect();
    let n = &history.incidents.nics[nic];
    let _ = writeln!(out, "  {}", counts(n, &all));
    let configurations = configurations::of_nic(history, nic);
    if configurations.has_set() {
        let lines = changes::lines(&configurations, zone);
        let hidden = lines.len().saturating_sub(INCIDENTS);
        for line in &lines[hidden..] {
            let _ = writeln!(out, "  {line}");
        }
    }
    let stretches = history.stretches(nic);
    let hidden = all.len().saturating_sub(INCIDENTS);
    if hidden > 0 {
        let _ = writeln!(out, "  ({hidden} earlier ones left out)");
    }
    for i in &all[hidden..] {
        let lasted = match (&i.end, i.ended_by) {
            (Some(end), Some(by)) => {
                let lasted = end.since(&i.start).map_or("?".into(), span);
                format!("{lasted}, ended by {}", by.name())
            }
            (None, Some(by)) => format!("until power-off ({})", by.name()),
            _ => "still so where the log ends".into(),
        };
        let at = stretch_of(&stretches, i);
        let state = at.map_or(InForce::Unknown, |stretch| stretch.state);
        let settings = match state {
            InForce::Unknown => "settings not known".into(),
            InForce::Default => "default settings".into(),
            state => history.own.name(state),
        };
        let speed = i.speed.map_or("?".into(), |s| s.to_string());
        let _ = writeln!(
            out,
            "  {}: {}, {speed} Mb/s, {lasted}; {settings}",
            when(&i.start, zone),
            plural(i.blocks, "block")
        );
        if !i.registers.is_empty() {
            wrap(out, &format!("      {}", i.registers), 92, "      ");
        }
    }
    out.push('\n');
}

fn nic_words(nic: &LoggedNic, options: Options) -> String {
    let pci = nic.device.pci.as_deref().unwrap_or("");
    let name = mask(&nic_name(nic), options);
    format!("{name} {}", clean(pci)).trim_end().to_string()
}

/// Interfaces whose driver is e1000e, sorted.
fn e1000e(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("sys/class/net"));
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let driver = fs::read_link(entry.path().join("device/driver"));
            driver.is_ok_and(|d| d.ends_with("e1000e"))
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Without MAC addresses, unless they are asked for.
fn mask(text: &str, options: Options) -> String {
    if options.identify {
        text.to_string()
    } else {
        without_mac(text)
    }
}

/// One line of a file, cleaned; `None` if there is none.
fn field(root: &Path, path: &str) -> Option<String> {
    let text = fs::read(root.join(path)).ok()?;
    let text = String::from_utf8_lossy(&text);
    let text = clean(text.trim());
    (!text.is_empty()).then_some(text)
}

fn line(out: &mut String, name: &str, value: Option<String>) {
    if let Some(value) = value {
        let _ = writeln!(out, "  {name:<12} {value}");
    }
}
