# about: a trial survives a reboot, is refuted by a hang and put back; the next one is kept
# suites: trixie
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
past=/var/past.log
ring_is() { setting_is "$nic" -g RX "$1"; }
usecs_are() { setting_is "$nic" -c rx-usecs "$1"; }
# lines_at SECONDS: what is on stdin, as a log has it at that time.
lines_at() { sed "s/^/$(date -u -d "@$1" +%Y-%m-%dT%H:%M:%S).000000+00:00 guest /"; }
# Sixteen days, with eight hangs, up to now: nobody waits for these here.
write_past() {
    address=$(basename "$(readlink -f "/sys/class/net/$nic/device")")
    start=$(($(date +%s) - 16 * 86400))
    echo "kernel: Linux version 6.12.0" | lines_at $start
    echo "unhang[7]: $(layout_line "$nic" add)" | lines_at $((start + 60))
    for hour in 24 77 118 180 216 274 314 360; do
        printf '%s\n' "kernel: e1000e $address $nic: Detected Hardware Unit Hang:" \
            "kernel: e1000e $address $nic: Reset adapter unexpectedly" | lines_at $((start + hour * 3600))
    done
    echo "kernel: end" | lines_at $((start + 16 * 86400 - 10))
}
case $STAGE in
1)
    mkdir -p /etc/unhang/rules.d
    install_and_watch "$nic"
    check "before any incident nothing can be learnt" fails unhang try ring.rx=512
    check "it says so" sh -c "unhang try ring.rx=512 2>&1 | grep -q 'there is nothing to compare with'"
    mark
    check "it can be what a trial elsewhere is compared with" run unhang try --control --days 30 ring.rx=512
    check "which the log says" said_times 1 "$nic: trial ring rx 512 control (30.0 days); no rule;"
    check "and nothing else is done" sh -c "! ls /etc/unhang/rules.d/90-trial-* 2>/dev/null"
    write_past >$past
    show $past
    mark
    check "it is started" run unhang try --log $past ring.rx=512
    check "and in force" ring_is 512
    check "its criterion is written down" grep -q '^needed-days = [0-9]*\.[0-9]$' /etc/unhang/rules.d/90-trial-ring-rx-512.toml
    check "the log says by when one knows" said_times 1 "$nic: trial ring rx 512 started ([0-9.]* days)"
    check "another one is refused" sh -c "unhang try --log $past coalesce.rx-usecs=10 2>&1 | grep -q 'a trial of ring rx 512 is running'"
    reboot
    ;;
2)
    check "it survives a reboot" ring_is 512
    up "$nic"
    wait_for 20 carrier "$nic"
    check "it is watched" wait_for 20 watching
    run unhang status
    check "status shows it" sh -c "unhang status | grep -q 'trial.*ring rx 512'"
    check "it is too early to keep it" sh -c "unhang try --log $past --keep 2>&1 | grep -q 'too early'"
    mark
    check "it hangs" wedge_irq "$nic"
    check "which refutes it" wait_for 20 said_times 1 "$nic: trial ring rx 512 refuted.*event trial"
    check "what was before is back" wait_for 20 ring_is 256
    check "its rule is gone" [ ! -e /etc/unhang/rules.d/90-trial-ring-rx-512.toml ]
    check "the offloads are off" offloads_are "$nic" off
    check "the NIC is back" wait_for 60 carrier "$nic"
    check "report names it" sh -c "unhang report | tr '\\n' ' ' | grep -q 'trial of ring rx 512 .*refuted'"
    say "$(said)"
    run unhang report

    another_incident
    mark
    check "another one can begin" run unhang try --log $past coalesce.rx-usecs=10
    check "it is in force" usecs_are 10
    check "too early" fails unhang try --log $past --keep
    { said | sed 's/^/unhang[7]: /' | lines_at "$(date +%s)"; echo "kernel: end" | lines_at $(($(date +%s) + 60 * 86400)); } >>$past
    check "after 60 days it is kept" run unhang try --log $past --keep
    check "as an ordinary rule" grep -q 'no incident in [0-9.]* days' /etc/unhang/rules.d/80-coalesce-rx-usecs-10.toml
    check "there is no trial any more" sh -c "unhang try --keep 2>&1 | grep -q 'no trial is running'"
    check "it is still in force" usecs_are 10
    sync
    reboot
    ;;
3)
    check "it outlives a reboot" usecs_are 10
    check "as the log says" [ "$(journal_lines -b -p info | grep -c 'coalesce rx-usecs 10 (was 3).*rule .*coalesce-rx-usecs-10')" = 1 ]
    say "$(journal_lines -b -p info)"
    finish
    ;;
esac
