# about: the guest has a real e1000e NIC with its offloads on, and a neighbour with another driver
# suites: trixie
# nics: e1000e e1000
# shellcheck shell=sh

settle
nic=$(nic 1) other=$(nic 2)
say "$nic and $other on $(uname -r), $(systemctl --version | head -n 1)"
check_eq "the first NIC's driver" e1000e "$(driver "$nic")"
check_eq "the second NIC's driver" e1000 "$(driver "$other")"
check "the first NIC's offloads are on" offloads_are "$nic" on
check_eq "udev knows the driver" e1000e "$(udevadm info -q property --property ID_NET_DRIVER --value "/sys/class/net/$nic")"
check_eq "udev named it" enp1s0 "$nic"
check "the system is not degraded" systemctl is-system-running ||
    run systemctl --failed --no-pager
metric boot-s "$(systemd-analyze time | sed -n 's/.*= \([0-9.]*\)s.*/\1/p' | head -n 1)"
finish
