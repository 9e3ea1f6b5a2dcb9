# about: the e1000e of before Linux 6.3 turns TSO on at link-up, behind the kernel's back; the watcher puts it right
# suites: bookworm only
# append: e1000e.IntMode=1
# extra: old-e1000e.ko
# limit: 300
# needs: UNHANG_DEB
# shellcheck shell=sh

settle
nic=$(nic 1)
check_eq "the driver is the old one" "/lib/modules/$(uname -r)/updates/e1000e.ko" "$(modinfo -n e1000e)"

tso() { ethtool -k "$nic" | sed -n 's/.*tx-tcp-segmentation: //p'; }
tso_is() { [ "$(tso)" = "$1" ] || { tso; return 1; }; }
linked_at() { carrier "$nic" && [ "$(cat "/sys/class/net/$nic/speed")" = "$1" ]; }
at_100() {
    ethtool -s "$nic" speed 100 duplex full autoneg off
    check "100 Mb/s" wait_for 20 linked_at 100
}
at_1000() {
    ethtool -s "$nic" autoneg on advertise 0x2f
    check "1000 Mb/s" wait_for 20 linked_at 1000
}

# --- the driver by itself

up "$nic"
check "1000 Mb/s" wait_for 20 linked_at 1000
check_eq "on at first" on "$(tso)"
at_100
check "the driver turns it off" wait_for 5 tso_is "off [requested on]"
check "asked for off, it is off" ethtool -K "$nic" tso off
at_1000
check "the driver turns it on again" wait_for 5 tso_is "on [requested off]"
check "asking again succeeds" ethtool -K "$nic" tso off
check_eq "and repairs nothing" "on [requested off]" "$(tso)"
host link nic0 off
check "cable out" wait_for 20 no_carrier "$nic"
host link nic0 on
check "cable in" wait_for 20 carrier "$nic"
check_eq "nor does a link-up" "on [requested off]" "$(tso)"
ethtool -K "$nic" tso on
ethtool -K "$nic" tso off
check_eq "off, on and off does" off "$(tso)"

# --- the same driver with the watcher. A new NIC is as at first.

check "driver loaded anew" sh -c "rmmod e1000e && modprobe e1000e && udevadm settle"
up "$nic"
check "1000 Mb/s" wait_for 20 linked_at 1000
at_100
check "the driver turns it off" wait_for 5 tso_is "off [requested on]"
check "installed" install_deb
check "watched" wait_for 20 watching
mark
at_1000
up_at=$(now)
check "the watcher puts it right" wait_for 5 tso_is off
metric "hundredths of a second from link-up to TSO off" $(($(now) - up_at))
sleep 2
check "all of it, for good" offloads_are "$nic" off
check "one line says so" wait_for 5 said_times 1 "^$nic: tso .*off (was on).*event link-up"
say "$(said)"
host link nic0 off
check "cable out" wait_for 20 no_carrier "$nic"
mark
host link nic0 on
check "cable in" wait_for 20 carrier "$nic"
sleep 2
check_eq "off after a link-up" off "$(tso)"
check_eq "with nothing more to do" "" "$(said)"
finish
