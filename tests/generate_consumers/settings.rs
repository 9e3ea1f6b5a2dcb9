//! Settings beside the offloads: each is either said to be left out, or the program that reads what is
//! generated knows the key.

use std::collections::BTreeSet;
use std::process::Command;

use unhang::settings::{Family, Kind, Name};

use super::{
    Machine, PROFILE, RULE, accepted, by_command, by_section, ethtool_section, nmcli, root,
    root_of, run, suite, text,
};

/// All that a rule can set. Private flags are the driver's to name.
fn all() -> Vec<Name> {
    let of_family = |family: Family| family.settable().map(move |key| Name::new(family, key));
    let mut all: Vec<Name> = Family::ALL.into_iter().flat_map(of_family).collect();
    all.push(Name::new(Family::PrivateFlags, "disable-k1"));
    all
}

/// A rule that sets these, and no offload.
fn rule(names: &[Name]) -> String {
    let mut rule = RULE.to_owned();
    for name in names {
        let Name { family, key } = name;
        let value = match family.kind_of(key).unwrap() {
            Kind::Number => "7",
            // NetworkManager refuses pause rx and tx with autonegotiation on.
            Kind::Switch if *family == Family::Wol => "true",
            Kind::Switch => "false",
        };
        rule += &format!("{}.{key} = {value}\n", family.table());
    }
    rule
}

/// What is generated for these settings, what is said about it, and the settings that are not said to be left out.
fn generated(name: &str, names: &[Name], arguments: &str) -> (String, String, Vec<Name>) {
    let machine = Machine::new(name, &rule(names));
    let (file, said) = machine.generated(arguments);
    let left_out = said.lines().find_map(|line| {
        let line = line.trim().strip_prefix("cannot: set ")?;
        line.strip_suffix(": unhang knows no key for that")
    });
    let left_out = left_out.unwrap_or_default().replace(" and ", ", ");
    let left_out: Vec<&str> = left_out.split(", ").collect();
    let is_set = |name: &&Name| !left_out.contains(&name.to_string().as_str());
    let set = names.iter().filter(is_set).cloned().collect();
    (file, said, set)
}

// --- .link files

/// What a suite's udev has to say about a .link file: the words that it does not know or take.
fn complaints(suite: &str, link: &str) -> BTreeSet<String> {
    // In a chroot / is no mount point, and has no propagation to be changed.
    let script = "! mountpoint -q / || mount --make-rprivate /
        mount -t sysfs sysfs \"$0/sys\"
        mount -t proc proc \"$0/proc\"
        mount -t tmpfs tmpfs \"$0/etc/systemd/network\"
        cat >\"$0/etc/systemd/network/10-test.link\"
        SYSTEMD_LOG_LEVEL=warning exec chroot \"$0\" udevadm test-builtin net_setup_link /sys/class/net/lo";
    let mut unshare = Command::new("unshare");
    let command = unshare.args(["--net", "--mount", "--propagation", "unchanged"]);
    let command = command.args(["sh", "-euc", script]).arg(root_of(suite));
    let output = run(command, link);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    let about_it = said.lines().filter(|line| line.contains("10-test.link:"));
    let quoted = |line: &str| line.split('\'').nth(1).unwrap_or(line).to_owned();
    about_it.map(quoted).collect()
}

fn version(suite: &str) -> String {
    let mut udevadm = Command::new("chroot");
    let command = udevadm.arg(root_of(suite)).args(["udevadm", "--version"]);
    accepted(command).trim().to_owned()
}

#[test]
fn udev_takes_every_key_of_link_files_that_its_version_has() {
    let all = all();
    let for_version = |version: &str| {
        let arguments = format!("link enp1s0 --systemd {version}");
        generated("link-settings", &all, &arguments)
    };
    let (file, _, set) = for_version(&version("forky"));
    let (_, ours) = file.split_once("# From the rule:\n").unwrap();
    let keys = ours.lines().filter(|line| line.contains('=')).count();
    // One for all modes of Wake-on-LAN.
    let others = set.iter().filter(|name| name.family != Family::Wol);
    assert_eq!(keys, others.count() + 1, "{file}");
    assert_eq!(complaints("forky", &file), BTreeSet::new());
    let wrong = complaints("forky", &file.replace("RxBufferSize", "RxBuffersSize"));
    assert_eq!(wrong, BTreeSet::from(["RxBuffersSize".to_owned()]));

    let (for_old, said, _) = for_version(&version(&suite()));
    assert_eq!(complaints(&suite(), &for_old), BTreeSet::new());
    let too_new = said
        .lines()
        .filter(|line| line.contains("cannot: set ") && line.contains("= (systemd 2"));
    let sections_and_keys = too_new.flat_map(|line| {
        let words = line
            .split([' ', ','])
            .filter(|word| word.ends_with(['=', ']']));
        let words = words.map(|word| word.trim_matches(['[', ']', '=']).to_owned());
        words.collect::<Vec<_>>()
    });
    // Of a section that it does not know the keys are not looked at.
    let said: BTreeSet<String> = sections_and_keys.filter(|word| word != "Enable").collect();
    assert_eq!(complaints(&suite(), &file), said);
    assert!(!said.is_empty(), "{} has a udev as new", suite());
}

