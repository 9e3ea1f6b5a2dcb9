# about: two hangs without a reset and one with, the package installed in between: report, status and metrics agree
# suites: bookworm
# append: e1000e.IntMode=1
# limit: 480
# shellcheck shell=sh

# values FILE DEPTH KEY: a key's values in the pretty JSON, each on its line, by how deep it stands.
values() {
    sed -n "s/^ \\{$2\\}\"$3\": \"\\{0,1\\}\\([^\",[{]\\{1,\\}\\).*/\\1/p" "$1" | tr '\n' ' ' | sed 's/ $//'
}
stir() { while poke "$nic" "$ICS" 0x00400001; do sleep 0.2; done; }
report() { unhang report --json >/run/vm/report; }
metric_is() { # NAME VALUE
    unhang metrics >/run/vm/metrics
    grep -qxE "$1\{interface=\"$nic\"[^}]*\} $2" /run/vm/metrics || { cat /run/vm/metrics; return 1; }
}

settle
nic=$(nic 1)
up "$nic"
wait_for 20 carrier "$nic"

case $STAGE in
1)
    # As long as nothing has been installed, somebody restarts autonegotiation by hand.
    check "a hang without a reset" wedge_irq "$nic"
    ethtool -r "$nic"
    check "it transmits again" wait_for 20 transmitting "$nic"
    wait_for 20 carrier "$nic"
    sleep 3
    check "installed" install_deb
    check "offloads are off" offloads_are "$nic" off
    check "the watcher watches" wait_for 20 systemctl --quiet is-active unhang-watch
    sleep 1
    check "a hang after that" wedge_irq "$nic"
    # The watcher waits for a second block, which takes another interrupt.
    stir &
    stirring=$!
    check "the watcher brings it back" wait_for 40 sh -c "journalctl -q -t unhang -o cat | grep -q 'after recovery'"
    kill $stirring
    check "it transmits" wait_for 20 transmitting "$nic"
    run unhang report
    reboot
    ;;
2)
    check "offloads are off after boot" offloads_are "$nic" off
    systemctl mask --now unhang-watch >/dev/null 2>&1
    check "a third hang" wedge_irq "$nic"
    check "left alone, the adapter is reset" wait_for 40 more_resets 0
    check "it transmits again" wait_for 20 transmitting "$nic"
    wait_for 20 carrier "$nic"
    sleep 2

    report
    show /run/vm/report
    check_eq "three incidents, with their ends" "link unhang reset" "$(values /run/vm/report 10 ended_by)"
    check_eq "before and after the installation" "false true true" "$(values /run/vm/report 10 in_force)"
    check_eq "two boots" 2 "$(values /run/vm/report 6 uptime_s | wc -w)"
    check_eq "the verdict" not-fixed "$(values /run/vm/report 4 kind)"
    check_eq "two after, one before" "2 1 0" "$(values /run/vm/report 6 incidents)"
    run unhang report

    begin=$(now)
    unhang status --json >/run/vm/status
    metric status-hundredths $(($(now) - begin))
    show /run/vm/status
    check_eq "status: one this boot" 1 "$(values /run/vm/status 6 incidents)"
    check_eq "status: three in all" 3 "$(values /run/vm/status 6 incidents_in_all)"
    check_eq "status: not wedged" false "$(values /run/vm/status 6 wedged)"
    check_eq "status: the verdict" not-fixed "$(values /run/vm/status 6 verdict)"
    run unhang status --check
    check "status --check is content" unhang status --check
    check "everybody may ask, and is told what it takes" matches '*incidents unknown*systemd-journal*' \
        "$(setpriv --reuid 65534 --regid 65534 --clear-groups unhang status 2>&1)"

    check "metrics: one this boot" metric_is unhang_hang_incidents_total 1
    check "metrics: one reset" metric_is unhang_adapter_resets_total 1
    check "metrics: in force" metric_is unhang_in_force 1
    check "metrics: no hang now" metric_is unhang_hang_ongoing 0
    check "metrics: the kernel log was read" metric_is unhang_kernel_log_read 1
    mkdir -p /var/lib/prometheus/node-exporter
    check "the service writes them" systemctl start unhang-metrics.service
    check "what is counted is kept" grep -q '"incidents":1' /var/lib/unhang/metrics.json
    check "for everybody to read" grep -q unhang_in_force /var/lib/prometheus/node-exporter/unhang.prom
    check "its security score is 1.5 at most" systemd-analyze security --threshold=15 unhang-metrics.service
    check "the timer is off" fails systemctl --quiet is-enabled unhang-metrics.timer

    unhang report --vendor >/run/vm/vendor
    show /run/vm/vendor
    check "the vendor's report names no address" fails grep -qi "$(cat "/sys/class/net/$nic/address")" /run/vm/vendor

    check "a hang that goes on" wedge_irq "$nic"
    check "status --check finds it" fails unhang status --check
    unwedge "$nic"
    finish
    ;;
esac
