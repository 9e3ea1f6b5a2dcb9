//! Commands on a system that is a folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use clap::Parser;
use unhang::cli::{Cli, Command};
use unhang::commands::{Output, Status, apply, check, explain, notify, status};

const RULE: &str =
    "[[rule]]\nname = \"mine\"\nmatch.path = \"pci-0000:00:1f.6\"\nevidence = \"none\"\n";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// An e1000e NIC with a rule that notes only, and a bridge.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "etc/unhang/rules.d/60-mine.toml", RULE);
    let card = "sys/devices/pci0000:00/0000:00:1f.6";
    for (file, text) in [("vendor", "0x8086"), ("device", "0x15bb")] {
        write(root, &format!("{card}/{file}"), text);
    }
    symlink("/sys/bus/pci", root.join(card).join("subsystem")).unwrap();
    write(root, &format!("{card}/net/eno1/ifindex"), "2\n");
    symlink("../..", root.join(card).join("net/eno1/device")).unwrap();
    write(root, "sys/class/net/br0/ifindex", "3\n");
    let eno1 = "../../devices/pci0000:00/0000:00:1f.6/net/eno1";
    symlink(eno1, root.join("sys/class/net/eno1")).unwrap();
    let database = "E:ID_NET_DRIVER=e1000e\nE:ID_PATH=pci-0000:00:1f.6\n";
    write(root, "run/udev/data/n2", database);
    dir
}

fn run(root: &Path, words: &str) -> Output {
    let mut cli = Cli::try_parse_from(words.split(' ')).unwrap();
    root.clone_into(&mut cli.common.root);
    match &cli.command {
        Some(Command::Apply(args)) => apply::run(args, &cli.common),
        Some(Command::Check(args)) => check::run(args, &cli.common),
        Some(Command::Explain(args)) => explain::run(args, &cli.common),
        Some(Command::Notify(args)) => notify::run(args, &cli.common),
        Some(Command::Status(args)) => status::run(args, &cli.common),
        other => panic!("{other:?}"),
    }
    .unwrap()
}

#[test]
fn its_nics_and_its_rules_count() {
    let tree = tree();
    let said = run(tree.path(), "unhang explain eno1").result;
    assert!(said.contains("e1000e 8086:15bb I219-LM (7)"), "{said}");
    assert!(
        said.contains("changes nothing, notes what is known"),
        "{said}"
    );
    let said = run(tree.path(), "unhang status").result;
    assert!(said.contains("eno1") && !said.contains("br0"), "{said}");
    let said = run(tree.path(), "unhang apply --dry-run eno1 eth7");
    assert_eq!(said.result, "eno1: no rule matches this NIC\n");
    let errors = "unhang: there is no interface 'eth7'; there are eno1\n";
    assert_eq!((said.errors.as_str(), said.status as u8), (errors, 4));
}

#[test]
fn hooks_are_tried() {
    let tree = tree();
    let none = run(tree.path(), "unhang notify --test");
    assert_eq!(none.status, Status::Failed);
    assert_eq!(
        none.errors,
        "unhang: there is no hook in /etc/unhang/notify.d\n"
    );
    let hook = |name: &str, script: &str| {
        let path = format!("etc/unhang/notify.d/{name}");
        write(tree.path(), &path, script);
        fs::set_permissions(tree.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let file = tree.path().join("told");
    let notes = format!("#!/bin/sh\necho $UNHANG_EVENT >'{}'\n", file.display());
    hook("10-notes", &notes);
    let one = run(tree.path(), "unhang notify --test");
    assert_eq!(
        (one.result.as_str(), one.status),
        ("10-notes: done\n", Status::Done)
    );
    assert_eq!(fs::read_to_string(file).unwrap(), "test\n");
    hook("20-fails", "#!/bin/sh\nexit 2\n");
    let two = run(tree.path(), "unhang notify --test");
    assert_eq!(two.errors, "unhang: 20-fails: failed: exit status: 2\n");
    assert_eq!(
        (two.result.as_str(), two.status),
        ("10-notes: done\n", Status::Failed)
    );
}

#[test]
fn check_says_where_link_down_does_nothing() {
    let tree = tree();
    let check = format!("unhang check --root {}", tree.path().display());
    let rule = RULE.replace("match.path", "exhausted = \"link-down\"\nmatch.path");
    write(tree.path(), "etc/unhang/rules.d/60-mine.toml", &rule);
    let said = run(tree.path(), &check).result;
    let note = "rule 'mine': link-down does nothing for eno1 now: it is no port of a bond";
    assert!(said.contains(note), "{said}");
    write(tree.path(), "sys/class/net/bond0/bonding/miimon", "100\n");
    write(
        tree.path(),
        "sys/class/net/bond0/bonding/slaves",
        "eno1 eno2\n",
    );
    write(tree.path(), "sys/class/net/eno2/carrier", "1\n");
    symlink(
        "../../../../../class/net/bond0",
        tree.path().join("sys/class/net/eno1/master"),
    )
    .unwrap();
    let said = run(tree.path(), &check).result;
    assert!(!said.contains("link-down"), "{said}");
}