#[test]
fn udev_takes_every_value_of_link_files() {
    let zeros = "coalesce = { rx-usecs = 0, sample-interval = 0, rx-frames = 0 }\nring = { rx = 0, tx = 0 }\n";
    let machine = Machine::new("link-zeros", &format!("{RULE}{zeros}"));
    let (file, said) = machine.generated("link enp1s0");
    assert_eq!(complaints(&suite(), &file), BTreeSet::new());
    for left_out in ["coalesce sample-interval", "ring rx", "ring tx"] {
        assert!(said.contains(left_out), "{left_out} is not in\n{said}");
    }
}

// --- NetworkManager

#[test]
fn networkmanager_takes_every_setting_that_is_written_and_no_other() {
    let all = all();
    let (part, _, set) = generated("nm-settings", &all, "networkmanager enp1s0");
    let section = ethtool_section(&part);
    assert_eq!(section.len(), set.len(), "{part}");
    assert_eq!(by_section(&part), section);
    assert_ne!(by_section(&part.replace("ring-rx=", "rings-rx=")), section);
    assert_eq!(by_command(&part), section);
    for name in all.iter().filter(|name| !set.contains(name)) {
        let property = format!("ethtool.{}-{}", name.family.table(), name.key);
        let output = nmcli(&[&property, "1"], PROFILE);
        assert!(!output.status.success(), "nmcli knows {property} by now");
    }
}

#[test]
fn networkmanager_takes_a_profile_with_negotiated_pause() {
    let pause = "pause = { autoneg = true, rx = false }\n";
    let machine = Machine::new("nm-pause", &format!("{RULE}{pause}"));
    let (part, said) = machine.generated("networkmanager enp1s0");
    let read = nmcli(&["connection.id", "lan"], &format!("{PROFILE}\n{part}"));
    assert!(read.status.success(), "{}", text(&read.stderr));
    assert_eq!(ethtool_section(&text(&read.stdout)), ["pause-autoneg=true"]);
    assert!(said.contains("cannot: set pause rx"), "{said}");
}

// --- ethtool(8)

#[test]
fn ethtool_takes_every_word_of_the_unit_and_of_the_udev_rule() {
    let all = all();
    for (format, begin) in [("systemd-unit", "ExecStart=-"), ("udev", "RUN+=\"")] {
        let (file, _, set) = generated("ethtool", &all, &format!("{format} enp1s0"));
        let ethtool = |words: &str| {
            // It has none of these settings, and the kernel is asked only once all words are understood.
            let words = words.replace("enp1s0", "lo").replace("$name", "lo");
            let mut words = words.split(' ');
            let path = words.next().unwrap();
            let mut unshare = Command::new("unshare");
            let command = unshare.args(["--net", "chroot"]).arg(root()).arg(path);
            text(&run(command.args(words), "").stderr)
        };
        let commands: Vec<&str> = file
            .lines()
            .filter_map(|line| line.strip_prefix(begin))
            .map(|command| command.trim_end_matches('"'))
            .collect();
        let words = commands.iter().flat_map(|command| command.split(' '));
        let values = words.filter(|word| ["on", "off", "7"].contains(word));
        assert_eq!(values.count(), set.len(), "{file}");
        for command in commands {
            assert_eq!(
                ethtool(command),
                "netlink error: Operation not supported\n",
                "{command}"
            );
        }
        let wrong = ethtool("/usr/sbin/ethtool -G enp1s0 rings 7");
        assert!(wrong.contains("unknown parameter 'rings'"), "{wrong}");
    }
}
