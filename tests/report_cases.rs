//! Runs every folder of tests/cases/report: `log*` are read in one go and the incidents
//! found compared with the file `incidents`; where there is a file `args`, the program is
//! run with these and `stdout`, `stderr` and `status` are compared. UPDATE=1 rewrites what
//! is expected: read the difference before it is committed.

use serde_json::Value;
use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

/// Logs are as old as this, 2026-03-20 12:00:00 UTC: it dates stamps without a year.
const CHANGED: u64 = 1_774_008_000;

fn run(dir: &Path, args: &[String]) -> Output {
    let stdin = dir.join("stdin");
    let stdin = match File::open(stdin) {
        Ok(file) => Stdio::from(file),
        Err(_) => Stdio::null(),
    };
    Command::new(env!("CARGO_BIN_EXE_unhang"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("TZ", "UTC")
        .env("COLUMNS", "100")
        .env("PATH", dir.join("bin"))
        .stdin(stdin)
        .output()
        .expect("the program starts")
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "?".into(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// The report as a few plain lines.
fn summary(report: &Value) -> String {
    let mut out = String::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for nic in list(&report["nics"]) {
        let _ = writeln!(
            out,
            "{} {} {}: {} blocks, {} resets, {} recoveries",
            text(&nic["interface"]),
            text(&nic["pci_address"]),
            text(&nic["driver"]),
            nic["blocks"],
            nic["resets"],
            nic["recoveries"]
        );
        for i in list(&nic["incidents"]) {
            let time = |clock: &str, uptime: &str| match &i[clock] {
                Value::Null => format!("{}s", text(&i[uptime])),
                wall => text(wall),
            };
            let _ = writeln!(
                out,
                "  {} to {}: {} blocks, {} Mb/s, {}, in force {}, TDH {} TDT {} MAC {}",
                time("start", "start_uptime_s"),
                time("end", "end_uptime_s"),
                i["blocks"],
                text(&i["speed"]),
                text(&i["ended_by"]),
                text(&i["in_force"]),
                text(&i["registers"]["tdh"]),
                text(&i["registers"]["tdt"]),
                i["registers"]["mac_status"]
                    .as_u64()
                    .map_or("?".into(), |v| format!("{v:x}")),
            );
        }
    }
    for look in list(&report["lookalikes"]) {
        let _ = writeln!(out, "lookalike {} {}", text(&look["kind"]), look["count"]);
    }
    for note in list(&report["notes"]) {
        let _ = writeln!(out, "note: {}", text(&note));
    }
    let verdict = &report["verdict"];
    let _ = writeln!(
        out,
        "{}: {}",
        text(&verdict["kind"]),
        text(&verdict["text"])
    );
    out
}

/// Compares, or rewrites; tells whether all is as expected.
fn expect(case: &Path, file: &str, got: &str) -> bool {
    let path = case.join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, got).expect("writable");
        return true;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    if wanted != got {
        eprintln!("{}:\n--- wanted\n{wanted}--- got\n{got}", path.display());
    }
    wanted == got
}

fn case(case: &Path) -> bool {
    let copy = tempfile::tempdir().expect("temporary directory");
    let mut logs = Vec::new();
    for entry in fs::read_dir(case).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let copied = Command::new("cp")
                .arg("-a")
                .arg(&path)
                .arg(copy.path())
                .status();
            assert!(copied.expect("cp").success());
            continue;
        }
        let to = copy.path().join(&name);
        fs::copy(&path, &to).expect("copied");
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(CHANGED);
        let file = File::options().append(true).open(&to).expect("opened");
        file.set_modified(changed).expect("dated");
        if name.starts_with("log") {
            logs.push(name);
        }
    }
    logs.sort();
    if let Ok(args) = fs::read_to_string(case.join("args")) {
        let args: Vec<String> = args.split_whitespace().map(String::from).collect();
        let output = run(copy.path(), &args);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let status = format!("{}\n", output.status.code().unwrap_or(-1));
        let mut fine = expect(case, "stdout", &stdout);
        fine &= expect(case, "stderr", &stderr);
        fine &= expect(case, "status", &status);
        for made in ["out.svg", "out.prom"] {
            if let Ok(text) = fs::read_to_string(copy.path().join(made)) {
                fine &= expect(case, made, &text);
            }
        }
        return fine;
    }
    let mut args = vec!["report".to_string(), "--json".to_string()];
    args.extend(logs);
    let output = run(copy.path(), &args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&output.stderr);
    expect(case, "incidents", &format!("{}{stderr}", summary(&report)))
}

#[test]
fn cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/report");
    let mut all: Vec<_> = fs::read_dir(&root)
        .expect("cases")
        .map(|e| e.expect("an entry").path())
        .collect();
    all.sort();
    let only = std::env::var("CASE").unwrap_or_default();
    let failed: Vec<_> = all
        .iter()
        .filter(|path| path.to_string_lossy().contains(&only))
        .filter(|path| !case(path))
        .collect();
    assert!(failed.is_empty(), "not as expected: {failed:?}");
}

#[test]
fn the_readme_shows_what_comes_out() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        fs::read_to_string(path).expect("text")
    };
    let page = read("tests/cases/report/88-readme/stdout");
    let shown: String = page
        .lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect();
    assert!(
        read("README.md").contains(&shown),
        "not in README.md:\n{shown}"
    );
}
