//! What is generated is read by the programs that it is for, without a guest: `NetworkManager`'s
//! nmcli, netplan, ifupdown, ifupdown2, systemd and udev.
//!
//! They run in a root of their own that tests/consumers/fetch.sh makes (packages network-manager,
//! netplan.io, ifupdown, ifupdown2, systemd, udev, ethtool), by chroot(8), so as root.
//! `UNHANG_CONSUMERS` names another Debian suite than trixie. Forky has the newest udev.

mod settings;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const RULE: &str = "[[rule]]\nname = \"e1000e-tx-hang\"\nmatch = { driver = \"e1000e\" }\n";
const OFFLOAD: &str = "offload = { tso = false, gso = false, gro = false }\n";

/// A tree that stands for a machine with two NICs, within the root of the programs.
struct Machine {
    tree: PathBuf,
    /// The same for the programs.
    inside: PathBuf,
}

fn suite() -> String {
    std::env::var("UNHANG_CONSUMERS").unwrap_or("trixie".into())
}

/// Where the programs are.
fn root() -> PathBuf {
    root_of(&suite())
}

fn root_of(suite: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let root = target.join("consumers").join(suite);
    assert!(
        root.join("key").exists(),
        "{} is missing: run 'tests/consumers/fetch.sh {suite}' (needs the package mmdebstrap)",
        root.display()
    );
    root
}

/// A program in that root.
fn program(path: &str) -> Command {
    let root = root();
    assert!(
        root.join(path.trim_start_matches('/')).exists(),
        "{path} is missing in {}",
        root.display()
    );
    let mut command = Command::new("chroot");
    command.arg(root).arg(path);
    command
}

