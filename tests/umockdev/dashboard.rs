//! The dashboard, asked of a real Prometheus: it has the recording rules, has scraped what
//! `unhang metrics` writes while things happen, and has an answer to every query.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value;

use crate::evidence::{BLOCK, OFF, RESET, UP, journalctl, one_nic};
use crate::machine::Machine;

/// For all that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/prometheus")
        .join(name)
}

/// What the node exporters of some machines would serve, by path.
type Pages = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// Serves the pages as long as the test runs.
fn serve(pages: Pages) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut request = String::new();
            let mut line = String::new();
            let _ = reader.read_line(&mut request);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default();
            let page = pages.lock().unwrap().get(path).cloned().unwrap_or_default();
            let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n";
            let _ = write!(&stream, "{head}{page}");
        }
    });
    address
}

/// A Prometheus that ends with the test.
struct Prometheus {
    server: Child,
    address: String,
}

impl Prometheus {
    fn start(dir: &Path, config: &str) -> Prometheus {
        let _ = fs::remove_dir_all(dir);
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("prometheus.yml"), config).unwrap();
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/prometheus");
        let program = if unpacked.exists() {
            &unpacked
        } else {
            Path::new("prometheus")
        };
        let log = dir.join("log");
        let server = Command::new(program)
            .arg(format!(
                "--config.file={}",
                dir.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("tsdb").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("prometheus is needed: tests/setup.sh test");
        let mut prometheus = Prometheus {
            server,
            address: String::new(),
        };
        let said = Regex::new("\"Listening on\".* address=([0-9.:]+)").unwrap();
        wait_for(|| {
            let log = fs::read_to_string(&log).unwrap();
            let found = said.captures(&log).map(|found| found[1].to_owned());
            found.map(|address| prometheus.address = address).ok_or(log)
        });
        prometheus
    }

    /// The answer, or Prometheus' own words.
    fn get(&self, what: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-G"]);
        for (name, value) in parameters {
            curl.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let url = format!("http://{}/api/v1/{what}", self.address);
        let output = curl.arg(url).output().expect("curl is needed");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut answer: Value = serde_json::from_str(&text).map_err(|_| text.into_owned())?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["data"].take()),
        }
    }

    fn ask(&self, query: &str) -> Result<Vec<Sample>, String> {
        let answer = self.get("query", &[("query", query)])?;
        let samples = answer["result"].as_array().ok_or("no samples")?.iter();
        let sample = |sample: &Value| Sample {
            named: sample["metric"]["__name__"].is_string(),
            value: sample["value"][1].as_str().unwrap().parse().unwrap(),
        };
        Ok(samples.map(sample).collect())
    }
}

