# about: the watcher runs only where it is needed, and not where its unit is masked
# suites: bookworm
# nics: e1000
# limit: 180
# shellcheck shell=sh

settle
check "installed" install_deb
check_eq "no e1000e, no watcher" inactive "$(systemctl is-active unhang-watch)"
systemctl mask unhang-watch >/dev/null 2>&1
mac=$(host plug late e1000e)
check "an e1000e comes" wait_for 30 nic_by_mac "$mac"
settle
nic=$(nic_by_mac "$mac")
check "udev's helper does its work" offloads_are "$nic" off
check_eq "a masked unit stays away" inactive "$(systemctl is-active unhang-watch)"
check "and nothing failed for that" systemctl is-system-running
host unplug late
check "it goes" wait_for 20 fails nic_by_mac "$mac"

systemctl unmask unhang-watch >/dev/null 2>&1
mark
mac=$(host plug again e1000e)
check "one comes again" wait_for 30 nic_by_mac "$mac"
settle
nic=$(nic_by_mac "$mac")
check "now it is watched" wait_for 20 watching
up "$nic"
check "with carrier" wait_for 20 carrier "$nic"
sleep 2
check "the helper's line is the only one" said_times 1 .
check "from the event add" said_times 1 "tso gso gro off (were on).*event add"
ethtool -K "$nic" tso on
check "drift is put back" wait_for 10 offloads_are "$nic" off

# Gone and here again while it runs, under another name.
pid=$(watcher)
host unplug again
check "it goes too" wait_for 20 fails nic_by_mac "$mac"
gone_from_state() { ! grep -q put_back /run/unhang/watch.json; }
check "and is forgotten" wait_for 5 gone_from_state
mac=$(host plug third e1000e)
check "a third comes" wait_for 30 nic_by_mac "$mac"
settle
ip link set "$(nic_by_mac "$mac")" name lan0
ethtool -K lan0 tso on
check "under its new name it is watched too" wait_for 10 offloads_are lan0 off
check "and called by it" wait_for 5 said_times 1 "^lan0: tso off (was on).*event drift"
check_eq "by the same process" "$pid" "$(watcher)"
finish
