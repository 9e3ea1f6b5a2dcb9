# about: a NIC that stays dead has the machine rebooted, once in a day, also if the power goes meanwhile
# suites: trixie
# needs: UNHANG_DEB
# limit: 400
# shellcheck shell=sh

settle
nic=$(nic 1)
# Nobody waits ten minutes here: whoever reboots sees another uptime.
mkdir -p /run/systemd/system/unhang-notify.service.d
echo "6000.00 6000.00" >/run/vm/uptime
printf '[Service]\nBindReadOnlyPaths=/run/vm/uptime:/proc/uptime\n' >/run/systemd/system/unhang-notify.service.d/uptime.conf
dead() {
    up "$nic"
    wait_for 20 carrier "$nic"
    wait_for 20 watching
    hold "$nic"
    send "$nic" 600 &
    # On a busy machine the driver itself resets the adapter now and then before the second block.
    check "it is wedged" wait_for 120 said_times 1 "recovery 1: autonegotiation restarted"
}
case $STAGE in
1)
    mkdir -p /etc/unhang/rules.d /etc/unhang/notify.d
    printf '[[rule]]\nname = "alone"\nexhausted = "reboot"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-alone.toml
    printf '#!/bin/sh\ncat >>/var/told\nsync\n' >/etc/unhang/notify.d/10-notes
    chmod +x /etc/unhang/notify.d/10-notes
    install_and_watch "$nic"
    # The power goes the moment it would reboot.
    mkdir -p /run/vm/bin
    printf '#!/bin/sh\necho b >/proc/sysrq-trigger\n' >/run/vm/bin/systemctl
    chmod +x /run/vm/bin/systemctl
    echo 1 >/proc/sys/kernel/sysrq
    echo 'Environment=PATH=/run/vm/bin:/usr/bin:/bin' >>/run/systemd/system/unhang-notify.service.d/uptime.conf
    systemctl daemon-reload
    sync
    mark
    dead
    tell rebooting
    # shellcheck disable=SC2034 # an answer that only has to come
    read -r host_answer <&3
    exec sleep infinity
    ;;
2)
    systemctl daemon-reload
    check "the hook was told before" grep -q '"event":"exhausted".*"reboot":true' /var/told
    show /var/told
    check "once" [ "$(wc -l </var/told)" = 1 ]
    check "the reboot is noted though the power went" [ -s /var/lib/unhang/last-reboot ]
    mark
    dead
    check "it is not done again" wait_for 150 said_times 1 "$nic: no reboot: the last one was less than a day ago"
    check "but said" said_times 1 "left alone: three recoveries did not help, exhausted: asks for a reboot"
    say "$(said)"
    release
    echo 1000000000 >/var/lib/unhang/last-reboot
    another_incident
    mark
    dead
    tell rebooting
    # shellcheck disable=SC2034 # an answer that only has to come
    read -r host_answer <&3
    exec sleep infinity
    ;;
3)
    check "years later it is" [ "$(cat /var/lib/unhang/last-reboot)" -gt 1000000000 ]
    check "the log of the boot before says so" sh -c "journalctl -q -b -1 -t unhang -o cat | grep -q '$nic: the machine is rebooted'"
    finish
    ;;
esac