#[derive(Debug)]
struct Sample {
    /// Is the series' name among its labels?
    named: bool,
    value: f64,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn wait_for<E: std::fmt::Display>(mut done: impl FnMut() -> Result<(), E>) {
    let start = Instant::now();
    while let Err(reason) = done() {
        assert!(start.elapsed() < PATIENCE, "after {PATIENCE:?}: {reason}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// What a machine writes; `unhang metrics` fails where it can't read the journal, and writes all the same.
fn metrics(machine: &Machine, test: &str, more: &[&str]) -> String {
    let output = machine.unhang(test, &[&["metrics"], more].concat());
    String::from_utf8(output.stdout).unwrap()
}

/// Of a day, and of the next.
const LOG: [&str; 2] = [
    "2026-03-01T00:00:00+00:00 srv kernel: [    0.000000] Linux version 6.12.1 (build@host) #1 SMP
2026-03-01T00:00:03+00:00 srv kernel: [    3.000000] e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None
2026-03-01T00:00:04+00:00 srv unhang[77]: eno1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add
2026-03-01T10:00:00+00:00 srv kernel: [36000.000000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:
2026-03-01T10:00:05+00:00 srv kernel: [36005.000000] e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly
2026-03-01T12:00:00+00:00 srv kernel: [43200.000000] usb 1-1: new high-speed USB device number 2 using xhci_hcd
",
    "2026-03-02T10:00:00+00:00 srv kernel: [122400.000000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:
2026-03-02T10:00:05+00:00 srv kernel: [122405.000000] e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly
2026-03-02T11:00:00+00:00 srv kernel: [126000.000000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:
2026-03-02T11:00:00+00:00 srv unhang[412]: eno1: storm of 3 hangs within 24 s (offloads in force), recovery 1: autonegotiation restarted; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event wedge
2026-03-02T11:00:03+00:00 srv unhang[412]: eno1: link up 1.4 s after recovery 1; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event wedge
2026-03-02T11:01:00+00:00 srv unhang[412]: eno1: left alone: three recoveries did not help; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event wedge
2026-03-02T12:00:00+00:00 srv unhang[900]: eno1: tso gso gro already off, eee off (was on); rule e1000e-tx-hang, trial-eee-off; e1000e 8086:15bb I219-LM (7); event trial
2026-03-02T12:00:01+00:00 srv unhang[900]: eno1: trial eee off started (4.1 days); rule trial-eee-off; e1000e 8086:15bb I219-LM (7); event trial
2026-03-02T19:00:00+00:00 srv kernel: [154800.000000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:
2026-03-02T19:00:01+00:00 srv unhang[412]: eno1: trial eee off refuted, eee on (was off); rule trial-eee-off; e1000e 8086:15bb I219-LM (7); event trial
2026-03-02T19:00:05+00:00 srv kernel: [154805.000000] e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly
2026-03-02T20:00:00+00:00 srv kernel: [158400.000000] usb 1-1: USB disconnect, device number 2
",
];

/// What four machines write on the first day and on the next: one that hangs; one without a rule;
/// one whose journal can't be read; and one whose rule is in force, by its log.
fn days() -> [BTreeMap<&'static str, String>; 2] {
    let dir = |test: &str| {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("umockdev")
            .join(test)
    };
    let masked = dir("dashboard-bare").join("masked");
    let _ = fs::remove_dir_all(&masked);
    fs::create_dir_all(&masked).unwrap();
    symlink("/dev/null", masked.join("10-e1000e.toml")).unwrap();
    let masked = ["--rules", masked.to_str().unwrap()];
    let mut bare = Machine::default();
    bare.pci_nic("enp2s0", "8086:10d3", "e1000e");
    journalctl("dashboard-bare", &[(7000, "kernel", UP)]);

    let denied = dir("dashboard-unread").join("bin");
    fs::create_dir_all(&denied).unwrap();
    fs::write(denied.join("journalctl"), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(denied.join("journalctl"), Permissions::from_mode(0o755)).unwrap();

    let file = dir("dashboard-well").join("syslog");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut said = vec![(9000, "kernel", UP), (8999, "unhang", OFF)];
    said.extend([(800, "kernel", BLOCK), (795, "kernel", RESET)]);
    [LOG[0], &LOG.concat()].map(|log| {
        journalctl("dashboard-hangs", &said);
        said.extend([(3, "kernel", BLOCK), (1, "kernel", BLOCK)]);
        fs::write(&file, log).unwrap();
        BTreeMap::from([
            ("/hangs", metrics(&one_nic(), "dashboard-hangs", &[])),
            ("/bare", metrics(&bare, "dashboard-bare", &masked)),
            ("/unread", metrics(&one_nic(), "dashboard-unread", &[])),
            (
                "/well",
                metrics(&one_nic(), "dashboard-well", &[file.to_str().unwrap()]),
            ),
        ])
    })
}

/// As an operator's, but faster.
fn config(machines: &[&str], server: SocketAddr) -> String {
    let mut config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
         scrape_configs:\n- job_name: node\n  static_configs:\n",
        shipped("unhang.rules.yml").display()
    );
    for path in machines {
        let labels = format!("{{__metrics_path__: {path}, instance: '{path}:9100'}}");
        config += &format!("  - {{labels: {labels}, targets: ['{server}']}}\n");
    }
    config
}

struct Query {
    title: String,
    text: String,
    /// Of a table, which joins the answers by all labels that they have in common.
    joined: bool,
}

fn queries(dashboard: &Value) -> Vec<Query> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let each = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|target| {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{target}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            Query {
                title: text(&panel["title"]),
                text: text(&target["expr"]),
                joined: panel["type"] == "table",
            }
        })
    });
    each.collect()
}

/// The query asked with these variables: why that is no answer.
fn unanswered(
    query: &Query,
    chosen: &BTreeMap<String, String>,
    prometheus: &Prometheus,
) -> Option<String> {
    let text = with(&query.text, chosen);
    let answer = prometheus.ask(&text);
    // All that a panel shows happened; so a 0 is no answer either.
    let found = |samples: &Vec<Sample>| samples.iter().any(|sample| sample.value > 0.0);
    let named = |samples: &Vec<Sample>| samples.iter().any(|sample| sample.named);
    let good = answer
        .as_ref()
        .is_ok_and(|it| found(it) && !(query.joined && named(it)));
    (!good).then(|| format!("\n{}: {text}: {answer:?}", query.title))
}

/// A query with variables replaced as Grafana does where several values may be chosen: the value
/// for "All", or the values as alternatives, with what is special in a regular expression and
/// in a string escaped.
fn with(query: &str, chosen: &BTreeMap<String, String>) -> String {
    let name = Regex::new(r"\$\{?([a-z_]+)\}?").unwrap();
    let value = |found: &regex::Captures<'_>| {
        let value = chosen.get(&found[1]);
        value
            .unwrap_or_else(|| panic!("no variable {}: {query}", &found[0]))
            .clone()
    };
    name.replace_all(query, value).into_owned()
}

fn alternatives(values: &[String]) -> String {
    let special = Regex::new(r"[$^*{}\[\]'+?.()|]").unwrap();
    let escaped = values.iter().map(|value| {
        let value = value.replace('\\', r"\\\\");
        special.replace_all(&value, r"\\$0").into_owned()
    });
    format!("({})", escaped.collect::<Vec<_>>().join("|"))
}

/// What is chosen for each variable: all, or each of the values that there are.
fn choices(dashboard: &Value, prometheus: &Prometheus) -> [BTreeMap<String, String>; 2] {
    let mut all = BTreeMap::new();
    let mut each = BTreeMap::new();
    let query = Regex::new(r"^label_values\((.*), ([a-z]+)\)$").unwrap();
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "datasource" {
            continue;
        }
        let name = variable["name"].as_str().unwrap();
        let asked = variable["query"]["query"].as_str().unwrap();
        let asked = query.captures(asked).unwrap_or_else(|| panic!("{asked}"));
        let what = format!("label/{}/values", &asked[2]);
        let values = prometheus
            .get(&what, &[("match[]", &with(&asked[1], &each))])
            .unwrap();
        let values: Vec<String> = serde_json::from_value(values).unwrap();
        assert!(values.len() > 1, "{name}: {values:?}");
        all.insert(
            name.to_owned(),
            variable["allValue"].as_str().unwrap().to_owned(),
        );
        each.insert(name.to_owned(), alternatives(&values));
    }
    [all, each]
}

/// Without blanks, and without what chooses among series.
fn bare(query: &str) -> String {
    let chosen = Regex::new(r"\{[^}]*\}|[ \n\t]").unwrap();
    chosen.replace_all(query, "").into_owned()
}

/// Each recording rule is in use, and none is written out.
fn look_at_rules(queries: &[Query], prometheus: &Prometheus) {
    let groups = prometheus.get("rules", &[("type", "record")]).unwrap();
    let groups = groups["groups"].as_array().unwrap().iter();
    let rules: Vec<&Value> = groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect();
    assert!(!rules.is_empty());
    for rule in rules {
        let [name, written_out] = ["name", "query"].map(|key| rule[key].as_str().unwrap());
        assert!(
            queries.iter().any(|query| query.text.contains(name)),
            "{name} is not in use"
        );
        for Query { title, text, .. } in queries {
            let query = prometheus.get("format_query", &[("query", text)]).unwrap();
            let query = query.as_str().unwrap();
            let is_written_out = bare(query).contains(&bare(written_out));
            assert!(
                !is_written_out,
                "{title}: {name} is there for this: {query}"
            );
        }
    }
}

#[test]
fn each_query_of_the_dashboard_finds_what_happened() {
    let dashboard = fs::read_to_string(shipped("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let queries = queries(&dashboard);
    assert!(!queries.is_empty());
    let [before, after] = days();
    let machines: Vec<&str> = before.keys().copied().collect();
    let pages = Arc::new(Mutex::new(before));
    let config = config(&machines, serve(pages.clone()));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("umockdev/dashboard");
    let prometheus = Prometheus::start(&dir, &config);
    wait_for(|| match prometheus.ask("up == 1") {
        Ok(up) if up.len() == machines.len() => Ok(()),
        other => Err(format!("not scraped: {other:?}")),
    });
    *pages.lock().unwrap() = after;
    look_at_rules(&queries, &prometheus);
    for chosen in choices(&dashboard, &prometheus) {
        wait_for(|| {
            let each = queries
                .iter()
                .filter_map(|query| unanswered(query, &chosen, &prometheus));
            let unanswered: String = each.collect();
            if unanswered.is_empty() {
                Ok(())
            } else {
                Err(unanswered)
            }
        });
    }
}