impl Machine {
    fn new(name: &str, rule: &str) -> Machine {
        let inside = Path::new("/tmp").join(name);
        let tree = root().join(format!("tmp/{name}"));
        let _ = fs::remove_dir_all(&tree);
        fs::create_dir_all(&tree).unwrap();
        let bases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generate/bases");
        for base in ["nics", "systemd-257"] {
            let mut copy = Command::new("cp");
            let copied = copy.arg("-a").arg(bases.join(base).join(".")).arg(&tree);
            assert!(copied.status().unwrap().success());
        }
        let machine = Machine { tree, inside };
        machine.put("etc/unhang/rules.d/10-e1000e.toml", rule);
        machine
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.tree.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn unhang(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unhang"));
        let command = command.args(arguments.split_whitespace());
        command.arg("--root").arg(&self.tree).output().unwrap()
    }

    fn netplan_generate(&self) {
        let mut netplan = program("/usr/sbin/netplan");
        let command = netplan.args(["generate", "--root-dir"]);
        accepted(command.arg(&self.inside));
    }

    /// The text that is generated, and what is said about it.
    fn generated(&self, arguments: &str) -> (String, String) {
        let output = self.unhang(&format!("generate {arguments} --dry-run"));
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        (text(&output.stdout), said)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a program with a text on its stdin.
fn run(command: &mut Command, stdin: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        .spawn()
        .expect("chroot is there");
    // A program that does not read what it is given has said why.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn accepted(command: &mut Command) -> String {
    let output = run(command, "");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    text(&output.stdout)
}

const PROFILE: &str = "[connection]\nid=lan\nuuid=8f1c2f6e-0d0f-4b57-9d5f-6a1c4a3c1f00\ntype=ethernet\ninterface-name=enp1s0\n\n[ipv4]\nmethod=auto\n";

fn nmcli(arguments: &[&str], profile: &str) -> Output {
    let mut nmcli = program("/usr/bin/nmcli");
    nmcli.args(["--offline", "connection", "modify"]);
    run(nmcli.args(arguments), profile)
}

/// The [ethtool] section of a profile, sorted.
fn ethtool_section(profile: &str) -> Vec<String> {
    let lines = profile.lines().skip_while(|line| *line != "[ethtool]");
    let mut section: Vec<String> = lines
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    section.sort();
    section
}

/// What `NetworkManager` makes of the section, as its own section.
fn by_section(part: &str) -> Vec<String> {
    // A change of nothing makes nmcli write what it has read.
    let output = nmcli(&["connection.id", "lan"], &format!("{PROFILE}\n{part}"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    ethtool_section(&text(&output.stdout))
}

/// What `NetworkManager` makes of the command, as its section.
fn by_command(part: &str) -> Vec<String> {
    let command = part
        .lines()
        .find_map(|line| line.split_once("show enp1s0)\" "));
    let arguments: Vec<&str> = command.expect("a command").1.split(' ').collect();
    let output = nmcli(&arguments, PROFILE);
    assert!(output.status.success(), "{}", text(&output.stderr));
    ethtool_section(&text(&output.stdout))
}

#[test]
fn networkmanager_takes_section_and_command_for_the_same() {
    let machine = Machine::new("nm", &format!("{RULE}{OFFLOAD}"));
    let (part, _) = machine.generated("networkmanager enp1s0");
    let section = by_section(&part);
    assert_eq!(
        section,
        [
            "feature-gro=false",
            "feature-gso=false",
            "feature-tso=false"
        ]
    );
    assert_eq!(section, by_command(&part));
}

#[test]
fn networkmanager_knows_every_property_that_is_written_and_no_other() {
    let known = unhang::features::known_names();
    let lines: Vec<String> = known
        .iter()
        .map(|name| format!("{name} = false\n"))
        .collect();
    let machine = Machine::new(
        "nm-all",
        &format!("{RULE}[rule.offload]\n{}", lines.concat()),
    );
    let (part, said) = machine.generated("networkmanager enp1s0");
    let section = ethtool_section(&part);
    assert!(section.len() > 40, "{section:?}");
    for line in section {
        let (property, _) = line.split_once('=').unwrap();
        let output = nmcli(&[&format!("ethtool.{property}"), "off"], PROFILE);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let cannot = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("cannot: set "));
    let (unknown, _) = cannot.expect("some are unknown").split_once(": ").unwrap();
    for name in unknown.replace(" and ", ", ").split(", ") {
        let output = nmcli(&[&format!("ethtool.feature-{name}"), "off"], PROFILE);
        assert!(!output.status.success(), "nmcli knows {name} by now");
    }
}

/// netplan with somebody's configuration.
fn netplan(name: &str, ethernets: &str) -> Machine {
    let machine = Machine::new(name, &format!("{RULE}{OFFLOAD}"));
    let theirs = format!("network:\n  version: 2\n{ethernets}");
    machine.put("etc/netplan/01-theirs.yaml", &theirs);
    machine.netplan_generate();
    machine
}

#[test]
fn netplan_makes_a_link_file_that_holds_at_boot() {
    let plain = "  ethernets: {enp1s0: {dhcp4: true}}\n";
    let matching = "  ethernets:\n    lan:\n      match: {macaddress: '52:54:00:aa:00:01'}\n      set-name: enp1s0\n      dhcp4: true\n";
    for (name, id, theirs) in [
        ("netplan", "enp1s0", plain),
        ("netplan-match", "lan", matching),
    ] {
        let machine = netplan(name, theirs);
        let ours = machine.generated("netplan enp1s0").0;
        machine.put("etc/netplan/90-unhang-enp1s0.yaml", &ours);
        machine.netplan_generate();
        let path = format!("run/systemd/network/10-netplan-{id}.link");
        let link = machine.read(&path);
        for line in [
            "PermanentMACAddress=52:54:00:aa:00:01",
            "OriginalName=*",
            "Name=enp1s0",
            "TCPSegmentationOffload=false",
            "TCP6SegmentationOffload=false",
            "GenericSegmentationOffload=false",
            "GenericReceiveOffload=false",
        ] {
            assert!(link.lines().any(|l| l == line), "{line} is not in\n{link}");
        }
        let network = machine.read(&format!("run/systemd/network/10-netplan-{id}.network"));
        assert!(network.contains("DHCP=ipv4"), "{network}");
        let link = machine.tree.join(path).display().to_string();
        let checked = text(&machine.unhang(&format!("check --link {link}")).stdout);
        assert!(!checked.contains("error:"), "{checked}");
    }
}

#[test]
fn netplan_keeps_the_addresses_that_networkmanager_gives() {
    let profile = "run/NetworkManager/system-connections/netplan-lan.nmconnection";
    for (name, theirs) in [
        ("netplan-nm-name", "match: {name: enp1s0}"),
        ("netplan-nm-mac", "match: {macaddress: '52:54:00:aa:00:01'}"),
    ] {
        let lan = format!("{{{theirs}, set-name: enp1s0, dhcp4: true}}");
        let machine = netplan(
            name,
            &format!("  renderer: NetworkManager\n  ethernets: {{lan: {lan}}}\n"),
        );
        let ours = machine.generated("netplan enp1s0").0;
        machine.put("etc/netplan/90-unhang-enp1s0.yaml", &ours);
        machine.netplan_generate();
        let profile = machine.read(profile);
        assert!(profile.contains("[ipv4]\nmethod=auto"), "{profile}");
        let link = machine.read("run/systemd/network/10-netplan-lan.link");
        assert!(link.contains("\nTCPSegmentationOffload=false"), "{link}");
    }
}

#[test]
fn a_nic_without_a_netplan_definition_of_its_own_gets_none() {
    for (name, theirs) in [
        (
            "netplan-none",
            "  ethernets: {enp2s0: {dhcp4: true}}\n  bridges: {br0: {interfaces: [enp2s0]}}\n",
        ),
        (
            "netplan-glob",
            "  ethernets: {all: {match: {name: 'en*'}, dhcp4: true}}\n",
        ),
        (
            "netplan-driver",
            "  ethernets: {all: {match: {driver: e1000e}, dhcp4: true}}\n",
        ),
        (
            "netplan-nm-glob",
            "  renderer: NetworkManager\n  ethernets: {all: {match: {name: 'en*'}, dhcp4: true}}\n",
        ),
    ] {
        let machine = netplan(name, theirs);
        let output = machine.unhang("generate netplan enp1s0");
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{name}: {said}");
        assert!(said.contains("without addresses"), "{name}: {said}");
        let written = machine.tree.join("etc/netplan/90-unhang-enp1s0.yaml");
        assert!(!written.exists(), "{name}");
    }
}

const INTERFACES: &str = "auto lo\niface lo inet loopback\n\niface enp1s0 inet manual\n\nauto vmbr0\niface vmbr0 inet static\n\taddress 192.0.2.2/24\n\tbridge-ports enp1s0\n\n";

#[test]
fn ifupdown_adds_the_stanza_to_the_one_that_is_there() {
    let machine = Machine::new("ifupdown", &format!("{RULE}{OFFLOAD}"));
    let (stanza, _) = machine.generated("ifupdown enp1s0");
    machine.put("interfaces", &format!("{INTERFACES}{stanza}"));
    let unpacked = [
        "/opt/ifupdown/usr/sbin/ifquery",
        "/opt/ifupdown/sbin/ifquery",
    ];
    let there = |path: &&str| root().join(&path[1..]).exists();
    let mut ifquery = program(unpacked.into_iter().find(there).unwrap_or(unpacked[0]));
    let command = ifquery.arg("-i").arg(machine.inside.join("interfaces"));
    let said = accepted(command.arg("enp1s0"));
    assert_eq!(
        said,
        "offload-tso: off\noffload-gso: off\noffload-gro: off\n"
    );
}

#[test]
fn ifupdown2_knows_every_attribute() {
    let all = "offload = { tso = false, gso = false, gro = false, lro = false, ufo = false, rx = true, tx = true }\n";
    let machine = Machine::new("ifupdown2", &format!("{RULE}{all}"));
    let (stanza, _) = machine.generated("ifupdown2 enp1s0");
    assert_eq!(stanza.lines().filter(|l| l.starts_with('\t')).count(), 7);
    let check = |stanza: &str| {
        machine.put("interfaces", &format!("{INTERFACES}{stanza}"));
        let mut ifup = program("/usr/sbin/ifup");
        let command = ifup.args(["--syntax-check", "-i"]);
        run(
            command.arg(machine.inside.join("interfaces")).arg("enp1s0"),
            "",
        )
    };
    let wrong = check(&stanza.replace("tso-", "tos-"));
    assert!(text(&wrong.stderr).contains("tos-offload"), "{wrong:?}");
    let right = check(&stanza);
    assert!(
        right.status.success() && right.stderr.is_empty(),
        "{right:?}"
    );
    let mut ifquery = program("/usr/sbin/ifquery");
    let command = ifquery.arg("-i").arg(machine.inside.join("interfaces"));
    let said = accepted(command.arg("enp1s0"));
    assert!(
        said.contains("iface enp1s0 inet manual") && said.contains("tso-offload off"),
        "{said}"
    );
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let machine = Machine::new("unit", &format!("{RULE}{OFFLOAD}"));
    let unit = machine.generated("systemd-unit enp1s0").0;
    machine.put("unhang-enp1s0.service", &unit);
    let mut analyze = program("/usr/bin/systemd-analyze");
    let command = analyze.args(["--man=no", "verify"]);
    let output = run(
        command.arg(machine.inside.join("unhang-enp1s0.service")),
        "",
    );
    let about_it: Vec<String> = text(&output.stderr)
        .lines()
        .filter(|line| line.contains("unhang"))
        .map(str::to_owned)
        .collect();
    assert!(output.status.success() && about_it.is_empty(), "{output:?}");
}

#[test]
fn udev_finds_nothing_wrong_with_the_rules() {
    let by_id = "match = { pci = ['8086:10d3', '8086:15bb'] }\n";
    let by_id = format!("[[rule]]\nname = \"by-id\"\n{by_id}{OFFLOAD}");
    for (name, rule, arguments) in [
        ("udev", &format!("{RULE}{OFFLOAD}"), "udev"),
        ("udev-nic", &format!("{RULE}{OFFLOAD}"), "udev enp1s0"),
        ("udev-ids", &by_id, "udev"),
    ] {
        let machine = Machine::new(name, rule);
        machine.put("85-unhang.rules", &machine.generated(arguments).0);
        let rules = machine.inside.join("85-unhang.rules");
        accepted(program("/usr/bin/udevadm").arg("verify").arg(rules));
    }
}
