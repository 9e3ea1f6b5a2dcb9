# about: unhang at work, in a guest with an Intel 82574L and the kernel's real e1000e driver
# nics: e1000e e1000
# append: e1000e.IntMode=1
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
neighbour=$(nic 2)
features() { ethtool -k "$1" | grep -E '^(tcp-segmentation|generic-(segmentation|receive))|tx-tcp6?-segmentation'; }
log() { journalctl -q -t unhang -o cat "$@"; }

step "1. An e1000e card as the kernel sets it up, and a neighbour with another driver"
say "$nic: $(driver "$nic"), $neighbour: $(driver "$neighbour")"
run features "$nic"
features "$neighbour" >/run/neighbour.before
check "its offloads are on" offloads_are "$nic" on

step "2. Install one package"
apt-get -qq install "$DEB" >/run/install 2>&1
check "installed" [ $? = 0 ]
run tail -n 1 /run/install
run features "$nic"
check "tso, gso, gro are off" offloads_are "$nic" off
features "$neighbour" >/run/neighbour.after
check "the neighbour is as it was" cmp /run/neighbour.before /run/neighbour.after

step "3. A second card is plugged in while the machine runs"
late=$(host plug late e1000e)
wait_for 30 nic_by_mac "$late"
settle
second=$(nic_by_mac "$late")
run features "$second"
check "its offloads are off too" offloads_are "$second" off

step "4. What there is, and why"
run unhang status
run unhang explain "$second"

step "5. Somebody switches TSO back on"
settle
wait_for 30 systemctl -q is-active unhang-watch
run ethtool -K "$nic" tso on
check "the watcher switches it off again" wait_for 20 offloads_are "$nic" off

step "6. The same for machines without unhang: a .link file for systemd"
run unhang generate link "$nic" --dry-run

step "7. The card hangs: its transmitter stops, and packets wait for ever"
ip addr add 192.0.2.2/24 dev "$nic"
up "$nic"
wait_for 20 carrier "$nic"
ip route add default via 192.0.2.1
# The driver looks at its ring when an interrupt comes, as on a busy card.
says_so_again() { poke "$nic" "$ICS" 0x00400001; more_hangs 1; }
check "the driver says so" wedge_irq "$nic"
check "and again: nothing moves" wait_for 60 says_so_again
dmesg | sed -n '/Detected Hardware Unit Hang/,/TDT/p' | head -n 3 >/run/block
run cat /run/block
came_back() { log | grep -q 'link up .* after recovery'; }
check "the watcher brings it back" wait_for 60 came_back
run ip route show default
check "the default route is still there" matches 'default via 192.0.2.1*' "$(ip route show default)"
check "the offloads are still off" offloads_are "$nic" off

step "8. The whole story, as the log has it, and what it says of the card"
run log
run unhang report
finish
