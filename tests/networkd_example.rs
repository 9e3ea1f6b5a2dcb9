//! The static example in networkd/ says what is generated for the shipped rules.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What counts: no comments, no empty lines.
fn assignments(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn the_example_is_what_is_generated_for_the_shipped_rule() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_unhang"))
        .args([
            "generate",
            "link",
            "--dry-run",
            "--systemd",
            "257",
            "--rules",
        ])
        .arg(project.join("rules"))
        .arg("--root")
        .arg(project.join("tests/generate/bases/systemd-257"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let generated = String::from_utf8(output.stdout).unwrap();
    let example = project.join("networkd/10-unhang-e1000e-tx-hang.link");
    let example = fs::read_to_string(example).unwrap();
    assert_eq!(assignments(&example), assignments(&generated));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("/etc/systemd/network/10-unhang-e1000e-tx-hang.link"),
        "{said}"
    );
}
