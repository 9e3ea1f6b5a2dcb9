# about: a kernel without ethtool netlink: the package is installed all the same, each part says so, nothing goes on trying
# suites: trixie
# append: initcall_blacklist=ethnl_init
# needs: UNHANG_DEB
# limit: 180
# shellcheck shell=sh

settle
nic=$(nic 1)
reason="this kernel lacks ethtool netlink, which requires Linux 5.7 and CONFIG_ETHTOOL_NETLINK"
check "it has none" sh -c "dmesg | grep -q 'ethnl_init blacklisted'"

mark
install_deb >/run/vm/installed 2>&1
check_eq "it is installed" 0 $?
show /run/vm/installed
check "one line says that nothing was done" grep -q "^unhang: 1 NIC: $nic 82574L: .*$reason" /run/vm/installed
check_eq "dpkg is sound" "" "$(dpkg --audit)"

mark
udevadm trigger --settle --action=add "/sys/class/net/$nic"
check "the helper says why" wait_for 10 said_times 1 "$nic: .*$reason.*event add"
unhang apply >/run/vm/applied 2>&1
check_eq "apply fails" 1 $?
check "with the reason" grep -q "^$nic: .*$reason" /run/vm/applied
run unhang status
check "status says it" matches "*NOT in force*$reason*" "$(unhang status | tr '\n' ' ')"
check_eq "the offloads are as they were" "tso=on gso=on gro=on" "$(offloads "$nic")"

given_up() { [ "$(systemctl is-active unhang-watch)" = failed ]; }
check "the watcher gives up" wait_for 60 given_up
mark
sleep 3
check "and stays so" given_up
check_eq "without a word" "" "$(said)"
finish
