# about: without the watcher, networkd-dispatcher has offloads put right at link-up
# suites: trixie
# extra: networkd-dispatcher
# append: e1000e.IntMode=1
# limit: 240
# shellcheck shell=sh

settle
nic=$(nic 1)
systemctl mask unhang-watch >/dev/null 2>&1
systemctl unmask systemd-networkd.service systemd-networkd.socket >/dev/null 2>&1
check "installed" install_deb
printf '[Match]\nName=%s\n[Network]\nAddress=10.0.2.15/24\nLinkLocalAddressing=no\nDHCP=no\nIPv6AcceptRA=no\n' "$nic" >/etc/systemd/network/20-nic.network
systemctl start systemd-networkd
systemctl restart networkd-dispatcher
check "networkd-dispatcher runs" systemctl --quiet is-active networkd-dispatcher
check "with carrier" wait_for 30 carrier "$nic"
sleep 3

for round in 1 2; do
    mark
    host link nic0 off
    check "$round: cable out" wait_for 20 no_carrier "$nic"
    sleep 2
    ethtool -K "$nic" tso on
    sleep 1
    check_eq "$round: nobody looks while the link is down" on "$(feature "$nic" tso)"
    host link nic0 on
    check "$round: link-up puts it right" wait_for 20 offloads_are "$nic" off
    sleep 3
    check "$round: one line" said_times 1 .
    check "$round: for the link-up" said_times 1 "$nic: tso off (was on).*event link-up"
done
say "$(said)"
mark
ip link add dummy0 type dummy
ip link set dummy0 up
host link nic0 off
wait_for 20 no_carrier "$nic"
host link nic0 on
wait_for 20 carrier "$nic"
sleep 4
check_eq "what is right, or no rule is for, is not mentioned" "" "$(said)"
check_eq "networkd-dispatcher is content" "" "$(journalctl -q -b -u networkd-dispatcher -p warning -o cat | grep -i unhang)"

# Switched off as README.md says.
for state in carrier degraded routable; do
    mkdir -p /etc/networkd-dispatcher/$state.d
    ln -s /usr/bin/true /etc/networkd-dispatcher/$state.d/50-unhang
done
host link nic0 off
wait_for 20 no_carrier "$nic"
sleep 2
ethtool -K "$nic" tso on
host link nic0 on
wait_for 20 carrier "$nic"
sleep 5
check_eq "the hook can be switched off" on "$(feature "$nic" tso)"
rm -r /etc/networkd-dispatcher/*.d/50-unhang

# Beside the watcher it keeps out.
systemctl unmask unhang-watch >/dev/null 2>&1
check "the watcher is started" start_watching "$nic"
check_eq "the hook says nothing and does nothing" "0 " "$(IFACE=$nic sh -x /usr/lib/networkd-dispatcher/routable.d/50-unhang >/run/vm/trace 2>&1; echo "$? $(grep -c udev/unhang /run/vm/trace | grep -v '^0$')")"
finish
