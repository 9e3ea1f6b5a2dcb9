# about: every family of settings: right at boot, put back at drift, restored; what a NIC lacks stops nothing else; the link does not flap
# suites: bookworm trixie
# nics: none
# extra: testnic.ko
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

# what EEE… RX…: all of them, in one line.
settings() {
    echo "eee $(setting "$nic" --show-eee "EEE status" | cut -d' ' -f1), pause $(setting "$nic" -a Autonegotiate)" \
        "$(setting "$nic" -a RX) $(setting "$nic" -a TX), ring $(setting "$nic" -g RX) $(setting "$nic" -g TX)," \
        "rx-usecs $(setting "$nic" -c rx-usecs), s0ix-enabled $(setting "$nic" --show-priv-flags s0ix-enabled)," \
        "disable-k1 $(setting "$nic" --show-priv-flags disable-k1), wol $(setting "$nic" "" Wake-on)"
}
settings_are() { [ "$(settings)" = "$1" ] || { settings; return 1; }; }
original="eee enabled, pause on on on, ring 256 256, rx-usecs 3, s0ix-enabled on, disable-k1 off, wol g"
wanted="eee disabled, pause off off off, ring 1024 512, rx-usecs 10, s0ix-enabled off, disable-k1 on, wol d"
# Somebody else's, all at one time: the watcher sees them once it goes on.
disturb() {
    kill -STOP "$(watcher)"
    ethtool --set-eee "$nic" eee on
    ethtool -A "$nic" rx on tx on
    ethtool -G "$nic" rx 128 tx 128
    ethtool -C "$nic" rx-usecs 100
    ethtool --set-priv-flags "$nic" s0ix-enabled on disable-k1 off
    ethtool -s "$nic" wol g
    kill -CONT "$(watcher)"
}

settle
if [ "$STAGE" = 1 ]; then
    check "installed" install_deb
    mkdir -p /etc/unhang/rules.d
    cat >/etc/unhang/rules.d/60-settings.toml <<'END'
[[rule]]
name = "settings"
[rule.match]
driver = "e1000e"
[rule.eee]
enabled = false
[rule.pause]
autoneg = false
rx = false
tx = false
[rule.ring]
rx = 1024
tx = 512
[rule.coalesce]
rx-usecs = 10
[rule.private-flags]
s0ix-enabled = false
disable-k1 = true
[rule.wol]
magic = false
END
    run unhang check
    echo testnic >/etc/modules-load.d/testnic.conf
    reboot
fi

nic=$(nic 1)
check "all of it is right after boot" settings_are "$wanted"
check "and the offloads" offloads_are "$nic" off
run journalctl -q -t unhang -o cat -b -p info
up "$nic"
check "the link comes up" wait_for 20 carrier "$nic"
check_eq "and did not go" 0 "$(drops "$nic")"

# --- drift

check "it is watched" wait_for 20 watching
mark
disturb
check "all of it is put back" wait_for 20 settings_are "$wanted"
check "there is a link" wait_for 20 carrier "$nic"
check "it went once for both" drops_are "$nic" 1
say "$(said)"
check "one line says so" wait_for 5 said_times 1 "^$nic: .*event drift"

# --- without a rule

check "revert" unhang revert "$nic"
check "restores all of it" settings_are "$original"
check "there is a link" wait_for 20 carrier "$nic"
check "it went once for all" drops_are "$nic" 2
check "applied by hand" unhang apply "$nic"
check "all of it is right again" settings_are "$wanted"

# --- a family that the NIC lacks

mark
testnic eee=0
up "$nic"
check "the others are right" [ "$(settings | sed 's/^eee [a-z]*//')" = "${wanted#eee disabled}" ]
check "and the offloads" offloads_are "$nic" off
say "$(said)"
check "one line names it" wait_for 5 said_times 1 "^$nic: .*eee off (not supported by this NIC).*event add"
wait_for 20 carrier "$nic"

# --- somebody who insists: on what takes the link, as soon as there is a link

testnic link_ms=1000
up "$nic"
check "link" wait_for 20 carrier "$nic"
check "right" settings_are "$wanted"
mark
resets=$(setting "$nic" -S resets)
round=0 theirs=0
while [ $round -lt 50 ]; do
    # Else it is no change, and the driver never hears of it.
    [ "$(setting "$nic" --show-eee "EEE status")" != disabled ] || theirs=$((theirs + 1))
    ethtool --set-eee "$nic" eee on
    wait_for 20 carrier "$nic"
    round=$((round + 1))
done
sleep 3
wait_for 20 carrier "$nic"
ours=$(($(setting "$nic" -S resets) - resets - theirs))
metric "times that the link went in 50 changes" "$(drops "$nic"): $theirs of theirs, $ours of ours within these"
check "the link went three times at most for unhang" [ $ours -le 3 ]
check_eq "and not once more than for them" "$theirs" "$(drops "$nic")"
check "somebody else has their way" setting_is "$nic" --show-eee "EEE status" "enabled - active"
check "a handful of lines" [ "$(lines .)" -le 6 ]
say "$(said)"

# --- a rule that can't last: with autonegotiation the link partners decide, and the driver rounds 3000 to 3012

mark
printf '[[rule]]\nname = "vain"\nmatch.driver = "e1000e"\n[rule.pause]\nrx = false\n[rule.coalesce]\nrx-usecs = 3000\n' \
    >/etc/unhang/rules.d/60-settings.toml
testnic link_ms=500
up "$nic"
check "link" wait_for 20 carrier "$nic"
sleep 15
check "link, still" wait_for 20 carrier "$nic"
before=$(drops "$nic")
metric "times that the link went for a rule in vain" "$before"
check "it went three times at most" [ "$before" -le 3 ]
check "what the driver rounds is there" setting_is "$nic" -c rx-usecs 3012
check "and counts as wanted" said_times 0 "rx-usecs still"
cable "$nic" off
sleep 1
cable "$nic" on
wait_for 20 carrier "$nic"
sleep 5
check "not once more at the next link-up" drops_are "$nic" $((before + 1))
say "$(said)"
finish
