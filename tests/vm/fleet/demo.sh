# about: three hosts with Intel 82574L NICs: rolled out by Ansible, watched by Prometheus, and what is heard of it when one of them hangs
# suites: bookworm trixie trixie
# extra: openssh-server python3 python3-apt prometheus-node-exporter prometheus-alertmanager
# needs: UNHANG_DEB
# limit: 3600
# shellcheck shell=sh disable=SC2016

PATH=$PATH:$ROOT/target/tools
hosts="host-1 host-2 host-3"
sick="host-2"
on_each() { for host in $hosts; do at "$host" "$@" || { echo "on $host"; return 1; }; done; }

step "1. Three hosts, and one playbook"
check "the collection can be installed" install_collection
vars <<END
unhang_package: $UNHANG_DEB
unhang_metrics: true
END
show "$RUN/vars.yml"
run roll_out
check "it succeeds" [ $? = 0 ]
run at $sick unhang status
check "in force on each" on_each unhang status --check

step "2. Prometheus asks their node exporters, and knows unhang's alert rules"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
prometheus=127.0.0.1:$(free_port)
# Its own, in the first guest: the service starts before that has an address.
alertmanager=127.0.0.1:$(port host-1 3)
check "Alertmanager is there" at host-1 systemctl restart prometheus-alertmanager
targets=$(for host in $hosts; do printf '\n      - {targets: ["127.0.0.1:%s"], labels: {instance: %s}}' "$(port "$host" 2)" "$host"; done)
cat >"$RUN/prometheus.yml" <<END
global: {scrape_interval: 5s, evaluation_interval: 5s}
rule_files: [$ROOT/packaging/prometheus/unhang.rules.yml]
alerting:
  alertmanagers: [{static_configs: [{targets: ["$alertmanager"]}]}]
scrape_configs:
  - job_name: node
    static_configs:$targets
END
check "a configuration that promtool takes" promtool check config "$RUN/prometheus.yml"
prometheus --config.file="$RUN/prometheus.yml" --storage.tsdb.path="$RUN/tsdb" --web.listen-address="$prometheus" \
    >"$RUN/prometheus.log" 2>&1 &
# shellcheck disable=SC2064,SC2154 # now; end is of lib.sh
trap "kill $!; $end" EXIT
ask() { promtool query instant "http://$prometheus" "$1"; }
# panel TITLE: what a panel of the dashboard shows, with all chips and instances chosen.
panel() {
    python3 -c '
import json, sys
for panel in json.load(open(sys.argv[1]))["panels"]:
    if panel["title"] == sys.argv[2]:
        for target in panel["targets"]:
            print(target["expr"].replace("$chip", ".*").replace("$instance", ".*"))
' "$ROOT/packaging/prometheus/dashboard.json" "$1" | while read -r query; do ask "$query"; done
}
three() { [ "$(ask 'min by (instance) (unhang_in_force) == 1' | wc -l)" = 3 ]; }
check "all three are in force" wait_for 180 three
run ask 'min by (instance) (unhang_in_force)'
alerts() { curl -sf "http://$alertmanager/api/v2/alerts" | python3 -c '
import json, sys
for alert in json.load(sys.stdin):
    print(alert["labels"]["alertname"], alert["labels"]["instance"], alert["status"]["state"], alert["annotations"]["summary"], sep="; ")'; }
hangs_alert() { alerts | grep "^UnhangNicHangs; $sick; active"; }
resolved() { now=$(curl -sf "http://$alertmanager/api/v2/alerts") && ! echo "$now" | grep -q UnhangNicHangs; }
none() { [ "$(curl -sf "http://$alertmanager/api/v2/alerts")" = "[]" ]; }
check "and there is no alert" wait_for 60 none

step "3. A NIC hangs, whatever is done to it"
at $sick 'systemd-run -q --unit=wedge sh -c ". /run/vm/env; exec 3>/dev/null; . /run/vm/lib.sh; nic=\$(nic 1)
    hold \$nic; while :; do send \$nic 5; sleep 1; done"'
check "its driver says so" wait_for 120 at $sick '[ "$(hangs)" -gt 1 ]'
run at $sick 'dmesg | grep -A3 "Detected Hardware Unit Hang" | head -n 4'
check "the watcher tries to bring it back" wait_for 60 at $sick "journal_lines | grep 'recovery 1'"
check "the alert is in Alertmanager" wait_for 600 hangs_alert
run alerts
run panel "NICs that hang"
hanging_is() { panel "Hanging now" | grep -q "=> $1 @"; }
check "the dashboard shows it" hanging_is 1
check "and which" sh -c "echo '$(panel "NICs that hang")' | grep -q $sick"
healthy() { [ "$(ask 'sum by (instance) (unhang_hang_incidents_total) == 0' | wc -l)" = 2 ]; }
check "the other two are well" healthy

step "4. Somebody puts it right"
at $sick 'systemctl stop wedge; ethtool -r "$(nic 1)"'
check "it transmits again" wait_for 60 at $sick 'transmitting "$(nic 1)" && carrier "$(nic 1)"'
check "the alert is resolved" wait_for 300 resolved
run at $sick unhang status
run at $sick journal_lines
check "the dashboard shows that none hangs" wait_for 60 hanging_is 0
run panel "By configuration"
finish
