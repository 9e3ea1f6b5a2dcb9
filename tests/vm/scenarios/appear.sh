# about: every way in which a NIC can appear: hotplug, rebind, module reload, PCI rescan, rename
# suites: trixie
# nics: e1000e e1000
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
mac=$(cat "/sys/class/net/$nic/address")
neighbour=$(nic 2)
neighbour_before=$(ethtool -k "$neighbour")
check "installed" install_deb
device=$(readlink -f "/sys/class/net/$nic/device")
address=${device##*/}

# here MAC LINES: the NIC is there and settled, its offloads are off, and so many lines tell it.
lines() { journal_lines -p info | grep -c 'event add'; }
here() {
    wait_for 30 nic_by_mac "$1" && settle && offloads_are "$(nic_by_mac "$1")" off &&
        wait_for 10 [ "$(lines)" = "$2" ] && [ "$(lines)" = "$2" ]
}

told=0
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    plugged=$(host plug late e1000e)
    told=$((told + 1))
    wait_for 20 nic_by_mac "$plugged"
    check "hotplug $round" here "$plugged" $told || break
    host unplug late
    wait_for 20 fails nic_by_mac "$plugged"
done

echo "$address" >/sys/bus/pci/drivers/e1000e/unbind
echo "$address" >/sys/bus/pci/drivers/e1000e/bind
told=$((told + 1))
check "unbound and bound" here "$mac" $told

modprobe -r e1000e
modprobe e1000e
told=$((told + 1))
check "module loaded again" here "$mac" $told

echo 1 >"$device/remove"
wait_for 20 fails nic_by_mac "$mac"
echo 1 >/sys/bus/pci/rescan
told=$((told + 1))
check "PCI rescan" here "$mac" $told

# Renamed in the very event, by the admin's .link file, and by hand afterwards.
printf '[Match]\nMACAddress=%s\n[Link]\nName=lan0\n' "$mac" >/etc/systemd/network/10-lan.link
udevadm control --reload
echo "$address" >/sys/bus/pci/drivers/e1000e/unbind
echo "$address" >/sys/bus/pci/drivers/e1000e/bind
told=$((told + 1))
check "renamed in the same event" here "$mac" $told
check_eq "the new name" lan0 "$(nic_by_mac "$mac")"
check "the log has the new name" matches '*lan0: tso gso gro off (were on);*' "$(journal_lines -p info)"
ethtool -K lan0 tso on
systemctl stop unhang-watch
ethtool -K lan0 tso on
ip link set lan0 name wan0
settle
check "renamed by hand: the move event puts it right" offloads_are wan0 off
check "and says so" wait_for 10 sh -c "journalctl -q -t unhang -o cat | grep -q 'wan0: tso off (was on), gso gro already off.*event move'"

check_eq "the neighbour is as it was" "$neighbour_before" "$(ethtool -k "$neighbour")"
check "nothing was said of it" fails sh -c "journalctl -q -t unhang -o cat | grep -q '^$neighbour'"
check "nothing failed in udev" fails sh -c "journalctl -q -u systemd-udevd -p warning -o cat | grep -i unhang"
finish
